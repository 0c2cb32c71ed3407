//go:build linux && (amd64 || arm64) && !tinygo

package uring_test

import (
	"fmt"
	"os"
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

func TestWaits(t *testing.T) {
	transporttest.RunWaits(t, func(t *testing.T) transport.Backend { return open(t, uring.Config{}) })
}

// TestWaitAfterClose fails, and wakes do nothing: a handler that was left alone
// may come back late.
func TestWaitAfterClose(t *testing.T) {
	b := open(t, uring.Config{Lanes: 2})
	b.Close()
	b.Close()
	for lane := range 2 {
		b.Wake(lane)
		if _, err := b.Wait(lane, make([]transport.Event, 4), transport.Forever); err != transport.ErrClosed {
			t.Errorf("Wait after Close = %v, want ErrClosed", err)
		}
	}
}

func TestConfig(t *testing.T) {
	open(t, uring.Config{}).Close()
	for _, tt := range []struct {
		c     uring.Config
		lanes int // 0 if it is not allowed
	}{
		{uring.Config{}, 1}, {uring.Config{Lanes: 1}, 1}, {uring.Config{Lanes: 3, Backlog: 1}, 3}, {uring.Config{Lanes: 64}, 64},
		{uring.Config{Lanes: 65}, 0}, {uring.Config{Lanes: -1}, 0}, {uring.Config{Backlog: -1}, 0},
	} {
		b, err := uring.New(tt.c)
		if transport.ErrNotSupported.Is(err) && tt.lanes > 1 && os.Geteuid() != 0 {
			t.Logf("New(%+v) = %v, since all processes of a user share what memory he may lock", tt.c, err)
			continue
		}
		if (err == nil) != (tt.lanes > 0) {
			t.Errorf("New(%+v) = %v", tt.c, err)
		}
		if err != nil {
			continue
		}
		if n := b.Lanes(); n != tt.lanes {
			t.Errorf("New(%+v) has %d lanes, want %d", tt.c, n, tt.lanes)
		}
		if b.Limit() < 10 || b.Holds() != 0 || b.Now() <= 0 {
			t.Errorf("limit %d, holds %d, now %d", b.Limit(), b.Holds(), b.Now())
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
