//go:build amd64 || arm64

package main

import "unsafe"

// The kernel's interface, as far as this program needs it: package syscall would
// bring an allocation and 2 KB of its own with it. What is given to the kernel
// by address is in variables of the package, which never move.

// Errors, as call returns them: less than 0.
const (
	errInterrupted = -4  // EINTR
	errAgain       = -11 // EAGAIN
	errInUse       = -98 // EADDRINUSE
)

// What epoll tells, and how it is told.
const (
	epollIn  = 0x1
	epollOut = 0x4
	epollErr = 0x8
	epollHup = 0x10

	epollAdd = 1
	epollDel = 2
	epollMod = 3
)

const (
	clockReal      = 0
	clockMonotonic = 1

	socketFlags = 0x80000 | 0x800 // SOCK_CLOEXEC, SOCK_NONBLOCK
	noSignal    = 0x4000          // MSG_NOSIGNAL
	backlog     = 1024
)

// address is struct sockaddr_in.
type address struct {
	family uint16
	port   [2]byte
	ip     [4]byte
	_      [8]byte
}

func (a *address) number() int { return int(a.port[0])<<8 | int(a.port[1]) }

// timespec is the struct of that name on 64 bits.
type timespec struct{ sec, nsec int64 }

func pointer[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// call3 is call of what takes three arguments at most, as most do: a shorter
// spelling, also in the program.
//
//go:noinline
func call3(n, a, b, c uintptr) int { return call(n, a, b, c, 0, 0, 0) }

// setup is what the main thread gives to the kernel.
var setup struct {
	on     int32
	length uint32
	one    uint64
	time   timespec
}

// listen opens a socket that listens, and sets the port if it was 0. Only those
// behind the first may share the port when it is bound, so that another program
// at it is seen, be it this one.
func listen(a *address, first bool) (fd int) {
	const (
		inet, stream = 2, 1
		solSocket    = 1     // SOL_SOCKET
		reuse, share = 2, 15 // SO_REUSEADDR, SO_REUSEPORT
		tcp, noDelay = 6, 1  // IPPROTO_TCP, TCP_NODELAY, which those who are accepted inherit
	)
	fd = call3(sysSocket, inet, stream|socketFlags, 0)
	if fd < 0 {
		return fd
	}
	setOption(fd, solSocket, reuse)
	setOption(fd, tcp, noDelay)
	if !first {
		setOption(fd, solSocket, share)
	}
	a.family = inet
	if e := call3(sysBind, uintptr(fd), pointer(a), unsafe.Sizeof(*a)); e < 0 {
		return e
	}
	setOption(fd, solSocket, share)
	if e := call3(sysListen, uintptr(fd), backlog, 0); e < 0 {
		return e
	}
	setup.length = uint32(unsafe.Sizeof(*a))
	call3(sysSocketName, uintptr(fd), pointer(a), pointer(&setup.length))
	return fd
}

func setOption(fd int, level, option uintptr) {
	setup.on = 1
	call(sysSocketOption, uintptr(fd), level, option, pointer(&setup.on), 4, 0)
}

// clock is a time of the kernel's in milliseconds.
func clock(id uintptr, t *timespec) int64 {
	call3(sysClock, id, pointer(t), 0)
	return t.sec*1000 + t.nsec/1_000_000
}
