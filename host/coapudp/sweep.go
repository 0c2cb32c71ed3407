package coapudp

import (
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// The time: what is due is found by looking at every job and every message of
// our own, which are few, no more often than sweepLeast.

const (
	sweepLeast  = time.Millisecond
	routerLeast = 10 * time.Millisecond // for the Router's own

	// sweepEvery is how often the Router is swept while it may have something.
	sweepEvery = time.Second
)

// due has the sweeper look at a time, if it would not do so before.
func (s *Server) due(at int64) {
	if at >= s.next {
		return
	}
	s.next = at
	select {
	case s.wake <- struct{}{}:
	default: // it has not yet seen the last one
	}
}

// sweepAll is the goroutine of the sweeper.
func (s *Server) sweepAll() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		now := s.now()
		s.relieve(now)
		next := s.next
		s.mu.Unlock()
		if next <= now {
			s.sweep(now)
			s.tellGone()
			if at := s.cfg.Resources.Sweep(s, now); at < forever {
				s.mu.Lock()
				s.due(max(at, now+int64(routerLeast)))
				s.mu.Unlock()
			}
		}
		s.mu.Lock()
		next = min(s.next, s.lead.look)
		s.mu.Unlock()
		timer.Reset(min(max(time.Duration(next-s.now()), sweepLeast), time.Hour))
		select {
		case <-timer.C:
		case <-s.wake:
		case <-s.stopped:
			return
		}
	}
}

// sweep does what is due, and says when to look next.
func (s *Server) sweep(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = forever
	for i := range s.jobs {
		if j := &s.jobs[i]; j.active && !j.lost {
			s.sweepJob(j, now)
		}
	}
	for i := range s.outs {
		g := &s.outs[i]
		if len(g.buf) == 0 || !g.flying && g.due == 0 {
			continue
		}
		switch {
		case g.due > now:
			s.due(g.due)
		case g.flying:
			s.relaunch(int32(i), now)
		default:
			g.due = 0
			s.pump(g.ep, now)
		}
	}
}

// sweepJob acknowledges a request that is not answered yet, and answers it if
// its handler takes too long.
func (s *Server) sweepJob(j *job, now int64) {
	p := &s.ends.list[j.ep]
	if !j.non && !j.acked {
		if j.ack > now {
			s.due(j.ack)
		} else {
			// RFC 7252 section 5.2.2.
			j.acked = true
			s.note(j, progressAcked)
			s.write(coap.AppendUDP(s.small[:0], coap.Datagram{Type: coap.Acknowledgement, ID: j.mid}), p.way)
		}
	}
	switch {
	case j.deadline == 0:
	case j.deadline > now:
		s.due(j.deadline)
	default:
		// The right to answer passes from the handler to us.
		j.lost = true
		s.counts.Late++
		d := coap.Datagram{Message: coap.Message{Code: coap.CodeServiceUnavailable, Token: j.m.Token}}
		if j.non {
			d.Type, d.ID = coap.NonConfirmable, s.nextID(j.ep)
			s.note(j, progressSilent)
			s.write(coap.AppendUDP(s.small[:0], d), p.way)
			return
		}
		if !j.acked {
			d.Type, d.ID = coap.Acknowledgement, j.mid
			b := coap.AppendUDP(s.small[:0], d)
			if x := &j.window.list[j.entry]; x.serial == j.serial {
				j.window.keep(j.entry, b)
			}
			p.budget -= len(b)
			s.write(b, p.way)
			return
		}
		if o := s.stage(j.ep, d); o != none {
			s.counts.Separate++
			s.waiting++
			s.pump(j.ep, now)
			return
		}
		// As in spoken.
		d.Type, d.ID = coap.NonConfirmable, s.nextID(j.ep)
		s.write(coap.AppendUDP(s.small[:0], d), p.way)
	}
}

// tellGone tells the Router of peers that are gone.
func (s *Server) tellGone() {
	for {
		s.mu.Lock()
		n := len(s.gone)
		if n == 0 {
			s.mu.Unlock()
			return
		}
		peer := s.gone[n-1]
		s.gone = s.gone[:n-1]
		s.mu.Unlock()
		s.cfg.Resources.Gone(s, peer)
	}
}
