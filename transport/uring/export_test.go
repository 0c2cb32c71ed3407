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

// MaxDescriptor bounds the descriptors of streams.
const MaxDescriptor = maxDescriptor
