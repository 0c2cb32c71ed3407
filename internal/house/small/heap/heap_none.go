//go:build tinygo && gc.none

package heap

import "unsafe"

var (
	arena  [12288 + 1]byte // one more, for what has no bytes at the end
	taken  uintptr
	sealed bool
)

// Seal ends the construction of the program.
func Seal() { sealed = true }

// alloc is what the compiler calls for memory that outlives a function.
//
//go:linkname alloc runtime.alloc
func alloc(size uintptr, layout unsafe.Pointer) unsafe.Pointer {
	size = (size + 15) &^ 15
	if size > 0 && sealed || taken+size > uintptr(len(arena)) {
		println("an allocation of up to", uint(size), "bytes")
		panic("there is no heap")
	}
	taken += size
	return unsafe.Pointer(&arena[taken-size])
}
