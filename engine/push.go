package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Overflow is what becomes of pushed output when a slow consumer's queue is
// at its mark.
type Overflow uint8

// The policies.
const (
	DropNewest Overflow = iota // the push fails with pool.ErrBacklog
	DropOldest                 // the oldest message that has not begun makes room
	CloseSlow                  // the connection is ended; the push fails with pool.ErrBacklog
)

// Push sends a message, head and then body as they are, to the connection of h:
// at once if the slot waits, else after what is being sent. Either may be empty.
// It may be called from any goroutine, copies both, and never waits. Messages
// pushed by one goroutine arrive in their order, each whole.
//
// mark is how many pieces of output (of the size of an output block) may
// wait before the policy applies; 0 is no mark. Push fails with
// pool.ErrStale, pool.ErrBacklog, pool.ErrFull when no output block is
// free, and pool.ErrSealed when the connection has had its last message, which
// is no fault of the peer's: it is not counted, and no policy applies.
func (e *Engine) Push(h pool.Handle, head, body []byte, mark int, overflow Overflow) error {
	err := e.pool.Outputs.Copy(h, head, body, mark)
	if pool.ErrBacklog.Is(err) && overflow == DropOldest && e.pool.Outputs.DropOldest(h) {
		e.counts.add(countPushDropped, 1)
		err = e.pool.Outputs.Copy(h, head, body, mark)
	}
	return e.pushed(h, err, overflow)
}

// PushFixed is Push for a message that somebody waits for: no later message that
// is pushed with DropOldest takes its place, and it does not count for their marks.
// It fails as Push does with DropNewest.
func (e *Engine) PushFixed(h pool.Handle, head, body []byte, mark int) error {
	return e.pushed(h, e.pool.Outputs.CopyFixed(h, head, body, mark), DropNewest)
}

// PushLast is Push for the last message of a connection: it goes behind what
// waits, and whatever is pushed from then on fails with pool.ErrSealed, in one
// step, also for those who push at the same moment. With drop, what waits and
// has not begun is taken away before, as for a peer who is too slow for it. What
// the slot's driver sends is not affected; nor is the connection ended, which is
// its driver's business.
//
// It fails with pool.ErrStale, with pool.ErrSealed if there is a last message
// already, and with pool.ErrFull; then the connection is not sealed.
func (e *Engine) PushLast(h pool.Handle, head, body []byte, drop bool) error {
	dropped, err := e.pool.Outputs.CopyLast(h, head, body, drop)
	if dropped > 0 {
		e.counts.add(countPushDropped, dropped)
	}
	return e.pushed(h, err, DropNewest)
}

// PushBlock is Push for a message in an output block, data, which many
// connections may share: the queue takes a reference of its own. A message
// longer than a block is not shared.
func (e *Engine) PushBlock(h pool.Handle, data []byte, b pool.Block, mark int, overflow Overflow) error {
	err := e.pool.Outputs.Append(h, data, b, false, mark)
	if pool.ErrBacklog.Is(err) && overflow == DropOldest && e.pool.Outputs.DropOldest(h) {
		e.counts.add(countPushDropped, 1)
		err = e.pool.Outputs.Append(h, data, b, false, mark)
	}
	return e.pushed(h, err, overflow)
}

func (e *Engine) pushed(h pool.Handle, err error, overflow Overflow) error {
	if err == nil {
		e.counts.add(countPushed, 1)
		e.signalOutput(h)
		return nil
	}
	if !pool.ErrStale.Is(err) && !pool.ErrSealed.Is(err) {
		e.counts.add(countPushDropped, 1)
		if overflow == CloseSlow {
			e.Kill(h)
		}
	}
	return err
}

// signalOutput tells the slot that it has output. If it waits, the caller
// owns it for long enough to send.
func (e *Engine) signalOutput(h pool.Handle) {
	outcome, sig := e.pool.Signal(h, pool.Output, pool.Claim)
	switch outcome {
	case pool.Resumed:
		e.resume(h, sig)
		return
	case pool.Claimed:
	default:
		return
	}
	s := e.pool.Slot(h.Index())
	note(s, sig)
	err := e.flushPushed(s, &e.counts)
	leave := pool.Park
	switch {
	case err == nil:
		if sig&^pool.Output != 0 {
			// Something else has come with it, which is a worker's business.
			e.hand(s, sig)
			return
		}
	case transport.ErrWouldBlock.Is(err):
		s.Phase = uint8(PhaseWrite)
		s.Idle(pool.Never)
		e.setDeadline(s, e.backend.Now()+e.cfg.Patience.Write)
		leave = pool.Stall
	default:
		if !e.endByWorker(s, flagKilled) {
			e.end(s, true, &e.counts, -1)
		}
		return
	}
	e.putBack(s, leave)
}

// flushPushed sends the queued output of a slot that the caller, who is no
// worker, owns.
func (e *Engine) flushPushed(s *pool.Slot, c *counters) error {
	l := &e.lanes[s.Lane]
	l.push.Lock()
	n, err := e.flushTo(s, l.push.bufs[:])
	l.push.Unlock()
	c.add(countSent, n)
	return err
}

// hand gives a slot that the caller owns to the workers, with signals for
// them.
func (e *Engine) hand(s *pool.Slot, sig pool.Signals) {
	e.pool.Add(s, sig)
	e.pool.Move(s, pool.Enqueue)
	e.enqueue(s)
}

// Wake has the slot of h served, so that its driver can see what has changed
// elsewhere. It may be called from any goroutine.
func (e *Engine) Wake(h pool.Handle) error { return e.signal(h, pool.Kick) }

func (e *Engine) signal(h pool.Handle, why pool.Signals) error {
	outcome, sig := e.pool.Signal(h, why, pool.Enqueue)
	switch outcome {
	case pool.Stale:
		return pool.ErrStale
	case pool.Claimed:
		e.enqueue(e.pool.Slot(h.Index()))
	case pool.Resumed:
		e.resume(h, sig)
	case pool.Noted:
		if why == pool.End {
			e.tellOf(h, ErrKilled)
		}
	}
	return nil
}

// Kill aborts the connection of h. If a worker has it, the handler's next call
// for it fails with ErrKilled, and the connection is aborted when the worker
// is done with it. It may be called from any goroutine.
func (e *Engine) Kill(h pool.Handle) error { return e.signal(h, pool.End) }
