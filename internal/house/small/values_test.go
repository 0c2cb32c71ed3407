package small

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// valuePackages are the packages that read and write values. None has a
// constructor that allocates but the guards of auth.
var valuePackages = []string{"form", "cookie", "json", "auth", "internal/credentials"}

// TestValuesNoHeap answers requests with forms, queries, cookies and
// credentials without a heap.
func TestValuesNoHeap(t *testing.T) {
	program, _ := build(t, "./values", "-gc=none")
	out, err := exec.Command(program).CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("the program ends with %v and says %q", err, out)
	}
}

// TestValuesAllocations wants no allocation in these packages, or in what
// handlers call for them.
func TestValuesAllocations(t *testing.T) {
	_, out := build(t, "./values", "-print-allocs=.")
	found := 0
	for line := range strings.Lines(out) {
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil {
			continue
		}
		found++
		ours := strings.HasSuffix(name, "/web/values")
		for _, pkg := range valuePackages {
			dir, err := filepath.Abs("../../../" + pkg)
			ours = ours || err == nil && filepath.Dir(name) == dir
		}
		if !ours {
			continue
		}
		if in, text := enclosing(t, name+".go", number); !slices.Contains([]string{"Basic", "Bearer", "challenge"}, in) && !strings.HasPrefix(text, "panic(") {
			t.Errorf("%s.go:%d: %s allocates: %s", name, number, in, text)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
}
