//go:build unix

package netstd

import "syscall"

// ownDescriptors is how many descriptors the process needs beside its
// streams: the standard three, the runtime's poller, and some for the
// program's files.
const ownDescriptors = 16

// Limit is the number of streams that the process may have descriptors for.
// It does not count the listeners. (Package os has raised the limit as far as
// it goes.)
func (b *Backend) Limit() int {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil {
		return 1 << 20
	}
	return int(min(uint64(r.Cur), 1<<30)) - ownDescriptors
}
