package small

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestStaticNoHeap answers requests for files without a heap.
func TestStaticNoHeap(t *testing.T) {
	program, _ := build(t, "./static", "-gc=none")
	out, err := exec.Command(program).CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("the program ends with %v and says %q", err, out)
	}
}

// TestStaticAllocations wants every allocation of package static to be where a
// table is made.
func TestStaticAllocations(t *testing.T) {
	dir, err := filepath.Abs("../../../static")
	if err != nil {
		t.Fatal(err)
	}
	_, out := build(t, "./static", "-print-allocs=.")
	found := 0
	for line := range strings.Lines(out) {
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil || filepath.Dir(name) != dir {
			continue
		}
		found++
		if in, text := enclosing(t, name+".go", number); !slices.Contains([]string{"NewTable", "OpenString", "newParts", "TagOf"}, in) {
			t.Errorf("static/%s.go:%d: %s allocates: %s", filepath.Base(name), number, in, text)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
}
