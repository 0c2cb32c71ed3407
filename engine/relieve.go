package engine

import "github.com/bobtail-go/bobtail/pool"

// This file has who does not read pay when there is no output block left: as for
// the stash, the one that has stalled longest, and never a prompt one.

// Relieve ends the connection of the peer that has kept output blocks for the
// longest time without taking anything, if that is least nanoseconds or more, as
// at the end of its patience. It reports whether there was one. It looks at all
// slots: a driver that finds no block free asks for it now and then.
func (e *Engine) Relieve(now, least int64) bool {
	p := e.pool
	// A peer that takes what it is sent at the rate of Patience has all of it left.
	stalled := pool.TickAfter(now + e.cfg.Patience.Write - least)
	var found pool.Handle
	first := pool.Never
	for i := range p.High() {
		st, h := p.StateAt(i)
		k := p.Deadlines.Get(i)
		if st != pool.Blocked || k == pool.Never || int32(k-stalled) > 0 || found != 0 && int32(k-first) >= 0 {
			continue
		}
		if p.Outputs.Waits(h) {
			found, first = h, k
		}
	}
	if found == 0 {
		return false
	}
	back, ok := p.Sweep(found)
	if !ok {
		return false
	}
	s := p.Slot(found.Index())
	if Phase(s.Phase) != PhaseWrite {
		e.putBack(s, back)
		return false
	}
	e.counts.add(countTimeout+counter(PhaseWrite), 1)
	e.log(EventTimeout, -1, found, int(PhaseWrite))
	if !e.endByWorker(s, flagKilled) {
		e.end(s, true, &e.counts, -1)
	}
	return true
}
