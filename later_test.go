package bobtail_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/web"
)

// waiters are the tickets that handlers have taken.
type waiters struct{ gathered[bobtail.Ticket] }

// poll is a handler that puts its answer off.
func (q *waiters) poll(limit time.Duration) bobtail.Handler {
	return func(w bobtail.Response, r *bobtail.Request) error {
		t, err := r.Later(int64(limit))
		if err == nil {
			q.add(t)
		}
		return err
	}
}

// say is a handler that answers with a text.
func say(text string) bobtail.Handler {
	return func(w bobtail.Response, r *bobtail.Request) error { return w.Text(text) }
}

// oneWaits waits until so many tickets were taken and returns the last.
func (f *fixture) oneWaits(q *waiters, n int) bobtail.Ticket {
	f.T.Helper()
	return q.wait(f, n)
}

func (f *fixture) answer(t bobtail.Ticket, h bobtail.Handler) {
	f.T.Helper()
	if err := f.Server.Answer(t, h); err != nil {
		f.T.Fatalf("Answer: %v", err)
	}
	f.Settle()
}

func (f *fixture) wantStale(t bobtail.Ticket) {
	f.T.Helper()
	if err := f.Server.Answer(t, say("never")); err != pool.ErrStale {
		f.T.Errorf("Answer: error %v, want ErrStale", err)
	}
}

// runReal is run on the backends of this system.
func runReal(t *testing.T, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range servertest.Real() {
		t.Run(k.Name, func(t *testing.T) { k.Run(t, with(cfg, body)) })
	}
}

// TestLater answers requests later, on every backend: the connection goes on
// after.
func TestLater(t *testing.T) {
	cfg := bobtail.Config{Workers: 2}
	run(t, cfg, func(t *testing.T, f *fixture) {
		var q waiters
		f.Handle("/poll", q.poll(time.Minute))
		f.fast()
		c := f.dial()
		for k, in := range []string{get("/poll"), post("/poll", "content"), "HEAD /poll HTTP/1.1\r\nHost: a\r\n\r\n", get("/poll")} {
			c.Send(in)
			ticket := f.oneWaits(&q, k+1)
			for _, old := range q.all()[:k] {
				f.wantStale(old)
			}
			f.wantFast(time.Second)
			f.answer(ticket, func(w bobtail.Response, r *bobtail.Request) error {
				if m := r.Method().String(); !strings.HasPrefix(in, m) {
					t.Errorf("method %s", m)
				}
				if p, q := r.Path(), r.Query(); len(p) != 0 || q != nil || r.Header("Host") != nil || len(r.Host()) != 0 {
					t.Errorf("the head is still there: %q %q", p, q)
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("content: %d, %v", n, err)
				}
				return w.Status(200).Header("X", "y").Text("now")
			})
			f.wantStale(ticket)
			method, body := "GET", "now"
			if strings.HasPrefix(in, "HEAD") {
				method, body = "HEAD", ""
			}
			if a := c.want(method, 200, body); a.Header.Get("X") != "y" || a.ContentLength != 3 {
				t.Errorf("fields %v, length %d", a.Header, a.ContentLength)
			}
			f.wantStale(ticket)
		}
		c.Send(closeAt("/fast"))
		c.wantEnd("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n" + date + "Connection: close\r\n\r\nfast\n")
	})
}

// TestLaterVersions keeps what the answer must know of the request: whether
// the connection persists.
func TestLaterVersions(t *testing.T) {
	for _, k := range []struct{ name, in, field string }{
		{"1.0", "GET /poll HTTP/1.0\r\n\r\n", "Connection: close\r\n"},
		{"1.0 that persists", "GET /poll HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n"},
		{"1.1 that ends", closeAt("/poll"), "Connection: close\r\n"},
	} {
		runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
			var q waiters
			f.Handle("/poll", q.poll(time.Minute))
			c := f.dial()
			c.Send(k.in)
			f.answer(f.oneWaits(&q, 1), say("now"))
			want := "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n" + date + k.field + "\r\nnow"
			if strings.Contains(k.field, "keep") {
				got := make([]byte, len(want))
				if c.ReadFull(got); string(got) != want {
					t.Errorf("%s: got %q, want %q", k.name, got, want)
				}
				c.wantSilence()
				return
			}
			c.wantEnd(want)
		})
	}
}

// TestLaterPipelined has requests before and behind the one that waits: what
// was received is kept, what was not stays outside, all is answered in order.
func TestLaterPipelined(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		f.fast()
		f.Handle("/poll", q.poll(time.Minute))
		f.Handle("POST /echo", echo)
		c := f.dial()
		c.Send(get("/fast") + get("/poll") + get("/fast") + post("/echo", "one"))
		c.want("GET", 200, "fast\n") // does not wait for what is behind it
		ticket := f.oneWaits(&q, 1)
		c.Send(get("/poll") + post("/echo", "two"))
		c.wantSilence()
		f.answer(ticket, say("first"))
		c.want("GET", 200, "first")
		c.want("GET", 200, "fast\n")
		c.want("POST", 200, "one")
		f.answer(f.oneWaits(&q, 2), say("second"))
		c.want("GET", 200, "second")
		c.want("POST", 200, "two")
	})
}

// TestLaterHoldsNothing looks at what a connection that waits costs: no
// worker, no stash block, no turn of anybody's.
func TestLaterHoldsNothing(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 1, Sockets: 40, Stash: 8}, func(t *testing.T, f *fixture) {
		var q waiters
		f.fast()
		f.Handle("/poll", q.poll(time.Hour))
		var cs []*client
		for k := range 39 {
			c := f.dial()
			c.Send(get("/poll"))
			f.oneWaits(&q, k+1)
			cs = append(cs, c)
		}
		before := f.Server.Stats()
		f.Advance(2 * time.Minute)
		f.wantFast(time.Second)
		after := f.Server.Stats()
		if after.Open != 39 || after.Stash != 0 || after.Timeouts != before.Timeouts {
			t.Errorf("stats %+v", after)
		}
		// Bytes that come meanwhile are no reason to be busy.
		for _, c := range cs {
			c.Send(get("/fast"))
		}
		f.Advance(time.Second)
		if n := f.Server.Stats().Stash; n != 0 {
			t.Errorf("%d stash blocks for bytes that were not received", n)
		}
		for k, c := range cs {
			f.answer(q.all()[k], say(fmt.Sprint(k)))
			c.want("GET", 200, fmt.Sprint(k))
			c.want("GET", 200, "fast\n")
		}
	})
}

// TestLaterLimit lets the limit pass.
func TestLaterLimit(t *testing.T) {
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		f.fast()
		f.Handle("/poll", q.poll(10*time.Second))
		none := func(w bobtail.Response, r *bobtail.Request) error { return w.Status(204).Empty() }
		f.Handle("/or", func(w bobtail.Response, r *bobtail.Request) error {
			ticket, err := r.LaterOr(int64(10*time.Second), none)
			q.add(ticket)
			return err
		})
		c := f.dial()
		c.Send(get("/poll") + get("/fast"))
		ticket := f.oneWaits(&q, 1)
		f.Advance(9900 * time.Millisecond)
		c.wantSilence()
		f.Advance(200 * time.Millisecond)
		if a := c.want("GET", 503, "Service Unavailable\n"); a.Header.Get("Retry-After") != "1" {
			t.Errorf("fields %v", a.Header)
		}
		c.want("GET", 200, "fast\n")
		f.wantStale(ticket)
		c.Send(get("/or"))
		ticket = f.oneWaits(&q, 2)
		f.Advance(10100 * time.Millisecond)
		c.want("GET", 204, "")
		f.wantStale(ticket)
		if n := f.Server.Stats().Timeouts; n != [len(n)]uint64{} {
			t.Errorf("timeouts %v", n)
		}
	})
}

// TestLaterGone has peers leave while they wait: the slot is free, the ticket
// stale.
func TestLaterGone(t *testing.T) {
	for _, k := range []struct {
		name, in string
		leave    func(c *client)
	}{
		{"closed", get("/poll"), func(c *client) { c.Conn.Close() }},
		{"half closed", get("/poll"), func(c *client) { c.Conn.CloseWrite() }},
		{"after a pipelined request that was received", get("/poll") + get("/fast"), func(c *client) { c.Conn.CloseWrite() }},
	} {
		run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
			var q waiters
			f.fast()
			f.Handle("/poll", q.poll(time.Hour))
			c := f.dial()
			c.Send(k.in)
			ticket := f.oneWaits(&q, 1)
			k.leave(c)
			f.Await(k.name+": free", func() bool { return f.Server.Stats().Open == 0 })
			f.wantStale(ticket)
			if n := f.Server.Stats().Stash; n != 0 {
				t.Errorf("%s: %d stash blocks are left", k.name, n)
			}
			// A stranger in the same slot does not get the answer.
			stranger := f.dial()
			stranger.Send(get("/poll"))
			theirs := f.oneWaits(&q, 2)
			if theirs.Handle().Index() != ticket.Handle().Index() {
				t.Fatal("another slot")
			}
			f.wantStale(ticket)
			f.answer(theirs, say("theirs"))
			stranger.want("GET", 200, "theirs")
		})
	}
}

// TestLaterGoneAtOnce has the end of the peer come with its request, so that
// nothing tells of it after.
func TestLaterGoneAtOnce(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		f.Handle("/poll", q.poll(time.Hour))
		c := f.dial()
		f.Settle()
		if c.Peer != nil {
			c.Peer.TryWrite([]byte(get("/poll")))
		} else {
			io.WriteString(c.Conn, get("/poll"))
		}
		c.Conn.CloseWrite()
		ticket := f.oneWaits(&q, 1)
		f.Await("free", func() bool { return f.Server.Stats().Open == 0 })
		f.wantStale(ticket)
	})
}

// TestLaterShutdown does not wait for answers that may never come.
func TestLaterShutdown(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		f.Handle("/poll", q.poll(time.Hour))
		c := f.dial()
		c.Send(get("/poll"))
		ticket := f.oneWaits(&q, 1)
		drained := make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { drained <- f.Server.Shutdown(ctx) }()
		a := c.want("GET", 503, "Service Unavailable\n")
		if !a.Close {
			t.Errorf("fields %v", a.Header)
		}
		f.wantStale(ticket)
		c.wantEnd("")
		c.Conn.Close()
		var over atomic.Bool
		go func() {
			if err := <-drained; err != nil {
				t.Error(err)
			}
			over.Store(true)
		}()
		f.Await("shutdown", over.Load)
	})
}

// TestLaterClosing puts an answer off when the server is shutting down
// already, and has looked at the connection.
func TestLaterClosing(t *testing.T) {
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		goOn := make(chan bool)
		var q waiters
		later := q.poll(time.Hour)
		f.Handle("/poll", func(w bobtail.Response, r *bobtail.Request) error {
			<-goOn
			return later(w, r)
		})
		c := f.dial()
		c.Send(get("/poll"))
		go f.Server.Shutdown(context.Background())
		f.Settle()
		goOn <- true
		c.want("GET", 503, "Service Unavailable\n")
		f.wantStale(f.oneWaits(&q, 1))
		c.wantEnd("")
	})
}

// TestLaterClosed puts an answer off when the server has told the connection
// that it is shutting down, before it was served.
func TestLaterClosed(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 1, Lanes: 1}, func(t *testing.T, f *fixture) {
		goOn := make(chan bool)
		var q waiters
		f.fast()
		f.Handle("/poll", q.poll(time.Hour))
		f.Handle("/busy", func(w bobtail.Response, r *bobtail.Request) error {
			<-goOn
			return w.Text("done")
		})
		c := f.dial()
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
		busy := f.dial()
		busy.Send(get("/busy"))
		c.Send(get("/poll"))
		go f.Server.Shutdown(context.Background())
		f.Settle()
		goOn <- true
		busy.want("GET", 200, "done")
		c.want("GET", 503, "Service Unavailable\n")
		f.wantStale(f.oneWaits(&q, 1))
		c.wantEnd("")
		c.Conn.Close()
	})
}

// TestLaterFaults has a network that tells what is not so, and takes and gives
// bytes one by one.
func TestLaterFaults(t *testing.T) {
	for seed := range uint64(5) {
		mem := memory.Config{Seed: seed + 1, Faults: memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 300}}
		runMemory(t, mem, bobtail.Config{OutputBlocks: 64}, func(t *testing.T, f *fixture) {
			var q waiters
			var o outlets
			f.fast()
			f.Handle("/poll", q.poll(time.Hour))
			f.Handle("/open", o.handler(0, ""))
			c := f.dial()
			for k := range 20 {
				c.Send(get("/poll") + get("/fast") + get("/poll"))
				f.answer(f.oneWaits(&q, 2*k+1), say("one"))
				c.want("GET", 200, "one")
				c.want("GET", 200, "fast\n")
				f.answer(f.oneWaits(&q, 2*k+2), say("two"))
				c.want("GET", 200, "two")
			}
			c.Send(get("/poll") + get("/open"))
			f.answer(f.oneWaits(&q, 41), say("last"))
			c.want("GET", 200, "last")
			out := f.opened(&o, 1)
			c.wantNext(outletHead)
			want := ""
			for k := range 20 {
				s := strings.Repeat(fmt.Sprint(k), 50)
				push(t, out, s)
				want += s
			}
			out.Close()
			c.wantEnd(want)
		})
	}
}

// TestLaterMisuse has handlers do what they should not.
func TestLaterMisuse(t *testing.T) {
	const failed = "Internal Server Error\n"
	errOf := func(err error, want error) {
		if err != want {
			t.Errorf("Later: error %v, want %v", err, want)
		}
	}
	for _, k := range []struct {
		name   string
		in     string
		h      func(q *waiters, w bobtail.Response, r *bobtail.Request) error
		status int
		body   string
		stale  bool
	}{
		{"answers at once", get("/"), func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			t, _ := r.Later(1e9)
			q.add(t)
			return w.Text("at once")
		}, 200, "at once", true},
		{"fails", get("/"), func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			t, _ := r.Later(1e9)
			q.add(t)
			return web.ErrArena
		}, 500, failed, true},
		{"panics", get("/"), func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			t, _ := r.Later(1e9)
			q.add(t)
			panic("on purpose")
		}, 500, failed, true},
		{"puts off twice", get("/"), func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			t, _ := r.Later(1e9)
			_, err := r.Later(1e9)
			errOf(err, web.ErrMisuse)
			q.add(t)
			return err
		}, 500, failed, true},
		{"with no limit", get("/"), func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			_, err := r.Later(0)
			errOf(err, web.ErrMisuse)
			return err
		}, 500, failed, false},
		{"after it has answered", get("/"), func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			if err := w.Text("at once"); err != nil {
				return err
			}
			_, err := r.Later(1e9)
			errOf(err, web.ErrMisuse)
			return nil
		}, 200, "at once", false},
		{"with content to come", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			_, err := r.Later(1e9)
			errOf(err, web.ErrContent)
			return w.Status(417).Text("no")
		}, 417, "no", false},
		{"with content that is no content", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", func(q *waiters, w bobtail.Response, r *bobtail.Request) error {
			t, err := r.Later(1e9)
			errOf(err, nil)
			q.add(t)
			return err
		}, 400, "Bad Request\n", true},
	} {
		runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
			var q waiters
			f.Handle("/", func(w bobtail.Response, r *bobtail.Request) error { return k.h(&q, w, r) })
			c := f.dial()
			c.Send(k.in)
			a := c.answer("GET")
			if a.StatusCode != k.status || a.body != k.body {
				t.Errorf("%s: answer %d %q, want %d %q", k.name, a.StatusCode, a.body, k.status, k.body)
			}
			if k.stale != (q.len() == 1) {
				t.Fatalf("%s: %d tickets", k.name, q.len())
			}
			for _, ticket := range q.all() {
				f.wantStale(ticket)
			}
		})
	}
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.Start()
		f.wantStale(bobtail.Ticket{})
		if err := f.Server.Answer(bobtail.Ticket{}, nil); err != web.ErrMisuse {
			t.Errorf("no handler: error %v", err)
		}
	})
}

// TestLaterLate has a handler that is still at work when its ticket is used,
// and one whose time is over by then.
func TestLaterLate(t *testing.T) {
	runVirtual(t, bobtail.Config{Timeouts: bobtail.Timeouts{Handler: time.Second}}, func(t *testing.T, f *fixture) {
		var q waiters
		goOn := make(chan bool)
		f.Handle("/poll", func(w bobtail.Response, r *bobtail.Request) error {
			ticket, err := r.Later(int64(time.Minute))
			q.add(ticket)
			<-goOn
			return err
		})
		var late error
		f.Handle("/late", func(w bobtail.Response, r *bobtail.Request) error {
			<-goOn
			_, late = r.Later(int64(time.Minute))
			return late
		})
		c := f.dial()
		c.Send(get("/poll"))
		f.answer(f.oneWaits(&q, 1), say("early"))
		c.wantSilence()
		goOn <- true
		c.want("GET", 200, "early")

		c.Send(get("/poll"))
		ticket := f.oneWaits(&q, 2)
		f.Advance(1100 * time.Millisecond)
		c.want("GET", 503, "")
		f.wantStale(ticket)
		goOn <- true

		c = f.dial()
		c.Send(get("/late"))
		f.Advance(1100 * time.Millisecond)
		c.want("GET", 503, "")
		goOn <- true
		f.Settle()
		if late != engine.ErrDeadline {
			t.Errorf("Later after the handler's deadline: error %v", late)
		}
	})
}

// TestLaterAgain puts the answer off again, in the answer.
func TestLaterAgain(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		h := q.poll(time.Minute)
		f.Handle("/poll", h)
		c := f.dial()
		c.Send(get("/poll") + get("/poll"))
		for k := range 10 {
			f.answer(f.oneWaits(&q, k+1), h)
		}
		f.answer(f.oneWaits(&q, 11), say("at last"))
		c.want("GET", 200, "at last")
		f.answer(f.oneWaits(&q, 12), say("and this"))
		c.want("GET", 200, "and this")
	})
}

// TestLaterStalled has the stash run out: who waits with a request that was
// received behind pays as others do, and is told that it was not his fault.
func TestLaterStalled(t *testing.T) {
	runVirtual(t, bobtail.Config{Stash: 1}, func(t *testing.T, f *fixture) {
		var q waiters
		f.Handle("/poll", q.poll(time.Minute))
		c := f.dial()
		c.Send(get("/poll") + get("/poll"))
		ticket := f.oneWaits(&q, 1)
		f.Advance(time.Second)
		f.dial().Send("GET /po")
		c.want("GET", 503, "")
		f.wantStale(ticket)
	})
}

// TestLaterOneWins uses each ticket from many goroutines at once, while peers
// leave and limits pass: exactly one succeeds, or none and the peer is told.
func TestLaterOneWins(t *testing.T) {
	run(t, bobtail.Config{Sockets: 100, Workers: 4}, func(t *testing.T, f *fixture) {
		tickets := make(chan bobtail.Ticket, 1)
		var given atomic.Int64
		const answerers = 4
		rounds := 300
		if testing.Short() {
			rounds = 50
		}
		f.Handle("/poll", func(w bobtail.Response, r *bobtail.Request) error {
			ticket, err := r.Later(int64(time.Minute))
			if err == nil {
				tickets <- ticket // another may use it before we return
			}
			return err
		})
		stop := make(chan bool)
		var wg sync.WaitGroup
		wg.Go(func() {
			var group sync.WaitGroup
			for {
				var ticket bobtail.Ticket
				select {
				case ticket = <-tickets:
				case <-stop:
					return
				}
				var won atomic.Int64
				for range answerers {
					group.Go(func() {
						switch err := f.Server.Answer(ticket, say("won")); err {
						case nil:
							won.Add(1)
						case pool.ErrStale:
						default:
							t.Errorf("Answer: %v", err)
						}
					})
				}
				group.Wait()
				if won.Load() != 1 {
					t.Errorf("%d answers of one ticket succeeded", won.Load())
				}
				given.Add(won.Load())
			}
		})
		for range 4 {
			c := f.dial()
			for range rounds / 4 {
				c.Send(get("/poll"))
				c.want("GET", 200, "won")
			}
		}
		close(stop)
		f.AwaitAll("answerers", &wg)
		if n := given.Load(); n != int64(rounds/4*4) {
			t.Errorf("%d answers for %d requests", n, rounds/4*4)
		}
	})
}

// TestLaterStress has peers come, wait and go as they please.
func TestLaterStress(t *testing.T) {
	runReal(t, bobtail.Config{Sockets: 200, Workers: 4}, func(t *testing.T, f *fixture) {
		var q waiters
		f.Handle("/poll", q.poll(20*time.Millisecond))
		f.Start()
		var wg sync.WaitGroup
		var stop atomic.Bool
		wg.Go(func() {
			for k := 0; !stop.Load(); k++ {
				for _, ticket := range q.all() {
					f.Server.Answer(ticket, say("now"))
				}
				q.mu.Lock()
				q.list = q.list[:0]
				q.mu.Unlock()
				<-time.After(time.Duration(k%5) * time.Millisecond)
			}
		})
		var peers sync.WaitGroup
		for k := range 8 {
			peers.Go(func() {
				for n := range 40 {
					c, err := f.tryDial()
					if err != nil {
						t.Error(err)
						return
					}
					c.TrySend(get("/poll") + get("/poll"))
					for m := range 2 {
						if (n+k)%4 == m {
							break // leaves early
						}
						a, err := c.tryAnswer("GET")
						if err != nil || a.StatusCode != 200 && a.StatusCode != http.StatusServiceUnavailable {
							t.Errorf("answer %v, %v", a, err)
						}
					}
					c.Conn.Close()
				}
			})
		}
		f.AwaitAll("peers", &peers)
		stop.Store(true)
		f.AwaitAll("publisher", &wg)
		f.Await("all free", func() bool { return f.Server.Stats().Open == 0 })
		if n := f.Server.Stats().Stash; n != 0 {
			t.Errorf("%d stash blocks are left", n)
		}
	})
}
