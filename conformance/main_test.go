package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// binary is the program of cmd/bobtail, built once.
var binary string

// patient is how long a test waits for what must come, before it fails. A
// browser on a busy machine takes its time.
const patient = 30 * time.Second

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "bobtail")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir = filepath.Join("..", "cmd", "bobtail")
	// The workspace is left aside, as users of the module have none.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	defer closeBrowser()
	return m.Run()
}

// need finds a program that others have made, under one of its names.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CONFORMANCE") == "all" {
		t.Fatalf("%s is not here", names[0])
	}
	t.Skipf("%s is not here", names[0])
	return ""
}
