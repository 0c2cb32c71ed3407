package leaktest

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestMain is one of the tests: nothing is left by those that follow.
func TestMain(m *testing.M) { Main(m) }

// TestAwait sees what is left, and sees it go.
func TestAwait(t *testing.T) {
	before := descriptors()
	wait := func() string { return await(before, 0) }

	t.Run("nothing", func(t *testing.T) {
		// The parent of this test waits for it, on a goroutine of package testing.
		if left := wait(); left != "" {
			t.Error(left)
		}
	})
	t.Run("goroutine", func(t *testing.T) {
		end := make(chan bool)
		go func() { <-end }()
		if left := wait(); !strings.Contains(left, "1 goroutines, 0 descriptors") || !strings.Contains(left, "TestAwait") {
			t.Errorf("says %q", left)
		}
		end <- true
		if left := await(before, patience); left != "" {
			t.Error(left)
		}
	})
	t.Run("descriptor", func(t *testing.T) {
		if descriptors() == 0 {
			t.Skip("descriptors are not seen on " + runtime.GOOS)
		}
		f, err := os.Open(".")
		if err != nil {
			t.Fatal(err)
		}
		if left := wait(); !strings.Contains(left, "0 goroutines, 1 descriptors") {
			t.Errorf("says %q", left)
		}
		f.Close()
		if left := wait(); left != "" {
			t.Error(left)
		}
	})
}
