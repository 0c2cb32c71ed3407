package web

import (
	"io"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/pool"
)

// This file gives content to a Sink as it comes.

// feedSink gives a Sink the content that is here.
func (x *Exchange) feedSink(r *route) (next, engine.Verdict) {
	st := pool.StateOf[slotState](x.s)
	if st.which == 0 {
		st.which, st.sink = r.number, State{}
		if x.conn.Expects() {
			if err := x.conn.Continue(); err != nil {
				return nextEnd, engine.Abort
			}
		}
	}
	for {
		piece, err := x.conn.TryPiece()
		if len(piece) > 0 {
			if !x.w.BeginHandler(r.Timeout, len(x.conn.Staged()) > 0) {
				return nextEnd, engine.Abort
			}
			x.state = st.sink
			x.forget()
			x.piece(r.Sink, piece)
			err = x.result
			if !x.w.EndHandler() {
				return nextEnd, engine.Lost
			}
			st.sink = x.state
			if err == nil {
				x.progress(len(piece))
				continue
			}
		}
		switch {
		case err == nil:
			x.w.Enter(x.s, engine.PhaseBody)
			return nextReceive, 0
		case same.Error(err, io.EOF):
			x.state = st.sink
			st.which = 0 // from here on it is End's
			x.ending = r.Sink
			after, v := x.answer(r, r.end)
			switch {
			case x.ending == nil:
			case x.lost: // with what was staged; the slot is another's
				x.abandonEnding()
			default:
				// Nothing has run: what is staged must be sent before, or the
				// server ends.
				x.ending, st.which = nil, r.number
			}
			return after, v
		}
		st.which = 0
		x.abandon(r.Sink, &st.sink)
		if _, peer := err.(http1.Error); peer || http1conn.ErrTruncated.Is(err) {
			return nextEnd, x.refuse(err)
		}
		return x.settle(x.apologize(err), x.d.e.Backend().Now())
	}
}

// abandon tells a Sink that the rest will not come. A panic in it ends
// nothing else.
func (x *Exchange) abandon(sink Sink, st *State) {
	defer x.rescue()
	sink.Abandon(st)
}

// piece gives a Sink a piece; a panic is an error. The request's state is the
// exchange's meanwhile, since the slot may pass to the monitor.
func (x *Exchange) piece(sink Sink, p []byte) {
	defer x.rescue()
	x.sinking = true
	x.result = ErrPanic
	x.result = sink.Piece(&x.req, &x.state, p)
}

// endSink is the handler that ends a Sink's request. A handler around it may
// call it once.
func endSink(w Response, r *Request) error {
	x := r.x
	sink := x.ending
	if sink == nil {
		return ErrMisuse
	}
	x.ending = nil
	return sink.End(w, r, &x.state)
}

// abandonEnding tells a Sink that a handler around it has not let it end.
func (x *Exchange) abandonEnding() {
	if sink := x.ending; sink != nil {
		x.ending = nil
		x.abandon(sink, &x.state)
	}
}

func (x *Exchange) progress(n int) {
	if engine.Phase(x.s.Phase) == engine.PhaseBody {
		x.w.Progress(x.s, n)
	}
	x.w.Prompt(x.s)
}

func (d *Driver) abandon(sink Sink, st *State, h pool.Handle) {
	defer d.rescue(h)
	sink.Abandon(st)
}

// rescue tells of a panic outside of any request.
func (d *Driver) rescue(h pool.Handle) {
	if v := recover(); v != nil {
		d.e.Panicked(h)
	}
}
