package pool_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// withStash is a pool of n slots, all acquired and let go of by the events,
// the first of them with a stash block since the ticks that are given.
func withStash(t *testing.T, n, blocks int, since []uint32, leave []pool.Event) *pool.Pool {
	t.Helper()
	p := pool.New(pool.Config{Slots: n, Stash: blocks, StashSize: 64, Blocks: 1, BlockSize: 64, Nodes: 1})
	for i := range n {
		s := p.Acquire()
		if i < len(since) && p.Stash.Get(p, s, since[i]) == nil {
			t.Fatalf("no stash block for slot %d", i)
		}
		if i < len(leave) {
			p.Leave(s, leave[i])
		}
	}
	return p
}

func TestStash(t *testing.T) {
	p := withStash(t, 3, 2, nil, nil)
	a, b, c := p.Slot(0), p.Slot(1), p.Slot(2)
	blockA, blockB := p.Stash.Get(p, a, 1), p.Stash.Get(p, b, 1)
	if len(blockA) != 64 || cap(blockA) != 64 || p.Stash.Size() != 64 || !a.Stashed() || c.Stashed() {
		t.Fatalf("a block of %d bytes, capacity %d", len(blockA), cap(blockA))
	}
	for i := range blockA {
		blockA[i], blockB[i] = 'a', 'b'
	}
	if again := p.Stash.Get(p, a, 9); &again[0] != &blockA[0] || p.Stash.Used() != 2 {
		t.Error("a slot that has a block gets another")
	}
	if got := p.Stash.Get(p, c, 1); got != nil || c.Stashed() {
		t.Error("a third of two blocks")
	}
	if string(p.Stash.Block(a)) != string(text('a', 64)) {
		t.Error("blocks overlap")
	}
	p.Stash.Drop(a)
	p.Stash.Drop(a)
	if a.Stashed() || p.Stash.Used() != 1 {
		t.Errorf("after Drop %d blocks are used", p.Stash.Used())
	}
	if got := p.Stash.Get(p, c, 1); got == nil || &got[0] != &blockA[0] {
		t.Error("the block that is free is not given")
	}
	p.Release(b)
	p.Stash.Prompt(b, 5) // has none
	if p.Stash.Used() != 1 {
		t.Errorf("after Release %d blocks are used", p.Stash.Used())
	}
}

// TestVictim takes them all, one after the other.
func TestVictim(t *testing.T) {
	const park, stall, hold, drain = pool.Park, pool.Stall, pool.Hold, pool.Drain
	for _, tt := range []struct {
		name  string
		since []uint32
		leave []pool.Event
		do    func(p *pool.Pool)
		want  []int
	}{
		{name: "the oldest first", since: []uint32{5, 3, 9}, leave: []pool.Event{park, park, park}, want: []int{1, 0, 2}},
		{name: "in the order of their blocks if they came together", since: []uint32{5, 5, 5}, leave: []pool.Event{park, park, park}, want: []int{0, 1, 2}},
		{name: "whoever does not take its output is stalled too", since: []uint32{5, 3, 9}, leave: []pool.Event{park, stall, park}, want: []int{1, 0, 2}},
		{name: "never a held request, which waits for us", since: []uint32{5, 3, 9}, leave: []pool.Event{park, hold, park}, want: []int{0, 2}},
		{name: "never one that drains", since: []uint32{5, 3, 9}, leave: []pool.Event{park, drain, park}, want: []int{0, 2}},
		{name: "never one that somebody serves", since: []uint32{5, 3, 9}, leave: []pool.Event{park}, want: []int{0}},
		{name: "never one in the ring", since: []uint32{5, 3, 9}, leave: []pool.Event{park, park, park}, do: func(p *pool.Pool) {
			_, h := p.StateAt(1)
			p.Signal(h, pool.Readable, pool.Enqueue)
		}, want: []int{0, 2}},
		{name: "all are held", since: []uint32{1, 2}, leave: []pool.Event{hold, hold}},
		{name: "the prompt one last", since: []uint32{3, 5, 9}, leave: []pool.Event{park, park, park}, do: func(p *pool.Pool) {
			p.Stash.Prompt(p.Slot(0), 10)
		}, want: []int{1, 2, 0}},
		{name: "across the wrap of ticks", since: []uint32{1, 4294967290, 5}, leave: []pool.Event{park, park, park}, want: []int{1, 0, 2}},
		{name: "nobody without a block", since: nil, leave: []pool.Event{park, park, park}},
	} {
		p := withStash(t, 3, 3, tt.since, tt.leave)
		if tt.do != nil {
			tt.do(p)
		}
		var got []int
		for s := p.Stash.Victim(p); s != nil; s = p.Stash.Victim(p) {
			if s.State() != pool.Swept || !s.Stashed() {
				t.Errorf("%s: the victim is %v, stashed %v", tt.name, s.State(), s.Stashed())
			}
			got = append(got, p.Index(s))
			p.Release(s)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: victims %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestVictimModel compares with the naive way at random.
func TestVictimModel(t *testing.T) {
	const slots, blocks = 12, 6
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 9))
		p := withStash(t, slots, blocks, nil, nil)
		type entry struct{ slot, since int }
		var model []entry
		find := func(i int) int { return slices.IndexFunc(model, func(e entry) bool { return e.slot == i }) }
		for step := range 500 {
			now, i := step/3+1, rng.IntN(slots)
			s := p.Slot(i)
			switch rng.IntN(5) {
			case 0, 1:
				if !s.State().Owned() {
					continue
				}
				got := p.Stash.Get(p, s, uint32(now))
				if has := find(i) >= 0; (got != nil) != (has || len(model) < blocks) {
					t.Fatalf("seed %d step %d: Get with %d blocks used: %v", seed, step, len(model), got != nil)
				} else if got != nil && !has {
					model = append(model, entry{i, now})
				}
			case 2: // let go of, or taken back
				if s.State().Owned() {
					p.Leave(s, []pool.Event{pool.Park, pool.Stall, pool.Hold, pool.Drain}[rng.IntN(4)])
				} else {
					_, h := p.StateAt(i)
					p.Sweep(h)
				}
			case 3:
				if s.State().Owned() && rng.IntN(2) == 0 {
					p.Stash.Drop(s)
					model = slices.DeleteFunc(model, func(e entry) bool { return e.slot == i })
				} else if k := find(i); s.State().Owned() && k >= 0 {
					p.Stash.Prompt(s, uint32(now))
					model[k].since = now
				}
			case 4:
				want, oldest := map[int]bool{}, 1<<30
				for _, e := range model {
					if st := p.Slot(e.slot).State(); st != pool.Parked && st != pool.Blocked || e.since > oldest {
						continue
					} else if e.since < oldest {
						want, oldest = map[int]bool{}, e.since
					}
					want[e.slot] = true
				}
				v := p.Stash.Victim(p)
				if (v == nil) != (len(want) == 0) || v != nil && !want[p.Index(v)] {
					t.Fatalf("seed %d step %d: Victim = %v, want one of %v", seed, step, v, want)
				}
			}
			if p.Stash.Used() != len(model) {
				t.Fatalf("seed %d step %d: %d blocks are used, want %d", seed, step, p.Stash.Used(), len(model))
			}
		}
	}
}
