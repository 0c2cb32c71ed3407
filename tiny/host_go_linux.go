//go:build (amd64 || arm64) && !tinygo

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// What differs where the compiler is that of Go.

func call(n, a, b, c, d, e, f uintptr) int {
	var r uintptr
	var err syscall.Errno
	if n == sysEpollWait {
		r, _, err = syscall.Syscall6(n, a, b, c, d, e, f) // it may block
	} else {
		r, _, err = syscall.RawSyscall6(n, a, b, c, d, e, f)
	}
	if err != 0 {
		return -int(err)
	}
	return int(r)
}

func argument(i int) (s string, ok bool) {
	if i >= len(os.Args) {
		return "", false
	}
	return os.Args[i], true
}

// start starts a worker.
func start(w *worker) bool {
	go w.run()
	return true
}

var signals = make(chan os.Signal, 1)

// holdSignals has signals that end the program wait for awaitSignal.
func holdSignals() { signal.Notify(signals, os.Interrupt, syscall.SIGTERM) }

// awaitSignal waits for such a signal for some milliseconds, and reports whether
// one came.
func awaitSignal(ms int64) bool {
	select {
	case <-signals:
		return true
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return false
	}
}
