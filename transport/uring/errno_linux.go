//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"syscall"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// errorOf names the error with which a stream has ended.
func errorOf(e syscall.Errno) transport.Error {
	switch e {
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED:
		return transport.ErrReset
	case syscall.ECONNREFUSED:
		return transport.ErrRefused
	case syscall.ETIMEDOUT:
		return transport.ErrTimedOut
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN:
		return transport.ErrUnreachable
	}
	return transport.ErrSystem
}

// orphanTime is how long, in milliseconds, the peer of a stream that was closed
// may take nothing of what is still to be sent. It holds one of the buffers.
const orphanTime = 20_000

// limitOrphan sets the time (tcp(7), TCP_USER_TIMEOUT).
func limitOrphan(fd int32) {
	const tcpUserTimeout = 18
	syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, orphanTime)
}

// disconnect resets a stream at once, though the kernel has something under way
// for it (connect(2): an address of AF_UNSPEC dissolves the association).
func disconnect(fd int32) {
	var unspecified [16]byte
	syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspecified)), unsafe.Sizeof(unspecified))
}
