//go:build linux && (amd64 || arm64)

package epoll

import (
	"syscall"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// Numbers of the kernel's interface that package syscall lacks, or has with
// an inconvenient type. They are the same on amd64 and arm64.
const (
	epollET      = 1 << 31
	efdNonblock  = syscall.O_NONBLOCK
	efdCloexec   = syscall.O_CLOEXEC
	msgDontwait  = syscall.MSG_DONTWAIT
	msgNosignal  = syscall.MSG_NOSIGNAL
	msgMore      = 0x8000
	rlimitNofile = 7
)

// errorOf names a system error.
func errorOf(e syscall.Errno) error {
	switch e {
	case 0:
		return nil
	case syscall.EAGAIN:
		return transport.ErrWouldBlock
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED:
		return transport.ErrReset
	case syscall.ECONNREFUSED:
		return transport.ErrRefused
	case syscall.ETIMEDOUT:
		return transport.ErrTimedOut
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN:
		return transport.ErrUnreachable
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return transport.ErrDescriptors
	case syscall.EADDRINUSE:
		return transport.ErrAddressInUse
	case syscall.EADDRNOTAVAIL, syscall.EINVAL:
		return transport.ErrAddress
	case syscall.EACCES, syscall.EPERM:
		return transport.ErrPermission
	case syscall.EBADF:
		return transport.ErrClosed
	case syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT:
		return transport.ErrNotSupported
	}
	return transport.ErrSystem
}

// descriptorLimit raises the process's limit of descriptors as far as it may,
// and returns it.
func descriptorLimit() int {
	var r struct{ cur, max uint64 }
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, rlimitNofile, 0, uintptr(unsafe.Pointer(&r)), 0, 0); e != 0 {
		return 1024 // what POSIX systems have begun with
	}
	if r.cur < r.max {
		raised := r
		raised.cur = r.max
		if _, _, e := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, rlimitNofile, uintptr(unsafe.Pointer(&raised)), 0, 0, 0); e == 0 {
			r = raised
		}
	}
	return int(min(r.cur, 1<<30))
}

// sockaddr has room for an address of either family. Its family and zone are
// in the byte order of the machine, which is little-endian on both.
type sockaddr [28]byte

// set writes a as the kernel has it (struct sockaddr_in or sockaddr_in6) and
// returns its length. An unset address is the unspecified one of IPv6, which
// stands for both families.
func (sa *sockaddr) set(a transport.Addr) uintptr {
	*sa = sockaddr{}
	port := a.Port()
	sa[2], sa[3] = byte(port>>8), byte(port)
	if a.Is4() {
		sa[0] = syscall.AF_INET
		ip := a.Bytes4()
		copy(sa[4:8], ip[:])
		return 16
	}
	sa[0] = syscall.AF_INET6
	ip := a.Bytes16()
	copy(sa[8:24], ip[:])
	zone := a.Zone()
	sa[24], sa[25], sa[26], sa[27] = byte(zone), byte(zone>>8), byte(zone>>16), byte(zone>>24)
	return 28
}

func (sa *sockaddr) addr() transport.Addr {
	port := uint16(sa[2])<<8 | uint16(sa[3])
	switch sa[0] {
	case syscall.AF_INET:
		return transport.IPv4(sa[4], sa[5], sa[6], sa[7], port)
	case syscall.AF_INET6:
		return transport.IPv6([16]byte(sa[8:24]), port, uint32(sa[24])|uint32(sa[25])<<8|uint32(sa[26])<<16|uint32(sa[27])<<24)
	}
	return transport.Addr{}
}

// nameOf asks for one end of a socket.
func (b *Backend) nameOf(call uintptr, fd int32) transport.Addr {
	b.setup.Lock()
	defer b.setup.Unlock()
	sa := &b.setup.name
	*sa = sockaddr{}
	b.setup.length = uint32(len(sa))
	if _, _, e := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(sa)), uintptr(unsafe.Pointer(&b.setup.length))); e != 0 {
		return transport.Addr{}
	}
	return sa.addr()
}
