package coap_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/diagramtest"
	"github.com/bobtail-go/bobtail/internal/statetest"
)

// TestArchitectureDiagram keeps the picture of a connection's life as it is
// here; -update draws it again.
func TestArchitectureDiagram(t *testing.T) {
	diagramtest.Hold(t, "coap-states", diagramtest.Draw(coap.NumStates, coap.NumEvents, coap.StateFresh, coap.StateClosed, coap.EventClose))
}

// The lives of a connection, as scripts: each is one for both roles.
func TestLives(t *testing.T) {
	const (
		csm     = coap.EventReceiveCSM
		receive = coap.EventReceive
		send    = coap.EventSend
		go_     = coap.EventSendRelease
		theyGo  = coap.EventReceiveRelease
		abort   = coap.EventSendAbort
		aborted = coap.EventReceiveAbort
		shut    = coap.EventClose
	)
	for _, c := range []struct {
		name   string
		events []coap.Event
		want   coap.State
	}{
		{"the peer never speaks", []coap.Event{shut}, coap.StateClosed},
		{"we speak before their CSM is here (section 3.3)", []coap.Event{send, send, csm}, coap.StateOpen},
		{"requests and responses both ways", []coap.Event{csm, receive, send, send, receive}, coap.StateOpen},
		{"a peer that skips its CSM", []coap.Event{receive, send, receive}, coap.StateOpen},
		{"a peer whose CSM is late", []coap.Event{receive, csm, receive}, coap.StateOpen},
		{"further CSMs (section 5.3)", []coap.Event{csm, receive, csm, send, csm}, coap.StateOpen},
		{"we let go, and they close", []coap.Event{csm, go_, shut}, coap.StateClosed},
		{"we let go before they have spoken", []coap.Event{go_, csm, shut}, coap.StateClosed},
		{"we let go, and their requests are under way", []coap.Event{csm, go_, receive, send, receive}, coap.StateReleaseSent},
		{"they let go, and we answer what is open", []coap.Event{csm, receive, theyGo, send, shut}, coap.StateClosed},
		{"they let go, and answer what we have asked", []coap.Event{csm, send, theyGo, receive}, coap.StateReleaseReceived},
		{"they let go twice", []coap.Event{csm, theyGo, theyGo}, coap.StateReleaseReceived},
		{"they let go as their first word", []coap.Event{theyGo, shut}, coap.StateClosed},
		{"both let go, we first", []coap.Event{csm, go_, theyGo, send, receive}, coap.StateReleased},
		{"both let go, they first", []coap.Event{csm, theyGo, go_, receive, csm}, coap.StateReleased},
		{"they break a rule", []coap.Event{csm, abort, shut}, coap.StateClosed},
		{"they break the first rule", []coap.Event{abort}, coap.StateFailed},
		{"they break a rule behind our Release", []coap.Event{csm, go_, abort}, coap.StateFailed},
		{"they break a rule behind theirs", []coap.Event{csm, theyGo, abort}, coap.StateFailed},
		{"they abort", []coap.Event{csm, aborted, shut}, coap.StateClosed},
		{"they abort as their first word", []coap.Event{aborted}, coap.StateAborted},
		{"they abort behind both Releases", []coap.Event{csm, go_, theyGo, aborted}, coap.StateAborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			statetest.Life(t, coap.StateFresh, c.want, c.events)
		})
	}
}

func TestIllegalOrders(t *testing.T) {
	for _, c := range []struct {
		name string
		s    coap.State
		e    coap.Event
	}{
		{"two Releases of ours", coap.StateReleaseSent, coap.EventSendRelease},
		{"two Releases of ours behind theirs", coap.StateReleased, coap.EventSendRelease},
		{"message behind our Abort (section 5.6)", coap.StateFailed, coap.EventSend},
		{"Release behind our Abort (section 5.6)", coap.StateFailed, coap.EventSendRelease},
		{"two Aborts of ours", coap.StateFailed, coap.EventSendAbort},
		{"their message behind our Abort, which is not read", coap.StateFailed, coap.EventReceive},
		{"their Abort behind ours, which is not read", coap.StateFailed, coap.EventReceiveAbort},
		{"answer to an Abort (section 5.6)", coap.StateAborted, coap.EventSend},
		{"Abort for an Abort", coap.StateAborted, coap.EventSendAbort},
		{"their message behind their Abort", coap.StateAborted, coap.EventReceive},
		{"anything behind the end", coap.StateClosed, coap.EventClose},
		{"no state", coap.StateIllegal, coap.EventClose},
		{"no state that there is", coap.NumStates, coap.EventClose},
		{"no event that there is", coap.StateOpen, coap.NumEvents},
	} {
		t.Run(c.name, func(t *testing.T) { statetest.Illegal(t, c.s, c.e) })
	}
}

func TestTable(t *testing.T) {
	statetest.Table(t, coap.NumStates, coap.NumEvents, coap.StateFresh, coap.StateClosed, coap.EventClose)
}

func TestStateNames(t *testing.T) {
	statetest.Names(t, coap.NumStates)
	statetest.Names(t, coap.NumEvents)
	statetest.Names(t, coap.NumActions)
}
