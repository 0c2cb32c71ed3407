//go:build !unix && !tinygo

package static

import "syscall"

const nonblock = 0

func missing(err error) bool {
	_, system := err.(syscall.Errno)
	return !system // os.Root's own: the path escapes
}

func exhausted(error) bool { return false }
