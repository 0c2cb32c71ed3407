package websocket_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
)

// run runs the body on a server of the configuration, once for each backend.
func run(t *testing.T, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Each(t, with(cfg, wc, body))
}

// runVirtual is run on memory alone, for tests of what takes time.
func runVirtual(t *testing.T, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Virtual(t, with(cfg, wc, body))
}

// runMemory is runVirtual on a network of the caller's.
func runMemory(t *testing.T, mem memory.Config, cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Kind{Memory: mem}.Run(t, with(cfg, wc, body))
}

// with is a test that has the body run on a server of the configuration.
func with(cfg bobtail.Config, wc websocket.Config, body func(t *testing.T, f *fixture)) func(*testing.T, servertest.Kind) {
	return func(t *testing.T, k servertest.Kind) {
		f := newFixture(t, k, cfg, wc)
		defer f.end()
		body(t, f)
	}
}

// fixture is a server with a driver, and the network around it.
type fixture struct {
	*servertest.Fixture
	ws *websocket.Driver
}

func newFixture(t testing.TB, k servertest.Kind, cfg bobtail.Config, wc websocket.Config) *fixture {
	t.Helper()
	f := &fixture{Fixture: servertest.New(t, k, cfg)}
	var err error
	if f.ws, err = websocket.New(f.Server, wc); err != nil {
		t.Fatal(err)
	}
	f.Listen("127.0.0.1:0")
	return f
}

// end wants nothing to be left.
func (f *fixture) end() {
	f.End(func() {
		// A straight handler that the server has left alone ends by itself.
		f.Await("the end of all connections", func() bool { return f.ws.Stats().Open == 0 })
	})
}

// evented adds an evented handler at /ws.
func (f *fixture) evented(o websocket.Options, h websocket.Handler) {
	f.T.Helper()
	f.Handle("GET /ws", f.ws.Upgrade(o, h))
}

// client is a client that speaks in bytes.
type client struct {
	*servertest.Client
	f *fixture
}

// connect connects a client.
func (f *fixture) connect() *client {
	f.T.Helper()
	return &client{f.Connect(), f}
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
	f.T.Helper()
	return f.dialPath("/ws")
}

func (f *fixture) dialPath(path string) *client {
	f.T.Helper()
	c := f.connect()
	c.Send(hello(path))
	c.wantSwitch()
	return c
}

// wantSwitch wants the answer to a handshake.
func (c *client) wantSwitch() *http.Response {
	c.f.T.Helper()
	r, err := http.ReadResponse(c.In, nil)
	if err != nil {
		c.f.T.Fatalf("no answer to the handshake: %v\n%s", err, leaktest.Stacks())
	}
	if r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Accept") != accepted {
		b, _ := io.ReadAll(r.Body)
		c.f.T.Fatalf("answer %d, %v, %s", r.StatusCode, r.Header, b)
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

// next reads a frame of the server's.
func (c *client) next() (op int, payload []byte) {
	c.f.T.Helper()
	op, payload, err := c.tryNext()
	if err != nil {
		c.f.T.Fatalf("no frame: %v\n%s", err, leaktest.Stacks())
	}
	return op, payload
}

func (c *client) tryNext() (op int, payload []byte, err error) { return readFrame(c.In) }

func readFrame(r io.Reader) (op int, payload []byte, err error) {
	var h [10]byte
	if _, err = io.ReadFull(r, h[:2]); err != nil {
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
		_, err = io.ReadFull(r, h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		_, err = io.ReadFull(r, h[2:10])
		n = binary.BigEndian.Uint64(h[2:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return op, payload, err
}

// message reads a message of the server's, from as many frames as it has.
func (c *client) message() (op int, payload []byte) {
	c.f.T.Helper()
	op, payload = c.next()
	for last := op; last&more != 0; {
		var p []byte
		last, p = c.next()
		if last&15 != cont {
			c.f.T.Fatalf("opcode %#x within a message", last)
		}
		payload = append(payload, p...)
	}
	return op &^ more, payload
}

// wantClose wants a close frame of a code next, and then the end.
func (c *client) wantClose(code int) {
	c.f.T.Helper()
	op, p := c.next()
	if op != closing || len(p) < 2 || int(binary.BigEndian.Uint16(p)) != code {
		c.f.T.Fatalf("frame %#x %q, want close %d", op, p, code)
	}
	c.wantEnd()
}

// wantEnd wants the end of the connection.
func (c *client) wantEnd() {
	c.f.T.Helper()
	b, err := io.ReadAll(c.In)
	if err != nil || len(b) != 0 {
		c.f.T.Fatalf("got %s and error %v, want the end", servertest.Brief(b), err)
	}
}

// wantSilence wants the server to say nothing now, on memory.
func (c *client) wantSilence() {
	c.f.T.Helper()
	if c.Silent() {
		return
	}
	op, p, err := c.tryNext()
	c.f.T.Fatalf("got %#x %s, %v, want nothing yet", op, servertest.Brief(p), err)
}

func TestMain(m *testing.M) { leaktest.Main(m) }
