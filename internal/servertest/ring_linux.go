//go:build (amd64 || arm64) && !tinygo

package servertest

import (
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/uring"
)

// io_uring is there only where the kernel has it for us.
func init() {
	b, err := uring.New(uring.Config{Lanes: 2})
	if err != nil {
		return
	}
	b.Close()
	pollers = append(pollers, Kind{Name: "uring", Open: openUring})
}

// openUring waits for the memory that this user may lock: all of his processes share
// it, and the kernel gives it back some time after a ring is closed.
func openUring(lanes int) (transport.Backend, error) {
	for overdue := time.Now().Add(RealPatience); ; <-time.After(10 * time.Millisecond) {
		b, err := uring.New(uring.Config{Lanes: lanes})
		if err == nil {
			return b, nil
		}
		if !transport.ErrNotSupported.Is(err) || time.Now().After(overdue) {
			return nil, err
		}
	}
}
