//go:build !unix && !tinygo

package static

import "syscall"

const nonblock = 0

func missing(err error) bool {
	_, system := err.(syscall.Errno)
	return !system // os.Root's own: the path escapes
}

func exhausted(error) bool { return false }

// alias reports whether a path may be another name of a file that is hidden:
// Windows has GIT~1 for .git.
func alias(path []byte) bool {
	for i := range len(path) - 1 {
		if c := path[i+1]; path[i] == '~' && '0' <= c && c <= '9' {
			return true
		}
	}
	return false
}
