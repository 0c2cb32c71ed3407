package netstd

import (
	"syscall"
	"unsafe"
)

// maxSlices is how many slices a system call takes. An answer has two or
// three, and the array lies on the stack.
const maxSlices = 16

// write sends bufs, of which skip bytes of the first are done with.
func write(fd int, bufs [][]byte, skip int) (int, syscall.Errno) {
	var vec [maxSlices]syscall.Iovec
	n := 0
	for _, b := range bufs {
		b = b[skip:]
		skip = 0
		if len(b) == 0 {
			continue
		}
		if n == len(vec) {
			break
		}
		vec[n].Base = &b[0]
		vec[n].SetLen(len(b))
		n++
	}
	sent, _, errno := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&vec[0])), uintptr(n))
	if errno != 0 {
		return 0, errno
	}
	return int(sent), 0
}
