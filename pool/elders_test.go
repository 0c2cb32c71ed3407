package pool_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// idle parks slot i, idle since k.
func idle(p *pool.Pool, i int, k uint32) {
	s := p.Slot(i)
	s.Idle(k)
	p.Leave(s, pool.Park)
}

// evictAll evicts until nobody is idle.
func evictAll(p *pool.Pool) (order []int) {
	for s := p.Evict(); s != nil; s = p.Evict() {
		order = append(order, p.Index(s))
		p.Release(s)
	}
	return order
}

func acquired(n int) *pool.Pool {
	p := small(n)
	for range n {
		p.Acquire()
	}
	return p
}

func TestEvictOrder(t *testing.T) {
	p := acquired(6)
	idle(p, 0, 30)
	idle(p, 1, 10)
	idle(p, 2, 20)
	idle(p, 3, pool.Never) // parked, but in the midst of something
	p.Slot(4).Idle(1)      // idle for longest, and being served
	p.Slot(5).Idle(2)
	p.Leave(p.Slot(5), pool.Stall)
	if got := evictAll(p); !slices.Equal(got, []int{1, 2, 0}) {
		t.Errorf("evicted %v, want the longest idle first and none that is at something", got)
	}
}

func TestEvictAcrossWrap(t *testing.T) {
	p := acquired(3)
	idle(p, 0, 3)
	idle(p, 1, 4294967290)
	idle(p, 2, 1)
	if got := evictAll(p); !slices.Equal(got, []int{1, 2, 0}) {
		t.Errorf("evicted %v", got)
	}
}

// TestEvictNeverTheNewest is bug 14 of the field notes: a connection that was
// just made and has not been used has waited least, not longest (the counter
// of its uses began at 0; ESP-IDF issue 17470).
func TestEvictNeverTheNewest(t *testing.T) {
	p := acquired(3)
	p.Leave(p.Slot(0), pool.Park) // as accepted: nothing received yet
	idle(p, 1, 100)
	idle(p, 2, 50)
	if got := evictAll(p); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("evicted %v, want 2, 1 and never the new one", got)
	}
}

// TestEvictForgetsWhoWasUsed uses the eldest after a search has found it.
func TestEvictForgetsWhoWasUsed(t *testing.T) {
	p := acquired(4)
	for i := range 4 {
		idle(p, i, uint32(10+i))
	}
	if s := p.Evict(); p.Index(s) != 0 {
		t.Fatalf("evicted %d", p.Index(s))
	}
	_, h := p.StateAt(1)
	p.Signal(h, pool.Readable, pool.Claim)
	idle(p, 1, 90)
	// Another connection of the same slot, idle since the same tick.
	_, h = p.StateAt(2)
	p.Sweep(h)
	p.Release(p.Slot(2))
	p.Acquire()
	idle(p, 2, 12)
	if got := evictAll(p); !slices.Equal(got, []int{3, 2, 1}) && !slices.Equal(got, []int{2, 3, 1}) {
		t.Errorf("evicted %v: 1, which was used, must be last", got)
	}
}

// TestEvictModel compares with the naive way, with more slots than one search
// remembers.
func TestEvictModel(t *testing.T) {
	const n = 3 * pool.EldersMax
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 5))
		p := acquired(n)
		since := map[int]uint32{} // of the idle ones
		for i := range n {
			since[i] = uint32(1 + rng.IntN(40))
			idle(p, i, since[i])
		}
		now := uint32(41)
		for step := range 500 {
			now++
			if i := rng.IntN(n); rng.IntN(3) > 0 {
				if _, h := p.StateAt(i); since[i] != 0 {
					p.Signal(h, pool.Readable, pool.Claim)
					delete(since, i)
				}
				if rng.IntN(3) > 0 {
					idle(p, i, now)
					since[i] = now
				} else if p.Slot(i).State() == pool.Served {
					p.Slot(i).Idle(pool.Never)
					p.Leave(p.Slot(i), pool.Park)
				}
				if p.Slot(i).State() == pool.Parked && since[i] == 0 {
					_, h := p.StateAt(i)
					p.Signal(h, pool.Readable, pool.Claim)
				}
				continue
			}
			s := p.Evict()
			if (s == nil) != (len(since) == 0) {
				t.Fatalf("seed %d step %d: Evict = %v with %d idle", seed, step, s, len(since))
			}
			if s == nil {
				continue
			}
			i := p.Index(s)
			for j, k := range since {
				if since[i] == 0 || k < since[i] {
					t.Fatalf("seed %d step %d: evicted %d, idle since %d, but %d is idle since %d", seed, step, i, since[i], j, k)
				}
			}
			delete(since, i)
			p.Release(s)
			p.Acquire()
		}
	}
}
