//go:build (amd64 || arm64) && tinygo

package main

import "unsafe"

// What differs where the compiler is TinyGo's. Goroutines of its own would be
// threads that need a heap and 6 KB of the C library; a worker needs no more
// than a stack.

// nowhere is where everything without bytes is.
var nowhere struct {
	b [8]byte
	n uint8
}

// alloc is what the compiler calls for memory on the heap, for which -gc=none
// has nothing: there is none, and a slice that would have to grow is a bug.
//
// What it returns is not always the same, since the optimizer would then use
// that instead, and take the call away with the check in it.
//
//go:linkname alloc runtime.alloc
func alloc(size uintptr, layout unsafe.Pointer) unsafe.Pointer {
	if size != 0 {
		panic("BUG: no heap")
	}
	nowhere.n++
	return unsafe.Pointer(&nowhere.b[nowhere.n&7])
}

//export syscall
func libcCall(n, a, b, c, d, e, f uintptr) int

//export __errno_location
func libcError() *int32

// libcClone is what the C library has beneath its clone, which of late refuses
// CLONE_THREAD and CLONE_SETTLS (musl 1.2.5).
//
//export __clone
func libcClone(fn, stack uintptr, flags int32, arg, parent, local, child uintptr) int32

func call(n, a, b, c, d, e, f uintptr) int {
	r := libcCall(n, a, b, c, d, e, f)
	if r == -1 {
		return -int(*libcError())
	}
	return r
}

//go:extern runtime.main_argc
var argc int32

//go:extern runtime.main_argv
var argv **byte

func argument(i int) (s string, ok bool) {
	if i >= int(argc) {
		return "", false
	}
	p := unsafe.Pointer(*(**byte)(unsafe.Add(unsafe.Pointer(argv), uintptr(i)*unsafe.Sizeof(argv))))
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return unsafe.String((*byte)(p), n), true
}

// thread is the memory of a worker's thread. What is local to it is the error
// of the C library's last call, which both musl's layouts have within half of
// it from its middle; the first word there is its own address (amd64).
type thread struct {
	_     [8192]byte // the stack
	local [128]uintptr
}

var threads [maxWorkers]thread

// start starts a worker.
func start(w *worker) bool {
	const share = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 // CLONE_VM, _FS, _FILES, _SIGHAND, _THREAD, _SYSVSEM
	const ownLocal = 0x80000                                        // CLONE_SETTLS
	t := &threads[w.number]
	local := pointer(&t.local[len(t.local)/2])
	t.local[len(t.local)/2] = local
	// A function value is a context and the address of the code.
	fn := (*worker).run
	code := (*[2]uintptr)(unsafe.Pointer(&fn))[1]
	top := pointer(&t.local[0]) &^ 15
	return libcClone(code, top, share|ownLocal, uintptr(unsafe.Pointer(w)), 0, local, 0) > 0
}

// ending is the set of SIGINT and SIGTERM.
var ending uint64 = 1<<(2-1) | 1<<(15-1)

// holdSignals has signals that end the program wait for awaitSignal. Threads
// inherit that.
func holdSignals() {
	const block = 0 // SIG_BLOCK
	call(sysMaskSignals, block, pointer(&ending), 0, 8, 0, 0)
}

// awaitSignal waits for such a signal for some milliseconds, and reports whether
// one came.
func awaitSignal(ms int64) bool {
	setup.time = timespec{ms / 1000, ms % 1000 * 1_000_000}
	return call(sysAwaitSignal, pointer(&ending), 0, pointer(&setup.time), 8, 0, 0) > 0
}
