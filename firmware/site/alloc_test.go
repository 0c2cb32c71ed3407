//go:build !race

package site_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// poller is a device in a loop of the test's, and its clients.
type poller struct {
	t   *testing.T
	s   *site.Site
	n   *memory.Network
	buf [32 << 10]byte
}

func (p *poller) connect(port uint16) *memory.Peer {
	p.t.Helper()
	c, err := p.n.Connect(transport.IPv4(127, 0, 0, 1, port))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends in, and polls until what the client gets has end in it.
func (p *poller) exchange(c *memory.Peer, in, end []byte) {
	got := 0
	for turns := 0; ; turns++ {
		if len(in) > 0 {
			k, _ := c.TryWrite(in)
			in = in[k:]
		}
		if _, err := p.s.Server().Poll(p.s.Server().Now()); err != nil {
			p.t.Fatal(err)
		}
		k, err := c.TryRead(p.buf[got:])
		if got += k; err != nil && err != transport.ErrWouldBlock || turns == 100 {
			p.t.Fatalf("%v after %q, want %q", err, p.buf[:got], end)
		}
		if bytes.Contains(p.buf[:got], end) {
			return
		}
	}
}

// drain throws away what a client has got.
func (p *poller) drain(c *memory.Peer) {
	for {
		if k, err := c.TryRead(p.buf[:]); k == 0 || err != nil {
			return
		}
	}
}

const upgrade = " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

func TestNoAllocs(t *testing.T) {
	s, n := open(t, memory.Config{}, site.Board{
		Name:  "memory",
		LED:   func(bool) {},
		Heap:  func() (used, size uint64) { return 1, 2 },
		Stack: func(i int) (string, uint64, uint64) { return [...]string{"main", "worker", ""}[i], 3, 4 },
	})
	p := &poller{t: t, s: s, n: n}
	web, socket, live, things := p.connect(80), p.connect(80), p.connect(80), p.connect(5683)
	p.exchange(socket, []byte("GET /ws"+upgrade), []byte("\r\n\r\n"))
	p.exchange(live, []byte("GET /ws/live"+upgrade), []byte("}"))
	// An empty CSM, and GET of /led and /time that observe (RFC 8323 section
	// 3.2): the answers have Observe and Content-Format, both without a byte or
	// with one, and the payload.
	p.exchange(things, []byte("\x00\xe1\x51\x01L\x60\x53led\x61\x01T\x60\x54time"), []byte("\xff0"))

	for _, test := range []struct {
		name string
		c    *memory.Peer
		in   string
		end  string
	}{
		{"page", web, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "</script>\n"},
		{"plaintext", web, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n", "World!"},
		{"json", web, "GET /json HTTP/1.1\r\nHost: a\r\n\r\n", "World!\"}"},
		{"echo", web, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"chunked echo", web, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n"},
		{"stats", web, "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\n"},
		{"led", web, "GET /led HTTP/1.1\r\nHost: a\r\n\r\n", "o"},
		{"message", socket, "\x81\x85\x00\x00\x00\x00hello", "hello"},
		{"hello by CoAP", things, "\x61\x01H\xb5hello", "World!"},
		{"time by CoAP", things, "\x51\x01H\xb4time", "H"},
		{"led by CoAP", things, "\x41\x01H\xb3led", "of"},
		{"nonsense by CoAP", things, "\x71\x03H\xb3led\xffxx", "Want on"},
	} {
		in, end := []byte(test.in), []byte(test.end)
		alloctest.Zero(t, test.name, func() { p.exchange(test.c, in, end) })
	}
	on, off := [...][]byte{
		[]byte("PUT /led HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\non"),
		[]byte("\x81\x82\x00\x00\x00\x00on"),
		[]byte("\x71\x03P\xb3led\xffon"),
	}, [...][]byte{
		[]byte("PUT /led HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noff"),
		[]byte("\x81\x83\x00\x00\x00\x00off"),
		[]byte("\x81\x03P\xb3led\xffoff"),
	}
	noContent := []byte("204")
	told := [...][]byte{[]byte(`"led":"on"`), []byte(`"led":"off"`)}
	observed := [...][]byte{[]byte("\xffon"), []byte("\xffoff")}
	for i, c := range []*memory.Peer{web, live, things} {
		alloctest.Zero(t, [...]string{"LED by HTTP", "LED by WebSocket", "LED by CoAP"}[i], func() {
			for k, in := range [...][]byte{on[i], off[i]} {
				switch c {
				case live:
					p.exchange(live, in, told[k])
					p.exchange(things, nil, observed[k])
				case things:
					p.exchange(things, in, observed[k])
					p.exchange(live, nil, told[k])
				default:
					p.exchange(c, in, noContent)
					p.exchange(live, nil, told[k])
					p.exchange(things, nil, observed[k])
				}
				p.drain(live)
				p.drain(things)
			}
		})
	}
	// Who says nothing for a minute is taken to be gone.
	pong, ping, state, second := []byte("\x8a\x80\x00\x00\x00\x00"), []byte("\x00\xe2"), []byte("}"), []byte("\xff")
	alloctest.Zero(t, "Tick", func() {
		n.Advance(1_000_000_000)
		s.Tick()
		p.exchange(live, pong, state)
		p.exchange(things, ping, second)
		p.drain(things)
	})
	var line [64]byte
	var b []byte
	alloctest.Zero(t, "AppendEvent", func() { b = site.AppendEvent(line[:0], bobtail.Event{Kind: 1, Code: -1, Time: 12_345_678_901}) })
	if got := string(b); got != "12.345 accepted -1\n" {
		t.Errorf("the event is %q", got)
	}
}
