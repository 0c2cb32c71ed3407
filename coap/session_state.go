package coap

// This file holds the life of a connection over a reliable transport as a
// table, and nothing else: no bytes, no time, no options. Whoever runs a
// connection, in either role, may keep one State, tell it what happened by
// Next, and take false for a call in the wrong order, or for a bug of its own.
//
// Theory of operation. The life begins when our CSM is sent, which is the first
// thing that either end does (RFC 8323 section 3.3). An end that wants the
// connection gone in order sends a Release and leaves it to the other to close
// (section 5.5); both may do so, and so the states are the pairs of both:
//
//	                           none of theirs   a Release of theirs
//	no Release of ours is      Fresh, Open      ReleaseReceived
//	one of ours is             ReleaseSent      Released
//
// An Abort ends it at once (section 5.6): ours leads to Failed, theirs to
// Aborted. Then nothing more is read or sent.

// State is a state of a connection. Its zero value is no state.
type State uint8

// The states of a connection.
const (
	StateIllegal         State = iota // not a state: what Next returns with false
	StateFresh                        // our CSM is sent, and no message of theirs but empty ones is here: base values are in force
	StateOpen                         // both ends may send
	StateReleaseSent                  // our Release is sent: they finish and close, and their requests are still answered
	StateReleaseReceived              // their Release is here: what they asked before is answered, then we close
	StateReleased                     // both are: what was asked before is answered, then whoever is first closes
	StateFailed                       // our Abort is sent: nothing more is read, the stream is to be closed
	StateAborted                      // their Abort is here: nothing more is read or sent, the stream is to be closed
	StateClosed                       // the end
	numStates
)

// Event is what happens to a connection. Empty messages are no event: they can
// always be sent, and mean nothing (RFC 8323 section 3.4).
type Event uint8

// The events of a connection.
const (
	EventReceiveCSM     Event = iota // a CSM was received
	EventReceive                     // a request, response, Ping or Pong was received
	EventSend                        // a CSM, request, response, Ping or Pong was sent
	EventSendRelease                 // a Release was sent
	EventReceiveRelease              // a Release was received
	EventSendAbort                   // an Abort was sent, since the peer broke a rule or for a reason of ours
	EventReceiveAbort                // an Abort was received
	EventClose                       // the stream is gone, in order or not
	numEvents
)

// transitions has the state that follows a state on an event. A pair that is
// not in it is illegal.
var transitions = [numStates][numEvents]State{
	StateFresh: {
		EventReceiveCSM:     StateOpen,
		EventReceive:        StateOpen, // a peer that skips its CSM or is late with it; who is strict sends an Abort instead
		EventSend:           StateFresh,
		EventSendRelease:    StateReleaseSent,
		EventReceiveRelease: StateReleaseReceived,
		EventSendAbort:      StateFailed,
		EventReceiveAbort:   StateAborted,
		EventClose:          StateClosed,
	},
	StateOpen: {
		EventReceiveCSM:     StateOpen, // RFC 8323 section 5.3: at any time
		EventReceive:        StateOpen,
		EventSend:           StateOpen,
		EventSendRelease:    StateReleaseSent,
		EventReceiveRelease: StateReleaseReceived,
		EventSendAbort:      StateFailed,
		EventReceiveAbort:   StateAborted,
		EventClose:          StateClosed,
	},
	StateReleaseSent: {
		EventReceiveCSM:     StateReleaseSent,
		EventReceive:        StateReleaseSent, // sent before they saw ours, or answers to us
		EventSend:           StateReleaseSent,
		EventReceiveRelease: StateReleased,
		EventSendAbort:      StateFailed,
		EventReceiveAbort:   StateAborted,
		EventClose:          StateClosed,
	},
	StateReleaseReceived: {
		EventReceiveCSM:     StateReleaseReceived,
		EventReceive:        StateReleaseReceived,
		EventSend:           StateReleaseReceived, // section 5.5: what was asked before is answered
		EventSendRelease:    StateReleased,
		EventReceiveRelease: StateReleaseReceived, // nothing forbids them to repeat it
		EventSendAbort:      StateFailed,
		EventReceiveAbort:   StateAborted,
		EventClose:          StateClosed,
	},
	StateReleased: {
		EventReceiveCSM:     StateReleased,
		EventReceive:        StateReleased,
		EventSend:           StateReleased,
		EventReceiveRelease: StateReleased,
		EventSendAbort:      StateFailed,
		EventReceiveAbort:   StateAborted,
		EventClose:          StateClosed,
	},
	StateFailed: {
		EventClose: StateClosed,
	},
	StateAborted: {
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
	StateIllegal: "Illegal", StateFresh: "Fresh", StateOpen: "Open", StateReleaseSent: "ReleaseSent",
	StateReleaseReceived: "ReleaseReceived", StateReleased: "Released", StateFailed: "Failed", StateAborted: "Aborted",
	StateClosed: "Closed",
}

// String is the name of the state without its prefix.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "Illegal"
}

var eventNames = [numEvents]string{
	EventReceiveCSM: "ReceiveCSM", EventReceive: "Receive", EventSend: "Send", EventSendRelease: "SendRelease",
	EventReceiveRelease: "ReceiveRelease", EventSendAbort: "SendAbort", EventReceiveAbort: "ReceiveAbort", EventClose: "Close",
}

// String is the name of the event without its prefix.
func (e Event) String() string {
	if e < numEvents {
		return eventNames[e]
	}
	return "Illegal"
}
