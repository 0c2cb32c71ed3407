package small

import "testing"

// TestCoAPConnNoHeap has a client ask a server that is polled without a heap.
func TestCoAPConnNoHeap(t *testing.T) {
	noHeap(t, "./coapconn")
}

// TestCoAPConnAllocations wants every allocation of a connection to be in its
// constructor, in the first Start of a Call, or in the text of an error that
// somebody asks for.
func TestCoAPConnAllocations(t *testing.T) {
	allocations(t, "./coapconn", func(pkg, _ string) ([]string, bool) {
		return []string{"New", "init", "Start", "Error"}, pkg == "coapconn"
	})
}
