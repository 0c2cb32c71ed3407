package bobtail

import (
	"context"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/web"
)

// What programs need of the packages below, under one name.
type (
	// Handler answers a request: see web.Handler.
	Handler = web.Handler
	// Sink is a handler that takes content as events: see web.Sink.
	Sink = web.Sink
	// State is what a Sink may keep for a request: see web.State.
	State = web.State
	// Request is a request as its handler sees it: see web.Request.
	Request = web.Request
	// Response is an answer of which nothing has been said yet: see
	// web.Response.
	Response = web.Response
	// Head is a response to which fields may be added: see web.Head.
	Head = web.Head
	// Body is a response whose content is being written: see web.Body.
	Body = web.Body
	// Source is content that the driver sends by itself: see web.Source.
	Source = web.Source
	// Exchange serves the same handlers on a stream of the caller's: see
	// web.NewExchange.
	Exchange = web.Exchange
	// Handle names a connection for all time: see pool.Handle.
	Handle = pool.Handle
	// Event is one line of a log, in plain values: see engine.Event.
	Event = engine.Event
	// ConfigError names a field that is out of its bounds.
	ConfigError = engine.ConfigError
	// Admission is what becomes of a client who comes when all sockets are
	// taken.
	Admission = engine.Admission
)

// The admission policies: see engine.Admission.
const (
	AdmitEvict  = engine.AdmitEvict
	AdmitWait   = engine.AdmitWait
	AdmitRefuse = engine.AdmitRefuse
)

// Server is a pool of sockets, its workers, and the handlers that they run.
// Handlers are added first, then it listens, then it runs: by Start or
// ListenAndServe on goroutines of its own, or by Poll in a loop of the
// caller's.
//
// Its methods may be called from any goroutine, except those for handlers,
// and Poll and Wait.
type Server struct {
	cfg    Config
	engine opaque.Pointer[engine.Engine] // drivers of other protocols get the Server as an interface
	web    opaque.Pointer[web.Driver]
	routes error // the first of those that were refused
	close  sync.Once
	done   chan struct{} // closed when the server has ended
}

// New makes a server with all its memory. It fails as Config.Validate does,
// and when the system has no descriptor left.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, done: make(chan struct{})}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// open makes what a Server has beside its configuration.
func (s *Server) open() error {
	c := &s.cfg
	c.setDefaults()
	var below engine.Config
	if err := c.check(&below); err != nil {
		return err
	}
	if c.Backend == nil {
		b, err := openBackend(c.Lanes)
		if err != nil {
			return err
		}
		c.Backend, below.Backend = b, b
	}
	err := s.build(&below)
	if err != nil {
		c.Backend.Close()
	}
	return err
}

func (s *Server) build(below *engine.Config) error {
	e, err := engine.Make(below)
	if err != nil {
		return err
	}
	s.engine = opaque.To(e)
	c := &s.cfg
	var w web.Config
	w.Parser.Limits = c.Limits
	flat.Copy(&w.Parser.Keep, &c.Fields)
	w.Wall, w.Access, w.Panic = c.Wall, c.Access, c.Panic
	w.Sources = max(c.Sources, 0)
	d, err := web.Make(e, &w)
	s.web = opaque.To(d)
	return err
}

// Listen opens a listener for HTTP at an address: "http://HOST:PORT" or
// "HOST:PORT", HOST an IP address (IPv6 in brackets) or nothing for all,
// PORT 0 for one that is free. "https://HOST:PORT" is for clients who speak
// TLS, and needs a backend that does, such as one wrapped by transport/secure:
// else it fails with ErrNoTLS. It returns the address that it got. The other
// errors are those of package transport, such as ErrAddressInUse.
//
// Another scheme is that of a driver which was added to the engine before:
// "coap+tcp://HOST:PORT" and "coaps+tcp://HOST:PORT" for package coaptcp, the
// latter over TLS; the port may be left out. If there is no such driver, it
// fails with a *SchemeError.
func (s *Server) Listen(address string) (transport.Addr, error) {
	if s.routes != nil {
		return transport.Addr{}, s.routes
	}
	name, rest := splitScheme(address)
	driver, scheme := s.http().Number(), engine.Scheme{}
	switch name {
	case "", "http":
	case "https":
		scheme.Secure = true
	default:
		ok := false
		if driver, scheme, ok = s.Engine().Scheme(name); !ok {
			return transport.Addr{}, &SchemeError{name}
		}
		rest = withPort(rest, scheme.Port)
	}
	a, err := transport.ParseAddr(rest)
	switch {
	case err != nil:
		return a, err
	case scheme.Secure:
		return s.listenSecure(a, driver)
	}
	return s.Engine().Listen(a, driver)
}

// Start begins to serve, on goroutines of the server, and returns.
func (s *Server) Start() error {
	if s.routes != nil {
		return s.routes
	}
	return s.Engine().Start()
}

// ListenAndServe listens at addresses, serves, and returns when the server
// has ended by Shutdown or Close, or at once with an error.
func (s *Server) ListenAndServe(addresses ...string) error {
	for _, a := range addresses {
		if _, err := s.Listen(a); err != nil {
			return err
		}
	}
	if err := s.Start(); err != nil {
		return err
	}
	<-s.done
	return nil
}

// Shutdown ends the server in order: it lets no new clients in but serves
// those who have connected, finishes the requests at hand, closes connections
// that wait, and frees everything. When ctx is done first, it ends the rest as
// Close does and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	drained := s.Engine().Shutdown()
	var err error
	if s.Engine().Polled() {
		err = s.pollUntil(ctx, drained)
	} else {
		select {
		case <-drained:
		case <-s.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.Close()
	return err
}

// pollUntil polls while the caller of Shutdown waits, since nobody else does.
func (s *Server) pollUntil(ctx context.Context, drained <-chan struct{}) error {
	for {
		select {
		case <-drained:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		next, err := s.Poll(s.Now())
		if err != nil {
			return err
		}
		s.Wait(min(next, s.Now()+int64(10*time.Millisecond)))
	}
}

// Close ends the server at once: connections are aborted. A handler that does
// not return is left alone, its calls fail.
func (s *Server) Close() error {
	s.close.Do(func() {
		<-s.Engine().Stop()
		close(s.done)
	})
	return nil
}

// Poll does what is ready at time now, of the backend's clock (Now), and
// returns when it must be called again at the latest: the server in a loop of
// the caller's, without Start. Between calls the caller may Wait.
func (s *Server) Poll(now int64) (next int64, err error) { return s.Engine().Poll(now) }

// Wait waits until Poll has something to do, or the deadline has passed. It
// needs Config.Lanes to be 1.
func (s *Server) Wait(deadline int64) error { return s.Engine().Wait(deadline) }

// Now is the time of the backend's clock, in nanoseconds.
func (s *Server) Now() int64 { return s.Engine().Backend().Now() }

// Stats are the counts of a server; see engine.Stats. Requests are the
// answered ones, by class of status: Requests[2] counts 2xx.
type Stats struct {
	engine.Stats
	Requests web.Requests
	Sources  int // connections that wait with a Source, without a worker
}

// Stats reads the counts, while the server runs, without allocating.
func (s *Server) Stats() (v Stats) {
	s.ReadStats(&v)
	return v
}

// ReadStats is Stats into memory of the caller's. Under TinyGo a Stats is more
// than a stack holds, and Stats takes it from the heap.
func (s *Server) ReadStats(v *Stats) {
	s.Engine().ReadStats(&v.Stats)
	v.Requests, v.Sources = s.http().Requests(), s.http().Sources()
}

// Push sends bytes to a connection, as they are, from any goroutine: see
// engine.Push.
func (s *Server) Push(h Handle, p []byte, mark int, o engine.Overflow) error {
	return s.Engine().Push(h, nil, p, mark, o)
}

// Engine is what the server runs on, for protocols beside HTTP and for those
// who look at its sockets and workers.
func (s *Server) Engine() *engine.Engine { return s.engine.Get() }

// http is the driver of HTTP.
func (s *Server) http() *web.Driver { return s.web.Get() }

// Memory is what the server holds, in bytes, by part.
type Memory struct {
	engine.Memory
	Exchanges int // what each worker knows of its request
	Sources   int // places for Sources whose peers are slow
	Places    int // what connections that wait for the program are known by
	Backend   int // what the backend holds for its streams, if it says so: TLS does
}

// Total is the sum of the parts. Stacks of goroutines, handlers, what the
// runtime holds, and what other backends do, come on top.
func (m Memory) Total() int {
	return m.Memory.Total() + m.Exchanges + m.Sources + m.Places + m.Backend
}

// Memory computes what a server of this configuration holds.
func (c Config) Memory() Memory {
	c.setDefaults()
	var e engine.Config
	c.engine(&e)
	backend := 0
	if b, ok := c.Backend.(interface{ Memory(streams int) int }); ok {
		backend = b.Memory(e.Pool.Slots)
	}
	return Memory{e.Memory(), (c.Workers + max(c.Spare, 0)) * web.ExchangeSize, max(c.Sources, 0) * web.SourceSize, e.Pool.Slots * web.PlaceSize, backend}
}

// Memory computes what the server holds.
func (s *Server) Memory() Memory { return s.cfg.Memory() }
