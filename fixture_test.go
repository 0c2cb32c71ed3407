package bobtail_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// A kind is a backend that every test of the server runs on.
type kind struct {
	name string
	open func(lanes int) (transport.Backend, error) // nil is memory
	mem  memory.Config
}

// kinds are the backends. On memory a test is in a bubble of package synctest
// and in virtual time: it knows when the server has done all that it will do,
// and a deadlock is found at once. Files for one system add the others.
var kinds = []kind{
	{name: "memory"},
	{name: "memory, two lanes, held bytes", mem: memory.Config{Lanes: 2, Holds: 512, Pipe: 700}},
}

// run runs the body on a server of the configuration, once for each backend.
func run(t *testing.T, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { runOn(t, k, cfg, body) })
	}
}

// runVirtual is run on memory alone, for tests of what takes time.
func runVirtual(t *testing.T, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		if k.open == nil {
			t.Run(k.name, func(t *testing.T) { runOn(t, k, cfg, body) })
		}
	}
}

// runMemory is runVirtual on a network of the caller's.
func runMemory(t *testing.T, mem memory.Config, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	runOn(t, kind{mem: mem}, cfg, body)
}

func runOn(t *testing.T, k kind, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	if k.open == nil {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, k, cfg)
			defer f.end()
			body(t, f)
		})
		return
	}
	f := newFixture(t, k, cfg)
	defer f.end()
	body(t, f)
}

// The patience of tests: on memory in virtual time, else in real time.
const (
	virtualPatience = 3 * time.Second
	realPatience    = 30 * time.Second
	step            = 2 * time.Millisecond // how far virtual time goes at once
)

// wall is the time of every Date, so that answers can be compared.
const wall = 784111777

// date is its field.
const date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

// fixture is a server and the network around it.
type fixture struct {
	t       *testing.T
	kind    string
	srv     *bobtail.Server
	addr    transport.Addr
	net     *memory.Network // nil on a real network
	backend *openNetwork    // it as the server has it
	started bool
	closed  bool
	loop    bool // the test drives the server itself
	clients []*client
}

func newFixture(t *testing.T, k kind, cfg bobtail.Config) *fixture {
	t.Helper()
	f := &fixture{t: t, kind: k.name}
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.Sockets == 0 {
		cfg.Sockets = 64
	}
	if cfg.Wall == nil {
		cfg.Wall = func() int64 { return wall * 1e9 }
	}
	if k.open == nil {
		k.mem.Lanes = min(k.mem.Lanes, cfg.Workers)
		f.net = memory.New(k.mem)
		f.backend = &openNetwork{Network: f.net}
		cfg.Backend = f.backend
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
	if f.addr, err = srv.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return f
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

// handle adds a handler, before the first dial.
func (f *fixture) handle(pattern string, h bobtail.Handler) {
	f.t.Helper()
	if err := f.srv.Handle(pattern, h); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) sink(pattern string, s bobtail.Sink) {
	f.t.Helper()
	if err := f.srv.HandleSink(pattern, s); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) start() {
	if !f.started {
		f.started = true
		if err := f.srv.Start(); err != nil {
			f.t.Fatal(err)
		}
		f.settle()
	}
}

// close closes the server.
func (f *fixture) close() {
	f.closed = true
	f.srv.Close()
}

func (f *fixture) end() {
	for _, c := range f.clients {
		c.conn.Close()
	}
	f.close()
	if f.net != nil {
		defer f.net.Close()
		if n := f.net.Stale(); n != 0 {
			f.t.Errorf("%d calls for streams that were closed", n)
		}
		if n := f.net.Open(); n != 0 {
			f.t.Errorf("%d streams left open", n)
		}
	}
}

// settle waits on memory until nothing moves any more.
func (f *fixture) settle() {
	switch {
	case f.net == nil:
	case f.loop:
		f.poll()
	default:
		synctest.Wait()
	}
}

// advance moves virtual time, in steps that are as small as the engine's.
func (f *fixture) advance(d time.Duration) {
	f.t.Helper()
	if f.net == nil {
		f.t.Fatal("advance in real time")
	}
	// A long way is gone in larger steps, but for its end.
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
	if f.net != nil {
		for range virtualPatience / step {
			f.settle()
			if cond() {
				return
			}
			f.net.Advance(int64(step))
		}
		f.settle()
		if cond() {
			return
		}
	} else {
		for range 1000 { // it mostly comes at once
			if cond() {
				return
			}
			runtime.Gosched()
		}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range realPatience / time.Millisecond {
			if cond() {
				return
			}
			<-tick.C
		}
	}
	f.t.Fatalf("never came: %s\nstats %+v\n%s", what, f.srv.Stats(), stacks())
}

// waitFor waits until all of a group are done.
func (f *fixture) waitFor(what string, wg *sync.WaitGroup) {
	f.t.Helper()
	var done atomic.Bool
	go func() {
		wg.Wait()
		done.Store(true)
	}()
	f.await(what, done.Load)
}

// dump is where every goroutine is, if the server hangs.
func (f *fixture) dump(err error) string {
	if err != errPatience {
		return ""
	}
	return stacks()
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
	// alone says that the client has a goroutine of its own, whose calls may
	// block while the test moves the time.
	alone bool
}

// dial connects a client.
func (f *fixture) dial() *client {
	f.t.Helper()
	c, err := f.tryDial()
	if err != nil {
		f.t.Fatal(err)
	}
	f.clients = append(f.clients, c)
	return c
}

func (f *fixture) tryDial() (*client, error) {
	if !f.loop {
		f.start()
	}
	if f.net != nil {
		p, err := f.net.Connect(f.addr)
		if err != nil {
			return nil, err
		}
		return f.newClient(p, p), nil
	}
	n, err := net.Dial("tcp", f.addr.String())
	if err != nil {
		return nil, err
	}
	n.SetDeadline(time.Now().Add(realPatience))
	return f.newClient(n.(*net.TCPConn), nil), nil
}

func (f *fixture) newClient(conn rawConn, peer *memory.Peer) *client {
	c := &client{f: f, conn: conn, peer: peer}
	c.in = bufio.NewReader(reader{c})
	return c
}

// adopt makes a client of a peer that the test has connected.
func (f *fixture) adopt(p *memory.Peer) *client {
	c := f.newClient(p, p)
	f.clients = append(f.clients, c)
	return c
}

// connected waits until the client is in the server's backlog, and reports
// whether it ever comes there.
func (c *client) connected() bool {
	return c.peer == nil || c.peer.AwaitConnected() == nil
}

// reader reads for a client; on memory it moves the time as far as the client
// is patient.
type reader struct{ c *client }

var errPatience = errors.New("the server says nothing")

func (r reader) Read(b []byte) (int, error) {
	c := r.c
	if c.peer == nil || c.alone {
		return c.conn.Read(b)
	}
	for range virtualPatience / step {
		c.f.settle()
		n, err := c.peer.TryRead(b)
		if err != transport.ErrWouldBlock {
			return n, err
		}
		c.f.net.Advance(int64(step))
	}
	return 0, errPatience
}

// poll drives a server that has no goroutines, until nothing moves.
func (f *fixture) poll() (next int64) {
	f.t.Helper()
	for quiet := 0; quiet < 2; {
		before := f.srv.Stats()
		var err error
		if next, err = f.srv.Poll(f.srv.Now()); err != nil {
			f.t.Fatal(err)
		}
		if quiet++; f.srv.Stats() != before || next <= f.srv.Now() {
			quiet = 0
		}
	}
	return next
}

// send sends s whole.
func (c *client) send(s string) {
	c.f.t.Helper()
	if err := c.trySend(s); err != nil {
		c.f.t.Fatalf("send: %v\nstats %+v\n%s", err, c.f.srv.Stats(), c.f.dump(err))
	}
}

// pour sends as much of s as the server takes now.
func (c *client) pour(s string) {
	if c.peer == nil {
		io.WriteString(c.conn, s)
		return
	}
	for s != "" {
		n, err := c.peer.TryWrite([]byte(s))
		if s = s[n:]; err != nil {
			return
		}
		c.f.settle()
	}
}

func (c *client) trySend(s string) error {
	if c.peer == nil || c.alone {
		_, err := io.WriteString(c.conn, s)
		return err
	}
	for range virtualPatience / step {
		n, err := c.peer.TryWrite([]byte(s))
		if err != nil && err != transport.ErrWouldBlock {
			return err
		}
		if s = s[n:]; s == "" {
			c.f.settle()
			return nil
		}
		c.f.settle()
		if n == 0 {
			c.f.net.Advance(int64(step))
		}
	}
	return errPatience
}

// all reads to the end of the answers. The error is nil if the server has
// ended them in order.
func (c *client) all() (string, error) {
	b, err := io.ReadAll(c.in)
	return string(b), err
}

// wantEnd wants the server to have closed in order, with these bytes left.
func (c *client) wantEnd(want string) {
	c.f.t.Helper()
	if got, err := c.all(); err != nil || got != want {
		c.f.t.Errorf("got %q and error %v, want %q and the end", got, err, want)
	}
}

// wantAbort wants the connection to be reset, and returns what came before.
func (c *client) wantAbort() string {
	c.f.t.Helper()
	got, err := c.all()
	if err == nil || err == errPatience {
		c.f.t.Errorf("got %q and error %v, want a reset", got, err)
	}
	return got
}

// wantSilence wants the server to say nothing now, and not to close either.
func (c *client) wantSilence() (silent bool) {
	c.f.t.Helper()
	if c.peer == nil {
		return true // there is no telling when nothing will come
	}
	c.f.settle()
	var b [512]byte
	n, err := c.peer.TryRead(b[:])
	if err != transport.ErrWouldBlock {
		c.f.t.Errorf("got %q and error %v, want nothing yet", b[:n], err)
		return false
	}
	return true
}

// answer is a response, read whole.
type answer struct {
	*http.Response
	body string
	err  error // of reading the content
}

// answer reads a response to a method, and fails the test if there is none.
func (c *client) answer(method string) answer {
	c.f.t.Helper()
	a, err := c.tryAnswer(method)
	if err != nil {
		c.f.t.Fatalf("no answer to %s: %v", method, err)
	}
	return a
}

func (c *client) tryAnswer(method string) (answer, error) {
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	b, err := io.ReadAll(r.Body)
	return answer{r, string(b), err}, nil
}

// want wants a response of a status and content.
func (c *client) want(method string, status int, body string) answer {
	c.f.t.Helper()
	a := c.answer(method)
	if a.StatusCode != status || a.body != body || a.err != nil {
		c.f.t.Errorf("%s: answer %d %s, error %v; want %d %s", method, a.StatusCode, brief(a.body), a.err, status, brief(body))
	}
	return a
}

func brief(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%q... (%d bytes)", s[:100], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// get is a GET request, close the same that ends the connection.
func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
func closeAt(p string) string {
	return "GET " + p + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
}
func post(p, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", p, len(body), body)
}

// ok is the answer to a request with text.
func ok(text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n%s\r\n%s", len(text), date, text)
}

// fast installs the handler that others are measured by.
func (f *fixture) fast() {
	f.handle("GET /fast", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("fast\n") })
}

// wantFast wants a new client to be served at once, in d of virtual time.
func (f *fixture) wantFast(d time.Duration) {
	f.t.Helper()
	c := f.dial()
	var began int64
	if f.net != nil {
		began = f.net.Now()
	}
	c.send(closeAt("/fast"))
	c.want("GET", 200, "fast\n")
	if f.net != nil {
		if took := time.Duration(f.net.Now() - began); took > d {
			f.t.Errorf("the answer took %v, want at most %v", took, d)
		}
	}
	c.conn.Close()
	f.settle()
}

// echo streams content back.
func echo(w bobtail.Response, r *bobtail.Request) error {
	head := w.Status(200)
	if t := r.Header("Content-Type"); t != nil {
		head = head.HeaderBytes("Content-Type", t)
	}
	var body bobtail.Body
	var err error
	if n, known := r.ContentLength(); known {
		body, err = head.StreamN(n)
	} else {
		body, err = head.Stream()
	}
	if err != nil {
		return err
	}
	for {
		p, err := r.NextPiece()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err = body.Write(p); err != nil {
			return err
		}
	}
}

func TestMain(m *testing.M) {
	// Package net opens some descriptors of its own at its first use.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
	before := descriptors()
	code := m.Run()
	if code == 0 {
		code = leaks(before)
	}
	os.Exit(code)
}

// leaks reports goroutines and descriptors that the tests have left behind.
func leaks(before int) int {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var own []string
	after := 0
	for range 500 {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		own = own[:0]
		for _, g := range bytes.Split(buf, []byte("\n\n")) {
			if bytes.Contains(g, []byte("bobtail/")) && !bytes.Contains(g, []byte("bobtail_test.leaks")) {
				own = append(own, string(g))
			}
		}
		if after = descriptors(); len(own) == 0 && after <= before {
			return 0
		}
		<-tick.C
	}
	fmt.Fprintf(os.Stderr, "leaked: %d goroutines, %d descriptors more than before\n%s\n", len(own), after-before, strings.Join(own, "\n\n"))
	return 1
}

// descriptors is the number of open descriptors, 0 where it cannot be told.
func descriptors() int {
	d, _ := os.ReadDir("/proc/self/fd")
	return len(d)
}

// nextInto fills b with what the server says next.
func (c *client) nextInto(b []byte) {
	c.f.t.Helper()
	if n, err := io.ReadFull(c.in, b); err != nil {
		c.f.t.Fatalf("got %q and error %v, want %d bytes", b[:n], err, len(b))
	}
}

// gathered are what handlers have left for the test.
type gathered[T any] struct {
	mu   sync.Mutex
	list []T
}

func (g *gathered[T]) add(x T) {
	g.mu.Lock()
	g.list = append(g.list, x)
	g.mu.Unlock()
}

func (g *gathered[T]) all() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.list)
}

func (g *gathered[T]) len() int { return len(g.all()) }

// wait waits until there are n, and returns the nth.
func (g *gathered[T]) wait(f *fixture, n int) T {
	f.t.Helper()
	f.await("a ticket or an outlet", func() bool { return g.len() >= n })
	f.settle()
	return g.all()[n-1]
}
