//go:build linux && (amd64 || arm64) && !tinygo

package uring_test

import (
	"fmt"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/transporttest"
	"github.com/bobtail-go/bobtail/transport/uring"
)

func TestConformance(t *testing.T) {
	for _, lanes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d lanes", lanes), func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) transporttest.Fixture {
				f := transporttest.Host(open(t, uring.Config{Lanes: lanes}))
				f.Allocates = true // what is sent leaves with a Wait: see TestNoAllocation
				return f
			})
		})
	}
}

// open makes a backend, or skips the test where there is no io_uring.
func open(t testing.TB, c uring.Config) *uring.Backend {
	t.Helper()
	b, err := uring.New(c)
	if transport.ErrNotSupported.Is(err) {
		t.Skip("this system has no io_uring for us")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStreamSize(t *testing.T) {
	if uring.StreamSize != 24 {
		t.Errorf("a stream costs %d bytes, want 24", uring.StreamSize)
	}
}
