package engine

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// tick is how often the monitor looks while there is work: a leader that is
// stuck in a handler keeps the rest of its events waiting for one to two
// ticks.
const tick = 2_000_000

// quietTicks is how many looks in a row must find nothing going on before the
// monitor sleeps until the next deadline. Waking it costs a system call, so
// it should not go to sleep between two requests.
const quietTicks = 16

// monitor is the goroutine that looks after the others: it has no worker's
// memory and serves nobody, but knows the time.
type monitor struct {
	watching atomic.Bool // it ticks
	quiet    int
	expired  func(i int) // e.expire, made once
	now      int64
	waits    int64 // when the first of the waiting workers has waited for too long
}

func (m *monitor) init() { m.watching.Store(true) }

// attend makes sure that the monitor ticks, now that there is work.
func (m *monitor) attend(e *Engine) {
	if !m.watching.Load() {
		m.rouse(e)
	}
}

// rouse makes the monitor look at once, if it sleeps.
func (m *monitor) rouse(e *Engine) {
	if !e.polled.Load() && !m.watching.Swap(true) {
		e.backend.Wake(len(e.lanes))
	}
}

// watch is the life of the monitor.
func (e *Engine) watch() {
	defer func() { e.ended <- nobody }()
	m := &e.monitor
	for !e.stopping.Load() {
		m.now = e.backend.Now()
		deadline := m.now + tick
		if e.look() {
			m.quiet = 0
		} else if m.quiet++; m.quiet >= quietTicks {
			// Whoever has work from here on rouses us. So work is looked for
			// once more after that is said.
			m.watching.Store(false)
			if e.look() {
				m.watching.Store(true)
			} else {
				deadline = e.nextDeadline(m.now)
			}
			m.quiet = 0
		}
		e.backend.Wait(len(e.lanes), nil, deadline)
		m.watching.Store(true)
	}
}

// look does the monitor's rounds and reports whether anything is going on.
func (e *Engine) look() bool {
	m := &e.monitor
	e.sweep(m.now)
	busy := e.lookAtWorkers()
	moving := false
	for i := range e.lanes {
		switch e.lookAtLane(i) {
		case laneWaiting:
			moving = true
		case laneLent:
			// Whoever it queues rouses us.
		case laneServing:
			busy, moving = true, true
		default:
			busy = true
		}
	}
	if e.pool.Ready.Len() > 0 {
		busy = true
		if !e.callIdle() && !moving {
			// Every worker is stuck in a handler, or lent.
			e.reclaim(m.now - leastWait)
		}
	}
	if e.held.waits() {
		busy = true
		e.held.offer(e)
	}
	if at := e.starved.Load(); at != 0 {
		busy = true
		if m.now-at > starvedTime {
			// Descriptors may have been freed by somebody else.
			e.starved.Store(0)
			e.rearm()
		}
	}
	return busy
}

// starvedTime is how long accepting rests for want of descriptors, if no
// stream of ours is closed before, in nanoseconds.
const starvedTime = 100_000_000

// sweep ends what has lasted too long.
func (e *Engine) sweep(now int64) {
	e.monitor.now = now
	e.clock.Store(now)
	if e.monitor.expired == nil {
		e.monitor.expired = e.expire
	}
	e.pool.Deadlines.Sweep(pool.Tick(now), e.monitor.expired)
}

// expire ends the connection of a slot whose deadline has passed, if it waits
// for its peer. If a worker has it, the worker is looked after elsewhere.
func (e *Engine) expire(i int) {
	st, h := e.pool.StateAt(i)
	if st == pool.Free {
		return
	}
	back, ok := e.pool.Sweep(h)
	if !ok {
		return
	}
	s := e.pool.Slot(i)
	now := pool.Tick(e.monitor.now)
	if k := e.pool.Deadlines.Get(i); k == pool.Never || int32(k-now) > 0 {
		// It has been served in the meantime.
		e.putBack(s, back)
		return
	}
	ph := Phase(s.Phase)
	if ph == PhaseAlarm {
		e.hand(s, pool.Kick)
		return
	}
	e.counts.add(countTimeout+counter(ph), 1)
	e.log(EventTimeout, -1, h, int(ph))
	switch ph {
	case PhaseHead, PhaseBody:
		e.dismissSlot(s, WhyTimeout)
	case PhaseHeld:
		e.dismissSlot(s, WhyHeld)
	case PhaseWrite:
		if !e.endByWorker(s, flagKilled) {
			e.end(s, true, &e.counts, -1)
		}
	default:
		if !e.endByWorker(s, flagClosing) {
			e.end(s, false, &e.counts, -1)
		}
	}
}

// putBack lets go of a slot that was swept for nothing.
func (e *Engine) putBack(s *pool.Slot, back pool.Event) {
	idle := back == pool.Park && Phase(s.Phase) == PhaseIdle
	if sig, ok := e.pool.Leave(s, back); !ok {
		e.hand(s, sig)
	} else if idle && e.disarmed.Load() && e.cfg.Admission == AdmitEvict {
		e.rearm()
	}
}

// dismissSlot says farewell to the peer of a slot that the caller has swept,
// and ends the connection: our end at once, the rest when the peer has read
// it.
func (e *Engine) dismissSlot(s *pool.Slot, why Why) {
	cut := s.Flags&flagOutput != 0 || Phase(s.Phase) == PhaseWrite
	said := !cut && e.sayFarewell(s, why, &e.counts)
	cut = cut || s.Flags&flagOutput != 0
	how := flagClosing
	if cut {
		how = flagKilled
	} else if said {
		how |= flagLinger
	}
	if e.endByWorker(s, how) {
		return
	}
	if !said || s.Flags&flagEOF != 0 {
		// It does not take what it was sent, so it will not take this, and must
		// see that something is missing; or there is nothing to say, or nobody
		// left to listen.
		e.end(s, cut, &e.counts, -1)
		return
	}
	if e.backend.CloseWrite(stream(s)) != nil {
		e.end(s, true, &e.counts, -1)
		return
	}
	e.half(s)
	s.Phase = uint8(PhaseDrain)
	s.Idle(pool.Never)
	e.pool.Deadlines.Set(e.pool.Index(s), pool.TickAfter(e.backend.Now()+e.drainTime()))
	// There may be bytes to throw away of which no event will tell.
	e.hand(s, pool.Readable)
}

// sayFarewell sends what the protocol says at the end, behind what was pushed
// before. It reports whether that was sent, whole; if not even what was pushed
// was, the slot still has flagOutput.
func (e *Engine) sayFarewell(s *pool.Slot, why Why, c *counters) bool {
	f := &e.farewell
	f.Lock()
	sent := e.sayFarewellLocked(s, why, c)
	f.Unlock()
	return sent
}

// sayFarewellLocked is sayFarewell under the lock of its memory.
func (e *Engine) sayFarewellLocked(s *pool.Slot, why Why, c *counters) bool {
	f := &e.farewell
	b := e.drivers[s.Driver].Farewell(f.text[:0], s, why)
	if len(b) == 0 {
		return false
	}
	if e.pool.Peek(s)&pool.Output != 0 {
		// It was pushed since the slot was last let go, and before the driver has
		// sealed the queue, if it has: nothing goes behind a farewell.
		s.Flags |= flagOutput
		if e.flushPushed(s, c) != nil {
			return false
		}
	}
	f.bufs[0] = b
	n, err := e.backend.Send(stream(s), f.bufs[:])
	f.bufs[0] = nil
	c.add(countSent, n)
	return err == nil && n == len(b)
}

// lookAtWorkers ends waits and handlers whose deadlines have passed, and
// reports whether a handler runs. One that waits, which may be for hours, is
// looked at again when its time is over: whoever begins to wait rouses us.
func (e *Engine) lookAtWorkers() (busy bool) {
	now := e.monitor.now
	e.monitor.waits = transport.Forever
	for _, w := range e.workers {
		if w.waiting.Load() != 0 {
			if until := w.patience.Load(); now < until {
				e.monitor.waits = min(e.monitor.waits, until)
			} else {
				e.dismiss(w, verdictDeadline)
				busy = true
			}
			continue
		}
		if w.right.Load() == rightNone {
			continue
		}
		busy = true
		if s, sent, ok := w.pass(now, false); ok {
			e.replace(w, s, sent)
		}
	}
	return busy
}

// replace ends the connection of a worker whose handler has not come back,
// and counts the worker as lost. The right to the slot has passed.
func (e *Engine) replace(w *Worker, s *pool.Slot, sent bool) {
	w.tell(e.pool.Handle(s), ErrDeadline)
	e.counts.add(countTimeoutHandler, 1)
	e.counts.add(countLost, 1)
	e.log(EventHandler, w.id, e.pool.Handle(s), 0)
	e.lost.Add(1)
	w.unlease()
	e.pool.Move(s, pool.Sweep)
	if !sent {
		e.dismissSlot(s, WhyHandler)
	} else if !e.endByWorker(s, flagKilled) {
		e.end(s, true, &e.counts, -1)
	}
	if e.work() {
		e.callIdle()
	}
}

// lookAtLane deposes a leader that is stuck, and polls a lane that has no
// leader. It returns the lane's mode after that: laneServing if its leader
// makes progress.
func (e *Engine) lookAtLane(i int) laneMode {
	l := &e.lanes[i]
	t := l.word.Load()
	mode, _, _, _ := splitToken(t)
	stuck := t == l.seen
	l.seen = t
	switch mode {
	case laneWaiting, laneLent:
		return mode
	case laneServing:
		if !stuck {
			return laneServing
		}
		leader := e.leader(i)
		if !l.change(&t, laneVacant) {
			return laneServing
		}
		e.counts.add(countDeposed, 1)
		if leader != nil {
			leader.caught.Store(true)
			e.log(EventDeposed, leader.id, 0, i)
		}
	}
	if e.callIdle() {
		return laneServing
	}
	e.poll(i)
	return laneVacant
}

// leader is the worker that says it leads the lane. It may be wrong by now,
// and is used to mark a slow route, nothing else.
func (e *Engine) leader(lane int) *Worker {
	for _, w := range e.workers {
		if w.lane.Load() == int32(lane) {
			return w
		}
	}
	return nil
}

// poll queues the events of a vacant lane for whoever is free first.
func (e *Engine) poll(i int) {
	l := &e.lanes[i]
	t, ok := l.occupy(laneBorrowed)
	if !ok {
		return
	}
	for {
		ev, took := l.take(&t)
		if took == tookEvent {
			e.queueEvent(ev)
			continue
		}
		n, _ := e.backend.Wait(i, l.raw[:], 0)
		l.fetched(&t, laneBorrowed, n)
		if n == 0 {
			break
		}
	}
	l.change(&t, laneVacant)
}

func (e *Engine) queueEvent(ev transport.Event) {
	if ev.Tag&listenerTag != 0 {
		e.acceptClients(int(ev.Tag&^listenerTag), &e.counts, -1)
		return
	}
	h := pool.Handle(ev.Tag)
	switch outcome, sig := e.pool.Signal(h, signalsOf(ev.Ready), pool.Enqueue); outcome {
	case pool.Claimed:
		e.enqueue(e.pool.Slot(h.Index()))
	case pool.Resumed:
		e.resume(h, sig)
	case pool.Noted:
		if ev.Ready&transport.Hangup != 0 {
			e.tellOf(h, transport.ErrReset)
		}
	}
}

// nextDeadline is when the monitor must look again, if nobody rouses it.
func (e *Engine) nextDeadline(now int64) int64 {
	waits := transport.Forever
	if !e.polled.Load() {
		waits = e.monitor.waits
	}
	k := e.pool.Deadlines.Next()
	if k == pool.Never {
		return waits
	}
	return min(max(pool.TickTime(k, now), now+1), waits)
}
