//go:build lm3s6965

package board

import _ "unsafe"

// These are the run-time part's.

//go:linkname idle runtime.boardIdle
func idle()

// Idled is the nanoseconds that the processor has slept.
//
//go:linkname Idled runtime.boardIdled
func Idled() int64

// Seed is different at each start, as far as the chip has anything to make it
// of: what its memory held, and the time that has passed.
//
//go:linkname Seed runtime.boardSeed
func Seed() uint64

//go:linkname stack runtime.boardStack
func stack(i int) (used, size uintptr)

// Stack is the most that stack i has held so far, and its size, in bytes; the
// size is 0 behind the last. Stack 0 is that of the scheduler and the
// interrupts, the others those of the goroutines as they were started.
func Stack(i int) (used, size uint64) {
	u, s := stack(i)
	return uint64(u), uint64(s)
}
