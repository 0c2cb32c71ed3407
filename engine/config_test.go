package engine_test

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// limited is a network of few streams, as a process with few descriptors is.
type limited struct {
	*memory.Network
	limit int
}

func (l limited) Limit() int { return l.limit }

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(c *engine.Config)
		field string // none if it is allowed
	}{
		{"as it is", func(c *engine.Config) {}, ""},
		{"no backend", func(c *engine.Config) { c.Backend = nil }, "Backend"},
		{"no workers", func(c *engine.Config) { c.Workers = 0 }, "Workers"},
		{"too many workers", func(c *engine.Config) { c.Workers = 4097 }, "Workers"},
		{"fewer workers than lanes, which then have no leader", func(c *engine.Config) { c.Backend = memory.New(memory.Config{Lanes: 3}) }, "Workers"},
		{"negative spare workers", func(c *engine.Config) { c.Spare = -1 }, "Spare"},
		{"little memory", func(c *engine.Config) { c.WorkerMemory = 255 }, "WorkerMemory"},
		{"much memory", func(c *engine.Config) { c.WorkerMemory = 1<<24 + 1 }, "WorkerMemory"},
		{"all slots in reserve", func(c *engine.Config) { c.Reserve = c.Pool.Slots }, "Reserve"},
		{"nothing to refuse with", func(c *engine.Config) { c.Admission = engine.AdmitRefuse }, "Reserve"},
		{"no such policy", func(c *engine.Config) { c.Admission = 3 }, "Admission"},
		{"no slots", func(c *engine.Config) { c.Pool.Slots = 0; c.Reserve = -1 }, "Reserve"},
		{"a bad pool", func(c *engine.Config) { c.Pool.Stash = 0 }, "Pool"},
		{"no patience at first", func(c *engine.Config) { c.Patience.Open = 0 }, "Patience.Open"},
		{"no patience with the idle", func(c *engine.Config) { c.Patience.Idle = -1 }, "Patience.Idle"},
		{"no patience with heads", func(c *engine.Config) { c.Patience.Head = 0 }, "Patience.Head"},
		{"no patience with bodies", func(c *engine.Config) { c.Patience.Body = 0 }, "Patience.Body"},
		{"no patience while held", func(c *engine.Config) { c.Patience.Held = 0 }, "Patience.Held"},
		{"no patience with readers", func(c *engine.Config) { c.Patience.Write = 0 }, "Patience.Write"},
		{"no patience at the end", func(c *engine.Config) { c.Patience.Drain = 0 }, "Patience.Drain"},
		{"no patience with handlers", func(c *engine.Config) { c.Patience.Handler = 0 }, "Patience.Handler"},
		{"patience for ever, which no tick can tell", func(c *engine.Config) { c.Patience.Idle = math.MaxInt64 }, "Patience.Idle"},
		{"a year", func(c *engine.Config) { c.Patience.Idle = engine.MostPatience }, ""},
		{"more than a year", func(c *engine.Config) { c.Patience.Idle = engine.MostPatience + 1 }, "Patience.Idle"},
		{"no rate", func(c *engine.Config) { c.Patience.Rate = 0 }, "Patience.Rate"},
		{"more sockets than descriptors", func(c *engine.Config) { c.Backend = limited{memory.New(memory.Config{}), 10} }, "Sockets"},
		{"as many descriptors as sockets", func(c *engine.Config) { c.Backend = limited{memory.New(memory.Config{}), 8 + engine.MaxListeners} }, ""},
	} {
		c := usual().Config
		c.Backend = memory.New(memory.Config{})
		tt.spoil(&c)
		err := c.Validate()
		var ce *engine.ConfigError
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &ce) || ce.Field != tt.field || !strings.Contains(err.Error(), tt.field)) {
			t.Errorf("%s: Validate() = %v, want a complaint about %q", tt.name, err, tt.field)
		}
		if e, newErr := engine.New(c); (e == nil) != (err != nil) || (newErr == nil) != (err == nil) {
			t.Errorf("%s: New = %v, %v", tt.name, e, newErr)
		}
	}
}

// TestLongestPatience lets the longest patience last: it does not pass at
// once, though ticks begin again after two years.
func TestLongestPatience(t *testing.T) {
	c := usual()
	c.Patience.Idle = engine.MostPatience
	c.mem.Start = 3 * engine.MostPatience
	f := polls(t, c)
	a, _ := f.open()
	a.echo("x")
	f.advance(engine.MostPatience - second)
	a.wantNothing()
	f.advance(second + poolTick)
	a.wantEnd("")
}

var kept *engine.Engine

// held is the number of bytes that are held more after f than before.
func held(f func()) int {
	var before, after runtime.MemStats
	collect()
	runtime.ReadMemStats(&before)
	f()
	collect()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

func collect() {
	for range 3 {
		runtime.GC()
	}
}

// TestNoGrowthMemory is the first half of invariant 1: what Memory computes is
// what is held.
func TestNoGrowthMemory(t *testing.T) {
	for _, tt := range []struct {
		workers, memory int
		pool            pool.Config
	}{
		{2, 4096, usual().Pool},
		{16, 16384, pool.Config{Slots: 15000, Stash: 256, StashSize: 4096, Blocks: 512, BlockSize: 4096, Nodes: 4096, PerAddress: 100}},
		{3, 1024, pool.Config{Slots: 64, Stash: 8, StashSize: 1024, Blocks: 16, BlockSize: 1024, Nodes: 64}},
	} {
		c := usual().Config
		c.Backend = memory.New(memory.Config{Lanes: 2})
		c.Workers, c.WorkerMemory, c.Pool = tt.workers, tt.memory, tt.pool
		m := c.Memory()
		want := m.Total()
		if want != m.Pool.Total()+m.Workers+m.Engine {
			t.Errorf("the total is not the sum of %+v", m)
		}
		got := 0
		for try := range 5 { // the runtime's own books move at times
			kept = nil
			if n := held(func() { kept, _ = engine.New(c) }); try == 0 || max(n-want, want-n) < max(got-want, want-got) {
				got = n
			}
		}
		// Go rounds parts up to size classes, and each worker has a channel.
		slack := want/100 + 2048 + min(want/8, 12*8192) + tt.workers*(256+tt.memory/8)
		t.Logf("%d slots, %d workers: Memory %d, held %d, %.2f %% more", tt.pool.Slots, tt.workers, want, got, 100*float64(got-want)/float64(want))
		if got < want-want/100-512 || got > want+slack {
			t.Errorf("%d slots, %d workers: Memory says %d, held are %d (%+d, allowed up to %+d)", tt.pool.Slots, tt.workers, want, got, got-want, slack)
		}
	}
	kept = nil
}

func TestTexts(t *testing.T) {
	seen := map[string]bool{}
	for e := engine.Error(1); e < engine.NumErrors; e++ {
		s := e.Error()
		if !strings.HasPrefix(s, "engine: ") || s == "engine: unknown error" || seen[s] {
			t.Errorf("error %d has the text %q", e, s)
		}
		seen[s] = true
		if want := e == engine.ErrDeadline || e == engine.ErrSlow; e.Timeout() != want {
			t.Errorf("%v: Timeout() = %v", e, e.Timeout())
		}
	}
	for k := engine.EventKind(1); k < engine.NumEventKinds; k++ {
		if s := k.String(); s == "" || s == "unknown" || seen[s] {
			t.Errorf("event %d has the name %q", k, s)
		} else {
			seen[s] = true
		}
	}
	for p := range engine.NumPhases {
		if s := p.String(); s == "" || s == "unknown" || seen["phase "+s] {
			t.Errorf("phase %d has the name %q", p, s)
		} else {
			seen["phase "+s] = true
		}
	}
	if engine.Error(0).Error() != "engine: unknown error" || engine.Error(200).Error() != "engine: unknown error" ||
		engine.EventKind(200).String() != "unknown" || engine.Phase(200).String() != "unknown" {
		t.Error("what is unknown is not called so")
	}
}

var _ transport.Backend = limited{}
