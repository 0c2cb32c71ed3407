package web

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// This file is for content that comes by pushes from anywhere, as events do.
// Between two pushes the connection waits in its slot, and holds neither a
// worker nor any other memory.

// Outlet is where the content of one response is pushed to: see [Head.Open].
// It may be copied and compared, and used from any goroutine. The zero Outlet
// is closed.
type Outlet struct {
	d      *Driver
	handle pool.Handle
	token  uint32
}

// outletState is the state of a slot in modeOutlet.
type outletState struct {
	got   uint32 // bytes that the peer has sent meanwhile
	next  uint32 // tick of the next beat
	every uint32 // ticks between two, 0 if there are none
	beat  uint8  // number of what is sent then
}

func (st *slotState) outlet() *outletState { return (*outletState)(unsafe.Pointer(&st.sink)) }

// outletGot bounds what a peer may send into an open outlet, in bytes; it is
// thrown away. Nobody who waits for events has anything to say.
const outletGot = 64 << 10

// Open ends the head of a response whose content comes by pushes, and sends it
// at once. The content is as it is pushed, without chunks, and ends with the
// connection (RFC 9112 section 6.3, item 8): so one block of output can serve
// many connections, and the format must tell by itself what was cut off, as
// that of events does.
//
// The Body is for the handler: what it writes, and has flushed before it gives
// the Outlet to others, comes before what they push. It waits for the peer, as
// any Body does. When the handler returns nil, the connection is left to the
// pushes. An error makes it end.
//
// Each every nanoseconds, at least 17 ms, the driver sends beat, which shows
// both ends that the other is still there; 0 is never. A program has at most 4
// different beats, or Open fails with ErrBeats.
//
// Config.Access is told of the response when the handler has returned: of what
// comes after, nobody knows the request any more.
//
// The Outlet is closed from the beginning if the response has no content
// (HEAD). The errors are those of Stream, and ErrNoServer outside of a server.
func (h Head) Open(every int64, beat string) (Body, Outlet, error) {
	x := h.x
	switch {
	case x.err != nil:
		return Body{}, Outlet{}, x.err
	case x.w == nil:
		return Body{}, Outlet{}, x.keep(ErrNoServer)
	case every < 0 || x.then != modeRequest:
		return Body{}, Outlet{}, x.keep(ErrMisuse)
	}
	number, ok := x.d.places.beat(beat)
	if !ok {
		return Body{}, Outlet{}, x.keep(ErrBeats)
	}
	if err := x.conn.Unframed(); err != nil {
		return Body{}, Outlet{}, x.keep(err)
	}
	if err := x.conn.EndHead(); err != nil {
		return Body{}, Outlet{}, x.keep(err)
	}
	if !x.conn.HasBody() {
		return Body{x}, Outlet{}, x.complete()
	}
	// The head goes out now and not with what is written or pushed next, which
	// may be in a while, and may come by another way.
	if err := x.conn.Flush(); err != nil {
		return Body{}, Outlet{}, x.keep(err)
	}
	if !x.w.Take() {
		return Body{}, Outlet{}, x.keep(engine.ErrDeadline)
	}
	x.d.use(modeOutlet, &outletCalls)
	st := pool.StateOf[slotState](x.s)
	st.mode = modeOutlet
	o := outletState{beat: number}
	if every > 0 && number != 0 {
		o.every = pool.TickAfter(min(every, longest))
		o.next = pool.Later(pool.Tick(x.d.e.Backend().Now()), o.every)
	}
	*st.outlet() = o
	out := Outlet{x.d, x.handle, x.d.places.begin(x.handle.Index(), placeOpen, nil)}
	x.w.Give()
	x.then = modeOutlet
	return Body{x}, out, nil
}

// Push sends p, as it is and whole, after what was pushed before. It may be
// called from any goroutine, copies p, and does not wait: what the peer does
// not take now is kept in output blocks. mark and overflow say what becomes of
// a peer that is too slow for what it is sent: see engine.Engine.Push.
//
// The errors are pool.ErrStale when the outlet is closed or the peer gone,
// which is how publishers learn it; pool.ErrBacklog at the mark; and
// pool.ErrFull when no output block is free. Then nothing of p is sent.
func (o Outlet) Push(p []byte, mark int, overflow engine.Overflow) error {
	if !o.IsOpen() {
		return pool.ErrStale
	}
	return o.d.e.Push(o.handle, nil, p, mark, overflow)
}

// PushBlock is Push for bytes in an output block, which many connections may
// share: see engine.Engine.PushBlock.
func (o Outlet) PushBlock(data []byte, b pool.Block, mark int, overflow engine.Overflow) error {
	if !o.IsOpen() {
		return pool.ErrStale
	}
	return o.d.e.PushBlock(o.handle, data, b, mark, overflow)
}

// Close ends the content, in order: after what was pushed, and with it the
// connection. Pushes fail from here on with pool.ErrStale, as does a second
// Close.
func (o Outlet) Close() error {
	if o.d == nil || !o.d.places.change(o.handle.Index(), o.token, placeOpen, placeClosing, nil) {
		return pool.ErrStale
	}
	return o.d.e.Wake(o.handle)
}

// IsOpen reports whether a push may still arrive.
func (o Outlet) IsOpen() bool { return o.d != nil && o.d.places.is(o.handle, o.token, placeOpen) }

// Handle names the connection.
func (o Outlet) Handle() pool.Handle { return o.handle }

// Outputs is where blocks for PushBlock come from; nil for the zero Outlet.
func (o Outlet) Outputs() *pool.Outputs {
	if o.d == nil {
		return nil
	}
	return o.d.Outputs()
}

// Outputs is where blocks for PushBlock come from.
func (d *Driver) Outputs() *pool.Outputs { return &d.e.Pool().Outputs }

// Sockets is how many connections there may be at once.
func (d *Driver) Sockets() int { return d.e.Pool().Size() }

var outletCalls = modeCalls{leave: (*Exchange).beginOutlet, serve: (*Exchange).serveOutlet, gone: dropPlace}

// beginOutlet leaves a connection to those who push to it, if its handler has not
// failed.
func (x *Exchange) beginOutlet(err error, began int64) (next, engine.Verdict, bool) {
	if err != nil {
		return 0, 0, false
	}
	x.counts.class(x.conn.Code())
	if x.d.cfg.Access != nil {
		x.d.cfg.Access(&x.req, x.conn.Code(), x.conn.Sent(), x.d.e.Backend().Now()-began)
	}
	if staged := x.conn.Staged(); len(staged) > 0 {
		if err := x.send(staged, nil); err != nil {
			return nextEnd, engine.Abort, true
		}
		x.conn.Unstage()
	}
	x.d.e.Pool().Stash.Drop(x.s)
	pool.StateOf[slotState](x.s).outlet().got = uint32(x.conn.Buffered())
	// The end may have come with the request, and then nothing tells of it
	// again.
	if v, over := x.throwAway(true); over {
		return nextEnd, v, true
	}
	v, _ := x.serveOutlet()
	return nextEnd, v, true
}

// throwAway reads what the peer sends, if there is something, or in any case,
// until there is no more. over says that the connection is.
func (x *Exchange) throwAway(try bool) (v engine.Verdict, over bool) {
	st := pool.StateOf[slotState](x.s).outlet()
	for try || x.w.Unread(x.s) {
		n, err := x.w.Receive(x.s, x.arena)
		if st.got += uint32(n); st.got > outletGot {
			return engine.Abort, true
		}
		switch {
		case transport.EOF.Is(err):
			x.d.places.drop(x.handle.Index())
			return engine.Finish, true
		case err == nil:
		case wouldBlock(err):
			return 0, false
		default:
			return engine.Abort, true
		}
	}
	return 0, false
}

// serveOutlet looks at a connection whose content comes by pushes.
func (x *Exchange) serveOutlet() (v engine.Verdict, over bool) {
	w, s := x.w, x.s
	i := x.handle.Index()
	if x.d.places.state(i) != placeOpen || x.d.e.Closing() {
		x.d.places.drop(i)
		return engine.Linger, false
	}
	if v, over := x.throwAway(false); over {
		return v, false
	}
	st := pool.StateOf[slotState](s).outlet()
	left := int64(0)
	if st.every != 0 {
		if left = pool.TickTime(st.next, w.Now) - w.Now; left <= 0 {
			if !x.sendBeat(x.d.places.beats[st.beat-1]) {
				return engine.Abort, false
			}
			st.next = pool.Later(pool.Tick(w.Now), st.every)
			left = pool.TickTime(st.next, w.Now) - w.Now
		}
	}
	w.Alarm(s, left)
	return engine.Park, false
}

// sendBeat sends a beat, or none if there is no room at all: then it is not
// silence that the peer suffers from.
func (x *Exchange) sendBeat(beat string) bool {
	rest, err := x.w.Send(x.s, nil, ascii.Bytes(beat), true)
	return err == nil && (rest == 0 || rest == len(beat))
}

func wouldBlock(err error) bool { return transport.ErrWouldBlock.Is(err) }
