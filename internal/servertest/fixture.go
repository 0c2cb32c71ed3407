package servertest

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// How long a test waits for what must happen, and how far virtual time goes at
// once, which is about as far as the engine's.
const (
	VirtualPatience = 3 * time.Second
	RealPatience    = pipetest.Patience
	Step            = 2 * time.Millisecond
)

// Fixture is a server and the network around it. Its methods are for the
// goroutine of the test.
type Fixture struct {
	T      testing.TB
	Kind   string
	Server *bobtail.Server
	Addr   transport.Addr  // where it listens
	Net    *memory.Network // nil on a real network
	Loop   bool            // the test drives the server itself, by Poll; on memory
	Free   bool            // memory in real time, out of a bubble

	Started bool // by Start, or the test does it in its way

	backend *openNetwork
	clients []*Client
}

// openNetwork is a network that stays when its backend is closed, as the
// system's does: peers can read what they were sent before.
type openNetwork struct {
	*memory.Network
	closed atomic.Bool
}

func (n *openNetwork) Close() error {
	n.closed.Store(true)
	return nil
}

// New makes a server of a configuration, with 4 workers and 64 sockets if that
// names none, on a backend. It does not listen yet.
func New(t testing.TB, k Kind, cfg bobtail.Config) *Fixture {
	t.Helper()
	f := &Fixture{T: t, Kind: k.Name}
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.Sockets == 0 {
		cfg.Sockets = 64
	}
	if k.Open == nil {
		k.Memory.Lanes = min(k.Memory.Lanes, cfg.Workers)
		f.Net = memory.New(k.Memory)
		f.backend = &openNetwork{Network: f.Net}
		cfg.Backend = f.backend
	} else {
		b, err := k.Open(min(2, cfg.Workers))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Backend = b
	}
	srv, err := bobtail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = srv
	return f
}

// Handle adds a handler, before the first client.
func (f *Fixture) Handle(pattern string, h bobtail.Handler) {
	f.T.Helper()
	if err := f.Server.Handle(pattern, h); err != nil {
		f.T.Fatal(err)
	}
}

// Listen has the server listen, and clients connect there.
func (f *Fixture) Listen(address string) {
	f.T.Helper()
	var err error
	if f.Addr, err = f.Server.Listen(address); err != nil {
		f.T.Fatal(err)
	}
}

// Start starts the server, unless it was, or the test drives it.
func (f *Fixture) Start() {
	f.T.Helper()
	if f.Started || f.Loop {
		return
	}
	f.Started = true
	if err := f.Server.Start(); err != nil {
		f.T.Fatal(err)
	}
	f.Settle()
}

// BackendClosed reports, on memory, whether the server has closed its backend.
func (f *Fixture) BackendClosed() bool { return f.backend.closed.Load() }

// End closes the clients and the server, which must leave nothing of the network
// open. What then is for the test to look at, with the time still moving, is
// after's; it may be nil.
func (f *Fixture) End(after func()) {
	f.T.Helper()
	for _, c := range f.clients {
		c.Conn.Close()
	}
	f.Server.Close()
	if f.Net != nil {
		defer f.Net.Close()
		if n := f.Net.Stale(); n != 0 {
			f.T.Errorf("%d calls for streams that were closed", n)
		}
		if n := f.Net.Open(); n != 0 {
			f.T.Errorf("%d streams left open", n)
		}
	}
	if after != nil {
		after()
	}
}

// Settle waits on memory until nothing moves any more.
func (f *Fixture) Settle() {
	switch {
	case f.Net == nil || f.Free:
	case f.Loop:
		f.Poll()
	default:
		synctest.Wait()
	}
}

// Poll drives a server that has no goroutines until nothing moves, and returns
// when it is to be driven next.
func (f *Fixture) Poll() (next int64) {
	f.T.Helper()
	for quiet := 0; quiet < 2; {
		before := f.Server.Stats()
		var err error
		if next, err = f.Server.Poll(f.Server.Now()); err != nil {
			f.T.Fatal(err)
		}
		if quiet++; f.Server.Stats() != before || next <= f.Server.Now() {
			quiet = 0
		}
	}
	return next
}

// Advance moves virtual time, in steps of a Step. A long way is gone in larger
// ones, but for its end.
func (f *Fixture) Advance(d time.Duration) {
	f.T.Helper()
	if f.Net == nil {
		f.T.Fatal("advance in real time")
	}
	for d > 0 {
		by := min(d, Step)
		if d > 4*time.Second {
			by = min(d-4*time.Second, 50*time.Millisecond)
		}
		f.Settle()
		f.Net.Advance(int64(by))
		d -= by
	}
	f.Settle()
}

// Await waits for a condition.
func (f *Fixture) Await(what string, cond func() bool) {
	f.T.Helper()
	if f.Net != nil && !f.Free {
		for range VirtualPatience / Step {
			f.Settle()
			if cond() {
				return
			}
			f.Net.Advance(int64(Step))
		}
		f.Settle()
	} else {
		for range 1000 { // it mostly comes at once
			if cond() {
				return
			}
			runtime.Gosched()
		}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for overdue := time.Now().Add(RealPatience); time.Now().Before(overdue); <-tick.C {
			if cond() {
				return
			}
		}
	}
	if !cond() {
		f.T.Fatalf("never came: %s\nstats %+v\n%s", what, f.Server.Stats(), leaktest.Stacks())
	}
}

// AwaitAll waits until all of a group are done.
func (f *Fixture) AwaitAll(what string, wg *sync.WaitGroup) {
	f.T.Helper()
	var done atomic.Bool
	go func() {
		wg.Wait()
		done.Store(true)
	}()
	f.Await(what, done.Load)
}

// dump is where every goroutine is, if the server hangs.
func (f *Fixture) dump(err error) string {
	if err != ErrPatience {
		return ""
	}
	return leaktest.Stacks()
}
