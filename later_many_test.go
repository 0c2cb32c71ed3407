//go:build linux && (amd64 || arm64)

package bobtail_test

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

// TestManyWait has thousands of long polls and subscribers at once: none holds
// a worker, a stash block or a block of output, and all are answered.
func TestManyWait(t *testing.T) {
	many := 5000
	if testing.Short() {
		many = 300
	}
	b, err := epoll.New(epoll.Config{Lanes: 2})
	if err != nil {
		t.Fatal(err)
	}
	if b.Limit() < 2*many+100 {
		b.Close()
		t.Skip("this process may not have so many descriptors")
	}
	srv, err := bobtail.New(bobtail.Config{Sockets: many + 10, Workers: 2, Backend: b})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var q waiters
	f := &fixture{Fixture: &servertest.Fixture{T: t, Server: srv}}
	f.Handle("GET /poll", q.poll(time.Hour))
	topic, err := sse.New(srv, sse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.Handle("GET /events", topic.Subscribe)
	if f.Addr, err = srv.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	f.Start()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for k := range many {
		c, err := servertest.Dial(f.Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		path := "/poll"
		if k%2 == 1 {
			path = "/events"
		}
		if _, err := c.Write([]byte(get(path))); err != nil {
			t.Fatal(err)
		}
	}
	f.Await("all wait", func() bool { return q.len()+topic.Len() == many && srv.Stats().Parked == many })
	if s := srv.Stats(); s.Busy != 0 || s.Stash != 0 || s.OutputBlocks != 0 || s.OutputNodes != 0 || s.Lent != 0 {
		t.Errorf("stats %+v", s)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, ticket := range q.all() {
			if err := srv.Answer(ticket, say("answered")); err != nil {
				t.Error(err)
			}
		}
	})
	if n, err := topic.Publish(sse.Text("answered")); n != many/2 || err != nil {
		t.Errorf("Publish: %d, %v", n, err)
	}
	wg.Wait()
	var buf [1024]byte
	for k, c := range conns {
		got := ""
		for !strings.Contains(got, "answered") {
			n, err := c.Read(buf[:])
			if got += string(buf[:n]); err != nil {
				t.Fatalf("connection %d: %q, %v", k, got, err)
			}
		}
	}
}
