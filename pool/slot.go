package pool

import (
	"sync/atomic"
	"unsafe"
)

// StateWords is the size of a protocol's own state in a slot, in words of 8
// bytes.
const StateWords = 3

// Slot is one socket's place in the table: one line of the processor's cache.
// Its word says who owns it; all other fields are the owner's.
type Slot struct {
	word atomic.Uint64 // generation, driver and phase when it was left, signals, state

	address uint64             // the peer's key in Addresses, 0 if it is not counted
	proto   [StateWords]uint64 // the protocol's state, see StateOf

	stream  int32         // the backend's name for the stream
	since   atomic.Uint32 // tick at which it was parked idle, Never if it may not be evicted
	outHead int32         // first and last node of the output, -1 if there is none;
	outTail int32         // guarded by Outputs, not by ownership
	stash   uint16        // 1 + index of the stash block, 0 if there is none
	outLen  uint8         // nodes of output, guarded by Outputs

	// Phase is what the connection waits for, for the deadline's sake. Its
	// values are the engine's.
	Phase uint8

	// Driver and Listener are the engine's numbers for what serves the slot,
	// and where it came from. Lane is the backend's lane of the stream.
	Driver, Listener, Lane uint8

	// Flags are the engine's, kept while the slot is parked.
	Flags uint8
}

// The layout of a slot's word.
const (
	stateBits   = 8
	signalShift = stateBits
	signalMask  = 0xFF << signalShift
	phaseShift  = 16 // Phase and Driver as they were when the slot was left: see View
	driverShift = 24
	genShift    = 32

	keptMask = ^uint64(1<<phaseShift - 1) // what changes of state and signals leave
)

// withWord is a word with other signals and another state.
func withWord(w uint64, sig Signals, st State) uint64 {
	return w&keptMask | uint64(sig)<<signalShift | uint64(st)
}

// leftWord is a word that says too what the owner who lets go leaves behind.
func leftWord(w uint64, s *Slot, sig Signals, st State) uint64 {
	return uint64(uint32(w>>genShift))<<genShift | uint64(s.Driver)<<driverShift | uint64(s.Phase)<<phaseShift |
		uint64(sig)<<signalShift | uint64(st)
}

func makeWord(gen uint32, sig Signals, st State) uint64 {
	return uint64(gen)<<genShift | uint64(sig)<<signalShift | uint64(st)
}

func splitWord(w uint64) (gen uint32, sig Signals, st State) {
	return uint32(w >> genShift), Signals(w >> signalShift), State(w)
}

// Stream is the backend's name for the slot's stream.
func (s *Slot) Stream() int32 { return s.stream }

// State is the slot's state at this moment. Unless the caller owns the slot,
// it may be another at the next.
func (s *Slot) State() State { return State(s.word.Load()) }

// Idle says that the connection may be evicted from now on, counted from
// tick k; Never says that it may not.
func (s *Slot) Idle(k uint32) {
	if s.since.Load() != k {
		s.since.Store(k)
	}
}

// Stashed reports whether the slot has a stash block.
func (s *Slot) Stashed() bool { return s.stash != 0 }

// StateOf is the protocol's state in the slot, zero when a connection begins.
// T must hold no pointers (the collector does not look into slots) and fit
// into StateWords words; a driver checks the latter with [Fits] in a test.
func StateOf[T any](s *Slot) *T { return (*T)(unsafe.Pointer(&s.proto)) }

// Fits reports whether T fits into a slot.
func Fits[T any]() bool {
	var t T
	return unsafe.Sizeof(t) <= StateWords*8 && unsafe.Alignof(t) <= 8
}

// ClearState makes the protocol's state zero, for the protocol that takes
// the connection over.
func (s *Slot) ClearState() { s.proto = [StateWords]uint64{} }
