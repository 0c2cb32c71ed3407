//go:build linux && (amd64 || arm64) && !race && !tinygo

package uring

import (
	"runtime"
	"syscall"
	"unsafe"
)

// maxDescriptor bounds the descriptors of streams, which is what there are
// names and bits for. Systems allow a process a million at most, mostly.
const maxDescriptor = 1 << 20

// openTable maps a place for each stream there may be, of which those that are used
// take memory. It is not Go's, whose collector would run the more often for it, and
// lasts as long as the backend: a handler that was left alone may come back after
// Close.
func (b *Backend) openTable() error {
	m, err := mapped(-1, 0, maxDescriptor*int(unsafe.Sizeof(stream{})))
	if err != nil {
		return err
	}
	b.table = unsafe.Slice((*stream)(unsafe.Pointer(&m[0])), maxDescriptor)
	runtime.AddCleanup(b, func(m []byte) { syscall.Munmap(m) }, m)
	return nil
}
