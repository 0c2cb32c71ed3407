package lnetotest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// Tap is a TAP device in a network namespace of its own: a lneto.NIC whose
// other side is the system's own network. Nothing of it is left after Close.
// To make one takes the rights of root. Idle and Kick are made for the fields
// of lneto.Config of those names.
type Tap struct {
	calls chan func() // run inside the namespace
	fd    int
	kicks [2]int // a pipe
}

// NewTap makes a device, with an address of a network of 256.
func NewTap(ip [4]byte) (*Tap, error) {
	t := &Tap{calls: make(chan func()), fd: -1, kicks: [2]int{-1, -1}}
	made := make(chan error)
	go func() {
		// Never unlocked, so that the thread ends with the goroutine, and the
		// namespace with the thread.
		runtime.LockOSThread()
		err := os.NewSyscallError("unshare", syscall.Unshare(syscall.CLONE_NEWNET))
		made <- err
		if err == nil {
			for f := range t.calls {
				f()
			}
		}
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	err := t.do(func() error { return t.open(ip) })
	if err == nil {
		err = os.NewSyscallError("pipe", syscall.Pipe2(t.kicks[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC))
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Tap) do(f func() error) error {
	done := make(chan error)
	t.calls <- func() { done <- f() }
	return <-done
}

// Close ends the device, when Run has returned.
func (t *Tap) Close() error {
	close(t.calls)
	for _, fd := range []int{t.fd, t.kicks[0], t.kicks[1]} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
	return nil
}

// Of <linux/if_tun.h>, <linux/if.h> and <linux/sockios.h>.
const (
	tunSetIff = 0x400454ca
	iffTap    = 0x0002
	iffNoPi   = 0x1000
	iffUp     = 0x0001

	siocSetFlags   = 0x8914
	siocSetAddr    = 0x8916
	siocSetNetmask = 0x891c
)

// ifreq is the kernel's struct of that name: a device, and what is told of it.
type ifreq struct {
	name [16]byte
	data [24]byte
}

func newIfreq() *ifreq { return &ifreq{name: [16]byte{'t', 'a', 'p'}} }

func (r *ifreq) short(v uint16) *ifreq {
	*(*uint16)(unsafe.Pointer(&r.data)) = v
	return r
}

// address is a struct sockaddr_in.
func (r *ifreq) address(ip [4]byte) *ifreq {
	r.short(syscall.AF_INET)
	copy(r.data[4:], ip[:])
	return r
}

func ioctl(fd int, request uintptr, r *ifreq) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(r))); e != 0 {
		return e
	}
	return nil
}

func (t *Tap) open(ip [4]byte) error {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	t.fd = fd
	if err := ioctl(fd, tunSetIff, newIfreq().short(iffTap|iffNoPi)); err != nil {
		return fmt.Errorf("TUNSETIFF: %w", err)
	}
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(socket)
	return errors.Join(
		ioctl(socket, siocSetAddr, newIfreq().address(ip)),
		ioctl(socket, siocSetNetmask, newIfreq().address([4]byte{255, 255, 255, 0})),
		ioctl(socket, siocSetFlags, newIfreq().short(iffUp)),
	)
}

// Send implements lneto.NIC.
func (t *Tap) Send(frame []byte) error {
	_, err := syscall.Write(t.fd, frame)
	if err == syscall.EAGAIN || err == syscall.ENOBUFS {
		return transport.ErrWouldBlock
	}
	return err
}

// Receive implements lneto.NIC.
func (t *Tap) Receive(buf []byte) (int, error) {
	n, err := syscall.Read(t.fd, buf)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return 0, nil
	}
	return max(n, 0), err
}

// Kick ends an Idle, or the next one.
func (t *Tap) Kick() { syscall.Write(t.kicks[1], []byte{0}) }

// Idle waits for a frame, a Kick, or a millisecond.
func (t *Tap) Idle() {
	type pollFd struct {
		fd              int32
		events, revents int16
	}
	const in = 1 // POLLIN
	fds := [2]pollFd{{int32(t.fd), in, 0}, {int32(t.kicks[0]), in, 0}}
	ts := syscall.NsecToTimespec(int64(time.Millisecond))
	syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), 2, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	var b [64]byte
	for fds[1].revents != 0 {
		if n, _ := syscall.Read(t.kicks[0], b[:]); n < len(b) {
			break
		}
	}
}

// DialContext opens a connection with a socket of the system inside the
// namespace, for http.Transport among others.
func (t *Tap) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = t.do(func() error {
		c, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen opens a listener of the system inside the namespace.
func (t *Tap) Listen(network, address string) (l net.Listener, err error) {
	err = t.do(func() error {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}
