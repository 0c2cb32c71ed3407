package web

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// This file takes a request whose head is complete to its answer: route,
// content, handler, and what follows from how it ended.

// request does what can be done for a request whose head is complete.
func (x *Exchange) request() (next, engine.Verdict) {
	// A head that is the same as that before has the same route, and its wildcards
	// are where they were.
	r, own := x.found, ownNone
	if r == nil || !x.conn.Repeated() {
		r, own = x.d.router.find(x)
		x.found = r
	}
	x.route = r
	if r != nil && (r.MaxBody != 0 || r.Types != nil) {
		own = x.terms(r)
	}
	if own != ownNone {
		return x.answer(r, x.d.router.own[own])
	}
	if r.Sink != nil {
		return x.feedSink(r)
	}
	if x.conn.State() == http1.StateRespond {
		// All of it is here, if there is any.
	} else if whole, fits := x.conn.Whole(); !whole {
		if fits && !x.conn.Expects() && !(r.Streams && x.conn.Head().Chunked()) {
			// Short content is waited for without a worker. Who asks whether to
			// send it at all is answered by the handler.
			x.w.Enter(x.s, engine.PhaseBody)
			return nextReceive, 0
		}
		if !x.w.TryLend() {
			if !x.stash() {
				return nextEnd, x.refuseBusy()
			}
			if v, blocked := x.flush(); blocked {
				return nextEnd, v
			}
			return nextEnd, engine.Hold
		}
		if len(x.conn.Staged()) > 0 {
			// Whoever is ahead of a long request is not to wait for it.
			if v, blocked := x.flush(); blocked {
				return nextEnd, v
			}
		}
	}
	h := r.Handler
	if r.each != nil {
		h = r.each[x.id]
	}
	return x.answer(r, h)
}

// terms holds a request with content to the terms of its route, which has some.
func (x *Exchange) terms(r *route) ownAnswer {
	h := x.conn.Head()
	n, known := h.ContentLength()
	if n == 0 && !h.Chunked() {
		return ownNone
	}
	if r.MaxBody != 0 {
		if known && n > r.MaxBody {
			return ownTooLong
		}
		x.conn.LimitBody(r.MaxBody)
	}
	if r.Types != nil && !r.takes(h.Get(x.conn.Bytes(), "Content-Type")) {
		return ownType
	}
	return ownNone
}

// answer runs a handler.
func (x *Exchange) answer(r *route, h Handler) (next, engine.Verdict) {
	w := x.w
	x.route = r
	var began int64
	stuck := int32(0)
	if r != nil {
		stuck = r.stuck.Load()
	}
	if stuck > 0 || x.d.cfg.Access != nil {
		began = x.d.e.Backend().Now()
	}
	if stuck > stuckSlow {
		w.HandOver()
	}
	limit := int64(0)
	if r != nil {
		limit = r.Timeout
	}
	if stuck > stuckSlow && len(x.conn.Staged()) > 0 {
		// Nobody waits for a slow handler who is before it in the queue.
		if v, blocked := x.flush(); blocked {
			return nextEnd, v
		}
	}
	if !w.BeginHandler(limit, len(x.conn.Staged()) > 0) {
		return nextEnd, engine.Abort
	}
	x.handling = true
	err := x.run(h)
	if err != nil && x.then == modeSwitch {
		x.then, x.protocol = modeRequest, nil // it is answered, and stays
	}
	if err != nil && !x.conn.Finished() && !x.detached && x.then != modeHeld {
		err = x.apologize(err)
	}
	x.clearAside() // what is answered next may be another connection's request
	x.abandonEnding()
	x.handling = false
	if !w.EndHandler() {
		if x.source.src != nil {
			x.d.modes[modeSource].Load().drop(x)
		}
		x.static = nil
		x.conn.Reset(nil)
		return nextEnd, engine.Lost
	}
	switch {
	case r == nil:
	case w.Caught():
		r.stuck.Store(min(stuck+stuckStep, stuckMost))
	case stuck > 0 && x.d.e.Backend().Now()-began < quickTime:
		r.stuck.Add(-1)
	}
	if x.detached {
		return x.left(began)
	}
	if x.then != modeRequest {
		if after, v, over := x.d.modes[x.then].Load().leave(x, err, began); over {
			return after, v
		}
	}
	return x.settle(err, began)
}

// settle counts and reports an answer, and goes on. Static content that no request
// is behind is left to Serve to send. Else it is sent here, and those behind it are
// served too: if they were put away until the peer has read it, a slow reader would
// pay for a stash block as a slow sender does.
func (x *Exchange) settle(err error, began int64) (next, engine.Verdict) {
	x.counts.class(x.conn.Code())
	if x.d.cfg.Access != nil {
		x.d.cfg.Access(&x.req, x.conn.Code(), x.conn.Sent(), x.d.e.Backend().Now()-began)
	}
	if x.conn.State() == http1.StateDrain && !x.conn.Drains() {
		x.conn.AnnounceClose()
	}
	if x.source.src != nil {
		after, v, _ := x.d.modes[modeSource].Load().leave(x, err, began)
		return after, v
	}
	if x.static != nil && (x.conn.State() != http1.StateComplete || x.conn.NeedsClose() || x.conn.Buffered() > 0) {
		static := x.static
		x.static = nil
		if e := x.send(x.conn.Staged(), static); e != nil {
			return nextEnd, engine.Abort
		}
		x.conn.Unstage()
	}
	return x.answered(err)
}

// apologize answers for a handler that has failed. It returns the error that
// makes it impossible.
func (x *Exchange) apologize(err error) error {
	if ErrAbort.Is(err) || transport.ErrReset.Is(err) {
		return ErrAbort
	}
	if e, ok := err.(engine.Error); ok {
		switch e {
		case engine.ErrReclaimed, engine.ErrKilled, engine.ErrClosing:
			return ErrAbort
		case engine.ErrSlow:
			return x.conn.Fail(http1.StatusRequestTimeout, err)
		case engine.ErrDeadline:
			return x.conn.Fail(http1.StatusServiceUnavailable, err)
		}
	}
	return x.conn.CompleteErr(err)
}

// answered goes on after a response was completed, or could not be.
func (x *Exchange) answered(err error) (next, engine.Verdict) {
	switch x.conn.State() {
	case http1.StateComplete:
		if x.conn.NeedsClose() {
			// Also a peer that has said that this was its last request may be
			// sending another, and must not lose the answer for that.
			return nextEnd, x.last(engine.Linger)
		}
	case http1.StateDrain:
		if x.conn.EOF() {
			return nextEnd, x.last(engine.Finish)
		}
		if !x.conn.Drains() {
			return nextEnd, x.last(engine.Linger)
		}
		pool.StateOf[slotState](x.s).answered = true
		x.s.Phase = uint8(engine.PhaseBusy)
		x.w.Enter(x.s, engine.PhaseBody)
		return nextReceive, 0
	case http1.StateLinger:
		return nextEnd, x.last(engine.Linger)
	default:
		if x.conn.Cut() {
			// Nothing of this response was sent, but there are answers that
			// were, and a reset might overtake them.
			return nextEnd, x.last(engine.Linger)
		}
		// The response is cut short: the peer must see that.
		return nextEnd, engine.Abort
	}
	x.s.Phase = uint8(engine.PhaseBusy)
	if x.conn.Buffered() == 0 {
		return nextSend, 0 // the last request that was here
	}
	if staged := x.conn.Staged(); cap(staged)-len(staged) < cap(staged)/2 {
		return nextSend, 0
	}
	return nextStep, 0
}

// refuse answers a request that cannot be understood.
func (x *Exchange) refuse(err error) engine.Verdict {
	x.found = nil // no route was looked for
	x.d.e.Log(engine.Event{Kind: engine.EventBadInput, Worker: int16(x.id), Handle: x.handle, Code: errorCode(err)})
	if e := x.conn.CompleteErr(err); e != nil {
		return engine.Abort
	}
	x.counts.class(x.conn.Code())
	return x.last(engine.Linger)
}

func errorCode(err error) int32 {
	if e, ok := err.(http1.Error); ok {
		return int32(e)
	}
	return 0
}

// refuseBusy answers a request for which there is no memory.
func (x *Exchange) refuseBusy() engine.Verdict {
	if e := x.conn.Fail(503, nil); e != nil {
		return engine.Abort
	}
	x.counts.class(503)
	return x.last(engine.Linger)
}
