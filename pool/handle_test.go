package pool_test

import (
	"math"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

func TestHandleParts(t *testing.T) {
	for _, tt := range []struct {
		index int
		gen   uint32
	}{{0, 1}, {1, 0}, {1<<24 - 1, math.MaxUint32}, {77, 1 << 31}} {
		h := pool.MakeHandle(tt.index, tt.gen)
		if h.Index() != tt.index || h.Generation() != tt.gen {
			t.Errorf("handle of %d, %d has index %d, generation %d", tt.index, tt.gen, h.Index(), h.Generation())
		}
	}
}

// calls are all that anybody may do with a handle that is not his slot's.
var calls = []struct {
	name string
	// do reports whether the call found the connection.
	do func(p *pool.Pool, h pool.Handle) bool
}{
	{"Signal to claim", func(p *pool.Pool, h pool.Handle) bool {
		o, _ := p.Signal(h, pool.Kick, pool.Claim)
		return o != pool.Stale
	}},
	{"Signal to enqueue", func(p *pool.Pool, h pool.Handle) bool {
		o, _ := p.Signal(h, pool.Output, pool.Enqueue)
		return o != pool.Stale
	}},
	{"Sweep", func(p *pool.Pool, h pool.Handle) bool {
		_, ok := p.Sweep(h)
		return ok
	}},
	{"Append", func(p *pool.Pool, h pool.Handle) bool {
		return p.Outputs.Append(h, []byte("x"), pool.NoBlock, false, 0) != pool.ErrStale
	}},
	{"Copy", func(p *pool.Pool, h pool.Handle) bool { return p.Outputs.Copy(h, nil, []byte("x"), 0) != pool.ErrStale }},
	{"Copy of nothing", func(p *pool.Pool, h pool.Handle) bool { return p.Outputs.Copy(h, nil, nil, 0) != pool.ErrStale }},
	{"DropOldest", func(p *pool.Pool, h pool.Handle) bool { return p.Outputs.DropOldest(h) }},
}

// fresh is a pool of two slots whose first has had a connection that is over
// and has another one, parked, with output.
func fresh(t *testing.T) (p *pool.Pool, old, now pool.Handle) {
	t.Helper()
	p = small(2)
	s := p.Acquire()
	old = p.Handle(s)
	p.Release(s)
	if s2 := p.Acquire(); s2 != s {
		t.Fatal("the slot that was freed last is not taken first")
	}
	now = p.Handle(s)
	p.Leave(s, pool.Park)
	if err := p.Outputs.Copy(now, nil, []byte("output"), 0); err != nil {
		t.Fatal(err)
	}
	return p, old, now
}

// TestNoStrangersSocket is invariant 4: whatever is done with a handle that
// names no connection is an error and touches no other connection.
func TestNoStrangersSocket(t *testing.T) {
	for _, c := range calls {
		p, old, now := fresh(t)
		for _, h := range []struct {
			name string
			h    pool.Handle
		}{
			{"of the last connection", old},
			{"of the next connection", pool.MakeHandle(0, now.Generation()+1)},
			{"zero", 0},
			{"of a slot that was never used", pool.MakeHandle(1, 0)},
			{"of a slot that was never used, made up", pool.MakeHandle(1, 1)},
			{"beyond the table", pool.MakeHandle(2, 1)},
			{"with an index that is negative in 32 bits", pool.Handle(1)<<32 | 1<<31},
			{"of a listener's tag", 1 << 31},
			{"all ones", math.MaxUint64},
		} {
			var found bool
			if v := panics(func() { found = c.do(p, h.h) }); v != nil {
				t.Errorf("%s with a handle %s panics: %v", c.name, h.name, v)
			}
			if found {
				t.Errorf("%s with a handle %s finds a connection", c.name, h.name)
			}
		}
		s := p.Slot(0)
		if st, h := p.StateAt(0); st != pool.Parked || h != now || p.NotedNow(s) != 0 || p.Outputs.Len(s) != 1 {
			t.Errorf("%s with handles of nobody's has changed the slot: %v, %#x, %b, %d pieces", c.name, st, h, p.NotedNow(s), p.Outputs.Len(s))
		}
		if !c.do(p, now) {
			t.Errorf("%s with the right handle finds nobody", c.name)
		}
	}
}

func TestGenerationWraps(t *testing.T) {
	p := small(1)
	s := p.Acquire()
	first := p.Handle(s)
	p.Release(s)
	p.Age(s, math.MaxUint32-1)
	p.Acquire()
	if g := p.Handle(s).Generation(); g != math.MaxUint32 {
		t.Fatalf("generation %#x, want the last", g)
	}
	p.Release(s)
	p.Acquire()
	if h := p.Handle(s); h != first || h == 0 {
		t.Errorf("after the last generation comes %#x, want %#x: no handle is zero", h, first)
	}
}

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := pool.Error(1); e < pool.NumErrors; e++ {
		s := e.Error()
		if !strings.HasPrefix(s, "pool: ") || s == "pool: unknown error" || seen[s] {
			t.Errorf("error %d has the text %q", e, s)
		}
		seen[s] = true
	}
	for _, e := range []pool.Error{0, pool.NumErrors, 255} {
		if e.Error() != "pool: unknown error" {
			t.Errorf("error %d has the text %q", e, e.Error())
		}
	}
}
