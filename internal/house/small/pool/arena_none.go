//go:build tinygo && gc.none

package main

import "unsafe"

// The arena stands in for the heap that -gc=none leaves out, until seal.
var (
	arena  [4096]byte
	taken  uintptr
	sealed bool
)

func seal() { sealed = true }

// alloc is what the compiler calls for memory that outlives a function.
//
//go:linkname alloc runtime.alloc
func alloc(size uintptr, layout unsafe.Pointer) unsafe.Pointer {
	size = (size + 15) &^ 15
	if sealed || taken+size > uintptr(len(arena)) {
		println("allocation of", size, "bytes")
		panic("the pool allocates")
	}
	taken += size
	return unsafe.Pointer(&arena[taken-size])
}
