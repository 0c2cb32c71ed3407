// Package leaktest holds the tests of a package to leaving nothing behind: no
// goroutine and no descriptor.
package leaktest

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long what ends by itself may take for it, on a machine that is
// busy.
const patience = time.Minute

// Main runs the tests of a package and ends the process. It is what TestMain
// calls last. After tests that have passed it wants every goroutine to end and
// every descriptor to be closed, once finish, which is for what the tests share,
// has been called.
func Main(m *testing.M, finish ...func()) {
	// The runtime's poller has descriptors of its own from its first use on.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
	before := descriptors()
	code := m.Run()
	for _, f := range finish {
		f()
	}
	if code == 0 {
		if left := await(before, patience); left != "" {
			fmt.Fprint(os.Stderr, left)
			code = 1
		}
	}
	os.Exit(code)
}

// await waits until nothing is left, and else tells what is.
func await(before int, patience time.Duration) string {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for overdue := time.Now().Add(patience); ; <-tick.C {
		own, more := strangers(Stacks()), descriptors()-before
		if len(own) == 0 && more <= 0 {
			return ""
		}
		if time.Now().After(overdue) {
			return fmt.Sprintf("left behind: %d goroutines, %d descriptors more than before\n%s\n", len(own), max(0, more), strings.Join(own, "\n\n"))
		}
	}
}

// strangers are the goroutines of a dump but for the first, which asks, for the
// program's own, which nobody has created, and for those of package testing and
// of what it uses to fuzz, to profile, and to be interrupted.
func strangers(dump string) []string {
	var list []string
	for _, g := range strings.Split(dump, "\n\n")[1:] {
		_, by, _ := strings.Cut(g, "\ncreated by ")
		switch by, _, _ := strings.Cut(by, "."); by {
		case "", "testing", "internal/fuzz", "os/signal", "runtime/pprof", "runtime/trace":
		default:
			list = append(list, strings.TrimSpace(g))
		}
	}
	return list
}

// Stacks are those of all goroutines, of the caller's first.
func Stacks() string {
	for buf := make([]byte, 1<<20); ; buf = make([]byte, 2*len(buf)) {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return string(buf[:n])
		}
	}
}

// descriptors is the number of open ones, 0 where it cannot be told.
func descriptors() int {
	d, _ := os.ReadDir("/proc/self/fd")
	return len(d)
}
