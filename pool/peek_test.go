package pool_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// TestPeek looks at signals without taking them.
func TestPeek(t *testing.T) {
	p := small(1)
	s := p.Acquire()
	if got := p.Peek(s); got != 0 {
		t.Errorf("Peek of a new slot: %b", got)
	}
	p.Add(s, pool.Hangup|pool.Output)
	for range 2 {
		if got := p.Peek(s); got != pool.Hangup|pool.Output {
			t.Errorf("Peek: %b", got)
		}
	}
	if got := p.Noted(s); got != pool.Hangup|pool.Output {
		t.Errorf("Noted after Peek: %b", got)
	}
}

// TestView sees a slot as its last owner has left it, and nothing of an earlier
// connection.
func TestView(t *testing.T) {
	p := small(2)
	want := func(when string, want pool.View) {
		t.Helper()
		if got := p.View(0); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	want("never used", pool.View{State: pool.Free})
	s := p.Acquire()
	s.Phase, s.Driver = 7, 201
	want("taken", pool.View{State: pool.Swept})
	s.Idle(5)
	p.Leave(s, pool.Park)
	want("parked", pool.View{State: pool.Parked, Phase: 7, Driver: 201, Idle: true})
	if out, _ := p.Signal(p.Handle(s), pool.Readable, pool.Enqueue); out != pool.Claimed {
		t.Fatal(out)
	}
	want("queued", pool.View{State: pool.Queued, Phase: 7, Driver: 201})
	p.Take(s)
	s.Phase, s.Driver = 3, 2
	p.Add(s, pool.Output)
	want("served", pool.View{State: pool.Served, Phase: 7, Driver: 201})
	if sig, ok := p.Leave(s, pool.Park); ok || sig != pool.Output {
		t.Fatal(sig, ok)
	}
	p.Noted(s)
	p.Leave(s, pool.Park)
	want("parked again", pool.View{State: pool.Parked, Phase: 3, Driver: 2, Idle: true})
	if out, _ := p.Signal(p.Handle(s), pool.Readable, pool.Claim); out != pool.Claimed {
		t.Fatal(out)
	}
	p.Leave(s, pool.Stall)
	want("blocked", pool.View{State: pool.Blocked, Phase: 3, Driver: 2})
	if h := p.Handle(s); h.Generation() != 1 || h.Index() != 0 {
		t.Errorf("the handle is %x", h)
	}
	if _, ok := p.Sweep(p.Handle(s)); !ok {
		t.Fatal("not swept")
	}
	want("swept", pool.View{State: pool.Swept, Phase: 3, Driver: 2})
	p.Release(s)
	want("over", pool.View{State: pool.Free})
	p.Acquire()
	want("taken again", pool.View{State: pool.Swept})
}
