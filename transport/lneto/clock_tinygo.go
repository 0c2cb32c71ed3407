//go:build tinygo

package lneto

import (
	"runtime"
	_ "unsafe" // for go:linkname
)

//go:linkname nanotime runtime.nanotime
func nanotime() int64

// now is one more than the runtime's clock, which may start at zero.
func now() int64 { return nanotime() + 1 }

func idle() { runtime.Gosched() }
