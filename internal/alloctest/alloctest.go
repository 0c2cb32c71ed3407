// Package alloctest guards calls that must not allocate, under Go and under
// TinyGo, where testing.AllocsPerRun is a stub that returns 0.
package alloctest

import "runtime"

// runs is how often a call is measured at a time, and tries how often that is
// repeated before an allocation counts: another goroutine of the test binary,
// or the runtime's own, may allocate in between, but not each time.
const (
	runs  = 100
	tries = 50
)

// Bytes is the number of bytes that a call allocates on average, rounded up:
// the least of several measurements. The first call, which may fill caches, is
// not measured.
func Bytes(f func()) uint64 {
	f()
	least := ^uint64(0)
	for range tries {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			f()
		}
		runtime.ReadMemStats(&after)
		least = min(least, (after.TotalAlloc-before.TotalAlloc+runs-1)/runs)
		if least == 0 {
			break
		}
	}
	return least
}

// TB is the part of testing.TB that is needed here.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Zero fails the test if f allocates. f should itself fail the test if the
// call that it makes fails: a refused call allocates nothing and proves
// nothing.
func Zero(t TB, name string, f func()) {
	t.Helper()
	if n := Bytes(f); n != 0 {
		t.Errorf("%s allocates %d bytes a call, want 0", name, n)
	}
}
