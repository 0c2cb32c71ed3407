package pool

// This file marks queues of output: as sealed, when the last message is in
// them, and as held, while their owner is in the midst of a message of its own.
// A mark is a byte beside the slot, guarded by the lock of Outputs, and gone
// when the connection is.

// mark is a set of what is said of a slot's queue.
type mark uint8

const (
	markSealed mark = 1 << iota // nothing may be pushed any more
	markHeld                    // the owner is midway in a message
)

const markSize = 1

// Seal ends what may be pushed to a slot that the caller owns: from here on
// Append and Copy fail with ErrSealed. What is in the queue stays and is sent,
// and what the owner Keeps is taken. A connection stays sealed to its end.
func (o *Outputs) Seal(s *Slot) {
	o.mu.Lock()
	o.marks[o.pool.Index(s)] |= markSealed
	o.mu.Unlock()
}

// Sealed reports whether the queue of a connection takes no more pushes: it was
// sealed, or the connection is over.
func (o *Outputs) Sealed(h Handle) bool {
	o.mu.Lock()
	ok := o.lookup(h) == nil || o.marks[h.Index()]&markSealed != 0
	o.mu.Unlock()
	return ok
}

// CopyLast puts a message, head and then body, behind what waits for a
// connection and seals its queue, in one step: nothing is ever pushed behind
// it. With drop, the messages that have not begun are taken off the queue
// before; dropped is how many there were. An empty message only seals.
//
// It fails with ErrStale, with ErrSealed if the queue was sealed before, and
// with ErrFull if there are not enough blocks or nodes for the message, of which
// it may take the last; then the queue is not sealed, but what was dropped is
// gone.
//
// Anybody may do it. Whoever is not the slot's owner signals Output after.
func (o *Outputs) CopyLast(h Handle, head, body []byte, drop bool) (dropped int, err error) {
	o.mu.Lock()
	dropped, err = o.copyLastLocked(h, head, body, drop)
	o.mu.Unlock()
	return dropped, err
}

// copyLastLocked is CopyLast under the lock.
func (o *Outputs) copyLastLocked(h Handle, head, body []byte, drop bool) (dropped int, err error) {
	s := o.lookup(h)
	if s == nil {
		return 0, ErrStale
	}
	m := &o.marks[h.Index()]
	if *m&markSealed != 0 {
		return 0, ErrSealed
	}
	if drop {
		dropped = o.dropUnbegun(s, maxPieces, nodeBegun)
	}
	if err := o.copyTo(s, head, body, 0); err != nil {
		return dropped, err
	}
	*m |= markSealed
	return dropped, nil
}

// Hold says that the owner of a slot is midway in a message of its own, in
// which nothing that was pushed may come, or, with on false, that it is at its
// end. While a queue is held, Peek shows only messages that have begun, and
// Keep puts the owner's output behind those and before what was pushed.
//
// What was pushed before something that the owner has kept is sent before it,
// as always, and so before the message that the owner begins.
//
// It reports whether there is something to be sent now.
func (o *Outputs) Hold(s *Slot, on bool) (waits bool) {
	o.mu.Lock()
	waits = o.holdLocked(s, on)
	o.mu.Unlock()
	return waits
}

// holdLocked is Hold under the lock.
func (o *Outputs) holdLocked(s *Slot, on bool) (waits bool) {
	m := &o.marks[o.pool.Index(s)]
	if !on {
		*m &^= markHeld
		return s.outHead >= 0
	}
	if *m&markHeld == 0 {
		*m |= markHeld
		o.beginKept(s)
	}
	return s.outHead >= 0 && o.nodes[s.outHead].flags&nodeBegun != 0
}

// beginKept has all messages count as begun that are before the last one that
// has: an owner that waits behind what was pushed may have kept something
// behind it. So the messages that have begun are the first in a queue that is
// held.
func (o *Outputs) beginKept(s *Slot) {
	last := int32(-1)
	for i := s.outHead; i >= 0; i = o.nodes[i].next {
		if o.nodes[i].flags&nodeBegun != 0 {
			last = i
		}
	}
	if last < 0 {
		return
	}
	for i := s.outHead; i != last; i = o.nodes[i].next {
		o.nodes[i].flags |= nodeBegun
	}
}

// insert puts a chain of n nodes behind what has begun of a queue that is held.
func (o *Outputs) insert(s *Slot, first, last int32, n int) {
	prev := int32(-1)
	for i := s.outHead; i >= 0 && o.nodes[i].flags&nodeBegun != 0; i = o.nodes[prev].next {
		prev = o.lastOf(i)
	}
	if prev < 0 || prev == s.outTail {
		o.link(s, first, last, n, prev < 0)
		return
	}
	o.nodes[last].next = o.nodes[prev].next
	o.nodes[prev].next = first
	s.outLen += uint8(n)
}
