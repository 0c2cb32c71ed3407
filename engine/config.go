package engine

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Config is what an engine is made of. It is not changed after New.
type Config struct {
	// Backend is the network. The engine closes it when it stops.
	Backend transport.Backend

	// Lanes is how many lanes the Backend will have, for Validate and Memory
	// where it is nil. New needs it.
	Lanes int

	// Pool is the size of the stores. Its Slots include the Reserve.
	Pool pool.Config

	// Workers is how many requests are worked on at once, at least 1. Spare is
	// how many more workers there are to replace those whose handlers do not
	// come back in time.
	Workers, Spare int

	// WorkerMemory is how many bytes each worker owns, at least 256.
	WorkerMemory int

	// Reserve is how many of the slots are kept to refuse clients with
	// (AdmitRefuse).
	Reserve int

	// Admission says what becomes of a client who comes when all slots are
	// taken.
	Admission Admission

	// Patience says how long each phase may last.
	Patience Patience

	// Log, if it is not nil, is told what happens. It is called on the
	// goroutine of whoever makes it happen, must not block, and must not call
	// the engine.
	Log func(Event)
}

// Admission is what becomes of a client who comes when all slots are taken.
type Admission uint8

// The admission policies.
const (
	// AdmitEvict closes the connection that has been idle longest. If none is
	// idle, clients wait as with AdmitWait.
	AdmitEvict Admission = iota

	// AdmitWait leaves clients outside: in the kernel's backlog, or, on bare
	// metal, unanswered so that they try again.
	AdmitWait

	// AdmitRefuse tells clients to come back later, in the words of the
	// protocol, on a slot of the reserve.
	AdmitRefuse
)

// Phase is what a connection is waiting for, or doing.
type Phase uint8

// The phases. Each but PhaseBusy and PhaseAlarm has a deadline that ends it, counted from when the phase
// began and not moved by further bytes, except where a rate is named.
const (
	PhaseBusy  Phase = iota // a worker is at it
	PhaseOpen               // nothing has been received yet
	PhaseIdle               // between requests; may be evicted
	PhaseHead               // a head, frame header or message has begun
	PhaseBody               // content is coming
	PhaseHeld               // waiting until a worker may be lent
	PhaseWrite              // output waits for the peer to take it
	PhaseDrain              // our last byte is sent, the peer's end is awaited
	PhaseAlarm              // waiting for the program, until the driver is to look again
	NumPhases
)

var phaseNames = [NumPhases]string{"busy", "open", "idle", "head", "body", "held", "write", "drain", "alarm"}

// String is the phase's name.
func (p Phase) String() string {
	if p < NumPhases {
		return phaseNames[p]
	}
	return "unknown"
}

// Patience is how long each phase may last, in nanoseconds. No phase may last
// for ever: 0 is not allowed, and more than a year neither.
type Patience struct {
	Open, Idle, Head, Held, Drain int64

	// Body and Write are grace: the deadline moves on with every byte, as far
	// as Rate, in bytes a second, allows, but never further than the grace
	// from now. So a peer who is slower than Rate fails in the end, and one
	// who stalls fails after the grace.
	Body, Write int64
	Rate        int // at most 1<<30

	// Handler is how long a handler may run, unless its route says otherwise.
	Handler int64
}

func (p *Patience) of(ph Phase) int64 {
	switch ph {
	case PhaseOpen:
		return p.Open
	case PhaseIdle:
		return p.Idle
	case PhaseHead:
		return p.Head
	case PhaseBody:
		return p.Body
	case PhaseHeld:
		return p.Held
	case PhaseWrite:
		return p.Write
	case PhaseDrain:
		return p.Drain
	}
	return 0
}

// mostPatience is a year, within what ticks can tell apart.
const mostPatience = 365 * 24 * 3600 * 1_000_000_000

func patient(d int64) bool { return d > 0 && d <= mostPatience }

// ConfigError names the field of a configuration that is out of its bounds.
type ConfigError struct {
	Field string // as it is written in the configuration
	Rule  string // what it must be
}

// Error says which field must be what.
func (e *ConfigError) Error() string { return "config: " + e.Field + " must be " + e.Rule }

func (c *Config) lanes() int {
	if c.Backend == nil {
		return c.Lanes
	}
	return c.Backend.Lanes()
}

// rules are what Validate may report.
var rules = [...]ConfigError{
	{"Backend", "given"},
	{"Workers", "from 1 to 4096"},
	{"Workers", "at least the lanes of the backend"},
	{"Spare", "from 0 to 4096"},
	{"WorkerMemory", "from 256 bytes to 16 MiB"},
	{"Reserve", "less than the slots"},
	{"Admission", "one of the policies"},
	{"Reserve", "at least 1 to refuse clients with"},
	{"Pool", "of counts and sizes within the bounds of package pool"},
	{"Patience.Rate", "from 1 to 1073741824"},
}

// broken is the first of the rules that the configuration breaks, or -1.
func (c *Config) broken() int {
	switch {
	case c.lanes() <= 0:
		return 0
	case c.Workers < 1 || c.Workers > 4096:
		return 1
	case c.Workers < c.lanes():
		return 2
	case c.Spare < 0 || c.Spare > 4096:
		return 3
	case c.WorkerMemory < 256 || c.WorkerMemory > 1<<24:
		return 4
	case c.Reserve < 0 || c.Reserve >= c.Pool.Slots:
		return 5
	case c.Admission > AdmitRefuse:
		return 6
	case c.Admission == AdmitRefuse && c.Reserve <= 0:
		return 7
	case c.Pool.Validate() != nil:
		return 8
	case c.Patience.Rate <= 0 || c.Patience.Rate > 1<<30:
		return 9
	}
	return -1
}

// Validate reports the first field that is out of its bounds, as a
// *ConfigError.
func (c *Config) Validate() error {
	if i := c.broken(); i >= 0 {
		return &ConfigError{rules[i].Field, rules[i].Rule}
	}
	p := &c.Patience
	names := [...]string{"Open", "Idle", "Head", "Held", "Drain", "Body", "Write", "Handler"}
	for i, d := range [len(names)]int64{p.Open, p.Idle, p.Head, p.Held, p.Drain, p.Body, p.Write, p.Handler} {
		if !patient(d) {
			return &ConfigError{"Patience." + names[i], "more than 0 and at most a year"}
		}
	}
	if l, ok := c.Backend.(interface{ Limit() int }); ok && l.Limit() < c.Pool.Slots+maxListeners {
		return &ConfigError{"Sockets", "at most " + string(ascii.AppendUint(nil, uint64(max(l.Limit()-c.Reserve-maxListeners, 0)))) +
			", since the process may not open more descriptors (raise the limit with ulimit -n)"}
	}
	return nil
}

// Memory is what an engine of this configuration holds beside its backend, in
// bytes, by part.
type Memory struct {
	Pool    pool.Memory
	Workers int // their memory and their state; stacks of goroutines come on top
	Engine  int // lanes with their events, and the queue of held requests
}

// Total is the sum of the parts.
func (m Memory) Total() int { return m.Pool.Total() + m.Workers + m.Engine }

// Memory computes what the engine holds.
func (c *Config) Memory() Memory {
	return Memory{
		Pool:    c.Pool.Memory(),
		Workers: (c.Workers + c.Spare) * (c.WorkerMemory + int(unsafe.Sizeof(Worker{}))),
		Engine:  int(unsafe.Sizeof(Engine{})) + c.lanes()*int(unsafe.Sizeof(lane{})) + heldFactor*c.Pool.Stash*8,
	}
}
