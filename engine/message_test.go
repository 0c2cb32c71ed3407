package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// TestPushOfTwoParts sends them as one message.
func TestPushOfTwoParts(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, h := f.open()
		for _, k := range [][2]string{{"head ", "body\n"}, {"", "body\n"}, {"head\n", ""}, {"", ""}, {"h", string(static[:1000])}} {
			if err := f.e.Push(h, []byte(k[0]), []byte(k[1]), 0, engine.DropNewest); err != nil {
				t.Fatal(err)
			}
			a.want(k[0] + k[1])
		}
		f.quiet()
	})
}

// pushers push numbered messages until they are refused, or stopped.
type pushers struct {
	wg      sync.WaitGroup
	over    atomic.Bool
	taken   [2]atomic.Int64 // of each
	refused [2]error
}

func (f *fixture) pushers(h pool.Handle) *pushers {
	p := &pushers{}
	for k := range p.taken {
		p.wg.Go(func() {
			for i := 0; !p.over.Load(); {
				name := fmt.Sprintf("[%c%d", 'A'+k, i)
				err := f.e.Push(h, []byte(name), []byte("]"), 4, engine.DropNewest)
				switch err {
				case nil:
					i++
					p.taken[k].Add(1)
				case pool.ErrBacklog, pool.ErrFull:
					if f.net != nil {
						return // who sleeps in a bubble does not wait
					}
				default:
					p.refused[k] = err
					return
				}
			}
		})
	}
	return p
}

// sort takes apart what a client got: whole messages of the owner, and those of
// the pushers, in their order.
func (p *pushers) sort(t *testing.T, got string) (own string) {
	t.Helper()
	next := [2]int64{}
	for got != "" {
		switch got[0] {
		case '(':
			i := strings.IndexByte(got, ')')
			if i < 0 || strings.ContainsAny(got[1:i], "([]") {
				t.Fatalf("in the midst of a message: %.60q", got)
			}
			own, got = own+got[:i+1], got[i+1:]
		case '[':
			name, rest, ok := strings.Cut(got[1:], "]")
			if !ok || len(name) < 2 || name[1:] != fmt.Sprint(next[name[0]-'A']) {
				t.Fatalf("got message [%.20s], not %d", name, next)
			}
			next[name[0]-'A']++
			got = rest
		default:
			own, got = own+got[:1], got[1:]
		}
	}
	for k := range next {
		if n := p.taken[k].Load(); n != next[k] {
			t.Errorf("of %d messages of pusher %d, %d have come", n, k, next[k])
		}
	}
	return own
}

// until reads until the client has got text at the end.
func (c *client) until(text string) string {
	c.f.t.Helper()
	c.f.until("read "+text, func() bool {
		if !strings.HasSuffix(string(c.got), text) {
			c.read()
		}
		return strings.HasSuffix(string(c.got), text) || c.err != nil
	})
	s := string(c.got)
	c.got = nil
	return s
}

// TestHoldAgainstPushers has others push while a driver, or a handler, is midway
// in a message again and again.
func TestHoldAgainstPushers(t *testing.T) {
	for _, k := range []struct {
		name string
		n    int
		say  func(c *client, n int)
		want func(i int) string
	}{
		{"driver", 60, func(c *client, n int) {
			for i := range n {
				c.send("piece (\n")
				c.send(fmt.Sprintf("piece %s\n", static[:i%50]))
				c.send("final )\n")
			}
		}, nil},
		{"handler", 300, func(c *client, n int) { c.send(fmt.Sprintf("talk %d\n", n)) }, nil},
	} {
		c := usual()
		c.mem.Pipe = 40
		t.Run(k.name, func(t *testing.T) {
			everywhere(t, c, func(f *fixture) {
				a, h := f.open()
				p := f.pushers(h)
				k.say(a, k.n)
				want := ""
				for i := range k.n {
					want += fmt.Sprintf("(%s)", static[:i%50])
				}
				a.send("over\n")
				f.until("read it all", func() bool {
					if !strings.Contains(string(a.got), "over\n") {
						a.read()
					}
					return strings.Contains(string(a.got), "over\n") || a.err != nil
				})
				p.over.Store(true)
				p.wg.Wait()
				if err := f.e.Push(h, []byte("#"), nil, 0, engine.DropNewest); err != nil {
					t.Fatal(err)
				}
				if own := p.sort(t, a.until("#")); own != want+"over\n#" {
					t.Errorf("the owner's messages are %.100q, want %.100q", own, want)
				}
				a.echo("and on")
				f.quiet()
			})
		})
	}
}

// TestHoldWhileParked pushes to a slot that is parked midway in a message.
func TestHoldWhileParked(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, h := f.open()
		a.send("piece (one\n")
		a.want("(one")
		f.push(h, "[push]")
		a.wantNothing()
		a.send("piece  two\n")
		a.want(" two")
		f.push(h, "[push 2]")
		a.wantNothing()
		a.send("final )\n")
		a.want(")[push][push 2]")
		a.echo("and on")
		f.quiet()
	})
}

// TestHoldInHandler is the same for one that waits.
func TestHoldInHandler(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, h := f.open()
		a.send(fmt.Sprintf("chat %d\n", 5*second))
		f.settle()
		a.send("(")
		a.want("got (\n")
		f.push(h, "[push]")
		a.wantNothing()
		a.send("x")
		a.want("got x\n")
		a.wantNothing()
		a.send(")")
		a.want("got )\n[push]")
		f.push(h, "[now]")
		a.want("[now]")
		a.send(".")
		a.want("got .\n")
		f.quiet()
	})
}

// TestPushLast takes messages until the last one, sends all that it has taken,
// and nothing behind.
func TestPushLast(t *testing.T) {
	c := usual()
	c.mem.Pipe = 60
	everywhere(t, c, func(f *fixture) {
		for round := range 20 {
			a, h := f.open()
			p := f.pushers(h)
			if round%2 == 0 {
				f.until("push some", func() bool { return p.taken[0].Load()+p.taken[1].Load() > 0 })
			}
			var err error
			f.until("push the last", func() bool {
				err = f.e.PushLast(h, []byte("la"), []byte("st"), false)
				if err == pool.ErrFull {
					a.read()
				}
				return err != pool.ErrFull
			})
			if err != nil {
				t.Fatal(err)
			}
			p.over.Store(f.net != nil) // some have given up
			p.wg.Wait()
			for k := range p.refused {
				if p.refused[k] != pool.ErrSealed && f.net == nil {
					t.Errorf("pusher %d was refused with %v", k, p.refused[k])
				}
			}
			before := f.e.Stats()
			if err := f.e.PushLast(h, nil, []byte("x"), true); err != pool.ErrSealed {
				t.Errorf("a second last message: %v", err)
			}
			if err := f.e.Push(h, nil, []byte("x"), 1, engine.CloseSlow); err != pool.ErrSealed {
				t.Errorf("a push behind it: %v", err)
			}
			if err := f.e.PushBlock(h, []byte("x"), pool.NoBlock, 1, engine.DropOldest); err != pool.ErrSealed {
				t.Errorf("a block behind it: %v", err)
			}
			if now := f.e.Stats(); now.PushDropped != before.PushDropped || now.Pushed != before.Pushed {
				t.Errorf("refusals are counted: %+v", now)
			}
			if own := p.sort(t, a.until("last")); own != "last" {
				t.Errorf("got %q", own)
			}
			a.echo("its driver goes on")
			a.conn.Close()
			f.until("end", func() bool { return f.e.Stats().Open == 0 })
		}
	})
}

// TestPushLastDrops what has not begun to go to a peer who reads nothing.
func TestPushLastDrops(t *testing.T) {
	c := usual()
	c.mem.Pipe = 100
	bubble(t, c, func(f *fixture) {
		a, h := f.open()
		f.push(h, string(static[:400])) // of two blocks, and has begun
		for i := range 3 {
			f.push(h, fmt.Sprintf("[%d]", i))
		}
		before := f.e.Stats()
		if err := f.e.PushLast(h, []byte("la"), []byte("st"), true); err != nil {
			t.Fatal(err)
		}
		if s := f.e.Stats(); s.PushDropped != before.PushDropped+3 || s.Pushed != before.Pushed+1 {
			t.Errorf("%d dropped, %d pushed", s.PushDropped-before.PushDropped, s.Pushed-before.Pushed)
		}
		a.want(string(static[:400]) + "last")
		a.wantNothing()
		a.conn.Close()
		f.until("end", func() bool { return f.e.Stats().Open == 0 })
		if err := f.e.PushLast(h, nil, []byte("x"), true); err != pool.ErrStale {
			t.Errorf("to a connection that is over: %v", err)
		}
	})
}

// TestSealByDriver lets the driver speak on.
func TestSealByDriver(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, h := f.open()
		f.push(h, "before\n")
		a.want("before\n")
		a.send("seal sealed\n")
		a.want("sealed")
		if err := f.e.Push(h, nil, []byte("x"), 0, engine.DropNewest); err != pool.ErrSealed {
			t.Errorf("Push: %v", err)
		}
		a.echo("and on")
		a.conn.Close()
		f.until("end", func() bool { return f.e.Stats().Open == 0 })
		a, h = f.chats(5 * second)
		a.send("s")
		a.want("got s\n")
		a.send("x")
		a.want("got x\n") // so it has sealed
		if err := f.e.Push(h, nil, []byte("x"), 0, engine.DropNewest); err != pool.ErrSealed {
			t.Errorf("Push: %v", err)
		}
		a.send(".")
		a.want("got .\n")
		f.quiet()
	})
}

// chats is a client in a chat whose handler waits d at a time.
func (f *fixture) chats(d int64) (a *client, h pool.Handle) {
	f.t.Helper()
	a, h = f.open()
	a.send(fmt.Sprintf("chat %d\n", d))
	f.until("wait", func() bool { return f.e.Stats().Lent == 1 })
	return a, h
}

// TestReadWithin waits as long as it is told, which ends nothing and is not
// counted.
func TestReadWithin(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, h := f.chats(2 * second)
		f.advance(2*second - millisecond)
		a.wantNothing()
		f.advance(10 * millisecond)
		a.want("slow\n")
		// A push is sent while it waits, and does not move the limit.
		f.advance(second)
		f.push(h, "push\n")
		a.want("push\n")
		f.advance(second - 100*millisecond)
		a.wantNothing()
		f.advance(120 * millisecond)
		a.want("slow\n")
		f.advance(second)
		a.send("x")
		a.want("got x\n")
		f.advance(second)
		if f.e.Watching() {
			t.Error("the monitor is at work for a handler that waits")
		}
		f.advance(second - 50*millisecond)
		a.wantNothing()
		a.send("n")
		a.want("got n\nnow \"\" engine: peer too slow\n")
		a.send(".")
		a.want("got .\n")
		s := f.e.Stats()
		for ph, n := range s.Timeouts {
			if n != 0 {
				t.Errorf("%d timeouts in phase %v are counted", n, engine.Phase(ph))
			}
		}
		f.count("lost handlers", s.Lost, 0)
		a.echo("and on")
		f.quiet()
	})
}

// TestStuckAfterReadWithin has a handler wait as the leader of a lane, with the
// monitor asleep, and then do something else for long: the others of its lane do
// not wait for it.
func TestStuckAfterReadWithin(t *testing.T) {
	for _, how := range []string{"bytes", "push", "wake"} {
		t.Run(how, func(t *testing.T) {
			c := usual()
			c.Workers, c.mem.Lanes = 2, 2 // no worker is idle
			bubble(t, c, func(f *fixture) {
				a, h := f.open()
				f.open()
				b, _ := f.open() // of the same lane as a
				b.echo("x")
				a.send(fmt.Sprintf("chat %d\n", 10*second))
				f.until("wait", func() bool { return f.e.Stats().Lent == 1 })
				f.until("let the monitor sleep", func() bool { return !f.e.Watching() })
				g := f.d.gate("w")
				switch how {
				case "push":
					f.push(h, "push\n")
					a.want("push\n")
				case "wake":
					f.e.Wake(h)
				}
				a.send("w")
				<-g.entered
				b.echo("meanwhile")
				g.pass()
				a.want("got w\n")
				a.send(".")
				a.want("got .\n")
				f.quiet()
			})
		})
	}
}

// TestReadAfterReadWithin has its own time.
func TestReadAfterReadWithin(t *testing.T) {
	c := usual()
	c.Patience.Handler = 100 * second
	bubble(t, c, func(f *fixture) {
		a, _ := f.chats(30 * second)
		a.send("r")
		a.want("got r\n")
		f.advance(5 * second)
		a.send("x")
		a.want("then x\n")
		f.advance(20 * second) // more than a body may take
		a.send("r")
		a.want("got r\n")
		f.advance(6 * second)
		a.send("y")
		a.want("then y\n")
		a.send("r")
		a.want("got r\n")
		f.advance(8 * second)
		f.count("timeouts of a body", f.e.Stats().Timeouts[engine.PhaseBody], 1)
		if errs := f.d.failures(); len(errs) != 1 || errs[0] != engine.ErrSlow {
			t.Errorf("the handler got %v", errs)
		}
		a.wantReset()
	})
}

// TestReadWithinPeerGoes ends as Read does.
func TestReadWithinPeerGoes(t *testing.T) {
	for _, how := range []string{"close", "reset", "kill"} {
		everywhere(t, usual(), func(f *fixture) {
			a, h := f.chats(100 * second)
			switch how {
			case "close":
				a.conn.CloseWrite()
			case "reset":
				a.conn.Reset()
			case "kill":
				f.e.Kill(h)
			}
			f.until("end", func() bool { return f.e.Stats().Open == 0 })
			if errs := f.d.failures(); len(errs) != 1 {
				t.Errorf("%s: the handler got %v", how, errs)
			}
			f.quiet()
		})
	}
}

// TestReadWithinTellsOfShutdown at once, and once.
func TestReadWithinTellsOfShutdown(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, _ := f.chats(1000 * second)
		over := f.e.Shutdown()
		a.want("closing\n")
		a.send("x")
		a.want("got x\n")
		a.send(".")
		a.want("got .\n")
		a.wantEnd("")
		a.conn.Close()
		f.until("be over", func() bool {
			select {
			case <-over:
				return true
			default:
				return false
			}
		})
	})
}

// TestReadWithinAfterShutdown tells of it before it waits, but gives what is
// there.
func TestReadWithinAfterShutdown(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, _ := f.open()
		g := f.d.gate("g")
		a.send(fmt.Sprintf("block g\nchat %d\n", second))
		<-g.entered
		f.e.Shutdown()
		g.pass()
		a.want("done g\nclosing\n")
		f.advance(second + 10*millisecond)
		a.want("slow\n")
		a.send(".")
		a.want("got .\n")
	})
}

// TestExtend keeps a handler alive for longer than others may be, whether it
// waits or not, and not for ever.
func TestExtend(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, _ := f.chats(50 * second)
		for range 5 {
			f.advance(15 * second) // others may take 20
			a.send("e")
			a.want("got e\n")
		}
		f.count("lost handlers", f.e.Stats().Lost, 0)
		f.advance(31 * second)
		if errs := f.d.failures(); len(errs) != 1 || errs[0] != engine.ErrDeadline {
			t.Errorf("the handler got %v", errs)
		}
		a.wantReset()
		b, _ := f.chats(1e6 * second)
		b.send("E")
		b.want("got E\n")
		f.e.Kill(f.handle())
		f.until("end", func() bool { return f.e.Stats().Open == 0 })
		f.quiet()
	})
}

// TestExtendTooLate fails when the deadline has passed.
func TestExtendTooLate(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		late := make(chan [5]error, 1)
		f.d.slow = func() {}
		a, _ := f.open()
		g := f.d.gate("g")
		var w *engine.Worker
		f.d.during = func(now *engine.Worker, s *pool.Slot) { w = now }
		f.d.slow = func() {
			close(g.entered)
			<-g.open
			_, err := w.Stream().ReadWithin(make([]byte, 1), second)
			_, none := w.Stream().ReadWithin(nil, second)
			late <- [5]error{w.Stream().Extend(second), w.Stream().Hold(true), w.Stream().Seal(), err, none}
		}
		a.send("block x\n")
		<-g.entered
		f.d.slow, f.d.during = nil, nil
		f.advance(21 * second)
		a.wantEnd("farewell handler\n")
		f.d.gate("x").pass()
		g.pass()
		if got := <-late; got != [5]error{engine.ErrDeadline, engine.ErrDeadline, engine.ErrDeadline, engine.ErrDeadline, nil} {
			t.Errorf("the calls return %v", got)
		}
	})
}

// TestWorkersAndSocketsSeen looks at both while they are at work.
func TestWorkersAndSocketsSeen(t *testing.T) {
	c := usual()
	c.Workers, c.Spare = 3, 1
	bubble(t, c, func(f *fixture) {
		doing := func() (s string) {
			for id := range f.e.MaxWorkers() {
				v := f.e.WorkerAt(id)
				s += v.Doing.String()[:2]
				if v.Slot >= 0 {
					s += fmt.Sprint(v.Slot)
				}
				s += " "
			}
			return s
		}
		sorted := func(want string) {
			t.Helper()
			f.settle()
			got := strings.Fields(doing())
			for _, w := range strings.Fields(want) {
				i := 0
				for i < len(got) && got[i] != w {
					i++
				}
				if i == len(got) {
					t.Errorf("workers are doing %q, want %q", doing(), want)
					return
				}
				got = append(got[:i], got[i+1:]...)
			}
		}
		socket := func(i int, st pool.State, ph engine.Phase, idle bool) {
			t.Helper()
			f.settle()
			if got, want := f.e.Socket(i), (engine.SlotView{State: st, Phase: ph, Driver: 0, Idle: idle}); got != want {
				t.Errorf("socket %d is seen as %+v, want %+v", i, got, want)
			}
		}
		sorted("po id id id")
		socket(0, pool.Free, 0, false)
		a, _ := f.open()
		socket(0, pool.Parked, engine.PhaseOpen, false)
		a.echo("x")
		socket(0, pool.Parked, engine.PhaseIdle, true)
		a.send("half")
		socket(0, pool.Parked, engine.PhaseHead, false)
		a.send("\n")
		a.want("half\n")
		a.send("chat 1000000000\n")
		sorted("po le0 id id")
		socket(0, pool.LentRead, engine.PhaseBusy, false)
		b, _ := f.open()
		g := b.enter("block g")
		f.advance(10 * millisecond) // its lane is given away
		sorted("po le0 se1 id")
		socket(1, pool.Served, engine.PhaseOpen, false)
		a.send("e")
		a.want("got e\n")
		f.advance(20 * second)
		sorted("po le0 lo id")
		g.pass()
		a.send(".")
		sorted("po id id id")
		if s := engine.Doing(77).String(); s != "unknown" {
			t.Errorf("Doing(77) is %q", s)
		}
	})
}

// TestGoneByWorkers has a driver take its time when a connection ends, for each
// reason from outside: neither the monitor nor a pusher waits for it.
func TestGoneByWorkers(t *testing.T) {
	for _, k := range phases {
		t.Run(k.name, func(t *testing.T) {
			c := usual()
			c.Workers = 3
			c.mem.Pipe = 1000
			bubble(t, c, func(f *fixture) {
				gate := make(chan struct{})
				var gone atomic.Int32
				f.d.onGone = func(h pool.Handle) {
					gone.Add(1)
					<-gate
				}
				a, _ := f.open()
				k.enter(a)
				f.settle()
				f.advance(k.patience + poolTick)
				if k.phase != engine.PhaseDrain && gone.Load() != 1 {
					t.Fatalf("%d are gone", gone.Load())
				}
				// The monitor is at work all the same.
				b, _ := f.open()
				b.send("half")
				f.advance(f.e.Patience().Head + poolTick)
				f.until("the end of the next", func() bool { return gone.Load() == 2 })
				close(gate)
				if k.want != "" {
					a.wantEnd(k.want)
				} else if k.reset {
					a.wantReset()
				}
				b.wantEnd("farewell timeout\n")
				a.conn.Close()
				b.conn.Close()
				f.until("the end of all", func() bool { return f.e.Stats().Open == 0 })
			})
		})
	}
}

// TestPushBeforeFarewell pushes at the moment at which a connection is ended from
// outside: what is taken is sent before the farewell, never behind it, and when
// the peer does not take it all, it hears no farewell.
func TestPushBeforeFarewell(t *testing.T) {
	for _, k := range []struct {
		name  string
		gone  bool // the driver wants to end on a worker
		seals bool
		n     int // bytes that are pushed
		reset bool
	}{
		{"by the monitor", false, false, 100, false},
		{"by a worker", true, true, 100, false},
		{"by the monitor, and it is not taken", false, false, 300, true},
		{"by a worker, and it is not taken", true, true, 300, true},
	} {
		t.Run(k.name, func(t *testing.T) {
			c := usual()
			c.mem.Pipe = 200
			bubble(t, c, func(f *fixture) {
				if k.gone {
					f.d.onGone = func(pool.Handle) {}
				}
				a, h := f.open()
				late := string(static[:k.n])
				f.d.onBye = func(s *pool.Slot) {
					f.push(h, late)
					if k.seals {
						f.e.Pool().Outputs.Seal(s)
					}
				}
				a.send("half")
				f.advance(f.e.Patience().Head + poolTick)
				if k.reset {
					a.wantReset()
				} else {
					a.wantEnd(late + "farewell timeout\n")
				}
				a.conn.Close()
				f.until("end", func() bool { return f.e.Stats().Open == 0 })
			})
		})
	}
}
