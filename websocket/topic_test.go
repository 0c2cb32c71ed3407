package websocket_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// TestTopic has connections come and go.
func TestTopic(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{Subscriptions: 5}, func(t *testing.T, f *fixture) {
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open, Message: echoMessage})
		one, two := f.ws.NewTopic(websocket.TopicOptions{}), f.ws.NewTopic(websocket.TopicOptions{})
		publish := func(topic *websocket.Topic, m string, want int) {
			t.Helper()
			if n, err := topic.Publish(ws.OpText, []byte(m)); n != want || err != nil {
				t.Errorf("%q: %d got it, %v, want %d", m, n, err, want)
			}
		}
		publish(one, "nobody", 0)
		var cs [3]*client
		for i := range cs {
			cs[i] = f.dial()
			f.Await("the connection", func() bool { return s.len() == i+1 })
		}
		a, b, c := s.at(0), s.at(1), s.at(2)
		for _, err := range []error{one.Subscribe(a), one.Subscribe(a), one.Subscribe(b), two.Subscribe(b), two.Subscribe(c), one.Subscribe(c)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := two.Subscribe(a); err != websocket.ErrFull {
			t.Errorf("a sixth subscription: %v", err)
		}
		publish(one, "to all", 3)
		publish(two, "to b and c", 2)
		long := string(servertest.Pattern(5000))
		publish(two, long, 2)
		one.Unsubscribe(b)
		one.Unsubscribe(b)
		publish(one, "to a and c", 2)
		if one.Len() != 2 || two.Len() != 2 {
			t.Errorf("%d and %d subscribers", one.Len(), two.Len())
		}
		cs[0].Want(plain(text, "to all") + plain(text, "to a and c"))
		cs[1].Want(plain(text, "to all") + plain(text, "to b and c") + plain(text, long))
		cs[2].Want(plain(text, "to all") + plain(text, "to b and c") + plain(text, long) + plain(text, "to a and c"))
		cs[2].Conn.Close()
		f.Await("the end of c", func() bool { return f.ws.Stats().Open == 2 })
		publish(one, "to a", 1)
		publish(two, "to b", 1)
		if err := one.Subscribe(c); err != pool.ErrStale {
			t.Errorf("subscription of the dead: %v", err)
		}
		two.Unsubscribe(c)
		for _, err := range []error{one.Subscribe(websocket.Socket{}), two.Subscribe(c)} {
			if err != pool.ErrStale {
				t.Errorf("subscription of nobody: %v", err)
			}
		}
		cs[0].Want(plain(text, "to a"))
		cs[1].Want(plain(text, "to b"))
		if st := one.Stats(); st != (websocket.TopicStats{Published: 4, Delivered: 6, Subscribers: 1}) {
			t.Errorf("%+v", st)
		}
	})
}

// TestTopicModel compares subscriptions with a map, in a long random run.
func TestTopicModel(t *testing.T) {
	runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{Subscriptions: 40}, func(t *testing.T, f *fixture) {
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open})
		var topics [7]*websocket.Topic
		for i := range topics {
			topics[i] = f.ws.NewTopic(websocket.TopicOptions{})
		}
		type key struct {
			topic int
			s     websocket.Socket
		}
		model := map[key]bool{}
		var clients []*client
		rng := uint32(1)
		random := func(n int) int {
			rng = rng*1664525 + 1013904223
			return int(rng>>8) % n
		}
		for range 8 {
			clients = append(clients, f.dial())
		}
		socks := append([]websocket.Socket(nil), s.list...)
		for n := range 3000 {
			i, k := random(len(socks)), random(len(topics))
			switch r := random(100); {
			case r < 50:
				err := topics[k].Subscribe(socks[i])
				if full := len(model) == 40 && !model[key{k, socks[i]}]; full != (err == websocket.ErrFull) {
					t.Fatalf("%d subscriptions: %v", len(model), err)
				}
				if err == nil {
					model[key{k, socks[i]}] = true
				}
			case r < 95:
				topics[k].Unsubscribe(socks[i])
				delete(model, key{k, socks[i]})
			case n%5 == 0:
				clients[i].Conn.Close()
				f.Settle()
				for k := range model {
					if k.s == socks[i] {
						delete(model, k)
					}
				}
				clients[i] = f.dial()
				socks[i] = s.list[len(s.list)-1]
			}
			for k, topic := range topics {
				want := 0
				for x := range model {
					if x.topic == k {
						want++
					}
				}
				if topic.Len() != want {
					t.Fatalf("topic %d has %d subscribers, want %d", k, topic.Len(), want)
				}
			}
		}
		for k, topic := range topics {
			topic.Publish(ws.OpText, fmt.Append(nil, k))
		}
		for i, c := range clients {
			got := map[string]bool{}
			for !c.Silent() {
				_, p := c.next()
				got[string(p)] = true
			}
			for k := range topics {
				if got[fmt.Sprint(k)] != model[key{k, socks[i]}] {
					t.Errorf("client %d, topic %d: got %v", i, k, got)
				}
			}
		}
	})
}

// TestBroadcast publishes to 1000 connections, some of which do not read.
func TestBroadcast(t *testing.T) {
	const conns, slow = 1000, 10
	cfg := bobtail.Config{Sockets: conns}
	mem := memory.Config{Pipe: 2000, Streams: conns + 8, Backlog: conns}
	runMemory(t, mem, cfg, websocket.Config{}, func(t *testing.T, f *fixture) {
		topic := f.ws.NewTopic(websocket.TopicOptions{Slow: engine.CloseSlow, Mark: 4})
		f.evented(websocket.Options{}, websocket.Handler{Open: func(c *websocket.Conn) error { return topic.Subscribe(c.Socket()) }})
		clients := make([]*client, conns)
		for i := range clients {
			clients[i] = f.dial()
		}
		m := servertest.Pattern(1000)
		for n := range 8 {
			if _, err := topic.Publish(ws.OpBinary, m); err != nil {
				t.Fatal(err)
			}
			f.Settle()
			for _, c := range clients[slow:] {
				c.Want(plain(bin, m))
			}
			if st := f.Server.Stats(); st.OutputBlocks > 8+slow {
				t.Fatalf("%d: %+v", n, st)
			}
		}
		if st := topic.Stats(); st.Closed != slow || st.Delivered != 8*(conns-slow)+slow*5 && st.Delivered != 8*(conns-slow)+slow*6 {
			t.Errorf("%+v", st)
		}
		f.Advance(time.Minute)
		if st := topic.Stats(); st.Subscribers != conns-slow {
			t.Errorf("%+v", st)
		}
	})
}
