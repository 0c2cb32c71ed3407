package sse_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// backends are the networks of this system.
var backends = map[string]func(lanes int) (transport.Backend, error){
	"net": func(lanes int) (transport.Backend, error) { return netstd.New(netstd.Config{Lanes: lanes}) },
}

// onNet runs a test with a server on each network of this system.
func onNet(t *testing.T, cfg bobtail.Config, body func(t *testing.T, srv *bobtail.Server, listen func() string)) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			var err error
			if cfg.Backend, err = open(2); err != nil {
				t.Fatal(err)
			}
			srv, err := bobtail.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer srv.Close()
			body(t, srv, func() string {
				a, err := srv.Listen("127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				if err := srv.Start(); err != nil {
					t.Fatal(err)
				}
				return a.String()
			})
		})
	}
}

// dial subscribes, and returns what comes after the head.
func dial(t *testing.T, addr, id string) (net.Conn, *bufio.Reader) {
	c, err := servertest.Dial(addr)
	if err != nil {
		t.Error(err)
		return nil, nil
	}
	io.WriteString(c, get("/", id))
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Errorf("no head: %v", err)
			return c, nil
		}
		if line == "\r\n" {
			return c, in
		}
	}
}

// TestTopicNoGap has subscribers that come and go while others publish: each
// gets all events from where it was on, each once and in order.
func TestTopicNoGap(t *testing.T) {
	onNet(t, bobtail.Config{Sockets: 64, Workers: 8}, func(t *testing.T, srv *bobtail.Server, listen func() string) {
		topic, err := sse.New(srv, sse.Options{Replay: 1 << 20, KeepAlive: 50e6, Mark: 4})
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Handle("GET /", topic.Subscribe); err != nil {
			t.Fatal(err)
		}
		addr := listen()
		events := 4000
		if testing.Short() {
			events = 400
		}
		// The data of an event says how many its publisher has published, so
		// that the order among them shows.
		var publishers, subscribers sync.WaitGroup
		for p := range 2 {
			publishers.Go(func() {
				for n := range events / 2 {
					s := fmt.Sprintf("%d %d %s", p, n, strings.Repeat("x", n%300))
					if _, err := topic.Publish(sse.Text(s)); err != nil {
						t.Error(err)
					}
					if n%20 == 0 {
						<-time.After(time.Millisecond)
					}
				}
			})
		}
		var reconnects atomic.Int64
		for k := range 6 {
			subscribers.Go(func() {
				last := 0 // all from the beginning
				var of [2]int
				for stay := 1; last < events; stay = stay*3%1009 + k {
					reconnects.Add(1)
					c, in := dial(t, addr, strconv.Itoa(last))
					if in == nil {
						return
					}
					for range stay {
						id, data, err := next(in)
						if err != nil {
							break // too slow, as it happens
						}
						if id != last+1 {
							t.Errorf("event %d after %d", id, last)
							c.Close()
							return
						}
						last = id
						var p, n int
						fmt.Sscanf(data, "%d %d", &p, &n)
						if n != of[p] {
							t.Errorf("event %d of publisher %d comes after %d", n, p, of[p]-1)
						}
						of[p] = n + 1
						if k == 0 && id%64 == 0 {
							<-time.After(time.Millisecond) // a slow one
						}
						if last == events {
							break
						}
					}
					c.Close()
				}
			})
		}
		publishers.Wait()
		subscribers.Wait()
		t.Logf("%d connections, %+v", reconnects.Load(), topic.Stats())
		deadline := time.Now().Add(time.Minute)
		for s := srv.Stats(); s.Open != 0 || s.OutputBlocks != 0; s = srv.Stats() {
			if time.Now().After(deadline) {
				t.Fatalf("stats %+v", s)
			}
			<-time.After(time.Millisecond)
		}
		if _, err := topic.Publish(sse.Text("x")); err != nil || topic.Len() != 0 {
			t.Errorf("%d subscribers are left, %v", topic.Len(), err)
		}
	})
}

// next reads an event with an ID.
func next(in *bufio.Reader) (id int, data string, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, "", err
		}
		line = strings.TrimSuffix(line, "\n")
		switch field, value, _ := strings.Cut(line, ": "); field {
		case "id":
			id, _ = strconv.Atoi(value)
		case "data":
			data = value
		case "":
			if id != 0 {
				return id, data, nil
			}
		}
	}
}
