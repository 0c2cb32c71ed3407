package bobtail_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/web"
)

// outletHead is the head of a response whose content is pushed.
const outletHead = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + date + "Connection: close\r\n\r\n"

// outlets are those that handlers have opened.
type outlets struct{ gathered[bobtail.Outlet] }

func (q *outlets) handler(every time.Duration, beat string) bobtail.Handler {
	return func(w bobtail.Response, r *bobtail.Request) error {
		_, o, err := w.Status(200).Header("Content-Type", "text/plain").Open(int64(every), beat)
		if err == nil {
			q.add(o)
		}
		return err
	}
}

func (f *fixture) opened(q *outlets, n int) bobtail.Outlet {
	f.T.Helper()
	return q.wait(f, n)
}

// wantNext wants these bytes next.
func (c *client) wantNext(want string) {
	c.f.T.Helper()
	got := make([]byte, len(want))
	if c.ReadFull(got); string(got) != want {
		c.f.T.Errorf("got %q, want %q", got, want)
	}
}

func push(t *testing.T, o bobtail.Outlet, s string) {
	t.Helper()
	if err := o.Push([]byte(s), 0, bobtail.DropNewest); err != nil {
		t.Fatalf("Push(%q): %v", servertest.Brief(s), err)
	}
}

func wantClosed(t *testing.T, o bobtail.Outlet) {
	t.Helper()
	if o.IsOpen() {
		t.Error("the outlet is open")
	}
	if err := o.Push([]byte("x"), 0, bobtail.DropNewest); err != pool.ErrStale {
		t.Errorf("Push: %v, want ErrStale", err)
	}
	if err := o.PushBlock([]byte("x"), pool.NoBlock, 0, bobtail.DropNewest); err != pool.ErrStale {
		t.Errorf("PushBlock: %v, want ErrStale", err)
	}
	if err := o.Close(); err != pool.ErrStale {
		t.Errorf("Close: %v, want ErrStale", err)
	}
}

// TestOutlet pushes content, on every backend, and ends it in order.
func TestOutlet(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		var q outlets
		f.fast()
		f.Handle("/", q.handler(0, ""))
		for k, in := range []string{get("/"), get("/fast") + get("/") + "and more", post("/", "content")} {
			c := f.dial()
			c.Send(in)
			if k == 1 {
				c.want("GET", 200, "fast\n")
			}
			o := f.opened(&q, k+1)
			c.wantNext(outletHead) // before anything is pushed
			f.wantFast(time.Second)
			if !o.IsOpen() {
				t.Fatal("the outlet is closed")
			}
			long := strings.Repeat("long ", 2000)
			for _, s := range []string{"one", "two", long} {
				push(t, o, s)
			}
			c.wantNext("onetwo" + long)
			b, err := f.Server.Outputs().Get()
			if err != nil {
				t.Fatal(err)
			}
			data := f.Server.Outputs().Bytes(b)
			n := copy(data, "shared")
			for range 2 {
				if err := o.PushBlock(data[:n], b, 0, bobtail.DropNewest); err != nil {
					t.Fatal(err)
				}
			}
			f.Server.Outputs().Put(b)
			push(t, o, "last")
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			wantClosed(t, o)
			c.wantEnd("sharedsharedlast")
			c.Conn.Close()
			f.Await("free", func() bool { return f.Server.Stats().Open == 0 })
			wantClosed(t, o)
		}
		if s := f.Server.Stats(); s.OutputBlocks != 0 || s.OutputNodes != 0 || s.Stash != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestOutletVersions has peers without content, and of HTTP/1.0.
func TestOutletVersions(t *testing.T) {
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/", q.handler(0, ""))
		c := f.dial()
		c.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.wantEnd(outletHead)
		wantClosed(t, f.opened(&q, 1))
		c = f.dial()
		c.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		c.wantNext(outletHead)
		o := f.opened(&q, 2)
		push(t, o, "content")
		o.Close()
		c.wantEnd("content")
		wantClosed(t, bobtail.Outlet{})
	})
}

// TestOutletBody has the handler write first, then others push.
func TestOutletBody(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		before := strings.Repeat("before ", 300)
		f.Handle("/", func(w bobtail.Response, r *bobtail.Request) error {
			b, o, err := w.Status(200).Header("Content-Type", "text/plain").Open(0, "")
			if err != nil {
				return err
			}
			if err := b.WriteString(before); err != nil {
				return err
			}
			if err := b.Flush(); err != nil {
				return err
			}
			for k := range 5 { // while the handler is at work
				push(t, o, fmt.Sprint(k))
			}
			return o.Close()
		})
		c := f.dial()
		c.Send(get("/"))
		c.wantEnd(outletHead + before + "01234")
	})
}

// TestOutletHeadFirst has others push while the handler waits for content that
// is still coming: the head goes before.
func TestOutletHeadFirst(t *testing.T) {
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		var content []byte
		f.Handle("POST /", func(w bobtail.Response, r *bobtail.Request) error {
			_, o, err := w.Status(200).Header("Content-Type", "text/plain").Open(0, "")
			if err != nil {
				return err
			}
			q.add(o)
			content, err = io.ReadAll(struct{ io.Reader }{r})
			return err
		})
		c := f.dial()
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("a", 9999))
		o := f.opened(&q, 1)
		c.wantNext(outletHead)
		push(t, o, "pushed")
		c.wantNext("pushed")
		c.Send(strings.Repeat("b", 10001))
		f.Settle()
		push(t, o, "after")
		o.Close()
		c.wantEnd("after")
		if len(content) != 20000 {
			t.Errorf("%d bytes of content", len(content))
		}
	})
}

// TestOutletHeadAtOnce has a handler that has not returned yet.
func TestOutletHeadAtOnce(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		goOn := make(chan bool)
		open := new(outlets).handler(0, "")
		f.Handle("/", func(w bobtail.Response, r *bobtail.Request) error {
			err := open(w, r)
			<-goOn
			return err
		})
		c := f.dial()
		c.Send(get("/"))
		c.wantNext(outletHead)
		goOn <- true
	})
}

// TestOutletBeat shows that the other end is there, however little happens.
func TestOutletBeat(t *testing.T) {
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/", q.handler(10*time.Second, ":\n"))
		f.Handle("/quiet", q.handler(0, ":\n"))
		c, quiet := f.dial(), f.dial()
		c.Send(get("/"))
		c.wantNext(outletHead)
		quiet.Send(get("/quiet"))
		quiet.wantNext(outletHead)
		o := f.opened(&q, 1)
		f.opened(&q, 2)
		f.Advance(9900 * time.Millisecond)
		c.wantSilence()
		push(t, o, "x") // is no beat
		c.wantNext("x")
		f.Advance(200 * time.Millisecond)
		c.wantNext(":\n")
		f.Advance(100 * time.Second)
		c.wantNext(strings.Repeat(":\n", 9))
		c.wantSilence()
		o.Close()
		c.wantEnd("")
		c.Conn.Close()
		f.Advance(time.Hour)
		quiet.wantSilence()
		if s := f.Server.Stats(); s.Timeouts != [len(s.Timeouts)]uint64{} || s.Workers == s.Busy {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestOutletBeatSlow stops the beat of a peer that does not read, and ends it
// by the deadline of writing.
func TestOutletBeatSlow(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 400}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/", q.handler(time.Second, strings.Repeat(":", 300)))
		c := f.dial()
		c.Send(get("/"))
		o := f.opened(&q, 1)
		f.Advance(31 * time.Second)
		if !o.IsOpen() {
			t.Fatal("closed early")
		}
		if n := f.Server.Stats().OutputNodes; n != 1 {
			t.Errorf("%d pieces of output wait, want one beat", n)
		}
		f.Advance(10 * time.Second)
		wantClosed(t, o)
		c.wantAbort()
	})
}

// TestOutletGone has peers leave, or talk.
func TestOutletGone(t *testing.T) {
	for _, k := range []struct {
		name  string
		leave func(c *client)
	}{
		{"closed", func(c *client) { c.Conn.Close() }},
		{"half closed", func(c *client) { c.Conn.CloseWrite() }},
		{"talked, and closed", func(c *client) { c.Send("hello"); c.f.Settle(); c.Conn.CloseWrite() }},
		{"talked too much", func(c *client) { c.Pour(strings.Repeat("x", 128<<10)) }},
	} {
		run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
			var q outlets
			f.Handle("/", q.handler(0, ""))
			c := f.dial()
			c.Send(get("/"))
			c.wantNext(outletHead)
			o := f.opened(&q, 1)
			c.Send("a little")
			push(t, o, "still here")
			c.wantNext("still here")
			k.leave(c)
			f.Await(k.name+": free", func() bool { return f.Server.Stats().Open == 0 })
			wantClosed(t, o)
		})
	}
}

// TestOutletGoneAtOnce has the end of the peer come with its request, so that
// nothing tells of it after.
func TestOutletGoneAtOnce(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/", q.handler(0, ""))
		c := f.dial()
		f.Settle()
		if c.Peer != nil {
			c.Peer.TryWrite([]byte(get("/")))
		} else {
			io.WriteString(c.Conn, get("/"))
		}
		c.Conn.CloseWrite()
		o := f.opened(&q, 1)
		f.Await("free", func() bool { return f.Server.Stats().Open == 0 })
		wantClosed(t, o)
		c.wantEnd(outletHead)
	})
}

// TestOutletSlow has a peer that does not read, under each policy.
func TestOutletSlow(t *testing.T) {
	const pushes = 12
	for _, k := range []struct {
		policy bobtail.Overflow
		fails  bool
		open   bool
	}{
		{bobtail.DropNewest, true, true},
		{bobtail.DropOldest, false, true},
		{bobtail.CloseSlow, true, false},
	} {
		runMemory(t, memory.Config{Pipe: 600}, bobtail.Config{OutputBlockSize: 1024, OutputBlocks: 16}, func(t *testing.T, f *fixture) {
			var q outlets
			f.Handle("/", q.handler(0, ""))
			c := f.dial()
			c.Send(get("/"))
			o := f.opened(&q, 1)
			failed := 0
			for i := range pushes {
				s := strings.Repeat(string("0123456789ab"[i]), 500)
				if err := o.Push([]byte(s), 3, k.policy); err == pool.ErrBacklog || err == pool.ErrStale && !k.open {
					failed++
				} else if err != nil {
					t.Fatal(err)
				}
				f.Settle()
			}
			if k.fails != (failed > 0) || o.IsOpen() != k.open {
				t.Errorf("policy %d: %d pushes failed, open %v", k.policy, failed, o.IsOpen())
			}
			if !k.open {
				wantClosed(t, o)
				return
			}
			o.Close()
			got, err := c.All()
			if err != nil {
				t.Fatal(err)
			}
			got = strings.TrimPrefix(got, outletHead)
			seen := ""
			for len(got) > 0 {
				if len(got) < 500 || strings.Count(got[:500], got[:1]) != 500 {
					t.Fatalf("policy %d: a message is not whole: %s", k.policy, servertest.Brief(got))
				}
				seen += got[:1]
				got = got[500:]
			}
			t.Logf("policy %d: %s, %d failed", k.policy, seen, failed)
			if k.policy == bobtail.DropNewest && len(seen) != pushes-failed {
				t.Errorf("%d pushes failed, but %q arrived", failed, seen)
			}
			if k.policy == bobtail.DropOldest && !strings.HasSuffix(seen, "ab") {
				t.Errorf("%q arrived, want the newest at the end", seen)
			}
		})
	}
}

// TestOutletShutdown ends outlets in order, after what was pushed.
func TestOutletShutdown(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/", q.handler(time.Second, ":"))
		c := f.dial()
		c.Send(get("/"))
		c.wantNext(outletHead)
		o := f.opened(&q, 1)
		push(t, o, "the last")
		var over atomic.Bool
		go func() {
			if err := f.Server.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			over.Store(true)
		}()
		c.wantEnd("the last")
		c.Conn.Close()
		f.Await("shutdown", over.Load)
		wantClosed(t, o)
	})
}

// TestOutletMisuse has handlers do what they should not.
func TestOutletMisuse(t *testing.T) {
	for name, open := range map[string]func(h bobtail.Head) (bobtail.Body, bobtail.Outlet, error){
		"with a length": func(h bobtail.Head) (bobtail.Body, bobtail.Outlet, error) {
			return h.Header("Content-Length", "3").Open(0, "")
		},
		"negative time":   func(h bobtail.Head) (bobtail.Body, bobtail.Outlet, error) { return h.Open(-1, "") },
		"splitting field": func(h bobtail.Head) (bobtail.Body, bobtail.Outlet, error) { return h.Header("X", "a\r\nb").Open(0, "") },
	} {
		runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
			f.Handle("/", func(w bobtail.Response, r *bobtail.Request) error {
				_, o, err := open(w.Status(200))
				if wantClosed(t, o); err == nil {
					t.Errorf("%s: no error", name)
				}
				return err
			})
			c := f.dial()
			c.Send(get("/"))
			c.want("GET", 500, "Internal Server Error\n")
		})
	}
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/fails", func(w bobtail.Response, r *bobtail.Request) error {
			_, o, err := w.Status(200).Open(0, "")
			q.add(o)
			if err != nil {
				return err
			}
			return web.ErrArena
		})
		var errs [6]error
		f.Handle("/beats", func(w bobtail.Response, r *bobtail.Request) error {
			k := len(r.Query())
			_, o, err := w.Status(200).Open(1e9, strings.Repeat(":", k))
			errs[k] = err
			q.add(o)
			return err
		})
		c := f.dial()
		c.Send(get("/fails"))
		c.wantAbort()
		wantClosed(t, f.opened(&q, 1))
		for k := 1; k <= 5; k++ {
			f.dial().Send(get("/beats?" + strings.Repeat("x", k)))
			f.opened(&q, k+1)
			if want := map[bool]error{true: web.ErrBeats}[k > 4]; errs[k] != want {
				t.Errorf("beat %d: error %v", k, errs[k])
			}
		}
	})
	// Outside of a server there is nobody who could push.
	x, err := web.NewExchange(&http1.Parser{}, make([]byte, web.MinMemory), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	rw := struct {
		io.Reader
		io.Writer
	}{strings.NewReader(get("/")), &out}
	x.ServeStream(rw, func(w web.Response, r *web.Request) error {
		if _, err := r.Later(1); err != web.ErrNoServer {
			t.Errorf("Later: %v", err)
		}
		_, _, err := w.Status(200).Open(0, "")
		if err != web.ErrNoServer {
			t.Errorf("Open: %v", err)
		}
		return err
	})
	if !strings.HasPrefix(out.String(), "HTTP/1.1 500 ") {
		t.Errorf("answer %q", out.String())
	}
}

// TestOutletStress has publishers, and peers that come, read slowly and go.
func TestOutletStress(t *testing.T) {
	runReal(t, bobtail.Config{Sockets: 200, Workers: 4, OutputBlocks: 64}, func(t *testing.T, f *fixture) {
		var q outlets
		f.Handle("/", q.handler(20*time.Millisecond, "\n"))
		f.Start()
		var stop atomic.Bool
		var publishers sync.WaitGroup
		for k := range 2 {
			publishers.Go(func() {
				line := []byte(strings.Repeat(string(rune('a'+k)), 99) + "\n")
				for n := 0; !stop.Load(); n++ {
					for i, o := range q.all() {
						o.Push(line, 8, bobtail.Overflow((n+i)%3))
					}
					<-time.After(time.Millisecond)
				}
			})
		}
		var peers sync.WaitGroup
		for k := range 8 {
			peers.Go(func() {
				for n := range 15 {
					c, err := f.tryDial()
					if err != nil {
						t.Error(err)
						return
					}
					c.TrySend(get("/"))
					for range (n + k) % 20 {
						line, err := c.In.ReadString('\n')
						if err != nil {
							break // too slow, by its policy
						}
						if s := strings.Trim(line, "\n"); s != "" && len(s) == 99 && strings.Count(s, s[:1]) != 99 {
							t.Errorf("a message is not whole: %q", s)
						}
						if n%5 == 0 {
							<-time.After(time.Millisecond)
						}
					}
					c.Conn.Close()
				}
			})
		}
		f.AwaitAll("peers", &peers)
		stop.Store(true)
		f.AwaitAll("publishers", &publishers)
		f.Await("all free", func() bool { s := f.Server.Stats(); return s.Open == 0 && s.OutputBlocks == 0 && s.OutputNodes == 0 })
		for _, o := range q.all() {
			if o.IsOpen() {
				t.Error("an outlet is open")
			}
		}
	})
}
