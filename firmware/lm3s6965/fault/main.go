//go:build lm3s6965

// Fault fails on purpose, for the test of what the board says then.
package main

import (
	"device/arm"

	"github.com/bobtail-go/bobtail/firmware/lm3s6965/board"
)

// culprit does what no processor does. (QEMU's machine lets reads of memory
// that is not there pass.)
//
//go:noinline
func culprit() { arm.Asm("udf #0") }

func main() {
	board.Configure([6]byte{0x02})
	println("started")
	culprit()
}
