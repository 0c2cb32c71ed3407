//go:build unix

package form_test

import (
	"syscall"
	"time"
)

// used is how much of the processors' time the process has had. Unlike time
// itself it does not go on while others have the processor.
func used() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
