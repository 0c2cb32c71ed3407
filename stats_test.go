package bobtail_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// TestStats wants the numbers after a known sequence to be exact.
func TestStats(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 4, Sockets: 20, WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		f.site()
		f.sink("PUT /sink", &sink{})
		wake := make(chan bool)
		f.Handle("GET /sleep", func(w bobtail.Response, r *bobtail.Request) error {
			<-wake
			return w.Text("x")
		})
		var received, sent uint64
		ask := func(c *client, in string, status int) {
			t.Helper()
			c.Send(in)
			received += uint64(len(in))
			method, _, _ := strings.Cut(in, " ")
			if a := c.answer(method); a.StatusCode != status {
				t.Errorf("%q: status %d, want %d", in, a.StatusCode, status)
			}
		}
		c := f.dial()
		ask(c, get("/fast"), 200)
		ask(c, get("/none"), 204)
		ask(c, get("/same"), 304)
		ask(c, get("/nowhere"), 404)
		ask(c, post("/fast", ""), 405)
		ask(c, post("/len", "abc"), 200)
		ask(c, get("/coded"), 429)
		c.wantEnd("")
		c.Conn.Close()
		c2 := f.dial()
		ask(c2, get("/panic"), 500)
		c2.wantEnd("")
		c2.Conn.Close()
		c3 := f.dial()
		ask(c3, "\x16", 400)
		c3.Conn.Close()
		f.Settle()
		sent = c.Peer.Received() + c2.Peer.Received() + c3.Peer.Received()

		want := bobtail.Stats{Requests: [6]uint64{0, 0, 3, 1, 4, 1}}
		want.Accepted, want.Panics = 3, 1
		want.Received, want.Sent = received, sent
		want.Sockets, want.Workers = 20, 4
		if got := f.Server.Stats(); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}

		// What is there now.
		idle := f.dial()
		ask(idle, get("/fast"), 200)
		head := f.dial()
		head.Send("GET /")
		sleeper := f.dial()
		sleeper.Send(get("/sleep"))
		lent := f.dial()
		lent.Send(post("/len", strings.Repeat("x", 5000))[:2000])
		reader := f.dial()
		reader.Send(get("/huge"))
		f.Await("all in place", func() bool { s := f.Server.Stats(); return s.Busy == 2 && s.Parked == 3 && s.OutputNodes > 0 })
		got := f.Server.Stats()
		if got.Open != 5 || got.Lent != 1 || got.Stash != 1 || got.Queued != 0 || got.Held != 0 || got.LostNow != 0 {
			t.Errorf("%+v", got)
		}
		wake <- true
		sleeper.want("GET", 200, "x")
		f.close()
	})
}

// TestStatsWhileServing reads the numbers under load, for the race detector.
func TestStatsWhileServing(t *testing.T) {
	run(t, bobtail.Config{Workers: 4}, func(t *testing.T, f *fixture) {
		f.site()
		f.Start()
		var wg sync.WaitGroup
		for range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 20 {
					c, err := f.tryDial()
					if err != nil {
						t.Error(err)
						return
					}
					c.Alone = true
					fmt.Fprint(c.Conn, get("/fast")+post("/len", "abc")+closeAt("/stream"))
					c.All()
					c.Conn.Close()
				}
			}()
		}
		var last bobtail.Stats
		f.Await("240 requests", func() bool {
			s := f.Server.Stats()
			if s.Requests.Total() < last.Requests.Total() || s.Received < last.Received || s.Open > 64 || s.Busy > 6 {
				t.Errorf("%+v after %+v", s, last)
			}
			last = s
			return s.Requests.Total() == 240
		})
		f.AwaitAll("the clients", &wg)
		f.Await("the end", func() bool { return f.Server.Stats().Open == 0 })
		if s := f.Server.Stats(); s.Requests != [6]uint64{2: 240} || s.Accepted != 80 {
			t.Errorf("%+v", s)
		}
	})
}

// TestHooks wants the log, the access log and the panic hook to tell what has
// happened.
func TestHooks(t *testing.T) {
	var mu sync.Mutex
	var events, requests, panics []string
	note := func(list *[]string, format string, args ...any) {
		mu.Lock()
		*list = append(*list, fmt.Sprintf(format, args...))
		mu.Unlock()
	}
	cfg := bobtail.Config{
		Workers:  2,
		Timeouts: bobtail.Timeouts{Handler: 5 * time.Second},
		Log: func(e bobtail.Event) {
			if e.Time == 0 {
				t.Errorf("event without a time: %+v", e)
			}
			note(&events, "%v %d", e.Kind, e.Code)
		},
		Access: func(r *bobtail.Request, code int, bytes, took int64) {
			note(&requests, "%s %s %d %d %v", r.MethodName(), r.Path(), code, bytes, time.Duration(took))
		},
		Panic: func(r *bobtail.Request, v any) { note(&panics, "%s %v", r.Path(), v) },
	}
	runVirtual(t, cfg, func(t *testing.T, f *fixture) {
		events, requests, panics = nil, nil, nil
		f.site()
		f.sink("PUT /sink", &sink{panics: true})
		wake := make(chan bool)
		f.Handle("GET /sleep", func(w bobtail.Response, r *bobtail.Request) error {
			<-wake
			return w.Text("x")
		})
		c := f.dial()
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
		for _, path := range []string{"/huge", "/fast"} {
			c.Send("HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			c.answer("HEAD")
		}
		c.Send(get("/stream"))
		c.want("GET", 200, "one two")
		c.Send(get("/panic"))
		c.answer("GET")
		c.Conn.Close()
		c = f.dial()
		c.Send(put("/sink", "?"))
		c.answer("PUT")
		c.Conn.Close()
		c = f.dial()
		c.Send("\x16")
		c.want("GET", 400, "Bad Request\n")
		c.Conn.Close()
		c = f.dial()
		c.Send("GET /")
		f.Advance(31 * time.Second)
		c.want("GET", 408, "")
		c.Conn.Close()
		c = f.dial()
		c.Send(get("/sleep"))
		f.Advance(3 * time.Second)
		wake <- true
		c.want("GET", 200, "x")
		c.Conn.Close()
		c = f.dial()
		c.Send(get("/sleep"))
		f.Advance(6 * time.Second)
		c.want("GET", 503, "")
		wake <- true
		c.Conn.Close()
		f.Settle()
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(events, "\n")
		for _, want := range []string{"accepted 0", "closed ", "panic ", "bad input ", "timeout 3", "handler timeout ", "deposed "} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in the log:\n%s", want, all)
			}
		}
		if n := strings.Count(all, "accepted 0"); n != 6 {
			t.Errorf("%d accepted in the log", n)
		}
		wantRequests := []string{"GET /fast 200 5 0s", "HEAD /huge 200 0 0s", "HEAD /fast 200 0 0s", "GET /stream 200 7 0s", "GET /panic 500 22 0s"}
		for i, want := range wantRequests {
			if i >= len(requests) || requests[i] != want {
				t.Errorf("requests\n%s\nwant first\n%s", strings.Join(requests, "\n"), strings.Join(wantRequests, "\n"))
				break
			}
		}
		if !strings.HasPrefix(requests[len(requests)-1], "GET /sleep 200 1 3s") {
			t.Errorf("the last request is %q", requests[len(requests)-1])
		}
		if len(panics) != 2 || panics[0] != "/panic the handler panics" || panics[1] != "/sink the piece is not wanted" {
			t.Errorf("panics %q", panics)
		}
	})
}

// TestPush sends to connections from other goroutines.
func TestPush(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		handles := make(chan bobtail.Handle, 1)
		f.Handle("GET /handle", func(w bobtail.Response, r *bobtail.Request) error {
			handles <- r.Handle()
			return w.Text("x")
		})
		c := f.dial()
		c.Send(get("/handle"))
		c.want("GET", 200, "x")
		h := <-handles
		const n = 50
		var wg sync.WaitGroup
		for g := range 2 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := range n {
					for {
						err := f.Server.Push(h, []byte(fmt.Sprintf("%c%02d;", 'a'+g, i)), 0, engine.DropNewest)
						if err == nil {
							break
						}
						if err != pool.ErrFull && err != pool.ErrBacklog {
							t.Error(err)
							return
						}
					}
				}
			}()
		}
		f.AwaitAll("the pushers", &wg)
		next := [2]int{}
		for range 2 * n {
			var b [4]byte
			c.ReadFull(b[:])
			g := int(b[0] - 'a')
			if g > 1 || string(b[1:3]) != fmt.Sprintf("%02d", next[g]) {
				t.Fatalf("got %q, want %d or %d", b, next[0], next[1])
			}
			next[g]++
		}
		c.Conn.Close()
		f.Await("the end", func() bool { return f.Server.Stats().Open == 0 })
		if err := f.Server.Push(h, []byte("x"), 0, engine.DropNewest); err != pool.ErrStale {
			t.Errorf("push to a connection that is over: %v", err)
		}
		if err := f.Server.Push(0, []byte("x"), 0, engine.DropNewest); err != pool.ErrStale {
			t.Errorf("push to nobody: %v", err)
		}
		if err := f.Server.Push(1<<31, []byte("x"), 0, engine.DropNewest); err != pool.ErrStale {
			t.Errorf("push to no slot: %v", err)
		}
		f.Server.Shutdown(context.Background())
	})
}
