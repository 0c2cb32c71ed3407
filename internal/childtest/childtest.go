// Package childtest runs a part of a test in a process of its own: what sets
// limits of the process, or uses them up.
package childtest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// key names, in the environment of a child, the test that is it.
const key = "BOBTAIL_TEST_CHILD"

// Child is a process that a test has started.
type Child struct {
	In io.WriteCloser // its standard input

	t   *testing.T
	cmd *exec.Cmd
	out *bufio.Scanner
}

// Start starts a process that runs body, prints its error, and ends. For that
// it is this test once more, which does not return from Start there; so nothing
// goes before it. A test that cannot start a process is skipped. Where the test
// ends before Wait, the process is killed.
func Start(t *testing.T, body func() error) *Child {
	t.Helper()
	if os.Getenv(key) == t.Name() {
		if err := body(); err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), key+"="+t.Name())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return &Child{in, t, cmd, bufio.NewScanner(out)}
}

// Line is the next line that the process prints.
func (c *Child) Line() string {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("the child says no more: %v", c.cmd.Wait())
	}
	return c.out.Text()
}

// Wait waits for the end of the process, which must be one without an error.
func (c *Child) Wait() {
	c.t.Helper()
	var rest []string
	for c.out.Scan() {
		rest = append(rest, c.out.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("%v: %s", err, strings.Join(rest, "\n"))
	}
}
