//go:build unix && !tinygo

package static

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDirSpecial does not wait at a pipe, and serves no device.
func TestDirSpecial(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("pipe", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, dir, DirOptions{})
	for _, name := range []string{"pipe", "link"} {
		ask(t, d.Serve, "GET /"+name).want(t, name, 404, "Not Found\n")
		// As if it had taken the place of a file between the two looks.
		var f file
		if _, err := f.open(d.root, name, 100); err != errMissing {
			t.Errorf("%s: %v", name, err)
		}
	}
}
