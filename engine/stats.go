package engine

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/pool"
)

// counter is the number of a count.
type counter uint8

const (
	countAccepted counter = iota
	countDialled
	countRefused
	countOverAddress
	countEvicted
	countStashVictims
	countReclaimed
	countLost
	countDeposed
	countPanics
	countDetached
	countReceived
	countSent
	countPushed
	countPushDropped
	countTimeout        // and one for each phase after it
	countTimeoutHandler = countTimeout + counter(NumPhases)
	numCounters         = countTimeoutHandler + 1
)

// counters are one worker's, so that workers do not share a line of the
// cache for counting. They only grow.
type counters [numCounters]atomic.Uint64

func (c *counters) add(k counter, n int) { c[k].Add(uint64(n)) }

// Stats is a reading of the engine's counts, made while it runs: each number
// is exact, but they need not be of one moment.
type Stats struct {
	// Connections, since the start.
	Accepted    uint64 // clients accepted
	Dialled     uint64 // streams opened by us
	Refused     uint64 // clients told to come back later
	OverAddress uint64 // clients turned away since their address has its share
	Evicted     uint64 // idle connections closed for new clients
	Stalled     uint64 // slow senders closed since the stash was full
	Reclaimed   uint64 // waiting workers taken back, connection aborted
	Lost        uint64 // handlers that did not come back by their deadline
	Deposed     uint64 // leaders found stuck in a handler, lane given away
	Panics      uint64 // handlers that panicked
	Detached    uint64 // connections that a handler has taken over

	// Timeouts by phase, and of handlers.
	Timeouts       [NumPhases]uint64
	HandlerTimeout uint64

	// Traffic, in bytes, and pushed messages.
	Received, Sent      uint64
	Pushed, PushDropped uint64

	// What is there now.
	Sockets      int // slots in all
	Open         int // slots with a connection
	Parked       int // of those, waiting for their peer without a worker
	Queued       int // of those, waiting for a worker
	Held         int // of those, waiting until a worker may be lent
	Workers      int // workers, without the spare ones
	Busy         int // workers that serve a slot
	Lent         int // of those, waiting for a peer
	LostNow      int // workers whose handler has passed its deadline
	Stash        int // stash blocks taken
	OutputBlocks int // output blocks taken
	OutputNodes  int // pieces of output that wait
}

// Stats reads the counts. It allocates nothing and takes microseconds for
// thousands of slots.
func (e *Engine) Stats() (s Stats) {
	e.ReadStats(&s)
	return s
}

// sum is one of the counts, of all.
func (e *Engine) sum(k counter) uint64 {
	n := e.counts[k].Load()
	for _, w := range e.workers {
		n += w.counts[k].Load()
	}
	return n
}

// ReadStats is Stats into memory of the caller's, for those on whose machine a
// Stats is more than a stack holds.
func (e *Engine) ReadStats(s *Stats) {
	// In the order of the counters.
	for k, v := range [...]*uint64{
		&s.Accepted, &s.Dialled, &s.Refused, &s.OverAddress, &s.Evicted, &s.Stalled, &s.Reclaimed, &s.Lost, &s.Deposed, &s.Panics,
		&s.Detached, &s.Received, &s.Sent, &s.Pushed, &s.PushDropped,
	} {
		*v = e.sum(counter(k))
	}
	for k := range s.Timeouts {
		s.Timeouts[k] = e.sum(countTimeout + counter(k))
	}
	s.HandlerTimeout = e.sum(countTimeoutHandler)
	s.Sockets, s.Open = e.pool.Size()-e.cfg.Reserve, e.pool.Open()
	s.Workers, s.LostNow = e.cfg.Workers, int(e.lost.Load())
	s.Stash = e.pool.Stash.Used()
	s.Parked, s.Queued, s.Held, s.Busy, s.Lent = 0, 0, 0, 0, 0
	s.OutputBlocks, s.OutputNodes = e.pool.Outputs.Used()
	for i := range e.pool.High() {
		switch st, _ := e.pool.StateAt(i); st {
		case pool.Parked, pool.Blocked, pool.Draining:
			s.Parked++
		case pool.Queued:
			s.Queued++
		case pool.Held:
			s.Held++
		}
	}
	for _, w := range e.workers {
		if w.current.Load() != nobody {
			s.Busy++
		}
		if w.waiting.Load() != 0 {
			s.Lent++
		}
	}
}

// EventKind is what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	EventAccepted  EventKind = iota + 1 // Code is the listener's number
	EventRefused                        // a client was told to come back later
	EventClosed                         // a connection ended in order
	EventAborted                        // a connection was reset by us
	EventTimeout                        // a deadline has passed; Code is the Phase
	EventHandler                        // a handler's deadline has passed
	EventEvicted                        // closed for a new client
	EventStalled                        // closed since the stash was full
	EventReclaimed                      // a waiting worker was taken back
	EventDeposed                        // a leader is stuck in a handler
	EventPanic                          // a handler panicked
	EventRequest                        // a request was answered; Code is the status
	EventBadInput                       // a peer broke its protocol; Code is the error's number
	EventAccept                         // accepting fails for lack of descriptors
	EventDetached                       // a handler has taken the connection over
	numEventKinds
)

var eventNames = [numEventKinds]string{
	"", "accepted", "refused", "closed", "aborted", "timeout", "handler timeout", "evicted",
	"stalled", "reclaimed", "deposed", "panic", "request", "bad input", "out of descriptors", "detached",
}

// String is the kind's name.
func (k EventKind) String() string {
	if k < numEventKinds {
		return eventNames[k]
	}
	return "unknown"
}

// Event is one line of a log, in plain values.
type Event struct {
	Kind   EventKind
	Worker int16 // the worker's id, or -1 for the monitor and others
	Code   int32 // as the kind says
	Handle pool.Handle
	Bytes  int64 // content bytes of a request's answer
	Time   int64 // of the backend's clock, in nanoseconds
	Took   int64 // nanoseconds a request took
}
