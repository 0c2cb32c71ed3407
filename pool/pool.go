package pool

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/build"
)

// Config is the size of a pool. It is fixed when the pool is made.
type Config struct {
	Slots      int // connections at once, from 1 to 1<<24
	Stash      int // stash blocks, from 1 to 65535
	StashSize  int // bytes of one, at least 64
	Blocks     int // output blocks, at least 1
	BlockSize  int // bytes of one, at least 64
	Nodes      int // pieces of output that wait, in all slots together; at least Blocks
	PerAddress int // connections of one peer address; 0 is no limit
}

// Validate reports whether the sizes are within their bounds.
func (c Config) Validate() error {
	if c.Slots < 1 || c.Slots > 1<<24 || c.Stash < 1 || c.Stash > 65535 || c.StashSize < 64 ||
		c.Blocks < 1 || c.BlockSize < 64 || c.Nodes < c.Blocks || c.PerAddress < 0 || c.PerAddress > 65535 {
		return ErrConfig
	}
	return nil
}

// Memory is what a pool of this size holds, in bytes, by part.
type Memory struct {
	Slots     int // slots, deadlines and the ready ring, and the pool itself
	Stash     int // stash blocks
	Output    int // output blocks and nodes, and a byte a slot of marks
	Addresses int // the table of peer addresses
}

// Total is the sum of the parts.
func (m Memory) Total() int { return m.Slots + m.Stash + m.Output + m.Addresses }

// Memory computes what a pool of this size holds.
func (c Config) Memory() Memory {
	m := Memory{
		Slots:  int(unsafe.Sizeof(Pool{})) + c.Slots*(int(unsafe.Sizeof(Slot{}))+deadlineSize+ringSize),
		Stash:  c.Stash * (c.StashSize + int(unsafe.Sizeof(stashEntry{}))),
		Output: c.Blocks*(c.BlockSize+blockSize) + c.Nodes*int(unsafe.Sizeof(node{})) + c.Slots*markSize,
	}
	if c.PerAddress > 0 {
		m.Addresses = addressSlots(c.Slots) * int(unsafe.Sizeof(addressEntry{}))
	}
	return m
}

// Pool is the table of slots and the stores beside it. Its methods may be
// called from any goroutine, under the rule that only a slot's owner touches
// the slot.
type Pool struct {
	Deadlines Deadlines
	Stash     Stash
	Outputs   Outputs
	Ready     Ring
	Addresses Addresses

	slots []Slot

	// The free slots are a stack, linked through outHead.
	mu   sync.Mutex
	free int32
	open atomic.Int32
	high atomic.Int32 // slots from here on have never been used

	elders elders
}

// New makes a pool. It panics if the configuration is not valid.
func New(c Config) *Pool {
	if err := c.Validate(); err != nil {
		panic(err)
	}
	p := &Pool{slots: make([]Slot, c.Slots), free: -1}
	p.Deadlines.init(c.Slots, &p.high)
	p.Stash.init(c.Stash, c.StashSize)
	p.Outputs.init(p, c.Blocks, c.BlockSize, c.Nodes)
	p.Ready.init(c.Slots)
	p.Addresses.init(c.Slots, c.PerAddress)
	return p
}

// Size is the number of slots.
func (p *Pool) Size() int { return len(p.slots) }

// Open is the number of slots with a connection.
func (p *Pool) Open() int { return int(p.open.Load()) }

// High is one more than the highest index that a connection has ever had:
// slots from there on are free, and their memory has not been touched.
func (p *Pool) High() int { return int(p.high.Load()) }

// Slot is the slot at an index. Whether the caller may touch it is another
// matter.
func (p *Pool) Slot(i int) *Slot { return &p.slots[i] }

// Index is the slot's number in the table.
func (p *Pool) Index(s *Slot) int {
	return int((uintptr(unsafe.Pointer(s)) - uintptr(unsafe.Pointer(&p.slots[0]))) / unsafe.Sizeof(Slot{}))
}

// Handle names the connection that the slot has. The slot is the caller's.
func (p *Pool) Handle(s *Slot) Handle {
	return newHandle(p.Index(s), uint32(s.word.Load()>>genShift))
}

// Acquire takes a free slot. It is swept: the caller's, who gives it a stream
// and then lets go of it as an owner does. It returns nil if none is free.
func (p *Pool) Acquire() *Slot {
	p.mu.Lock()
	var s *Slot
	if p.free >= 0 {
		s = &p.slots[p.free]
		p.free = s.outHead
	} else if h := p.high.Load(); int(h) < len(p.slots) {
		s = &p.slots[h]
		p.high.Store(h + 1)
		s.word.Store(makeWord(0, 0, Free))
	}
	p.mu.Unlock()
	if s == nil {
		return nil
	}
	gen := uint32(s.word.Load()>>genShift) + 1
	if gen == 0 {
		gen = 1 // so that no handle is zero
	}
	s.address = 0
	s.proto = [StateWords]uint64{}
	s.stream = -1
	s.since.Store(Never)
	s.outHead, s.outTail, s.outLen = -1, -1, 0
	s.stash = 0
	s.Phase, s.Driver, s.Listener, s.Lane, s.Flags = 0, 0, 0, 0, 0
	s.word.Store(makeWord(gen, 0, Swept))
	p.open.Add(1)
	return s
}

// Release ends the connection of a slot that the caller owns, and gives back
// what it holds of the shared stores. The stream is the caller's to close,
// before: its name may be given to another as soon as it is closed, but its
// events carry the handle, which is stale from here on.
func (p *Pool) Release(s *Slot) {
	i := p.Index(s)
	gen, _, st := splitWord(s.word.Load())
	if _, ok := st.Next(Release); !ok {
		panic("BUG: pool: release of a slot that is " + st.String())
	}
	p.Deadlines.Clear(i)
	p.Stash.Drop(s)
	p.Addresses.Remove(s)
	// The generation is checked under the lock of Outputs by those who push,
	// so the word changes first and what was pushed is dropped after.
	s.word.Store(makeWord(gen, 0, Free))
	p.Outputs.Clear(s)
	p.mu.Lock()
	s.outHead = p.free
	p.free = int32(i)
	p.open.Add(-1)
	p.mu.Unlock()
}

// Outcome is what became of a signal.
type Outcome uint8

// The outcomes of a signal.
const (
	Stale   Outcome = iota // the connection is over: nothing was done
	Noted                  // the slot has an owner, or does not wait for this
	Claimed                // the slot is the caller's now
	Resumed                // the worker that waits in the slot must be told to go on
)

// Signal tells the connection of h that something has happened. If the slot
// waits for it, it moves by e, which is Claim (it is the caller's, and
// Served) or Enqueue (the caller owes it to the ring); all signals that were
// noted are returned, and no longer noted.
func (p *Pool) Signal(h Handle, sig Signals, e Event) (Outcome, Signals) {
	i := h.Index()
	if uint(i) >= uint(len(p.slots)) {
		return Stale, 0
	}
	s := &p.slots[i]
	// Nearly always a parked slot is claimed. The tables would say the same, but
	// must be in the cache for that.
	if old := s.word.Load(); !build.Small && e == Claim && sig&wakesParked != 0 && State(old) == Parked && uint32(old>>genShift) == h.Generation() &&
		s.word.CompareAndSwap(old, withWord(old, 0, Served)) {
		return Claimed, sig | Signals(old>>signalShift)
	}
	for {
		old := s.word.Load()
		gen, noted, st := splitWord(old)
		if gen != h.Generation() || st == Free || st == stateIllegal {
			return Stale, 0
		}
		noted |= sig
		if interest[st]&noted == 0 {
			if s.word.CompareAndSwap(old, withWord(old, noted, st)) {
				return Noted, 0
			}
			continue
		}
		outcome, next := Claimed, transitions[st][e]
		if st.Lent() {
			outcome, next = Resumed, Served
		}
		keep := Signals(0)
		if next == Queued {
			keep = noted // for the worker that will claim it
		}
		if s.word.CompareAndSwap(old, withWord(old, keep, next)) {
			return outcome, noted
		}
	}
}

// Sweep takes a slot away from whatever it waits for, and returns the event
// by which it may be put back. It fails if the slot has an owner or a lent
// worker, or is free, or has had another connection since.
func (p *Pool) Sweep(h Handle) (back Event, ok bool) {
	if uint(h.Index()) >= uint(len(p.slots)) {
		return 0, false
	}
	s := &p.slots[h.Index()]
	for {
		old := s.word.Load()
		gen, noted, st := splitWord(old)
		next, ok := st.Next(Sweep)
		if gen != h.Generation() || !ok || st.Owned() {
			return 0, false
		}
		if s.word.CompareAndSwap(old, withWord(old, noted, next)) {
			return backTo[st], true
		}
	}
}

// putBack lets go of a slot that was swept for nothing. If something has come
// for it meanwhile it goes into the ring, at which the caller, a worker or the
// monitor, looks next.
func (p *Pool) putBack(s *Slot, back Event) {
	if sig, ok := p.Leave(s, back); !ok {
		p.Add(s, sig)
		p.Move(s, Enqueue)
		p.Ready.Push(p.Index(s))
	}
}

var backTo = [numStates]Event{Parked: Park, Blocked: Stall, Held: Hold, Draining: Drain}

// Take claims a slot that was popped from the ring, and returns its signals.
func (p *Pool) Take(s *Slot) Signals {
	for {
		old := s.word.Load()
		_, noted, st := splitWord(old)
		if st != Queued {
			panic("BUG: pool: the ring holds a slot that is " + st.String())
		}
		if s.word.CompareAndSwap(old, withWord(old, 0, Served)) {
			return noted
		}
	}
}

// Leave lets go of a slot that the caller owns, by the event e. If a signal
// has come meanwhile that the new state would wake up for, the slot stays the
// caller's, and the signals are returned and no longer noted.
func (p *Pool) Leave(s *Slot, e Event) (Signals, bool) {
	// As in Signal, without the tables.
	if old := s.word.Load(); !build.Small && e == Park && State(old) == Served && Signals(old>>signalShift)&wakesParked == 0 &&
		s.word.CompareAndSwap(old, leftWord(old, s, Signals(old>>signalShift), Parked)) {
		return 0, true
	}
	for {
		old := s.word.Load()
		_, noted, st := splitWord(old)
		next, ok := st.Next(e)
		if !ok {
			panic("BUG: pool: " + e.String() + " of a slot that is " + st.String())
		}
		if interest[next]&noted != 0 {
			if s.word.CompareAndSwap(old, withWord(old, 0, st)) {
				return noted, false
			}
			continue
		}
		if s.word.CompareAndSwap(old, leftWord(old, s, noted, next)) {
			return 0, true
		}
	}
}

// Noted takes the signals that have come to a slot which the caller owns.
func (p *Pool) Noted(s *Slot) Signals {
	for {
		old := s.word.Load()
		_, noted, st := splitWord(old)
		if noted == 0 {
			return 0
		}
		if s.word.CompareAndSwap(old, withWord(old, 0, st)) {
			return noted
		}
	}
}

// SetStream gives a slot that the caller owns its stream.
func (s *Slot) SetStream(stream int32) { s.stream = stream }

// Move changes the state of a slot that the caller owns to another that has
// an owner: Swept to Served by Claim, Served to Swept by Sweep, or Served to
// Queued by Enqueue, after which it is the ring's. Signals stay noted.
func (p *Pool) Move(s *Slot, e Event) {
	for {
		old := s.word.Load()
		_, noted, st := splitWord(old)
		next, ok := st.Next(e)
		if !ok {
			panic("BUG: pool: " + e.String() + " of a slot that is " + st.String())
		}
		if s.word.CompareAndSwap(old, withWord(old, noted, next)) {
			return
		}
	}
}

// Add notes signals in a slot that the caller owns, so that the next owner
// sees them.
func (p *Pool) Add(s *Slot, sig Signals) {
	for {
		old := s.word.Load()
		if s.word.CompareAndSwap(old, old|uint64(sig)<<signalShift) {
			return
		}
	}
}

// StateAt is the state of the slot at i, and the handle of its connection.
func (p *Pool) StateAt(i int) (State, Handle) {
	gen, _, st := splitWord(p.slots[i].word.Load())
	return st, newHandle(i, gen)
}

// View is a slot as anybody may see it, at one moment.
type View struct {
	State State

	// Phase and Driver are what they were when the slot was last let go: of a
	// slot that has an owner, what its owner had found. They are 0 before.
	Phase, Driver uint8

	// Idle says that the connection may be evicted.
	Idle bool
}

// View looks at the slot at i, which may be anybody's. It allocates nothing and
// waits for nobody.
func (p *Pool) View(i int) View {
	s := &p.slots[i]
	w := s.word.Load()
	_, _, st := splitWord(w)
	if st == stateIllegal {
		st = Free // it has never been used
	}
	return View{st, uint8(w >> phaseShift), uint8(w >> driverShift), st == Parked && s.since.Load() != Never}
}
