package secure

import (
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/transport"
)

// A lane is the inner backend's, and a queue of the events that are ours
// alone: a handshake that has ended, an end that was read together with the
// bytes before it.
//
// Locks are taken in the order conn.mu, lane.mu; conn.mu, Backend.mu.
type lane struct {
	woken atomic.Bool // by Wake, and no Wait has returned since
	some  atomic.Bool // the queue is not empty

	mu          sync.Mutex // guards all below
	first, last *conn
	innerNext   bool // whose turn it is, where there is room for one event
}

// Wait implements transport.Backend.
func (b *Backend) Wait(laneNumber int, ev []transport.Event, deadline int64) (int, error) {
	if laneNumber == len(b.lanes) || len(ev) == 0 {
		return b.inner.Wait(laneNumber, ev, deadline)
	}
	l := &b.lanes[laneNumber]
	for {
		n, until := 0, deadline
		if l.some.Load() {
			// Half of the room at most, so that neither kind starves.
			n = l.collect(ev[:(len(ev)+1)/2])
			until = 0
		}
		if n < len(ev) {
			m, err := b.inner.Wait(laneNumber, ev[n:], until)
			n += b.translate(ev[n : n+max(m, 0)])
			if err != nil && n == 0 {
				return 0, err
			}
		}
		// The inner Wait also ends by the Wakes that are ours, and by events
		// that were none of the engine's business.
		if woken := l.woken.Swap(false); n > 0 || woken || deadline == 0 || b.inner.Now() >= deadline {
			return n, nil
		}
	}
}

// Wake implements transport.Backend.
func (b *Backend) Wake(laneNumber int) {
	if laneNumber < len(b.lanes) {
		b.lanes[laneNumber].woken.Store(true)
	}
	b.inner.Wake(laneNumber)
}

// translate has the events of inner secure streams acted on, keeps those that
// the engine is to be told, and returns their number.
func (b *Backend) translate(ev []transport.Event) int {
	n := 0
	for _, e := range ev {
		if ownTag(e.Tag) {
			c := b.table.get(transport.Stream(int32(uint32(e.Tag))))
			if c == nil {
				continue // of a stream that was closed since
			}
			if e.Ready = c.event(e.Ready); e.Ready == 0 {
				continue
			}
			e.Tag = c.tag.Load()
		}
		ev[n] = e
		n++
	}
	return n
}

// collect takes events off the queue.
func (l *lane) collect(ev []transport.Event) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(ev) == 1 {
		if l.innerNext = !l.innerNext; !l.innerNext {
			return 0
		}
	}
	n := 0
	for n < len(ev) && l.first != nil {
		c := l.first
		if l.first = c.next; l.first == nil {
			l.last = nil
		}
		c.next, c.queued = nil, false
		if c.told != 0 {
			ev[n] = transport.Event{Tag: c.tag.Load(), Ready: c.told}
			c.told = 0
			n++
		}
	}
	l.some.Store(l.first != nil)
	return n
}

// tell raises an event of c's own. The caller has c.mu.
func (c *conn) tell(r transport.Ready) {
	if c.leaving {
		return
	}
	l := c.lane
	if l == nil {
		c.told |= r // for Attach
		return
	}
	l.mu.Lock()
	c.told |= r
	if !c.queued {
		c.queued = true
		if l.last == nil {
			l.first = c
		} else {
			l.last.next = c
		}
		l.last = c
		l.some.Store(true)
	}
	l.mu.Unlock()
	c.b.inner.Wake(int(c.laneNumber))
}

// silence ends c's own events.
func (c *conn) silence() {
	if l := c.lane; l != nil {
		l.mu.Lock()
		c.told = 0
		l.mu.Unlock()
		return
	}
	c.told = 0
}
