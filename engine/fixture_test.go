package engine_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

const (
	millisecond = int64(time.Millisecond)
	second      = int64(time.Second)
	poolTick    = int64(1) << 24 // how late a deadline may be
)

// config is what a test changes.
type config struct {
	engine.Config
	mem memory.Config
}

// usual is a configuration in which every phase has a patience of its own.
func usual() config {
	return config{Config: engine.Config{
		Workers: 2, WorkerMemory: 1024,
		Pool: pool.Config{Slots: 8, Stash: 4, StashSize: 512, Blocks: 8, BlockSize: 256, Nodes: 32},
		Patience: engine.Patience{
			Open: 11 * second, Idle: 60 * second, Head: 13 * second, Body: 7 * second, Held: 9 * second,
			Write: 8 * second, Drain: 3 * second, Handler: 20 * second, Rate: 1000,
		},
	}}
}

// fixture is an engine with the driver of the tests, and its clients.
type fixture struct {
	t       *testing.T
	name    string
	net     *memory.Network // nil on a real network
	e       *engine.Engine
	d       *lines
	addr    transport.Addr
	dial    func() (conn, error)
	polled  bool
	stopped bool
	conns   []*client
	last    atomic.Pointer[pool.Handle] // of the connection that was accepted last
	log     func(engine.Event)
}

// conn is the far end of a stream.
type conn interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	CloseWrite() error
	Close() error
	Reset() error
}

func newFixture(t *testing.T, c config, b transport.Backend) *fixture {
	t.Helper()
	f := &fixture{t: t}
	if b == nil {
		f.net = memory.New(c.mem)
		b = f.net
	}
	c.Backend = b
	c.Log = func(ev engine.Event) {
		if ev.Kind == engine.EventAccepted {
			f.last.Store(&ev.Handle)
		}
		if f.log != nil {
			f.log(ev)
		}
	}
	e, err := engine.New(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	f.e = e
	f.d = &lines{e: e, detached: make(chan any, 1), told: make(chan error, 1)}
	f.d.number = e.AddDriver(f.d)
	if f.addr, err = e.Listen(transport.IPv4(127, 0, 0, 1, 0), f.d.number); err != nil {
		t.Fatal(err)
	}
	if f.net != nil {
		f.dial = func() (conn, error) { return f.net.Connect(f.addr) }
	}
	return f
}

// polls runs a test in which the test itself drives the engine, in virtual
// time and on one goroutine.
func polls(t *testing.T, c config) *fixture {
	t.Helper()
	f := newFixture(t, c, nil)
	f.polled = true
	t.Cleanup(f.end)
	return f
}

// bubble runs a test of an engine with all its goroutines, in virtual time.
func bubble(t *testing.T, c config, body func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, c, nil)
		defer f.end()
		if err := f.e.Start(); err != nil {
			t.Fatal(err)
		}
		body(f)
	})
}

// everywhere is a bubble on some networks and numbers of workers and lanes.
func everywhere(t *testing.T, c config, body func(f *fixture)) {
	t.Helper()
	for _, k := range []struct {
		workers, lanes int
		mem            memory.Config
	}{
		{2, 1, memory.Config{}},
		{2, 2, memory.Config{Holds: 512}},
		{8, 1, memory.Config{}},
		{8, 3, memory.Config{}},
	} {
		c := c
		c.Workers, c.mem = k.workers, k.mem
		c.mem.Lanes = k.lanes
		t.Run(fmt.Sprintf("memory, %d workers, %d lanes", k.workers, k.lanes), func(t *testing.T) { bubble(t, c, body) })
	}
	for _, b := range backends {
		for _, k := range [][2]int{{2, 1}, {2, 2}, {8, 2}} {
			c := c
			c.Workers = k[0]
			p := &c.Patience // a busy machine may take long for what is quick
			for _, d := range []*int64{&p.Open, &p.Idle, &p.Head, &p.Body, &p.Held, &p.Write, &p.Drain, &p.Handler} {
				*d *= 10
			}
			t.Run(fmt.Sprintf("%s, %d workers, %d lanes", b.Name, k[0], k[1]), func(t *testing.T) { real(t, c, b, k[1], body) })
		}
	}
}

// backends are those of the system that the tests run on.
var backends = servertest.Pollers()

// real runs a test on a network of the system, in its time.
func real(t *testing.T, c config, b servertest.Kind, lanes int, body func(f *fixture)) {
	t.Helper()
	n, err := b.Open(lanes)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, c, n)
	f.name = b.Name
	f.dial = func() (conn, error) { return dialHost(f.addr) }
	defer f.end()
	if err := f.e.Start(); err != nil {
		t.Fatal(err)
	}
	body(f)
}

// end stops the engine, and wants everything to be given back.
func (f *fixture) end() {
	t := f.t
	t.Helper()
	if !f.stopped {
		f.stop()
	}
	for _, c := range f.conns {
		c.conn.Close()
	}
	if n := f.e.Pool().Open(); n != 0 {
		t.Errorf("%d slots are not released", n)
	}
	if b, n := f.e.Pool().Outputs.Used(); b != 0 || n != 0 || f.e.Pool().Stash.Used() != 0 {
		t.Errorf("%d output blocks, %d nodes, %d stash blocks are not given back", b, n, f.e.Pool().Stash.Used())
	}
	if f.net != nil {
		if n := f.net.Open(); n != 0 {
			t.Errorf("%d streams are not closed", n)
		}
		if n := f.net.Stale(); n != 0 {
			t.Errorf("%d calls named a stream that was closed before", n)
		}
	}
	f.d.gone.Range(func(h, n any) bool {
		if k := n.(*atomic.Int32).Load(); k != 1 {
			t.Errorf("the driver was told %d times that %x is gone", k, h)
		}
		return true
	})
}

// stop stops the engine. All gates are opened before.
func (f *fixture) stop() {
	f.stopped = true
	f.d.gates.Range(func(_, v any) bool {
		g := v.(*gate)
		select {
		case <-g.open:
		default:
			g.pass()
		}
		return true
	})
	<-f.e.Stop()
}

// handle is the connection that was accepted last.
func (f *fixture) handle() pool.Handle {
	if h := f.last.Load(); h != nil {
		return *h
	}
	return 0
}

// settle lets the engine do all that it will do at this time. On a real
// network it does nothing.
func (f *fixture) settle() {
	f.t.Helper()
	switch {
	case f.net == nil:
	case !f.polled:
		synctest.Wait()
	default:
		for range 10000 {
			before := f.net.Now()
			next, err := f.e.Poll(before)
			if err != nil {
				f.t.Fatalf("Poll: %v", err)
			}
			if next > before {
				return
			}
		}
		f.t.Fatal("Poll always wants to be called again")
	}
}

// advance lets time pass, in the steps in which the engine would notice.
func (f *fixture) advance(d int64) {
	f.t.Helper()
	f.settle()
	for to := f.net.Now() + d; ; f.settle() {
		now := f.net.Now()
		if now >= to {
			return
		}
		next := min(to, f.net.Next(), now+engine.TickTime)
		if f.polled {
			n, err := f.e.Poll(now)
			if err != nil {
				f.t.Fatal(err)
			}
			next = min(to, f.net.Next(), max(n, now+1))
		} else if !f.e.Watching() {
			next = min(to, f.net.Next(), now+poolTick)
		}
		f.net.AdvanceTo(next)
	}
}

// until lets time pass until something is so, on memory and in reality.
func (f *fixture) until(what string, so func() bool) {
	f.t.Helper()
	if f.net == nil {
		for deadline := time.Now().Add(time.Minute); !so(); runtime.Gosched() {
			if time.Now().After(deadline) {
				f.fatal("in vain: %s", what)
			}
		}
		return
	}
	f.settle()
	for end := f.net.Now() + 2*second; !so(); f.advance(engine.TickTime) {
		if f.net.Now() > end {
			f.fatal("in vain: %s", what)
		}
	}
}

// fatal fails the test, with where everybody stands.
func (f *fixture) fatal(format string, args ...any) {
	f.t.Helper()
	f.t.Errorf(format, args...)
	in, idle, lost := f.e.Crew()
	f.t.Logf("workers: %d in use, %d idle, %d lost; %+v", in, idle, lost, f.e.Stats())
	for i := range f.e.Pool().High() {
		st, h := f.e.Pool().StateAt(i)
		f.t.Logf("slot %d (%x) is %v, %v", i, h, st, engine.Phase(f.e.Pool().Slot(i).Phase))
	}
	if f.net == nil && strings.HasPrefix(format, "in vain") {
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	}
	f.t.FailNow()
}

// client is a peer of the engine.
type client struct {
	f    *fixture
	conn conn
	got  []byte // read and not wanted yet
	err  error  // how reading has ended
	line [64]byte
	room [1 << 16]byte
}

// connect connects a client, without waiting for it to be accepted.
func (f *fixture) connect() *client {
	f.t.Helper()
	n, err := f.dial()
	if err != nil {
		f.t.Fatal(err)
	}
	c := &client{f: f, conn: n}
	f.conns = append(f.conns, c)
	return c
}

// open connects a client and waits until it has a slot, of handle h.
func (f *fixture) open() (c *client, h pool.Handle) {
	f.t.Helper()
	n := f.e.Stats().Accepted
	c = f.connect()
	f.until("accept the client", func() bool { return f.e.Stats().Accepted > n })
	return c, f.handle()
}

// send sends text.
func (c *client) send(text string) {
	c.f.t.Helper()
	if p, ok := c.conn.(*memory.Peer); ok {
		for b := []byte(text); len(b) > 0; {
			n, err := p.TryWrite(b)
			if b = b[n:]; err == transport.ErrWouldBlock {
				c.f.until("send more", func() bool {
					c.read() // answers may have to go first
					return p.Connected() && p.Unread() == 0 || c.err != nil
				})
			} else if err != nil {
				c.f.fatal("sending %.40q: %v", text, err)
			}
		}
		return
	}
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.f.fatal("sending %.40q: %v", text, err)
	}
}

// read reads what is there into got, and on a real network waits for it.
func (c *client) read() {
	if c.err != nil {
		return
	}
	b := c.room[:]
	p, ok := c.conn.(*memory.Peer)
	if !ok {
		n, err := c.conn.Read(b)
		c.got, c.err = append(c.got, b[:n]...), err
		return
	}
	for {
		n, err := p.TryRead(b)
		if err == transport.ErrWouldBlock {
			return
		}
		if c.got = append(c.got, b[:n]...); err != nil {
			c.err = err
			return
		}
		c.f.settle() // there is room for more now
	}
}

// want wants text to come next.
func (c *client) want(text string) {
	c.f.t.Helper()
	c.f.until(fmt.Sprintf("read %.40q", text), func() bool {
		if len(c.got) < len(text) {
			c.read()
		}
		return len(c.got) >= len(text) || c.err != nil
	})
	if n := min(len(text), len(c.got)); string(c.got[:n]) != text {
		c.f.fatal("got %.80q, %v, want %.80q", c.got, c.err, text)
	}
	c.got = c.got[len(text):]
}

// wantNothing wants nothing to be there now. It is for memory alone.
func (c *client) wantNothing() {
	c.f.t.Helper()
	c.f.settle()
	c.read()
	if len(c.got) > 0 || c.err != nil {
		c.f.fatal("got %.80q, %v, want nothing", c.got, c.err)
	}
}

// wantEnd wants text and then the end of the stream.
func (c *client) wantEnd(text string) {
	c.f.t.Helper()
	c.ended(text)
	if c.err != io.EOF {
		c.f.fatal("the stream ends with %v, want EOF", c.err)
	}
}

// wantReset wants the stream to be reset; what comes before does not matter.
func (c *client) wantReset() {
	c.f.t.Helper()
	c.f.until("be reset", func() bool { c.read(); return c.err != nil })
	if c.err == io.EOF || errors.Is(c.err, os.ErrDeadlineExceeded) {
		c.f.fatal("the stream ends with %v after %.80q, want a reset", c.err, c.got)
	}
}

func (c *client) ended(text string) {
	c.f.t.Helper()
	c.f.until("the end of the stream", func() bool { c.read(); return c.err != nil })
	if string(c.got) != text {
		c.f.fatal("got %.80q before the end (%v), want %.80q", c.got, c.err, text)
	}
}

// echo sends a line and wants it back.
func (c *client) echo(line string) {
	c.f.t.Helper()
	c.send(line + "\n")
	c.want(line + "\n")
}

// enter sends a command that makes a handler wait for a gate, and waits until
// it does.
func (c *client) enter(command string) *gate {
	c.f.t.Helper()
	name := command[strings.LastIndexByte(command, ' ')+1:]
	g := c.f.d.gate(name)
	c.send(command + "\n")
	in := false
	c.f.until("run the handler", func() bool {
		select {
		case <-g.entered:
			in = true
		default:
		}
		return in
	})
	return g
}

// pass opens a gate.
func (g *gate) pass() { close(g.open) }

// count checks a number of the engine's statistics.
func (f *fixture) count(name string, got, want uint64) {
	f.t.Helper()
	if got != want {
		f.t.Errorf("%s: %d, want %d", name, got, want)
	}
}

// quiet waits until the statistics say that no connection is being served, all
// are parked, and no permit is out.
func (f *fixture) quiet() {
	f.t.Helper()
	f.until("be quiet", func() bool {
		s := f.e.Stats()
		// A slot that is between two states is in none of the counts.
		return s.Busy == 0 && s.Queued == 0 && s.Lent == 0 && s.LostNow == 0 && s.Held == 0 && s.Parked == s.Open && f.e.Permits() == 0
	})
}
