package engine

import (
	"runtime"

	"github.com/bobtail-go/bobtail/pool"
)

// Shutdown begins to end the engine in order, and returns at once. No new
// clients are let in, but those who have connected are accepted and served;
// requests at hand are finished, connections that wait are closed by their
// drivers, in the words of their protocols. The channel is closed when the
// last connection is over; then, or when the caller has waited long enough,
// comes Stop.
func (e *Engine) Shutdown() <-chan struct{} {
	e.closing.Store(true)
	e.accept.Lock()
	for k := range e.accept.listeners {
		l := &e.accept.listeners[k]
		if l.closed || l.quiet {
			continue
		}
		// Whoever got through before the door was shut is served; if there is
		// no room for all of them now, as soon as there is.
		l.quiet = true
		e.backend.QuietListener(l.id)
		for e.acceptFrom(k, acceptBatch, &e.counts, -1) {
		}
	}
	e.accept.Unlock()
	for i := range e.pool.High() {
		// A slot that drains or is blocked ends by itself, within its
		// deadline; looking at it does no harm.
		if st, h := e.pool.StateAt(i); st != pool.Free {
			e.Wake(h)
		}
	}
	e.accept.Lock()
	e.released(false)
	e.accept.Unlock()
	return e.drained
}

// Stop aborts what connections there are, ends the workers, and closes the
// backend. A worker whose handler does not return is left alone: it ends when
// its handler does, and its calls fail. The returned channel is closed when
// all others have ended.
func (e *Engine) Stop() <-chan struct{} {
	e.crew.Lock() // a Start that is under way comes first; one that follows fails
	again := e.stopping.Swap(true)
	e.crew.Unlock()
	if again {
		return e.stopped
	}
	e.accept.Lock()
	e.closing.Store(true)
	for k := range e.accept.listeners {
		if l := &e.accept.listeners[k]; !l.closed {
			l.closed = true
			e.accept.open--
			e.backend.CloseListener(l.id)
		}
	}
	e.accept.Unlock()
	for _, w := range e.workers {
		e.deprive(w)
	}
	waitFor := 0
	if e.running.Load() {
		waitFor = 1 // the monitor
		for _, w := range e.workers {
			if !w.alone {
				waitFor++
			}
		}
		for i := range len(e.lanes) + 1 {
			e.backend.Wake(i)
		}
		e.crew.Lock()
		idle := e.crew.idle
		e.crew.idle = nil
		e.crew.Unlock()
		for _, w := range idle {
			w.sema <- struct{}{}
		}
	}
	go func() {
		for waitFor > 0 {
			if id := <-e.ended; id == nobody || !e.workers[id].alone {
				waitFor--
			}
		}
		for i := range e.pool.High() {
			e.abort(e.pool.Slot(i))
		}
		e.backend.Close()
		close(e.stopped)
	}()
	return e.stopped
}

// abort ends the connection of a slot when all workers have ended. A pusher
// may still have it for a moment.
func (e *Engine) abort(s *pool.Slot) {
	for {
		st, h := e.pool.StateAt(e.pool.Index(s))
		switch {
		case st == pool.Free:
			return
		case st == pool.Queued:
			e.pool.Take(s)
			e.end(s, true, &e.counts, -1)
			return
		default:
			if _, ok := e.pool.Sweep(h); ok {
				e.end(s, true, &e.counts, -1)
				return
			}
			runtime.Gosched()
		}
	}
}

// deprive ends the connection of a worker that is in a handler, and lets the
// worker alone.
func (e *Engine) deprive(w *Worker) {
	for {
		switch w.right.Load() & rightState {
		case rightNone:
			return
		case rightPassed:
			w.alone = true
			return
		case rightBusy:
			// In a call of ours, which is over soon, or waits.
			e.dismiss(w, verdictClosing)
			runtime.Gosched()
		case rightHandler:
			if s, _, ok := w.pass(0, true); ok {
				w.tell(e.pool.Handle(s), ErrClosing)
				w.alone = true
				e.lost.Add(1)
				e.pool.Move(s, pool.Sweep)
				e.end(s, true, &e.counts, -1)
				return
			}
		}
	}
}
