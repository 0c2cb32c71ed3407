package web

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/pool"
)

// This file lets a request be answered later, as a long poll is. The
// connection waits in its slot, with no worker, and with no other memory
// unless the peer has sent the next request already. What the answer must know
// of the request is in the slot's state; what has been received behind the
// request is in a stash block; what has not been received stays in the
// network.

// Ticket is the right to answer one request, once: see [Request.Later]. It may
// be copied and compared. The zero Ticket answers nothing.
type Ticket struct {
	handle pool.Handle
	token  uint32
}

// Handle names the connection that waits.
func (t Ticket) Handle() pool.Handle { return t.handle }

// laterState is the state of a slot in modeLater.
type laterState struct {
	outline http1.Outline
	until   uint32 // tick of the limit
}

// laterLast, in slotState.flags, says that the answer has been asked for since
// the server shuts down.
const laterLast uint8 = 1

func (st *slotState) later() *laterState { return (*laterState)(unsafe.Pointer(&st.sink)) }

// Later puts the answer off. The handler keeps the Ticket, for another
// goroutine, and returns nil without having begun a response; the connection
// then waits, and holds no worker, until [Driver.Answer] is called. If that
// does not happen within limit nanoseconds, or the server shuts down, the peer
// is told 503 with Retry-After, that it may ask again; see LaterOr for another
// answer. A handler that answers all the same, or returns an error, has done
// so: its Ticket is stale.
//
// The content of the request must be here: ErrContent says that it is not. What
// the handler has not read of it is thrown away when it returns. Outside of a
// server the error is ErrNoServer, in a Sink's Piece and for a limit that is
// not positive ErrMisuse. A limit of more than a year is a year.
//
// What a peer sends behind the request is left where it is until the answer is
// sent. A peer that closes its end of the connection, or loses it, is taken to
// be gone, and the Ticket is stale: with the loss of a connection that nobody
// tells of, the limit ends the wait.
func (r *Request) Later(limit int64) (Ticket, error) { return r.LaterOr(limit, nil) }

// LaterOr is Later with a handler that answers at the limit, and when the
// server shuts down, such as an empty 204. If it puts the answer off again when
// the server shuts down, the answer is 503. It is kept until then, so it is a
// function that is made once, not a closure a request.
func (r *Request) LaterOr(limit int64, otherwise Handler) (Ticket, error) {
	x := r.x
	switch {
	case x.w == nil:
		return Ticket{}, ErrNoServer
	case x.sinking || limit <= 0 || x.conn.Begun() || x.then != modeRequest:
		return Ticket{}, ErrMisuse
	}
	if whole, _ := x.conn.Whole(); !whole {
		return Ticket{}, ErrContent
	}
	// From here on the connection's end makes the ticket stale. So the slot
	// must be ours while that is said.
	if !x.w.Take() {
		return Ticket{}, engine.ErrDeadline
	}
	x.d.use(modeLater, &laterCalls)
	st := pool.StateOf[slotState](x.s)
	st.mode = modeLater
	*st.later() = laterState{until: pool.TickAfter(x.d.e.Backend().Now() + min(limit, longest))}
	t := Ticket{x.handle, x.d.places.begin(x.handle.Index(), placeWaiting, otherwise)}
	x.w.Give()
	x.then = modeLater
	return t, nil
}

// longest is a year in nanoseconds, as in Patience of package engine.
const longest = 365 * 24 * 3600 * 1_000_000_000

// Answer has a request answered that was put off: h runs on a worker, soon,
// with a Response as any handler's, and with a Request that has the method and
// the version, but neither target nor fields nor content. Fields that handlers
// around the first one have set aside (Response.With) are not in the answer; h
// may put it off again.
//
// Answer may be called from any goroutine, also before the handler that took
// the ticket has returned. It does not wait. Of several calls one succeeds; the
// others, and those for a connection that is over, or after the limit, fail
// with pool.ErrStale. If it succeeds, h is called, unless the connection ends
// before, or the handler that took the ticket answers itself. It allocates nothing, but a closure that is given to it may be.
func (d *Driver) Answer(t Ticket, h Handler) error {
	if h == nil {
		return ErrMisuse
	}
	if !d.places.change(t.handle.Index(), t.token, placeWaiting, placeGiven, h) {
		return pool.ErrStale
	}
	return d.e.Wake(t.handle)
}

var laterCalls = modeCalls{leave: (*Exchange).leaveForLater, serve: (*Exchange).serveLater, gone: dropPlace}

// dropPlace ends the wait of a connection for the program.
func dropPlace(d *Driver, _ *slotState, h pool.Handle) { d.places.drop(h.Index()) }

// leaveForLater leaves a connection whose handler has put the answer off, if it
// has not answered, or failed.
func (x *Exchange) leaveForLater(err error, _ int64) (after next, v engine.Verdict, over bool) {
	if err == nil && x.waits() {
		after, v = x.beginLater()
		return after, v, true
	}
	x.endLater() // it was answered at once
	return 0, 0, false
}

// beginLater leaves a connection whose handler has put the answer off.
func (x *Exchange) beginLater() (next, engine.Verdict) {
	if !x.conn.Discard() {
		// The content was not as the head has said.
		x.endLater()
		return nextEnd, x.refuse(x.conn.Err())
	}
	outline, err := x.conn.Outline()
	if err != nil {
		panic("BUG: web: put off in state " + x.conn.State().String())
	}
	pool.StateOf[slotState](x.s).later().outline = outline
	// The end may have come with the request, and then nothing tells of it
	// again.
	if !x.w.Unread(x.s) || x.w.Hangup(x.s) {
		if x.hasGone() {
			return nextEnd, x.leaveLater()
		}
	}
	if x.d.e.Closing() {
		// Shutdown may have looked at this slot before.
		x.d.e.Wake(x.handle)
	}
	return nextEnd, x.restLater()
}

// endLater ends the wait. The ticket, if it was not used, is stale.
func (x *Exchange) endLater() {
	x.d.places.drop(x.handle.Index())
	pool.StateOf[slotState](x.s).mode = modeRequest
}

// leaveLater is the verdict for a connection whose peer has gone. It may have
// closed its end only, and then waits for the answers to the requests before:
// those go out, and a reset must not overtake them.
func (x *Exchange) leaveLater() engine.Verdict {
	x.endLater()
	return x.last(engine.Linger)
}

// restLater leaves the slot until the answer is there, or the limit.
func (x *Exchange) restLater() engine.Verdict {
	if staged := x.conn.Staged(); len(staged) > 0 {
		// Answers to requests before this one.
		if err := x.send(staged, nil); err != nil {
			return engine.Abort
		}
		x.conn.Unstage()
	}
	if x.conn.Buffered() == 0 {
		x.d.e.Pool().Stash.Drop(x.s)
	} else if !x.stash() {
		x.endLater()
		return x.refuseBusy()
	}
	x.w.Ignore(x.s)
	st := pool.StateOf[slotState](x.s).later()
	x.w.Alarm(x.s, max(pool.TickTime(st.until, x.w.Now)-x.w.Now, 1))
	return engine.Park
}

// serveLater looks at a connection whose answer is to be given later. over
// says that it was given, so that the next request may be served.
func (x *Exchange) serveLater() (v engine.Verdict, over bool) {
	w, s := x.w, x.s
	st := pool.StateOf[slotState](s)
	if !s.Stashed() {
		x.conn.SetOutline(st.later().outline)
	}
	limit := pool.TickTime(st.later().until, w.Now) <= w.Now || x.d.e.Closing()
	h, ok := x.d.places.take(x.handle.Index(), limit)
	if !ok {
		if w.Hangup(s) && x.hasGone() {
			return x.leaveLater(), false
		}
		return x.restLater(), false
	}
	if x.d.e.Closing() {
		if st.flags&laterLast != 0 {
			h = nil // or one that puts the answer off again would do so for ever
		}
		st.flags |= laterLast
	}
	if h == nil {
		h = tryAgain
	}
	st.mode = modeRequest
	s.Phase = uint8(engine.PhaseBusy)
	// A request behind this one may give the connection to another protocol,
	// before anything is received.
	w.Heed(s)
	after, v := x.answer(nil, h)
	return v, after != nextEnd
}

// hasGone reads what a peer has sent that may have closed, and reports whether
// it has. If it is said to have, more than there is room for counts as that: it
// cannot be told any more, and there is nobody to read the answers.
func (x *Exchange) hasGone() bool {
	for {
		room := x.conn.Space()
		if len(room) == 0 {
			return x.w.Hangup(x.s)
		}
		n, err := x.w.Receive(x.s, room)
		x.conn.Feed(n)
		if err != nil || n == 0 {
			return err != nil && !wouldBlock(err)
		}
	}
}

// tryAgain is the answer at the limit, unless there is another.
func tryAgain(w Response, r *Request) error {
	return w.Status(http1.StatusServiceUnavailable).Header("Retry-After", "1").Text("Service Unavailable\n")
}
