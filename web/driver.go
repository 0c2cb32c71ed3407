package web

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/internal/opaque"
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

	// Sources is how many connections may wait, without a worker, for peers
	// to take what a Source has for them; 0 is none. See Head.Source.
	Sources int

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
	entry  entry
	router router
	xs     []Exchange

	sources sources
	places  places // of the slots, for those who wait for the program
	modes   [numModes]atomic.Pointer[modeCalls]

	date [http1.DateSize]byte // of a farewell
}

// New makes a driver for an engine, and adds it there.
func New(e *engine.Engine, c Config) (*Driver, error) { return Make(e, &c) }

// Make is New with a configuration that it only looks at. An argument as large as
// a Config costs a small machine more code than it should.
func Make(e *engine.Engine, c *Config) (*Driver, error) {
	if err := c.Parser.Validate(); err != nil {
		return nil, err
	}
	d := &Driver{e: e, xs: make([]Exchange, e.MaxWorkers())}
	flat.Copy(&d.cfg, c)
	d.router.own = ownAnswers
	d.sources.init(c.Sources)
	d.places.init(e.Pool().Size())
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
	d.entry.Pointer = opaque.To(d)
	d.number = e.AddDriver(&d.entry)
	return d, nil
}

// Number is the driver's number in its engine.
func (d *Driver) Number() int { return d.number }

// Add has requests of a pattern answered, on the terms of the Route. Routes are
// added before the engine starts. It fails with a *PatternError, of which
// errors.Is finds ErrPattern or ErrConflict.
func (d *Driver) Add(r Route) error {
	if err := d.router.add(r, len(d.xs)); err != nil {
		return err
	}
	d.cfg.Parser.Ask = d.router.keeps
	if r.Types != nil {
		// Its requests are held to a field that others may do without.
		return d.cfg.Parser.Keep.Add("Content-Type")
	}
	return nil
}

// Handle is Add of a pattern and a handler.
func (d *Driver) Handle(pattern string, h Handler) error {
	return d.Add(Route{Pattern: pattern, Handler: h})
}

// HandleEach is Add of a pattern with a handler for each worker.
func (d *Driver) HandleEach(pattern string, make func(worker int) Handler) error {
	return d.Add(Route{Pattern: pattern, Each: make})
}

// HandleSink is Add of a pattern and a handler that takes content as events.
func (d *Driver) HandleSink(pattern string, s Sink) error {
	return d.Add(Route{Pattern: pattern, Sink: s})
}

// Use puts handlers around all that are added from here on, and around the
// answers that the router gives itself: 404, 405, 413, 415, those to OPTIONS,
// and redirections. What is used first is outermost. Of a Sink they are around
// its End alone: its pieces come before.
func (d *Driver) Use(around ...func(Handler) Handler) {
	for _, f := range around {
		d.router.use(f)
	}
}

// slotState is the driver's state in a slot.
type slotState struct {
	sink     State // of the request whose content a Sink takes
	which    int32 // number of the Sink, 0 if there is none
	answered bool  // the request whose content is coming was answered
	mode     mode  // says whose sink is: data of the Sink, or of the mode
	flags    uint8 // of the mode
}

// turnReceives is how often bytes are received for a slot before others have
// their turn.
const turnReceives = 4

// next is what Serve does after a step.
type next uint8

const (
	nextStep    next = iota // go on with what is buffered
	nextSend                // send what is staged, and go on with what is buffered, or receive
	nextReceive             // more bytes are needed
	nextEnd                 // the verdict is there
)

// Serve implements engine.Driver.
func (d *Driver) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict { return d.entry.Serve(w, s) }

// Serve goes on until there is a verdict. It receives and sends itself, and what a
// request is answered by has returned by then: a system call of the kernel's network
// goes deeper than a processor remembers where calls return to, so that each frame
// that is on the stack meanwhile costs a return that is not foreseen.
func (e *entry) Serve(w *engine.Worker, s *pool.Slot) (v engine.Verdict) {
	d := e.Get()
	x := &d.xs[w.ID()]
	x.w, x.s = w, s
	x.handle = d.e.Pool().Handle(s)
	x.conn.Reset(&x.stream)
	after := nextReceive
	if s.Stashed() {
		x.conn.Load(d.e.Pool().Stash.Block(s))
		after = nextStep
	}
	if m := pool.StateOf[slotState](s).mode; m != modeRequest {
		var over bool
		if v, over = d.modes[m].Load().serve(x); !over {
			return x.verdict(v)
		}
		if after = nextStep; x.conn.Buffered() == 0 {
			after = nextSend
		}
	}
	for receives := 0; ; {
		if after == nextStep {
			after, v = x.step()
		}
		if after == nextSend {
			staged, static := x.conn.Staged(), x.static
			x.static = nil
			if len(staged)+len(static) > 0 {
				rest, err := w.Send(s, staged, static, true)
				if rest > 0 {
					err = x.sendRest(staged, static, rest)
				}
				if err != nil {
					return x.verdict(engine.Abort)
				}
				x.conn.Unstage()
			}
			if w.Pending(s) {
				// Nothing more is read from a peer that does not read.
				return x.verdict(x.park())
			}
			if after = nextReceive; x.conn.Buffered() > 0 {
				after = nextStep
			}
		}
		if after == nextEnd {
			return x.verdict(v)
		}
		if after == nextStep {
			continue
		}
		// A turn ends when there is nothing more to receive, and after some
		// receives in any case.
		if receives > 0 && !w.Unread(s) || receives == turnReceives {
			return x.verdict(x.park())
		}
		receives++
		after = nextStep
		n, err := w.Receive(s, x.conn.Space())
		if n > 0 {
			x.conn.Feed(n)
		}
		if err == nil {
			continue
		}
		switch transport.Of(err) {
		case transport.ErrWouldBlock:
			return x.verdict(x.park())
		case transport.EOF:
			x.conn.FeedEOF()
			if v, over := x.ended(); over {
				return x.verdict(v)
			}
		default:
			return x.verdict(engine.Abort)
		}
	}
}

// verdict is v, unless the slot is another's meanwhile.
func (x *Exchange) verdict(v engine.Verdict) engine.Verdict {
	if x.lost {
		x.lost = false
		return engine.Lost
	}
	return v
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
			if !x.conn.Drains() {
				return nextEnd, x.last(engine.Linger)
			}
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

// entry is the driver as its engine has it.
type entry struct{ opaque.Pointer[Driver] }

func (e *entry) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	return e.Get().Farewell(dst, s, why)
}

func (e *entry) Gone(s *pool.Slot, h pool.Handle) { e.Get().Gone(s, h) }

var (
	_ engine.Driver = (*Driver)(nil)
	_ engine.Driver = (*entry)(nil)
)
