package coapudp

import (
	"github.com/bobtail-go/bobtail/coap"
)

// What comes: the message layer of RFC 7252 section 4, up to the handlers. All
// of this file runs on the leader.

// smallOptions is how much longer than a request a datagram can be that is
// answered without a handler: by Max-Age or Echo.
const smallOptions = coap.MaxOptionHeader + echoLength

// maxToken is the longest token that is taken, in bytes.
const maxToken = 64

// receive takes a datagram, which is in j, and reports whether j was taken too.
func (s *Server) receive(j *job, n int, from way) (took bool) {
	d, err := coap.ParseUDP(j.buf[:n])
	s.said = refusal{}
	took = s.message(j, n, from, &d, err)
	if s.cfg.Access != nil && s.said.code != 0 {
		s.cfg.Access(d.Message, s.zones.remote(from.addr), s.said.peer, s.said.code, 0, 0)
	}
	return took
}

// message takes a datagram that was parsed, with an error or without.
func (s *Server) message(j *job, n int, from way, d *coap.Datagram, err error) (took bool) {
	long := n > s.cfg.MaxMessage
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Received++
	if from.group && (err != nil || long || !d.Code.IsRequest() || d.Type != coap.NonConfirmable) {
		return false // RFC 7252 section 8.1
	}
	if err != nil && !long {
		s.counts.Malformed++
		// What has no type, and what is of another version, is ignored (RFC 7252
		// section 3). A confirmable message is rejected (section 4.2), others are
		// ignored (section 4.3).
		if e := err.(coap.Error); e != coap.ErrDatagramShort && e != coap.ErrDatagramVersion && d.Type == coap.Confirmable {
			s.reject(d.ID, from)
		}
		return false
	}
	switch {
	case long:
		s.tooLong(j.buf[:n], from)
	case d.Code.IsRequest(): // CON or NON: ParseUDP says so
		return s.request(j, d, n, from)
	case d.Type == coap.Confirmable:
		// An empty message is a ping (RFC 7252 section 4.3). A response is to
		// none of our requests, since we have none (section 4.2).
		s.reject(d.ID, from)
	case d.Code != coap.CodeEmpty:
		// Responses to nobody's requests: rejected silently (section 4.3).
	case d.Type == coap.Acknowledgement:
		s.acknowledged(from, d.ID)
	case d.Type == coap.Reset:
		s.rejected(from, d.ID)
	}
	return false
}

// reject sends a Reset (RFC 7252 section 4.2). It is no longer than what it
// rejects.
func (s *Server) reject(mid uint16, from way) {
	s.write(coap.AppendUDP(s.small[:0], coap.Datagram{Type: coap.Reset, ID: mid}), from)
}

// tooLong answers what does not fit: 4.13 with a Size1 for a request whose
// header can be read (RFC 7959 section 2.9.3).
func (s *Server) tooLong(b []byte, from way) {
	s.counts.Malformed++
	// The rest of the message is not looked at: of the options, the last may
	// be cut off.
	n := 4 + int(b[0]&15)
	if b[0]>>6 != 1 || b[0]&15 > coap.MaxToken || len(b) < n || coap.Type(b[0]>>4&3) > coap.NonConfirmable {
		return
	}
	d := coap.Datagram{Type: coap.Type(b[0] >> 4 & 3), ID: uint16(b[2])<<8 | uint16(b[3])}
	d.Token = b[4:n]
	if !coap.Code(b[1]).IsRequest() {
		if d.Type == coap.Confirmable {
			s.reject(d.ID, from)
		}
		return
	}
	var o [coap.MaxOptionHeader + 4]byte
	d.Options = coap.AppendUintOption(o[:0], 0, coap.OptSize1, uint64(s.cfg.MaxMessage))
	s.brief(&d, coap.CodeRequestEntityTooLarge, from, none)
}

// brief answers a request without a handler, d being the request with the
// options of the answer. ep is the endpoint, if it is known.
func (s *Server) brief(d *coap.Datagram, c coap.Code, from way, ep int32) {
	if from.group {
		return // RFC 7252 section 8.2
	}
	a := coap.Datagram{Type: coap.Acknowledgement, ID: d.ID}
	if d.Type == coap.NonConfirmable {
		a.Type = coap.NonConfirmable
		if ep != none {
			a.ID = s.nextID(ep)
		} else {
			a.ID = d.ID ^ uint16(s.now()>>10) // of no consequence: nobody acknowledges it
		}
	}
	a.Code, a.Token, a.Options = c, d.Token, d.Options
	b := coap.AppendUDP(s.small[:0], a)
	s.counts.Answers[c.Class()]++
	s.said = refusal{code: c}
	if ep != none {
		s.said.peer = s.ends.peer(ep)
		s.ends.list[ep].budget -= len(b)
	}
	s.write(b, from)
}

// nextID is the ID of the next message to an endpoint (RFC 7252 section 4.4).
func (s *Server) nextID(ep int32) uint16 {
	p := &s.ends.list[ep]
	p.mid++
	return p.mid
}

// refuse answers 5.03 with a Max-Age: the request was not looked at, and can be
// made again (RFC 7252 section 5.9.3.4).
func (s *Server) refuse(d *coap.Datagram, from way, ep int32) {
	var o [coap.MaxOptionHeader + 4]byte
	a := *d
	a.Options = coap.AppendUintOption(o[:0], 0, coap.OptMaxAge, uint64(s.cfg.Busy))
	s.brief(&a, coap.CodeServiceUnavailable, from, ep)
}

// request takes a request, and reports whether it has taken j too, which is
// then to be queued.
func (s *Server) request(j *job, d *coap.Datagram, n int, from way) (took bool) {
	if len(d.Token) > maxToken {
		// The token is not to be rejected as if such tokens were not known at all
		// (RFC 8974 section 2.2.2). The answer is no longer than the request.
		s.counts.Malformed++
		s.brief(&coap.Datagram{Type: d.Type, ID: d.ID, Message: coap.Message{Token: d.Token}}, coap.CodeBadRequest, from, none)
		return false
	}
	now := s.now()
	i := s.endpoint(from, now)
	if i == none {
		s.counts.WithoutPlace++
		s.refuse(d, from, none)
		return false
	}
	p := &s.ends.list[i]
	p.local = from.local
	if !p.seen {
		p.budget = min(p.budget+n*s.cfg.Amplification, 1<<24)
	}
	w, entry := s.duplicate(i, d, now)
	if entry != none {
		s.counts.Duplicates++
		if !s.again(w, entry, d, from) {
			return false
		}
		s.counts.Repeated++
	}
	reserved, ok := 0, p.seen || s.welcome(p, d, now)
	if ok && !s.draining && len(s.free) > 0 {
		reserved, ok = s.reserve(p, d.Code, now)
	}
	if !ok {
		s.challenge(d, from, i, now)
		s.ends.settle(i)
		return false
	}
	if s.draining || len(s.free) == 0 {
		s.counts.Busy++
		s.refuse(d, from, i)
		s.ends.settle(i)
		return false
	}
	w = &s.unsafe
	if idempotent(d.Code) {
		w = &s.safe
	}
	if entry == none {
		entry = w.add(i, p.gen, d.ID, now)
	} else {
		w.list[entry].state = progressWorking
	}
	*j = job{
		buf: j.buf, m: d.Message, ep: i, non: d.Type == coap.NonConfirmable, mid: d.ID, group: from.group,
		reserved: reserved, active: true, inline: s.mayRun(now), came: now, ack: now + int64(s.cfg.Separate), window: w, entry: entry, serial: w.list[entry].serial,
	}
	p.jobs++
	s.busy++
	s.ends.settle(i)
	s.counts.Requests++
	s.due(j.ack)
	return true
}

// idempotent reports whether a request may be done twice with the same effect
// (RFC 7252 section 5.1, RFC 8132 sections 2 and 3).
func idempotent(c coap.Code) bool {
	switch c {
	case coap.CodeGET, coap.CodePUT, coap.CodeDELETE, coap.CodeFETCH, coap.CodeIPATCH:
		return true
	}
	return false
}

// safe reports whether a request changes nothing, so that its answer may be
// thrown away (RFC 7252 section 5.1, RFC 8132 section 2).
func safe(c coap.Code) bool { return c == coap.CodeGET || c == coap.CodeFETCH }

// duplicate finds what is known of a request that has come before, by its
// endpoint and message ID alone, and within the time in which the ID may not be
// used for another (RFC 7252 sections 4.4 and 4.5).
func (s *Server) duplicate(i int32, d *coap.Datagram, now int64) (w *window, entry int32) {
	life := s.cfg.Transmission.exchangeLifetime()
	if d.Type == coap.NonConfirmable {
		life = s.cfg.Transmission.nonLifetime()
	}
	for _, w := range [...]*window{&s.safe, &s.unsafe} {
		if entry := w.find(i, s.ends.list[i].gen, d.ID, now-int64(life)); entry != none {
			return w, entry
		}
	}
	return nil, none
}

// again answers a duplicate as the request was (RFC 7252 section 4.5), and
// reports whether it is to be done again instead: it is idempotent, and its
// answer was not kept.
func (s *Server) again(w *window, entry int32, d *coap.Datagram, from way) bool {
	x := &w.list[entry]
	if d.Type == coap.NonConfirmable {
		return false // silently ignored
	}
	p := &s.ends.list[x.ep]
	switch x.state {
	case progressAcked:
		s.write(coap.AppendUDP(s.small[:0], coap.Datagram{Type: coap.Acknowledgement, ID: d.ID}), from)
	case progressAnswered:
		answer := w.answer(entry)
		switch {
		case answer == nil && w == &s.safe && idempotent(d.Code):
			return true
		case answer == nil:
			// What it has done must not be done twice, and what it was answered is
			// not known any more.
			s.brief(&coap.Datagram{Type: d.Type, ID: d.ID, Message: coap.Message{Token: d.Token}}, coap.CodeInternalServerError, from, x.ep)
		case p.seen || p.budget >= len(answer):
			p.budget -= len(answer)
			s.write(answer, from)
		}
	}
	return false
}

// endpoint is the endpoint of an address, which takes the place of another if
// need be, none if all are busy.
func (s *Server) endpoint(from way, now int64) int32 {
	if i := s.ends.find(from.addr); i != none {
		return i
	}
	i := s.ends.fresh()
	if i == none {
		if i = s.ends.victim(); i == none || !s.forget(i, now) {
			return none
		}
		s.ends.drop(i)
		s.counts.Forgotten++
	}
	p := s.ends.set(i, from)
	p.seen = s.cfg.Amplification < 0
	p.mid = s.echo.random16()
	p.confirmed = now
	s.ends.settle(i)
	return i
}

// forget has the Router told that a peer is gone, by and by, if it needs to
// know. It reports whether there was room to note that.
func (s *Server) forget(i int32, now int64) bool {
	p := &s.ends.list[i]
	if !p.linked {
		return true
	}
	if len(s.gone) == cap(s.gone) {
		return false
	}
	s.gone = append(s.gone, s.ends.peer(i))
	p.linked, p.observer = false, false
	s.due(now)
	return true
}

// write sends a datagram. What the system does not take is as good as lost on
// its way.
func (s *Server) write(b []byte, from way) {
	if _, err := s.conn.write(b, from); err != nil {
		s.counts.Unsent++
	}
}
