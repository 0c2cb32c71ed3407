//go:build unix && !tinygo

package static

import (
	"errors"
	"syscall"
)

// nonblock keeps the opening of a pipe, should one have taken a file's place,
// from waiting.
const nonblock = syscall.O_NONBLOCK

// missing reports whether an error of the system says that a path leads to
// nothing that can be served.
func missing(err error) bool {
	switch err {
	case syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.ENXIO:
		return true
	}
	_, system := err.(syscall.Errno)
	return !system // os.Root's own: the path escapes
}

// exhausted reports whether there is no descriptor left, of the process or of
// the system.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// alias reports whether a path may be another name of a file that is hidden.
func alias([]byte) bool { return false }
