//go:build !race

package coaptcp_test

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// quietClient is a client whose calls allocate nothing.
type quietClient struct {
	t    testing.TB
	conn servertest.Conn
	buf  []byte
}

func (f *fixture) quiet() *quietClient {
	f.T.Helper()
	f.Start()
	p, err := f.Net.Connect(f.Addr)
	if err != nil {
		f.T.Fatal(err)
	}
	f.Adopt(p)
	c := &quietClient{f.T, p, make([]byte, 1<<16)}
	if b := c.message(); coap.Code(b[1]) != coap.CodeCSM {
		f.T.Fatalf("got %q", b)
	}
	return c
}

// message reads a message.
func (c *quietClient) message() []byte {
	n := 0
	for {
		if h, k, err := coap.ParseTCPHeader(c.buf[:n]); k > 0 && int(h.Size()) == n {
			return c.buf[:n]
		} else if err != nil {
			c.t.Fatal(err)
		}
		if _, err := io.ReadFull(c.conn, c.buf[n:n+1]); err != nil {
			c.t.Fatal(err)
		}
		n++
	}
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
	tickets := make(chan resource.Ticket, 1)
	x := world{cfg: bobtail.Config{Sockets: 256, Workers: 3, OutputBlocks: 256}, coap: coaptcp.Config{Requests: 4}}
	x.site = func(f *fixture, r *resource.Router) {
		r.Observations, r.Tickets = 128, 16
		observeSite(resource.TopicOptions{Mark: 100})(f, r)
		f.peers = make(chan pool.Handle, 256)
		hello := []byte("Hello, world")
		handle(f.T, r, "GET /static", func(w resource.Response, _ *resource.Request) error { return w.Bytes(coap.FormatText, hello) })
		handle(f.T, r, "POST /register", func(_ resource.Response, r *resource.Request) error {
			f.peers <- pool.Handle(r.Peer())
			return nil
		})
		handle(f.T, r, "GET /later", func(_ resource.Response, r *resource.Request) error {
			t, err := r.Later(int64(time.Hour))
			tickets <- t
			return err
		})
	}
	f := newFixture(t, servertest.Kind{}, x)
	f.Free = true
	defer f.end()
	c := f.quiet()
	for _, x := range exchanges {
		if x.name == "an error" {
			continue
		}
		in := []byte(x.in + message(coap.CodePing, "end"))
		c.conn.Write(in)
		var out []byte // as it is the first time
		for {
			b := c.message()
			out = append(out, b...)
			if coap.Code(b[1]) == coap.CodePong && string(b[len(b)-3:]) == "end" {
				break
			}
		}
		alloctest.Zero(t, x.name, func() { c.exchange(in, out) })
	}
	pipelined := []byte(strings.Repeat(get("t", "static"), 64))
	answers := []byte(strings.Repeat(message(coap.CodeContent, "t", coap.OptContentFormat, 0, "Hello, world"), 64))
	alloctest.Zero(t, "64 GETs", func() { c.exchange(pipelined, answers) })

	long := []byte(post("l", "echo", string(servertest.Pattern(1100))))
	longOut := []byte(message(coap.CodeContent, "l", string(servertest.Pattern(1100))))
	alloctest.Zero(t, "a POST in three", func() {
		c.conn.Write(long[:300])
		c.conn.Write(long[300:700])
		c.exchange(long[700:], longOut)
	})

	in, out := []byte(get("t", "later")), []byte(message(coap.CodeContent, "t", "late"))
	payload := []byte("late")
	alloctest.Zero(t, "a ticket", func() {
		c.conn.Write(in)
		if err := (<-tickets).Answer(coap.CodeContent, nil, payload); err != nil {
			t.Fatal(err)
		}
		c.want(out)
	})

	observers := make([]*quietClient, 100)
	for i := range observers {
		observers[i] = f.quiet()
		observers[i].conn.Write([]byte(observe("t")))
		observers[i].message()
	}
	n := resource.Notification{Payload: []byte("news")}
	alloctest.Zero(t, "a notification to 100", func() {
		if k, err := f.topic.Publish(n); k != 100 || err != nil {
			t.Fatal(k, err)
		}
		for _, c := range observers {
			c.message()
		}
	})

	c.exchange([]byte(post("r", "register", "x")), []byte(message(coap.CodeChanged, "r")))
	h := <-f.peers
	m := coap.Message{Code: coap.CodeContent, Token: []byte("t"), Payload: payload}
	alloctest.Zero(t, "Push", func() {
		if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err != nil {
			t.Fatal(err)
		}
		c.want(out)
	})
	m.Options = coap.AppendOption(nil, 0, coap.OptLocationPath, servertest.Pattern(200))
	alloctest.Zero(t, "Push with long options", func() {
		if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err != nil {
			t.Fatal(err)
		}
		c.message()
	})
	answered := make(chan bool, 1)
	done := func(a coaptcp.Answer) { answered <- a.Err == nil }
	q := asking("x")
	answer := []byte(message(coap.CodeContent, "1234", "x"))
	alloctest.Zero(t, "a request of our own", func() {
		if err := f.coap.Request(h, q, int64(time.Hour), done); err != nil {
			t.Fatal(err)
		}
		copy(answer[2:6], c.message()[2:6])
		c.conn.Write(answer)
		if !<-answered {
			t.Fatal("no answer")
		}
	})
	alloctest.Zero(t, "Stats", func() { f.coap.Stats() })
}

// TestMemory compares what the driver says to hold with what it holds.
func TestMemory(t *testing.T) {
	for _, n := range []int{100, 20000} {
		f := newFixture(t, servertest.Kind{}, world{cfg: bobtail.Config{Sockets: n, Workers: 2}})
		f.Free = true
		r := new(resource.Router)
		if err := r.Freeze(); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		d, err := coaptcp.New(f.Server, coaptcp.Config{Resources: r, Requests: n})
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		// The allocator rounds up.
		if got, said := int(after.TotalAlloc-before.TotalAlloc), d.Memory(); got < said || got > said+said/8+8192 {
			t.Errorf("%d sockets: %d bytes, says %d", n, got, said)
		}
		f.end()
	}
}

// TestSizes holds what a connection costs to what is promised.
func TestSizes(t *testing.T) {
	if coaptcp.RecordSize > 32 {
		t.Errorf("a record has %d bytes", coaptcp.RecordSize)
	}
	if !coaptcp.StateFits {
		t.Error("the state does not fit into a slot")
	}
}
