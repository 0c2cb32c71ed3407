package ws

// This file holds the life of a connection as a table, and nothing else: no
// bytes, no time, no codes. Whoever runs a connection, in either role, may keep
// one State, tell it what happened by Next, and take false for a call in the
// wrong order, or for a bug of its own.
//
// Theory of operation. Each direction ends with a close frame (RFC 6455 section
// 7.1.2), and so the states from Open on are the pairs of both:
//
//	                        theirs may come   theirs is here
//	ours is not sent        Open              CloseReceived
//	ours is sent            CloseSent         Finished
//
// Who breaks a rule is told by a close frame and is listened to no more:
// Failed (section 7.1.7). From Finished a server closes the stream at once, and
// a client waits for that, with a limit (section 7.1.1); from Failed both close.

// State is a state of a connection. Its zero value is no state.
type State uint8

// The states of a connection.
const (
	StateIllegal       State = iota // not a state: what Next returns with false
	StateConnecting                 // the handshake is under way (RFC 6455 section 4)
	StateOpen                       // both ends may send
	StateCloseSent                  // our close frame is sent: we send no more, and await theirs
	StateCloseReceived              // their close frame is here: ours is owed, behind the message under way if there is one
	StateFinished                   // both are: the stream is to be closed, by the server first
	StateFailed                     // a rule was broken: ours is sent, and nothing more is read
	StateClosed                     // the end
	numStates
)

// Event is what happens to a connection.
type Event uint8

// The events of a connection.
const (
	EventEstablished  Event = iota // the handshake is complete
	EventSend                      // a frame other than close was sent
	EventReceive                   // a frame other than close was received
	EventSendClose                 // a close frame was sent
	EventReceiveClose              // a close frame was received
	EventFail                      // the peer broke a rule; a close frame says so, unless ours is sent already
	EventClose                     // the stream is gone, in order or not
	numEvents
)

// transitions has the state that follows a state on an event. A pair that is
// not in it is illegal.
var transitions = [numStates][numEvents]State{
	StateConnecting: {
		EventEstablished: StateOpen,
		EventClose:       StateClosed,
	},
	StateOpen: {
		EventSend:         StateOpen,
		EventReceive:      StateOpen,
		EventSendClose:    StateCloseSent,
		EventReceiveClose: StateCloseReceived,
		EventFail:         StateFailed,
		EventClose:        StateClosed,
	},
	StateCloseSent: {
		EventReceive:      StateCloseSent, // sent before they saw ours
		EventReceiveClose: StateFinished,
		EventFail:         StateFailed,
		EventClose:        StateClosed,
	},
	StateCloseReceived: {
		EventSend:      StateCloseReceived, // section 5.5.1: the message under way may be sent to its end
		EventSendClose: StateFinished,
		EventClose:     StateClosed,
	},
	StateFinished: {
		EventClose: StateClosed,
	},
	StateFailed: {
		EventClose: StateClosed,
	},
}

// Next is the state that follows s on an event, and whether there is one. If
// there is none, s remains what it was: the caller must not take the returned
// StateIllegal.
func (s State) Next(e Event) (State, bool) {
	if s >= numStates || e >= numEvents {
		return StateIllegal, false
	}
	t := transitions[s][e]
	return t, t != StateIllegal
}

var stateNames = [numStates]string{
	StateIllegal: "Illegal", StateConnecting: "Connecting", StateOpen: "Open", StateCloseSent: "CloseSent",
	StateCloseReceived: "CloseReceived", StateFinished: "Finished", StateFailed: "Failed", StateClosed: "Closed",
}

// String is the name of the state without its prefix.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "Illegal"
}

var eventNames = [numEvents]string{
	EventEstablished: "Established", EventSend: "Send", EventReceive: "Receive", EventSendClose: "SendClose",
	EventReceiveClose: "ReceiveClose", EventFail: "Fail", EventClose: "Close",
}

// String is the name of the event without its prefix.
func (e Event) String() string {
	if e < numEvents {
		return eventNames[e]
	}
	return "Illegal"
}
