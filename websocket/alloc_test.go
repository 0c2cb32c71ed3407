//go:build !race

package websocket_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// quietClient is a client whose calls allocate nothing.
type quietClient struct {
	t    testing.TB
	conn servertest.Conn
	buf  []byte
}

func (f *fixture) quiet(path string) *quietClient {
	f.T.Helper()
	f.Start()
	p, err := f.Net.Connect(f.Addr)
	if err != nil {
		f.T.Fatal(err)
	}
	f.Adopt(p)
	c := &quietClient{f.T, p, make([]byte, 1<<16)}
	io.WriteString(p, hello(path))
	for n := 0; !strings.HasSuffix(string(c.buf[:n]), "\r\n\r\n"); {
		k, err := p.Read(c.buf[n:])
		if n += k; err != nil {
			f.T.Fatal(err)
		}
	}
	return c
}

// exchange sends in, and wants out.
func (c *quietClient) exchange(in, out []byte) {
	if _, err := c.conn.Write(in); err != nil {
		c.t.Fatal(err)
	}
	c.want(out)
}

func (c *quietClient) want(out []byte) {
	if _, err := io.ReadFull(c.conn, c.buf[:len(out)]); err != nil {
		c.t.Fatal(err)
	}
	if string(c.buf[:len(out)]) != string(out) {
		c.t.Fatalf("got %s, want %s", servertest.Brief(c.buf[:len(out)]), servertest.Brief(out))
	}
}

// TestNoAllocs holds all that is done for messages to no allocation.
func TestNoAllocs(t *testing.T) {
	cfg := bobtail.Config{Sockets: 256, Workers: 3, OutputBlocks: 64}
	f := newFixture(t, servertest.Kind{}, cfg, websocket.Config{})
	f.Free = true
	defer f.end()
	topic := f.ws.NewTopic(websocket.TopicOptions{Mark: 255})
	var s sockets
	f.Handle("GET /message", f.ws.Upgrade(websocket.Options{Rate: 60000}, echoes[0].h))
	f.Handle("GET /data", f.ws.Upgrade(websocket.Options{}, echoes[1].h))
	f.Handle("GET /straight", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
		var b [4096]byte
		for {
			op, p, err := c.ReadMessage(b[:])
			if err != nil {
				return err
			}
			if err := c.WriteMessage(op, p); err != nil {
				return err
			}
		}
	}))
	f.Handle("GET /topic", f.ws.Upgrade(websocket.Options{}, websocket.Handler{Open: func(c *websocket.Conn) error {
		s.open(c)
		return topic.Subscribe(c.Socket())
	}}))
	for _, path := range []string{"/message", "/data", "/straight"} {
		c := f.quiet(path)
		for _, x := range exchanges {
			if path != "/message" && strings.Contains(x.name, "fragments") {
				continue
			}
			in, out := []byte(x.in), []byte(x.out)
			alloctest.Zero(t, path+" "+x.name, func() { c.exchange(in, out) })
		}
		in, out := []byte(frame(bin, servertest.Pattern(3000))), []byte(plain(bin, servertest.Pattern(3000)))
		alloctest.Zero(t, path+" 3000 bytes", func() { c.exchange(in, out) })
		half, rest := in[:1500], in[1500:]
		if path != "/data" {
			alloctest.Zero(t, path+" 3000 bytes in two", func() {
				c.conn.Write(half)
				c.exchange(rest, out)
			})
			many, answers := []byte(strings.Repeat(frame(bin, servertest.Pattern(400)), 30)), []byte(strings.Repeat(plain(bin, servertest.Pattern(400)), 30))
			alloctest.Zero(t, path+" more than a worker's buffer takes", func() { c.exchange(many, answers) })
		}
	}
	clients := make([]*quietClient, 100)
	for i := range clients {
		clients[i] = f.quiet("/topic")
	}
	f.Await("all", func() bool { return topic.Len() == 100 })
	first := s.at(0)
	m, out := servertest.Pattern(64), []byte(plain(text, servertest.Pattern(64)))
	alloctest.Zero(t, "push", func() {
		if err := first.Send(ws.OpText, m); err != nil {
			t.Fatal(err)
		}
		clients[0].want(out)
	})
	pong := []byte(plain(ping, "p"))
	p := []byte("p")
	alloctest.Zero(t, "push of a ping", func() {
		if err := first.Ping(p); err != nil {
			t.Fatal(err)
		}
		clients[0].want(pong)
	})
	long := servertest.Pattern(5000)
	longOut := []byte(plain(bin, long))
	for _, x := range []struct {
		name string
		op   ws.Opcode
		m    []byte
		out  []byte
	}{{"broadcast to 100", ws.OpText, m, out}, {"broadcast of a long message to 100", ws.OpBinary, long, longOut}} {
		alloctest.Zero(t, x.name, func() {
			if n, err := topic.Publish(x.op, x.m); n != 100 || err != nil {
				t.Fatal(n, err)
			}
			for _, c := range clients {
				c.want(x.out)
			}
		})
	}
	alloctest.Zero(t, "subscribe and unsubscribe", func() {
		topic.Unsubscribe(first)
		if err := topic.Subscribe(first); err != nil {
			t.Fatal(err)
		}
	})
	alloctest.Zero(t, "Stats", func() { f.ws.Stats(); topic.Stats() })
}

// TestMemory compares what the driver says to hold with what it holds.
func TestMemory(t *testing.T) {
	for _, n := range []int{100, 20000} {
		f := newFixture(t, servertest.Kind{}, bobtail.Config{Sockets: n, Workers: 2}, websocket.Config{})
		f.Free = true
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		d, err := websocket.New(f.Server, websocket.Config{Subscriptions: 2 * n})
		if err != nil {
			t.Fatal(err)
		}
		h := d.Straight(websocket.Options{}, func(*websocket.Straight) error { return nil })
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(h)
		// The allocator rounds up.
		if got, said := int(after.TotalAlloc-before.TotalAlloc), d.Memory(); got < said || got > said+said/8+4096 {
			t.Errorf("%d sockets: %d bytes, says %d", n, got, said)
		}
		f.end()
	}
}

// TestSizes holds what a connection costs to what is promised.
func TestSizes(t *testing.T) {
	if websocket.RecordSize > 80 {
		t.Errorf("a record has %d bytes", websocket.RecordSize)
	}
	if !websocket.StateFits {
		t.Error("the state does not fit into a slot")
	}
}
