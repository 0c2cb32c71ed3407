//go:build !tinygo

package pool_test

import (
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

var kept *pool.Pool

// held is the number of bytes that are held more after f than before.
func held(f func()) int {
	var before, after runtime.MemStats
	collect()
	runtime.ReadMemStats(&before)
	f()
	collect()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

// collect frees also what one collection only makes ready to be freed: what is
// in a sync.Pool, and what has a finalizer.
func collect() {
	for range 3 {
		runtime.GC()
	}
}

// TestNoGrowthMemory is the first half of invariant 1: what Memory computes is
// what is held.
func TestNoGrowthMemory(t *testing.T) {
	for _, c := range []pool.Config{
		{Slots: 5, Stash: 2, StashSize: 256, Blocks: 4, BlockSize: 512, Nodes: 8},
		{Slots: 64, Stash: 8, StashSize: 1024, Blocks: 16, BlockSize: 1024, Nodes: 64, PerAddress: 8},
		{Slots: 15000, Stash: 256, StashSize: 4096, Blocks: 512, BlockSize: 4096, Nodes: 4096},
		{Slots: 15000, Stash: 256, StashSize: 4096, Blocks: 512, BlockSize: 4096, Nodes: 4096, PerAddress: 100},
		{Slots: 100000, Stash: 1000, StashSize: 512, Blocks: 1000, BlockSize: 512, Nodes: 20000, PerAddress: 100},
	} {
		m := c.Memory()
		want := m.Total()
		// The runtime's own books move at times: the best of some tries counts.
		got := 0
		for try := range 5 {
			kept = nil
			if n := held(func() { kept = pool.New(c) }); try == 0 || max(n-want, want-n) < max(got-want, want-got) {
				got = n
			}
		}
		if want != m.Slots+m.Stash+m.Output+m.Addresses {
			t.Errorf("%+v: the total is not the sum of %+v", c, m)
		}
		// Go rounds each of the ten or so parts up to a size class, an eighth
		// at most for small ones and a page for large ones, and the collector's
		// own books may move by some hundred bytes. The struct with the locks
		// is not counted.
		const parts, page, itself = 10, 8192, 1024
		slack := want/100 + itself + min(want/8, parts*page)
		if got < want-want/100-512 || got > want+slack {
			t.Errorf("%+v: Memory says %d, held are %d (%+d, allowed up to %+d)", c, want, got, got-want, slack)
		}
		t.Logf("%d slots: Memory %d, held %d, %.2f %% more", c.Slots, want, got, 100*float64(got-want)/float64(want))
	}
	kept = nil
}
