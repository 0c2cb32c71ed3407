package pool_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

func TestValidate(t *testing.T) {
	good := pool.Config{Slots: 1, Stash: 1, StashSize: 64, Blocks: 1, BlockSize: 64, Nodes: 1}
	if err := good.Validate(); err != nil {
		t.Fatalf("the smallest pool: %v", err)
	}
	for _, tt := range []struct {
		name  string
		spoil func(c *pool.Config)
		ok    bool
	}{
		{"no slots", func(c *pool.Config) { c.Slots = 0 }, false},
		{"negative slots", func(c *pool.Config) { c.Slots = -1 }, false},
		{"the most slots", func(c *pool.Config) { c.Slots = 1 << 24 }, true},
		{"more slots than a handle can tell apart", func(c *pool.Config) { c.Slots = 1<<24 + 1 }, false},
		{"no stash", func(c *pool.Config) { c.Stash = 0 }, false},
		{"the most stash blocks", func(c *pool.Config) { c.Stash = 65535 }, true},
		{"more stash blocks than a slot can tell apart", func(c *pool.Config) { c.Stash = 65536 }, false},
		{"small stash blocks", func(c *pool.Config) { c.StashSize = 63 }, false},
		{"no output blocks", func(c *pool.Config) { c.Blocks = 0 }, false},
		{"small output blocks", func(c *pool.Config) { c.BlockSize = 63 }, false},
		{"blocks that no node can have", func(c *pool.Config) { c.Blocks = 2 }, false},
		{"negative share of an address", func(c *pool.Config) { c.PerAddress = -1 }, false},
		{"the largest share of an address", func(c *pool.Config) { c.PerAddress = 65535 }, true},
		{"a share that is not counted so far", func(c *pool.Config) { c.PerAddress = 65536 }, false},
	} {
		c := good
		tt.spoil(&c)
		if err := c.Validate(); (err == nil) != tt.ok || err != nil && err != pool.ErrConfig {
			t.Errorf("%s: Validate() = %v", tt.name, err)
		}
		if !tt.ok && panics(func() { pool.New(c) }) != pool.ErrConfig {
			t.Errorf("%s: New does not panic", tt.name)
		}
	}
}

func TestAcquire(t *testing.T) {
	p := small(3)
	if p.Size() != 3 || p.Open() != 0 || p.High() != 0 {
		t.Fatalf("new: size %d, open %d, high %d", p.Size(), p.Open(), p.High())
	}
	var all []*pool.Slot
	for i := range 3 {
		s := p.Acquire()
		if s == nil || p.Index(s) != i || s.State() != pool.Swept || s.Stream() != -1 {
			t.Fatalf("slot %d: %+v", i, s)
		}
		if p.Open() != i+1 || p.High() != i+1 {
			t.Errorf("with %d connections: open %d, high %d", i+1, p.Open(), p.High())
		}
		all = append(all, s)
	}
	if s := p.Acquire(); s != nil {
		t.Errorf("a fourth of three slots: %d", p.Index(s))
	}
	p.Release(all[1])
	if p.Open() != 2 || p.High() != 3 {
		t.Errorf("after a release: open %d, high %d", p.Open(), p.High())
	}
	if s := p.Acquire(); s != all[1] {
		t.Errorf("the slot that is free is not given")
	}
}

// TestAcquireIsClean gives a slot everything that a connection may leave, and
// wants nothing of it to reach the next.
func TestAcquireIsClean(t *testing.T) {
	p := pool.New(pool.Config{Slots: 1, Stash: 1, StashSize: 64, Blocks: 2, BlockSize: 64, Nodes: 4, PerAddress: 1})
	s := p.Acquire()
	h := p.Handle(s)
	s.SetStream(9)
	s.Idle(3)
	s.Phase, s.Driver, s.Listener, s.Lane, s.Flags = 1, 2, 3, 4, 5
	*pool.StateOf[[3]uint64](s) = [3]uint64{1, 2, 3}
	p.Deadlines.Set(0, 77)
	if p.Stash.Get(p, s, 1) == nil || !p.Addresses.Add(s, 5) || p.Outputs.Copy(h, nil, make([]byte, 100), 0) != nil {
		t.Fatal("no stash, address or output")
	}
	p.Add(s, pool.AllSignals)
	p.Release(s)
	if b, n := p.Outputs.Used(); b != 0 || n != 0 || p.Stash.Used() != 0 || p.Addresses.Entries() != 0 || p.Deadlines.Get(0) != pool.Never {
		t.Errorf("a slot that was released holds %d blocks, %d nodes, %d stash blocks, %d addresses, deadline %d", b, n, p.Stash.Used(), p.Addresses.Entries(), p.Deadlines.Get(0))
	}
	p.Acquire()
	if s.Stream() != -1 || s.Since() != pool.Never || s.Phase != 0 || s.Driver != 0 || s.Listener != 0 || s.Lane != 0 || s.Flags != 0 ||
		*pool.StateOf[[3]uint64](s) != [3]uint64{} || s.Stashed() || s.Address() != 0 || p.NotedNow(s) != 0 || p.Outputs.Len(s) != 0 {
		t.Errorf("a slot begins with what its last connection left: %+v", s)
	}
}

// TestSignal gives every set of two signals to every state: one is noted
// before, one comes.
func TestSignal(t *testing.T) {
	for st := range pool.NumStates {
		for _, before := range append(signals, signals[0]) {
			for _, comes := range signals {
				for _, e := range []pool.Event{pool.Claim, pool.Enqueue} {
					checkSignal(t, st, before.sig, comes.sig, e)
				}
			}
		}
		for _, comes := range signals {
			checkSignal(t, st, 0, comes.sig, pool.Claim)
		}
	}
}

func checkSignal(t *testing.T, st pool.State, before, comes pool.Signals, e pool.Event) {
	t.Helper()
	p := small(1)
	s := p.Acquire()
	h := p.Handle(s)
	p.Force(s, st, before)
	o, sig := p.Signal(h, comes, e)
	wantO, wantSig, wantState, wantNoted := pool.Noted, pool.Signals(0), st, before|comes
	switch {
	case st == pool.Free || st == pool.StateBogus:
		wantO, wantNoted = pool.Stale, before
	case pool.Interest(st)&(before|comes) == 0:
	case st.Lent():
		wantO, wantSig, wantState, wantNoted = pool.Resumed, before|comes, pool.Served, 0
	case e == pool.Claim:
		wantO, wantSig, wantState, wantNoted = pool.Claimed, before|comes, pool.Served, 0
	default:
		// The signals stay for the worker that takes the slot off the ring.
		wantO, wantSig, wantState = pool.Claimed, before|comes, pool.Queued
	}
	if o != wantO || sig != wantSig || s.State() != wantState || p.NotedNow(s) != wantNoted {
		t.Errorf("%v with %07b noted, signal %07b to %v: outcome %d, %07b, then %v with %07b noted; want %d, %07b, %v, %07b",
			st, before, comes, e, o, sig, s.State(), p.NotedNow(s), wantO, wantSig, wantState, wantNoted)
	}
}

// TestShortCuts gives every state every set of signals, before and then, and wants of
// Signal what the tables say, though it does not ask them where a parked slot is
// claimed: and what the slot's last owner has left in its word, and no other
// connection's signal.
func TestShortCuts(t *testing.T) {
	p := small(2)
	p.Acquire()
	s := p.Acquire()
	i, h := p.Index(s), p.Handle(s)
	s.Phase, s.Driver = 7, 201
	for st := range pool.NumStates {
		for before := range pool.AllSignals + 1 {
			for comes := range pool.AllSignals + 1 {
				for _, e := range []pool.Event{pool.Claim, pool.Enqueue} {
					p.ForceLeft(s, st, before)
					wantO, wantSig, wantState, wantNoted := pool.Noted, pool.Signals(0), st, before|comes
					next, ok := st.Next(e)
					switch {
					case st == pool.Free || st == pool.StateBogus:
						wantO, wantNoted = pool.Stale, before
					case pool.Interest(st)&(before|comes) == 0:
					case st.Lent():
						wantO, wantSig, wantState, wantNoted = pool.Resumed, before|comes, pool.Served, 0
					case !ok:
						t.Fatalf("%v waits, and has no way by %v", st, e)
					case next == pool.Queued:
						wantO, wantSig, wantState = pool.Claimed, before|comes, next
					default:
						wantO, wantSig, wantState, wantNoted = pool.Claimed, before|comes, next, 0
					}
					o, sig := p.Signal(h, comes, e)
					if v := p.View(i); o != wantO || sig != wantSig || s.State() != wantState || p.NotedNow(s) != wantNoted || v.Phase != 7 || v.Driver != 201 || p.Handle(s) != h {
						t.Fatalf("%v with %07b noted, signal %07b to %v: outcome %d, %07b, then %+v with %07b noted; want %d, %07b, %v, %07b",
							st, before, comes, e, o, sig, v, p.NotedNow(s), wantO, wantSig, wantState, wantNoted)
					}
					p.ForceLeft(s, st, before)
					other := pool.MakeHandle(i, h.Generation()+1)
					if o, sig := p.Signal(other, comes, e); o != pool.Stale || sig != 0 || s.State() != st || p.NotedNow(s) != before {
						t.Fatalf("%v with %07b noted, signal %07b of another connection to %v: outcome %d, %07b", st, before, comes, e, o, sig)
					}
				}
			}
		}
	}
}

// TestInterest says for each state what it must not sleep through.
func TestInterest(t *testing.T) {
	for _, tt := range []struct {
		st   pool.State
		wake pool.Signals
		why  string
	}{
		{pool.Parked, pool.Readable | pool.Hangup | pool.Output | pool.Kick, "an idle connection hears its peer, what is pushed to it, and the shutdown"},
		{pool.Blocked, pool.Writable | pool.Hangup | pool.Kick, "one with output goes on when there is room"},
		{pool.Held, pool.Permit | pool.Hangup | pool.Kick, "a held request goes on with a permit, and is dropped when its peer is gone"},
		{pool.Draining, pool.Readable | pool.Hangup | pool.Kick, "what still comes is thrown away"},
		{pool.LentRead, pool.Readable | pool.Hangup | pool.Output | pool.Kick, "a handler that waits for bytes sends meanwhile what is pushed"},
		{pool.LentWrite, pool.Writable | pool.Hangup | pool.Kick, "a handler that waits for room sends on"},
	} {
		if got := pool.Interest(tt.st); got&tt.wake != tt.wake || got&pool.End == 0 {
			t.Errorf("%v wakes up for %07b, want at least %07b and the end: %s", tt.st, got, tt.wake, tt.why)
		}
	}
	for st := range pool.NumStates {
		_, parks := pool.Swept.Next(pool.Park)
		if waits := st.Lent() || legal[st][pool.Sweep] != 0 && !st.Owned(); parks && !waits && pool.Interest(st) != 0 {
			t.Errorf("%v wakes up for %07b, but does not wait", st, pool.Interest(st))
		}
		if st.Owned() && pool.Interest(st) != 0 {
			t.Errorf("%v has an owner and wakes up for %07b", st, pool.Interest(st))
		}
	}
}

// TestLeave wants no way past a signal: whoever lets go of a slot either finds
// it, or has let go before it came.
func TestLeave(t *testing.T) {
	for _, from := range []pool.State{pool.Served, pool.Swept} {
		for e, to := range legal[from] {
			if e == pool.Release {
				continue
			}
			for noted := range pool.AllSignals + 1 {
				p := small(1)
				s := p.Acquire()
				p.Force(s, from, noted)
				sig, ok := p.Leave(s, e)
				if wakes := pool.Interest(to)&noted != 0; wakes {
					if ok || sig != noted || s.State() != from || p.NotedNow(s) != 0 {
						t.Errorf("%v left by %v with %07b noted: %07b, %v, then %v with %07b", from, e, noted, sig, ok, s.State(), p.NotedNow(s))
					}
				} else if !ok || sig != 0 || s.State() != to || p.NotedNow(s) != noted {
					t.Errorf("%v left by %v with %07b noted: %07b, %v, then %v with %07b", from, e, noted, sig, ok, s.State(), p.NotedNow(s))
				}
			}
		}
	}
}

// TestSweep wants what waits, and nothing that anybody works on, to be swept,
// and to be put back as it was.
func TestSweep(t *testing.T) {
	back := map[pool.State]pool.Event{pool.Parked: pool.Park, pool.Blocked: pool.Stall, pool.Held: pool.Hold, pool.Draining: pool.Drain}
	for st := range pool.NumStates {
		p := small(1)
		s := p.Acquire()
		p.Force(s, st, pool.Permit)
		e, ok := p.Sweep(p.Handle(s))
		want, can := back[st]
		if ok != can || e != want {
			t.Errorf("Sweep of a slot that is %v = %v, %v, want %v, %v", st, e, ok, want, can)
		}
		if !can {
			if s.State() != st {
				t.Errorf("Sweep of a slot that is %v makes it %v", st, s.State())
			}
			continue
		}
		if s.State() != pool.Swept || p.NotedNow(s) != pool.Permit {
			t.Errorf("a slot that was %v is %v with %07b noted", st, s.State(), p.NotedNow(s))
		}
		p.Noted(s)
		if _, ok := p.Leave(s, e); !ok || s.State() != st {
			t.Errorf("a slot that was %v is put back as %v", st, s.State())
		}
	}
}

func TestNotedAndAdd(t *testing.T) {
	p := small(1)
	s := p.Acquire()
	p.Add(s, pool.Readable)
	p.Add(s, pool.Kick|pool.Readable)
	if n := p.NotedNow(s); n != pool.Readable|pool.Kick {
		t.Errorf("noted %07b", n)
	}
	p.Move(s, pool.Claim)
	p.Move(s, pool.Sweep)
	p.Move(s, pool.Enqueue)
	if n := p.NotedNow(s); n != pool.Readable|pool.Kick {
		t.Errorf("after moves %07b are noted: a move loses signals", n)
	}
	p.Take(s)
	p.Add(s, pool.Output)
	if n := p.Noted(s); n != pool.Output || p.NotedNow(s) != 0 || p.Noted(s) != 0 {
		t.Errorf("Noted() = %07b, then %07b", n, p.NotedNow(s))
	}
}
