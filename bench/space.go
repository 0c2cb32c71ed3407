package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// space is a network namespace: devices, addresses and ports of its own. It lasts
// as long as a thread of this program is in it, or a process that was started
// there, and the system leaves nothing of it.
type space struct {
	calls chan func()
}

// newSpace makes a namespace. It takes the rights of root.
func newSpace() (*space, error) {
	s := &space{calls: make(chan func())}
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
	return s, <-made
}

// do calls f inside. Processes that it starts, and sockets that it opens, are
// there; the processes are killed when the space is closed.
func (s *space) do(f func() error) error {
	done := make(chan error)
	s.calls <- func() { done <- f() }
	return <-done
}

func (s *space) close() { close(s.calls) }

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
func (r *ifreq) address(b [4]byte) *ifreq {
	r.short(syscall.AF_INET)
	copy(r.data[4:], b[:])
	return r
}

func ioctl(fd int, request uintptr, r *ifreq) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(r))); e != 0 {
		return e
	}
	return nil
}

// device makes a TAP device with an address of a network of 256, and returns the
// file by which its frames are read and written.
func (s *space) device(addr netip.Addr) (*os.File, error) {
	var file *os.File
	err := s.do(func() error {
		fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("/dev/net/tun: %w", err)
		}
		if err := ioctl(fd, tunSetIff, newIfreq("path").short(iffTap|iffNoPi)); err != nil {
			syscall.Close(fd)
			return fmt.Errorf("TUNSETIFF: %w", err)
		}
		file = os.NewFile(uintptr(fd), "path")
		socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		defer syscall.Close(socket)
		return errors.Join(
			ioctl(socket, siocSetAddr, newIfreq("path").address(addr.As4())),
			ioctl(socket, siocSetNetmask, newIfreq("path").address([4]byte{255, 255, 255, 0})),
			ioctl(socket, siocSetFlags, newIfreq("path").short(iffUp)),
			ioctl(socket, siocSetFlags, newIfreq("lo").short(iffUp)),
		)
	})
	if err != nil && file != nil {
		file.Close()
	}
	return file, err
}
