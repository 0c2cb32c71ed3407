package bobtail_test

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// runLoop runs the body on a server that the body drives itself, on memory.
func runLoop(t *testing.T, mem memory.Config, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	runMemory(t, mem, cfg, func(t *testing.T, f *fixture) {
		f.loop = true
		body(t, f)
	})
}

// TestPollVectors gives the same answers from a loop as from goroutines, and
// the same bytes each time.
func TestPollVectors(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		f.site()
		for _, v := range vectors {
			in := v.in + behind
			whole := ""
			for i, way := range splittest.Ways(len(in)) {
				got := f.exchange(in, way.Ends)
				if i == 0 {
					whole = got
					v.check(t, got)
				} else if got != whole {
					t.Errorf("%s: %s gives another answer than whole:\n%q\n%q", v.name, way.Name, got, whole)
					break
				}
			}
		}
	})
}

// TestPollFaults runs the vectors over a network with faults.
func TestPollFaults(t *testing.T) {
	for seed := range uint64(10) {
		mem := memory.Config{Seed: seed, Holds: int(seed%2) * 300, Faults: memory.Faults{ShortReads: 400, ShortWrites: 400, WouldBlock: 300, Spurious: 200}}
		runLoop(t, mem, bobtail.Config{WorkerMemory: 1024, OutputBlocks: 100}, func(t *testing.T, f *fixture) {
			f.site()
			for _, v := range vectors {
				in := v.in + behind
				v.check(t, f.exchange(in, []int{len(in)}))
			}
		})
	}
}

// meanwhile does something as soon as the server waits inside of a handler.
func (f *fixture) meanwhile(do func()) {
	go func() {
		synctest.Wait()
		do()
	}()
}

// TestPollNested has a handler wait for its content inside of Poll.
func TestPollNested(t *testing.T) {
	const size = 5000
	content := strings.Repeat("x", size)
	setup := func(t *testing.T, body func(t *testing.T, f *fixture, c *client, told *atomic.Value)) {
		runLoop(t, memory.Config{}, bobtail.Config{WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
			f.fast()
			var told atomic.Value
			f.handle("POST /read", func(w bobtail.Response, r *bobtail.Request) error {
				n, err := io.Copy(io.Discard, r)
				if err != nil {
					told.Store(err)
					return err
				}
				return w.Text(strconv.FormatInt(n, 10))
			})
			c := f.dial()
			f.settle()
			body(t, f, c, &told)
		})
	}
	in := post("/read", content)
	t.Run("the rest comes", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			f.meanwhile(func() { c.peer.Write([]byte(in[1000:])) })
			c.send(in[:1000])
			c.want("POST", 200, "5000")
		})
	})
	t.Run("another client is ready", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			other := f.dial()
			f.settle()
			f.meanwhile(func() { other.peer.Write([]byte(get("/fast"))) })
			c.send(in[:1000])
			c.wantAbort()
			other.want("GET", 200, "fast\n")
			if err := told.Load(); err != engine.ErrReclaimed {
				t.Errorf("the handler was told %v, want %v", err, engine.ErrReclaimed)
			}
			if s := f.srv.Stats(); s.Reclaimed != 1 || s.Open != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	})
	t.Run("another client comes", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			var other *client
			f.meanwhile(func() {
				p, _ := f.net.Connect(f.addr)
				other = f.adopt(p)
				p.Write([]byte(get("/fast")))
			})
			c.send(in[:1000])
			other.want("GET", 200, "fast\n")
		})
	})
	t.Run("nothing comes", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			f.meanwhile(func() {
				f.net.Advance(int64(29 * time.Second))
				synctest.Wait()
				if told.Load() != nil {
					t.Error("too early")
				}
				f.net.Advance(int64(1100 * time.Millisecond))
			})
			c.send(in[:1000])
			c.want("POST", 408, "Request Timeout\n")
			if err := told.Load(); err != engine.ErrSlow {
				t.Errorf("the handler was told %v, want %v", err, engine.ErrSlow)
			}
		})
	})
	t.Run("the client goes away", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			f.meanwhile(func() { c.peer.Reset() })
			c.trySend(in[:1000])
			f.settle()
			if err := told.Load(); err != transport.ErrReset {
				t.Errorf("the handler was told %v, want %v", err, transport.ErrReset)
			}
		})
	})
}

// TestPollDeadlines has Poll say when it must be called again.
func TestPollDeadlines(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		if next := f.poll(); next != transport.Forever {
			t.Errorf("nothing to do, and Poll wants to be called at %d", next)
		}
		c := f.dial()
		soon := func(what string, d time.Duration) {
			t.Helper()
			began := f.net.Now()
			for calls := 1; ; calls++ { // it may be called earlier than it must, but not often
				c.wantSilence()
				next := f.poll()
				f.net.AdvanceTo(next)
				in := time.Duration(next - began)
				if in > d+20*time.Millisecond || calls > 3 {
					t.Fatalf("%s: Poll wants to be called the %d. time after %v, want %v", what, calls, in, d)
				}
				if in >= d {
					break
				}
			}
			f.poll()
		}
		c.send("GET /fa")
		soon("head", 30*time.Second)
		c.want("GET", 408, "")
		c.conn.Close()
		c = f.dial()
		soon("open", 30*time.Second)
		c.wantEnd("")
		c = f.dial()
		c.send(get("/fast"))
		c.want("GET", 200, "fast\n")
		soon("idle", 75*time.Second)
		c.wantEnd("")
	})
}

// TestWait ends a Wait by an event, a deadline, and a push.
func TestWait(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var h bobtail.Handle
		f.handle("GET /handle", func(w bobtail.Response, r *bobtail.Request) error {
			h = r.Handle()
			return w.Text("x")
		})
		c := f.dial()
		c.send(get("/handle"))
		c.want("GET", 200, "x")
		f.poll()

		f.meanwhile(func() { c.peer.Write([]byte(get("/handle"))) })
		if err := f.srv.Wait(transport.Forever); err != nil {
			t.Fatal(err)
		}
		c.want("GET", 200, "x")

		at := f.net.Now() + int64(time.Second)
		f.meanwhile(func() { f.net.Advance(int64(time.Second)) })
		if err := f.srv.Wait(at); err != nil || f.net.Now() != at {
			t.Fatalf("error %v at %d, want %d", err, f.net.Now(), at)
		}

		f.meanwhile(func() {
			if err := f.srv.Push(h, []byte("pushed"), 0, engine.DropNewest); err != nil {
				t.Error(err)
			}
			// A push to a parked slot is sent by the pusher, and has the loop
			// look no earlier than it must.
			f.net.Wake(0)
		})
		if err := f.srv.Wait(transport.Forever); err != nil {
			t.Fatal(err)
		}
		f.poll()
		c.next("pushed")
	})
	runLoop(t, memory.Config{Lanes: 2}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		if err := f.srv.Wait(0); err != engine.ErrLanes {
			t.Errorf("Wait on two lanes: %v, want %v", err, engine.ErrLanes)
		}
		for range 4 { // Poll looks at both
			c := f.dial()
			c.send(get("/fast"))
			c.want("GET", 200, "fast\n")
		}
	})
}

// TestPollOrStart has either, not both.
func TestPollOrStart(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.poll()
		if err := f.srv.Start(); err != engine.ErrRunning {
			t.Errorf("Start after Poll: %v", err)
		}
	})
	runMemory(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.start()
		if err := f.srv.Start(); err != engine.ErrRunning {
			t.Errorf("Start twice: %v", err)
		}
		if _, err := f.srv.Poll(0); err != engine.ErrRunning {
			t.Errorf("Poll after Start: %v", err)
		}
		if err := f.srv.Wait(0); err != engine.ErrRunning {
			t.Errorf("Wait after Start: %v", err)
		}
	})
}

// TestPollShutdown ends a server that is driven by a loop, with clients.
func TestPollShutdown(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		idle, silent, never := f.dial(), f.dial(), f.dial()
		idle.send(get("/fast"))
		idle.want("GET", 200, "fast\n")
		// Shutdown polls, and waits for the network, which moves only if time
		// does.
		ended := make(chan bool)
		f.meanwhile(func() {
			defer close(ended)
			silent.peer.Write([]byte(get("/fast")))
			for !f.backend.closed.Load() {
				synctest.Wait()
				f.net.Advance(int64(10 * time.Millisecond))
			}
		})
		if err := f.srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-ended
		f.loop = false
		idle.wantEnd("")
		if a := silent.want("GET", 200, "fast\n"); !a.Close {
			t.Error("the answer does not say that the connection ends")
		}
		silent.wantEnd("")
		never.wantEnd("")
	})
}
