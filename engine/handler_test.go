package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
)

// spares is a configuration with a spare worker.
func spares(n int) config {
	c := usual()
	c.Spare = n
	c.Patience.Handler = 2 * second
	return c
}

// TestHandlerDeadline has a handler not come back: the monitor answers for it,
// a spare worker takes its place, and what it does afterwards touches nobody.
func TestHandlerDeadline(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		for _, lanes := range []int{1, 2} {
			if lanes > workers {
				continue
			}
			t.Run(fmt.Sprintf("%d workers, %d lanes", workers, lanes), func(t *testing.T) {
				c := usual()
				c.Spare, c.Workers, c.mem.Lanes = 1, workers, lanes
				bubble(t, c, handlerDeadline)
			})
		}
	}
	for _, b := range backends {
		t.Run(b.Name, func(t *testing.T) {
			c := usual()
			c.Spare = 1
			c.Patience.Handler = 60 * second // in which a busy machine begins as many as there are workers
			real(t, c, b, 1, handlerDeadline)
		})
	}
}

func handlerDeadline(f *fixture) {
	t := f.t
	a, _ := f.open()
	a.echo("before")
	const limit = 2 * second // of this handler; that of the others is longer
	g := a.enter(fmt.Sprintf("blockfor %d g", limit))
	if f.net != nil {
		f.advance(limit - 3*engine.TickTime)
		a.wantNothing()
		f.advance(4 * engine.TickTime)
	}
	a.wantEnd("farewell handler\n")
	f.until("count the loss", func() bool { return f.e.Stats().LostNow == 1 })
	s := f.e.Stats()
	f.count("lost", s.Lost, 1)
	f.count("handler timeouts", s.HandlerTimeout, 1)
	// As many as before work on.
	b, _ := f.open()
	b.echo("meanwhile")
	n := s.Workers
	if n <= 4 {
		workAtOnce(f, n, "lost")
	}
	a.conn.Close()
	f.until("end", func() bool { return f.e.Stats().Open == 1 })
	g.pass()
	f.until("come back", func() bool { return f.e.Stats().LostNow == 0 })
	f.until("hear of it", func() bool {
		f.d.mu.Lock()
		defer f.d.mu.Unlock()
		return len(f.d.errors) > 0
	})
	if got := f.d.failures(); !slices.Equal(got, []error{engine.ErrDeadline}) {
		t.Errorf("the handler that came late got %v, want %v", got, engine.ErrDeadline)
	}
	b.echo("after")
	if n <= 4 {
		workAtOnce(f, n, "back")
	}
	f.quiet()
	if in, idle, lost := f.e.Crew(); in+idle != f.e.MaxWorkers() || lost != 0 {
		t.Errorf("%d workers in use, %d idle, %d lost, of %d", in, idle, lost, f.e.MaxWorkers())
	}
}

// workAtOnce wants n handlers to run at the same time, and not one more.
func workAtOnce(f *fixture, n int, name string) {
	f.t.Helper()
	var cs []*client
	var gates []*gate
	for i := range n {
		c, _ := f.open()
		gates = append(gates, c.enter(fmt.Sprintf("block %s%d", name, i)))
		cs = append(cs, c)
	}
	if f.net != nil {
		more, _ := f.open()
		more.send("more\n")
		f.advance(50 * engine.TickTime)
		more.wantNothing()
		more.conn.Close()
	}
	for i, c := range cs {
		gates[i].pass()
		c.want(fmt.Sprintf("done %s%d\n", name, i))
		c.conn.Close()
	}
	f.until("end all but two", func() bool { return f.e.Stats().Open <= 2 })
}

// TestNoStrangersBytes is invariant 4 seen from a handler that comes late: its
// slot and its stream are another's by now.
func TestNoStrangersBytes(t *testing.T) {
	c := spares(1)
	c.Pool.Slots = 1
	c.Patience.Drain = second / 10
	body := func(f *fixture) {
		a, _ := f.open()
		g := a.enter("block g")
		a.wantEnd("farewell handler\n")
		a.conn.Close()
		f.until("end", func() bool { return f.e.Stats().Open == 0 })
		b, h := f.open()
		if h.Index() != 0 {
			t.Fatal("it is not the same slot")
		}
		b.send("half")
		f.settle()
		g.pass()
		f.until("come back", func() bool { return f.e.Stats().LostNow == 0 })
		b.send(" a line\n")
		b.want("half a line\n")
		if f.net != nil {
			f.advance(second)
			b.wantNothing()
		}
		f.quiet()
	}
	bubble(t, c, body)
	for _, b := range backends {
		real(t, c, b, 1, body)
	}
}

// TestHandlerThatHasSentIsReset since nobody can answer in its place.
func TestHandlerThatHasSentIsReset(t *testing.T) {
	bubble(t, spares(1), func(f *fixture) {
		a, _ := f.open()
		a.enter("sendblock g")
		a.want("begun\n")
		f.until("pass", func() bool { return f.e.Stats().LostNow == 1 })
		a.wantReset()
	})
}

// TestLimit is a handler's own limit, longer or shorter than the usual one.
func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		limit int64
		after int64
	}{{second, second}, {10 * second, 10 * second}, {0, 2 * second}, {10, engine.TickTime}} {
		bubble(t, spares(1), func(f *fixture) {
			a, _ := f.open()
			a.enter(fmt.Sprintf("blockfor %d g", tt.limit))
			before := f.net.Now()
			f.advance(max(tt.after-4*engine.TickTime, 0))
			if tt.after > second/2 {
				a.wantNothing()
			}
			f.until("pass", func() bool { return f.e.Stats().LostNow == 1 })
			if took := f.net.Now() - before; took < tt.limit-4*engine.TickTime || took > tt.after+3*engine.TickTime {
				t.Errorf("limit %d: the right passes after %d", tt.limit, took)
			}
			a.wantEnd("farewell handler\n")
		})
	}
}

// TestLostHandlerGivesItsPermitBack so that others may lend.
func TestLostHandlerGivesItsPermitBack(t *testing.T) {
	bubble(t, spares(2), func(f *fixture) {
		a, _ := f.open()
		f.d.slow = func() {
			f.d.slow = nil
			g := f.d.gate("g")
			g.entered <- struct{}{}
			<-g.open
		}
		g := f.d.gate("g")
		a.send("read 10\n")
		<-g.entered
		if n := f.e.Permits(); n != 1 {
			t.Fatalf("%d permits are out, want 1", n)
		}
		f.until("pass", func() bool { return f.e.Stats().LostNow == 1 })
		if n := f.e.Permits(); n != 0 {
			t.Errorf("%d permits are out, want 0", n)
		}
		b, _ := f.open()
		b.send("read 10\n0123456789")
		b.want("read 10\n")
		g.pass()
		f.until("come back", func() bool { return f.e.Stats().LostNow == 0 })
		f.quiet()
	})
}

// TestManyLost loses more handlers than there are spare workers: those that
// are left serve, and when none is, what is ready waits.
func TestManyLost(t *testing.T) {
	c := spares(1)
	c.Patience.Open = 1000 * second
	bubble(t, c, func(f *fixture) {
		var cs []*client
		for i := range 3 {
			c, _ := f.open()
			c.enter(fmt.Sprintf("block %d", i))
			if i < 2 {
				f.until("pass", func() bool { return f.e.Stats().LostNow == i+1 })
				c.wantEnd("farewell handler\n")
			}
			cs = append(cs, c)
		}
		late, _ := f.open()
		late.send("late\n")
		f.until("pass", func() bool { return f.e.Stats().LostNow == 3 })
		cs[2].wantEnd("farewell handler\n")
		late.wantNothing()
		f.d.gate("1").pass()
		late.want("late\n")
		f.d.gate("0").pass()
		f.d.gate("2").pass()
		f.until("come back", func() bool { return f.e.Stats().LostNow == 0 })
		f.quiet()
	})
}

// TestDeadlineIsKeptThoughAllIsQuiet has a handler begin while the monitor
// sleeps: it must hear of it.
func TestDeadlineIsKeptThoughAllIsQuiet(t *testing.T) {
	c := spares(1)
	c.Patience.Idle = 1000 * second
	bubble(t, c, func(f *fixture) {
		a, h := f.open()
		a.echo("x")
		for f.e.Watching() {
			f.advance(engine.TickTime)
		}
		in := make(chan struct{})
		out := make(chan struct{})
		f.d.wake = func(w *engine.Worker) {
			f.d.wake = nil
			close(in)
			<-out
		}
		f.e.Wake(h)
		<-in
		f.until("pass", func() bool { return f.e.Stats().LostNow == 1 })
		a.wantEnd("farewell handler\n")
		close(out)
		f.until("come back", func() bool { return f.e.Stats().LostNow == 0 })
	})
}

// TestLongHandlerIsNotTheIdlePeersFault counts the next phase from the
// handler's end.
func TestLongHandlerIsNotTheIdlePeersFault(t *testing.T) {
	c := usual()
	c.Patience.Idle = 2 * second
	bubble(t, c, func(f *fixture) {
		a, _ := f.open()
		g := a.enter("block g")
		f.advance(10 * second)
		g.pass()
		a.want("done g\n")
		f.advance(2*second - 4*engine.TickTime)
		a.echo("in time")
	})
}
