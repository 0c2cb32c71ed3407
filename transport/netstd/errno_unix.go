//go:build unix || js || wasip1

package netstd

import (
	"errors"
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

// errnoOf is the transport's name for a system error in err, or 0.
func errnoOf(err error) transport.Error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return 0
	}
	return errnoError(errno)
}

// errnoError is the transport's name for a system error.
func errnoError(errno syscall.Errno) transport.Error {
	switch errno {
	case syscall.EAGAIN:
		return transport.ErrWouldBlock
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN:
		// EPIPE is the second Send after a reset, and ENOTCONN a call for the
		// names or the end of a stream that was reset.
		return transport.ErrReset
	case syscall.ECONNABORTED:
		return transport.ErrAborted
	case syscall.ECONNREFUSED:
		return transport.ErrRefused
	case syscall.ETIMEDOUT:
		return transport.ErrTimedOut
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN:
		return transport.ErrUnreachable
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return transport.ErrDescriptors
	case syscall.EADDRINUSE:
		return transport.ErrAddressInUse
	case syscall.EADDRNOTAVAIL, syscall.EINVAL, syscall.EAFNOSUPPORT:
		return transport.ErrAddress
	case syscall.EACCES, syscall.EPERM:
		return transport.ErrPermission
	}
	return transport.ErrSystem
}
