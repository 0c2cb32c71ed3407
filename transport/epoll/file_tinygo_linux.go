//go:build linux && (amd64 || arm64) && tinygo

package epoll

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// sendfile is the system call.
func sendfile(stream int32, fd uintptr, off *int64, n int) (uintptr, syscall.Errno) {
	k, _, e := syscall.RawSyscall6(syscall.SYS_SENDFILE, uintptr(stream), fd, uintptr(unsafe.Pointer(off)), uintptr(n), 0, 0)
	return k, e
}

// pipeIgnored is what is given to the kernel as SIGPIPE's struct sigaction:
// handler, flags, restorer, mask.
var pipeIgnored = [4]uintptr{sigIgn}

var pipeSet atomic.Bool

const sigIgn = 1

// ignorePipe sees to it that a stream which was reset does not end the
// program: sendfile has no flag that keeps the signal away, as send has.
func ignorePipe() {
	if pipeSet.Load() {
		return
	}
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGPIPE), uintptr(unsafe.Pointer(&pipeIgnored)), 0, 8, 0, 0)
	pipeSet.Store(true)
}
