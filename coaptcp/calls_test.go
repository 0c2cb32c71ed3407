package coaptcp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// homeSite has peers that want to be asked register.
func homeSite(f *fixture, r *resource.Router) {
	site(f, r)
	f.peers = make(chan pool.Handle, 64)
	handle(f.T, r, "POST /register", func(_ resource.Response, r *resource.Request) error {
		f.peers <- pool.Handle(r.Peer())
		return nil
	})
}

var homeWorld = world{coap: coaptcp.Config{Requests: 4}, site: homeSite}

// register connects a client that is to be asked.
func (f *fixture) register() (*client, pool.Handle) {
	f.T.Helper()
	c := f.dial()
	c.Send(post("r", "register", "x"))
	c.wantMessage(coap.CodeChanged, "r", "")
	return c, <-f.peers
}

// asking is a GET of a path.
func asking(path string) coap.Message {
	return coap.Message{Code: coap.CodeGET, Options: coap.AppendOption(nil, 0, coap.OptURIPath, []byte(path))}
}

// got is what a callback is told, in words.
func got(into chan string) func(coaptcp.Answer) {
	return func(a coaptcp.Answer) {
		if a.Err != nil {
			into <- a.Err.Error()
			return
		}
		into <- fmt.Sprintf("%s %s", a.Message.Code, a.Message.Payload)
	}
}

// TestCallHome has the server ask its clients, several at a time, and take the
// answers in any order, once.
func TestCallHome(t *testing.T) {
	run(t, homeWorld, func(t *testing.T, f *fixture) {
		c, h := f.register()
		answers := make(chan string, 8)
		for i := range 3 {
			if err := f.coap.Request(h, asking(fmt.Sprint("q", i)), int64(10*time.Second), got(answers)); err != nil {
				t.Fatal(err)
			}
		}
		var asked []coap.Message
		for i := range 3 {
			m := c.next()
			if p, _ := m.Options.Get(coap.OptURIPath); m.Code != coap.CodeGET || len(m.Token) == 0 || string(p) != fmt.Sprint("q", i) {
				t.Fatalf("asked %s", show(m))
			}
			asked = append(asked, m)
		}
		for _, i := range []int{2, 0, 1} {
			in := message(coap.CodeContent, string(asked[i].Token), fmt.Sprint("a", i))
			c.Send(in + in)
			if s := <-answers; s != fmt.Sprint("2.05 a", i) {
				t.Errorf("answered %q", s)
			}
		}
		c.Send(get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		if n := f.coap.Stats().Waiting; n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// TestCallsEnd has a callback told when no answer comes in time, or the connection
// is over; an answer that comes too late is for nobody.
func TestCallsEnd(t *testing.T) {
	runVirtual(t, homeWorld, func(t *testing.T, f *fixture) {
		c, h := f.register()
		answers := make(chan string, 8)
		f.coap.Request(h, asking("slow"), int64(5*time.Second), got(answers))
		m := c.next()
		// What the peer asks meanwhile does not put it off.
		c.Send(get("m", "hello"))
		c.wantMessage(coap.CodeContent, "m", "Hello, world")
		f.Advance(4900 * time.Millisecond)
		if len(answers) != 0 {
			t.Fatalf("told %s too soon", <-answers)
		}
		f.Advance(200 * time.Millisecond)
		if s := <-answers; s != coaptcp.ErrTimeout.Error() {
			t.Errorf("told %s", s)
		}
		c.Send(message(coap.CodeContent, string(m.Token), "late") + get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")

		f.coap.Request(h, asking("gone"), int64(time.Hour), got(answers))
		f.coap.Request(h, asking("gone"), int64(time.Hour), nil)
		c.Conn.Close()
		f.Settle()
		if s := <-answers; s != coaptcp.ErrClosed.Error() {
			t.Errorf("told %s", s)
		}
		if err := f.coap.Request(h, asking("x"), int64(time.Hour), got(answers)); err != pool.ErrStale {
			t.Errorf("a request to nobody: %v", err)
		}
		if len(answers) != 0 {
			t.Errorf("told %s", <-answers)
		}
	})
}

// TestCallBounds has what cannot be asked refused.
func TestCallBounds(t *testing.T) {
	runMemory(t, homeWorld, func(t *testing.T, f *fixture) {
		_, h := f.register()
		for _, x := range []struct {
			name  string
			h     pool.Handle
			m     coap.Message
			limit int64
			err   error
		}{
			{"no limit", h, asking("x"), 0, coaptcp.ErrMisuse},
			{"no request", h, coap.Message{Code: coap.CodeContent}, 1, coaptcp.ErrMisuse},
			{"too long", h, coap.Message{Code: coap.CodePOST, Payload: servertest.Pattern(1200)}, 1, coaptcp.ErrLong},
			{"nobody", 1<<40 | 1, asking("x"), 1, pool.ErrStale},
			{"far from anybody", 1<<40 - 1, asking("x"), 1, pool.ErrStale},
		} {
			if err := f.coap.Request(x.h, x.m, x.limit, nil); err != x.err {
				t.Errorf("%s: %v, want %v", x.name, err, x.err)
			}
		}
		for range 4 {
			if err := f.coap.Request(h, asking("x"), int64(time.Second), nil); err != nil {
				t.Error(err)
			}
		}
		if err := f.coap.Request(h, asking("x"), int64(time.Second), nil); err != coaptcp.ErrFull {
			t.Errorf("one more: %v", err)
		}
		f.Advance(2 * time.Second)
		if n := f.coap.Stats().Waiting; n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// TestCallWithinHandler has a handler ask the peer whom it answers.
func TestCallWithinHandler(t *testing.T) {
	answers := make(chan string, 1)
	x := homeWorld
	x.site = func(f *fixture, r *resource.Router) {
		handle(f.T, r, "GET /ask", func(w resource.Response, r *resource.Request) error {
			if err := f.coap.Request(pool.Handle(r.Peer()), asking("back"), int64(time.Second), got(answers)); err != nil {
				return err
			}
			return w.Text("asked")
		})
	}
	run(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("t", "ask"))
		for range 2 {
			if m := c.next(); m.Code == coap.CodeGET {
				c.Send(message(coap.CodeContent, string(m.Token), "yes"))
			} else if string(m.Payload) != "asked" {
				t.Fatalf("got %s", show(m))
			}
		}
		if s := <-answers; s != "2.05 yes" {
			t.Errorf("told %s", s)
		}
	})
}

// TestCallbackPanics has a panic in a callback cost nothing else.
func TestCallbackPanics(t *testing.T) {
	run(t, homeWorld, func(t *testing.T, f *fixture) {
		c, h := f.register()
		f.coap.Request(h, asking("x"), int64(10*time.Second), func(coaptcp.Answer) { panic("as the test wants") })
		m := c.next()
		c.Send(message(coap.CodeContent, string(m.Token)) + get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		if n := f.Server.Stats().Panics; n != 1 {
			t.Errorf("%d panics", n)
		}
	})
}

// TestStuckCallback has a callback that does not return cost its connection.
func TestStuckCallback(t *testing.T) {
	x := homeWorld
	x.cfg.Timeouts.Handler = 2 * time.Second
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		c, h := f.register()
		f.hold = make(chan bool)
		f.coap.Request(h, asking("x"), int64(10*time.Second), func(coaptcp.Answer) { <-f.hold })
		m := c.next()
		c.Send(message(coap.CodeContent, string(m.Token)))
		f.Advance(3 * time.Second)
		c.wantAbort("out of time")
		close(f.hold)
		f.Await("the worker", func() bool { return f.Server.Stats().LostNow == 0 })
	})
}

// TestAskingTheDead has a callback that asks again, when it is told that the
// connection is over, fail to.
func TestAskingTheDead(t *testing.T) {
	runMemory(t, homeWorld, func(t *testing.T, f *fixture) {
		_, h := f.register()
		told := 0
		var again error
		var done func(a coaptcp.Answer)
		done = func(a coaptcp.Answer) {
			if told++; told < 100 {
				again = f.coap.Request(h, asking("q"), int64(time.Hour), done)
			}
		}
		if err := f.coap.Request(h, asking("q"), int64(time.Hour), done); err != nil {
			t.Fatal(err)
		}
		if err := f.Server.Engine().Kill(h); err != nil {
			t.Fatal(err)
		}
		f.Await("the end", func() bool { return f.coap.Stats().Open == 0 })
		if told != 1 || again != pool.ErrSealed {
			t.Errorf("told %d times, and then %v", told, again)
		}
	})
}
