package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// push pushes text, and fails the test if that fails.
func (f *fixture) push(h pool.Handle, text string) {
	f.t.Helper()
	if err := f.e.Push(h, nil, []byte(text), 0, engine.DropNewest); err != nil {
		f.t.Fatalf("Push(%.40q) = %v", text, err)
	}
}

// TestPush pushes to a connection in each of its states.
func TestPush(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, h := f.open()
		f.push(h, "new\n")
		a.want("new\n")
		a.echo("x")
		f.push(h, "idle\n")
		a.want("idle\n")
		a.send("half")
		f.settle()
		f.push(h, "head\n")
		a.want("head\n")
		a.send(" a line\n")
		a.want("half a line\n")
		g := a.enter("block g")
		f.push(h, "in a handler\n")
		if f.net != nil {
			a.wantNothing() // the worker has the slot
		}
		g.pass()
		a.want("done g\nin a handler\n")
		a.send("read 3\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		f.push(h, "to a lent reader\n")
		a.want("to a lent reader\n")
		a.send("xyz")
		a.want("read 3\n")
		a.send("push from its own request\n")
		a.want("from its own request")
		a.echo("and on")
		f.quiet()
		f.count("pushed", f.e.Stats().Pushed, 6)
	})
}

// TestPushWhileHeld waits until the request goes on.
func TestPushWhileHeld(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, _ := f.open()
		a.send("read 3\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		b, h := f.open()
		b.send("read 3\n")
		f.until("hold", func() bool { return f.e.Stats().Held == 1 })
		f.push(h, "push\n")
		a.send("xyz")
		a.want("read 3\n")
		f.settle()
		b.send("xyz")
		b.read()
		f.until("answer", func() bool { b.read(); return len(b.got) == len("push\nread 3\n") })
		if s := string(b.got); s != "push\nread 3\n" && s != "read 3\npush\n" {
			t.Errorf("got %q", s)
		}
	})
}

// TestPushComesBetweenMessages and never into the midst of one.
func TestPushComesBetweenMessages(t *testing.T) {
	for _, line := range []string{"write 5000\n", "static 5000\n", "copy 1500\n"} {
		c := usual()
		c.mem.Pipe = 300
		bubble(t, c, func(f *fixture) {
			a, h := f.open()
			a.send(line)
			f.settle()
			f.push(h, "<push one>")
			f.push(h, "<push two>")
			n := 5000
			if strings.HasPrefix(line, "copy") {
				n = 1500
			}
			a.want(string(static[:n]) + "<push one><push two>")
			a.echo("and on")
			f.quiet()
		})
	}
}

// TestRestGoesBeforePushes is for an answer that neither fits into the network
// nor into the output blocks: its rest is written by a handler, and what was
// pushed since it began comes after.
func TestRestGoesBeforePushes(t *testing.T) {
	c := usual()
	c.mem.Pipe = 300
	c.Pool.Blocks, c.Pool.Nodes = 2, 2
	bubble(t, c, func(f *fixture) {
		other, ho := f.open()
		other.send("static 1000\n") // takes a node
		f.settle()
		f.push(ho, "takes the other")
		a, h := f.open()
		a.send("long 5000\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		if err := f.e.Push(h, nil, []byte("<no room>"), 0, engine.DropNewest); err != pool.ErrFull {
			t.Errorf("Push without a block = %v, want %v", err, pool.ErrFull)
		}
		other.want(string(static[:1000]) + "takes the other")
		f.push(h, "<push>")
		a.want(string(static[:5000]) + "<push>")
		f.quiet()
	})
}

// TestOverflow is each policy, with a peer that takes nothing.
func TestOverflow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy engine.Overflow
		want   string // after what has been on its way
		drops  uint64
	}{
		{"drop the newest", engine.DropNewest, "<0><1><2>", 3},
		{"drop the oldest", engine.DropOldest, "<3><4><5>", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			c.mem.Pipe = 300
			f := polls(t, c)
			a, h := f.open()
			a.send("static 1000\n")
			f.settle()
			for i := range 6 {
				// The answer is a piece too.
				err := f.e.Push(h, nil, fmt.Appendf(nil, "<%d>", i), 4, tt.policy)
				if want := error(pool.ErrBacklog); i < 3 || tt.policy == engine.DropOldest {
					if err != nil {
						t.Errorf("push %d: %v", i, err)
					}
				} else if err != want {
					t.Errorf("push %d: %v, want %v", i, err, want)
				}
			}
			a.want(string(static[:1000]) + tt.want)
			a.echo("and on")
			f.count("dropped", f.e.Stats().PushDropped, tt.drops)
		})
	}
}

// TestCloseSlow ends the connection of a slow consumer, whoever has it.
func TestCloseSlow(t *testing.T) {
	for _, tt := range []struct {
		name string
		slow func(c *client)
	}{
		{"blocked", func(c *client) { c.send("static 1000\n") }},
		{"in a handler", func(c *client) { c.enter("block g") }},
		{"lent to write", func(c *client) {
			c.send("write 1000\n")
			c.f.until("lend", func() bool { return c.f.e.Stats().Lent == 1 })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			c.mem.Pipe = 300
			bubble(t, c, func(f *fixture) {
				a, h := f.open()
				tt.slow(a)
				f.settle()
				var err error
				for i := 0; i < 10 && err == nil; i++ {
					err = f.e.Push(h, nil, []byte("push"), 4, engine.CloseSlow)
				}
				if err != pool.ErrBacklog {
					t.Errorf("Push = %v, want %v", err, pool.ErrBacklog)
				}
				if g, ok := f.d.gates.Load("g"); ok {
					g.(*gate).pass()
				}
				f.until("end", func() bool { return f.e.Stats().Open == 0 })
				a.wantReset()
				f.quiet()
			})
		})
	}
}

// TestKill ends a connection in each of its states.
func TestKill(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *client)
	}{
		{"new", func(c *client) {}},
		{"idle", func(c *client) { c.echo("x") }},
		{"in a head", func(c *client) { c.send("half") }},
		{"blocked", func(c *client) { c.send(fmt.Sprintf("static %d\n", much)) }},
		{"in a handler", func(c *client) { c.enter("block g") }},
		{"lent to read", func(c *client) { c.send("read 10\n"); c.lent() }},
		{"lent to write", func(c *client) { c.send(fmt.Sprintf("write %d\n", much)); c.lent() }},
		{"draining", func(c *client) { c.send("linger\n"); c.want("linger\n") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, usual(), func(f *fixture) {
				a, h := f.open()
				tt.do(a)
				f.settle()
				if err := f.e.Kill(h); err != nil {
					t.Fatalf("Kill = %v", err)
				}
				if g, ok := f.d.gates.Load("g"); ok {
					g.(*gate).pass()
				}
				f.until("end", func() bool { return f.e.Stats().Open == 0 })
				if tt.name != "draining" { // it has had its end
					a.wantReset()
				}
				f.quiet()
				if err := f.e.Kill(h); err != pool.ErrStale {
					t.Errorf("Kill again = %v", err)
				}
				if err := f.e.Wake(h); err != pool.ErrStale {
					t.Errorf("Wake after Kill = %v", err)
				}
			})
		})
	}
}

// lent waits until a worker is lent.
func (c *client) lent() {
	c.f.until("lend", func() bool { return c.f.e.Stats().Lent == 1 })
}

func TestWake(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, h := f.open()
		a.echo("x")
		for range 10 {
			before := f.d.served.Load()
			if err := f.e.Wake(h); err != nil {
				t.Fatal(err)
			}
			f.until("serve", func() bool { return f.d.served.Load() > before })
		}
		// A handler that waits is not disturbed.
		a.send("read 3\n")
		a.lent()
		for range 10 {
			f.e.Wake(h)
		}
		a.send("xyz")
		a.want("read 3\n")
		a.echo("and on")
	})
}

// TestAlarm has slots that wait for the program: at the time that was set they
// are served, and stay; what comes before is served too; and without a time
// they wait for ever.
func TestAlarm(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, h := f.open()
		b, _ := f.open()
		b.send("alarm 0\n")
		const long = 3 * second / 2
		for _, d := range []int64{second, long, 1} {
			before := f.net.Now()
			a.send(fmt.Sprintf("alarm %d\n", d))
			a.want("alarm\n")
			if took := f.net.Now() - before; took < d || took > d+second/10 {
				t.Errorf("an alarm of %d ns came after %d", d, took)
			}
		}
		a.send(fmt.Sprintf("alarm %d\n", long))
		f.settle()
		a.echo("first") // and the alarm is off
		a.send(fmt.Sprintf("alarm %d\n", long))
		f.settle()
		if err := f.e.Push(h, nil, []byte("pushed\n"), 0, engine.DropNewest); err != nil {
			t.Fatal(err)
		}
		a.want("pushed\n")
		a.want("alarm\n")
		b.echo("still here")
		if n := f.e.Stats().Timeouts[engine.PhaseAlarm]; n != 0 {
			t.Errorf("%d alarms count as timeouts", n)
		}
	})
}

// TestNoSilentLoss is invariant 6: each message that a push has accepted
// arrives, whole, in the order of its pusher, while workers serve the same
// connections and pushers race each other.
func TestNoSilentLoss(t *testing.T) {
	const pushers, rounds = 4, 1000
	c := usual()
	c.Pool.Blocks, c.Pool.Nodes = 64, 64
	c.Pool.BlockSize = 64
	everywhere(t, c, func(f *fixture) {
		var cs []*client
		var hs []pool.Handle
		for range 2 {
			c, h := f.open()
			cs, hs = append(cs, c), append(hs, h)
		}
		accepted := make([][]int, pushers*len(cs)) // by pusher and client
		var all sync.WaitGroup
		for p := range pushers {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(p), 1))
				for i := range rounds {
					k := rng.IntN(len(cs))
					// Some are longer than a block.
					text := fmt.Appendf(nil, "<%d %d %s>", p, i, strings.Repeat("x", rng.IntN(150)))
					switch err := f.e.Push(hs[k], nil, text, 0, engine.DropNewest); err {
					case nil:
						accepted[p*len(cs)+k] = append(accepted[p*len(cs)+k], i)
					case pool.ErrFull, pool.ErrBacklog:
						runtime.Gosched()
					default:
						t.Errorf("Push = %v", err)
					}
				}
			})
		}
		echoes := 0
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
				runtime.Gosched()
			}
			for k, c := range cs {
				c.send(fmt.Sprintf("<echo %d %d>\n", k, echoes))
				if f.net != nil {
					c.readNow()
				}
			}
			echoes++
			if f.net == nil {
				for k, c := range cs { // its echo comes among the pushes
					c.readTo(fmt.Sprintf("<echo %d %d>\n", k, echoes-1))
				}
			}
		}
		for k, c := range cs {
			c.send("<end>\n")
			c.readTo("<end>\n")
			checkPushes(t, k, c.got, accepted, pushers, len(cs), echoes)
		}
		f.quiet()
	})
}

// readNow reads what is there.
func (c *client) readNow() { c.f.settle(); c.read() }

// readTo reads until text is there.
func (c *client) readTo(text string) {
	c.f.t.Helper()
	c.f.until("read "+text, func() bool {
		if !bytes.Contains(c.got, []byte(text)) {
			c.read()
		}
		return bytes.Contains(c.got, []byte(text)) || c.err != nil
	})
}

func checkPushes(t *testing.T, k int, got []byte, accepted [][]int, pushers, clients, echoes int) {
	t.Helper()
	next := make([]int, pushers)
	echo := 0
	for _, m := range strings.SplitAfter(string(got), ">") {
		m = strings.TrimPrefix(m, "\n")
		var p, i, n int
		if _, err := fmt.Sscanf(m, "<echo %d %d>", &p, &n); err == nil {
			if p != k || n != echo {
				t.Errorf("client %d: echo %q is out of order", k, m)
			}
			echo++
			continue
		}
		if m == "" || m == "<end>" {
			continue
		}
		if _, err := fmt.Sscanf(m, "<%d %d ", &p, &i); err != nil || p < 0 || p >= pushers || strings.Trim(m, "<0123456789 x>") != "" || !strings.HasSuffix(m, ">") {
			t.Fatalf("client %d: a message is cut or mixed: %q", k, m)
		}
		want := accepted[p*clients+k]
		if next[p] >= len(want) || want[next[p]] != i {
			t.Fatalf("client %d: message %d of pusher %d is out of order or was not accepted", k, i, p)
		}
		next[p]++
	}
	for p := range pushers {
		if want := accepted[p*clients+k]; next[p] != len(want) {
			t.Errorf("client %d: %d messages of pusher %d have arrived, %d were accepted", k, next[p], p, len(want))
		}
	}
	if echo != echoes {
		t.Errorf("client %d: %d echoes of %d", k, echo, echoes)
	}
}

// TestPushBeforeTheEnd wants what was accepted before a connection is finished
// to go out before it ends.
func TestPushBeforeTheEnd(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, h := f.open()
		g := a.enter("block g")
		f.push(h, "pushed\n")
		a.send("bye\n")
		g.pass()
		a.ended("done g\npushed\nbye\n")
	})
	bubble(t, usual(), func(f *fixture) {
		a, h := f.open()
		f.d.during = func(w *engine.Worker, s *pool.Slot) { f.push(h, "pushed\n") }
		a.send("bye\n")
		a.ended("bye\npushed\n")
	})
}

// TestPushRacesTheEnd pushes while connections end: a push fails as stale, or
// is lost with its connection, but never reaches the next one.
func TestPushRacesTheEnd(t *testing.T) {
	c := usual()
	c.Pool.Slots = 1
	everywhere(t, c, func(f *fixture) {
		for i := range 100 {
			a, h := f.open()
			name := fmt.Sprintf("<%d>", i)
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					for range 20 {
						if f.e.Push(h, nil, []byte(name), 2, engine.DropOldest) == pool.ErrStale {
							return
						}
					}
				})
			}
			a.send("bye\n")
			f.until("end", func() bool {
				a.read()
				return a.err != nil
			})
			all.Wait()
			rest := strings.ReplaceAll(string(a.got), name, "")
			if rest != "bye\n" && !strings.HasPrefix("bye\n", rest) {
				t.Fatalf("connection %d got %q", i, a.got)
			}
			a.conn.Close()
			f.until("release", func() bool { return f.e.Stats().Open == 0 })
		}
	})
}

// TestPushBlock shares one block among many.
func TestPushBlock(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		o := &f.e.Pool().Outputs
		var cs []*client
		var hs []pool.Handle
		for range 6 {
			c, h := f.open()
			cs, hs = append(cs, c), append(hs, h)
		}
		for round := range 20 {
			b, err := o.Get()
			if err != nil {
				t.Fatal(err)
			}
			data := o.Bytes(b)[:copy(o.Bytes(b), fmt.Sprintf("round %d\n", round))]
			for _, h := range hs {
				if err := f.e.PushBlock(h, data, b, 4, engine.DropOldest); err != nil {
					t.Fatal(err)
				}
			}
			o.Put(b)
			for _, c := range cs {
				c.want(fmt.Sprintf("round %d\n", round))
			}
			if n, _ := o.Used(); n != 0 {
				t.Fatalf("%d blocks are in use when all have it", n)
			}
		}
	})
}
