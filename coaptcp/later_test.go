package coaptcp_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// tickets are those of a fixture's requests, by name.
type tickets struct {
	mu    sync.Mutex
	names map[string]resource.Ticket
}

func (k *tickets) put(name string, t resource.Ticket) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.names == nil {
		k.names = map[string]resource.Ticket{}
	}
	k.names[name] = t
}

// answer answers a request when it is there.
func (f *fixture) answer(name string) {
	f.T.Helper()
	var t resource.Ticket
	f.Await("the request "+name, func() bool {
		f.later.mu.Lock()
		defer f.later.mu.Unlock()
		var ok bool
		t, ok = f.later.names[name]
		return ok
	})
	if err := t.Answer(coap.CodeContent, nil, []byte(name)); err != nil {
		f.T.Errorf("answer to %s: %v", name, err)
	}
}

// asked reports how many requests have a ticket.
func (f *fixture) asked() int {
	f.later.mu.Lock()
	defer f.later.mu.Unlock()
	return len(f.later.names)
}

func laterSite(f *fixture, r *resource.Router) {
	r.Tickets = 64
	site(f, r)
	handle(f.T, r, "GET /later/{name}", func(_ resource.Response, r *resource.Request) error {
		t, err := r.Later(int64(9700 * time.Millisecond))
		if err != nil {
			return err
		}
		f.later.put(string(r.PathValue("name")), t)
		return nil
	})
	handle(f.T, r, "GET /at-once/{name}", func(_ resource.Response, r *resource.Request) error {
		t, err := r.Later(int64(9700 * time.Millisecond))
		if err != nil {
			return err
		}
		return t.Answer(coap.CodeContent, nil, r.PathValue("name"))
	})
}

func later(token, name string, parts ...any) string {
	return message(coap.CodeGET, token, append([]any{coap.OptURIPath, "later", coap.OptURIPath, name}, parts...)...)
}

var laterWorld = world{site: laterSite}

// TestOutOfOrder has answers go in the order in which they are given, also before
// the handler has returned, and between others.
func TestOutOfOrder(t *testing.T) {
	run(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("1", "a") + later("2", "b") + get("3", "hello") + later("4", "c") +
			message(coap.CodeGET, "5", coap.OptURIPath, "at-once", coap.OptURIPath, "d"))
		got := map[string]string{}
		for range 2 {
			m := c.next()
			got[string(m.Token)] = string(m.Payload)
		}
		if got["3"] != "Hello, world" || got["5"] != "d" {
			t.Fatalf("got %v", got)
		}
		f.answer("c")
		c.wantMessage(coap.CodeContent, "4", "c")
		f.answer("a")
		f.answer("b")
		c.wantMessage(coap.CodeContent, "1", "a")
		c.wantMessage(coap.CodeContent, "2", "b")
		if n := f.coap.Stats().Requests[0]; n != 4 {
			t.Errorf("%d answers counted that come later", n)
		}
	})
}

// TestInFlight has a connection read no further while as many answers are to come
// as may be, and the others go on.
func TestInFlight(t *testing.T) {
	x := laterWorld
	x.coap.InFlight = 3
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		c, other := f.dial(), f.dial()
		in := ""
		for i := range 8 {
			in += later(fmt.Sprint(i), fmt.Sprint("n", i))
		}
		c.Send(in + get("t", "hello"))
		f.Advance(time.Second)
		if n := f.asked(); n != 3 {
			t.Fatalf("%d are in flight", n)
		}
		other.Send(get("o", "hello"))
		other.wantMessage(coap.CodeContent, "o", "Hello, world")
		for i := range 8 {
			f.answer(fmt.Sprint("n", i))
			c.wantMessage(coap.CodeContent, fmt.Sprint(i), fmt.Sprint("n", i))
			if i == 4 {
				break
			}
		}
		f.Settle()
		if n := f.asked(); n != 8 {
			t.Fatalf("%d were asked", n)
		}
		f.answer("n7")
		f.answer("n5")
		f.answer("n6")
		for _, i := range []string{"7", "5", "6"} {
			// The GET is looked at as soon as one of them is answered.
			m := c.next()
			if string(m.Token) == "t" {
				m = c.next()
			}
			if string(m.Token) != i {
				t.Errorf("got %s, want %s", show(m), i)
			}
		}
	})
}

// TestSameToken has two requests with one token answered one after the other, so
// that it is known which answer is whose.
func TestSameToken(t *testing.T) {
	runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a") + later("t", "b") + get("u", "hello"))
		f.Advance(time.Second)
		if n := f.asked(); n != 1 {
			t.Fatalf("%d are in flight", n)
		}
		f.answer("a")
		c.wantMessage(coap.CodeContent, "t", "a")
		c.wantMessage(coap.CodeContent, "u", "Hello, world")
		f.answer("b")
		c.wantMessage(coap.CodeContent, "t", "b")
	})
}

// TestCustody has the Pong with custody wait until all is answered (RFC 8323
// section 5.4.1), and one without go at once.
func TestCustody(t *testing.T) {
	runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a") + message(coap.CodePing, "1") + message(coap.CodePing, "2", coap.OptCustody, ""))
		if m := c.wantMessage(coap.CodePong, "1", ""); coap.Custody(m.Options) {
			t.Errorf("got %s", show(m))
		}
		f.Advance(time.Second)
		c.wantSilence()
		f.answer("a")
		c.wantMessage(coap.CodeContent, "t", "a")
		if m := c.wantMessage(coap.CodePong, "2", ""); !coap.Custody(m.Options) {
			t.Errorf("got %s", show(m))
		}
	})
}

// TestLateAnswers has a request that nobody answers answered 5.03 at its limit,
// and the ticket good for nothing then.
func TestLateAnswers(t *testing.T) {
	runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a"))
		f.Advance(9600 * time.Millisecond)
		c.wantSilence()
		f.Advance(200 * time.Millisecond)
		if m := c.next(); m.Code != coap.CodeServiceUnavailable || string(m.Token) != "t" {
			t.Fatalf("got %s", show(m))
		}
		if err := f.later.names["a"].Answer(coap.CodeContent, nil, nil); err != pool.ErrStale {
			t.Errorf("an answer that is too late: %v", err)
		}
		c.wantSilence()
	})
}

// TestNoRoomLater has the connection end if there is no room for an answer that
// comes later: the peer would wait for it for ever.
func TestNoRoomLater(t *testing.T) {
	runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a"))
		f.Await("the request", func() bool { return f.asked() == 1 })
		free := f.hoard()
		defer free()
		if err := f.later.names["a"].Answer(coap.CodeContent, nil, []byte("a")); err != pool.ErrFull {
			t.Errorf("the answer: %v", err)
		}
		f.Await("the end", func() bool { return f.coap.Stats().Open == 0 })
	})
}

// TestGoneBefore has the tickets of a peer that is gone be stale, and the peer who
// has the slot then get nothing of it.
func TestGoneBefore(t *testing.T) {
	x := laterWorld
	x.cfg.Sockets = 1
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a"))
		f.Await("the request", func() bool { return f.asked() == 1 })
		c.Send("\x0f")
		c.wantAbort("token")
		c.Conn.Close()
		f.Await("its end", func() bool { return f.Server.Stats().Open == 0 })
		if err := f.later.names["a"].Answer(coap.CodeContent, nil, nil); err != pool.ErrStale {
			t.Errorf("an answer to nobody: %v", err)
		}
		c = f.dial()
		c.Send(get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		c.wantSilence()
	})
}

// TestEndsWait has a peer that closes its end, or sends a Release, get the answers
// that are to come, and then the end; so has one that is released by us.
func TestEndsWait(t *testing.T) {
	for _, x := range []struct {
		name string
		end  func(c *client)
	}{
		{"half close", func(c *client) { c.Conn.CloseWrite() }},
		{"a Release", func(c *client) { c.Send(message(coap.CodeRelease, "")) }},
		{"shutdown", func(c *client) {
			c.f.Server.Engine().Shutdown()
			if m := c.next(); m.Code != coap.CodeRelease {
				c.f.T.Fatalf("got %s", show(m))
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
				c := f.dial()
				c.Send(later("t", "a") + later("u", "b"))
				f.Await("them", func() bool { return f.asked() == 2 })
				x.end(c)
				f.Advance(5 * time.Second)
				c.wantSilence()
				f.answer("b")
				c.wantMessage(coap.CodeContent, "u", "b")
				f.answer("a")
				c.wantMessage(coap.CodeContent, "t", "a")
				f.Advance(time.Second)
				c.wantEnd()
			})
		})
	}
}

// TestNotDropped has the answer to a slow peer stay where notifications make room
// for each other.
func TestNotDropped(t *testing.T) {
	x := world{site: func(f *fixture, r *resource.Router) {
		laterSite(f, r)
		f.topic = r.NewTopic(resource.TopicOptions{Mark: 2})
		handle(f.T, r, "GET /topic", func(w resource.Response, r *resource.Request) error {
			r.Observe(f.topic)
			return w.Text("first")
		})
	}}
	x.mem.Pipe = 100
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(observe("o"))
		c.wantMessage(coap.CodeContent, "o", "first")
		c.Send(later("t", "a"))
		f.Await("the request", func() bool { return f.asked() == 1 })
		f.publish(string(servertest.Pattern(300)), 1)
		f.answer("a")
		for i := range 5 {
			f.publish(fmt.Sprint("news ", i), 1)
		}
		got := ""
		for !c.Silent() {
			m := c.next()
			got += string(m.Token)
		}
		if strings.Count(got, "t") != 1 || strings.Count(got, "o") > 3 {
			t.Errorf("got %s", got)
		}
	})
}
