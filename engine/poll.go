package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Poll drives the engine from a loop of the caller's, without Start and
// without any goroutine: it does what is ready at time now, of the backend's
// clock, and returns when it must be called again at the latest. It does not
// wait; between calls the caller may [Engine.Wait]. A handler that must wait
// for its peer polls meanwhile, and fails with ErrReclaimed as soon as
// another slot is ready, since there is but one worker.
//
// Poll is not for several goroutines, and fails with ErrRunning after Start.
func (e *Engine) Poll(now int64) (next int64, err error) {
	if e.running.Load() {
		return now, ErrRunning
	}
	w := e.workers[0]
	e.bePolled()
	w.Now = now
	e.sweep(now)
	if at := e.starved.Load(); at != 0 && now-at > starvedTime {
		e.starved.Store(0)
		e.rearm()
	}
	for i := range e.lanes {
		if err := e.pollLane(w, i, 0); err != nil {
			return now, err
		}
	}
	for range e.pool.Ready.Len() {
		w.serveQueued()
	}
	if e.pool.Ready.Len() > 0 {
		return now, nil
	}
	next = e.nextDeadline(now)
	if e.starved.Load() != 0 {
		next = min(next, now+starvedTime)
	}
	return next, nil
}

// Polled reports whether the engine is driven by Poll.
func (e *Engine) Polled() bool { return e.polled.Load() }

// Wait waits until there is something for Poll to do, or the deadline has
// passed, or another goroutine has pushed to a slot or woken one. It fails
// with ErrLanes unless the backend has one lane only.
func (e *Engine) Wait(deadline int64) error {
	if e.running.Load() {
		return ErrRunning
	}
	if len(e.lanes) > 1 {
		return ErrLanes
	}
	e.bePolled()
	l := &e.lanes[0]
	t := l.word.Load()
	if _, next, n, _ := splitToken(t); next < n || e.pool.Ready.Len() > 0 {
		return nil
	}
	n, err := e.backend.Wait(0, l.raw[:], deadline)
	l.fetched(&t, laneVacant, n)
	return err
}

// bePolled says that the caller's goroutine does the work. Engines that are never
// polled do not link what a handler that waits does then.
func (e *Engine) bePolled() {
	if !e.polled.Load() {
		e.waitPolled = (*Worker).waitPolled
		e.polled.Store(true)
	}
}

// pollLane serves the events of a lane, those that Wait has left there first.
func (e *Engine) pollLane(w *Worker, i int, deadline int64) error {
	l := &e.lanes[i]
	t := l.word.Load()
	for {
		for {
			ev, took := l.take(&t)
			if took != tookEvent {
				break
			}
			if int(w.current.Load()) != nobody {
				e.queueEvent(ev) // inside a handler: one slot at a time
			} else if s, sig := w.claim(ev); s != nil {
				w.serve(s, sig)
			}
		}
		n, err := e.backend.Wait(i, l.raw[:], deadline)
		l.fetched(&t, laneVacant, n)
		if n == 0 || err != nil {
			return err
		}
		deadline = 0
	}
}

// waitPolled waits for the peer of the slot that the only worker serves.
func (w *Worker) waitPolled(s *pool.Slot, ev pool.Event, deadline int64) error {
	e := w.e
	w.beginWait()
	w.waiting.Store(max(e.backend.Now(), 1))
	sig, ok := e.pool.Leave(s, ev)
	for ok {
		select {
		case <-w.sema:
			sig, ok = w.signals, false
			continue
		default:
		}
		now := e.backend.Now()
		switch {
		case e.pool.Ready.Len() > 0:
			e.reclaim(transport.Forever)
			continue
		case now >= deadline:
			e.dismiss(w, verdictDeadline)
			continue
		}
		e.sweep(now)
		until := min(deadline, e.nextDeadline(now))
		for i := range e.lanes {
			if e.pollLane(w, i, until) != nil {
				e.dismiss(w, verdictClosing) // the backend is broken
				break
			}
			until = 0
		}
	}
	w.Now = e.backend.Now()
	err := w.resumed(s, sig)
	w.waiting.Store(0)
	return err
}
