package childtest_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// TestStart talks with a child.
func TestStart(t *testing.T) {
	c := childtest.Start(t, func() error {
		fmt.Println(os.Getpid())
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if line != "go\n" {
			return fmt.Errorf("asked for %q, %v", line, err)
		}
		fmt.Println("gone")
		return nil
	})
	if got := c.Line(); got == fmt.Sprint(os.Getpid()) {
		t.Error("the child is this process")
	}
	io.WriteString(c.In, "go\n")
	if got := c.Line(); got != "gone" {
		t.Errorf("the child says %q", got)
	}
	c.Wait()
}
