//go:build !unix && !tinygo

package static

const nonblock = 0

// missing reports whether an error is os.Root's own: the path escapes. Those
// of the system tell whether they are temporary.
func missing(err error) bool {
	_, system := err.(interface{ Temporary() bool })
	return !system
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
