//go:build !race

package bobtail_test

import (
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// TestLaterNoAllocs puts requests off and answers them, at their limits too,
// and opens outlets: none of it allocates.
func TestLaterNoAllocs(t *testing.T) {
	n := memory.New(memory.Config{})
	srv, err := bobtail.New(bobtail.Config{Sockets: 10, Workers: 1, Backend: n})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	f := &fixture{Fixture: &servertest.Fixture{T: t, Server: srv, Net: n, Loop: true}}
	var ticket bobtail.Ticket
	now := say("now")
	f.Handle("GET /poll", func(w bobtail.Response, r *bobtail.Request) (err error) {
		ticket, err = r.LaterOr(int64(time.Second), now)
		return err
	})
	f.Handle("GET /plain", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("plain") })
	topic, err := sse.New(srv, sse.Options{Replay: 1024})
	if err != nil {
		t.Fatal(err)
	}
	f.Handle("GET /events", topic.Subscribe)
	if f.Addr, err = srv.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var buf [1024]byte
	read := func(p *memory.Peer) int {
		srv.Poll(srv.Now())
		k, err := p.TryRead(buf[:])
		if err != nil && err != transport.ErrWouldBlock {
			t.Fatal(err)
		}
		return k
	}
	poll, polls := []byte(get("/poll")), []byte(get("/poll")+get("/plain"))
	peer, err := n.Connect(f.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"Later": poll, "Later, with a request behind": polls} {
		alloctest.Zero(t, name, func() {
			peer.TryWrite(in)
			if read(peer) != 0 {
				t.Fatal("answered at once")
			}
			if err := srv.Answer(ticket, now); err != nil {
				t.Fatal(err)
			}
			if read(peer) == 0 {
				t.Fatal("not answered")
			}
			read(peer)
		})
	}
	alloctest.Zero(t, "Later, to the limit", func() {
		peer.TryWrite(poll)
		if read(peer) != 0 {
			t.Fatal("answered at once")
		}
		n.Advance(int64(1100 * time.Millisecond))
		if read(peer) == 0 {
			t.Fatal("not answered")
		}
	})
	// A connection on memory allocates, so what a subscription does is the
	// difference to another request.
	connection := func(in []byte) func() {
		return func() {
			p, err := n.Connect(f.Addr)
			if err != nil {
				t.Fatal(err)
			}
			srv.Poll(srv.Now())
			p.TryWrite(in)
			if read(p) == 0 {
				t.Fatal("not answered")
			}
			p.Close()
			srv.Poll(srv.Now())
			topic.Publish(sse.Text("x"))
		}
	}
	plain := alloctest.Bytes(connection([]byte(get("/plain"))))
	events := alloctest.Bytes(connection([]byte("GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 1\r\n\r\n")))
	if events > plain {
		t.Errorf("a subscription allocates %d bytes", events-plain)
	}
}
