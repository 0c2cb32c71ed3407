package pool

import "sync/atomic"

// Deadlines are kept in ticks of 2^24 ns (16.8 ms): coarse enough that a busy
// connection seldom changes its own, fine enough for the patience of a
// network. They are an array that a sweep reads from end to end, which for
// fifteen thousand slots is a few microseconds, and happens only when the
// earliest deadline that was known has come. A heap or a wheel would cost
// more in every request than this costs in a second.
const (
	tickShift    = 24
	deadlineSize = 4
)

// Never is the tick of no deadline.
const Never uint32 = 0

// Tick converts a time in nanoseconds to the tick that it is in.
func Tick(now int64) uint32 { return uint32(now >> tickShift) }

// TickAfter is the first tick that begins not before t, so that a deadline
// never passes early. It is at most 16.8 ms late.
func TickAfter(t int64) uint32 { return nonzero(uint32((t + 1<<tickShift - 1) >> tickShift)) }

// Later is the tick n ticks after k, one more if that would be Never.
func Later(k uint32, n uint32) uint32 { return nonzero(k + n) }

func nonzero(k uint32) uint32 {
	if k == Never {
		return 1
	}
	return k
}

// TickTime is the time at which a tick begins, in nanoseconds, for ticks of
// the 2 years around now.
func TickTime(k uint32, now int64) int64 {
	d := int32(k - Tick(now))
	return (now>>tickShift + int64(d)) << tickShift
}

// before reports whether tick a is before tick b. Ticks wrap after 2.2 years,
// and are compared within half of that.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// Deadlines holds one deadline for each slot.
type Deadlines struct {
	high *atomic.Int32 // no slot from here on has a deadline
	at   []atomic.Uint32
	next atomic.Uint32 // no deadline is before this; Never if there is none
}

func (d *Deadlines) init(n int, high *atomic.Int32) {
	d.high = high
	d.at = make([]atomic.Uint32, n)
}

// Set sets the deadline of slot i. It reports whether the deadline is now the
// earliest, so that whoever sleeps until the earliest must be woken.
func (d *Deadlines) Set(i int, k uint32) (earliest bool) {
	if d.at[i].Load() == k {
		return false
	}
	d.at[i].Store(k)
	return d.lower(k)
}

// Get is the deadline of slot i, or Never.
func (d *Deadlines) Get(i int) uint32 { return d.at[i].Load() }

// Clear takes the deadline of slot i away.
func (d *Deadlines) Clear(i int) { d.at[i].Store(Never) }

func (d *Deadlines) lower(k uint32) bool {
	for {
		n := d.next.Load()
		if k == Never || n != Never && !before(k, n) {
			return false
		}
		if d.next.CompareAndSwap(n, k) {
			return true
		}
	}
}

// Next is a tick before which no deadline passes, or Never if there is none.
func (d *Deadlines) Next() uint32 { return d.next.Load() }

// Sweep calls expired for each slot whose deadline has passed at tick now. The deadline stays, and the slot is told again, until somebody
// sets or clears it.
func (d *Deadlines) Sweep(now uint32, expired func(i int)) {
	next := d.next.Load()
	if next == Never || before(now, next) {
		return
	}
	// Whoever sets a deadline from here on lowers next by himself. So how many
	// there are is asked after.
	d.next.Store(Never)
	earliest := Never
	for i := range d.at[:d.high.Load()] {
		k := d.at[i].Load()
		if k == Never {
			continue
		}
		if !before(now, k) {
			expired(i)
			if k = d.at[i].Load(); k == Never {
				continue
			}
			if !before(now, k) {
				k = Later(now, 1) // its owner is at work; look again soon
			}
		}
		if earliest == Never || before(k, earliest) {
			earliest = k
		}
	}
	d.lower(earliest)
}
