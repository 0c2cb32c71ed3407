package coapudp

import (
	"bytes"
	"math/rand/v2"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// Messages of our own: separate answers, and notifications. Each endpoint has a
// chain of them, oldest first. Those in front may be in flight, which is to say
// that they wait for their acknowledgement; the rest waits for those in front
// (RFC 7252 section 4.7), or for its time (RFC 7641 section 4.5.1).

// outgoing is a message of our own. It is free if it has no bytes.
type outgoing struct {
	buf  []byte // the datagram, whose type and ID are put when it is sent
	ep   int32
	next int32 // of the endpoint's chain

	note   bool // a notification, which a newer one may supersede
	flying bool // it was sent, as a confirmable message
	late   bool // it has superseded one that had been sent
	tries  int  // how often it was sent again
	sent   int64
	due    int64 // when it is to be sent again, or, if it does not fly, when it may be sent
	wait   int64 // how long this attempt lasts
	before uint16
}

// token is the token of the message.
func (o *outgoing) token() []byte { return tokenOf(o.buf) }

// id is the message ID.
func (o *outgoing) id() uint16 { return uint16(o.buf[2])<<8 | uint16(o.buf[3]) }

// tokenOf is the token of a datagram of ours.
func tokenOf(b []byte) []byte {
	switch n := int(b[0] & 15); n {
	case 13:
		return b[5:][:13+int(b[4])]
	default:
		return b[4:][:n]
	}
}

// stamp puts type and ID.
func stamp(b []byte, t coap.Type, mid uint16) {
	b[0] = b[0]&^0x30 | byte(t)<<4
	b[2], b[3] = byte(mid>>8), byte(mid)
}

// enqueue puts a datagram behind what an endpoint is to be sent, and counts it as
// sent; none if there is no room. Endpoints that were not seen to be real, who never acknowledge
// anything if they are not, have half of it.
func (s *Server) enqueue(ep int32, b []byte) int32 {
	free := len(s.spare)
	if !s.ends.list[ep].seen {
		free -= len(s.outs) / 2
	}
	if free <= 0 || len(b) > cap(s.outs[0].buf) {
		return none
	}
	o := s.spare[len(s.spare)-1]
	s.spare = s.spare[:len(s.spare)-1]
	g := &s.outs[o]
	*g = outgoing{buf: append(g.buf[:0], b...), ep: ep, next: none}
	p := &s.ends.list[ep]
	if p.first == none {
		p.first = o
	} else {
		s.outs[p.last].next = o
	}
	p.last = o
	p.waiting++
	p.budget -= len(b) // now, lest what comes while it waits has the same bytes
	s.ends.settle(ep)
	return o
}

// remove takes a message out of its chain, and frees it.
func (s *Server) remove(o int32) {
	g := &s.outs[o]
	p := &s.ends.list[g.ep]
	prev := int32(none)
	for i := p.first; i != o; i = s.outs[i].next {
		prev = i
	}
	if prev == none {
		p.first = g.next
	} else {
		s.outs[prev].next = g.next
	}
	if p.last == o {
		p.last = prev
	}
	if g.flying {
		p.flights--
	} else {
		p.waiting--
	}
	if !g.note {
		s.waiting--
	}
	g.buf = g.buf[:0]
	s.spare = append(s.spare, o)
	s.ends.settle(g.ep)
}

// pump sends what an endpoint may be sent.
func (s *Server) pump(ep int32, now int64) {
	p := &s.ends.list[ep]
	for o := p.first; o != none; {
		g := &s.outs[o]
		next := g.next
		switch {
		case g.flying:
		case p.flights >= s.cfg.Transmission.NStart:
			return // RFC 7252 section 4.7; it also says that notifications wait for the one in flight, RFC 7641 section 4.5.1
		case !g.note || p.nons == 0 || now-p.confirmed >= int64(day):
			s.launch(o, now)
		case now < p.pace:
			g.due = p.pace
			s.due(g.due)
		default:
			mid := s.nextID(ep)
			stamp(g.buf, coap.NonConfirmable, mid)
			s.sent.add(s.ends.peer(ep), mid, g.token())
			p.nons--
			p.pace = now + s.interval(p)
			s.counts.Notified++
			s.write(g.buf, p.way)
			s.remove(o)
		}
		o = next
	}
}

// interval is how long after a non-confirmable notification the next may
// follow: a round-trip time, or 3 s if that is not known (RFC 7641 section
// 4.5.1).
func (s *Server) interval(p *endpoint) int64 {
	if p.rtt == 0 {
		return int64(3 * time.Second)
	}
	return p.rtt
}

// launch sends a message for the first time, as a confirmable one.
func (s *Server) launch(o int32, now int64) {
	g := &s.outs[o]
	p := &s.ends.list[g.ep]
	stamp(g.buf, coap.Confirmable, s.nextID(g.ep))
	g.flying, g.sent, g.wait = true, now, int64(s.cfg.Transmission.first())
	g.due = now + g.wait
	p.flights++
	p.waiting--
	if g.note {
		s.counts.Notified++
		// On average every Confirm-th, and not always that of the same
		// observation.
		p.nons = rand.IntN(2*s.cfg.Confirm - 1)
	}
	s.due(g.due)
	s.write(g.buf, p.way)
}

// relaunch does what is due when a message was not acknowledged in time.
func (s *Server) relaunch(o int32, now int64) {
	g := &s.outs[o]
	p := &s.ends.list[g.ep]
	if g.tries >= s.cfg.Transmission.MaxRetransmit {
		s.counts.Unanswered++
		if g.note {
			s.unobserve(g.ep, now)
		} else {
			s.remove(o)
			s.pump(g.ep, now)
		}
		return
	}
	// RFC 7252 section 4.2.
	g.tries++
	g.wait *= 2
	g.due = now + g.wait
	s.due(g.due)
	if newer := s.newer(o); newer != none {
		// A newer state goes in the place of the next attempt, as a message of its
		// own, but the count and the timeout go on (RFC 7641 section 4.5.2).
		n := &s.outs[newer]
		g.before, g.late = g.id(), true
		g.buf, n.buf = n.buf, g.buf
		stamp(g.buf, coap.Confirmable, s.nextID(g.ep))
		s.counts.Superseded++
		s.remove(newer)
	}
	if !p.seen && p.budget < len(g.buf) {
		return // it may have been forged, and has had its share
	}
	s.counts.Retransmits++
	p.budget -= len(g.buf)
	s.write(g.buf, p.way)
}

// newer is the notification that waits behind another of the same observation.
func (s *Server) newer(o int32) int32 {
	g := &s.outs[o]
	if !g.note {
		return none
	}
	for i := g.next; i != none; i = s.outs[i].next {
		if n := &s.outs[i]; n.note && !n.flying && bytes.Equal(n.token(), g.token()) {
			return i
		}
	}
	return none
}

// notification is the one of an endpoint that waits and has a token, none if
// there is none: a newer state takes its place (RFC 7641 section 4.5.1).
func (s *Server) notification(ep int32, token []byte) int32 {
	for i := s.ends.list[ep].first; i != none; i = s.outs[i].next {
		if g := &s.outs[i]; g.note && !g.flying && bytes.Equal(g.token(), token) {
			return i
		}
	}
	return none
}

// flight is what an endpoint acknowledges or rejects, none if it has not been
// sent it.
func (s *Server) flight(ep int32, mid uint16) int32 {
	for i := s.ends.list[ep].first; i != none; i = s.outs[i].next {
		if g := &s.outs[i]; g.flying && (g.id() == mid || g.late && g.before == mid) {
			return i
		}
	}
	return none
}

// unobserve gives up an endpoint as an observer (RFC 7641 section 4.5): its
// notifications are dropped, and the Router is told.
func (s *Server) unobserve(ep int32, now int64) {
	for i := s.ends.list[ep].first; i != none; {
		next := s.outs[i].next
		if s.outs[i].note {
			s.remove(i)
		}
		i = next
	}
	p := &s.ends.list[ep]
	if p.linked && len(s.gone) < cap(s.gone) {
		s.gone = append(s.gone, s.ends.peer(ep))
		p.observer = false
		s.due(now)
	}
	s.ends.settle(ep)
	s.pump(ep, now)
}

// notes is a ring of the non-confirmable notifications that were sent last, for
// the Resets that reject them (RFC 7641 section 3.6).
type notes struct {
	list [256]sentNote
	at   int
}

type sentNote struct {
	peer  uint64
	mid   uint16
	n     uint8
	token [coap.MaxToken]byte
}

func (l *notes) add(peer uint64, mid uint16, token []byte) {
	if len(token) > coap.MaxToken {
		return
	}
	x := &l.list[l.at]
	l.at = (l.at + 1) % len(l.list)
	x.peer, x.mid, x.n = peer, mid, uint8(copy(x.token[:], token))
}

// take finds and forgets a notification.
func (l *notes) take(peer uint64, mid uint16) (token [coap.MaxToken]byte, n int, ok bool) {
	for i := range l.list {
		if x := &l.list[i]; x.peer == peer && x.mid == mid {
			x.peer = 0 // no peer has that name: generations begin with 1
			return x.token, int(x.n), true
		}
	}
	return token, 0, false
}

// lates is a ring of the requests that were left to a ticket last, for what
// their answers are to be, and for Shutdown.
type lates struct {
	list [128]lateRequest
	at   int
}

type lateRequest struct {
	peer  uint64
	n     uint8
	token [coap.MaxToken]byte
	non   bool
	safe  bool
}

func (l *lates) add(peer uint64, token []byte, non, safe bool) {
	if len(token) > coap.MaxToken {
		return
	}
	x := &l.list[l.at]
	l.at = (l.at + 1) % len(l.list)
	*x = lateRequest{peer: peer, non: non, safe: safe}
	x.n = uint8(copy(x.token[:], token))
}

// take finds and forgets a request; one that is not known was confirmable, and
// not safe.
func (l *lates) take(peer uint64, token []byte) (non, safe bool) {
	for i := range l.list {
		if x := &l.list[i]; x.peer == peer && bytes.Equal(x.token[:x.n], token) {
			x.peer = 0
			return x.non, x.safe
		}
	}
	return false, false
}
