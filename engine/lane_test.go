package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
)

func TestToken(t *testing.T) {
	for _, mode := range []laneMode{laneVacant, laneWaiting, laneServing, laneBorrowed, laneLent} {
		for _, seq := range []uint32{0, 1, ^uint32(0)} {
			m, next, n, s := splitToken(makeToken(mode, 3, batch, seq))
			if m != mode || next != 3 || n != batch || s != seq {
				t.Errorf("token of %d, 3, %d, %d is %d, %d, %d, %d", mode, batch, seq, m, next, n, s)
			}
		}
	}
}

// fill puts n events into a lane that the caller leads.
func (l *lane) fill(tok *token, mode laneMode, from uint64, n int) {
	for i := range n {
		l.raw[i] = transport.Event{Tag: from + uint64(i), Ready: transport.Ready(i % 16)}
	}
	l.fetched(tok, mode, n)
}

func TestLane(t *testing.T) {
	var l lane
	tok, ok := l.occupy(laneServing)
	if !ok {
		t.Fatal("a new lane is not vacant")
	}
	if _, ok := l.occupy(laneServing); ok {
		t.Fatal("a lane has two leaders")
	}
	if _, took := l.take(&tok); took != tookNone {
		t.Errorf("an empty lane gives %d", took)
	}
	// The largest tags that there are: of the last slot's last connection, and
	// of a listener.
	tags := []uint64{1<<32 | 5, (1<<32-1)<<32 | (1<<24 - 1), listenerTag | 15}
	for i, tag := range tags {
		l.raw[i] = transport.Event{Tag: tag, Ready: transport.Ready(7 + i)}
	}
	l.fetched(&tok, laneServing, 3)
	for i, tag := range tags {
		if ev, took := l.take(&tok); took != tookEvent || ev.Tag != tag || ev.Ready != transport.Ready(7+i) {
			t.Errorf("event %d is %x, %04b (%d), want %x, %04b", i, ev.Tag, ev.Ready, took, tag, 7+i)
		}
	}
	// Who is deposed finds out, whatever he tries.
	l.fill(&tok, laneServing, 100, 3)
	old := tok
	if !l.change(&tok, laneVacant) {
		t.Fatal("the leader cannot change his lane")
	}
	stale := old
	if _, took := l.take(&stale); took != tookDeposed {
		t.Errorf("a leader that was deposed takes an event (%d)", took)
	}
	stale = old
	if l.change(&stale, laneWaiting) {
		t.Error("a leader that was deposed changes the lane")
	}
	next, ok := l.occupy(laneServing)
	if !ok {
		t.Fatal("the lane is not vacant")
	}
	if ev, took := l.take(&next); took != tookEvent || ev.Tag != 100 {
		t.Errorf("the next leader gets %d, %d, want the first event that was left", took, ev.Tag)
	}
}

// TestEachEventIsTakenOnce deposes leaders at any place: the events of a lane
// are taken each once, by some leader, and as they were told.
func TestEachEventIsTakenOnce(t *testing.T) {
	const events, leaders = 20000, 3
	var l lane
	var taken [events]atomic.Int32
	var fetched, left atomic.Int64 // fetched is the leader's of the moment
	left.Store(events)
	var all sync.WaitGroup
	for range leaders {
		all.Go(func() {
			for left.Load() > 0 {
				tok, ok := l.occupy(laneServing)
				if !ok {
					runtime.Gosched()
					continue
				}
				for {
					ev, took := l.take(&tok)
					if took == tookEvent {
						if ev.Ready != transport.Ready(ev.Tag%batch%16) || taken[ev.Tag].Add(1) != 1 {
							t.Errorf("event %d is taken again, or is another (%04b)", ev.Tag, ev.Ready)
						}
						left.Add(-1)
						continue
					}
					if took == tookDeposed || !l.change(&tok, laneWaiting) {
						break
					}
					from := fetched.Load()
					n := min(batch, events-from)
					fetched.Store(from + n)
					l.fill(&tok, laneServing, uint64(from), int(n))
					if n == 0 {
						l.change(&tok, laneVacant)
						break
					}
				}
			}
		})
	}
	all.Go(func() { // the monitor
		for left.Load() > 0 {
			t := l.word.Load()
			if mode, _, _, _ := splitToken(t); mode == laneServing {
				l.change(&t, laneVacant)
			}
			runtime.Gosched()
		}
	})
	all.Wait()
	for i := range taken {
		if n := taken[i].Load(); n != 1 {
			t.Fatalf("event %d is taken %d times", i, n)
		}
	}
}
