//go:build linux && !tinygo && !race

package table_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/table"
)

// TestNew takes nothing of the heap, and is given back when nobody has the owner.
func TestNew(t *testing.T) {
	const tables = 40
	type owner struct{ elements [][2]uint64 }
	var before, after runtime.MemStats
	mapped := addressSpace(t)
	runtime.ReadMemStats(&before)
	for range tables {
		o := new(owner)
		var err error
		if o.elements, err = table.New[[2]uint64](o); err != nil {
			t.Fatal(err)
		}
		if o.elements[0][0]++; o.elements[table.Most-1] != [2]uint64{} || len(o.elements) != table.Most {
			t.Fatal("it has not Most elements of zero bytes")
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / tables; n > 8<<10 {
		t.Errorf("a table takes %d bytes of the heap", n)
	}
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
		runtime.GC()
		if grown := addressSpace(t) - mapped; grown < tables/2*table.Most*16 {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%d bytes of address space are taken by %d tables without owners", grown, tables)
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
