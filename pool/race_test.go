package pool_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// stress is a pool with goroutines that do to its slots what workers, pushers,
// the monitor and lent workers do, and with a model beside each slot: who has
// it, how many signals were sent to it, and how many its owner has seen.
type stress struct {
	t     *testing.T
	p     *pool.Pool
	slots []stressSlot
	turns atomic.Int64 // how often a slot was served
	free  sync.Mutex   // so that a slot that is released is the one that is acquired
}

type stressSlot struct {
	handle atomic.Uint64
	owner  atomic.Int32  // who has it, 0 if nobody
	sent   atomic.Uint64 // counted before the signal is sent
	seen   uint64        // the owner's: sent, when it looked last
	sema   chan pool.Signals
	ends   int // the owner's: connections it has had
}

// nobody sends signals, but serves no slot.
const nobody = 0

// own says that a goroutine has a slot, and fails if another has it.
func (x *stress) own(i, who int) {
	if !x.slots[i].owner.CompareAndSwap(0, int32(who)) {
		x.t.Errorf("slot %d has two owners, %d and %d", i, x.slots[i].owner.Load(), who)
	}
}

func (x *stress) disown(i, who int) {
	if !x.slots[i].owner.CompareAndSwap(int32(who), 0) {
		x.t.Errorf("slot %d was taken from %d", i, who)
	}
}

// send sends a signal, by either event, and does what the outcome asks for.
func (x *stress) send(rng *rand.Rand, i, who int) {
	s := &x.slots[i]
	s.sent.Add(1)
	h := pool.Handle(s.handle.Load())
	e := pool.Claim
	if who == nobody || rng.IntN(2) == 0 {
		e = pool.Enqueue
	}
	sig := pool.Readable
	if rng.IntN(4) == 0 {
		sig = pool.Kick
	}
	switch out, got := x.p.Signal(h, sig, e); out {
	case pool.Claimed:
		if got&sig == 0 {
			x.t.Errorf("slot %d: claimed by signal %b, which is not among %b", i, sig, got)
		}
		if e == pool.Enqueue {
			x.p.Ready.Push(i)
			return
		}
		x.own(i, who)
		x.serve(rng, i, who)
	case pool.Resumed:
		s.sema <- got
	}
	// If the handle was stale, whoever has the slot now is about to look.
}

// serve does some of what an owner may do, until it lets go.
func (x *stress) serve(rng *rand.Rand, i, who int) {
	m, s := &x.slots[i], x.p.Slot(i)
	for {
		x.turns.Add(1)
		m.seen = m.sent.Load()
		switch rng.IntN(12) {
		case 0: // the connection ends, and the slot has another
			x.free.Lock()
			x.p.Release(s)
			x.p.Acquire()
			x.free.Unlock()
			m.ends++
			m.handle.Store(uint64(x.p.Handle(s)))
			m.seen = m.sent.Load()
		case 1: // to another owner, by the ring
			if s.State() == pool.Served {
				x.disown(i, who)
				x.p.Move(s, pool.Enqueue)
				x.p.Ready.Push(i)
				return
			}
		case 2:
			x.p.Noted(s)
			m.seen = m.sent.Load()
		case 3: // lend
			if s.State() != pool.Served {
				x.p.Move(s, pool.Claim)
			}
			x.disown(i, who)
			if _, ok := x.p.Leave(s, pool.AwaitRead); ok {
				<-m.sema
			}
			x.own(i, who)
		default:
			e := []pool.Event{pool.Park, pool.Park, pool.Drain}[rng.IntN(3)]
			x.disown(i, who)
			if _, ok := x.p.Leave(s, e); ok {
				return
			}
			x.own(i, who)
		}
	}
}

// TestNoTwoOwnersNoLostSignal is what the word of a slot is for. At the end,
// when everybody has stopped, each signal must have been seen by an owner: an
// owner looks at what was sent after it got the slot, and lets go only if no
// signal has come since.
func TestNoTwoOwnersNoLostSignal(t *testing.T) {
	const slots, sending, turns = 3, 4, 20000
	x := &stress{t: t, p: small(slots), slots: make([]stressSlot, slots)}
	for i := range x.slots {
		s := x.p.Acquire()
		x.slots[i].sema = make(chan pool.Signals, 1)
		x.slots[i].handle.Store(uint64(x.p.Handle(s)))
		x.p.Leave(s, pool.Park)
	}
	var senders, workers, monitor sync.WaitGroup
	stopWorkers, stopMonitor := make(chan struct{}), make(chan struct{})
	for who := 1; who <= sending; who++ {
		senders.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(who), 6))
			for x.turns.Load() < turns {
				x.send(rng, rng.IntN(slots), who)
				if rng.IntN(8) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	// Two workers take slots off the ring; a monitor sweeps and puts back.
	for who := sending + 1; who <= sending+2; who++ {
		workers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(who), 6))
			for {
				i, ok := x.p.Ready.Pop()
				if !ok {
					select {
					case <-stopWorkers:
						return
					default:
						runtime.Gosched()
						continue
					}
				}
				x.p.Take(x.p.Slot(i))
				x.own(i, who)
				x.serve(rng, i, who)
			}
		})
	}
	monitor.Go(func() {
		const who = sending + 3
		rng := rand.New(rand.NewPCG(who, 6))
		for {
			select {
			case <-stopMonitor:
				return
			default:
				runtime.Gosched()
			}
			i := rng.IntN(slots)
			_, h := x.p.StateAt(i)
			back, ok := x.p.Sweep(h)
			if !ok {
				continue
			}
			x.own(i, who)
			if rng.IntN(4) == 0 {
				x.serve(rng, i, who)
				continue
			}
			x.disown(i, who)
			if sig, ok := x.p.Leave(x.p.Slot(i), back); !ok {
				// Somebody else is to see them.
				x.p.Add(x.p.Slot(i), sig)
				x.p.Move(x.p.Slot(i), pool.Enqueue)
				x.p.Ready.Push(i)
			}
		}
	})
	finished := make(chan struct{})
	go func() {
		senders.Wait()
		close(stopMonitor)
		monitor.Wait()
		close(stopWorkers)
		workers.Wait()
		close(finished)
	}()
	// A worker that is lent goes on only by a signal, and when the senders are
	// lent themselves, or done, nobody else sends any.
	for rng, done := rand.New(rand.NewPCG(nobody, 6)), false; !done; runtime.Gosched() {
		select {
		case <-finished:
			done = true
		default:
			for i := range slots {
				if st, _ := x.p.StateAt(i); st.Lent() {
					x.send(rng, i, nobody)
				}
			}
		}
	}
	ends := 0
	for i := range x.slots {
		m := &x.slots[i]
		ends += m.ends
		st, h := x.p.StateAt(i)
		if o := m.owner.Load(); o != 0 || st.Owned() || st == pool.Queued || st.Lent() || h != pool.Handle(m.handle.Load()) {
			t.Errorf("slot %d is %v, of %d, at the end", i, st, o)
		}
		if m.seen != m.sent.Load() {
			t.Errorf("slot %d has seen %d of %d signals", i, m.seen, m.sent.Load())
		}
		if noted := x.p.NotedNow(x.p.Slot(i)); noted&pool.Interest(st) != 0 {
			t.Errorf("slot %d is %v and sleeps through %b", i, st, noted)
		}
	}
	if ends == 0 {
		t.Error("no connection has ended: the test is not what it should be")
	}
}

// together calls a and b at the same time, as nearly as can be had, n times,
// and check after each.
func together(n int, a, b, check func(round int)) {
	var turn, done atomic.Int64
	var other sync.WaitGroup
	other.Go(func() {
		for i := range n {
			for turn.Load() != int64(i)+1 {
				runtime.Gosched()
			}
			b(i)
			done.Store(int64(i) + 1)
		}
	})
	for i := range n {
		turn.Store(int64(i) + 1)
		a(i)
		for done.Load() != int64(i)+1 {
			runtime.Gosched()
		}
		check(i)
	}
	other.Wait()
}

// TestLeaveMeetsSignal wants a signal to be seen by the one who lets go, or to
// find that he has let go.
func TestLeaveMeetsSignal(t *testing.T) {
	p := small(1)
	s := p.Acquire()
	h := p.Handle(s)
	p.Move(s, pool.Claim)
	var sig pool.Signals
	var left bool
	var out pool.Outcome
	together(30000,
		func(round int) {
			for range round % 100 {
				p.StateAt(0) // so that they meet at every place
			}
			sig, left = p.Leave(s, pool.Park)
		},
		func(int) { out, _ = p.Signal(h, pool.Readable, pool.Claim) },
		func(round int) {
			claimed := left && out == pool.Claimed
			kept := !left && out == pool.Noted && sig == pool.Readable
			if !claimed && !kept || s.State() != pool.Served || p.NotedNow(s) != 0 {
				t.Fatalf("round %d: Leave = %b, %v, Signal = %d, then %v with %b noted", round, sig, left, out, s.State(), p.NotedNow(s))
			}
		})
}

// TestSetMeetsSweep wants a deadline to be told to whoever asks for the next,
// though a sweep is under way.
func TestSetMeetsSweep(t *testing.T) {
	const n = 300
	p := small(n)
	for range n {
		p.Acquire()
	}
	d := &p.Deadlines
	d.Set(n-1, 1<<30)
	now := uint32(1)
	together(10000, func(int) { sweep(p, now, d.Clear) },
		func(round int) {
			for range round % 64 {
				d.Get(round % n)
			}
			d.Set(round%(n-1), now+5)
		},
		func(round int) {
			if k := d.Next(); k == pool.Never || pool.Before(now+5, k) {
				t.Fatalf("round %d: Next() = %d, but slot %d has deadline %d", round, k, round%(n-1), now+5)
			}
			d.Clear(round % (n - 1))
			now += 10
			d.Set(0, now) // something for the next sweep to find
		})
}
