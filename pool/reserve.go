package pool

// This file sets output blocks aside, for an owner who must know before it works
// that what comes of it can be kept if the peer does not take it.

// Reserve sets n blocks aside, with a node for each: nobody else gets them until
// Unreserve or KeepReserved. It reports whether there were as many, and others left
// besides; if not, none is set aside. The last eighth, which is for queues that are
// empty, counts too.
func (o *Outputs) Reserve(n, others int) bool {
	o.mu.Lock()
	ok := o.reserveLocked(n, others)
	o.mu.Unlock()
	return ok
}

// reserveLocked is Reserve under the lock.
func (o *Outputs) reserveLocked(n, others int) bool {
	if left := min(len(o.refs)-o.blocksIn, len(o.nodes)-o.nodesIn) - o.reserved; n+others > left {
		return false
	}
	o.reserved += n
	return true
}

// Unreserve gives n blocks back that Reserve has set aside.
func (o *Outputs) Unreserve(n int) {
	o.mu.Lock()
	o.reserved -= n
	o.mu.Unlock()
}

// KeepReserved is Keep, in n blocks that Reserve has set aside: all of them are
// used up or given back. If the bytes fit into them, it fails only if the queue
// of the slot has nearly 255 pieces already.
func (o *Outputs) KeepReserved(s *Slot, head, body []byte, ahead bool, n int) bool {
	o.mu.Lock()
	o.reserved -= n
	ok := o.keep(s, head, body, false, ahead)
	o.mu.Unlock()
	return ok
}

// Count is the number of blocks and of nodes that there are.
func (o *Outputs) Count() (blocks, nodes int) { return len(o.refs), len(o.nodes) }
