package transporttest

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

const millisecond = int64(time.Millisecond)

// RunWaits holds a backend that waits in the system's time to what Run cannot
// see: how its waits live with the runtime's scheduler, and with many who wake
// them. open makes one with one lane.
func RunWaits(t *testing.T, open func(t *testing.T) transport.Backend) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b transport.Backend, lane int)
	}{
		{"a wait lasts", waitLasts},
		{"a wake ends a wait", wakeEndsAWait},
		{"a wake before a wait", wakeBeforeWait},
		{"no wake is lost", noWakeIsLost},
	} {
		for lane := range 2 { // one with streams, and the monitor's
			t.Run(fmt.Sprintf("%s/lane %d of 1", test.name, lane), func(t *testing.T) {
				b := open(t)
				defer b.Close()
				test.run(t, b, lane)
			})
		}
	}
	t.Run("others run", func(t *testing.T) {
		b := open(t)
		defer b.Close()
		othersRun(t, b)
	})
}

// waitLasts until the deadline and never less, also while the runtime
// interrupts whatever system call is under way.
func waitLasts(t *testing.T, b transport.Backend, lane int) {
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
			n, err := b.Wait(lane, ev, until)
			if now := b.Now(); n != 0 || err != nil || now < until {
				t.Errorf("Wait for %d ns = %d, %v, %d ns early", d, n, err, until-now)
			}
		}
	}
	close(stop)
	noise.Wait()
	for _, until := range []int64{0, 1, b.Now() - 1} {
		if n, err := b.Wait(lane, ev, until); n != 0 || err != nil {
			t.Errorf("Wait until %d = %d, %v", until, n, err)
		}
	}
}

// wakeEndsAWait in its raw part, and later in the part that blocks.
func wakeEndsAWait(t *testing.T, b transport.Backend, lane int) {
	for _, after := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond} {
		timer := time.AfterFunc(after, func() { b.Wake(lane) })
		if n, err := b.Wait(lane, make([]transport.Event, 4), transport.Forever); n != 0 || err != nil {
			t.Errorf("Wait = %d, %v", n, err)
		}
		timer.Stop()
	}
}

// wakeBeforeWait ends the next one, however often it was called.
func wakeBeforeWait(t *testing.T, b transport.Backend, lane int) {
	for range 3 {
		b.Wake(lane)
	}
	if n, err := b.Wait(lane, make([]transport.Event, 4), transport.Forever); n != 0 || err != nil {
		t.Errorf("Wait = %d, %v", n, err)
	}
	until := b.Now() + 2*millisecond
	b.Wait(lane, make([]transport.Event, 4), until)
	if early := until - b.Now(); early > 0 {
		t.Errorf("three wakes before one Wait end the next one too, %d ns early", early)
	}
}

// noWakeIsLost has many wake a lane at any moment: whoever has said
// something before a Wake is heard by the Wait that it ends, or by the next.
func noWakeIsLost(t *testing.T, b transport.Backend, lane int) {
	const rounds, wakers = 5000, 3
	var said, heard atomic.Int64
	var all sync.WaitGroup
	for range wakers {
		all.Go(func() {
			for range rounds {
				n := said.Add(1)
				b.Wake(lane)
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
		b.Wait(lane, ev, transport.Forever)
		heard.Store(said.Load())
	}
	all.Wait()
}

// othersRun though a lane always has events, on one processor: a wait that
// the scheduler does not notice has to give it away.
func othersRun(t *testing.T, b transport.Backend) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
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
