//go:build linux && (amd64 || arm64) && !tinygo

package epoll

// ignorePipe does nothing: to the runtime, the signal of a write to a stream
// that was reset is no reason to end the program, unless it is asked to tell
// of it.
func ignorePipe() {}
