//go:build linux && (amd64 || arm64) && !race && !tinygo

package uring_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport/uring"
)

// TestTable is no garbage collector's: a backend takes little of the heap, however
// many streams there may be, and its table is given back when nobody has it.
func TestTable(t *testing.T) {
	const backends = 40
	open(t, uring.Config{}).Close()
	var before, after runtime.MemStats
	mapped := addressSpace(t)
	runtime.ReadMemStats(&before)
	for range backends {
		if err := open(t, uring.Config{}).Close(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / backends; n > 256<<10 {
		t.Errorf("a backend takes %d bytes of the heap", n)
	}
	const one = uring.MaxDescriptor * int64(uring.StreamSize)
	for end := time.Now().Add(limit); ; runtime.Gosched() {
		runtime.GC()
		grown := addressSpace(t) - mapped
		if grown < backends/2*one {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d bytes of address space are taken by %d backends that are closed", grown, backends)
		}
	}
}

// addressSpace is the size of this process, in bytes (proc_pid_statm(5)).
func addressSpace(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	n, err := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n * int64(os.Getpagesize())
}
