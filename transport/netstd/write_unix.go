//go:build unix && !linux

package netstd

import "syscall"

// write sends the first of bufs, of which skip bytes are done with. (There is
// no writev that package syscall has on every Unix.)
func write(fd int, bufs [][]byte, skip int) (int, syscall.Errno) {
	n, err := syscall.Write(fd, bufs[0][skip:])
	if err != nil {
		errno, _ := err.(syscall.Errno)
		return 0, errno
	}
	return n, 0
}
