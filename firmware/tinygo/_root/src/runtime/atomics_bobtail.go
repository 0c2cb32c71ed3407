//go:build cortexm

package runtime

import "runtime/interrupt"

// TinyGo 0.41 lacks this one of the functions that atomic operations of 64 bits
// become: LLVM makes an addition of zero into an "or" with zero.
//
//export __atomic_fetch_or_8
func __atomic_fetch_or_8(ptr *uint64, val uint64, ordering uintptr) uint64 {
	mask := interrupt.Disable()
	old := *ptr
	*ptr = old | val
	interrupt.Restore(mask)
	return old
}
