package lneto

import (
	"sync"

	"github.com/bobtail-go/bobtail/transport"
)

// A lane is where one goroutine sleeps. Step ends its sleep when it has
// something to tell, or when its deadline has come.
type lane struct {
	wake     sync.Cond
	deadline int64
	asleep   bool
	woken    bool
}

// rouse ends the sleep of a lane, which then looks for itself.
func (l *lane) rouse() {
	if l.asleep {
		l.asleep = false
		l.wake.Signal()
	}
}

func (b *stack) wait(laneNumber int, ev []transport.Event, deadline int64) (int, error) {
	l := &b.lanes[laneNumber]
	for {
		if b.closed {
			return 0, transport.ErrClosed
		}
		if laneNumber == 0 {
			if n := b.collect(ev); n > 0 {
				l.woken = false
				return n, nil
			}
		}
		if l.woken {
			l.woken = false
			return 0, nil
		}
		if deadline <= b.cfg.Now() {
			return 0, nil
		}
		l.deadline = deadline
		l.asleep = true
		for l.asleep {
			l.wake.Wait()
		}
	}
}

func (b *stack) wakeLane(laneNumber int) {
	l := &b.lanes[laneNumber]
	l.woken = true
	l.rouse()
}

// collect gives the events of the streams, from one after the last that gave
// one, and of the listeners.
func (b *stack) collect(ev []transport.Event) int {
	n := 0
	for i := range b.listeners {
		if l := &b.listeners[i]; n < len(ev) && l.armed && l.acceptable {
			ev[n] = transport.Event{Tag: l.tag, Ready: transport.Acceptable}
			n++
		}
	}
	if n == len(ev) && n > 1 {
		n-- // so that the listeners leave something to the streams
	}
	for range b.streams {
		if n == len(ev) {
			break
		}
		if b.told++; b.told >= len(b.streams) {
			b.told = 0
		}
		s := &b.streams[b.told]
		if s.attached && s.ready != 0 {
			ev[n] = transport.Event{Tag: s.tag, Ready: s.ready}
			s.ready = 0
			n++
		}
	}
	return n
}
