//go:build tinygo

package main

import "unsafe"

// What the C library does before main serves programs that use more of it, and
// is 2 KB. The linker is told to take these instead (--wrap); without that the
// program is the same, and larger.

// Nothing in Go calls them.
var _, _ = libcStart, noSignals

//export main
func libcMain(argc int32, argv unsafe.Pointer) int32

//export __set_thread_area
func libcLocal(local uintptr)

// mainLocal is what is local to the main thread; see thread.
var mainLocal [32]uintptr

// libcStart is called by the code at which the program begins. Of what it gets,
// argv follows argc on the stack.
//
//export __wrap___libc_start_main
func libcStart(fn unsafe.Pointer, argc int32, argv unsafe.Pointer) {
	mainLocal[0] = pointer(&mainLocal)
	libcLocal(mainLocal[0])
	exit(uintptr(libcMain(argc, argv)))
}

// noSignals is what the runtime has signals registered with that end the program
// anyway.
//
//export __wrap_tinygo_register_fatal_signals
func noSignals() {}
