package coaptcp

import (
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// Driver speaks CoAP over TCP on slots of an engine. Its methods may be called
// from any goroutine, New before the engine listens.
type Driver struct {
	cfg    Config
	e      *engine.Engine
	r      *resource.Router
	number int
	entry  entry
	whole  int // Driver.MaxWhole

	ours   coap.Settings // what our CSM says
	hello  [coap.MaxCSM]byte
	helloN int

	conns   []conn   // of each worker
	records []record // of each slot

	most   int // output blocks that keep all that a worker can stage
	fewest int // those that do, if there are no more
	others int // those that the other workers need

	handlers  atomic.Int32 // that run, counted if Config.Handlers bounds them
	bounded   bool
	sweeping  atomic.Int64 // when Router.Sweep is next worth a call
	relieving atomic.Int64 // when Engine.Relieve is
	calls     calls
	dials     dials
	asking    atomic.Pointer[askCalls]
	dialling  atomic.Pointer[dialCalls]

	heads heads

	counts counts
}

// record is what is known of the connection of a slot beside the slot. It
// belongs to the slot's owner, except where something else is said.
type record struct {
	need  uint32 // bytes of the message that has begun, with its header; 0 if that is not here
	since uint32 // tick since when there is no room for an answer, pool.Never if there is
	flags flags

	// waiting says that the connection is not read from until an answer that comes
	// later is given. Whoever gives one takes it away and wakes the slot.
	waiting atomic.Bool

	// limit is the peer's Max-Message-Size, 0 for the base value. Anybody may
	// read it.
	limit atomic.Uint32

	// pending is how many requests of our own wait for their answers, guarded by
	// the lock of calls and written atomically.
	pending atomic.Int32

	// closing has the generation of a connection that is to be released, and the
	// hold-off. Anybody may set it.
	closing atomic.Uint64
}

// state is what is known of a connection in its slot.
type state struct {
	due     uint32 // tick of what is to be done next if nothing comes
	kept    uint32 // bytes in the stash block
	session coap.Session
}

type flags uint8

const (
	flagOpen     flags = 1 << iota // our CSM is sent: the connection counts
	flagPinged                     // a Ping was sent, and nothing has come since
	flagLater                      // there may be answers that come later
	flagIgnored                    // the peer is not read from
	flagReleased                   // our Release is sent
	flagEnding                     // nothing more comes from the peer: it has closed its end, or sent a Release
	flagOver                       // it has been told the end
)

// New makes a driver for an engine, of a bobtail.Server for example, with all
// its memory but that of its resources, and adds it there. It must be called
// before the engine listens, and freezes the resources. It fails with ErrConfig,
// also if a worker's memory or a block of the stash is too small, and with the
// first error of the resources.
func New(server interface{ Engine() *engine.Engine }, c Config) (*Driver, error) {
	e := server.Engine()
	d := &Driver{e: e, conns: make([]conn, e.MaxWorkers()), records: make([]record, e.Pool().Size())}
	for i := range d.conns {
		d.conns[i].d = d
		d.conns[i].divide(e.Memory(i), e.Pool().Stash.Size())
	}
	k := &d.conns[0]
	d.whole = len(k.in)
	if err := c.setDefaults(d.whole, e.MaxWorkers()); err != nil {
		return nil, err
	}
	d.cfg = c
	d.r = c.Resources
	if err := d.r.Freeze(); err != nil {
		return nil, err
	}

	d.ours = coap.Settings{MaxMessage: uint32(c.MaxMessage), BlockWise: true}
	if c.MaxToken > coap.MaxToken {
		d.ours.ExtendedToken = uint32(c.MaxToken)
	}
	d.helloN = len(coap.AppendCSM(d.hello[:0], d.ours))

	// No more is staged than output blocks keep: all of what there is memory for, if
	// the others have enough for an answer each besides, or at least that.
	blocks, nodes := e.Pool().Outputs.Count()
	half := max(min(blocks, nodes)/2, 1)
	size := e.Pool().Outputs.Size()
	d.most = min(inBlocks(len(k.buf), size), half)
	d.fewest = min(inBlocks(usualAnswer, size), d.most)
	d.others = d.fewest * (e.MaxWorkers() - 1)
	if min(len(k.buf), d.fewest*size) < leastMessage+c.MaxToken {
		return nil, ErrConfig
	}
	for i := range d.conns {
		k := &d.conns[i]
		k.x = resource.NewExchange(d.r, i, k.arena)
		k.terms = resource.Terms{Reliable: true, SZX: 6, Pusher: &d.entry}
	}

	d.bounded = c.Handlers < e.MaxWorkers()
	d.calls.init(c.Requests)
	d.heads.long.b = make([]byte, min(len(k.buf), d.most*size))
	d.entry.Pointer = opaque.To(d)
	d.number = e.AddDriver(&d.entry)
	return d, nil
}

// usualAnswer is the length of an answer that has a block of 1024 bytes, and of
// what else there is room for however small a share is.
const usualAnswer = 1280

func inBlocks(n, size int) int { return (n + size - 1) / size }

// MaxWhole is the length in bytes of the longest message that a peer can send:
// it fits into a worker's memory and into a block of the stash. More memory for
// the workers lets it grow.
func (d *Driver) MaxWhole() int { return d.whole }

// Memory is how many bytes the driver holds, beside its resources: also what the
// workers have of them.
func (d *Driver) Memory() int {
	n := 0
	for i := range d.conns {
		n += d.conns[i].x.Memory()
	}
	return n + int(unsafe.Sizeof(*d)) + len(d.conns)*int(unsafe.Sizeof(conn{})) + len(d.records)*int(unsafe.Sizeof(record{})) +
		len(d.calls.list)*int(unsafe.Sizeof(call{})) + len(d.heads.long.b)
}

// Number is the driver's number in its engine.
func (d *Driver) Number() int { return d.number }

// Eager implements engine.Eager: each end sends its CSM without waiting for the
// other's (RFC 8323 section 5.3), and clients there are that wait for ours.
func (d *Driver) Eager() bool { return true }

// Schemes implements engine.Schemed (RFC 8323 sections 8.1 and 8.2).
func (d *Driver) Schemes() []engine.Scheme {
	return []engine.Scheme{{Name: "coap+tcp", Port: 5683}, {Name: "coaps+tcp", Port: 5684, Secure: true}}
}

// counts are the driver's counters.
type counts struct {
	open    atomic.Int64
	opened  atomic.Uint64
	pings   atomic.Uint64
	dead    atomic.Uint64
	aborts  atomic.Uint64
	aborted atomic.Uint64
}

// Requests are the answered ones by the class of the answer: Requests[2] counts
// those with 2.xx, and Requests[0] those whose answer was left to a ticket.
type Requests [6]uint64

// Total is their number.
func (r Requests) Total() (n uint64) {
	for _, k := range r {
		n += k
	}
	return n
}

// Stats are counts of a driver, read while it runs.
type Stats struct {
	Open     int      // connections now
	Opened   uint64   // connections since the beginning
	Requests Requests // requests that were answered, by class
	Busy     uint64   // of those, with 5.03 since too many handlers ran, or there was no room
	Pings    uint64   // that we have sent
	Dead     uint64   // connections that were closed since the peer did not answer a Ping
	Aborts   uint64   // connections that we have ended by an Abort
	Aborted  uint64   // and their peers
	Waiting  int      // requests of our own that wait for their answers
}

// Stats reads the counts, without allocating.
func (d *Driver) Stats() Stats {
	s := Stats{
		Open: int(d.counts.open.Load()), Opened: d.counts.opened.Load(), Pings: d.counts.pings.Load(),
		Dead: d.counts.dead.Load(), Aborts: d.counts.aborts.Load(), Aborted: d.counts.aborted.Load(),
		Waiting: d.calls.count(),
	}
	for i := range d.conns {
		c := &d.conns[i]
		for k := range s.Requests {
			s.Requests[k] += c.requests[k].Load()
		}
		s.Busy += c.busy.Load()
	}
	return s
}

// Serve implements engine.Driver.
func (d *Driver) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict { return d.entry.Serve(w, s) }

// Farewell implements engine.Driver: an Abort that says why (RFC 8323 section
// 5.6), or a Release to clients for whom there is no place (section 5.5).
func (d *Driver) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	p := d.e.Pool()
	h := p.Handle(s)
	r := &d.records[h.Index()]
	if r.flags&flagOver != 0 {
		return dst // it was told already
	}
	if r.flags&flagOpen == 0 {
		dst = append(dst, d.hello[:d.helloN]...) // the first message is a CSM in any case
	}
	if why == engine.WhyRefused || why == engine.WhyClosing {
		return coap.AppendRelease(dst, "", uint32(d.cfg.HoldOff))
	}
	// Nothing goes behind an Abort.
	p.Outputs.CopyLast(h, nil, nil, true)
	d.counts.aborts.Add(1)
	return coap.AppendAbort(dst, 0, d.fitting(r, whyTexts[why]))
}

var whyTexts = [...]string{
	engine.WhyTimeout: "too slow", engine.WhyHandler: "handler out of time", engine.WhyStalled: "too many slow senders",
	engine.WhyHeld: "no worker", engine.WhyRefused: "", engine.WhyClosing: "",
}

// fitting is a diagnostic, or nothing if the peer takes only messages that are
// so short.
func (d *Driver) fitting(r *record, text string) string {
	if limit := r.limit.Load(); limit != 0 && limit < leastMessage+mostDiagnostic {
		return ""
	}
	return text
}

// mostDiagnostic bounds the diagnostics that an Abort has.
const mostDiagnostic = 128

// Gone implements engine.Driver.
func (d *Driver) Gone(s *pool.Slot, h pool.Handle) {
	r := &d.records[h.Index()]
	if r.flags&flagOpen == 0 {
		if a := d.dialling.Load(); a != nil {
			a.drop(&d.dials, d, h)
		}
		return
	}
	// Whoever asks from here on is refused, and not forgotten.
	d.e.Pool().Outputs.Seal(s)
	d.counts.open.Add(-1)
	d.r.Gone(&d.entry, uint64(h))
	r.need, r.since, r.flags = 0, pool.Never, 0
	r.waiting.Store(false)
	r.limit.Store(0)
	if a := d.asking.Load(); a != nil {
		a.drop(&d.calls, d, h, r)
	}
}

// GoneByWorkers implements engine.WorkerGone: whoever publishes to a topic, and so
// pushes, has locks that the end of an observation needs.
func (d *Driver) GoneByWorkers() bool { return true }

// RemoteOf is the address of the peer of the request that a worker serves, for
// resource.Request.Remote. It asks the system each time.
func (d *Driver) RemoteOf(worker int) transport.Addr {
	w := d.conns[worker].w
	if w == nil {
		return transport.Addr{}
	}
	return w.Stream().Remote()
}

// entry is the driver as its engine and its resources have it.
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

func (e *entry) Eager() bool { return true }

func (e *entry) Schemes() []engine.Scheme { return e.Get().Schemes() }

func (e *entry) GoneByWorkers() bool { return true }

func (e *entry) Push(peer uint64, m coap.Message, mark int, overflow engine.Overflow) error {
	return e.Get().Push(peer, m, mark, overflow)
}

func (e *entry) Answered(peer uint64) { e.Get().Answered(peer) }

func (e *entry) RemoteOf(worker int) transport.Addr { return e.Get().RemoteOf(worker) }

var (
	_ engine.Eager      = (*Driver)(nil)
	_ engine.Schemed    = (*Driver)(nil)
	_ engine.WorkerGone = (*Driver)(nil)
	_ resource.Pusher   = (*Driver)(nil)
	_ engine.Driver     = (*entry)(nil)
	_ engine.Eager      = (*entry)(nil)
	_ engine.Schemed    = (*entry)(nil)
	_ engine.WorkerGone = (*entry)(nil)
	_ resource.Pusher   = (*entry)(nil)
)
