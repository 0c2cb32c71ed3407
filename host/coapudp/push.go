package coapudp

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// Push implements resource.Pusher: the Router sends notifications and the answers
// of tickets by it. A notification that has to wait takes the place of the
// older one of the same observation, whatever the mark and the policy are (RFC
// 7641 section 4.5.1). CloseSlow ends the observations of the peer: there is no
// connection to be closed.
func (s *Server) Push(peer uint64, m coap.Message, mark int, overflow engine.Overflow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ep := s.ends.of(peer)
	if ep == none || s.state != stateServing {
		return pool.ErrStale
	}
	now := s.now()
	p := &s.ends.list[ep]
	size := coap.SizeUDP(m)
	if size > cap(s.outs[0].buf) || len(m.Token) > maxToken {
		return ErrTooLong
	}
	if !m.Options.Has(coap.OptObserve) {
		return s.pushAnswer(ep, m, size, now)
	}
	if o := s.notification(ep, m.Token); o != none {
		g := &s.outs[o]
		g.buf = coap.AppendUDP(g.buf[:0], coap.Datagram{Message: m})
		s.counts.Superseded++
		s.pump(ep, now)
		return nil
	}
	if mark > 0 && p.waiting >= mark && (overflow != engine.DropOldest || !s.dropOldest(ep)) {
		if overflow == engine.CloseSlow {
			s.unobserve(ep, now)
		}
		return pool.ErrBacklog
	}
	o := s.stage(ep, coap.Datagram{Message: m})
	if o == none {
		return pool.ErrFull
	}
	s.outs[o].note = true
	p.observer = true
	s.pump(ep, now)
	return nil
}

// pushAnswer sends the answer of a ticket, as a message of the same type as the
// request (RFC 7252 sections 5.2.2 and 5.2.3).
func (s *Server) pushAnswer(ep int32, m coap.Message, size int, now int64) error {
	p := &s.ends.list[ep]
	non, again := s.late.take(s.ends.peer(ep), m.Token)
	var o [coap.MaxOptionHeader + echoLength]byte
	if !p.seen && size > p.budget {
		// As in spoken.
		if again {
			s.counts.Challenged++
			m.Code, m.Payload = coap.CodeUnauthorized, nil
			m.Options = coap.AppendOption(o[:0], 0, coap.OptEcho, s.echo.value(p.addr, now/int64(echoTime)))
		} else {
			s.overrun(p, size)
		}
	}
	i := s.stage(ep, coap.Datagram{Message: m})
	if i == none {
		return pool.ErrFull
	}
	s.waiting++
	if !non {
		s.pump(ep, now)
		return nil
	}
	g := &s.outs[i]
	stamp(g.buf, coap.NonConfirmable, s.nextID(ep))
	s.write(g.buf, p.way)
	s.remove(i)
	return nil
}

// stage is enqueue for a message that fits.
func (s *Server) stage(ep int32, d coap.Datagram) int32 {
	o := s.enqueue(ep, nil)
	if o != none {
		g := &s.outs[o]
		g.buf = coap.AppendUDP(g.buf[:0], d)
		s.ends.list[ep].budget -= len(g.buf)
	}
	return o
}

// dropOldest drops the notification of an endpoint that has waited for the
// longest time, and reports whether there was one.
func (s *Server) dropOldest(ep int32) bool {
	for i := s.ends.list[ep].first; i != none; i = s.outs[i].next {
		if g := &s.outs[i]; g.note && !g.flying {
			s.counts.Superseded++
			s.remove(i)
			return true
		}
	}
	return false
}

// acknowledged takes an empty acknowledgement: the peer has the message, and
// that is all that it says (RFC 7252 section 4.2).
func (s *Server) acknowledged(from way, mid uint16) {
	ep := s.ends.find(from.addr)
	if ep == none {
		return
	}
	o := s.flight(ep, mid)
	if o == none {
		return
	}
	now := s.now()
	g, p := &s.outs[o], &s.ends.list[ep]
	if g.tries == 0 {
		// Only what was sent once tells a time (Karn's algorithm); it is smoothed as
		// in RFC 6298 section 2.
		if rtt := max(now-g.sent, 1); p.rtt == 0 {
			p.rtt = rtt
		} else {
			p.rtt += (rtt - p.rtt) / 8
		}
	}
	if g.note {
		p.confirmed = now
	}
	s.remove(o)
	s.pump(ep, now)
}

// rejected takes a Reset: the peer has no use for the message. A rejected
// notification ends the observation (RFC 7641 section 3.6), be it confirmable or
// not. The lock is given up while the Router is told.
func (s *Server) rejected(from way, mid uint16) {
	ep := s.ends.find(from.addr)
	if ep == none {
		return
	}
	peer := s.ends.peer(ep)
	var token [maxToken]byte
	n := none
	if o := s.flight(ep, mid); o != none {
		s.counts.Resets++
		g := &s.outs[o]
		if g.note {
			n = copy(token[:], g.token())
		}
		s.remove(o)
	} else if t, length, ok := s.sent.take(peer, mid); ok {
		s.counts.Resets++
		n = copy(token[:], t[:length])
	}
	if n != none {
		if o := s.notification(ep, token[:n]); o != none {
			s.remove(o)
		}
	}
	s.pump(ep, s.now())
	if n != none {
		s.mu.Unlock()
		s.cfg.Resources.Cancel(s, peer, token[:n])
		s.mu.Lock()
	}
}
