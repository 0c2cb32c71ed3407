package pool

// What the tests of package pool_test see of the inside.

const (
	NumStates  = numStates
	NumEvents  = numEvents
	StateBogus = stateIllegal
	MaxPieces  = maxPieces
	EldersMax  = eldersMax
	TickShift  = tickShift
	NumErrors  = numErrors
	AllSignals = Readable | Writable | Hangup | Output | Permit | Kick | End
)

// Before is before.
func Before(a, b uint32) bool { return before(a, b) }

// Interest is the set of signals that wake a slot up from a state.
func Interest(s State) Signals { return interest[s] }

// Force brings a slot into any state, without its generation changing.
func (p *Pool) Force(s *Slot, st State, noted Signals) {
	s.word.Store(makeWord(uint32(s.word.Load()>>genShift), noted, st))
}

// ForceLeft is Force with what the slot's last owner leaves in its word.
func (p *Pool) ForceLeft(s *Slot, st State, noted Signals) {
	s.word.Store(leftWord(s.word.Load(), s, noted, st))
}

// NotedNow is the signals that a slot has, untouched.
func (p *Pool) NotedNow(s *Slot) Signals {
	_, noted, _ := splitWord(s.word.Load())
	return noted
}

// Age makes a free slot one whose next generation follows gen.
func (p *Pool) Age(s *Slot, gen uint32) { s.word.Store(makeWord(gen, 0, Free)) }

// MakeHandle is newHandle.
func MakeHandle(index int, generation uint32) Handle { return newHandle(index, generation) }

// Since is the tick since when the slot is idle.
func (s *Slot) Since() uint32 { return s.since.Load() }

// Address is the key under which the slot is counted.
func (s *Slot) Address() uint64 { return s.address }

// Mask is one less than the number of places in the table.
func (a *Addresses) Mask() uint64 { return a.mask }

// Count is the number of slots that are counted under a key.
func (a *Addresses) Count(key uint64) int {
	if e := a.entries[a.find(key)]; e.key == key {
		return int(e.count)
	}
	return 0
}

// Entries is the number of places that are taken.
func (a *Addresses) Entries() (n int) {
	for _, e := range a.entries {
		if e.key != 0 {
			n++
		}
	}
	return n
}

// Refs is the number of references to a block that is not free.
func (o *Outputs) Refs(b Block) int { return int(o.refs[b]) }
