//go:build unix && !tinygo

package static

import (
	"fmt"
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

// TestDirDescriptors lets go of what it holds when there is no descriptor
// left, and says 503 if that does not help.
func TestDirDescriptors(t *testing.T) {
	files := map[string]string{}
	for i := range 8 {
		files[fmt.Sprint(i)] = "x"
	}
	d := openDir(t, folder(t, files), DirOptions{Small: -1, List: true})
	for i := range 4 {
		ask(t, d.Serve, fmt.Sprintf("GET /%d", i)).want(t, "before", 200, "x")
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	// Take what there is, under a limit that comes soon.
	low := limit
	low.Cur = min(limit.Cur, 256)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Skip(err)
	}
	var taken []*os.File
	defer func() {
		for _, f := range taken {
			f.Close()
		}
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}()
	take := func() {
		for {
			f, err := os.Open(os.DevNull)
			if err != nil {
				return
			}
			taken = append(taken, f)
		}
	}
	take()
	ask(t, d.Serve, "GET /5").want(t, "with what was held", 200, "x")
	if n := len(d.cache.nodes); n != 1 {
		t.Errorf("%d files are held", n)
	}
	take()
	d.cache.clear()
	take()
	for _, target := range []string{"/6", "/"} {
		ask(t, d.Serve, "GET "+target).want(t, "without any, "+target, 503, "Service Unavailable\n", "Retry-After: 1")
	}
}
