//go:build linux && (amd64 || arm64) && !tinygo

package epoll

import (
	"syscall"
	"unsafe"
)

// sendfile is the system call. It may wait for a disk, so, unlike the others,
// it lets the scheduler know.
func sendfile(stream int32, fd uintptr, off *int64, n int) (uintptr, syscall.Errno) {
	k, _, e := syscall.Syscall6(syscall.SYS_SENDFILE, uintptr(stream), fd, uintptr(unsafe.Pointer(off)), uintptr(n), 0, 0)
	return k, e
}

// ignorePipe does nothing: to the runtime, the signal of a write to a stream
// that was reset is no reason to end the program, unless it is asked to tell
// of it.
func ignorePipe() {}
