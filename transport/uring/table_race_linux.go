//go:build linux && (amd64 || arm64) && race && !tinygo

package uring

// maxDescriptor bounds the descriptors of streams, to fewer than elsewhere: each
// has its place from the start.
const maxDescriptor = 1 << 16

// openTable makes the table of Go's memory, which alone the race detector watches.
func (b *Backend) openTable() error {
	b.table = make([]stream, maxDescriptor)
	return nil
}
