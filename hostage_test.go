package bobtail_test

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// slow are the ways in which clients are slow. Each is begun by a request and
// goes on with a byte now and then.
var slow = []struct {
	name   string
	begin  string
	more   string // said a byte at a time
	stream bool   // the server may have a worker for it
}{
	{"a head that trickles", "GET /fast HTTP/1.1\r\nHost: ", strings.Repeat("a", 1000), false},
	{"a short upload", post("/len", strings.Repeat("x", 200))[:60], strings.Repeat("x", 100), false},
	{"a long upload to echo", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", strings.Repeat("x", 1000), true},
	{"a chunked upload to echo", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", strings.Repeat("x", 999), true},
	{"an upload to a sink", head("/sink", 100000), strings.Repeat("x", 1000), false},
	{"an upload that is not read", "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n", strings.Repeat("x", 1000), false},
	{"a large answer that is not read", get("/huge"), "", false},
	{"a large stream that is not read", get("/flood"), "", true},
	{"an upload whose echo is not read", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 10000), "", true},
	{"nothing", "", "", false},
	{"idle", get("/fast"), "", false},
}

// reclaim is how long a client waits at most for a worker that waits for
// another: the least time that a worker may wait, and some ticks.
const reclaim = 35 * time.Millisecond

// TestFourSlowClients is the promise of the project: with five sockets and
// two workers, or one, four slow clients of each kind do not delay the fifth.
func TestFourSlowClients(t *testing.T) {
	for _, workers := range []int{2, 1} {
		cfg := bobtail.Config{Workers: workers, Sockets: 5, WorkerMemory: 1024, Timeouts: bobtail.Timeouts{Body: time.Minute}}
		t.Run(strconv.Itoa(workers)+" workers", func(t *testing.T) {
			runVirtual(t, cfg, func(t *testing.T, f *fixture) {
				f.site()
				f.sink("PUT /sink", &sink{})
				f.Handle("GET /flood", flood)
				for _, kind := range slow {
					name := kind.name
					var cs []*client
					for range 4 {
						c := f.dial()
						cs = append(cs, c)
						c.Pour(kind.begin)
					}
					more := kind.more
					for range 10 {
						if t.Failed() {
							t.Fatalf("with four times %s", name)
						}
						for _, c := range cs {
							if more != "" {
								c.Pour(more[:1])
							}
						}
						if more != "" {
							more = more[1:]
						}
						f.Advance(100 * time.Millisecond)
						atMost := 10 * time.Millisecond
						if kind.stream {
							atMost = reclaim // of each that has its turn
							if workers == 1 {
								atMost = 4 * reclaim
							}
						}
						f.wantFast(atMost)
					}
					if s := f.Server.Stats(); !kind.stream && s.Lent != 0 {
						t.Errorf("%s: %d lent workers", name, s.Lent)
					}
					for _, c := range cs {
						c.reset()
					}
					f.Await("the end", func() bool { return f.Server.Stats().Open == 0 })
				}
			})
		})
	}
}

// TestFourSlowClientsInRealTime is the same on every backend.
func TestFourSlowClientsInRealTime(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Sockets: 5, WorkerMemory: 1024}
	run(t, cfg, func(t *testing.T, f *fixture) {
		f.site()
		f.sink("PUT /sink", &sink{})
		f.Handle("GET /flood", flood)
		for _, kind := range slow {
			var cs []*client
			for range 4 {
				c := f.dial()
				cs = append(cs, c)
				c.Pour(kind.begin)
			}
			for range 5 {
				for _, c := range cs {
					if kind.more != "" {
						c.Pour(kind.more[:1])
					}
				}
				f.wantFast(2 * reclaim)
			}
			for _, c := range cs {
				c.reset()
			}
			f.Await("the end of "+kind.name, func() bool { return f.Server.Stats().Open == 0 })
		}
	})
}

// flood answers without end.
func flood(w bobtail.Response, r *bobtail.Request) error {
	b, err := w.Status(200).Stream()
	for err == nil {
		_, err = b.Write(page)
	}
	return err
}

// TestReclaimed takes a waiting worker back when another client is ready: its
// handler is told, and its connection aborted.
func TestReclaimed(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 1, WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.fast()
		var told atomic.Value
		f.Handle("POST /read", func(w bobtail.Response, r *bobtail.Request) error {
			_, err := io.Copy(io.Discard, r)
			told.Store(err)
			return err
		})
		f.Handle("GET /write", func(w bobtail.Response, r *bobtail.Request) error {
			err := flood(w, r)
			told.Store(err)
			return err
		})
		for i, in := range []string{"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc", get("/write")} {
			c := f.dial()
			c.Send(in)
			if s := f.Server.Stats(); s.Lent != 1 || s.Busy != 1 || s.Reclaimed != uint64(i) {
				t.Fatalf("stats %+v", s)
			}
			f.wantFast(reclaim)
			c.wantAbort()
			if err := told.Load(); err != engine.ErrReclaimed {
				t.Errorf("the handler was told %v, want %v", err, engine.ErrReclaimed)
			}
			if s := f.Server.Stats(); s.Lent != 0 || s.Busy != 0 || s.Reclaimed != uint64(i)+1 || s.Open != 0 {
				t.Errorf("stats %+v", s)
			}
		}
	})
}

// TestHeld lets more requests wait for their content than workers may be lent.
// They have their turn one after the other, and nobody's turn is forgotten
// when another in the queue gives up or is closed.
func TestHeld(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2, WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.site()
		const size = 2000
		begin := func(n int) (cs []*client) {
			for range n {
				c := f.dial()
				before := f.Server.Stats()
				c.Send(post("/len", strings.Repeat("x", size))[:200])
				cs = append(cs, c)
				f.Await("its place in the queue", func() bool {
					s := f.Server.Stats()
					return s.Lent+s.Held == before.Lent+before.Held+1
				})
			}
			return cs
		}
		rest := strings.Repeat("x", size-200+len(post("/len", strings.Repeat("x", size)))-size)
		want := strconv.Itoa(size) + " " + strconv.Itoa(size*'x')

		cs := begin(4)
		f.Await("three held", func() bool { s := f.Server.Stats(); return s.Lent == 1 && s.Held == 3 })
		f.wantFast(step)
		for i, c := range cs { // in the order in which they came
			f.Await("the turn of "+strconv.Itoa(i), func() bool { s := f.Server.Stats(); return s.Lent == 1 && s.Held == 3-i })
			c.Send(rest)
			c.want("POST", 200, want)
			c.Conn.Close()
		}

		cs = begin(4) // one goes away, one is too late
		f.Advance(29900 * time.Millisecond)
		late := begin(1)[0]
		cs[1].reset()
		f.Settle()
		f.Advance(200 * time.Millisecond)
		for _, c := range cs[2:] {
			c.want("POST", 503, "")
		}
		late.Send(rest) // the first was given up too, so the last has its turn
		late.want("POST", 200, want)
		if s := f.Server.Stats(); s.Lent != 0 || s.Held != 0 {
			t.Errorf("%d lent, %d held", s.Lent, s.Held)
		}
	})
}

// TestStashFull lets more clients be slow than there is room for: the one that
// has stalled longest pays, never a prompt one.
func TestStashFull(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 1, Stash: 3, Sockets: 20}, func(t *testing.T, f *fixture) {
		f.site()
		var cs []*client
		for i := range 10 {
			c := f.dial()
			c.Send("GET /fa")
			cs = append(cs, c)
			f.Advance(100 * time.Millisecond)
			f.wantFast(0)
			if s := f.Server.Stats(); s.Stash != min(i+1, 3) || s.Stalled != uint64(max(i-2, 0)) {
				t.Fatalf("after %d: %d blocks, %d stalled", i+1, s.Stash, s.Stalled)
			}
		}
		for i, c := range cs {
			if i < 7 {
				c.want("GET", 408, "")
				c.wantEnd("")
				continue
			}
			c.Send("st HTTP/1.1\r\nHost: a\r\n\r\n")
			c.want("GET", 200, "fast\n")
		}
		if n := f.Server.Stats().Stash; n != 0 {
			t.Errorf("%d stash blocks are taken", n)
		}
	})
}

// TestEchoBothWays streams 20 MB to /echo while the answer is read.
func TestEchoBothWays(t *testing.T) {
	run(t, bobtail.Config{Workers: 2, WorkerMemory: 8192}, func(t *testing.T, f *fixture) {
		f.Handle("POST /echo", echo)
		f.fast()
		size := 20 << 20
		if f.Net != nil {
			size = 1 << 20 // each pipe of it is a step of virtual time
		}
		c := f.dial()
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			io.WriteString(c.Conn, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n")
			for i := 0; i < size; i += len(huge) / 4 {
				if _, err := c.Conn.Write(huge[i%len(huge):][:len(huge)/4]); err != nil {
					t.Errorf("after %d bytes: %v", i, err)
					return
				}
			}
		}()
		a := c.answer("POST")
		if a.StatusCode != 200 || a.err != nil || len(a.body) != size || a.body != strings.Repeat(string(huge), size/len(huge)) {
			t.Errorf("status %d, %d bytes of %d, error %v", a.StatusCode, len(a.body), size, a.err)
		}
		f.AwaitAll("the writer", &wg)
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
	})
}

// TestManySlowReaders has more clients that do not read than there are output
// blocks, and serves others still.
func TestManySlowReaders(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2, Sockets: 50, WorkerMemory: 1024, OutputBlocks: 4, OutputBlockSize: 64, Timeouts: bobtail.Timeouts{Handler: 10 * time.Second}}, func(t *testing.T, f *fixture) {
		f.site()
		var cs []*client
		for range 30 {
			c := f.dial()
			c.Pour(get("/huge") + get("/page") + get("/fast"))
			cs = append(cs, c)
			f.wantFast(reclaim)
		}
		f.Advance(time.Second)
		f.wantFast(reclaim)
		f.Advance(40 * time.Second) // all of them are given up
		for _, c := range cs {
			c.wantAbort()
		}
		f.Await("the end", func() bool { return f.Server.Stats().Open == 0 })
		if s := f.Server.Stats(); s.OutputBlocks != 0 || s.OutputNodes != 0 || s.LostNow != 0 || s.Busy != 0 {
			t.Errorf("stats %+v", s)
		}
		f.wantFast(0)
	})
}
