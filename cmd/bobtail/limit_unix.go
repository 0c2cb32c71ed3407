//go:build unix

package main

import "syscall"

// descriptorLimit is how many descriptors the process may open. The runtime
// has raised it as far as it may.
func descriptorLimit() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return mostDescriptors
	}
	return int(min(uint64(r.Cur), mostDescriptors))
}
