package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// fixture is a server on memory that the test polls: everything happens in the
// test's goroutine and in virtual time.
type fixture struct {
	t    *testing.T
	net  *memory.Network
	srv  *bobtail.Server
	addr transport.Addr
}

func newFixture(t *testing.T, mem memory.Config, cfg bobtail.Config) *fixture {
	t.Helper()
	f := &fixture{t: t, net: memory.New(mem)}
	cfg.Backend = f.net
	cfg.NoDate = true
	if cfg.Sockets == 0 {
		cfg.Sockets = 32
	}
	if cfg.Workers == 0 {
		cfg.Workers = 1
	}
	srv, err := bobtail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.srv = srv
	t.Cleanup(func() { srv.Close() })
	if f.addr, err = srv.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) handle(pattern string, h bobtail.Handler) {
	f.t.Helper()
	if err := f.srv.Handle(pattern, h); err != nil {
		f.t.Fatal(err)
	}
}

// poll does what there is to do.
func (f *fixture) poll() {
	f.t.Helper()
	for quiet := 0; quiet < 2; quiet++ {
		before := f.srv.Stats()
		if _, err := f.srv.Poll(f.srv.Now()); err != nil {
			f.t.Fatal(err)
		}
		if f.srv.Stats() != before {
			quiet = 0
		}
	}
}

func (f *fixture) advance(d time.Duration) {
	for range d / (10 * time.Millisecond) {
		f.net.Advance(int64(10 * time.Millisecond))
		f.poll()
	}
}

// peer is a client and what it was sent.
type peer struct {
	*memory.Peer
	f   *fixture
	got string
}

// connect connects a client.
func (f *fixture) connect() *peer {
	f.t.Helper()
	p, err := f.net.Connect(f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.poll()
	return &peer{Peer: p, f: f}
}

// ask connects a client and sends a request.
func (f *fixture) ask(request string) *peer {
	f.t.Helper()
	p := f.connect()
	if n, err := p.TryWrite([]byte(request)); n != len(request) || err != nil {
		f.t.Fatal(n, err)
	}
	f.poll()
	return p
}

// get is a request, with the ID of the last event if there is one.
func get(path, id string) string {
	if id != "" {
		id = "Last-Event-ID: " + id + "\r\n"
	}
	return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + id + "\r\n"
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"

// read takes what has come, and reports whether that was the end.
func (p *peer) read() (ended bool) {
	p.f.t.Helper()
	var b [512]byte
	for {
		p.f.poll()
		n, err := p.TryRead(b[:])
		p.got += string(b[:n])
		if err == transport.ErrWouldBlock {
			return false
		}
		if err != nil {
			return true
		}
	}
}

// want wants the peer to have been sent this since the last time.
func (p *peer) want(want string) {
	p.f.t.Helper()
	p.read()
	if p.got != want {
		p.f.t.Errorf("got %q, want %q", p.got, want)
	}
	p.got = ""
}

func (p *peer) wantEnd(want string) {
	p.f.t.Helper()
	if !p.read() || p.got != want {
		p.f.t.Errorf("got %q, want %q and the end", p.got, want)
	}
	p.Close()
	p.f.poll()
}

// events are those of what was sent, as a page is told of them.
func (p *peer) events() []told {
	_, content, _ := strings.Cut(p.got, "\r\n\r\n")
	var r reader
	r.read(content)
	return r.events
}
