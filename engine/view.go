package engine

import "github.com/bobtail-go/bobtail/pool"

// This file lets anybody look at the sockets and the workers while they are at
// work: each look is at one of them, at one moment, waits for nobody and
// allocates nothing.

// SlotView is a socket as it is seen from outside.
type SlotView struct {
	// State is what the slot is doing.
	State pool.State

	// Phase is what the connection waited for when it last waited, and Driver
	// the number of what served it then.
	Phase  Phase
	Driver uint8

	// Idle says that it has nothing to do and may be evicted.
	Idle bool
}

// Socket looks at the slot at i, below Engine.Pool().Size().
func (e *Engine) Socket(i int) SlotView {
	v := e.pool.View(i)
	return SlotView{v.State, Phase(v.Phase), v.Driver, v.Idle}
}

// Doing is what a worker does.
type Doing uint8

// What workers do.
const (
	WorkerIdle    Doing = iota // it has nothing to do, and waits to be called; so do spare ones
	WorkerPolling              // it waits for whatever happens next to any socket of its lane
	WorkerServing              // it serves a socket
	WorkerLent                 // it waits inside a handler, for the peer of its socket
	WorkerLost                 // its handler has passed its deadline and has not returned
	numDoings
)

var doingNames = [numDoings]string{"idle", "polling", "serving", "lent", "lost"}

// String is a word for it.
func (d Doing) String() string {
	if d < numDoings {
		return doingNames[d]
	}
	return "unknown"
}

// WorkerView is a worker as it is seen from outside.
type WorkerView struct {
	Doing Doing

	// Slot is the index of the socket that it serves or waits for, or -1. A
	// worker that is lost has none any more.
	Slot int32
}

// WorkerAt looks at the worker with an id, below Engine.MaxWorkers. The parts of
// what it tells may be a moment apart.
func (e *Engine) WorkerAt(id int) WorkerView {
	w := e.workers[id]
	slot, lane := w.current.Load(), w.lane.Load()
	switch {
	case w.right.Load()&rightState == rightPassed:
		return WorkerView{WorkerLost, nobody}
	case slot != nobody && w.waiting.Load() != 0:
		return WorkerView{WorkerLent, slot}
	case slot != nobody:
		return WorkerView{WorkerServing, slot}
	case lane != nobody:
		return WorkerView{WorkerPolling, nobody}
	}
	return WorkerView{WorkerIdle, nobody}
}
