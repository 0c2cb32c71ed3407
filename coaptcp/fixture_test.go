package coaptcp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// A kind is a backend that tests run on.
type kind struct {
	name string
	open func(lanes int) (transport.Backend, error) // nil is memory
	mem  memory.Config
}

var kinds = []kind{
	{name: "memory"},
	{name: "memory, two lanes, held bytes", mem: memory.Config{Lanes: 2, Holds: 512, Pipe: 700}},
	{name: "netstd", open: func(int) (transport.Backend, error) { return netstd.New(netstd.Config{}) }},
}

// A world is what a test needs around it: a server with a driver, and what that
// serves.
type world struct {
	cfg  bobtail.Config
	coap coaptcp.Config
	mem  memory.Config
	site func(f *fixture, r *resource.Router)
}

// run runs the body in a world, once for each backend.
func run(t *testing.T, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { runOn(t, k, x, body) })
	}
}

// runVirtual is run on memory alone, for tests of what takes time.
func runVirtual(t *testing.T, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		if k.open == nil {
			t.Run(k.name, func(t *testing.T) { runOn(t, k, x, body) })
		}
	}
}

// runMemory is runVirtual on the network of the world.
func runMemory(t *testing.T, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	runOn(t, kind{mem: x.mem}, x, body)
}

func runOn(t *testing.T, k kind, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	if k.open == nil {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, k, x)
			defer f.end()
			body(t, f)
		})
		return
	}
	f := newFixture(t, k, x)
	defer f.end()
	body(t, f)
}

// The patience of tests: on memory in virtual time, else in real time.
const (
	virtualPatience = 3 * time.Second
	realPatience    = 10 * time.Second
	step            = 2 * time.Millisecond // how far virtual time goes at once
)

// fixture is a server with a driver, and the network around it.
type fixture struct {
	t       testing.TB
	srv     *bobtail.Server
	coap    *coaptcp.Driver
	router  *resource.Router
	later   tickets
	topic   *resource.Topic
	calls   atomic.Int32
	hold    chan bool
	peers   chan pool.Handle
	addr    transport.Addr
	net     *memory.Network // nil on a real network
	started bool
	free    bool // memory in real time, out of a bubble
	clients []*client
}

// openNetwork is a network that stays when its backend is closed.
type openNetwork struct{ *memory.Network }

func (n *openNetwork) Close() error { return nil }

func newFixture(t testing.TB, k kind, x world) *fixture {
	t.Helper()
	f := &fixture{t: t, router: new(resource.Router)}
	cfg := x.cfg
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.Sockets == 0 {
		cfg.Sockets = 64
	}
	if k.open == nil {
		k.mem.Lanes = min(k.mem.Lanes, cfg.Workers)
		f.net = memory.New(k.mem)
		cfg.Backend = &openNetwork{f.net}
	} else {
		b, err := k.open(min(2, cfg.Workers))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Backend = b
	}
	srv, err := bobtail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.srv = srv
	if x.site != nil {
		x.site(f, f.router)
	}
	if x.coap.Resources == nil {
		x.coap.Resources = f.router
	}
	if f.coap, err = coaptcp.New(srv, x.coap); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) start() {
	if f.started {
		return
	}
	f.started = true
	var err error
	if f.addr, err = f.srv.Listen("coap+tcp://127.0.0.1:0"); err != nil {
		f.t.Fatal(err)
	}
	if err := f.srv.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.settle()
}

func (f *fixture) end() {
	for _, c := range f.clients {
		c.conn.Close()
	}
	f.srv.Close()
	if f.net != nil {
		defer f.net.Close()
		if n := f.net.Stale(); n != 0 {
			f.t.Errorf("%d calls for streams that were closed", n)
		}
		if n := f.net.Open(); n != 0 {
			f.t.Errorf("%d streams left open", n)
		}
	}
	// A handler that the server has left alone ends by itself.
	f.await("the end of all connections", func() bool { return f.coap.Stats().Open == 0 })
	if n := f.coap.Stats().Waiting; n != 0 {
		f.t.Errorf("%d requests of our own left", n)
	}
	if s := f.router.Stats(); s.Observations != 0 || s.Tickets != 0 || s.Transfers != 0 {
		f.t.Errorf("the router keeps something: %+v", s)
	}
	f.await("all output blocks to be free", func() bool {
		blocks, nodes := f.srv.Engine().Pool().Outputs.Count()
		return f.srv.Engine().Pool().Outputs.Reserve(min(blocks, nodes), 0)
	})
	if n := f.srv.Engine().Pool().Stash.Used(); n != 0 {
		f.t.Errorf("%d stash blocks left", n)
	}
}

// settle waits on memory until nothing moves any more.
func (f *fixture) settle() {
	if f.net != nil && !f.free {
		synctest.Wait()
	}
}

// advance moves virtual time, in steps that are as small as the engine's.
func (f *fixture) advance(d time.Duration) {
	f.t.Helper()
	for d > 0 {
		by := min(d, step)
		if d > 4*time.Second {
			by = min(d-4*time.Second, 50*time.Millisecond)
		}
		f.settle()
		f.net.Advance(int64(by))
		d -= by
	}
	f.settle()
}

// await waits for a condition.
func (f *fixture) await(what string, cond func() bool) {
	f.t.Helper()
	if f.net != nil && !f.free {
		for range virtualPatience / step {
			f.settle()
			if cond() {
				return
			}
			f.net.Advance(int64(step))
		}
	} else {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range realPatience / time.Millisecond {
			if cond() {
				return
			}
			<-tick.C
		}
	}
	if !cond() {
		f.t.Fatalf("never came: %s\nstats %+v\n%s", what, f.srv.Stats(), stacks())
	}
}

func stacks() string {
	var b strings.Builder
	pprof.Lookup("goroutine").WriteTo(&b, 2)
	return b.String()
}

// rawConn is a client's end of a connection.
type rawConn interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// client is a client that speaks in bytes.
type client struct {
	f    *fixture
	conn rawConn
	peer *memory.Peer // of memory
	in   *bufio.Reader

	impatient bool // to read is to see what is here
}

// connect connects a client.
func (f *fixture) connect() *client {
	f.t.Helper()
	f.start()
	var c *client
	if f.net != nil {
		p, err := f.net.Connect(f.addr)
		if err != nil {
			f.t.Fatal(err)
		}
		c = &client{f: f, conn: p, peer: p}
	} else {
		n, err := net.Dial("tcp", f.addr.String())
		if err != nil {
			f.t.Fatal(err)
		}
		n.SetDeadline(time.Now().Add(realPatience))
		c = &client{f: f, conn: n.(*net.TCPConn)}
	}
	c.in = bufio.NewReader(reader{c})
	f.clients = append(f.clients, c)
	return c
}

// reader reads for a client; on memory it moves the time as far as the client
// is patient.
type reader struct{ c *client }

var errPatience = errors.New("the server says nothing")

func (r reader) Read(b []byte) (int, error) {
	c := r.c
	if c.peer == nil {
		return c.conn.Read(b)
	}
	for range virtualPatience / step {
		c.f.settle()
		n, err := c.peer.TryRead(b)
		if err != transport.ErrWouldBlock {
			return n, err
		}
		if c.impatient {
			break
		}
		c.f.net.Advance(int64(step))
	}
	return 0, errPatience
}

// send sends s whole.
func (c *client) send(s string) {
	c.f.t.Helper()
	if err := c.trySend(s); err != nil {
		c.f.t.Fatalf("send: %v\nstats %+v\n%s", err, c.f.srv.Stats(), stacks())
	}
}

func (c *client) trySend(s string) error {
	if c.peer == nil {
		_, err := io.WriteString(c.conn, s)
		return err
	}
	for range virtualPatience / step {
		n, err := c.peer.TryWrite([]byte(s))
		s = s[n:]
		if err != nil && err != transport.ErrWouldBlock {
			return err
		}
		c.f.settle()
		if s == "" {
			return nil
		}
		if n == 0 {
			c.f.net.Advance(int64(step))
		}
	}
	return errPatience
}

// wantEnd wants the end of the connection.
func (c *client) wantEnd() {
	c.f.t.Helper()
	b, err := io.ReadAll(c.in)
	if err != nil || len(b) != 0 {
		c.f.t.Fatalf("got %s and error %v, want the end", brief(b), err)
	}
}

// silent reports whether the server says nothing now, on memory.
func (c *client) silent() bool {
	c.impatient = true
	_, err := c.in.Peek(1)
	c.impatient = false
	return err == errPatience
}

// wantSilence wants the server to say nothing now, on memory.
func (c *client) wantSilence() {
	c.f.t.Helper()
	if c.peer == nil || c.silent() {
		return
	}
	m, err := c.tryNext()
	c.f.t.Fatalf("got %s, %v, want nothing yet", show(m), err)
}

// dial connects a client, and reads the server's CSM.
func (f *fixture) dial() *client {
	f.t.Helper()
	c := f.connect()
	if m := c.next(); m.Code != coap.CodeCSM {
		f.t.Fatalf("the first message is %s", show(m))
	}
	return c
}

// next reads a message of the server's.
func (c *client) next() coap.Message {
	c.f.t.Helper()
	m, err := c.tryNext()
	if err != nil {
		c.f.t.Fatalf("no message: %v\nstats %+v", err, c.f.srv.Stats())
	}
	return m
}

func (c *client) tryNext() (m coap.Message, err error) {
	var b []byte
	for {
		m, n, err := coap.ParseTCP(b)
		if n > 0 || err != nil {
			return m, err
		}
		k, err := c.in.ReadByte()
		if err != nil {
			return m, err
		}
		b = append(b, k)
	}
}

// wantMessage wants a message of a code next, with a token and a payload.
func (c *client) wantMessage(code coap.Code, token, payload string) coap.Message {
	c.f.t.Helper()
	m := c.next()
	if m.Code != code || string(m.Token) != token || string(m.Payload) != payload {
		c.f.t.Fatalf("got %s, want %s token %q payload %s", show(m), code, token, brief([]byte(payload)))
	}
	return m
}

// wantAbort wants an Abort next, with some words in its diagnostic, and then the
// end.
func (c *client) wantAbort(words string) coap.Message {
	c.f.t.Helper()
	m := c.next()
	if m.Code != coap.CodeAbort || !strings.Contains(string(m.Payload), words) {
		c.f.t.Fatalf("got %s, want an Abort that says %q", show(m), words)
	}
	c.wantEnd()
	return m
}

func show(m coap.Message) string {
	return fmt.Sprintf("%s token %q options %x payload %s", m.Code, m.Token, []byte(m.Options), brief(m.Payload))
}

// message is a message as it is on the wire. What is behind the token are options
// by number, in order, and then the payload.
func message(code coap.Code, token string, parts ...any) string {
	var o []byte
	prev := coap.Option(0)
	m := coap.Message{Code: code, Token: []byte(token)}
	for i := 0; i < len(parts); i++ {
		n, ok := parts[i].(coap.Option)
		if !ok {
			m.Payload = []byte(parts[i].(string))
			break
		}
		i++
		switch v := parts[i].(type) {
		case string:
			o = coap.AppendOption(o, prev, n, []byte(v))
		case int:
			o = coap.AppendUintOption(o, prev, n, uint64(v))
		}
		prev = n
	}
	m.Options = o
	return string(coap.AppendTCP(nil, m))
}

// get is a GET of a path of one segment.
func get(token, path string, parts ...any) string {
	return message(coap.CodeGET, token, append([]any{coap.OptURIPath, path}, parts...)...)
}

// post is a POST to a path of one segment.
func post(token, path, payload string) string {
	return message(coap.CodePOST, token, coap.OptURIPath, path, payload)
}

// csm is a CSM of a client.
func csm(s coap.Settings) string { return string(coap.AppendCSM(nil, s)) }

// handle adds a handler to a router.
func handle(t testing.TB, r *resource.Router, pattern string, h resource.Handler) {
	t.Helper()
	if err := r.Handle(pattern, h); err != nil {
		t.Fatal(err)
	}
}

func brief(b []byte) string {
	if len(b) > 200 {
		return fmt.Sprintf("%q... (%d bytes)", b[:100], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// pattern is n bytes that are not all the same.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + i%23 + i/23%3)
	}
	return b
}

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = leaks()
	}
	os.Exit(code)
}

// leaks reports goroutines that the tests have left behind.
func leaks() int {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var own []string
	for range 500 {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		own = own[:0]
		for _, g := range bytes.Split(buf, []byte("\n\n")) {
			if bytes.Contains(g, []byte("bobtail/")) && !bytes.Contains(g, []byte("coaptcp_test.leaks")) {
				own = append(own, string(g))
			}
		}
		if len(own) == 0 {
			return 0
		}
		<-tick.C
	}
	fmt.Printf("leaked: %d goroutines\n%s\n", len(own), strings.Join(own, "\n\n"))
	return 1
}
