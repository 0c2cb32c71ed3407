package coapudp

import (
	"errors"
	"net"
	"time"
)

// Who reads. Of the goroutines of the workers one leads: it reads, and runs
// handlers itself, since to wake another costs as much as a quick handler. It
// does so as long as they are quick, and another is idle to whom the lead can be
// given if one is not; else it puts requests into the queue, and only reads. So
// there is always somebody who reads, and who answers what needs no handler.
// Who is idle is known from the jobs alone: each keeps one goroutine at most, and
// only the leader makes more of them.

const (
	// quick is how long handlers may take on average for the leader to run them,
	// in ns. To wake a goroutine costs about a tenth of that.
	quick = 20_000

	// most is what a handler is taken for that has taken longer, in ns.
	most = 1_000_000

	// relieveAfter is how long a handler may run before another leads.
	relieveAfter = 2 * time.Millisecond

	// stuckAfter is how long the leader waits for a job to be released, if there
	// is none, before it refuses requests.
	stuckAfter = 100 * time.Millisecond
)

// lead is who leads, and what it does. It is behind the lock.
type lead struct {
	w     *worker // nil while the baton waits for somebody
	since int64   // when it has begun to run a handler, 0 if it does not
	look  int64   // when the sweeper looks whether it still does
	cost  int64   // how long handlers take, in ns, smoothed
	stuck bool    // no job was released for stuckAfter
}

// returned notes how long a handler has taken, and reports whether w, who has run
// it, leads.
func (l *lead) returned(w *worker, took int64) bool {
	l.cost += (min(took, most) - l.cost) / 16
	if l.w != w {
		return false
	}
	l.since = 0
	return true
}

// work is a goroutine of a worker.
func (s *Server) work(w *worker) {
	for {
		select {
		case <-s.baton:
			s.mu.Lock()
			s.lead.w = w
			s.mu.Unlock()
			s.read(w)
		case j := <-s.queue:
			s.serve(w, j)
		case <-s.stopped:
			return
		}
	}
}

// failures is how many reads in a row may fail before the socket is given up.
// Some systems tell one socket what became of the datagrams that it has sent.
const failures = 100

// read reads until the lead is lost, or the socket fails, which closes the
// server.
func (s *Server) read(w *worker) {
	j := s.takeJob()
	for failed := 0; ; {
		n, from, err := s.conn.read(j.buf)
		if err != nil {
			if failed++; failed > failures || errors.Is(err, net.ErrClosed) {
				s.fail(err)
				return
			}
			continue
		}
		failed = 0
		if !s.receive(j, n, from) {
			continue
		}
		if !j.inline {
			s.queue <- j // which has room for every job
		} else if !s.serve(w, j) {
			return
		}
		j = s.takeJob()
	}
}

// mayRun reports whether the leader is to run a handler itself, beside those of
// other jobs. The lock is held.
func (s *Server) mayRun(now int64) bool {
	l := &s.lead
	if s.busy >= s.cfg.Workers || l.cost > quick {
		return false
	}
	l.since = now
	if at := l.since + int64(relieveAfter); at < l.look {
		// The sweeper is woken once for all handlers of the next time.
		l.look = at
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// relieve gives the lead to another if the leader runs a handler for too long.
func (s *Server) relieve(now int64) {
	l := &s.lead
	if l.look > now {
		return
	}
	l.look = forever
	switch at := l.since + int64(relieveAfter); {
	case l.w == nil || l.since == 0:
	case at > now:
		l.look = at
	default:
		l.w, l.since = nil, 0
		l.cost += (most - l.cost) / 16
		s.baton <- struct{}{}
	}
}

// takeJob takes a job that nobody has, for which it waits if all are in use, but
// not for ever: it leaves one for others, or has to refuse requests.
func (s *Server) takeJob() *job {
	s.mu.Lock()
	for len(s.free) <= 1 && !s.lead.stuck && s.state == stateServing {
		s.mu.Unlock()
		select {
		case <-s.freed:
			s.mu.Lock()
			continue
		case <-time.After(stuckAfter):
		case <-s.stopped:
		}
		s.mu.Lock()
		s.lead.stuck = true
	}
	j := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.mu.Unlock()
	return j
}

// fail ends the server, unless that was done already, because its socket has
// failed.
func (s *Server) fail(err error) {
	s.mu.Lock()
	if s.state == stateServing {
		s.failed = err
	}
	s.mu.Unlock()
	s.close()
}
