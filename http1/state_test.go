package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// The lives of a connection, as scripts.
func TestLives(t *testing.T) {
	const (
		head     = http1.EventHeadBegun
		headEnd  = http1.EventHeadComplete
		bodyEnd  = http1.EventBodyComplete
		interim  = http1.EventInterim
		begun    = http1.EventResponseBegun
		complete = http1.EventResponseComplete
		next     = http1.EventNext
		upgrade  = http1.EventUpgrade
		fault    = http1.EventError
		drain    = http1.EventDrain
		shut     = http1.EventClose
	)
	for _, c := range []struct {
		name   string
		events []http1.Event
		want   http1.State
	}{
		{"two requests", []http1.Event{head, headEnd, bodyEnd, begun, complete, next, head, headEnd, bodyEnd, begun, complete}, http1.StateComplete},
		{"request with content that was asked for", []http1.Event{head, headEnd, interim, bodyEnd, interim, begun, complete, next}, http1.StateIdle},
		{"response begins before the content ends", []http1.Event{head, headEnd, begun, bodyEnd, complete}, http1.StateComplete},
		{"response ends before the content ends", []http1.Event{head, headEnd, begun, complete, bodyEnd, next}, http1.StateIdle},
		{"content that is too much to drain", []http1.Event{head, headEnd, begun, complete, drain, shut}, http1.StateClosed},
		{"broken head is answered", []http1.Event{head, fault, begun, complete, shut}, http1.StateClosed},
		{"broken head is not answered", []http1.Event{head, fault, drain}, http1.StateLinger},
		{"broken content is answered", []http1.Event{head, headEnd, fault, begun, complete}, http1.StateLinger},
		{"content breaks while the response is under way", []http1.Event{head, headEnd, begun, fault, complete}, http1.StateLinger},
		{"content breaks behind the response", []http1.Event{head, headEnd, begun, complete, fault}, http1.StateLinger},
		{"upgrade", []http1.Event{head, headEnd, bodyEnd, begun, complete, upgrade, shut}, http1.StateClosed},
		{"last response", []http1.Event{head, headEnd, bodyEnd, begun, complete, drain, shut}, http1.StateClosed},
		{"shutdown between requests", []http1.Event{drain}, http1.StateLinger},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := http1.StateIdle
			for _, e := range c.events {
				n, ok := s.Next(e)
				if !ok {
					t.Fatalf("%v in %v is illegal", e, s)
				}
				s = n
			}
			if s != c.want {
				t.Errorf("ends in %v, want %v", s, c.want)
			}
		})
	}
}

func TestIllegalOrders(t *testing.T) {
	for _, c := range []struct {
		name string
		s    http1.State
		e    http1.Event
	}{
		{"two responses", http1.StateContent, http1.EventResponseBegun},
		{"response before the head is complete", http1.StateHead, http1.EventResponseBegun},
		{"response to nothing", http1.StateIdle, http1.EventResponseBegun},
		{"interim response behind the status", http1.StateContent, http1.EventInterim},
		{"interim response to a broken request", http1.StateFault, http1.EventInterim},
		{"next request before the response", http1.StateRespond, http1.EventNext},
		{"next request before the content ends", http1.StateDrain, http1.EventNext},
		{"next request behind a broken one", http1.StateLast, http1.EventNext},
		{"upgrade before the response", http1.StateRespond, http1.EventUpgrade},
		{"upgrade before the content ends", http1.StateDrain, http1.EventUpgrade},
		{"request in another protocol", http1.StateUpgraded, http1.EventHeadBegun},
		{"anything behind the end", http1.StateClosed, http1.EventClose},
		{"no state", http1.StateIllegal, http1.EventClose},
		{"no state that there is", http1.NumStates, http1.EventClose},
		{"no event that there is", http1.StateIdle, http1.NumEvents},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n, ok := c.s.Next(c.e); ok || n != http1.StateIllegal {
				t.Errorf("%v in %v leads to %v, %v", c.e, c.s, n, ok)
			}
		})
	}
}

// Every state but the end can be left, every connection can be closed, every
// state can be reached, and every event means something somewhere.
func TestTable(t *testing.T) {
	reached := map[http1.State]bool{http1.StateIdle: true}
	events := map[http1.Event]bool{}
	for range int(http1.NumStates) {
		for s := range reached {
			for e := range http1.NumEvents {
				if n, ok := s.Next(e); ok {
					reached[n] = true
					events[e] = true
				}
			}
		}
	}
	for s := http1.StateIllegal + 1; s < http1.NumStates; s++ {
		if !reached[s] {
			t.Errorf("%v cannot be reached", s)
		}
		n, ok := s.Next(http1.EventClose)
		if want := s != http1.StateClosed; ok != want || ok && n != http1.StateClosed {
			t.Errorf("close in %v leads to %v, %v", s, n, ok)
		}
	}
	if len(events) != int(http1.NumEvents) {
		t.Errorf("only %v are used", events)
	}
}

func TestStateNames(t *testing.T) {
	seen := map[string]bool{}
	for s := range http1.NumStates {
		seen[s.String()] = true
	}
	for e := range http1.NumEvents {
		seen["event "+e.String()] = true
	}
	if len(seen) != int(http1.NumStates)+int(http1.NumEvents) || seen[""] || seen["event "] {
		t.Errorf("names are %v", seen)
	}
	if http1.NumStates.String() != "Illegal" || http1.NumEvents.String() != "Illegal" {
		t.Error("name of what there is not")
	}
}
