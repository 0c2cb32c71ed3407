package netspace

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Space is a network namespace: devices, addresses and ports of its own. It lasts
// as long as a thread of this program is in it, or a process that was started
// there, and the system leaves nothing of it.
type Space struct {
	calls chan func()
}

// New makes a namespace.
func New() (*Space, error) {
	s := &Space{calls: make(chan func())}
	made := make(chan error)
	go func() {
		// Never unlocked, so that the thread ends with the goroutine.
		runtime.LockOSThread()
		err := os.NewSyscallError("unshare", syscall.Unshare(syscall.CLONE_NEWNET))
		made <- err
		if err != nil {
			return
		}
		for f := range s.calls {
			f()
		}
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	return s, nil
}

// Do calls f inside. Processes that it starts, and sockets that it opens, are
// there.
func (s *Space) Do(f func() error) error {
	done := make(chan error)
	s.calls <- func() { done <- f() }
	return <-done
}

// Close leaves the namespace.
func (s *Space) Close() { close(s.calls) }

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

func newIfreq(name string) *ifreq {
	r := new(ifreq)
	copy(r.name[:], name)
	return r
}

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

// Device makes a TAP device with an address of a network of 256, and sets it and
// the loopback up. It returns the descriptor, which does not block, by which its
// frames are read and written; it is the caller's, and gone on an error.
func (s *Space) Device(ip [4]byte) (fd int, err error) {
	err = s.Do(func() error {
		var err error
		if fd, err = syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("/dev/net/tun: %w", err)
		}
		if err = setUp(fd, ip); err != nil {
			syscall.Close(fd)
		}
		return err
	})
	return fd, err
}

// setUp makes the descriptor a device's.
func setUp(fd int, ip [4]byte) error {
	const tap, loopback = "tap", "lo"
	if err := ioctl(fd, tunSetIff, newIfreq(tap).short(iffTap|iffNoPi)); err != nil {
		return fmt.Errorf("TUNSETIFF: %w", err)
	}
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(socket)
	return errors.Join(
		ioctl(socket, siocSetAddr, newIfreq(tap).address(ip)),
		ioctl(socket, siocSetNetmask, newIfreq(tap).address([4]byte{255, 255, 255, 0})),
		ioctl(socket, siocSetFlags, newIfreq(tap).short(iffUp)),
		ioctl(socket, siocSetFlags, newIfreq(loopback).short(iffUp)),
	)
}
