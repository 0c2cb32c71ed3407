//go:build unix && !linux

package netstd

// filing is nothing: package syscall sends files on Linux alone in a way that
// is the same for all processors.
type filing struct{}
