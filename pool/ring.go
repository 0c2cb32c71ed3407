package pool

import (
	"sync"
	"sync/atomic"
)

const ringSize = 4

// Ring is the queue of the slots that are ready and wait for a worker, first
// come, first served. It holds each slot at most once, so it is never full.
type Ring struct {
	n     atomic.Int32
	mu    sync.Mutex
	head  int
	items []int32
}

func (r *Ring) init(n int) { r.items = make([]int32, n) }

// Len is the number of slots that wait.
func (r *Ring) Len() int { return int(r.n.Load()) }

// Push appends a slot, which has just become Queued.
func (r *Ring) Push(i int) {
	r.mu.Lock()
	n := int(r.n.Load())
	if n == len(r.items) {
		r.mu.Unlock()
		panic("BUG: pool: a slot is in the ring twice")
	}
	r.items[(r.head+n)%len(r.items)] = int32(i)
	r.n.Store(int32(n + 1))
	r.mu.Unlock()
}

// Pop takes the first slot off the ring. The caller must Take it.
func (r *Ring) Pop() (i int, ok bool) {
	if r.n.Load() == 0 {
		return 0, false
	}
	r.mu.Lock()
	i, ok = r.popLocked()
	r.mu.Unlock()
	return i, ok
}

// popLocked is Pop under the lock.
func (r *Ring) popLocked() (i int, ok bool) {
	n := r.n.Load()
	if n == 0 {
		return 0, false
	}
	i = int(r.items[r.head])
	r.head = (r.head + 1) % len(r.items)
	r.n.Store(n - 1)
	return i, true
}
