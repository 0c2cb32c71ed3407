//go:build tinygo && gc.none

package heap

import "unsafe"

var (
	arena  [4096]byte
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
	if sealed || taken+size > uintptr(len(arena)) {
		println("an allocation of", size, "bytes")
		panic("there is no heap")
	}
	taken += size
	return unsafe.Pointer(&arena[taken-size])
}
