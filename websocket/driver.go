package websocket

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// Driver speaks WebSocket on slots of an engine that its handlers have switched
// from HTTP, or that it has dialled. Its methods may be called from any
// goroutine, New before the engine listens.
type Driver struct {
	cfg    Config
	e      *engine.Engine
	number int
	entry  entry
	whole  int // Driver.MaxWhole

	conns     []Conn         // of each worker
	records   []record       // of each slot
	codecs    []wsconn.Codec // of each slot, if there is an Extension
	threshold int
	longs     longs

	subs      subscriptions
	dials     dials
	client    atomic.Pointer[clientCalls]
	spares    spares
	keys      keys
	masked    masked
	last      lastFrame           // of Socket.Close
	farewell  [ws.MaxControl]byte // for one at a time
	straights any                 // []Straight, of each worker; hidden, so that a program without them does not link them

	counts counts
}

// record is what is known of the connection of a slot beside the slot. It
// belongs to the slot's owner, except where something else is said.
type record struct {
	dec   ws.Decoder
	u     *route // nil if the slot is not ours
	value any

	// closing has the generation and the close code of a connection that is
	// closed by Socket.Close or as a slow consumer. Anybody may set it.
	closing atomic.Uint64

	params   wsconn.Params
	protocol uint16
	code     uint16 // protocol is 1 + index, 0 if there is none; code is that of our close frame

	// What subscriptions know, guarded by their lock: the generation of the
	// connection, 0 if there is none; its first subscription; and what messages
	// that it may share with others are compressed for, 0 if they are not.
	live  uint32
	first int32
	key   wsconn.Params

	// long is the block that holds what the slot has kept, 1 + its number, 0 if
	// that is in the stash. bulk says that the peer sends more at once than a
	// worker's buffer takes.
	long uint16
	bulk bool

	// busy says that a handler runs: the rest of the record may be behind what
	// it knows.
	busy bool
}

// state is what is known of a connection in its slot.
type state struct {
	due    uint32 // tick of what is to be done next if nothing comes
	kept   uint32 // bytes in the stash block
	whole  uint32 // of those, of the message that has begun; the rest was not looked at yet
	sent   uint16 // messages of the peer's in second, for Options.Rate
	second uint16
	enc    ws.Encoder
	at     ws.State
	flags  flags
}

type flags uint8

const (
	flagPinged  flags = 1 << iota // a ping was sent, and nothing has come since
	flagPartial                   // a frame or a message has begun: due is when it must go on
	flagHeld                      // what is pushed waits for the end of our message
	flagTold                      // Handler.Close was called
	flagDialled                   // we are the client
	flagLong                      // a compressed message waits for a worker that may be lent
	flagText                      // it is text
	flagClosing                   // others close the connection: our message is to come to its end
)

// New makes a driver for an engine, of a bobtail.Server for example, with all
// its memory, and adds it there. It must be called before the engine listens.
// It fails with ErrConfig, also if a worker's memory or a block of the stash is
// too small.
func New(server interface{ Engine() *engine.Engine }, c Config) (*Driver, error) {
	e := server.Engine()
	if err := c.setDefaults(e.Pool().Size(), e.Backend().Lanes(), len(e.Memory(0))); err != nil {
		return nil, err
	}
	d := &Driver{cfg: c, e: e, conns: make([]Conn, e.MaxWorkers()), records: make([]record, e.Pool().Size())}
	d.subs.init(c.Subscriptions)
	d.keys.rand = c.Rand
	for i := range d.conns {
		k := &d.conns[i]
		k.d = d
		k.divide(e.Memory(i), e.Pool().Stash.Size())
		if d.whole = len(k.in) - ws.MaxPending; d.whole < ws.MaxControl {
			return nil, ErrConfig
		}
	}
	if d.conns[0].cut < LongSize { // else they would be smaller than what there is
		d.longs.init(c.Long)
	}
	d.equip()
	d.entry.Pointer = opaque.To(d)
	d.number = e.AddDriver(&d.entry)
	return d, nil
}

// MaxWhole is the length of the longest message that Handler.Message can be
// given, in bytes: it fits into a worker's memory and into a block of the stash.
// More memory for the workers lets it grow.
func (d *Driver) MaxWhole() int { return d.whole }

// Memory is how many bytes the driver holds, beside what the Extension does.
func (d *Driver) Memory() int {
	n := int(unsafe.Sizeof(*d)) + len(d.conns)*int(unsafe.Sizeof(Conn{})) + len(d.records)*int(unsafe.Sizeof(record{})) +
		len(d.codecs)*int(unsafe.Sizeof(wsconn.Codec(nil))) + len(d.subs.nodes)*int(unsafe.Sizeof(subscription{})) + len(d.subs.buckets)*4 +
		len(d.longs.bytes) + len(d.longs.lent)*int(unsafe.Sizeof(atomic.Bool{}))
	for i := range d.conns {
		n += len(d.conns[i].inflated)
	}
	if list, ok := d.straights.(interface{ memory() int }); ok {
		n += list.memory()
	}
	return n
}

// Number is the driver's number in its engine.
func (d *Driver) Number() int { return d.number }

// counts are the driver's counters.
type counts struct {
	open   atomic.Int64
	opened atomic.Uint64
	dead   atomic.Uint64
	slow   atomic.Uint64
}

// Stats are counts of a driver, read while it runs.
type Stats struct {
	Open     int    // connections now
	Opened   uint64 // connections since the beginning
	Messages uint64 // received, by evented handlers; each counts before its handler sees the end of it
	Dead     uint64 // closed since they did not answer a ping
	Slow     uint64 // closed as slow consumers, with 1013
}

// Stats reads the counts, without allocating.
func (d *Driver) Stats() Stats {
	n := uint64(0)
	for i := range d.conns {
		n += d.conns[i].messages.Load()
	}
	return Stats{int(d.counts.open.Load()), d.counts.opened.Load(), n, d.counts.dead.Load(), d.counts.slow.Load()}
}

// route is what the connections of an Upgrade or a Dial have in common.
type route struct {
	d        *Driver
	protocol protocol
	o        Options
	h        Handler
	rules    ws.Rules

	// stuck rises when the monitor finds a handler stuck, and falls with each
	// turn that was quick: as in package web.
	stuck atomic.Int32
}

const (
	stuckStep = 40
	stuckSlow = 64
	stuckMost = 128
	quickTime = 1_000_000 // ns
)

func (d *Driver) newRoute(o Options, h Handler, role ws.Role) *route {
	if o.Mark == 0 {
		o.Mark = 16
	}
	if h.Message != nil && h.Data != nil || o.Mark < 0 || o.Mark > 255 || o.Slow > engine.CloseSlow ||
		o.Rate < 0 || o.Rate > 1<<16-1 || o.Timeout < 0 || o.Timeout > most {
		panic("websocket: Options or Handler out of bounds")
	}
	u := &route{d: d, o: o, h: h, rules: ws.Rules{Role: role, MaxFrame: o.MaxFrame, MaxMessage: o.MaxMessage}}
	u.protocol.Pointer = opaque.To(u)
	if h.Data == nil && (o.MaxMessage == 0 || o.MaxMessage > uint64(d.whole)) {
		u.rules.MaxMessage = uint64(d.whole)
	}
	return u
}

// protocol is a route as web.Protocol.
type protocol struct{ opaque.Pointer[route] }

// Number is part of web.Protocol.
func (p *protocol) Number() int { return p.Get().d.number }

// spares are Conns for calls of the program that no worker makes in its own
// name.
type spares struct {
	sync.Mutex
	list []*Conn
}

func (p *spares) get(d *Driver) *Conn {
	p.Lock()
	v := p.getLocked(d)
	p.Unlock()
	return v
}

// getLocked is get under the lock.
func (p *spares) getLocked(d *Driver) *Conn {
	if n := len(p.list); n > 0 {
		c := p.list[n-1]
		p.list = p.list[:n-1]
		return c
	}
	return &Conn{d: d}
}

func (p *spares) put(c *Conn) {
	*c = Conn{d: c.d}
	p.Lock()
	p.list = append(p.list, c)
	p.Unlock()
}

// Serve implements engine.Driver.
func (d *Driver) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict { return d.entry.Serve(w, s) }

// Farewell implements engine.Driver: a close frame (RFC 6455 section 7.1.7).
func (d *Driver) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	st := pool.StateOf[state](s)
	if st.at != ws.StateOpen {
		return dst // there is nobody, or it was told already
	}
	// Nothing goes behind a close frame, and there is but one: who has sealed the
	// queue has put it there.
	p := d.e.Pool()
	if _, err := p.Outputs.CopyLast(p.Handle(s), nil, nil, true); err != nil {
		return dst
	}
	code := ws.CodePolicyViolation
	reason := "too slow"
	switch why {
	case engine.WhyHandler:
		code, reason = ws.CodeInternalError, ""
	case engine.WhyClosing:
		code, reason = ws.CodeGoingAway, ""
	case engine.WhyHeld, engine.WhyRefused:
		code, reason = ws.CodeTryAgainLater, ""
	}
	d.records[p.Index(s)].code = uint16(code)
	h := ws.Header{Op: ws.OpClose, Fin: true}
	if st.flags&flagDialled != 0 {
		if d.mask(&h) != nil {
			return dst
		}
	}
	return ws.AppendFrame(dst, h, ws.AppendClose(d.farewell[:0], code, reason))
}

// Gone implements engine.Driver.
func (d *Driver) Gone(s *pool.Slot, h pool.Handle) {
	r := &d.records[h.Index()]
	if r.u == nil {
		r.busy = false // of Target.Failed
		if x := d.client.Load(); x != nil {
			x.drop(&d.dials, d, h)
		}
		return
	}
	d.subs.drop(d, h)
	d.counts.open.Add(-1)
	st := pool.StateOf[state](s)
	if !r.busy {
		// The handler, if one runs, has lost its connection, and its worker does
		// this when it returns.
		r.end(d, h, st.flags)
	}
	if d.codecs != nil {
		d.codecs[h.Index()] = nil
	}
	d.longs.put(r.long)
	r.dec, r.u, r.value, r.params, r.protocol, r.code, r.busy = ws.Decoder{}, nil, nil, 0, 0, 0, false
	r.long, r.bulk = 0, false
}

// GoneByWorkers implements engine.WorkerGone: Handler.Close is not to be called
// by who pushes, in the midst of his own business, nor on the monitor.
func (d *Driver) GoneByWorkers() bool { return true }

// end tells the program of the end of a connection, unless it knows.
func (r *record) end(d *Driver, h pool.Handle, f flags) {
	if f&flagTold == 0 && r.u.h.Close != nil {
		c := d.spares.get(d)
		c.u, c.handle, c.value, c.protocol = r.u, h, r.value, r.protocol
		c.tell(ws.Code(r.code), nil)
		d.spares.put(c)
	}
	if r.params != 0 {
		d.release(r.params, d.codecs[h.Index()])
	}
}

// entry is the driver as its engine has it.
type entry struct{ opaque.Pointer[Driver] }

func (e *entry) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	c := &e.Get().conns[w.ID()]
	c.load(w, s)
	return c.leave(c.serve())
}

func (e *entry) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	return e.Get().Farewell(dst, s, why)
}

func (e *entry) Gone(s *pool.Slot, h pool.Handle) { e.Get().Gone(s, h) }

func (e *entry) GoneByWorkers() bool { return true }

var (
	_ engine.Driver     = (*Driver)(nil)
	_ engine.WorkerGone = (*Driver)(nil)
	_ engine.WorkerGone = (*entry)(nil)
)
