package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/statetest"
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
			statetest.Life(t, http1.StateIdle, c.want, c.events)
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
		t.Run(c.name, func(t *testing.T) { statetest.Illegal(t, c.s, c.e) })
	}
}

func TestTable(t *testing.T) {
	statetest.Table(t, http1.NumStates, http1.NumEvents, http1.StateIdle, http1.StateClosed, http1.EventClose)
}

func TestStateNames(t *testing.T) {
	statetest.Names(t, http1.NumStates)
	statetest.Names(t, http1.NumEvents)
}
