//go:build linux && !tinygo && !race

package table

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Most bounds the descriptors of a table. Systems allow a process a million at
// most, mostly (fs.nr_open).
const Most = 1 << 20

// New makes a table of Most elements of zero bytes, which last as long as owner.
// T has no pointers. It fails if the system has no address space left.
func New[T, O any](owner *O) ([]T, error) {
	var none T
	m, err := syscall.Mmap(-1, 0, Most*int(unsafe.Sizeof(none)), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	// By usual pages, where the kernel would take huge ones at once. It fails
	// where there are none.
	syscall.Madvise(m, syscall.MADV_NOHUGEPAGE)
	runtime.AddCleanup(owner, func(m []byte) { syscall.Munmap(m) }, m)
	return unsafe.Slice((*T)(unsafe.Pointer(&m[0])), Most), nil
}
