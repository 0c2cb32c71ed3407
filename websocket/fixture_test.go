package websocket_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/netstd"
	"github.com/bobtail-go/bobtail/websocket"
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

// run runs the body on a server of the configuration, once for each backend.
func run(t *testing.T, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { runOn(t, k, cfg, wc, body) })
	}
}

// runVirtual is run on memory alone, for tests of what takes time.
func runVirtual(t *testing.T, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		if k.open == nil {
			t.Run(k.name, func(t *testing.T) { runOn(t, k, cfg, wc, body) })
		}
	}
}

// runMemory is runVirtual on a network of the caller's.
func runMemory(t *testing.T, mem memory.Config, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	runOn(t, kind{mem: mem}, cfg, wc, body)
}

func runOn(t *testing.T, k kind, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	if k.open == nil {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, k, cfg, wc)
			defer f.end()
			body(t, f)
		})
		return
	}
	f := newFixture(t, k, cfg, wc)
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
	ws      *websocket.Driver
	addr    transport.Addr
	net     *memory.Network // nil on a real network
	started bool
	free    bool // memory in real time, out of a bubble
	clients []*client
}

// openNetwork is a network that stays when its backend is closed.
type openNetwork struct{ *memory.Network }

func (n *openNetwork) Close() error { return nil }

func newFixture(t testing.TB, k kind, cfg bobtail.Config, wc websocket.Config) *fixture {
	t.Helper()
	f := &fixture{t: t}
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
	if f.ws, err = websocket.New(srv, wc); err != nil {
		t.Fatal(err)
	}
	return f
}

// handle adds a handler, before the first dial.
func (f *fixture) handle(pattern string, h bobtail.Handler) {
	f.t.Helper()
	if err := f.srv.Handle(pattern, h); err != nil {
		f.t.Fatal(err)
	}
}

// evented adds an evented handler at /ws.
func (f *fixture) evented(o websocket.Options, h websocket.Handler) {
	f.t.Helper()
	f.handle("GET /ws", f.ws.Upgrade(o, h))
}

func (f *fixture) start() {
	if f.started {
		return
	}
	f.started = true
	var err error
	if f.addr, err = f.srv.Listen("127.0.0.1:0"); err != nil {
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
	// A straight handler that the server has left alone ends by itself.
	f.await("the end of all connections", func() bool { return f.ws.Stats().Open == 0 })
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

// The handshake of RFC 6455 section 1.3.
const (
	key      = "dGhlIHNhbXBsZSBub25jZQ=="
	accepted = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	upgrade  = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n"
)

func hello(path string) string { return "GET " + path + " HTTP/1.1\r\n" + upgrade + "\r\n" }

// dial connects a client to /ws.
func (f *fixture) dial() *client {
	f.t.Helper()
	return f.dialPath("/ws")
}

func (f *fixture) dialPath(path string) *client {
	f.t.Helper()
	c := f.connect()
	c.send(hello(path))
	c.wantSwitch()
	return c
}

// wantSwitch wants the answer to a handshake.
func (c *client) wantSwitch() *http.Response {
	c.f.t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.f.t.Fatalf("no answer to the handshake: %v\n%s", err, stacks())
	}
	if r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Accept") != accepted {
		b, _ := io.ReadAll(r.Body)
		c.f.t.Fatalf("answer %d, %v, %s", r.StatusCode, r.Header, b)
	}
	return r
}

// Opcodes, and what stands for a frame that is not the last.
const (
	cont, text, bin     = 0, 1, 2
	closing, ping, pong = 8, 9, 10
	more, rsv1          = 0x100, 0x200
)

// frame is a frame of a client.
func frame[T string | []byte](op int, payload T) string {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := header(op, len(payload), 0x80)
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i&3])
	}
	return string(b)
}

// plain is a frame of a server.
func plain[T string | []byte](op int, payload T) string {
	return string(header(op, len(payload), 0)) + string(payload)
}

func header(op, n int, mask byte) []byte {
	first := byte(op) | 0x80
	if op&more != 0 {
		first &^= 0x80
	}
	if op&rsv1 != 0 {
		first |= 0x40
	}
	b := []byte{first}
	switch {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = append(b, mask|126, byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	return b
}

func closeFrame(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// want wants exactly these bytes next.
func (c *client) want(s string) {
	c.f.t.Helper()
	b := make([]byte, len(s))
	n, err := io.ReadFull(c.in, b)
	if err != nil || string(b) != s {
		dump := ""
		if err == errPatience {
			dump = stacks()
		}
		c.f.t.Fatalf("got %s, error %v, want %s\n%s", brief(b[:n]), err, brief([]byte(s)), dump)
	}
}

// next reads a frame of the server's.
func (c *client) next() (op int, payload []byte) {
	c.f.t.Helper()
	op, payload, err := c.tryNext()
	if err != nil {
		c.f.t.Fatalf("no frame: %v\n%s", err, stacks())
	}
	return op, payload
}

func (c *client) tryNext() (op int, payload []byte, err error) {
	var h [10]byte
	if _, err = io.ReadFull(c.in, h[:2]); err != nil {
		return 0, nil, err
	}
	op = int(h[0] & 15)
	if h[0]&0x80 == 0 {
		op |= more
	}
	if h[0]&0x40 != 0 {
		op |= rsv1
	}
	n := uint64(h[1])
	if h[1] >= 128 {
		return 0, nil, fmt.Errorf("masked frame")
	}
	switch n {
	case 126:
		_, err = io.ReadFull(c.in, h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		_, err = io.ReadFull(c.in, h[2:10])
		n = binary.BigEndian.Uint64(h[2:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c.in, payload)
	return op, payload, err
}

// message reads a message of the server's, from as many frames as it has.
func (c *client) message() (op int, payload []byte) {
	c.f.t.Helper()
	op, payload = c.next()
	for last := op; last&more != 0; {
		var p []byte
		last, p = c.next()
		if last&15 != cont {
			c.f.t.Fatalf("opcode %#x within a message", last)
		}
		payload = append(payload, p...)
	}
	return op &^ more, payload
}

// wantClose wants a close frame of a code next, and then the end.
func (c *client) wantClose(code int) {
	c.f.t.Helper()
	op, p := c.next()
	if op != closing || len(p) < 2 || int(binary.BigEndian.Uint16(p)) != code {
		c.f.t.Fatalf("frame %#x %q, want close %d", op, p, code)
	}
	c.wantEnd()
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
	op, p, err := c.tryNext()
	c.f.t.Fatalf("got %#x %s, %v, want nothing yet", op, brief(p), err)
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
			if bytes.Contains(g, []byte("bobtail/")) && !bytes.Contains(g, []byte("websocket_test.leaks")) {
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
