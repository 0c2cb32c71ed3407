// Package tinygotest builds programs with TinyGo, runs them, and reads what the
// compiler tells of their allocations.
package tinygotest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Build makes a program of a folder with the TinyGo that the environment names
// by TINYGO, with the flags TINYGOFLAGS and those that are given, and returns its
// path, and what the compiler prints. Where there is no TINYGO the test is
// skipped.
func Build(t *testing.T, dir string, flags ...string) (program, out string) {
	t.Helper()
	tinygo := os.Getenv("TINYGO")
	if tinygo == "" {
		t.Skip("TINYGO is not set: the parts of ./test.sh that need TinyGo run this")
	}
	folder, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(t.TempDir(), filepath.Base(folder))
	args := []string{"build", "-o", program}
	args = append(args, strings.Fields(os.Getenv("TINYGOFLAGS"))...)
	args = append(args, flags...)
	b, err := exec.Command(tinygo, append(args, dir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("tinygo build %s %s: %v\n%s", strings.Join(flags, " "), dir, err, b)
	}
	return program, string(b)
}

// Process is a program that runs until the test ends.
type Process struct {
	Pid int

	t   *testing.T
	out *bufio.Reader
}

// Run runs a program.
func Run(t *testing.T, program string) *Process {
	t.Helper()
	cmd := exec.Command(program)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout // the compilers differ in where println goes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return &Process{cmd.Process.Pid, t, bufio.NewReader(out)}
}

// Line is the next line that the program prints, without what surrounds it.
func (p *Process) Line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("the program prints %q and then %v", line, err)
	}
	return strings.TrimSpace(line)
}
