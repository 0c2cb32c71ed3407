package small

import "testing"

// TestWSConnNoHeap has a client and a server talk without a heap.
func TestWSConnNoHeap(t *testing.T) {
	noHeap(t, "./wsconn")
}

// TestWSConnAllocations wants every allocation of a connection to be in its
// constructor, where it is given a Background, or in the text of an error that
// somebody asks for.
func TestWSConnAllocations(t *testing.T) {
	allocations(t, "./wsconn", func(pkg, _ string) ([]string, bool) {
		return []string{"New", "payer", "Error"}, pkg == "wsconn" || pkg == "ws"
	})
}
