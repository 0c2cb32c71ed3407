package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Worker.right says who may touch the slot while a handler runs: the state of
// the right in two bits, whether the handler has sent something, and the
// handler's turn, so that the monitor, which decides by what it read before,
// cannot take the right of the next handler for that of the last.
const (
	rightNone    uint32 = iota // no handler runs: the worker owns the slot
	rightHandler               // a handler runs, and is not in a call of ours
	rightBusy                  // it is in a call of ours
	rightPassed                // the monitor has the right

	rightState uint32 = 3
	rightSent  uint32 = 4
	rightTurn         = 3 // shift
)

// BeginHandler says that a handler is about to run for the slot, for at most
// limit nanoseconds (0 is the configured patience). sent says that something
// is to go out before what the handler answers, so that nobody can answer in
// its place. From here to EndHandler the slot is to be touched only through
// a [Stream]. It returns false if the engine has stopped: the handler must
// not run, and the verdict be Abort.
func (w *Worker) BeginHandler(limit int64, sent bool) bool {
	if limit == 0 {
		limit = w.e.cfg.Patience.Handler
	}
	if w.caught.Load() {
		w.caught.Store(false)
	}
	if d := w.Now + min(limit, mostPatience); w.deadline.Load() != d { // as most of a batch have the same
		w.deadline.Store(d)
	}
	w.warned = false
	w.turn++
	r := w.turn<<rightTurn | rightHandler
	if sent {
		r |= rightSent
	}
	w.right.Store(r)
	w.e.monitor.attend(w.e)
	// Stop takes the right of every worker after it has said that it stops. So
	// whoever does not see that it did, has said so before it looks.
	if w.e.stopping.Load() && w.right.CompareAndSwap(r, rightNone) {
		return false
	}
	return true
}

// EndHandler says that the handler has returned. It returns false if its
// deadline had passed: the slot is no longer the worker's, and the driver's
// verdict must be Lost.
func (w *Worker) EndHandler() bool {
	r := w.right.Load()
	if r&rightState == rightHandler && w.right.CompareAndSwap(r, rightNone) {
		// The phases that follow are counted from now, not from when the
		// events were fetched, if that is long ago.
		if w.e.polled.Load() {
			w.Now = w.e.backend.Now()
		} else {
			w.Now = max(w.Now, w.e.clock.Load())
		}
		return true
	}
	w.right.Store(rightNone)
	return false
}

// take takes the right for one call of ours. It fails when the deadline has
// passed.
func (w *Worker) take() bool {
	r := w.right.Load()
	return r&rightState == rightHandler && w.right.CompareAndSwap(r, r&^rightState|rightBusy)
}

// give gives the right back to the handler.
func (w *Worker) give() { w.right.Store(w.right.Load()&^rightState | rightHandler) }

// pass takes the right from a handler that has had it for too long, or, if
// force says so, from any. It returns the slot that goes with it.
func (w *Worker) pass(now int64, force bool) (s *pool.Slot, sent, ok bool) {
	r := w.right.Load()
	if r&rightState != rightHandler {
		return nil, false, false
	}
	// What belongs to this turn was stored before the right was, and stays
	// until the right changes.
	d, i := w.deadline.Load(), w.current.Load()
	if !force && now < d || !w.right.CompareAndSwap(r, r&^rightState|rightPassed) {
		return nil, false, false
	}
	return w.e.pool.Slot(int(i)), r&rightSent != 0, true
}

// Stream is the stream of the slot that a worker serves, as its handler sees
// it: reads and writes that wait, with the worker lent meanwhile. It is an
// io.ReadWriter. Its errors are those of packages engine and transport; EOF
// is transport's, which whoever offers it to programs should translate.
type Stream struct{ w *Worker }

// Stream is the stream of the slot that the worker serves, valid while its
// handler runs. It is always the same one.
func (w *Worker) Stream() *Stream { return &w.stream }

func (t *Stream) slot() (*Worker, *pool.Slot) {
	return t.w, t.w.e.pool.Slot(int(t.w.current.Load()))
}

// Read fills p with at least one byte of the peer's, and waits for it.
func (t *Stream) Read(p []byte) (int, error) {
	w, s := t.slot()
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if !w.take() {
			return 0, ErrDeadline
		}
		var n int
		err := error(transport.ErrReset)
		if s.Flags&flagKilled != 0 {
			err = ErrKilled
		} else if s.Flags&flagOutput == 0 || flushed(w.flushPushed(s)) {
			n, err = w.Receive(s, p)
		}
		if transport.ErrWouldBlock.Is(err) {
			w.Now = w.e.backend.Now()
			w.Enter(s, PhaseBody)
			err = w.waitFor(s, pool.AwaitRead)
			if err == nil {
				w.give()
				continue
			}
		} else if n > 0 && Phase(s.Phase) == PhaseBody {
			w.Progress(s, n)
		}
		w.give()
		return n, err
	}
}

// flushPushed sends what was pushed to the slot, while its handler waits for
// something else: the deadline is that of the read.
func (w *Worker) flushPushed(s *pool.Slot) error {
	n, err := w.e.flushTo(s, w.bufs[:])
	w.counts.add(countSent, n)
	return err
}

// flushed reports whether pushed output has been sent, or waits for its turn.
func flushed(err error) bool { return err == nil || transport.ErrWouldBlock.Is(err) }

// Write sends p, and waits until the peer has taken all of it but what the
// network's buffers hold. Output that waits goes first; what is pushed
// meanwhile goes after p.
func (t *Stream) Write(p []byte) (n int, err error) { return t.write(p, false) }

// WriteOn is Write for the rest of a message that has begun, by Send or by
// Write: nothing comes between.
func (t *Stream) WriteOn(p []byte) (n int, err error) { return t.write(p, true) }

func (t *Stream) write(p []byte, begun bool) (n int, err error) {
	w, s := t.slot()
	if !w.take() {
		return 0, ErrDeadline
	}
	defer w.give() // also if the program's Log or Watcher panics
	w.right.Store(w.right.Load() | rightSent)
	return w.writeAll(s, p, begun)
}

// writeAll is write with the right to the slot.
func (w *Worker) writeAll(s *pool.Slot, p []byte, begun bool) (n int, err error) {
	for {
		if s.Flags&flagKilled != 0 {
			return n, ErrKilled
		}
		if s.Flags&flagOutput != 0 && !begun {
			err = w.flush(s)
		}
		if s.Flags&flagOutput == 0 || begun {
			var k int
			w.one[0] = p[n:]
			k, err = w.e.backend.Send(stream(s), w.one[:])
			w.one[0] = nil
			n += k
			if k > 0 {
				begun = true
				w.counts.add(countSent, k)
				if Phase(s.Phase) == PhaseWrite {
					w.Progress(s, k)
				}
			}
			if n == len(p) && flushed(err) {
				break
			}
		}
		if !flushed(err) {
			return n, err
		}
		w.Now = w.e.backend.Now()
		w.Enter(s, PhaseWrite)
		if err = w.waitFor(s, pool.AwaitWrite); err != nil {
			return n, err
		}
	}
	if Phase(s.Phase) == PhaseWrite {
		s.Phase = uint8(PhaseBusy)
	}
	return n, nil
}

// waitFor waits until the deadline of the slot's phase, or that of the
// handler.
func (w *Worker) waitFor(s *pool.Slot, ev pool.Event) error {
	k := w.e.pool.Deadlines.Get(w.e.pool.Index(s))
	phase, handler := pool.TickTime(k, w.e.backend.Now()), w.deadline.Load()
	err := w.wait(s, ev, min(phase, handler))
	if ErrDeadline.Is(err) && phase < handler {
		err = ErrSlow
		w.counts.add(countTimeout+counter(s.Phase), 1)
		w.e.log(EventTimeout, w.id, w.e.pool.Handle(s), int(s.Phase))
	}
	return err
}

// Remote is the address of the peer of the slot that the worker serves. It
// asks the system each time. It is unset when the handler's deadline has
// passed.
func (t *Stream) Remote() transport.Addr {
	w, s := t.slot()
	if w.right.Load() == rightNone {
		return w.e.backend.Remote(stream(s))
	}
	if !w.take() {
		return transport.Addr{}
	}
	a := w.e.backend.Remote(stream(s))
	w.give()
	return a
}
