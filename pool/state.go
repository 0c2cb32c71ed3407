package pool

// This file holds every state of a slot, every event, and every transition.
// It knows neither why an event happens nor what a worker does.
//
// Theory of operation. A slot's word holds its generation, its state and the
// signals that nobody has acted on yet; it changes only by compare-and-swap.
// Each state either has an owner (a worker, the monitor, a pusher, who alone
// may touch the rest of the slot) or waits for signals. A signal that arrives
// at a slot which waits for it moves the slot to an owner in the same swap
// that notes it; one that arrives at an owned slot, or at one that waits for
// something else, is only noted. An owner that wants to let go must do so
// with a swap that finds no signal which the new state would wake up for, so
// nothing is missed between looking and letting go.

// State is what a slot is doing.
type State uint8

// The states of a slot.
const (
	// stateIllegal is the zero value: a transition that is not in the table.
	stateIllegal State = iota

	// Free slots have no connection. Left by Open.
	Free

	// Parked slots wait for bytes, or for output pushed by somebody. This is
	// the state of every idle connection.
	Parked

	// Blocked slots have output that the peer does not take. They wait for
	// room, and are not read from meanwhile.
	Blocked

	// Held slots have a request that would make a worker wait, and wait
	// themselves until one may be lent.
	Held

	// Draining slots have sent their last byte. What the peer still sends is
	// thrown away until it ends, so that our last bytes are not lost to a
	// reset (RFC 9112 section 9.6).
	Draining

	// Queued slots are ready and wait in the ring for a worker.
	Queued

	// Served slots are a worker's, or a pusher's while it sends.
	Served

	// LentRead and LentWrite slots are a worker's too, which waits inside a
	// handler for the peer's bytes, or for room to answer.
	LentRead
	LentWrite

	// Swept slots are the monitor's, or whoever ends them from outside: a
	// deadline has passed, or the slot was chosen for eviction.
	Swept

	numStates
)

var stateNames = [numStates]string{
	stateIllegal: "illegal", Free: "free", Parked: "parked", Blocked: "blocked", Held: "held",
	Draining: "draining", Queued: "queued", Served: "served", LentRead: "lent to read",
	LentWrite: "lent to write", Swept: "swept",
}

// String is the state's name.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "unknown"
}

// Owned reports whether the state has an owner.
func (s State) Owned() bool { return s == Served || s == Swept }

// Lent reports whether a worker waits in the state.
func (s State) Lent() bool { return s == LentRead || s == LentWrite }

// Signals is a set of reasons to look at a slot.
type Signals uint8

// The signals.
const (
	Readable Signals = 1 << iota // there are bytes, or the peer has ended or reset
	Writable                     // there may be room for output
	Hangup                       // the peer has closed: read until EOF or an error
	Output                       // somebody has pushed output
	Permit                       // a worker may be lent
	Kick                         // look at the slot in any case: the server is closing, or a worker is reclaimed
	End                          // end the connection
)

// wakesParked wakes a parked slot up.
const wakesParked = Readable | Hangup | Output | Kick | End

// interest says which signals wake a slot up from a state.
var interest = [numStates]Signals{
	Parked:    wakesParked,
	Blocked:   Writable | Hangup | Kick | End,
	Held:      Permit | Hangup | Kick | End,
	Draining:  Readable | Hangup | Kick | End,
	LentRead:  Readable | Writable | Hangup | Output | Kick | End,
	LentWrite: Writable | Hangup | Kick | End,
}

// Event is what happens to a slot.
type Event uint8

// The events. Those from Park to Lend are said by the owner, who lets go.
const (
	Open       Event = iota // a connection gets the slot
	Enqueue                 // a signal finds the slot waiting, no worker at hand
	Claim                   // a worker or pusher takes the slot
	Sweep                   // the monitor takes it
	Park                    // wait for bytes
	Stall                   // wait for room
	Hold                    // wait for permission to lend
	Drain                   // wait for the peer's end
	AwaitRead               // lend the worker until there are bytes
	AwaitWrite              // lend the worker until there is room
	Resume                  // the lent worker goes on
	Release                 // the connection is over

	numEvents
)

var eventNames = [numEvents]string{
	Open: "open", Enqueue: "enqueue", Claim: "claim", Sweep: "sweep", Park: "park", Stall: "stall",
	Hold: "hold", Drain: "drain", AwaitRead: "await read", AwaitWrite: "await write",
	Resume: "resume", Release: "release",
}

// String is the event's name.
func (e Event) String() string {
	if e < numEvents {
		return eventNames[e]
	}
	return "unknown"
}

// transitions is the whole machine. A pair that is not here is illegal: the
// slot stays as it is, and the caller has a bug.
var transitions = [numStates][numEvents]State{
	Free:      {Open: Swept},
	Parked:    {Enqueue: Queued, Claim: Served, Sweep: Swept},
	Blocked:   {Enqueue: Queued, Claim: Served, Sweep: Swept},
	Held:      {Enqueue: Queued, Claim: Served, Sweep: Swept},
	Draining:  {Enqueue: Queued, Claim: Served, Sweep: Swept},
	Queued:    {Claim: Served}, // not swept: its place in the ring would outlive it
	Served:    {Park: Parked, Stall: Blocked, Hold: Held, Drain: Draining, Enqueue: Queued, AwaitRead: LentRead, AwaitWrite: LentWrite, Sweep: Swept, Release: Free},
	LentRead:  {Resume: Served},
	LentWrite: {Resume: Served},
	Swept:     {Park: Parked, Stall: Blocked, Hold: Held, Drain: Draining, Enqueue: Queued, Claim: Served, Release: Free},
}

// Next is the state that follows s upon e. ok is false if e is illegal in s.
func (s State) Next(e Event) (next State, ok bool) {
	if s >= numStates || e >= numEvents {
		return s, false
	}
	next = transitions[s][e]
	if next == stateIllegal {
		return s, false
	}
	return next, true
}
