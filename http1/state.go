package http1

// This file holds the life of a server's connection as a table, and nothing
// else: no bytes, no time, no limits. Whoever runs a connection keeps one
// State, tells it what happened by Next, and takes false for a call in the
// wrong order, or for a bug of its own.
//
// Theory of operation. Two machines are coupled in it: the request that comes
// in (head, content, end) and the response that goes out (begun, complete).
// They overlap: a response may begin, and even end, while content is still
// coming, and so the states are the pairs of both that can occur:
//
//	                   response not begun   under way   complete
//	no request         Idle
//	head under way     Head
//	content under way  Body                 Early       Drain
//	request complete   Respond              Content     Complete
//	request broken     Fault                Last        Linger
//
// A request without content passes through Body as well: head complete, body
// complete. Interim responses (1xx) go out in Body and Respond and change
// nothing. A request is broken when its bytes can no longer be told apart (an
// error of Parse or Body.Next), or when no more of them are wanted (a timeout):
// it may still be answered, but then the connection ends by way of Linger, in
// which our side is closed and what the peer still sends is discarded, so that
// a reset does not destroy the answer on its way (RFC 9112 section 9.6).

// State is a state of a connection. Its zero value is no state.
type State uint8

// The states of a connection.
const (
	StateIllegal  State = iota // not a state: what Next returns with false
	StateIdle                  // nothing of a request is here; left by its first byte, or closed
	StateHead                  // part of a head is here; left when it is complete or refused
	StateBody                  // content may come; left by its end or by the response
	StateRespond               // the request is complete; left by the response
	StateEarly                 // the response has begun while content is coming
	StateContent               // the request is complete, the response is under way
	StateDrain                 // the response is complete, content is read and discarded
	StateComplete              // request and response are complete; left for the next, or to end
	StateFault                 // the request is broken, the response has not begun; no more is read of it
	StateLast                  // the request is broken, the response is under way; the connection ends with it
	StateLinger                // our side is closed; what comes is discarded (RFC 9112 section 9.6)
	StateUpgraded              // the connection speaks another protocol (RFC 9110 section 7.8), or is a tunnel
	StateClosed                // the end
	numStates
)

// Event is what happens to a connection.
type Event uint8

// The events of a connection.
const (
	EventHeadBegun        Event = iota // the first byte of a request, empty lines aside
	EventHeadComplete                  // Parse said done
	EventBodyComplete                  // Body.Done, at once for a request without content
	EventInterim                       // a 1xx response other than 101 was written
	EventResponseBegun                 // the status line of the final response was written
	EventResponseComplete              // its last byte was written
	EventNext                          // on to the next request
	EventUpgrade                       // the complete response was a 101, or a 2xx to CONNECT
	EventError                         // the request is broken, or no more of it is wanted
	EventDrain                         // the last response is out: close our side, discard what comes
	EventClose                         // the connection is gone, in order or not
	numEvents
)

// transitions has the state that follows a state on an event. A pair that is
// not in it is illegal.
var transitions = [numStates][numEvents]State{
	StateIdle: {
		EventHeadBegun: StateHead,
		EventDrain:     StateLinger, // graceful shutdown between requests
		EventClose:     StateClosed,
	},
	StateHead: {
		EventHeadComplete: StateBody,
		EventError:        StateFault,
		EventClose:        StateClosed,
	},
	StateBody: {
		EventBodyComplete:  StateRespond,
		EventInterim:       StateBody,
		EventResponseBegun: StateEarly,
		EventError:         StateFault,
		EventClose:         StateClosed,
	},
	StateRespond: {
		EventInterim:       StateRespond,
		EventResponseBegun: StateContent,
		EventClose:         StateClosed,
	},
	StateEarly: {
		EventBodyComplete:     StateContent,
		EventResponseComplete: StateDrain,
		EventError:            StateLast,
		EventClose:            StateClosed,
	},
	StateContent: {
		EventResponseComplete: StateComplete,
		EventClose:            StateClosed,
	},
	StateDrain: {
		EventBodyComplete: StateComplete,
		EventError:        StateLinger,
		EventDrain:        StateLinger, // too much to read only to keep the connection
		EventClose:        StateClosed,
	},
	StateComplete: {
		EventNext:    StateIdle,
		EventUpgrade: StateUpgraded,
		EventDrain:   StateLinger,
		EventClose:   StateClosed,
	},
	StateFault: {
		EventResponseBegun: StateLast,
		EventDrain:         StateLinger,
		EventClose:         StateClosed,
	},
	StateLast: {
		EventResponseComplete: StateLinger,
		EventClose:            StateClosed,
	},
	StateLinger: {
		EventClose: StateClosed,
	},
	StateUpgraded: {
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
	StateIllegal: "Illegal", StateIdle: "Idle", StateHead: "Head", StateBody: "Body",
	StateRespond: "Respond", StateEarly: "Early", StateContent: "Content", StateDrain: "Drain",
	StateComplete: "Complete", StateFault: "Fault", StateLast: "Last", StateLinger: "Linger",
	StateUpgraded: "Upgraded", StateClosed: "Closed",
}

// String is the name of the state without its prefix.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "Illegal"
}

var eventNames = [numEvents]string{
	EventHeadBegun: "HeadBegun", EventHeadComplete: "HeadComplete", EventBodyComplete: "BodyComplete",
	EventInterim: "Interim", EventResponseBegun: "ResponseBegun", EventResponseComplete: "ResponseComplete",
	EventNext: "Next", EventUpgrade: "Upgrade", EventError: "Error", EventDrain: "Drain", EventClose: "Close",
}

// String is the name of the event without its prefix.
func (e Event) String() string {
	if e < numEvents {
		return eventNames[e]
	}
	return "Illegal"
}
