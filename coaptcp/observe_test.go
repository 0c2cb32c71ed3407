package coaptcp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

func observeSite(o resource.TopicOptions) func(f *fixture, r *resource.Router) {
	return func(f *fixture, r *resource.Router) {
		site(f, r)
		f.topic = r.NewTopic(o)
		handle(f.T, r, "GET /topic", func(w resource.Response, r *resource.Request) error {
			r.Observe(f.topic)
			return w.Text("first")
		})
	}
}

// publish publishes a text, and wants it reach so many.
func (f *fixture) publish(text string, want int) {
	f.T.Helper()
	if n, err := f.topic.Publish(resource.Notification{Payload: []byte(text)}); n != want || err != nil {
		f.T.Errorf("%s has reached %d, %v, want %d", text, n, err, want)
	}
}

func observe(token string) string {
	return message(coap.CodeGET, token, coap.OptObserve, 0, coap.OptURIPath, "topic")
}

// TestObserve has two connections get what is published, and one no more.
func TestObserve(t *testing.T) {
	run(t, world{site: observeSite(resource.TopicOptions{})}, func(t *testing.T, f *fixture) {
		a, b := f.dial(), f.dial()
		for _, c := range []*client{a, b} {
			c.Send(observe("t"))
			if m := c.wantMessage(coap.CodeContent, "t", "first"); !m.Options.Has(coap.OptObserve) {
				t.Errorf("got %s", show(m))
			}
		}
		for i := range 5 {
			f.publish(fmt.Sprint(i), 2)
			for _, c := range []*client{a, b} {
				if m := c.wantMessage(coap.CodeContent, "t", fmt.Sprint(i)); !m.Options.Has(coap.OptObserve) {
					t.Errorf("got %s", show(m))
				}
			}
		}
		a.Send(message(coap.CodeGET, "t", coap.OptObserve, 1, coap.OptURIPath, "topic"))
		if m := a.wantMessage(coap.CodeContent, "t", "first"); m.Options.Has(coap.OptObserve) {
			t.Errorf("got %s", show(m))
		}
		f.publish("last", 1)
		b.wantMessage(coap.CodeContent, "t", "last")
		b.Conn.Close()
		f.Await("the end of it", func() bool { return f.topic.Len() == 0 })
		f.publish("nobody", 0)
		a.Send(get("u", "hello"))
		a.wantMessage(coap.CodeContent, "u", "Hello, world")
	})
}

// TestFirstFirst has nothing that is published while a registration is answered
// come before its answer: over TCP the last message is the last state.
func TestFirstFirst(t *testing.T) {
	x := world{site: func(f *fixture, r *resource.Router) {
		f.topic = r.NewTopic(resource.TopicOptions{})
		handle(f.T, r, "GET /topic", func(w resource.Response, r *resource.Request) error {
			r.Observe(f.topic)
			f.publish("second", 1)
			return w.Text("first")
		})
	}}
	run(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(observe("t"))
		c.wantMessage(coap.CodeContent, "t", "first")
		c.wantMessage(coap.CodeContent, "t", "second")
	})
}

// TestSlowObserver has an observer that does not read get the last state, or be
// closed, as the topic wants; whoever publishes does not wait, and others get
// everything.
func TestSlowObserver(t *testing.T) {
	text := func(i int) string { return strings.Repeat("x", 700) + fmt.Sprint(i) }
	const rounds = 50
	for _, x := range []struct {
		name string
		o    resource.TopicOptions
	}{
		{"drop the oldest", resource.TopicOptions{Slow: resource.DropOldest}},
		{"drop the newest", resource.TopicOptions{Slow: resource.DropNewest}},
		{"close", resource.TopicOptions{Slow: resource.CloseSlow}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := world{site: observeSite(x.o)}
			w.mem.Pipe = 1000
			runMemory(t, w, func(t *testing.T, f *fixture) {
				slow, fast := f.dial(), f.dial()
				for _, c := range []*client{slow, fast} {
					c.Send(observe("t"))
					c.wantMessage(coap.CodeContent, "t", "first")
				}
				for i := range rounds {
					if _, err := f.topic.Publish(resource.Notification{Payload: []byte(text(i))}); err != nil {
						t.Fatal(err)
					}
					fast.wantMessage(coap.CodeContent, "t", text(i))
				}
				if x.o.Slow == resource.CloseSlow {
					f.Await("its end", func() bool { return f.topic.Len() == 1 && f.coap.Stats().Open == 1 })
					return
				}
				last := ""
				n := 0
				for !slow.Silent() {
					last = string(slow.next().Payload)
					n++
				}
				if x.o.Slow == resource.DropOldest && last != text(rounds-1) || n < 2 || n > 10 {
					t.Errorf("the slow one got %d, and last %s", n, servertest.Brief([]byte(last)))
				}
				// It is not lost for that.
				f.publish("again", 2)
				slow.wantMessage(coap.CodeContent, "t", "again")
				slow.Send(get("u", "hello"))
				slow.wantMessage(coap.CodeContent, "u", "Hello, world")
			})
		})
	}
}

// TestPushBounds has what cannot be sent refused.
func TestPushBounds(t *testing.T) {
	runMemory(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		f.Settle()
		m := coap.Message{Code: coap.CodeContent, Token: []byte("t"), Payload: servertest.Pattern(1147)}
		f.only(func(h pool.Handle) bool {
			if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err == nil || coap.SizeTCP(m) <= coap.BaseMessage {
				t.Errorf("%d bytes are pushed to a peer of 1152", coap.SizeTCP(m))
			}
			m.Payload = m.Payload[1:]
			if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err != nil {
				t.Errorf("%d bytes are not pushed: %v", coap.SizeTCP(m), err)
			}
			c.wantMessage(coap.CodeContent, "t", string(m.Payload))
			c.Send(csm(coap.Settings{MaxMessage: 50}) + get("t", "hello"))
			c.next()
			if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err == nil {
				t.Error("a peer of 50 bytes is pushed more")
			}
			m.Payload = servertest.Pattern(20)
			m.Options = coap.AppendOption(nil, 0, coap.OptETag, []byte("12345678"))
			if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err != nil {
				t.Error(err)
			}
			c.wantMessage(coap.CodeContent, "t", string(m.Payload))
			return true
		})
	})
}

// TestManyObservers has registrations and notifications at the same time.
func TestManyObservers(t *testing.T) {
	x := world{site: observeSite(resource.TopicOptions{Mark: 100})}
	x.cfg.Sockets = 20
	run(t, x, func(t *testing.T, f *fixture) {
		f.router.Stats()
		clients := make([]*client, 10)
		for i := range clients {
			clients[i] = f.dial()
			clients[i].Send(observe("t"))
			clients[i].wantMessage(coap.CodeContent, "t", "first")
			f.publish(fmt.Sprint("round ", i), i+1)
			for _, c := range clients[:i+1] {
				c.wantMessage(coap.CodeContent, "t", fmt.Sprint("round ", i))
			}
		}
		for i, c := range clients {
			c.Conn.Close()
			f.Await("its end", func() bool { return f.topic.Len() == len(clients)-1-i })
		}
	})
}
