//go:build linux && (amd64 || arm64) && !tinygo

package uring

import "unsafe"

// Under is how many operations with memory of the rings are under way.
func (b *Backend) Under() (n int) {
	for i := range b.lanes {
		l := &b.lanes[i]
		l.mu.Lock()
		n += l.under
		l.mu.Unlock()
	}
	return n
}

// Keep leaves each lane so many small send buffers, and as many large ones.
func (b *Backend) Keep(n int) {
	for i := range b.lanes {
		l := &b.lanes[i]
		l.mu.Lock()
		for k := range l.free {
			l.free[k] = l.free[k][:n]
		}
		l.mu.Unlock()
	}
}

// StreamSize is what a stream costs here.
const StreamSize = unsafe.Sizeof(stream{})

// Refuse has the kernel take nothing that is asked for, until the end of it.
func (b *Backend) Refuse() (end func()) {
	fds := make([]int32, len(b.lanes))
	swap := func() {
		for i := range b.lanes {
			l := &b.lanes[i]
			l.mu.Lock()
			fds[i], l.fd = l.fd, fds[i]
			l.mu.Unlock()
		}
	}
	for i := range fds {
		fds[i] = -1
	}
	swap()
	return swap
}
