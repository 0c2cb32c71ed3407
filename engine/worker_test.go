package engine_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// TestSignalsHaveTheBitsOfReadiness is what signalsOf relies on.
func TestSignalsHaveTheBitsOfReadiness(t *testing.T) {
	for _, tt := range []struct {
		r transport.Ready
		s pool.Signals
	}{
		{transport.Readable, pool.Readable}, {transport.Writable, pool.Writable}, {transport.Hangup, pool.Hangup},
		{transport.Acceptable, 0}, {15, pool.Readable | pool.Writable | pool.Hangup},
	} {
		if got := engine.SignalsOf(tt.r); got != tt.s {
			t.Errorf("signals of %04b are %b, want %b", tt.r, got, tt.s)
		}
	}
}

func TestEcho(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		var cs []*client
		for range 4 {
			cs = append(cs, f.connect())
		}
		for round := range 20 {
			for i, c := range cs {
				c.send(fmt.Sprintf("%d of %d\nsecond\nand ", round, i))
			}
			for i, c := range cs {
				c.want(fmt.Sprintf("%d of %d\nsecond\n", round, i))
				c.send("half\n")
			}
			for _, c := range cs {
				c.want("and half\n")
			}
		}
		f.quiet()
		cs[0].send("static 300000\n")
		cs[1].send("copy 400\n")
		cs[1].want(string(static[:400]))
		cs[0].want(string(static[:300000]))
		for _, c := range cs {
			c.send("bye\n")
			c.wantEnd("bye\n")
		}
		f.until("close", func() bool { return f.e.Stats().Open == 0 })
		f.quiet()
	})
}

// TestStuckHandlerDelaysNobody lets handlers hang, all but one worker's.
func TestStuckHandlerDelaysNobody(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		n := f.e.Stats().Workers - 1
		quick, _ := f.open()
		quick.echo("before")
		var stuck []*client
		var gates []*gate
		for i := range min(n, 5) {
			c, _ := f.open()
			gates = append(gates, c.enter(fmt.Sprintf("block %d", i)))
			stuck = append(stuck, c)
			for range 3 {
				quick.echo("meanwhile")
			}
			other := f.connect()
			other.echo("a new one")
			other.conn.Close()
		}
		for i, g := range gates {
			g.pass()
			stuck[i].want(fmt.Sprintf("done %d\n", i))
			stuck[i].echo("and on")
		}
		f.quiet()
	})
}

// TestRestOfTheBatch has a handler hang when its leader has fetched more
// events, which go to the next leader.
func TestRestOfTheBatch(t *testing.T) {
	c := usual()
	c.Workers = 3
	bubble(t, c, func(f *fixture) {
		z, _ := f.open()
		a, _ := f.open()
		b, _ := f.open()
		d, _ := f.open()
		g := z.enter("block z")
		// The leader hangs, and nobody has noticed: the events of the next
		// three are fetched together by the one after him.
		f.settle()
		ga := f.d.gate("a")
		a.send("block a\n")
		b.send("b\n")
		d.send("d\n")
		b.want("b\n")
		d.want("d\n")
		<-ga.entered
		if n := f.e.Stats().Deposed; n < 2 {
			t.Errorf("%d leaders were deposed, want 2", n)
		}
		b.echo("again")
		g.pass()
		ga.pass()
		z.want("done z\n")
		a.want("done a\n")
		f.quiet()
	})
}

// TestAllWorkersStuck has what is ready wait for the first worker that comes
// back, and nothing is lost.
func TestAllWorkersStuck(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		n := f.e.Stats().Workers
		if n > 4 {
			return // there are not so many slots
		}
		var gates []*gate
		var stuck []*client
		for i := range n {
			c, _ := f.open()
			gates = append(gates, c.enter(fmt.Sprintf("block %d", i)))
			stuck = append(stuck, c)
		}
		late := f.connect()
		late.send("late\n")
		if f.net != nil {
			f.advance(5 * second)
			late.wantNothing()
		}
		gates[0].pass()
		late.want("late\n")
		gates[1].pass()
		for i, c := range stuck {
			c.want(fmt.Sprintf("done %d\n", i))
		}
		f.quiet()
	})
}

// TestHotConnectionIsFair wants a connection that always has bytes not to keep
// the others waiting.
func TestHotConnectionIsFair(t *testing.T) {
	c := usual()
	c.Workers = 1
	c.mem = memory.Config{Pipe: 1 << 20}
	bubble(t, c, func(f *fixture) {
		hot, hotHandle := f.open()
		other, _ := f.open()
		g := hot.enter("block g")
		hot.send(longLines(10000))
		other.send("other\n")
		var turns, before atomic.Int64 // of the hot one, and those before the other's
		f.d.during = func(w *engine.Worker, s *pool.Slot) {
			if w.Engine().Pool().Handle(s) == hotHandle {
				turns.Add(1)
			} else {
				before.Store(turns.Load())
			}
		}
		g.pass()
		other.want("other\n")
		hot.want("done g\n")
		hot.want(longLines(10000))
		if before.Load() > 3 || turns.Load() < 20 {
			t.Errorf("the other connection was served after %d of %d turns of the hot one", before.Load(), turns.Load())
		}
	})
}

func longLines(n int) string {
	b := make([]byte, 0, n*20)
	for i := range n {
		b = fmt.Appendf(b, "line %d\n", i)
	}
	return string(b)
}
