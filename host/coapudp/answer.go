package coapudp

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// The handlers, and how what they answer goes out.

// serve has a request answered, and reports whether the worker still leads.
func (s *Server) serve(w *worker, j *job) (leads bool) {
	// The lock is not needed for what does not change as long as the endpoint has
	// a job: it keeps its place.
	p := &s.ends.list[j.ep]
	now := s.now()
	w.terms = resource.Terms{
		SZX: 6, Pusher: s, Peer: s.ends.peer(j.ep), Remote: w.zones.remote(p.addr), Now: now,
	}
	head := coap.SizeUDP(coap.Message{Token: j.m.Token})
	// What a peer can take is not known: 1152 bytes, and blocks of 1024 (RFC 7252
	// section 4.6).
	end := min(len(w.out), max(baseMessage, head+64))
	body := w.out[head:head:end]
	var a resource.Answer
	observes := false
	if w.x.Route(j.m, &w.terms, body) {
		a = w.x.Finish()
	} else {
		observes = w.x.Observes()
		limit := w.x.Timeout()
		if limit == 0 {
			limit = int64(s.cfg.Timeout)
		}
		if !s.begin(j, now+limit, observes) {
			a = w.x.Abandon() // closed, or the queue has taken it too long
		} else if s.run(w.x) && s.claim(j) {
			a = w.x.Finish()
		} else {
			a = w.x.Abandon() // nothing that it has begun is to go on
		}
	}
	return s.answer(w, j, a, head, observes, now)
}

// begin says that a handler runs from now on, and reports whether it may.
func (s *Server) begin(j *job, deadline int64, observes bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.deadline = deadline
	s.due(deadline)
	if observes || !safe(j.m.Code) {
		s.ends.list[j.ep].linked = true
	}
	return s.state == stateServing
}

// claim takes the right to answer back from the time, and reports whether it is
// not too late: then the sweeper has answered.
func (s *Server) claim(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.deadline = 0
	return !j.lost
}

// run calls the handler, and reports whether it has not panicked.
func (s *Server) run(x *resource.Exchange) (ok bool) {
	defer func() {
		if !ok {
			if v := recover(); s.cfg.Panic != nil {
				s.cfg.Panic(v)
			}
		}
	}()
	x.Run()
	return true
}

// answer sends what a handler has answered, and ends the job. It reports whether
// the worker still leads.
func (s *Server) answer(w *worker, j *job, a resource.Answer, head int, observes bool, begun int64) (leads bool) {
	b := w.out[:head+len(a.Body)]
	s.mu.Lock()
	p := &s.ends.list[j.ep]
	to := p.way // a copy: the endpoint may be another's when it is used
	now := s.now()
	if observes && !a.Later && coap.Options(a.Body).Has(coap.OptObserve) {
		p.observer = true
	}
	if a.Later {
		p.linked = true
		s.late.add(s.ends.peer(j.ep), j.m.Token, j.non, safe(j.m.Code))
	}
	if p.linked {
		s.due(now + int64(sweepEvery)) // the Router may have to be swept
	}
	var code coap.Code
	switch {
	case j.lost || s.state != stateServing:
		b, code = nil, coap.CodeServiceUnavailable
	case a.Later || a.None:
		b, code = s.silent(j, b, a.Later), 0
	case j.group && (a.Code.IsError() || !p.seen && len(b) > p.budget):
		b, code = s.silent(j, b, false), 0 // RFC 7252 section 8.2
	default:
		b, code = s.spoken(j, p, b, a.Code, now)
	}
	if s.excess += j.reserved; !j.lost {
		s.counts.Answers[code.Class()]++
	}
	if s.cfg.Access != nil {
		s.mu.Unlock()
		n := 0
		if _, p, err := coap.ParseBody(a.Body); err == nil && code == a.Code {
			n = len(p)
		}
		s.cfg.Access(j.m, w.terms.Remote, w.terms.Peer, code, n, now-j.came)
		s.mu.Lock()
	}
	if b != nil {
		s.writing.Add(1) // Shutdown waits for it
	}
	s.release(j)
	leads = s.lead.returned(w, now-begun)
	s.mu.Unlock()
	if b == nil {
		return leads
	}
	defer s.writing.Add(-1)
	// The lock is not held while the system works.
	if _, err := s.conn.write(b, to); err != nil {
		s.mu.Lock()
		s.counts.Unsent++
		s.mu.Unlock()
	}
	return leads
}

// silent is what is sent if there is no answer, or not now: an empty
// acknowledgement for a request that wants one (RFC 7252 section 5.2.2, RFC 7967
// section 2.1).
func (s *Server) silent(j *job, b []byte, later bool) []byte {
	if j.non {
		s.note(j, progressSilent)
		return nil
	}
	s.note(j, progressAcked)
	if later {
		s.counts.Separate++
	}
	if j.acked {
		return nil
	}
	return coap.AppendUDP(b[:0], coap.Datagram{Type: coap.Acknowledgement, ID: j.mid})
}

// note keeps how far a request has come, unless its entry is another's.
func (s *Server) note(j *job, state progress) {
	if x := &j.window.list[j.entry]; x.serial == j.serial {
		x.state = state
	}
}

// spoken puts a header in front of an answer, and keeps it. It returns what is to
// be sent, nil if that is done otherwise, and the code that was really answered.
func (s *Server) spoken(j *job, p *endpoint, b []byte, c coap.Code, now int64) ([]byte, coap.Code) {
	d := coap.Datagram{Type: coap.Acknowledgement, ID: j.mid, Message: coap.Message{Code: c, Token: j.m.Token}}
	switch {
	case j.non:
		// A non-confirmable request is answered by a non-confirmable message (RFC
		// 7252 section 5.2.3).
		d.Type, d.ID = coap.NonConfirmable, s.nextID(j.ep)
	case j.acked:
		d.Type, d.ID = coap.Confirmable, 0
	}
	coap.AppendUDP(b[:0], d)
	if !p.seen && len(b) > p.budget {
		if safe(j.m.Code) {
			// Nothing has been done that this denies.
			s.counts.Challenged++
			c = coap.CodeUnauthorized
			d.Code = c
			b = coap.AppendUDP(b[:0], d)
			b = coap.AppendOption(b, 0, coap.OptEcho, s.echo.value(p.addr, now/int64(echoTime)))
		} else {
			s.overrun(p, len(b))
		}
	}
	switch {
	case j.non:
		s.note(j, progressSilent)
	case j.acked:
		s.counts.Separate++
		// Without room for a message that is sent again, it is sent once (RFC 7252
		// section 5.2.2 leaves that to the server).
		if o := s.enqueue(j.ep, b); o != none {
			s.waiting++
			s.pump(j.ep, now)
			return nil, c
		}
		d.Type, d.ID = coap.NonConfirmable, s.nextID(j.ep)
		coap.AppendUDP(b[:0], d)
	default:
		if x := &j.window.list[j.entry]; x.serial == j.serial {
			j.window.keep(j.entry, b)
		}
	}
	p.budget -= len(b)
	return b, c
}

// release ends a job.
func (s *Server) release(j *job) {
	s.ends.list[j.ep].jobs--
	s.ends.settle(j.ep)
	j.active, j.m = false, coap.Message{}
	s.free = append(s.free, j)
	s.busy--
	s.lead.stuck = false
	select {
	case s.freed <- struct{}{}:
	default:
	}
}
