package web

import (
	"io"
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/pool"
)

// Exchange is a worker's place for one request and its answer. It is made
// once for each worker, and holds the worker's memory. What every request needs is
// together, so that it is in few lines of the cache.
type Exchange struct {
	// In a server; w is nil otherwise.
	d      *Driver
	w      *engine.Worker
	s      *pool.Slot
	id     int
	handle pool.Handle

	req    Request
	stream stream
	route  *route // of the request, nil if it has none
	found  *route // by the router, for the request that it was asked about last

	err    error  // what the handler's calls have failed with first
	result error  // what the handler has returned
	static []byte // content to be sent from where it is, after what is staged
	value  any    // Request.Value
	used   int    // of the arena

	asideFirst, asideLast int // fields set aside: see aside.go

	then     mode     // what the handler leaves the connection in: see later.go, outlet.go, switch.go
	typed    bool     // a Content-Type was given
	handling bool     // a handler runs
	detached bool     // the handler has taken the connection over
	lost     bool     // the right to the slot passed while a worker waited to send
	sinking  bool     // a Sink's Piece runs
	ending   Sink     // whose End runs
	protocol Protocol // in modeSwitch, whose the connection will be

	source openSource // of the response: see source.go

	dateUntil int64 // of the engine's clock
	date      [http1.DateSize]byte

	conn http1conn.Conn

	lookup lookup // of the route that was found
	state  State  // of the Sink's request, while one of its methods runs
	parts  multipart
	memory []byte // all of it
	arena  []byte

	// Outside of a server: see single.go.
	in       io.ReadWriter // the stream
	handler  Handler
	serveOne http1conn.Handler
	wall     func() int64

	counts counts
}

// ExchangeSize is the size of an Exchange in bytes.
const ExchangeSize = int(unsafe.Sizeof(Exchange{}))

// The shares of a worker's memory: the input buffer, which holds a head and
// short content, takes half; output and arena a quarter each.
func shares(memory []byte) (in, out, arena []byte) {
	h, q := len(memory)/2, len(memory)/4
	if h > http1.MaxHeadBuffer {
		h = http1.MaxHeadBuffer
	}
	return memory[:h:h], memory[h : h+q : h+q], memory[h+q:]
}

// InSize is the size of the input buffer in a worker's memory of n bytes.
func InSize(n int) int { return min(n/2, http1.MaxHeadBuffer) }

// MinMemory is the least memory of a worker, in bytes.
const MinMemory = 4 * http1conn.MinBuffer

func (x *Exchange) init(parser *http1.Parser, memory []byte, date func() []byte) error {
	if len(memory) < MinMemory {
		return ErrMemory
	}
	in, out, arena := shares(memory)
	x.memory, x.arena = memory, arena
	x.req.x = x
	x.stream.Pointer = opaque.To(x)
	return x.conn.Init(http1conn.Config{Parser: parser, In: in, Out: out, Date: date, Errors: x.addAside, KeepAll: x.keepsAll})
}

// keep keeps the first error.
func (x *Exchange) keep(err error) error {
	if err == nil {
		return x.err
	}
	if http1.ErrState.Is(err) {
		err = ErrMisuse
	}
	if x.err == nil {
		x.err = err
	}
	return err
}

// noteField notes what the handler has said itself.
func (x *Exchange) noteField(name string) {
	if ascii.EqualFold(name, "content-type") {
		x.typed = true
	}
}

func (x *Exchange) endHead(length int) error {
	if x.err != nil {
		return x.err
	}
	if err := x.conn.Length(uint64(length)); err != nil {
		return x.keep(err)
	}
	return x.keep(x.conn.EndHead())
}

// end ends the response with content that is here.
func (x *Exchange) end(parts ...string) error {
	if x.err != nil {
		return x.err
	}
	return x.keep(x.conn.End(parts...))
}

func (x *Exchange) complete() error {
	if x.err != nil {
		return x.err
	}
	return x.keep(x.conn.Complete())
}

// forget begins a call into the program: what the last one has left, which may
// have been for another connection, is not for this one to see.
func (x *Exchange) forget() {
	x.err, x.static, x.typed, x.used = nil, nil, false, 0
	x.clearAside()
	x.value = nil
	x.then, x.protocol = modeRequest, nil
	x.detached = false
}

// run calls a handler and completes its response. It returns an error if the
// request was not answered as the handler meant it; what could be answered
// then, is.
func (x *Exchange) run(h Handler) error {
	x.forget()
	if x.w == nil {
		x.result = h(Response{x}, &x.req)
	} else {
		x.call(h)
	}
	err := x.result
	if err == nil {
		err = x.err
	}
	if err == nil && !x.conn.Finished() && !x.waits() && !x.detached && x.then != modeHeld {
		x.noteClosing()
		err = x.conn.Complete()
	}
	if err == nil {
		x.clearAside() // else the answer to the error has the fields
	}
	return err
}

// noteClosing has the response say that the connection closes, if the server
// does.
func (x *Exchange) noteClosing() {
	if x.w != nil && x.d.e.Closing() {
		x.conn.SetClosing()
	}
}

// call calls a handler, whose result is x.result: ErrPanic if it panics. Under
// TinyGo a run-time panic ends the program all the same, and a closure that is
// deferred would be allocated.
func (x *Exchange) call(h Handler) {
	defer x.rescue()
	x.result = ErrPanic
	x.result = h(Response{x}, &x.req)
}

// rescue tells of a panic, on its stack.
func (x *Exchange) rescue() {
	x.sinking = false
	v := recover()
	if v == nil {
		return
	}
	x.result = ErrPanic
	x.w.Panicked(x.handle)
	if x.d.cfg.Panic != nil {
		x.d.cfg.Panic(&x.req, v)
	}
}
