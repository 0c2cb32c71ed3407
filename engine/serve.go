package engine

import (
	"github.com/bobtail-go/bobtail/internal/build"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// The engine's flags of a slot.
const (
	flagUnread  uint8 = 1 << iota // there may be bytes that no event will tell of
	flagHangup                    // the peer has closed: unread until EOF or an error
	flagEOF                       // Receive has come to the end
	flagOutput                    // the queue of output may not be empty
	flagClosing                   // when the output is sent, the connection ends
	flagLinger                    // and the peer may still be sending
	flagHalf                      // our end is sent: the slot drains
	flagKilled                    // the program wants the connection ended
)

// lingerLimit bounds how many bytes are read and thrown away after our end
// was sent. A peer that goes on and on gets a reset.
const lingerLimit = 1 << 20

// serve works on a slot that the worker has claimed until the slot is let go,
// or gone.
//
// On the way of every request, the fewer functions the better: those that are
// called before a system call and return after it cost more than what most of
// them do, since the kernel leaves the processor no memory of where they
// return to.
func (w *Worker) serve(s *pool.Slot, sig pool.Signals) {
	e := w.e
	w.current.Store(int32(e.pool.Index(s)))
	for {
		note(s, sig)
		leave, gone := pool.Park, false
		if build.Small || s.Flags&(flagKilled|flagHalf|flagClosing|flagOutput) != 0 {
			leave, gone = w.step(s)
		} else if v := e.drivers[s.Driver].Serve(w, s); v != Park || s.Flags&flagOutput != 0 {
			leave, gone = w.heed(s, v)
		}
		if gone {
			break
		}
		if leave == pool.Enqueue || leave == pool.Park && s.Flags&flagUnread != 0 {
			// More is known to be there, or to be done. Others first; but nobody need be woken,
			// since this worker is about to look at the ring.
			e.pool.Move(s, pool.Enqueue)
			e.pool.Ready.Push(e.pool.Index(s))
			break
		}
		idle := leave == pool.Park && Phase(s.Phase) == PhaseIdle
		if idle {
			s.Idle(pool.TickAfter(w.Now))
		} else {
			s.Idle(pool.Never)
		}
		var ok bool
		if sig, ok = e.pool.Leave(s, leave); ok {
			if idle && e.disarmed.Load() && e.cfg.Admission == AdmitEvict {
				e.rearm() // a client waits outside, and here is one to evict for it
			}
			break
		}
	}
	w.unlease()
	w.current.Store(nobody)
}

// note keeps what signals say in the slot.
func note(s *pool.Slot, sig pool.Signals) {
	if sig&(pool.Readable|pool.Hangup) != 0 {
		s.Flags |= flagUnread
	}
	if sig&pool.Hangup != 0 {
		s.Flags |= flagHangup
	}
	if sig&pool.Output != 0 {
		s.Flags |= flagOutput
	}
	if sig&pool.End != 0 {
		s.Flags |= flagKilled
	}
}

// refusedBit marks, in Slot.Listener, a slot of the reserve.
const refusedBit = 0x80

// step does one thing for a slot, and says by which event it is to be left,
// or that it is gone.
func (w *Worker) step(s *pool.Slot) (leave pool.Event, gone bool) {
	if s.Flags&flagKilled != 0 {
		w.e.end(s, true, &w.counts, w.id)
		return 0, true
	}
	if s.Flags&flagHalf != 0 {
		return w.drain(s)
	}
	if s.Flags&flagClosing != 0 {
		note(s, w.e.pool.Noted(s)) // what was pushed before the end goes out
	}
	if s.Flags&flagOutput != 0 {
		switch transport.Of(w.flush(s)) {
		case 0:
		case transport.ErrWouldBlock:
			return pool.Stall, false
		default:
			w.e.end(s, true, &w.counts, w.id)
			return 0, true
		}
	}
	if s.Flags&flagClosing != 0 {
		return w.finish(s)
	}
	return w.heed(s, w.e.drivers[s.Driver].Serve(w, s))
}

// heed does what a driver says, as step does.
func (w *Worker) heed(s *pool.Slot, v Verdict) (leave pool.Event, gone bool) {
	switch v {
	case Park:
		if s.Flags&flagOutput != 0 {
			// What was sent has perhaps not all been taken. Nothing more is
			// read until it is, or a peer that never reads would fill our
			// memory.
			return w.step(s)
		}
		return pool.Park, false
	case Hold:
		if !w.e.held.push(w.e.pool.Handle(s), w.e.pool) {
			s.Flags |= flagClosing | flagLinger
			w.e.sayFarewell(s, WhyHeld, &w.counts)
			return w.finish(s)
		}
		w.Enter(s, PhaseHeld)
		w.e.held.offer(w.e)
		return pool.Hold, false
	case Await:
		if s.Flags&flagOutput != 0 {
			return w.step(s)
		}
		w.Enter(s, PhaseWrite)
		return pool.Stall, false
	case Again:
		if s.Flags&flagOutput != 0 {
			return w.step(s)
		}
		return pool.Enqueue, false
	case Finish, Linger:
		s.Flags |= flagClosing
		if v == Linger {
			s.Flags |= flagLinger
		}
		return w.step(s)
	case Abort:
		w.e.end(s, true, &w.counts, w.id)
		return 0, true
	case Detached:
		w.e.end(s, false, &w.counts, w.id)
		return 0, true
	case Lost:
		w.wasLost = true
		return 0, true
	default:
		panic("BUG: engine: driver gave no verdict")
	}
}

// finish ends a connection whose output is sent.
func (w *Worker) finish(s *pool.Slot) (leave pool.Event, gone bool) {
	if s.Flags&flagLinger == 0 || s.Flags&flagEOF != 0 {
		w.e.end(s, false, &w.counts, w.id)
		return 0, true
	}
	// RFC 9112 section 9.6: close our side, read until the peer closes his,
	// then close.
	if err := w.e.backend.CloseWrite(stream(s)); err != nil {
		w.e.end(s, true, &w.counts, w.id)
		return 0, true
	}
	w.e.half(s)
	w.Enter(s, PhaseDrain)
	return w.drain(s)
}

// half notes that our end of the slot's stream is sent. The driver is done
// with the slot.
func (e *Engine) half(s *pool.Slot) {
	e.drivers[s.Driver].Gone(s, e.pool.Handle(s))
	e.pool.Stash.Drop(s)
	s.Flags |= flagHalf | flagUnread | flagClosing
	s.ClearState()
}

// drained is the engine's use of the protocol's state, when the protocol is
// done with it.
type drained struct{ n int }

// drain throws away what the peer sends after our end.
func (w *Worker) drain(s *pool.Slot) (leave pool.Event, gone bool) {
	d := pool.StateOf[drained](s)
	for s.Flags&flagUnread != 0 {
		n, err := w.Receive(s, w.Memory)
		d.n += n
		switch {
		case transport.ErrWouldBlock.Is(err):
		case err != nil:
			w.e.end(s, !transport.EOF.Is(err), &w.counts, w.id)
			return 0, true
		case d.n > lingerLimit:
			w.e.end(s, true, &w.counts, w.id)
			return 0, true
		}
	}
	if w.e.closing.Load() {
		w.Hurry(s, w.e.drainTime())
	}
	return pool.Drain, false
}

// drainTime is how long a peer has to close after our end. One who keeps his
// open does not keep the engine from shutting down.
func (e *Engine) drainTime() int64 {
	if e.closing.Load() {
		return min(e.cfg.Patience.Drain, ClosingGrace)
	}
	return e.cfg.Patience.Drain
}

// Enter says that the slot is in a phase. If it was not before, the deadline
// of the phase begins.
func (w *Worker) Enter(s *pool.Slot, ph Phase) {
	if Phase(s.Phase) == ph {
		return
	}
	s.Phase = uint8(ph)
	d := w.e.cfg.Patience.of(ph)
	if ph == PhaseDrain {
		d = w.e.drainTime()
	}
	if d != 0 {
		w.e.setDeadline(s, w.Now+d)
	}
}

// Alarm says that the slot waits for something other than its peer, and is to
// be served again after d nanoseconds at the latest: the slot is in PhaseAlarm,
// whose deadline ends nothing. d is at most a year; 0 is no alarm.
func (w *Worker) Alarm(s *pool.Slot, d int64) {
	s.Phase = uint8(PhaseAlarm)
	if d == 0 {
		w.e.pool.Deadlines.Clear(w.e.pool.Index(s))
		return
	}
	w.e.setDeadline(s, w.Now+min(d, mostPatience))
}

// Alarmed reports whether the time that Alarm has set has come.
func (w *Worker) Alarmed(s *pool.Slot) bool {
	if Phase(s.Phase) != PhaseAlarm {
		return false
	}
	k := w.e.pool.Deadlines.Get(w.e.pool.Index(s))
	return k != pool.Never && pool.TickTime(k, w.Now) <= w.Now
}

// Hurry brings the slot's deadline forward to d nanoseconds from now, if it is
// not sooner.
func (w *Worker) Hurry(s *pool.Slot, d int64) {
	i := w.e.pool.Index(s)
	if at := w.Now + d; pool.TickTime(w.e.pool.Deadlines.Get(i), w.Now) > at {
		w.e.setDeadline(s, at)
	}
}

// Progress moves the deadline of PhaseBody or PhaseWrite, by n bytes at the
// rate of Patience.
func (w *Worker) Progress(s *pool.Slot, n int) {
	p := &w.e.cfg.Patience
	i := w.e.pool.Index(s)
	now := pool.Tick(w.Now)
	// A byte counts for at least one tick, so that a prompt peer who sends
	// byte by byte is not taken for a slow one.
	k := pool.Later(w.e.pool.Deadlines.Get(i), max(pool.TickAfter(int64(n)*int64(1e9)/int64(p.Rate)), 1))
	if most := pool.TickAfter(w.Now + p.of(Phase(s.Phase))); int32(k-now) > int32(most-now) {
		k = most
	}
	w.e.pool.Deadlines.Set(i, k)
}

// Postpone moves the deadline of PhaseWrite by d nanoseconds in which it was
// not the peer who was waited for.
func (w *Worker) Postpone(s *pool.Slot, d int64) {
	// A part of a tick does not count, so that nobody gains time by many short
	// turns.
	k := pool.Tick(d)
	i := w.e.pool.Index(s)
	if at := w.e.pool.Deadlines.Get(i); k > 0 && at != pool.Never && Phase(s.Phase) == PhaseWrite {
		w.e.pool.Deadlines.Set(i, pool.Later(at, k))
	}
}

func (e *Engine) setDeadline(s *pool.Slot, at int64) {
	if e.pool.Deadlines.Set(e.pool.Index(s), pool.TickAfter(at)) {
		e.monitor.rouse(e)
	}
}

func stream(s *pool.Slot) transport.Stream { return transport.Stream(s.Stream()) }

// end closes or aborts the stream of a slot that the caller owns, and
// releases the slot.
func (e *Engine) end(s *pool.Slot, abort bool, c *counters, worker int) {
	kind := EventClosed
	if abort {
		kind = EventAborted
	}
	h := e.pool.Handle(s)
	if s.Flags&flagHalf == 0 {
		e.drivers[s.Driver].Gone(s, h)
	}
	switch {
	case s.Stream() == noStream:
		kind = EventDetached
		c.add(countDetached, 1)
	case abort:
		e.backend.Abort(stream(s))
	default:
		e.backend.CloseStream(stream(s))
	}
	e.log(kind, worker, h, int(s.Phase))
	if s.Listener&refusedBit != 0 {
		// room is not to see a slot that is free, and of the reserve still.
		e.accept.Lock()
		e.pool.Release(s)
		e.released(true)
		e.rearmLocked()
		e.accept.Unlock()
		return
	}
	e.pool.Release(s)
	if e.disarmed.Load() || e.closing.Load() {
		e.accept.Lock()
		e.released(false)
		e.rearmLocked()
		e.accept.Unlock()
	}
}

// released looks whether the slot that was released was the last. The caller
// has the accept lock.
func (e *Engine) released(refused bool) {
	if refused {
		e.accept.refusing--
	}
	if e.closing.Load() && e.accept.open == 0 && e.pool.Open() == 0 && !e.isOver.Swap(true) {
		close(e.drained)
	}
}

// Receive fills buf with bytes of the slot's peer, as many as are there. It
// fails with ErrWouldBlock of package transport if there are none, and with
// its EOF after the last.
func (w *Worker) Receive(s *pool.Slot, buf []byte) (int, error) {
	view, err := w.e.backend.Receive(stream(s), buf)
	n := len(view)
	if n > 0 {
		if w.e.holds {
			if &view[0] != &buf[0] {
				copy(buf, view)
			}
			w.e.backend.Consume(stream(s), n)
		}
		w.counts.add(countReceived, n)
	}
	switch {
	case err == nil:
		if n < len(buf) && s.Flags&flagHangup == 0 {
			s.Flags &^= flagUnread
		} else if n > 0 {
			// There may be more, also if nobody has told of it: see Ignore.
			s.Flags |= flagUnread
		}
	case transport.EOF.Is(err):
		s.Flags |= flagEOF
		s.Flags &^= flagUnread
	case transport.ErrWouldBlock.Is(err):
		s.Flags &^= flagUnread
	}
	return n, err
}

// Unread reports whether more bytes are known to be there.
func (w *Worker) Unread(s *pool.Slot) bool { return s.Flags&flagUnread != 0 }

// Pending reports whether output waits for the peer to take it.
func (w *Worker) Pending(s *pool.Slot) bool { return s.Flags&flagOutput != 0 }

// Stash is a stash block for the slot, or the one that it has. If all are
// taken, the sender that has stalled longest pays for it. It returns nil if
// there is nobody to pay.
func (w *Worker) Stash(s *pool.Slot) []byte {
	e := w.e
	for {
		if b := e.pool.Stash.Get(e.pool, s, pool.Tick(w.Now)); b != nil {
			return b
		}
		victim := e.pool.Stash.Victim(e.pool)
		if victim == nil {
			return nil
		}
		w.counts.add(countStashVictims, 1)
		e.log(EventStalled, w.id, e.pool.Handle(victim), 0)
		e.pool.Stash.Drop(victim)
		e.dismissSlot(victim, WhyStalled)
	}
}

// Prompt says that the slot's sender makes good progress, so that it does not
// count as stalled.
func (w *Worker) Prompt(s *pool.Slot) { w.e.pool.Stash.Prompt(s, pool.Tick(w.Now)) }

// Panicked counts and logs a panic in what a driver calls outside of any
// worker's handler.
func (e *Engine) Panicked(h pool.Handle) {
	e.counts.add(countPanics, 1)
	e.log(EventPanic, -1, h, 0)
}

// Panicked counts and logs a panic of a handler.
func (w *Worker) Panicked(h pool.Handle) {
	w.counts.add(countPanics, 1)
	w.e.log(EventPanic, w.id, h, 0)
}
