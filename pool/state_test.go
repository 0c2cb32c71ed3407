package pool_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/diagramtest"
	"github.com/bobtail-go/bobtail/pool"
)

// legal is the machine once more, written by state and not as the table of
// the package is, so that a slip in one is seen in the other.
var legal = map[pool.State]map[pool.Event]pool.State{
	pool.Free:      {pool.Open: pool.Swept},
	pool.Parked:    waiting,
	pool.Blocked:   waiting,
	pool.Held:      waiting,
	pool.Draining:  waiting,
	pool.Queued:    {pool.Claim: pool.Served},
	pool.Served:    owned(pool.AwaitRead, pool.LentRead, pool.AwaitWrite, pool.LentWrite, pool.Sweep, pool.Swept),
	pool.LentRead:  {pool.Resume: pool.Served},
	pool.LentWrite: {pool.Resume: pool.Served},
	pool.Swept:     owned(pool.Claim, pool.Served),
}

var waiting = map[pool.Event]pool.State{pool.Enqueue: pool.Queued, pool.Claim: pool.Served, pool.Sweep: pool.Swept}

// owned is what any owner may do, and more.
func owned(more ...any) map[pool.Event]pool.State {
	m := map[pool.Event]pool.State{
		pool.Park: pool.Parked, pool.Stall: pool.Blocked, pool.Hold: pool.Held, pool.Drain: pool.Draining,
		pool.Enqueue: pool.Queued, pool.Release: pool.Free,
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(pool.Event)] = more[i+1].(pool.State)
	}
	return m
}

func TestTransitions(t *testing.T) {
	for s := range pool.NumStates + 2 {
		for e := range pool.NumEvents + 2 {
			want, ok := legal[s][e]
			if !ok {
				want = s
			}
			if got, gotOK := s.Next(e); got != want || gotOK != ok {
				t.Errorf("%v.Next(%v) = %v, %v, want %v, %v", s, e, got, gotOK, want, ok)
			}
		}
	}
}

// TestIllegalEventLeavesState moves a slot by every event out of every state.
func TestIllegalEventLeavesState(t *testing.T) {
	for _, way := range []struct {
		name string
		do   func(p *pool.Pool, s *pool.Slot, e pool.Event)
	}{
		{"Move", func(p *pool.Pool, s *pool.Slot, e pool.Event) { p.Move(s, e) }},
		{"Leave", func(p *pool.Pool, s *pool.Slot, e pool.Event) { p.Leave(s, e) }},
	} {
		for from := range pool.NumStates {
			for e := range pool.NumEvents {
				p := small(1)
				s := p.Acquire()
				p.Force(s, from, 0)
				h := p.Handle(s)
				want, ok := legal[from][e]
				if !ok {
					want = from
				}
				panicked := panics(func() { way.do(p, s, e) })
				if st, now := p.StateAt(0); st != want || now != h || (panicked != nil) == ok {
					t.Errorf("%s(%v) of a slot that is %v: it is %v (%#x, was %#x), panic %v, want %v", way.name, e, from, st, now, h, panicked, want)
				}
			}
		}
	}
}

func TestReleaseOnlyByOwner(t *testing.T) {
	for from := range pool.NumStates {
		p := small(1)
		s := p.Acquire()
		p.Force(s, from, 0)
		panicked := panics(func() { p.Release(s) })
		if ok := from.Owned(); ok != (panicked == nil) || ok != (s.State() == pool.Free || from == pool.Free) && from != pool.Free {
			t.Errorf("Release of a slot that is %v: panic %v, then %v", from, panicked, s.State())
		}
		if panicked != nil && s.State() != from {
			t.Errorf("Release of a slot that is %v makes it %v", from, s.State())
		}
	}
}

func TestTakeOnlyWhatIsQueued(t *testing.T) {
	for from := range pool.NumStates {
		p := small(1)
		s := p.Acquire()
		p.Force(s, from, pool.Readable|pool.Kick)
		var sig pool.Signals
		panicked := panics(func() { sig = p.Take(s) })
		switch {
		case from == pool.Queued:
			if panicked != nil || sig != pool.Readable|pool.Kick || s.State() != pool.Served || p.NotedNow(s) != 0 {
				t.Errorf("Take of a queued slot: panic %v, signals %b, %v", panicked, sig, s.State())
			}
		case panicked == nil || s.State() != from:
			t.Errorf("Take of a slot that is %v: panic %v, then %v", from, panicked, s.State())
		}
	}
}

func TestOwnedAndLent(t *testing.T) {
	for s := range pool.NumStates {
		if want := s == pool.Served || s == pool.Swept; s.Owned() != want {
			t.Errorf("%v.Owned() = %v", s, s.Owned())
		}
		if want := s == pool.LentRead || s == pool.LentWrite; s.Lent() != want {
			t.Errorf("%v.Lent() = %v", s, s.Lent())
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for s := range pool.NumStates {
		seen["state "+s.String()] = true
	}
	for e := range pool.NumEvents {
		seen["event "+e.String()] = true
	}
	if want := int(pool.NumStates) + int(pool.NumEvents); len(seen) != want || seen["state "] || seen["event "] {
		t.Errorf("%d different names of %d: %v", len(seen), want, seen)
	}
	if s := pool.State(200).String(); s != "unknown" {
		t.Errorf("State(200) = %q", s)
	}
	if s := pool.Event(200).String(); s != "unknown" {
		t.Errorf("Event(200) = %q", s)
	}
}

var signals = []struct {
	sig  pool.Signals
	name string
}{
	{pool.Readable, "readable"}, {pool.Writable, "writable"}, {pool.Hangup, "hangup"},
	{pool.Output, "output"}, {pool.Permit, "permit"}, {pool.Kick, "kick"}, {pool.End, "end"},
}

// TestDiagram keeps the picture of the machine as it is here; -update draws it
// again.
func TestDiagram(t *testing.T) { diagramtest.Hold(t, "pool-states", diagram()) }

// diagram prints the machine as Mermaid has it.
func diagram() string {
	var b strings.Builder
	id := func(s pool.State) string { return strings.ReplaceAll(s.String(), " ", "_") }
	b.WriteString("stateDiagram-v2\n    [*] --> " + id(pool.Free) + "\n")
	for s := range pool.NumStates {
		for e := range pool.NumEvents {
			if next, ok := s.Next(e); ok {
				b.WriteString("    " + id(s) + " --> " + id(next) + ": " + e.String() + "\n")
			}
		}
	}
	for s := range pool.NumStates {
		var names []string
		for _, g := range signals {
			if pool.Interest(s)&g.sig != 0 {
				names = append(names, g.name)
			}
		}
		if names != nil {
			b.WriteString("    note right of " + id(s) + ": wakes up for " + strings.Join(names, ", ") + "\n")
		}
	}
	return b.String()
}

// small is a pool of n slots, with little of everything else.
func small(n int) *pool.Pool {
	return pool.New(pool.Config{Slots: n, Stash: 2, StashSize: 64, Blocks: 4, BlockSize: 64, Nodes: 8})
}

// panics calls f and returns what it panicked with.
func panics(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}
