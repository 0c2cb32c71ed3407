package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// This file is for protocols whose two sides send messages whenever they like,
// and whose handlers may live as long as their connection.

// Seal ends what may be pushed to the slot: from here on every Push fails with
// pool.ErrSealed. What was pushed before is sent, and so is what the driver
// sends. It is for the protocol's last words.
func (w *Worker) Seal(s *pool.Slot) { w.e.pool.Outputs.Seal(s) }

// Hold says that the driver is midway in a message that it sends in several
// parts, possibly in several turns: what is pushed waits until Hold(s, false),
// except what has begun already, which goes out first. Hold(s, false) sends what
// has waited, as far as the peer takes it at once. A slot that is held may be
// parked, and every other call works as before; if it ends so, what was pushed
// and has not begun is lost with it.
func (w *Worker) Hold(s *pool.Slot, on bool) {
	if !w.e.pool.Outputs.Hold(s, on) {
		return
	}
	s.Flags |= flagOutput
	if !on {
		w.flush(s) // who looks next finds out how it went
	}
}

// Switch gives the slot to another driver, which serves it from then on: with
// its state zero, and its phase and deadline to be entered anew. The driver that
// had it has let go of what it keeps for the slot; its Gone is not called.
func (w *Worker) Switch(s *pool.Slot, driver int) {
	s.Driver = uint8(driver)
	s.ClearState()
	s.Phase = uint8(PhaseBusy)
	w.e.pool.Deadlines.Clear(w.e.pool.Index(s))
}

// Seal is Worker.Seal, inside of a handler. It fails with ErrDeadline.
func (t *Stream) Seal() error {
	w, s := t.slot()
	if !w.take() {
		return ErrDeadline
	}
	w.Seal(s)
	w.give()
	return nil
}

// Hold is Worker.Hold, inside of a handler: while it is on, what is pushed comes
// between no two Writes. Hold(false) sends what has been pushed meanwhile, as
// far as the peer takes it at once; the rest follows when the handler next
// reads or writes. It fails with ErrDeadline, and as sending does.
func (t *Stream) Hold(on bool) error {
	w, s := t.slot()
	if !w.take() {
		return ErrDeadline
	}
	var err error
	if w.e.pool.Outputs.Hold(s, on) {
		s.Flags |= flagOutput
		if !on {
			if err = w.flushPushed(s); flushed(err) {
				err = nil
			}
		}
	}
	w.give()
	return err
}

// ReadWithin is Read with a limit of the caller's, d nanoseconds from the first
// time that it has to wait, instead of the peer's phase: at its end it fails
// with ErrSlow, which ends nothing and is not counted, and the handler may go
// on. A d of 0 or less does not wait. The handler's deadline holds too. What is
// pushed to the connection is sent while it waits.
//
// When the engine shuts down, it fails with ErrClosing as soon as it would have
// to wait, or at once if it waits, but once in a handler only: the handler may
// then end in order, and read what the peer says to that.
func (t *Stream) ReadWithin(p []byte, d int64) (int, error) {
	w, s := t.slot()
	if len(p) == 0 {
		return 0, nil
	}
	until := int64(0)
	for {
		if !w.take() {
			return 0, ErrDeadline
		}
		var n int
		err := error(nil)
		switch {
		case s.Flags&flagKilled != 0:
			err = ErrKilled
		case s.Flags&flagOutput != 0:
			err = w.flushPushed(s)
		}
		if flushed(err) {
			n, err = w.Receive(s, p)
		}
		if !transport.ErrWouldBlock.Is(err) {
			w.give()
			return n, err
		}
		w.Now = w.e.backend.Now()
		if until == 0 {
			until = w.Now + min(d, mostPatience)
			// The peer is in no phase that has a deadline of its own.
			s.Phase = uint8(PhaseBusy)
			w.e.pool.Deadlines.Clear(w.e.pool.Index(s))
		}
		err = w.waitUntil(s, until)
		w.give()
		if err != nil {
			return 0, err
		}
	}
}

// waitUntil waits for the peer's bytes until a time, or the handler's deadline,
// or the end of the engine.
func (w *Worker) waitUntil(s *pool.Slot, until int64) error {
	if w.e.closing.Load() && !w.warned {
		w.warned = true
		return ErrClosing
	}
	if w.Now >= until {
		return ErrSlow
	}
	handler := w.deadline.Load()
	err := w.wait(s, pool.AwaitRead, min(until, handler))
	if ErrDeadline.Is(err) && until < handler {
		err = ErrSlow
	}
	return err
}

// Extend moves the handler's deadline to d nanoseconds from now, at most a year:
// for handlers that live as long as their connection, and say so now and then.
// It fails with ErrDeadline if the deadline has passed.
func (t *Stream) Extend(d int64) error {
	w := t.w
	if !w.take() {
		return ErrDeadline
	}
	w.deadline.Store(w.e.backend.Now() + min(d, mostPatience))
	w.give()
	return nil
}
