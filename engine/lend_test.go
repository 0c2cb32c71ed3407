package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// TestNoHostage is invariant 2: clients that send a byte now and then, that
// upload slowly, or that read nothing of a large answer, do not delay others.
func TestNoHostage(t *testing.T) {
	for _, tt := range []struct{ name, line string }{
		{"half a line", "half"},
		{"half a body", "body 1000\nx"},
		{"an upload that lends", "read 1000\nx"},
		{"an upload that lends without a permit", "ruderead 1000\nx"},
		{"an answer that is not read, of known bytes", fmt.Sprintf("static %d\n", much)},
		{"an answer that is not read, written by a handler", fmt.Sprintf("write %d\n", much)},
		{"a request that says nothing", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, usual(), func(f *fixture) {
				var slow []*client
				for range 4 {
					c, _ := f.open()
					c.send(tt.line)
					slow = append(slow, c)
				}
				quick := f.connect()
				for i := range 10 {
					quick.echo(fmt.Sprint("line ", i))
				}
				for _, c := range slow {
					c.conn.Reset()
				}
				f.until("end the slow ones", func() bool { return f.e.Stats().Open == 1 })
				quick.echo("and on")
				f.quiet()
			})
		})
	}
}

// TestLendRead has a handler wait for its peer, again and again.
func TestLendRead(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, _ := f.open()
		b, _ := f.open()
		for range 3 {
			a.send("read 3000\n")
			for range 10 {
				a.send(strings.Repeat("x", 300))
				b.echo("meanwhile")
			}
			a.want("read 3000\n")
		}
		a.echo("and on")
		f.quiet()
	})
}

func TestLendWrite(t *testing.T) {
	c := usual()
	c.mem.Pipe = 500
	everywhere(t, c, func(f *fixture) {
		a, _ := f.open()
		b, _ := f.open()
		n := 300000
		if f.net == nil {
			n = much
		}
		a.send(fmt.Sprintf("write %d\n", n))
		b.echo("meanwhile")
		a.want(string(static[:n]))
		a.echo("and on")
		f.quiet()
	})
}

// TestMostLent holds requests that would lend the last worker, and lets them
// go on in their order.
func TestMostLent(t *testing.T) {
	c := usual()
	c.Workers = 3
	bubble(t, c, func(f *fixture) {
		var cs []*client
		for i := range 5 {
			c, _ := f.open()
			c.send("read 10\n")
			f.until("lend or hold", func() bool { s := f.e.Stats(); return s.Lent+s.Held == i+1 })
			cs = append(cs, c)
		}
		s := f.e.Stats()
		if s.Lent != 2 || s.Held != 3 || s.Stash != 3 || f.e.Permits() != 2 {
			t.Errorf("%d workers are lent, %d requests held with %d stash blocks, %d permits, want 2, 3, 3, 2", s.Lent, s.Held, s.Stash, f.e.Permits())
		}
		quick, _ := f.open()
		quick.echo("quick")
		for i, c := range cs {
			c.send("0123456789")
			c.want("read 10\n")
			f.settle()
			if s, left := f.e.Stats(), len(cs)-i-1; s.Lent != min(left, 2) || s.Held != max(left-2, 0) {
				t.Errorf("after %d are done, %d are lent, %d held", i+1, s.Lent, s.Held)
			}
		}
		f.quiet()
	})
}

// TestHeldHasBytesMeanwhile lets what a held request needs come while it is
// held, and others.
func TestHeldHasBytesMeanwhile(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, _ := f.open()
		b, _ := f.open()
		a.send("read 10\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		b.send("read 10\n")
		f.until("hold", func() bool { return f.e.Stats().Held == 1 })
		b.send("0123456789after\n")
		f.advance(second)
		if n := f.e.Stats().Held; n != 1 {
			t.Errorf("%d requests are held, want 1", n)
		}
		a.send("0123456789")
		a.want("read 10\n")
		b.want("read 10\nafter\n")
		f.quiet()
	})
}

// TestHeldThatEndsMakesWay for the next: an offer to a request that is held no
// more must not be lost.
func TestHeldThatEndsMakesWay(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture, c *client, h pool.Handle)
	}{
		{"by reset", func(f *fixture, c *client, h pool.Handle) { c.conn.Reset() }},
		{"by Kill", func(f *fixture, c *client, h pool.Handle) { f.e.Kill(h) }},
		{"by its deadline", func(f *fixture, c *client, h pool.Handle) {
			c.wantNothing()
		}},
		{"not, but is woken", func(f *fixture, c *client, h pool.Handle) { f.e.Wake(h); f.settle(); f.e.Wake(h) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			c.Patience.Body = 100 * second
			bubble(t, c, func(f *fixture) {
				a, _ := f.open()
				a.send("read 10\n")
				f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
				b, hb := f.open()
				b.send("read 10\n")
				f.until("hold", func() bool { return f.e.Stats().Held == 1 })
				if tt.name == "by its deadline" {
					f.advance(f.e.Patience().Held - second)
				}
				d, _ := f.open()
				d.send("read 10\n")
				f.until("hold", func() bool { return f.e.Stats().Held == 2 })
				if tt.name == "by its deadline" {
					f.advance(2 * second)
					b.wantEnd("farewell held\n")
				} else {
					tt.end(f, b, hb)
				}
				f.settle()
				a.send("0123456789")
				a.want("read 10\n")
				if strings.HasPrefix(tt.name, "not") {
					b.send("0123456789")
					b.want("read 10\n")
				}
				d.send("0123456789")
				d.want("read 10\n")
				b.conn.Close()
				f.quiet()
			})
		})
	}
}

// TestHeldTimeout is the deadline of PhaseHeld, the one that Poll alone cannot
// come to.
func TestHeldTimeout(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		f.e.Patience().Body = 100 * second
		a, _ := f.open()
		a.send("read 10\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		b, _ := f.open()
		b.send("read 10\n")
		f.until("hold", func() bool { return f.e.Stats().Held == 1 })
		f.advance(f.e.Patience().Held - poolTick)
		b.wantNothing()
		f.advance(2*poolTick + engine.TickTime)
		b.wantEnd("farewell held\n")
		f.count("timeouts", f.e.Stats().Timeouts[engine.PhaseHeld], 1)
		a.send("0123456789")
		a.want("read 10\n")
	})
}

// TestHeldNeedsRoom refuses what cannot even be held.
func TestHeldNeedsRoom(t *testing.T) {
	c := usual()
	c.Pool.Slots, c.Pool.Stash = 12, 2
	c.Patience.Body, c.Patience.Held = 100*second, 100*second
	bubble(t, c, func(f *fixture) {
		a, _ := f.open()
		a.send("read 10\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		var cs []*client
		for range 4 {
			c, _ := f.open()
			c.send("read 10\n")
			f.settle()
			cs = append(cs, c)
		}
		if s := f.e.Stats(); s.Held != 2 || s.Stash != 2 {
			t.Errorf("%d are held with %d stash blocks, want 2: a held request is no victim", s.Held, s.Stash)
		}
		cs[2].wantReset() // as the driver does when it gets no stash block
		a.send("0123456789")
		a.want("read 10\n")
		for _, c := range cs[:2] {
			c.send("0123456789")
			c.want("read 10\n")
		}
	})
}

// TestReclaim takes back the worker that has waited longest, when others are
// ready and no worker is free.
func TestReclaim(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		a, _ := f.open()
		a.send("write 1000000\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		f.advance(100 * millisecond)
		b, _ := f.open()
		b.send("write 1000000\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 2 })
		f.advance(engine.LeastWait)
		if n := f.e.Stats().Reclaimed; n != 0 {
			t.Errorf("%d workers are reclaimed though nobody is ready", n)
		}
		c := f.connect()
		c.echo("quick")
		a.wantReset()
		if got := f.d.failures(); !slices.Equal(got, []error{engine.ErrReclaimed}) {
			t.Errorf("handlers got %v, want %v", got, engine.ErrReclaimed)
		}
		f.count("reclaimed", f.e.Stats().Reclaimed, 1)
		b.want(string(static[:1000000]))
		f.quiet()
	})
}

// TestPromptPeersAreNotReclaimed lets others wait a little, so that a peer that
// is about to go on may.
func TestPromptPeersAreNotReclaimed(t *testing.T) {
	bubble(t, usual(), func(f *fixture) {
		var cs []*client
		for i := range 2 {
			c, _ := f.open()
			c.send("write 1000000\n")
			f.until("lend", func() bool { return f.e.Stats().Lent == i+1 })
			cs = append(cs, c)
		}
		late := f.connect()
		late.send("late\n")
		f.advance(engine.LeastWait / 2)
		late.wantNothing()
		f.count("reclaimed", f.e.Stats().Reclaimed, 0)
		cs[0].want(string(static[:1000000]))
		late.want("late\n")
		cs[1].want(string(static[:1000000]))
		f.count("reclaimed", f.e.Stats().Reclaimed, 0)
		f.quiet()
	})
}

// TestLendDeadlines lets a wait in a handler come to the deadline of its
// phase.
func TestLendDeadlines(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		phase      engine.Phase
		patience   int64
		want       error
	}{
		{"content does not come", "read 10\n", engine.PhaseBody, usual().Patience.Body, engine.ErrSlow},
		{"an answer is not taken", "write 100000\n", engine.PhaseWrite, usual().Patience.Write, engine.ErrSlow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, usual(), func(f *fixture) {
				a, _ := f.open()
				a.send(tt.line)
				f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
				f.advance(tt.patience - poolTick)
				if n := f.e.Stats().Lent; n != 1 {
					t.Errorf("%d are lent before the deadline, want 1", n)
				}
				f.advance(2*poolTick + 2*engine.TickTime)
				a.wantReset()
				if got := f.d.failures(); !slices.Equal(got, []error{tt.want}) {
					t.Errorf("the handler got %v, want %v", got, tt.want)
				}
				f.count("timeouts", f.e.Stats().Timeouts[tt.phase], 1)
				f.count("lost handlers", f.e.Stats().Lost, 0)
				f.quiet()
			})
		})
	}
}

// TestLendBodyRate reads an upload in a handler at some speeds.
func TestLendBodyRate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		piece int
		ok    bool
	}{{"twice the rate", 200, true}, {"half the rate", 50, false}} {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			c.Patience.Handler = 1000 * second
			bubble(t, c, func(f *fixture) {
				a, _ := f.open()
				const size = 30000
				a.send(fmt.Sprintf("read %d\n", size))
				sent := 0
				for sent < size && f.e.Stats().Timeouts[engine.PhaseBody] == 0 {
					a.send(strings.Repeat("x", min(tt.piece, size-sent)))
					sent += tt.piece
					f.advance(second / 10)
				}
				if tt.ok {
					a.want(fmt.Sprintf("read %d\n", size))
				} else if a.wantReset(); sent >= size {
					t.Error("all was sent")
				}
			})
		})
	}
}

// TestHandlerDeadlineWhileLent has the handler's deadline pass in a wait, of
// which the handler hears by an error.
func TestHandlerDeadlineWhileLent(t *testing.T) {
	c := usual()
	c.Patience.Handler, c.Patience.Body = 5*second, 100*second
	bubble(t, c, func(f *fixture) {
		a, _ := f.open()
		a.send("read 10\n")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		f.advance(5*second - poolTick)
		if n := f.e.Stats().Lent; n != 1 {
			t.Errorf("%d are lent before the deadline", n)
		}
		f.advance(2 * poolTick)
		a.wantReset()
		if got := f.d.failures(); !slices.Equal(got, []error{engine.ErrDeadline}) {
			t.Errorf("the handler got %v, want %v", got, engine.ErrDeadline)
		}
		f.count("lost handlers", f.e.Stats().Lost, 0)
		f.quiet()
	})
}

// TestLentPeerIsGone wakes a handler whose peer goes away.
func TestLentPeerIsGone(t *testing.T) {
	for _, line := range []string{"read 10\n", fmt.Sprintf("write %d\n", much)} {
		everywhere(t, usual(), func(f *fixture) {
			a, _ := f.open()
			a.send(line)
			f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
			a.conn.Reset()
			f.until("end", func() bool { return f.e.Stats().Open == 0 })
			f.quiet()
			f.count("reclaimed", f.e.Stats().Reclaimed, 0)
		})
	}
}

// TestLentReaderSeesTheEnd gets the end of the stream as an error.
func TestLentReaderSeesTheEnd(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		a, _ := f.open()
		a.send("read 10\n01234")
		f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
		a.conn.CloseWrite()
		f.until("end", func() bool { return f.e.Stats().Open == 0 })
		if got := f.d.failures(); len(got) != 1 || !strings.Contains(got[0].Error(), "end of stream") {
			t.Errorf("the handler got %v", got)
		}
	})
}

// waiting is a network on which something happens while somebody waits, or
// else time passes: for Poll, whose handlers wait on the goroutine of the test.
type waiting struct {
	*memory.Network
	more func() bool // false when nothing happens any more
}

func (w *waiting) Wait(lane int, ev []transport.Event, deadline int64) (int, error) {
	n, err := w.Network.Wait(lane, ev, 0)
	if n == 0 && err == nil && deadline > w.Now() && w.more != nil && !w.more() {
		w.AdvanceTo(deadline)
	}
	return n, err
}

// TestLendInPoll lets the only worker wait by polling.
func TestLendInPoll(t *testing.T) {
	for _, tt := range []struct {
		name  string
		while func(f *fixture, a *client, b *client) func() bool // what happens in the wait; false when nothing more will
		want  string
		err   error
	}{
		{"the bytes come", func(f *fixture, a, b *client) func() bool {
			n := 0
			return func() bool {
				if n++; n <= 10 {
					a.conn.Write([]byte("x"))
				}
				return n <= 10
			}
		}, "read 10\n", nil},
		{"nothing comes", func(f *fixture, a, b *client) func() bool { return func() bool { return false } }, "", engine.ErrSlow},
		{"another is ready", func(f *fixture, a, b *client) func() bool {
			return func() bool { b.conn.Write([]byte("b\n")); return true }
		}, "", engine.ErrReclaimed},
		{"it is killed", func(f *fixture, a, b *client) func() bool {
			return func() bool { f.e.Kill(f.handle()); return true }
		}, "", engine.ErrKilled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			net := memory.New(memory.Config{})
			w := &waiting{Network: net}
			f := newFixture(t, c, w)
			f.net, f.polled = net, true
			f.dial = func() (conn, error) { return net.Connect(f.addr) }
			defer f.end()
			b, _ := f.open()
			a, _ := f.open()
			w.more = tt.while(f, a, b)
			a.send("read 10\n")
			f.settle()
			if tt.err == nil {
				a.want(tt.want)
			} else {
				a.wantReset()
				if got := f.d.failures(); len(got) != 1 || !errors.Is(got[0], tt.err) {
					t.Errorf("the handler got %v, want %v", got, tt.err)
				}
			}
			w.more = nil
			if tt.err == engine.ErrReclaimed {
				b.want("b\n")
			}
			b.echo("and on")
		})
	}
}
