//go:build unix

package netstd

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
)

func TestErrnoOf(t *testing.T) {
	for errno, want := range map[syscall.Errno]transport.Error{
		syscall.EAGAIN:        transport.ErrWouldBlock,
		syscall.ECONNRESET:    transport.ErrReset,
		syscall.EPIPE:         transport.ErrReset,
		syscall.ECONNABORTED:  transport.ErrAborted,
		syscall.ECONNREFUSED:  transport.ErrRefused,
		syscall.ETIMEDOUT:     transport.ErrTimedOut,
		syscall.EHOSTUNREACH:  transport.ErrUnreachable,
		syscall.ENETUNREACH:   transport.ErrUnreachable,
		syscall.EMFILE:        transport.ErrDescriptors,
		syscall.ENFILE:        transport.ErrDescriptors,
		syscall.ENOBUFS:       transport.ErrDescriptors,
		syscall.EADDRINUSE:    transport.ErrAddressInUse,
		syscall.EADDRNOTAVAIL: transport.ErrAddress,
		syscall.EACCES:        transport.ErrPermission,
		syscall.EIO:           transport.ErrSystem,
	} {
		err := &net.OpError{Op: "x", Err: os.NewSyscallError("y", errno)}
		if got := errorOf(err); got != want {
			t.Errorf("errorOf(%v) = %v, want %v", err, got, want)
		}
	}
}
