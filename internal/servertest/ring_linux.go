//go:build (amd64 || arm64) && !tinygo

package servertest

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/uring"
)

// io_uring is there only where the kernel has it for us.
func init() {
	b, err := uring.New(uring.Config{})
	if err != nil {
		return
	}
	b.Close()
	pollers = append(pollers, Kind{Name: "uring", Open: func(lanes int) (transport.Backend, error) {
		return uring.New(uring.Config{Lanes: lanes})
	}})
}
