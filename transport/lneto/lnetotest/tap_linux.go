package lnetotest

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/netspace"
	"github.com/bobtail-go/bobtail/transport"
)

// Tap is a TAP device in a network namespace of its own: a lneto.NIC whose
// other side is the system's own network. Nothing of it is left after Close.
// To make one takes the rights of root. Idle and Kick are made for the fields
// of lneto.Config of those names.
type Tap struct {
	space *netspace.Space
	fd    int
	kicks [2]int // a pipe
}

// NewTap makes a device, with an address of a network of 256.
func NewTap(ip [4]byte) (*Tap, error) {
	space, err := netspace.New()
	if err != nil {
		return nil, err
	}
	t := &Tap{space: space, fd: -1, kicks: [2]int{-1, -1}}
	fd, err := space.Device(ip)
	if err == nil {
		t.fd = fd
		err = os.NewSyscallError("pipe", syscall.Pipe2(t.kicks[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC))
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close ends the device, when Run has returned.
func (t *Tap) Close() error {
	t.space.Close()
	for _, fd := range []int{t.fd, t.kicks[0], t.kicks[1]} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
	return nil
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
	err = t.space.Do(func() error {
		c, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen opens a listener of the system inside the namespace.
func (t *Tap) Listen(network, address string) (l net.Listener, err error) {
	err = t.space.Do(func() error {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}
