//go:build unix

package bobtail_test

import "syscall"

// smallWindow makes the receive buffer of a socket as small as it may be.
func smallWindow(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1)
}
