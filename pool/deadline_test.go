package pool_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

const oneTick = int64(1) << pool.TickShift

// TestTickAfter is the bound of how late a deadline may be: never early, and
// less than a tick late.
func TestTickAfter(t *testing.T) {
	times := []int64{1, 2, oneTick - 1, oneTick, oneTick + 1, 12345 * oneTick, 12345*oneTick + 1,
		math.MaxUint32 * oneTick, math.MaxUint32*oneTick + 1, (math.MaxUint32 + 1) * oneTick, math.MaxInt64 / 2}
	for seed, i := rand.New(rand.NewPCG(1, 2)), 0; i < 1000; i++ {
		times = append(times, seed.Int64N(math.MaxInt64/2))
	}
	for _, at := range times {
		k := pool.TickAfter(at)
		if k == pool.Never {
			t.Errorf("TickAfter(%d) = Never", at)
		}
		late := pool.TickTime(k, at) - at
		most := oneTick
		if uint32((at+oneTick-1)>>pool.TickShift) == pool.Never {
			most = 2 * oneTick // the tick whose number says Never is passed over
		}
		if late < 0 || late >= most {
			t.Errorf("TickAfter(%d) = %d, which begins %d ns later, want 0 to %d", at, k, late, most-1)
		}
		if now := pool.Tick(at); pool.Before(k, now) {
			t.Errorf("TickAfter(%d) = %d is before its own tick %d", at, k, now)
		}
	}
}

func TestTickTime(t *testing.T) {
	for _, now := range []int64{oneTick, 1000*oneTick + 5, math.MaxUint32 * oneTick, (math.MaxUint32+5)*oneTick + 17} {
		for _, d := range []int64{0, 1, -1, 1000, -1000, math.MaxInt32 - 1, math.MinInt32 + 2} {
			k := pool.Tick(now) + uint32(d)
			if got, want := pool.TickTime(k, now), (now>>pool.TickShift+d)<<pool.TickShift; got != want {
				t.Errorf("TickTime(%d, %d) = %d, want %d", k, now, got, want)
			}
		}
	}
}

// naive is what Deadlines should do.
type naive map[int]uint32

func (m naive) earliest() uint32 {
	first := pool.Never
	for _, k := range m {
		if first == pool.Never || pool.Before(k, first) {
			first = k
		}
	}
	return first
}

// TestDeadlinesModel sets, clears and sweeps at random, some of the time where
// ticks begin again at 0, and compares with the naive way.
func TestDeadlinesModel(t *testing.T) {
	for _, start := range []uint32{1, 1 << 31, 1<<31 - 500, math.MaxUint32 - 1000, math.MaxUint32 - 20} {
		for seed := range uint64(20) {
			modelDeadlines(t, start, seed)
		}
	}
}

func modelDeadlines(t *testing.T, start uint32, seed uint64) {
	const n = 20
	rng := rand.New(rand.NewPCG(seed, uint64(start)))
	p := small(n)
	for range n {
		p.Acquire()
	}
	d, m, now := &p.Deadlines, naive{}, start
	toldAt := map[int]uint32{} // and its owner was at work: it is told again in the next tick
	for step := range 500 {
		i := rng.IntN(n)
		switch rng.IntN(5) {
		case 0, 1:
			// Near and far, and sometimes in the past.
			k := now + uint32(rng.IntN(60)) - 3
			if rng.IntN(10) == 0 {
				k = now + 1<<30
			}
			if k == pool.Never {
				k = 1
			}
			was := m.earliest()
			earliest := d.Set(i, k)
			m[i] = k
			if (was == pool.Never || pool.Before(k, was)) && !earliest && pool.Before(k, d.Next()) {
				t.Fatalf("seed %d/%d step %d: Set(%d, %d) does not say that nothing is earlier", start, seed, step, i, k)
			}
		case 2:
			d.Clear(i)
			delete(m, i)
		default:
			now += uint32(rng.IntN(8))
			keep := rng.IntN(4) == 0 // whoever has the slot is at work
			told := map[int]bool{}
			sweep(p, now, func(i int) {
				if told[i] {
					t.Fatalf("seed %d/%d step %d: slot %d is told twice", start, seed, step, i)
				}
				told[i] = true
				if !keep {
					d.Clear(i)
				}
			})
			for i, k := range m {
				at, again := toldAt[i]
				if passed := !pool.Before(now, k); passed != told[i] && !(again && at == now) {
					t.Fatalf("seed %d/%d step %d: at %d slot %d with deadline %d: told %v, want %v", start, seed, step, now, i, k, told[i], passed)
				}
				if told[i] {
					if toldAt[i] = now; !keep {
						delete(m, i)
						delete(toldAt, i)
					}
				}
				delete(told, i)
			}
			if len(told) != 0 {
				t.Fatalf("seed %d/%d step %d: told slots without a deadline: %v", start, seed, step, told)
			}
		}
		for i := range n {
			if d.Get(i) != m[i] {
				t.Fatalf("seed %d/%d step %d: slot %d has deadline %d, want %d", start, seed, step, i, d.Get(i), m[i])
			}
		}
		// Next may be early, which costs a look, but never late. What has
		// passed already, and is with somebody, is looked at in the next tick.
		if e := m.earliest(); e != pool.Never {
			bound := e
			if !pool.Before(now, e) {
				if bound = now + 1; bound == pool.Never {
					bound = 1
				}
			}
			if next := d.Next(); next == pool.Never || pool.Before(bound, next) {
				t.Fatalf("seed %d/%d step %d at %d: Next() = %d, but the earliest deadline is %d", start, seed, step, now, next, e)
			}
		}
	}
}

// sweep is the sweep of a pool's deadlines.
func sweep(p *pool.Pool, now uint32, f func(i int)) { p.Deadlines.Sweep(now, f) }

// TestSetDuringSweep gives a slot that was not used before its deadline while
// a sweep has begun: the sweep must not forget it.
func TestSetDuringSweep(t *testing.T) {
	p := small(2)
	p.Acquire()
	p.Deadlines.Set(0, 10)
	p.Deadlines.Sweep(15, func(int) {
		p.Deadlines.Clear(0)
		p.Acquire()
		p.Deadlines.Set(1, 20)
	})
	if k := p.Deadlines.Next(); k == pool.Never || k > 20 {
		t.Errorf("Next() = %d, but slot 1 has deadline 20", k)
	}
}

// TestDeadlinesConcurrent sets deadlines while another goroutine sweeps, and
// wants each to be told.
func TestDeadlinesConcurrent(t *testing.T) {
	const n, rounds = 8, 3000
	p := small(n)
	var told [n]chan uint32
	for i := range told {
		told[i] = make(chan uint32, 1)
		p.Acquire()
	}
	stop := make(chan struct{})
	var sweeper, owners sync.WaitGroup
	sweeper.Go(func() {
		for now := uint32(1); ; now++ {
			select {
			case <-stop:
				return
			default:
			}
			sweep(p, now, func(i int) {
				k := p.Deadlines.Get(i)
				if k == pool.Never {
					return // just cleared, as an owner may
				}
				if pool.Before(now, k) {
					return // just set
				}
				p.Deadlines.Clear(i)
				told[i] <- now
			})
		}
	})
	for i := range n {
		owners.Go(func() {
			k := uint32(1)
			for range rounds {
				k++
				p.Deadlines.Set(i, k)
				if now := <-told[i]; pool.Before(now, k) {
					t.Errorf("slot %d: deadline %d told at %d", i, k, now)
				} else {
					k = now
				}
			}
		})
	}
	owners.Wait()
	close(stop)
	sweeper.Wait()
}

// TestWorkAtTheLastTick has an owner at work at the last tick before they
// begin again: the next one is not Never.
func TestWorkAtTheLastTick(t *testing.T) {
	p := small(2)
	p.Acquire()
	p.Acquire()
	p.Deadlines.Set(0, math.MaxUint32)
	p.Deadlines.Set(1, 30)
	sweep(p, math.MaxUint32, func(int) {})
	if k := p.Deadlines.Next(); k != 1 {
		t.Errorf("Next() = %d, want 1, the tick after the last", k)
	}
}
