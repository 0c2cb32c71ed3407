//go:build unix && !linux

package nosyn

import "syscall"

// Attach makes the queue of the socket as short as it can be.
func Attach(fd int) { syscall.Listen(fd, 0) }
