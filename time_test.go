package bobtail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// TestTimeouts lets a client be slow in each phase, and wants the deadline to
// be absolute: no earlier, no more than a step later, and not moved by bytes
// that trickle in.
func TestTimeouts(t *testing.T) {
	timeouts := bobtail.Timeouts{
		Open: 10 * time.Second, Head: 11 * time.Second, Idle: 12 * time.Second, Handler: 40 * time.Second,
		Held: 14 * time.Second, Drain: 5 * time.Second, Body: 15 * time.Second, Write: 16 * time.Second, Rate: 1000,
	}
	runVirtual(t, bobtail.Config{Timeouts: timeouts}, func(t *testing.T, f *fixture) {
		f.site()
		for _, c := range []struct {
			name    string
			in      string // at first
			trickle string // one byte a second after
			after   time.Duration
			phase   engine.Phase
			want    string // what comes then, before the end
		}{
			{"nothing sent", "", "", timeouts.Open, engine.PhaseOpen, ""},
			{"a head that trickles", "GET /fast HT", "TP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaa", timeouts.Head, engine.PhaseHead, "408"},
			{"a head that stalls", "G", "", timeouts.Head, engine.PhaseHead, "408"},
			{"half an empty line", "\r", "", timeouts.Open, engine.PhaseOpen, ""},
			{"idle", get("/fast"), "", timeouts.Idle, engine.PhaseIdle, ""},
			{"idle, but for an empty line", get("/fast"), "\r\n", timeouts.Idle, engine.PhaseIdle, ""},
			{"a second head that trickles", get("/fast"), "GET /fast HTTP/1.1\r\nHost: aaaaaa", timeouts.Head, engine.PhaseHead, "408"},
			{"short content that stalls", post("/len", "abcdefghij")[:60], "", timeouts.Body, engine.PhaseBody, "408"},
			{"long content that stalls", post("/len", strings.Repeat("x", 50000))[:2000], "", timeouts.Body, engine.PhaseBody, "408"},
			{"content that is not read and stalls", post("/ignore", strings.Repeat("x", 50000))[:2000], "", timeouts.Body, engine.PhaseBody, ""},
			{"chunks that stall", "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "", timeouts.Body, engine.PhaseBody, "408"},
			{"short content that trickles", post("/len", strings.Repeat("x", 80))[:70], strings.Repeat("x", 40), timeouts.Body, engine.PhaseBody, "408"},
		} {
			before := f.Server.Stats()
			cl := f.dial()
			cl.Send(c.in)
			if strings.HasPrefix(c.in, "GET /fast HTTP/1.1\r\nHost") {
				cl.want("GET", 200, "fast\n")
			}
			if strings.HasPrefix(c.in, "POST /ignore") {
				cl.want("POST", 200, "ignored")
			}
			began := f.Net.Now()
			trickle := c.trickle
			early := c.after - 2*step
			if c.name == "a second head that trickles" {
				early += time.Second // its first byte comes then
			}
			for time.Duration(f.Net.Now()-began) < early {
				f.Advance(min(time.Second, early-time.Duration(f.Net.Now()-began)))
				if trickle != "" && time.Duration(f.Net.Now()-began) < early {
					cl.Send(trickle[:1])
					trickle = trickle[1:]
				}
			}
			if !cl.wantSilence() {
				t.Fatalf("%s: too early", c.name)
			}
			f.Advance(50 * time.Millisecond) // deadlines are kept in ticks of 17 ms
			if c.want != "" {
				a := cl.answer("GET")
				if a.Status[:3] != c.want || !a.Close {
					t.Errorf("%s: answer %s, close %v", c.name, a.Status, a.Close)
				}
			}
			cl.wantEnd("")
			after := f.Server.Stats()
			after.Timeouts[c.phase] -= before.Timeouts[c.phase]
			for p, n := range after.Timeouts {
				if engine.Phase(p) == c.phase && n != 1 || engine.Phase(p) != c.phase && n != before.Timeouts[p] {
					t.Errorf("%s: timeouts %v, before %v, want one more of %v", c.name, after.Timeouts, before.Timeouts, c.phase)
				}
			}
			cl.Conn.Close()
			f.Settle()
			f.Await("the end", func() bool { return f.Server.Stats().Open == 0 })
		}
	})
}

// TestTimeoutsInRealTime shows that the clocks of real backends are looked at.
// Only the phase that is to end is short, as long as a busy machine may take to
// get there.
func TestTimeoutsInRealTime(t *testing.T) {
	const short, long = 100 * time.Millisecond, time.Minute
	for _, c := range []struct {
		name, in, want string
		phase          func(*bobtail.Timeouts) *time.Duration
	}{
		{"open", "", "", func(o *bobtail.Timeouts) *time.Duration { return &o.Open }},
		{"head", "GET /", "HTTP/1.1 408 ", func(o *bobtail.Timeouts) *time.Duration { return &o.Head }},
		{"idle", get("/fast"), ok("fast\n"), func(o *bobtail.Timeouts) *time.Duration { return &o.Idle }},
		{"body", post("/len", "abc")[:52], "HTTP/1.1 408 ", func(o *bobtail.Timeouts) *time.Duration { return &o.Body }},
		{"long body", post("/len", strings.Repeat("x", 50000))[:2000], "HTTP/1.1 408 ", func(o *bobtail.Timeouts) *time.Duration { return &o.Body }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := bobtail.Config{Timeouts: bobtail.Timeouts{Open: long, Head: long, Idle: long, Body: long, Drain: short}}
			*c.phase(&cfg.Timeouts) = short
			runReal(t, cfg, func(t *testing.T, f *fixture) {
				f.site()
				began := time.Now()
				cl := f.dial()
				cl.Send(c.in)
				got, err := cl.All()
				if took := time.Since(began); err != nil || !strings.HasPrefix(got, c.want) || took < short {
					t.Errorf("got %q, error %v after %v", got, err, took)
				}
			})
		})
	}
}

// TestDrain lets a client go on sending, or do nothing, after it was refused.
func TestDrain(t *testing.T) {
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		c := f.dial()
		c.Send("GET / HTTP/9.9\r\n\r\n")
		c.want("GET", 505, "HTTP Version Not Supported\n")
		c.wantEnd("") // our end; his is awaited
		for range 4 {
			f.Advance(time.Second)
			c.Send("more")
		}
		if n := f.Server.Stats().Open; n != 1 {
			t.Errorf("%d connections", n)
		}
		f.Advance(1100 * time.Millisecond)
		if s := f.Server.Stats(); s.Open != 0 || s.Timeouts[engine.PhaseDrain] != 1 {
			t.Errorf("%d connections, timeouts %v", s.Open, s.Timeouts)
		}

		c = f.dial() // who sends on and on is reset
		c.Send("GET / HTTP/9.9\r\n\r\n")
		c.want("GET", 505, "HTTP Version Not Supported\n")
		var err error
		for range 200 {
			if err = c.TrySend(strings.Repeat("more", 4<<10)); err != nil {
				break
			}
		}
		if err == nil {
			t.Error("3 MiB were thrown away, and more would be")
		}
	})
}

// TestSlowReader reads nothing, or slowly, of an answer that is larger than all
// memory: no worker is held, and the client is given up in the end.
func TestSlowReader(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 1, WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.site()
		stalled := f.dial()
		stalled.Send(get("/huge"))
		f.Advance(29 * time.Second)
		if s := f.Server.Stats(); s.Lent != 0 || s.Busy != 0 || s.Open != 1 || s.Parked != 1 {
			t.Errorf("stats %+v", s)
		}
		f.wantFast(0)
		f.Advance(2 * time.Second)
		stalled.wantAbort()
		if s := f.Server.Stats(); s.Open != 0 || s.Timeouts[engine.PhaseWrite] != 1 {
			t.Errorf("%d connections, timeouts %v", s.Open, s.Timeouts)
		}

		slow := f.dial() // 100 bytes a second is less than the rate
		slow.Send(get("/huge"))
		took := 0
		var b [100]byte
		for took < 300 {
			f.Advance(time.Second)
			if _, err := slow.Peer.TryRead(b[:]); err != nil {
				break
			}
			took++
		}
		if took == 300 {
			t.Error("a client that is too slow was never given up")
		}
		f.wantFast(0)

		steady := f.dial() // 4096 a second is enough
		steady.Send(get("/huge"))
		n := 0
		for n < len(huge) {
			f.Advance(time.Second)
			var b [4096]byte
			k, err := steady.Peer.TryRead(b[:])
			if n += k; err != nil {
				t.Fatalf("after %d bytes: %v", n, err)
			}
		}
	})
}

// TestHandlerTimeout lets handlers run for too long: the client is answered for
// them, another worker takes their place, and all is well when they return.
func TestHandlerTimeout(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Spare: 2, Timeouts: bobtail.Timeouts{Handler: 5 * time.Second}}
	run := func(t *testing.T, stuck bobtail.Handler, wake chan bool, f *fixture) {
		f.fast()
		f.Handle("GET /stuck", stuck)
		cs := []*client{f.dial(), f.dial(), f.dial(), f.dial()}
		for _, c := range cs[:2] {
			c.Send(get("/stuck"))
		}
		f.Advance(4900 * time.Millisecond)
		for _, c := range cs[:2] {
			c.wantSilence()
		}
		f.Advance(200 * time.Millisecond)
		for _, c := range cs[:2] {
			a := c.want("GET", 503, "")
			if !a.Close || a.Header.Get("Retry-After") == "" {
				t.Errorf("answer %v", a.Response)
			}
			c.wantEnd("")
		}
		if s := f.Server.Stats(); s.LostNow != 2 || s.Lost != 2 || s.HandlerTimeout != 2 {
			t.Errorf("lost %d, now %d, timeouts %d", s.Lost, s.LostNow, s.HandlerTimeout)
		}
		f.wantFast(0) // by the spare workers
		f.wantFast(0)
		for _, c := range cs[2:] { // which may be lost too
			c.Send(get("/stuck"))
		}
		f.Advance(5100 * time.Millisecond)
		for _, c := range cs[2:] {
			c.want("GET", 503, "")
			c.wantEnd("")
		}
		for range 4 {
			wake <- true
		}
		f.Await("the return of workers", func() bool { return f.Server.Stats().LostNow == 0 })
		f.wantFast(0)
		if s := f.Server.Stats(); s.Lost != 4 || s.Busy != 0 || s.Open > 4 {
			t.Errorf("stats %+v", s)
		}
	}
	t.Run("asleep", func(t *testing.T) {
		runVirtual(t, cfg, func(t *testing.T, f *fixture) {
			wake := make(chan bool)
			run(t, func(w bobtail.Response, r *bobtail.Request) error {
				<-wake
				if err := w.Text("too late"); err != nil {
					return err
				}
				return nil
			}, wake, f)
		})
	})
	t.Run("uses what it has lost", func(t *testing.T) {
		runVirtual(t, cfg, func(t *testing.T, f *fixture) {
			wake := make(chan bool)
			run(t, func(w bobtail.Response, r *bobtail.Request) error {
				<-wake
				if !r.Remote().IsUnset() {
					t.Error("the handler sees a stranger's address")
				}
				b, err := w.Status(200).Stream()
				if err != nil {
					return err
				}
				b.WriteString(strings.Repeat("x", 100000))
				if err = b.Flush(); err == nil {
					t.Error("the handler writes to a stranger")
				}
				if _, err = r.Read(make([]byte, 10)); err == nil {
					t.Error("the handler reads from a stranger")
				}
				return err
			}, wake, f)
		})
	})
}

// TestHandlerTimeoutLate lets a handler stop in the midst of its answer, which
// can then only be aborted; and behind a pipelined one, whose answer must not
// be taken for his.
func TestHandlerTimeoutLate(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Spare: 2, Timeouts: bobtail.Timeouts{Handler: 5 * time.Second}}
	runVirtual(t, cfg, func(t *testing.T, f *fixture) {
		f.fast()
		wake := make(chan bool)
		f.Handle("GET /begun", func(w bobtail.Response, r *bobtail.Request) error {
			b, err := w.Status(200).Stream()
			if err != nil {
				return err
			}
			b.WriteString("some")
			b.Flush()
			<-wake
			return nil
		})
		f.Handle("GET /stuck", func(w bobtail.Response, r *bobtail.Request) error {
			<-wake
			return nil
		})
		c := f.dial()
		c.Send(get("/begun"))
		f.Advance(5100 * time.Millisecond)
		if got := c.wantAbort(); strings.Contains(got, "503") {
			t.Errorf("got %q", got)
		}
		wake <- true

		c = f.dial()
		c.Send(get("/fast") + get("/stuck"))
		f.Advance(5100 * time.Millisecond)
		got, _ := c.All()
		if got != "" && !strings.HasPrefix(got, ok("fast\n")) {
			t.Errorf("the answer to the first request was %q", got)
		}
		wake <- true
		f.wantFast(0)
	})
}

// TestSleepingHandlers lets handlers sleep on all workers but one. Others are
// served meanwhile, those whose events came with the sleepers' too.
func TestSleepingHandlers(t *testing.T) {
	run(t, bobtail.Config{Workers: 4}, func(t *testing.T, f *fixture) {
		f.fast()
		wake := make(chan bool)
		f.Handle("GET /sleep", func(w bobtail.Response, r *bobtail.Request) error {
			<-wake
			return w.Text("awake")
		})
		f.Start()
		var sleepers []*client
		for range 3 {
			c := f.dial()
			sleepers = append(sleepers, c)
			c.Send(get("/sleep"))
		}
		f.Await("three sleepers", func() bool { return f.Server.Stats().Busy == 3 })
		for range 20 {
			f.wantFast(10 * time.Millisecond) // the monitor looks every 2 ms
		}
		for range 3 {
			wake <- true
		}
		for _, c := range sleepers {
			c.want("GET", 200, "awake")
			c.Send(get("/fast"))
			c.want("GET", 200, "fast\n")
		}
	})
}
