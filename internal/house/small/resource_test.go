package small

import "testing"

// TestResourceNoHeap has a router serve requests, uploads, observations and
// tickets without a heap.
func TestResourceNoHeap(t *testing.T) {
	noHeap(t, "./resource")
}

// TestResourceAllocations wants every allocation to be where routes and topics
// are added, before the first request.
func TestResourceAllocations(t *testing.T) {
	made := map[string][]string{
		"resource":         {"Add", "add", "insert", "addCore", "appendLink", "init", "NewExchange", "NewTopic"},
		"internal/pattern": {"Parse", "parseSegment", "decoded", "lower"},
	}
	allocations(t, "./resource", func(pkg, _ string) ([]string, bool) {
		functions, ours := made[pkg]
		return functions, ours || pkg == "coap"
	})
}
