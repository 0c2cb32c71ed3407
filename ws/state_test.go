package ws_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/statetest"
	"github.com/bobtail-go/bobtail/ws"
)

// The lives of a connection, as scripts: each is one for both roles.
func TestLives(t *testing.T) {
	const (
		up       = ws.EventEstablished
		send     = ws.EventSend
		receive  = ws.EventReceive
		bye      = ws.EventSendClose
		theirBye = ws.EventReceiveClose
		fail     = ws.EventFail
		shut     = ws.EventClose
	)
	for _, c := range []struct {
		name   string
		events []ws.Event
		want   ws.State
	}{
		{"handshake refused", []ws.Event{shut}, ws.StateClosed},
		{"messages both ways", []ws.Event{up, send, receive, receive, send}, ws.StateOpen},
		{"we close", []ws.Event{up, send, bye, theirBye, shut}, ws.StateClosed},
		{"we close, and their messages are under way", []ws.Event{up, bye, receive, receive, theirBye}, ws.StateFinished},
		{"they close", []ws.Event{up, receive, theirBye, bye, shut}, ws.StateClosed},
		{"they close, and our message is under way", []ws.Event{up, send, theirBye, send, bye}, ws.StateFinished},
		{"they break a rule", []ws.Event{up, receive, fail, shut}, ws.StateClosed},
		{"they break a rule behind our close frame", []ws.Event{up, bye, fail}, ws.StateFailed},
		{"the stream breaks", []ws.Event{up, shut}, ws.StateClosed},
		{"the stream breaks behind our close frame", []ws.Event{up, bye, shut}, ws.StateClosed},
		{"the stream breaks behind theirs", []ws.Event{up, theirBye, shut}, ws.StateClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			statetest.Life(t, ws.StateConnecting, c.want, c.events)
		})
	}
}

func TestIllegalOrders(t *testing.T) {
	for _, c := range []struct {
		name string
		s    ws.State
		e    ws.Event
	}{
		{"message before the handshake", ws.StateConnecting, ws.EventSend},
		{"their message before the handshake", ws.StateConnecting, ws.EventReceive},
		{"close frame before the handshake", ws.StateConnecting, ws.EventSendClose},
		{"two handshakes", ws.StateOpen, ws.EventEstablished},
		{"message behind our close frame (section 5.5.1)", ws.StateCloseSent, ws.EventSend},
		{"two close frames of ours", ws.StateCloseSent, ws.EventSendClose},
		{"their message behind their close frame (section 5.5.1)", ws.StateCloseReceived, ws.EventReceive},
		{"two close frames of theirs", ws.StateCloseReceived, ws.EventReceiveClose},
		{"message behind both", ws.StateFinished, ws.EventSend},
		{"message behind a failure (section 7.1.7)", ws.StateFailed, ws.EventSend},
		{"their message behind a failure (section 7.1.7)", ws.StateFailed, ws.EventReceive},
		{"their close frame behind a failure (section 7.1.7)", ws.StateFailed, ws.EventReceiveClose},
		{"anything behind the end", ws.StateClosed, ws.EventClose},
		{"no state", ws.StateIllegal, ws.EventClose},
		{"no state that there is", ws.NumStates, ws.EventClose},
		{"no event that there is", ws.StateOpen, ws.NumEvents},
	} {
		t.Run(c.name, func(t *testing.T) { statetest.Illegal(t, c.s, c.e) })
	}
}

func TestTable(t *testing.T) {
	statetest.Table(t, ws.NumStates, ws.NumEvents, ws.StateConnecting, ws.StateClosed, ws.EventClose)
}

func TestStateNames(t *testing.T) {
	statetest.Names(t, ws.NumStates)
	statetest.Names(t, ws.NumEvents)
}
