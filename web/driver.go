package web

import (
	"io"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a driver is made with. It is not changed after New.
type Config struct {
	// Parser has the limits and the fields to keep.
	Parser http1.Parser

	// Wall, if it is not nil, gives the time in nanoseconds since 1970 UTC,
	// for the Date field. A server without a clock sends none (RFC 9110
	// section 6.6.1).
	Wall func() int64

	// Access, if it is not nil, is told of each request that was answered, on
	// its worker, before the request's memory is used for another. code is
	// the status, n the bytes of content, took nanoseconds.
	Access func(r *Request, code int, n, took int64)

	// Panic, if it is not nil, is told what a handler has panicked with, on
	// the stack of the panic. The request may be looked at.
	Panic func(r *Request, v any)
}

// Driver serves HTTP/1.1.
type Driver struct {
	cfg    Config
	e      *engine.Engine
	number int
	router router
	xs     []Exchange
	date   [http1.DateSize]byte // of a farewell
}

// New makes a driver for an engine, and adds it there.
func New(e *engine.Engine, c Config) (*Driver, error) {
	if err := c.Parser.Validate(); err != nil {
		return nil, err
	}
	d := &Driver{cfg: c, e: e, xs: make([]Exchange, e.MaxWorkers())}
	for i := range d.xs {
		x := &d.xs[i]
		x.d = d
		x.id = i
		var date func() []byte
		if c.Wall != nil {
			date = x.dateField
		}
		if err := x.init(&d.cfg.Parser, e.Memory(i), date); err != nil {
			return nil, err
		}
	}
	d.number = e.AddDriver(d)
	return d, nil
}

// Number is the driver's number in its engine.
func (d *Driver) Number() int { return d.number }

// Handle has requests of a pattern answered by a handler: "METHOD /path", or
// "/path" for any method. It fails with ErrPattern and ErrConflict. Handlers
// are added before the engine starts.
func (d *Driver) Handle(pattern string, h Handler) error {
	return d.router.add(pattern, &route{handler: h})
}

// HandleEach is Handle with a handler made for each worker, which is never
// called by two goroutines at once and may keep memory of its own.
func (d *Driver) HandleEach(pattern string, make func(worker int) Handler) error {
	r := &route{}
	for i := range d.xs {
		r.each = append(r.each, make(i))
	}
	return d.router.add(pattern, r)
}

// HandleSink is Handle with a handler that takes content as events.
func (d *Driver) HandleSink(pattern string, s Sink) error {
	return d.router.add(pattern, &route{sink: s})
}

// Limit sets how long the handlers of a pattern may run, in nanoseconds,
// instead of what the engine's patience says.
func (d *Driver) Limit(pattern string, limit int64) error {
	method, path, err := parsePattern(pattern)
	if err != nil {
		return err
	}
	for _, r := range d.router.routes(path) {
		if r.method == method {
			r.limit = limit
			return nil
		}
	}
	return ErrPattern
}

// slotState is the driver's state in a slot.
type slotState struct {
	sink     State // of the request whose content a Sink takes
	which    int32 // number of the Sink, 0 if there is none
	answered bool  // the request whose content is coming was answered
}

// turnReceives is how often bytes are received for a slot before others have
// their turn.
const turnReceives = 4

// next is what Serve does after a step.
type next uint8

const (
	nextStep    next = iota // go on with what is buffered
	nextReceive             // more bytes are needed
	nextEnd                 // the verdict is there
)

// Serve implements engine.Driver.
func (d *Driver) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	x := &d.xs[w.ID()]
	x.w, x.s = w, s
	x.handle = d.e.Pool().Handle(s)
	x.conn.Reset(stream{x})
	if s.Stashed() {
		x.conn.Load(d.e.Pool().Stash.Block(s))
	}
	v := x.serve()
	if x.lost {
		x.lost = false
		return engine.Lost
	}
	return v
}

// serve goes on until there is a verdict.
func (x *Exchange) serve() engine.Verdict {
	w, s := x.w, x.s
	for receives := 0; ; {
		after, v := x.step()
		if after == nextEnd {
			return v
		}
		if after == nextStep {
			continue
		}
		// A turn ends when there is nothing more to receive, and after some
		// receives in any case.
		if receives > 0 && !w.Unread(s) || receives == turnReceives {
			return x.park()
		}
		receives++
		n, err := w.Receive(s, x.conn.Space())
		if n > 0 {
			x.conn.Feed(n)
		}
		switch err {
		case nil:
		case transport.ErrWouldBlock:
			return x.park()
		case transport.EOF:
			x.conn.FeedEOF()
			if v, over := x.ended(); over {
				return v
			}
		default:
			return engine.Abort
		}
	}
}

// step does one thing with what is buffered.
func (x *Exchange) step() (next, engine.Verdict) {
	switch x.conn.State() {
	case http1.StateIdle, http1.StateHead, http1.StateComplete:
		pool.StateOf[slotState](x.s).answered = false
		done, err := x.conn.Parse()
		if err != nil {
			return nextEnd, x.refuse(err)
		}
		if !done {
			return nextReceive, 0
		}
		x.s.Phase = uint8(engine.PhaseBusy)
		return x.request()
	case http1.StateBody, http1.StateRespond:
		return x.request()
	case http1.StateDrain:
		x.conn.Discard()
		if x.conn.State() == http1.StateDrain {
			return nextReceive, 0
		}
		return x.answered(nil)
	}
	panic("BUG: web: connection in state " + x.conn.State().String())
}

// ended says what becomes of a connection whose peer has sent its last byte.
func (x *Exchange) ended() (engine.Verdict, bool) {
	switch x.conn.State() {
	case http1.StateIdle, http1.StateComplete:
		return x.last(engine.Finish), true
	case http1.StateHead, http1.StateDrain:
		// Nobody waits for an answer to half a request.
		return x.last(engine.Finish), true
	}
	return 0, false // content: its reader finds out
}

// request does what can be done for a request whose head is complete.
func (x *Exchange) request() (next, engine.Verdict) {
	r, status := x.d.router.find(x.conn.Head(), x.conn.Bytes())
	if r == nil {
		return x.handle404(status)
	}
	if r.sink != nil {
		return x.feedSink(r)
	}
	if whole, fits := x.conn.Whole(); !whole {
		if fits && !x.conn.Expects() {
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
	h := r.handler
	if r.each != nil {
		h = r.each[x.id]
	}
	return x.answer(r, h)
}

// answer runs a handler.
func (x *Exchange) answer(r *route, h Handler) (next, engine.Verdict) {
	w := x.w
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
		limit = r.limit
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
	x.in, x.handling = w.Stream(), true
	err := x.run(h)
	if err != nil && !x.conn.Finished() {
		err = x.apologize(err)
	}
	x.handling = false
	if !w.EndHandler() {
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
	return x.settle(err, began)
}

// settle counts and reports an answer, sends its static content, and goes on.
func (x *Exchange) settle(err error, began int64) (next, engine.Verdict) {
	x.counts.class(x.conn.Code())
	if x.d.cfg.Access != nil {
		x.d.cfg.Access(&x.req, x.conn.Code(), x.conn.Sent(), x.d.e.Backend().Now()-began)
	}
	if x.conn.State() == http1.StateDrain && !x.conn.Drains() {
		x.conn.AnnounceClose()
	}
	if x.static != nil {
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
	switch err {
	case engine.ErrReclaimed, engine.ErrKilled, engine.ErrClosing, ErrAbort, transport.ErrReset:
		return ErrAbort
	case engine.ErrSlow:
		return x.conn.Fail(http1.StatusRequestTimeout, err)
	case engine.ErrDeadline:
		return x.conn.Fail(http1.StatusServiceUnavailable, err)
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
		// The response is cut short: the peer must see that.
		return nextEnd, engine.Abort
	}
	x.s.Phase = uint8(engine.PhaseBusy)
	if x.conn.Buffered() == 0 {
		// The last request that was here: send, and look for more.
		v, blocked := x.flush()
		if blocked {
			return nextEnd, v
		}
		return nextReceive, 0
	}
	if staged := x.conn.Staged(); cap(staged)-len(staged) < cap(staged)/2 {
		if v, blocked := x.flush(); blocked {
			return nextEnd, v
		}
	}
	return nextStep, 0
}

// handle404 answers a request that has no route.
func (x *Exchange) handle404(status int) (next, engine.Verdict) {
	return x.answer(nil, x.d.router.missing(status))
}

// missing is the handler of requests without a route.
func (t *router) missing(status int) Handler {
	if status == 405 {
		return methodNotAllowed
	}
	return notFound
}

func notFound(w Response, r *Request) error {
	return w.Status(404).Text("Not Found\n")
}

// methodNotAllowed names the methods that there are (RFC 9110 section
// 15.5.6).
func methodNotAllowed(w Response, r *Request) error {
	const most = 128
	b, err := r.Alloc(most)
	if err != nil {
		return err
	}
	allow := b[:0]
	routes := r.x.d.router.routes(view(r.Path()))
	hasHead := false
	for _, o := range routes {
		hasHead = hasHead || o.method == "HEAD"
	}
	for _, o := range routes {
		if len(allow)+len(o.method)+len(", , HEAD") > most {
			break
		}
		if len(allow) > 0 {
			allow = append(allow, ", "...)
		}
		allow = append(allow, o.method...)
		if o.method == "GET" && !hasHead {
			allow = append(allow, ", HEAD"...)
		}
	}
	return w.Status(405).HeaderBytes("Allow", allow).Text("Method Not Allowed\n")
}

// refuse answers a request that cannot be understood.
func (x *Exchange) refuse(err error) engine.Verdict {
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

// send sends head and static, and keeps what the peer does not take. If there
// is no room for that, the worker waits.
func (x *Exchange) send(head, static []byte) error {
	rest, err := x.w.Send(x.s, head, static, true)
	if err != nil || rest == 0 {
		return err
	}
	// No output block is free. The worker waits for the peer then, as a
	// handler that streams would.
	begun := rest < len(head)+len(static)
	if n := rest - len(static); n > 0 {
		head = head[len(head)-n:]
	} else {
		head, static = nil, static[len(static)-rest:]
	}
	if !x.w.BeginHandler(0, true) {
		return engine.ErrClosing
	}
	t := x.w.Stream()
	if begun {
		_, err = t.WriteOn(head)
	} else {
		_, err = t.Write(head)
	}
	if err == nil {
		_, err = t.WriteOn(static)
	}
	if !x.w.EndHandler() {
		x.lost = true // whatever the verdict will be
		return engine.ErrDeadline
	}
	return err
}

// flush sends what is staged. If the peer does not take it all, the slot is
// left until it has: blocked says so, and the verdict is the way to say it.
func (x *Exchange) flush() (v engine.Verdict, blocked bool) {
	if staged := x.conn.Staged(); len(staged) > 0 {
		err := x.send(staged, nil)
		if err != nil {
			return engine.Abort, true
		}
		x.conn.Unstage()
	}
	if !x.w.Pending(x.s) {
		return 0, false
	}
	// Nothing more is read from a peer that does not read.
	return x.park(), true
}

// last sends what is staged and ends the connection.
func (x *Exchange) last(v engine.Verdict) engine.Verdict {
	if staged := x.conn.Staged(); len(staged) > 0 {
		err := x.send(staged, nil)
		x.conn.Unstage()
		if err != nil || x.lost {
			return engine.Abort
		}
	}
	x.d.e.Pool().Stash.Drop(x.s)
	return v
}

// park leaves the slot until there is more, with what is here put away.
func (x *Exchange) park() engine.Verdict {
	if len(x.conn.Staged()) > 0 {
		if v, blocked := x.flush(); blocked {
			return v
		}
	}
	w, s := x.w, x.s
	resting := x.conn.Resting()
	if resting {
		x.d.e.Pool().Stash.Drop(s)
	} else if !x.stash() {
		return x.refuseBusy()
	}
	switch x.conn.State() {
	case http1.StateIdle, http1.StateComplete:
		// At most an empty line is here, which is not a request yet.
		switch {
		case resting && (w.Pending(s) || w.Unread(s)):
		case x.d.e.Closing():
			if engine.Phase(s.Phase) != engine.PhaseOpen {
				return engine.Finish
			}
			// Whoever has connected may have sent a request that is on its
			// way.
			w.Hurry(s, engine.ClosingGrace)
		case engine.Phase(s.Phase) != engine.PhaseOpen:
			w.Enter(s, engine.PhaseIdle)
		}
	case http1.StateHead:
		w.Enter(s, engine.PhaseHead)
	case http1.StateBody, http1.StateDrain:
		w.Enter(s, engine.PhaseBody)
	}
	return engine.Park
}

// stash puts what is here away, in a block that the slot has or gets.
func (x *Exchange) stash() bool {
	b := x.w.Stash(x.s)
	if b == nil {
		return false
	}
	_, ok := x.conn.Save(b)
	return ok
}

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
			if !x.w.BeginHandler(r.limit, len(x.conn.Staged()) > 0) {
				return nextEnd, engine.Abort
			}
			x.state = st.sink
			x.piece(r.sink, piece)
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
		switch err {
		case nil:
			x.w.Enter(x.s, engine.PhaseBody)
			return nextReceive, 0
		case io.EOF:
			x.state = st.sink
			st.which = 0 // from here on it is End's
			x.ending = r.sink
			return x.answer(r, x.end)
		}
		st.which = 0
		x.abandon(r.sink, &st.sink)
		if _, peer := err.(http1.Error); peer || err == http1conn.ErrTruncated {
			return nextEnd, x.refuse(err)
		}
		return x.settle(x.apologize(err), 0)
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

// endSink is the handler that ends a Sink's request.
func (x *Exchange) endSink(w Response, r *Request) error {
	return x.ending.End(w, r, &x.state)
}

func (x *Exchange) progress(n int) {
	if engine.Phase(x.s.Phase) == engine.PhaseBody {
		x.w.Progress(x.s, n)
	}
	x.w.Prompt(x.s)
}

// Gone implements engine.Driver.
func (d *Driver) Gone(s *pool.Slot, h pool.Handle) {
	if st := pool.StateOf[slotState](s); st.which != 0 {
		sink := d.router.sinks[st.which-1]
		st.which = 0
		d.abandon(sink, &st.sink, h)
	}
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

// Farewell implements engine.Driver.
func (d *Driver) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	code := 503
	switch why {
	case engine.WhyTimeout, engine.WhyStalled:
		code = 408
	case engine.WhyClosing:
		return dst
	}
	if pool.StateOf[slotState](s).answered {
		return dst
	}
	var r http1.Response
	r.Init(http1.MethodUnset, http1.Version11, false)
	dst, _ = r.AppendStatus(dst, code, "")
	if code == 503 {
		dst, _ = r.AppendField(dst, "Retry-After", "1")
	}
	dst, _ = r.AppendLength(dst, 0)
	var date []byte
	if d.cfg.Wall != nil {
		date = http1.AppendDate(d.date[:0], d.cfg.Wall()/1e9)
	}
	dst, _ = r.AppendEnd(dst, date)
	return dst
}

// dateField is the Date of answers, written once a second.
func (x *Exchange) dateField() []byte {
	if now := x.w.Now; now >= x.dateUntil {
		wall := x.d.cfg.Wall()
		http1.AppendDate(x.date[:0], wall/1e9)
		x.dateUntil = now + 1e9 - wall%1e9
	}
	return x.date[:]
}

var _ engine.Driver = (*Driver)(nil)
