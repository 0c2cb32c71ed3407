package bobtail

import (
	"runtime"
	"time"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/web"
)

// Config says how large a server is and how patient. A zero field has the
// default that its comment names; negative ones are refused. It is copied by
// New and not used after.
type Config struct {
	// Sockets is how many connections there may be at once, up to 1<<24. The
	// default is 1024.
	Sockets int

	// Workers is how many requests are worked on at once, up to 4096. The
	// default is 4 for each processor. A handler that waits for something other
	// than its peer keeps its worker.
	Workers int

	// Spare is how many workers are kept to replace those whose handlers do
	// not return by their deadline. The default is 2; -1 is none.
	Spare int

	// WorkerMemory is the bytes that each worker has for a request: half for
	// its head and short content, a quarter for the answer until it is sent, a
	// quarter for the handler's arena. From web.MinMemory (1024) to 1<<24; the
	// default is 16384.
	WorkerMemory int

	// Stash is how many slow senders may have part of a request kept for them,
	// up to 65535. The default is an eighth of Sockets, from 8 to 512.
	Stash int

	// OutputBlocks is how many blocks of OutputBlockSize bytes are shared by
	// what peers have not taken yet. The defaults are an eighth of Sockets,
	// from 16 to 1024, and 2048.
	OutputBlocks, OutputBlockSize int

	// Sources is how many connections may wait, without a worker, for their
	// peer to take the rest of a file or another Source (Head.Source), up to
	// 65535. Beyond that a worker waits for the peer. The default is a quarter
	// of Sockets, from 16 to 4096, and no more than Sockets; -1 is none.
	Sources int

	// Admission is what becomes of a client who comes when all sockets are
	// taken. The default is AdmitEvict, which closes the connection that has
	// been idle longest; one that waits for an answer put off (Later) or for
	// events is not idle. PerAddress bounds how many of those one peer has.
	Admission Admission

	// PerAddress is how many connections one peer address (of IPv6, one prefix
	// of 64 bits) may have, up to 65535. The default is no limit.
	PerAddress int

	// Timeouts bound every phase of a connection.
	Timeouts Timeouts

	// Limits bound what a request may be; see http1.Limits for the defaults.
	Limits http1.Limits

	// Fields are the request's fields that handlers want to see, beside Host.
	// The default is http1.DefaultFields.
	Fields http1.FieldSet

	// Lanes is how many parts the backend has that one worker each waits on.
	// The default is one for each processor. It must be 1 for Wait, and is not
	// used if a Backend is given.
	Lanes int

	// Backend is the network. The default is epoll on Linux (amd64, arm64),
	// package net on other systems, and nothing on bare metal, where it must
	// be given. The server closes it.
	Backend transport.Backend

	// Wall gives the time in nanoseconds since 1970 UTC, for the Date of
	// answers. The default is the system's clock. NoDate leaves Date out, for
	// machines that do not know the time.
	Wall   func() int64
	NoDate bool

	// Log, if it is not nil, is told what happens to connections. It runs on
	// the goroutine that makes it happen, must not block, and must not call
	// the server.
	Log func(Event)

	// Access, if it is not nil, is told of each request that a handler has
	// answered: its status, bytes of content and nanoseconds. It runs on the
	// worker, before the request's memory is used again. Of content that the
	// driver sends (Static, Source) it is told when the head is ready, of an
	// answer that was put off without the request's path and fields.
	Access func(r *Request, code int, bytes, took int64)

	// Panic, if it is not nil, is told what a handler has panicked with, on
	// the stack of the panic.
	Panic func(r *Request, v any)
}

// Timeouts are how long a connection may be in each phase. All are on; each
// is absolute, counted from the beginning of its phase, and trickling bytes
// do not extend it.
type Timeouts struct {
	Open    time.Duration // from connecting to the first byte; 30 s
	Head    time.Duration // from a head's first byte to its last; 30 s
	Idle    time.Duration // between requests; 75 s
	Handler time.Duration // for a handler to return; 60 s
	Held    time.Duration // until long content finds a worker that may wait; 30 s
	Drain   time.Duration // for the peer to close, after our last byte; 5 s

	// Body and Write are the grace for content that is received and for
	// answers that are sent: it moves on with the bytes, at Rate bytes a second
	// (512), so that who stalls fails after the grace, and who is slower than
	// Rate fails in the end. 30 s each.
	Body, Write time.Duration
	Rate        int
}

// reserve is how many slots are kept to refuse clients with, when that is the
// policy.
const reserve = 4

func orElse[T ~int | ~int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// setDefaults fills in what is zero, all but the backend.
func (c *Config) setDefaults() {
	orElse(&c.Sockets, 1024)
	orElse(&c.Workers, 4*runtime.GOMAXPROCS(0))
	orElse(&c.Spare, 2)
	orElse(&c.Lanes, min(runtime.GOMAXPROCS(0), c.Workers, 64))
	orElse(&c.WorkerMemory, 16384)
	orElse(&c.Stash, min(max(c.Sockets/8, 8), 512))
	orElse(&c.OutputBlocks, min(max(c.Sockets/8, 16), 1024))
	orElse(&c.OutputBlockSize, 2048)
	orElse(&c.Sources, min(max(c.Sockets/4, 16), c.Sockets, 4096))
	t := &c.Timeouts
	orElse(&t.Open, 30*time.Second)
	orElse(&t.Head, 30*time.Second)
	orElse(&t.Idle, 75*time.Second)
	orElse(&t.Handler, 60*time.Second)
	orElse(&t.Held, 30*time.Second)
	orElse(&t.Drain, 5*time.Second)
	orElse(&t.Body, 30*time.Second)
	orElse(&t.Write, 30*time.Second)
	orElse(&t.Rate, 512)
	if c.Fields == (http1.FieldSet{}) {
		c.Fields = http1.DefaultFields()
	}
	if c.Wall == nil {
		c.Wall = func() int64 { return time.Now().UnixNano() }
	}
	if c.NoDate {
		c.Wall = nil
	}
}

// engine makes e the configuration of the engine below. Its fields are set one
// by one where they are: see package flat.
func (c *Config) engine(e *engine.Config) {
	e.Backend = c.Backend
	e.Lanes = 1 // a guess, as long as there is no backend
	e.Log = c.Log
	e.Workers, e.Spare, e.WorkerMemory = c.Workers, max(c.Spare, 0), c.WorkerMemory
	e.Admission = c.Admission
	p := &e.Pool
	p.Slots, p.Stash, p.PerAddress = c.Sockets, c.Stash, c.PerAddress
	p.StashSize = web.InSize(c.WorkerMemory) + http1conn.SaveOverhead()
	p.Blocks, p.BlockSize = c.OutputBlocks, c.OutputBlockSize
	p.Nodes = c.OutputBlocks + max(c.Sockets/8, 16)
	t, q := &c.Timeouts, &e.Patience
	q.Open, q.Idle, q.Head, q.Held = int64(t.Open), int64(t.Idle), int64(t.Head), int64(t.Held)
	q.Drain, q.Body, q.Write, q.Handler = int64(t.Drain), int64(t.Body), int64(t.Write), int64(t.Handler)
	q.Rate = t.Rate
	if c.Admission == AdmitRefuse {
		e.Reserve = reserve
		p.Slots += reserve
	}
}

// bounds are the least and the most that fields of a Config may be, in the order
// of Config.numbers. What is not here is looked at by the engine.
var bounds = [...]struct {
	field       string
	least, most int32
}{
	{"Workers", 1, 4096},
	{"Sockets", 1, 1<<24 - reserve},
	{"WorkerMemory", web.MinMemory, 1 << 24},
	{"Stash", 1, 65535},
	{"OutputBlocks", 1, 1 << 20},
	{"OutputBlockSize", 64, 1 << 20},
	{"Sources", -1, 65535},
	{"PerAddress", 0, 65535},
	{"Spare", -1, 4096},
	{"Lanes", 1, 64},
	{"Limits.Head", 0, http1.MaxHead},
	{"Limits.Fields", 0, http1.MaxFields},
	{"Limits.Target", 0, http1.MaxTarget},
	{"Limits.Trailer", 0, http1.MaxHead},
	{"Limits.ChunkOverhead", 0, http1.MaxHead},
}

func (c *Config) numbers() [len(bounds)]int {
	l := &c.Limits
	return [...]int{
		c.Workers, c.Sockets, c.WorkerMemory, c.Stash, c.OutputBlocks, c.OutputBlockSize, c.Sources, c.PerAddress, c.Spare, c.Lanes,
		l.Head, l.Fields, l.Target, l.Trailer, l.ChunkOverhead,
	}
}

// Validate reports the first field that is out of its bounds, as a
// *ConfigError that names it. Zero fields count as their defaults.
func (c Config) Validate() error {
	c.setDefaults()
	var e engine.Config
	return c.check(&e)
}

// check is Validate where the defaults are set. It makes e the configuration of
// the engine.
func (c *Config) check(e *engine.Config) error {
	for i, n := range c.numbers() {
		if b := &bounds[i]; n < int(b.least) || n > int(b.most) {
			least := ""
			if b.least < 0 {
				least = "-"
			}
			text := append([]byte("from "), least...)
			text = ascii.AppendUint(text, uint64(max(b.least, -b.least)))
			text = ascii.AppendUint(append(text, " to "...), uint64(b.most))
			return &ConfigError{Field: b.field, Rule: string(text)}
		}
	}
	if c.Limits.Body >= 1<<63 {
		return &ConfigError{Field: "Limits.Body", Rule: "less than 1<<63"}
	}
	c.engine(e)
	err := e.Validate()
	if err, ok := err.(*ConfigError); ok {
		const theirs, ours = "Patience.", "Timeouts."
		if f := err.Field; len(f) > len(theirs) && f[:len(theirs)] == theirs {
			err.Field = ours + f[len(theirs):]
		}
	}
	return err
}
