package netstd

import (
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// A lane is a queue of streams that have something to tell.
//
// Locks are taken in the order buffered.mu, lane.mu, Backend.mu, and then one
// of stream.mu and listener.mu; raw.mu is taken alone.
type lane struct {
	wake  chan struct{} // of one place: says that something below has changed
	timer *time.Timer   // of the one Wait that can be under way

	mu            sync.Mutex // guards all below
	first, last   *stream
	woken         bool
	listenersNext bool // whose turn it is on lane 0, so that neither starves
}

func (l *lane) init() {
	l.wake = make(chan struct{}, 1)
	l.timer = time.NewTimer(time.Hour)
	l.timer.Stop()
}

// signal makes the Wait that is under way, or the next one, look again.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// push adds a stream that is not in the queue.
func (l *lane) push(s *stream) {
	l.mu.Lock()
	if l.last == nil {
		l.first = s
	} else {
		l.last.next = s
	}
	l.last = s
	l.mu.Unlock()
	l.signal()
}

// Wake implements transport.Backend.
func (b *Backend) Wake(laneNumber int) {
	l := &b.lanes[laneNumber]
	l.mu.Lock()
	l.woken = true
	l.mu.Unlock()
	l.signal()
}

// Wait implements transport.Backend.
func (b *Backend) Wait(laneNumber int, ev []transport.Event, deadline int64) (int, error) {
	l := &b.lanes[laneNumber]
	for {
		n, woken, err := b.collect(laneNumber, l, ev)
		if n > 0 || woken || err != nil {
			return n, err
		}
		if deadline == transport.Forever {
			<-l.wake
			continue
		}
		left := deadline - b.Now()
		if left <= 0 {
			return 0, nil
		}
		l.timer.Reset(time.Duration(left))
		select {
		case <-l.wake:
			l.timer.Stop()
		case <-l.timer.C:
		}
	}
}

// collect takes events off the queue. A Wake is used up in any case, since the
// Wait ends.
func (b *Backend) collect(laneNumber int, l *lane, ev []transport.Event) (n int, woken bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if laneNumber == 0 && l.listenersNext {
		n = b.collectListeners(ev)
	}
	for n < len(ev) && l.first != nil {
		s := l.first
		l.first = s.next
		if l.first == nil {
			l.last = nil
		}
		s.next = nil
		if tag, r := s.take(); r != 0 {
			ev[n] = transport.Event{Tag: tag, Ready: r}
			n++
		}
	}
	if laneNumber == 0 && !l.listenersNext {
		n += b.collectListeners(ev[n:])
	}
	l.listenersNext = !l.listenersNext
	woken, l.woken = l.woken, false
	if n == 0 && !woken {
		b.mu.RLock()
		if b.closed {
			err = transport.ErrClosed
		}
		b.mu.RUnlock()
	}
	return n, woken, err
}

func (b *Backend) collectListeners(ev []transport.Event) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	n := 0
	for _, l := range b.listeners {
		if n < len(ev) && l != nil && l.acceptable() {
			ev[n] = transport.Event{Tag: l.tag, Ready: transport.Acceptable}
			n++
		}
	}
	return n
}
