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
