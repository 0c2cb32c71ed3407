package small

import "testing"

// TestStaticNoHeap answers requests for files without a heap.
func TestStaticNoHeap(t *testing.T) {
	noHeap(t, "./static")
}

// TestStaticAllocations wants every allocation of package static to be where a
// table is made.
func TestStaticAllocations(t *testing.T) {
	found := allocations(t, "./static", func(pkg, _ string) ([]string, bool) {
		return []string{"NewTable", "OpenString", "newParts", "TagOf"}, pkg == "static"
	})
	if found == 0 {
		t.Error("TinyGo names no allocation in it: the test sees nothing")
	}
}
