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
		f.Loop = true
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
			f.Handle("POST /read", func(w bobtail.Response, r *bobtail.Request) error {
				n, err := io.Copy(io.Discard, r)
				if err != nil {
					told.Store(err)
					return err
				}
				return w.Text(strconv.FormatInt(n, 10))
			})
			c := f.dial()
			f.Settle()
			body(t, f, c, &told)
		})
	}
	in := post("/read", content)
	t.Run("the rest comes", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			f.meanwhile(func() { c.Peer.Write([]byte(in[1000:])) })
			c.Send(in[:1000])
			c.want("POST", 200, "5000")
		})
	})
	t.Run("another client is ready", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			other := f.dial()
			f.Settle()
			f.meanwhile(func() { other.Peer.Write([]byte(get("/fast"))) })
			c.Send(in[:1000])
			c.wantAbort()
			other.want("GET", 200, "fast\n")
			if err := told.Load(); err != engine.ErrReclaimed {
				t.Errorf("the handler was told %v, want %v", err, engine.ErrReclaimed)
			}
			if s := f.Server.Stats(); s.Reclaimed != 1 || s.Open != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	})
	t.Run("another client comes", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			var other *client
			f.meanwhile(func() {
				p, _ := f.Net.Connect(f.Addr)
				other = f.client(f.Adopt(p))
				p.Write([]byte(get("/fast")))
			})
			c.Send(in[:1000])
			other.want("GET", 200, "fast\n")
		})
	})
	t.Run("nothing comes", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			f.meanwhile(func() {
				f.Net.Advance(int64(29 * time.Second))
				synctest.Wait()
				if told.Load() != nil {
					t.Error("too early")
				}
				f.Net.Advance(int64(1100 * time.Millisecond))
			})
			c.Send(in[:1000])
			c.want("POST", 408, "Request Timeout\n")
			if err := told.Load(); err != engine.ErrSlow {
				t.Errorf("the handler was told %v, want %v", err, engine.ErrSlow)
			}
		})
	})
	t.Run("the client goes away", func(t *testing.T) {
		setup(t, func(t *testing.T, f *fixture, c *client, told *atomic.Value) {
			f.meanwhile(func() { c.Peer.Reset() })
			c.TrySend(in[:1000])
			f.Settle()
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
		if next := f.Poll(); next != transport.Forever {
			t.Errorf("nothing to do, and Poll wants to be called at %d", next)
		}
		c := f.dial()
		soon := func(what string, d time.Duration) {
			t.Helper()
			began := f.Net.Now()
			for calls := 1; ; calls++ { // it may be called earlier than it must, but not often
				c.wantSilence()
				next := f.Poll()
				f.Net.AdvanceTo(next)
				in := time.Duration(next - began)
				if in > d+20*time.Millisecond || calls > 3 {
					t.Fatalf("%s: Poll wants to be called the %d. time after %v, want %v", what, calls, in, d)
				}
				if in >= d {
					break
				}
			}
			f.Poll()
		}
		c.Send("GET /fa")
		soon("head", 30*time.Second)
		c.want("GET", 408, "")
		c.Conn.Close()
		c = f.dial()
		soon("open", 30*time.Second)
		c.wantEnd("")
		c = f.dial()
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
		soon("idle", 75*time.Second)
		c.wantEnd("")
	})
}

// TestWait ends a Wait by an event, a deadline, and a push.
func TestWait(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var h bobtail.Handle
		f.Handle("GET /handle", func(w bobtail.Response, r *bobtail.Request) error {
			h = r.Handle()
			return w.Text("x")
		})
		c := f.dial()
		c.Send(get("/handle"))
		c.want("GET", 200, "x")
		f.Poll()

		f.meanwhile(func() { c.Peer.Write([]byte(get("/handle"))) })
		if err := f.Server.Wait(transport.Forever); err != nil {
			t.Fatal(err)
		}
		c.want("GET", 200, "x")

		at := f.Net.Now() + int64(time.Second)
		f.meanwhile(func() { f.Net.Advance(int64(time.Second)) })
		if err := f.Server.Wait(at); err != nil || f.Net.Now() != at {
			t.Fatalf("error %v at %d, want %d", err, f.Net.Now(), at)
		}

		f.meanwhile(func() {
			if err := f.Server.Push(h, []byte("pushed"), 0, engine.DropNewest); err != nil {
				t.Error(err)
			}
			// A push to a parked slot is sent by the pusher, and has the loop
			// look no earlier than it must.
			f.Net.Wake(0)
		})
		if err := f.Server.Wait(transport.Forever); err != nil {
			t.Fatal(err)
		}
		f.Poll()
		c.Want("pushed")
	})
	runLoop(t, memory.Config{Lanes: 2}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		if err := f.Server.Wait(0); err != engine.ErrLanes {
			t.Errorf("Wait on two lanes: %v, want %v", err, engine.ErrLanes)
		}
		for range 4 { // Poll looks at both
			c := f.dial()
			c.Send(get("/fast"))
			c.want("GET", 200, "fast\n")
		}
	})
}

// TestPollOrStart has either, not both.
func TestPollOrStart(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.Poll()
		if err := f.Server.Start(); err != engine.ErrRunning {
			t.Errorf("Start after Poll: %v", err)
		}
	})
	runMemory(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.Start()
		if err := f.Server.Start(); err != engine.ErrRunning {
			t.Errorf("Start twice: %v", err)
		}
		if _, err := f.Server.Poll(0); err != engine.ErrRunning {
			t.Errorf("Poll after Start: %v", err)
		}
		if err := f.Server.Wait(0); err != engine.ErrRunning {
			t.Errorf("Wait after Start: %v", err)
		}
	})
}

// TestPollShutdown ends a server that is driven by a loop, with clients.
func TestPollShutdown(t *testing.T) {
	runLoop(t, memory.Config{}, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		idle, silent, never := f.dial(), f.dial(), f.dial()
		idle.Send(get("/fast"))
		idle.want("GET", 200, "fast\n")
		// Shutdown polls, and waits for the network, which moves only if time
		// does.
		ended := make(chan bool)
		f.meanwhile(func() {
			defer close(ended)
			silent.Peer.Write([]byte(get("/fast")))
			for !f.BackendClosed() {
				synctest.Wait()
				f.Net.Advance(int64(10 * time.Millisecond))
			}
		})
		if err := f.Server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-ended
		f.Loop = false
		idle.wantEnd("")
		if a := silent.want("GET", 200, "fast\n"); !a.Close {
			t.Error("the answer does not say that the connection ends")
		}
		silent.wantEnd("")
		never.wantEnd("")
	})
}
