package lneto

import "fmt"

func (p *Backend) Dump() string {
	b := p.k.Get()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := ""
	for i := range b.streams {
		s := &b.streams[i]
		if s.phase != phaseFree {
			out += fmt.Sprintf("%d: phase %d %v %v err %v conn %v fin got %v wanted %v given %v sent %v acked %v una %d next %d max %d fed %d wnd %d unsent %d free %d in %d skip %d due %d dirty %v rewind %v ackOwed %v retries %d\n", i, s.phase, s.h.State(), address(s.ip, s.peer), s.err, s.connected, s.finGot, s.finWanted, s.finGiven, s.finSent, s.finAcked, s.una, s.next, s.max, s.fed, s.wnd, s.h.BufferedUnsent(), s.h.FreeOutput(), s.h.BufferedInput(), s.skip, s.due, s.dirty, s.rewind, s.ackOwed, s.retries)
		}
	}
	return out
}
