//go:build amd64 || arm64

package servertest

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/uring"
)

// pollers are those of Linux, io_uring only where the kernel has it for us.
var pollers = withRing([]Kind{{Name: "epoll", Open: func(lanes int) (transport.Backend, error) {
	return epoll.New(epoll.Config{Lanes: lanes})
}}})

func withRing(kinds []Kind) []Kind {
	b, err := uring.New(uring.Config{})
	if err != nil {
		return kinds
	}
	b.Close()
	return append(kinds, Kind{Name: "uring", Open: func(lanes int) (transport.Backend, error) {
		return uring.New(uring.Config{Lanes: lanes})
	}})
}
