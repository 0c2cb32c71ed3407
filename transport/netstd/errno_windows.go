package netstd

import (
	"errors"
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

// errnoOf is the transport's name for a system error in err, or 0. The numbers
// are those of Windows Sockets, which package syscall has other names for.
func errnoOf(err error) transport.Error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return 0
	}
	switch errno {
	case 10054, 10052, 10057, 10058: // WSAECONNRESET, WSAENETRESET, WSAENOTCONN, WSAESHUTDOWN
		return transport.ErrReset
	case 10053: // WSAECONNABORTED, which Windows tells of open streams
		return transport.ErrReset
	case 10061: // WSAECONNREFUSED
		return transport.ErrRefused
	case 10060: // WSAETIMEDOUT
		return transport.ErrTimedOut
	case 10050, 10051, 10065: // WSAENETDOWN, WSAENETUNREACH, WSAEHOSTUNREACH
		return transport.ErrUnreachable
	case 10024, 10055: // WSAEMFILE, WSAENOBUFS
		return transport.ErrDescriptors
	case 10048: // WSAEADDRINUSE
		return transport.ErrAddressInUse
	case 10049, 10022, 10047: // WSAEADDRNOTAVAIL, WSAEINVAL, WSAEAFNOSUPPORT
		return transport.ErrAddress
	case 10013: // WSAEACCES
		return transport.ErrPermission
	}
	return transport.ErrSystem
}
