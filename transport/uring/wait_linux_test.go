//go:build linux && (amd64 || arm64) && !tinygo

package uring_test

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/uring"
)

const millisecond = int64(time.Millisecond)

// TestWaitLasts until the deadline and never less, also while the runtime
// interrupts whatever system call is under way.
func TestWaitLasts(t *testing.T) {
	b := open(t, uring.Config{})
	defer b.Close()
	stop := make(chan struct{})
	var noise sync.WaitGroup
	noise.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	ev := make([]transport.Event, 4)
	for _, d := range []int64{1, millisecond / 3, millisecond, 2*millisecond + 1, 20 * millisecond} {
		for range 5 {
			until := b.Now() + d
			n, err := b.Wait(0, ev, until)
			if now := b.Now(); n != 0 || err != nil || now < until {
				t.Errorf("Wait for %d ns = %d, %v, %d ns early", d, n, err, until-now)
			}
		}
	}
	close(stop)
	noise.Wait()
}

// TestNoWakeIsLost has many wake a lane at any moment: whoever has said
// something before a Wake is heard by the Wait that it ends, or by the next.
func TestNoWakeIsLost(t *testing.T) {
	b := open(t, uring.Config{})
	defer b.Close()
	const rounds, wakers = 5000, 3
	var said, heard atomic.Int64
	var all sync.WaitGroup
	for range wakers {
		all.Go(func() {
			for range rounds {
				n := said.Add(1)
				b.Wake(0)
				if n%7 == 0 {
					for heard.Load() < n { // it must not sleep now
						runtime.Gosched()
					}
				}
			}
		})
	}
	ev := make([]transport.Event, 4)
	for heard.Load() < rounds*wakers {
		b.Wait(0, ev, transport.Forever)
		heard.Store(said.Load())
	}
	all.Wait()
}

// TestOthersRun though a lane always has events, on one processor: a wait that
// the scheduler does not notice has to give it away.
func TestOthersRun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := open(t, uring.Config{})
	defer b.Close()
	var turns atomic.Int64
	stop := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				turns.Add(1)
				runtime.Gosched()
			}
		}
	})
	// A millisecond counts in which this goroutine has had the processor, which on
	// a busy machine the whole process may be without for long.
	const due = 100
	ev := make([]transport.Event, 4)
	for ms, at := 0, b.Now(); ms < due; {
		b.Wake(0)
		b.Wait(0, ev, transport.Forever)
		if now := b.Now(); now-at > millisecond {
			ms, at = ms+1, now
		}
	}
	close(stop)
	n := turns.Load()
	other.Wait()
	// The runtime itself would take the processor away every 10 ms.
	if n < due/3 {
		t.Errorf("in %d ms another goroutine has had %d turns", due, n)
	}
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
