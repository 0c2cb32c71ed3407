package coaptcp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// TestBegunAtTheEnd has peers that do not go on with a message be closed as others
// are, when they are asked to go, and the slot rest until then.
func TestBegunAtTheEnd(t *testing.T) {
	for _, begun := range []string{get("p", "hello")[:1], get("p", "hello")[:4]} {
		runVirtual(t, plain, func(t *testing.T, f *fixture) {
			c := f.dial()
			c.Send(begun)
			f.Settle()
			if _, ok := f.only(func(h pool.Handle) bool { return f.coap.Release(h, 0) == nil }); !ok {
				t.Fatal("no connection to release")
			}
			if m := c.next(); m.Code != coap.CodeRelease {
				t.Fatalf("got %s", show(m))
			}
			f.Advance(6 * time.Second)
			c.wantEnd()
		})
		runVirtual(t, plain, func(t *testing.T, f *fixture) {
			c := f.dial()
			c.Send(message(coap.CodeRelease, "") + begun)
			f.Advance(100 * time.Millisecond)
			c.wantEnd()
		})
	}
}

// TestShutdownWithoutRoom has peers asked to go as soon as there is room for that.
func TestShutdownWithoutRoom(t *testing.T) {
	runVirtual(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		f.Settle()
		free := f.hoard()
		f.Server.Engine().Shutdown()
		f.Advance(100 * time.Millisecond)
		c.wantSilence()
		free()
		f.Advance(100 * time.Millisecond)
		if c.Silent() {
			t.Error("nothing is said when there is room")
		}
	})
}

// TestSlowUpload has an upload to a route that was found stuck not lost since an
// answer waits for the peer before one of its blocks.
func TestSlowUpload(t *testing.T) {
	x := world{site: func(f *fixture, r *resource.Router) {
		countingSite(f, r)
		r.Gather = 4096
		handle(f.T, r, "PUT /up", func(w resource.Response, r *resource.Request) error {
			f.calls.Add(1)
			<-f.hold
			return w.Code(coap.CodeChanged).Text(strings.Repeat("u", len(r.Payload())/8))
		})
	}}
	x.mem.Pipe = 100
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		part := func(token string, num uint32, more bool) string {
			return message(coap.CodePUT, token, coap.OptURIPath, "up", coap.OptBlock1, int(coap.Block{Num: num, More: more, SZX: 0}.Uint()), string(servertest.Pattern(16)))
		}
		for i := range 4 {
			f.hold = make(chan bool)
			c.Send(message(coap.CodePUT, "s", coap.OptURIPath, "up"))
			f.Await("the handler", func() bool { return f.calls.Load() == int32(i+1) })
			f.Advance(50 * time.Millisecond)
			close(f.hold)
			c.wantMessage(coap.CodeChanged, "s", "")
		}
		c.Send(part("0", 0, true))
		c.wantMessage(coap.CodeContinue, "0", "")
		c.Send(get("c", "count") + part("1", 1, false))
		f.Advance(50 * time.Millisecond)
		c.wantMessage(coap.CodeContent, "c", strings.Repeat("c", 500))
		c.wantMessage(coap.CodeChanged, "1", "uuuu")
	})
}

// TestRestsAfterLater has a connection to which all answers were given rest: it
// is not served again before there is something to do.
func TestRestsAfterLater(t *testing.T) {
	runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a"))
		f.answer("a")
		c.wantMessage(coap.CodeContent, "t", "a")
		f.Advance(5 * time.Second)
		p := f.Server.Engine().Pool()
		for i := range p.High() {
			at := p.Deadlines.Get(i)
			if left := pool.TickTime(at, f.Net.Now()) - f.Net.Now(); at != pool.Never && left < int64(30*time.Second) {
				t.Errorf("it is served again in %v", time.Duration(left))
			}
		}
	})
}

// TestRestsBehindLimit has a connection that stays since an answer is to come not
// be served all the time when its own time to go is over.
func TestRestsBehindLimit(t *testing.T) {
	runVirtual(t, laterWorld, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(later("t", "a"))
		f.Await("the request", func() bool { return f.asked() == 1 })
		if _, ok := f.only(func(h pool.Handle) bool { return f.coap.Release(h, 0) == nil }); !ok {
			t.Fatal("no connection to release")
		}
		if m := c.next(); m.Code != coap.CodeRelease {
			t.Fatalf("got %s", show(m))
		}
		f.Advance(6 * time.Second)
		p := f.Server.Engine().Pool()
		for i := range p.High() {
			at := p.Deadlines.Get(i)
			if left := pool.TickTime(at, f.Net.Now()) - f.Net.Now(); at != pool.Never && left < int64(20*time.Millisecond) {
				t.Errorf("it is served again in %v", time.Duration(left))
			}
		}
		f.answer("a")
		c.wantMessage(coap.CodeContent, "t", "a")
		c.wantEnd()
	})
}
