package small

import "testing"

// TestMessages takes package coap through its work without a heap.
func TestMessages(t *testing.T) {
	noHeap(t, "./messages")
}

// TestMessagesAllocations wants none in the package at all.
func TestMessagesAllocations(t *testing.T) {
	allocations(t, "./messages", func(pkg, _ string) ([]string, bool) {
		return nil, pkg == "coap"
	})
}
