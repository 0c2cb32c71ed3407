//go:build linux && (amd64 || arm64)

package uring

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
