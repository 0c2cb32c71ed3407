// Package statetest holds a connection's table of states to what every such
// table promises. It is for tests; the picture of a table is diagramtest's.
package statetest

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/diagramtest"
)

// Life fails the test if the events, from the first state on, are not all legal
// or do not end in the last.
func Life[S diagramtest.State[S, E], E diagramtest.Event](t *testing.T, first, last S, events []E) {
	t.Helper()
	s := first
	for _, e := range events {
		n, ok := s.Next(e)
		if !ok {
			t.Fatalf("%v in %v is illegal", e, s)
		}
		s = n
	}
	if s != last {
		t.Errorf("ends in %v, want %v", s, last)
	}
}

// Illegal fails the test if the event is legal in the state, or leads to another
// state than the zero one, which is none.
func Illegal[S diagramtest.State[S, E], E diagramtest.Event](t *testing.T, s S, e E) {
	t.Helper()
	if n, ok := s.Next(e); ok || n != 0 {
		t.Errorf("%v in %v leads to %v, %v", e, s, n, ok)
	}
}

// Table fails the test unless, from the first state on, every state can be
// reached and every event means something somewhere, and what closes leads from
// every state to closed, which nothing leads out of.
func Table[S diagramtest.State[S, E], E diagramtest.Event](t *testing.T, states S, events E, first, closed S, closes E) {
	t.Helper()
	reached := map[S]bool{first: true}
	used := map[E]bool{}
	for range int(states) {
		for s := range reached {
			for e := range events {
				if n, ok := s.Next(e); ok {
					reached[n] = true
					used[e] = true
				}
			}
		}
	}
	for s := S(1); s < states; s++ {
		if !reached[s] {
			t.Errorf("%v cannot be reached", s)
		}
		n, ok := s.Next(closes)
		if want := s != closed; ok != want || ok && n != closed {
			t.Errorf("%v in %v leads to %v, %v", closes, s, n, ok)
		}
	}
	for e := range events {
		if !used[e] {
			t.Errorf("%v means nothing anywhere", e)
		}
		if n, ok := closed.Next(e); ok {
			t.Errorf("%v leads out of %v, to %v", e, closed, n)
		}
	}
}

// Names fails the test unless those below n have a name each, and what is not
// one of them has the name Illegal.
func Names[T diagramtest.Event](t *testing.T, n T) {
	t.Helper()
	of := map[string]T{}
	for v := range n {
		name := v.String()
		if other, double := of[name]; name == "" || double {
			t.Errorf("%d has the name %q, as %d has", v, name, other)
		}
		of[name] = v
	}
	if name := n.String(); name != "Illegal" {
		t.Errorf("what there is not has the name %q", name)
	}
}
