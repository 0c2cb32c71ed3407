package engine

import (
	"sync"

	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// heldFactor times the number of stash blocks is the room for held requests.
// Each has a stash block, so half of the room is always enough for the live
// ones, and the other half keeps the cost of removing stale ones low.
const heldFactor = 2

// held is the queue of the slots that wait until a worker may be lent, in the
// order in which they came.
type held struct {
	mu    sync.Mutex
	items []pool.Handle
	n     int
}

func (q *held) init(n int) { q.items = make([]pool.Handle, n) }

// push appends a connection, which is about to become Held. It fails if there
// is no room.
func (q *held) push(h pool.Handle, p *pool.Pool) bool {
	q.mu.Lock()
	ok := q.pushLocked(h, p)
	q.mu.Unlock()
	return ok
}

// pushLocked is push under the lock.
func (q *held) pushLocked(h pool.Handle, p *pool.Pool) bool {
	for _, o := range q.items[:q.n] {
		if o == h {
			return true // it was woken for another reason, and has its place
		}
	}
	if q.n == len(q.items) {
		live := 0
		for _, h := range q.items[:q.n] {
			if st, now := p.StateAt(h.Index()); now == h && (st == pool.Held || st.Owned() || st == pool.Queued) {
				q.items[live] = h // held, or about to be
				live++
			}
		}
		q.n = live
	}
	if q.n == len(q.items) {
		return false
	}
	q.items[q.n] = h
	q.n++
	return true
}

// offer tells the first of the queue that a worker may be lent, if that is
// so. The permit itself is taken by the worker that then serves the slot.
func (q *held) offer(e *Engine) {
	for e.lent.Load() < e.mostLent() {
		q.mu.Lock()
		if q.n == 0 {
			q.mu.Unlock()
			return
		}
		h := q.items[0]
		q.n--
		copy(q.items, q.items[1:q.n+1])
		q.mu.Unlock()
		switch outcome, _ := e.pool.Signal(h, pool.Permit, pool.Enqueue); outcome {
		case pool.Claimed:
			e.enqueue(e.pool.Slot(h.Index()))
			return
		case pool.Noted:
			// If it is about to be held, it will see the permit when it is let
			// go. If it is not, nobody takes the offer, and the next is asked
			// when the monitor looks.
			if st, now := e.pool.StateAt(h.Index()); now == h && st == pool.Served {
				return
			}
		}
	}
}

// waits reports whether anybody waits to lend.
func (q *held) waits() bool {
	q.mu.Lock()
	ok := q.n > 0
	q.mu.Unlock()
	return ok
}

// mostLent is how many requests may lend their worker at once.
func (e *Engine) mostLent() int32 {
	if e.polled.Load() {
		return 1 // there is but one worker
	}
	return int32(max(e.cfg.Workers-1, 1))
}

// TryLend asks whether the worker may wait for the peer of the slot that it
// serves, if it comes to that. It may until it has let go of the slot. If
// not, the driver says Hold, and is called again when it may.
func (w *Worker) TryLend() bool {
	if w.permit.Load() {
		return true
	}
	e := w.e
	for {
		n := e.lent.Load()
		if n >= e.mostLent() {
			return false
		}
		if e.lent.CompareAndSwap(n, n+1) {
			w.permit.Store(true)
			return true
		}
	}
}

// unlease gives the permit back.
func (w *Worker) unlease() {
	if !w.permit.Load() || !w.permit.Swap(false) {
		return
	}
	w.e.lent.Add(-1)
	w.e.held.offer(w.e)
}

// Why a waiting worker goes on without what it waits for: two bits of
// Worker.verdict, whose others count the waits, so that nobody ends the next
// wait in place of the last.
const (
	verdictNone uint32 = iota
	verdictDeadline
	verdictReclaimed
	verdictClosing

	verdictBits = 2
	verdictMask = 1<<verdictBits - 1
)

// wait lends the worker until the slot's peer has sent bytes (AwaitRead) or
// taken some (AwaitWrite), or a deadline has passed.
func (w *Worker) wait(s *pool.Slot, ev pool.Event, deadline int64) error {
	e := w.e
	if e.polled.Load() {
		return w.e.waitPolled(w, s, ev, deadline)
	}
	w.beginWait()
	w.patience.Store(deadline)
	w.waiting.Store(max(e.backend.Now(), 1))
	sig, ok := e.pool.Leave(s, ev)
	if ok {
		// The monitor looks after the deadline, and the lane is for others, if
		// there are any.
		e.monitor.rouse(e)
		if !e.idleAtHand() && (w.lane.Load() != nobody || w.lead()) {
			w.waitLeading()
		} else {
			w.abdicate()
			<-w.sema
		}
		sig = w.signals
	}
	// The handler goes on. The monitor may sleep until the wait would have been
	// over, and nobody else looks after a handler, or a leader, that is stuck.
	w.waiting.Store(0)
	e.monitor.attend(e)
	w.Now = e.backend.Now()
	return w.resumed(s, sig)
}

// waitLeading waits for the peer as the leader of a lane that nobody else can
// lead now: the worker goes on to fetch its events, and queues them for
// others.
func (w *Worker) waitLeading() {
	e := w.e
	lane := int(w.lane.Load())
	l := &e.lanes[lane]
	for {
		select {
		case <-w.sema:
			return
		default:
		}
		ev, took := l.take(&w.token)
		if took == tookEvent {
			e.queueEvent(ev)
			continue
		}
		if took == tookDeposed || !l.change(&w.token, laneLent) {
			w.lane.Store(nobody)
			<-w.sema
			return
		}
		// Whoever has something for us tells sema first and then wakes the
		// lane, so that it is not missed in between.
		n, _ := e.backend.Wait(lane, l.raw[:], transport.Forever)
		l.fetched(&w.token, laneServing, n)
	}
}

func (w *Worker) beginWait() {
	w.waits++
	w.verdict.Store(w.waits << verdictBits)
}

// resumed looks at why a wait has ended.
func (w *Worker) resumed(s *pool.Slot, sig pool.Signals) error {
	note(s, sig)
	if s.Flags&flagKilled != 0 {
		w.e.tellOf(w.e.pool.Handle(s), ErrKilled)
		return ErrKilled
	}
	if sig&pool.Hangup != 0 {
		w.e.tellOf(w.e.pool.Handle(s), transport.ErrReset)
	}
	if sig&pool.Kick != 0 {
		switch w.verdict.Load() & verdictMask {
		case verdictDeadline:
			return ErrDeadline
		case verdictReclaimed:
			return ErrReclaimed
		case verdictClosing:
			return ErrClosing
		}
	}
	return nil
}

// resume lets the worker go on that waits in the slot of h, whose signals
// were taken for it.
func (e *Engine) resume(h pool.Handle, sig pool.Signals) {
	for _, w := range e.workers {
		if int(w.current.Load()) == h.Index() && w.waiting.Load() != 0 {
			w.signals = sig
			w.sema <- struct{}{}
			if l := w.lane.Load(); l != nobody {
				e.backend.Wake(int(l)) // see waitLeading
			}
			return
		}
	}
	panic("BUG: engine: nobody waits in a lent slot")
}

// dismiss makes a waiting worker's call fail. It reports whether the worker
// was still waiting.
func (e *Engine) dismiss(w *Worker, verdict uint32) bool {
	v := w.verdict.Load()
	i := w.current.Load()
	if i == nobody || v&verdictMask != verdictNone {
		return false
	}
	st, h := e.pool.StateAt(int(i))
	if !st.Lent() || !w.verdict.CompareAndSwap(v, v|verdict) {
		return false
	}
	outcome, sig := e.pool.Signal(h, pool.Kick, pool.Enqueue)
	switch outcome {
	case pool.Resumed:
		e.resume(h, sig)
		return true
	case pool.Claimed:
		// The worker has gone on and parked the slot since: it is looked at
		// for nothing.
		e.enqueue(e.pool.Slot(h.Index()))
	}
	return false
}

// leastWait is how long, in nanoseconds, a worker has waited before it is
// reclaimed by others. On a busy machine a worker looks stuck now and then
// that is about to go on, and a peer that does well should not pay for that.
const leastWait = 25_000_000

// reclaim dismisses the worker that has waited longest, if it has waited
// since before.
func (e *Engine) reclaim(before int64) {
	var longest *Worker
	since := before
	for _, w := range e.workers {
		if t := w.waiting.Load(); t != 0 && t < since {
			longest, since = w, t
		}
	}
	if longest != nil && e.dismiss(longest, verdictReclaimed) {
		e.counts.add(countReclaimed, 1)
		e.log(EventReclaimed, longest.id, 0, 0)
	}
}
