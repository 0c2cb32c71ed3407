package engine_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain wants no goroutine and no descriptor to be left when all tests have
// ended.
func TestMain(m *testing.M) {
	before := descriptors()
	code := m.Run()
	if code == 0 {
		if n := runtime.NumGoroutine(); n > 1 {
			// Those that have ended may not be gone yet.
			for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > 1 && time.Now().Before(end); {
				runtime.Gosched()
			}
			if n = runtime.NumGoroutine(); n > 1 {
				fmt.Printf("%d goroutines are left\n", n-1)
				pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
				code = 1
			}
		}
		// One is the runtime's poller's, and one its wake-up's.
		if n := descriptors(); n > before+2 {
			fmt.Printf("%d descriptors are left, %d were there\n", n, before)
			code = 1
		}
	}
	os.Exit(code)
}

// descriptors is the number of open ones, or 0 where that cannot be seen.
func descriptors() int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(d)
}
