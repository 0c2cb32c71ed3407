package pool

import "sync"

// eldersMax is how many candidates one search for the longest-idle slot
// keeps. Under a flood of connections each takes one eviction, and a search
// reads the whole table, so it is spread over that many.
const eldersMax = 32

// elders remembers the slots that have been idle longest, oldest first.
type elders struct {
	mu   sync.Mutex
	n    int
	next int
	list [eldersMax]elder
}

type elder struct {
	handle Handle
	since  uint32
}

// Evict sweeps the slot that has been parked idle longest, and returns it;
// the caller owes it an end. It returns nil if no slot is idle.
func (p *Pool) Evict() *Slot {
	e := &p.elders
	e.mu.Lock()
	s := p.evictLocked(e)
	e.mu.Unlock()
	return s
}

// evictLocked is Evict under the lock.
func (p *Pool) evictLocked(e *elders) *Slot {
	for range 2 {
		for e.next < e.n {
			c := e.list[e.next]
			e.next++
			s := &p.slots[c.handle.Index()]
			// A slot that was used since the search is not among the eldest
			// any more.
			if s.since.Load() != c.since || s.State() != Parked {
				continue
			}
			if _, ok := p.Sweep(c.handle); !ok {
				continue
			}
			if s.since.Load() != Never {
				return s
			}
			// It has begun something since.
			p.putBack(s, Park)
		}
		p.searchElders()
	}
	return nil
}

// Unevict lets go of a slot that Evict has returned, for which no client has
// come after all. It stays the first to be evicted. If the slot is wanted by
// a signal that came meanwhile, it stays the caller's, and the signals are
// returned.
func (p *Pool) Unevict(s *Slot) (Signals, bool) {
	e := &p.elders
	e.mu.Lock()
	if e.next > 0 && e.list[e.next-1].handle.Index() == p.Index(s) {
		e.next--
	}
	v, ok := p.Leave(s, Park)
	e.mu.Unlock()
	return v, ok
}

func (p *Pool) searchElders() {
	e := &p.elders
	e.n, e.next = 0, 0
	for i := range p.slots[:p.High()] {
		since := p.slots[i].since.Load()
		if since == Never {
			continue
		}
		st, h := p.StateAt(i)
		if st != Parked || e.n == eldersMax && !before(since, e.list[eldersMax-1].since) {
			continue
		}
		at := e.n
		if at == eldersMax {
			at--
		} else {
			e.n++
		}
		for at > 0 && before(since, e.list[at-1].since) {
			e.list[at] = e.list[at-1]
			at--
		}
		e.list[at] = elder{h, since}
	}
}
