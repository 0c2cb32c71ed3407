package pool

import "sync"

// Outputs holds what peers have not taken yet, and what others have pushed to
// them: for each slot a queue of nodes, each a piece of bytes. The bytes are
// in blocks, which are counted by reference so that one block may be in the
// queues of many slots; or they are the program's own, which never change
// (pages, files in memory), and are only referred to.
//
// One lock guards all queues. It is held for the time of a few words' work,
// and the path of a request whose answer fits does not take it.
type Outputs struct {
	mu        sync.Mutex
	pool      *Pool
	size      int
	bytes     []byte
	refs      []int32 // references to each block; the next free block if it is free
	freeBlock int32
	nodes     []node
	freeNode  int32
	blocksIn  int
	nodesIn   int
}

type node struct {
	data  []byte
	block int32 // -1 if the bytes are the program's
	next  int32
	flags nodeFlags
}

type nodeFlags uint8

const (
	nodeMore  nodeFlags = 1 << iota // the message goes on in the next node
	nodeBegun                       // some of it has been sent
)

const blockSize = 4 // refs

// NoBlock says that bytes are not in a block.
const NoBlock Block = -1

// Block is the number of an output block, of which the caller holds a
// reference.
type Block int32

func (o *Outputs) init(p *Pool, blocks, size, nodes int) {
	o.pool = p
	o.size = size
	o.bytes = make([]byte, blocks*size)
	o.refs = make([]int32, blocks)
	for i := range o.refs {
		o.refs[i] = int32(i + 1)
	}
	o.refs[blocks-1] = -1
	o.nodes = make([]node, nodes)
	for i := range o.nodes {
		o.nodes[i].next = int32(i + 1)
	}
	o.nodes[nodes-1].next = -1
}

// Size is the size of a block in bytes.
func (o *Outputs) Size() int { return o.size }

// Used is the number of blocks and of nodes that are taken.
func (o *Outputs) Used() (blocks, nodes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.blocksIn, o.nodesIn
}

// Get takes a block, with one reference, which is the caller's. It fails with
// ErrFull.
func (o *Outputs) Get() (Block, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.freeBlock
	if i < 0 {
		return NoBlock, ErrFull
	}
	o.freeBlock = o.refs[i]
	o.refs[i] = 1
	o.blocksIn++
	return Block(i), nil
}

// Bytes are the bytes of a block. They may be written until the block is in
// a queue.
func (o *Outputs) Bytes(b Block) []byte {
	return o.bytes[int(b)*o.size : (int(b)+1)*o.size : (int(b)+1)*o.size]
}

// Put gives one reference to a block back.
func (o *Outputs) Put(b Block) {
	o.mu.Lock()
	o.put(int32(b))
	o.mu.Unlock()
}

func (o *Outputs) put(b int32) {
	o.refs[b]--
	if o.refs[b] > 0 {
		return
	}
	o.refs[b] = o.freeBlock
	o.freeBlock = b
	o.blocksIn--
}

// Append puts data at the end of the queue of a connection. data lies in
// block b, of which the queue takes a reference of its own, or is the
// program's own memory, which must stay as it is until it is sent, and b is
// NoBlock. more says that the same message goes on in the next piece, which
// must follow before another message may. It fails with ErrStale, with
// ErrBacklog if the queue has mark pieces already (0 is no mark), and with
// ErrFull if no node is free.
//
// Anybody may append. Whoever is not the slot's owner signals Output after.
func (o *Outputs) Append(h Handle, data []byte, b Block, more bool, mark int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	st, now := o.pool.StateAt(h.Index())
	if now != h || st == Free {
		return ErrStale
	}
	s := o.pool.Slot(h.Index())
	if mark > 0 && int(s.outLen) >= mark || s.outLen == 255 {
		return ErrBacklog
	}
	i := o.freeNode
	if i < 0 {
		return ErrFull
	}
	n := &o.nodes[i]
	o.freeNode = n.next
	*n = node{data: data, block: int32(b), next: -1}
	if more {
		n.flags = nodeMore
	}
	if b != NoBlock {
		o.refs[b]++
	}
	if s.outTail >= 0 {
		o.nodes[s.outTail].next = i
	} else {
		s.outHead = i
	}
	s.outTail = i
	s.outLen++
	o.nodesIn++
	return nil
}

// Len is the number of pieces in the slot's queue.
func (o *Outputs) Len(s *Slot) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return int(s.outLen)
}

// Peek fills bufs with the first pieces of the queue and returns their
// number. The caller owns the slot, and the bytes stay where they are until
// it calls Advance. What Peek has shown counts as begun: it is not dropped.
func (o *Outputs) Peek(s *Slot, bufs [][]byte) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := 0
	for i := s.outHead; i >= 0 && k < len(bufs); i = o.nodes[i].next {
		bufs[k] = o.nodes[i].data
		o.nodes[i].flags |= nodeBegun
		k++
	}
	return k
}

// Advance takes n bytes off the front of the queue, which were sent. It
// reports whether the queue is empty now.
func (o *Outputs) Advance(s *Slot, n int) (empty bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for s.outHead >= 0 {
		d := &o.nodes[s.outHead].data
		if n < len(*d) {
			*d = (*d)[n:]
			return false
		}
		n -= len(*d)
		o.pop(s)
	}
	return true
}

// pop takes the first node off the queue.
func (o *Outputs) pop(s *Slot) {
	i := s.outHead
	n := &o.nodes[i]
	s.outHead = n.next
	if s.outHead < 0 {
		s.outTail = -1
	}
	s.outLen--
	if n.block >= 0 {
		o.put(n.block)
	}
	*n = node{next: o.freeNode}
	o.freeNode = i
	o.nodesIn--
}

// DropOldest takes the oldest message of which nothing was sent yet off the
// queue of a connection, to make room for a newer one. It reports whether
// there was one.
func (o *Outputs) DropOldest(h Handle) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	st, now := o.pool.StateAt(h.Index())
	if now != h || st == Free {
		return false
	}
	s := o.pool.Slot(h.Index())
	prev := int32(-1)
	i := s.outHead
	// A message that has begun goes on to its end.
	for i >= 0 && o.nodes[i].flags&nodeBegun != 0 {
		for o.nodes[i].flags&nodeMore != 0 && o.nodes[i].next >= 0 {
			prev, i = i, o.nodes[i].next
		}
		prev, i = i, o.nodes[i].next
	}
	if i < 0 {
		return false
	}
	for more := true; more && i >= 0; {
		n := &o.nodes[i]
		more = n.flags&nodeMore != 0
		next := n.next
		if n.block >= 0 {
			o.put(n.block)
		}
		*n = node{next: o.freeNode}
		o.freeNode = i
		o.nodesIn--
		s.outLen--
		i = next
	}
	if prev >= 0 {
		o.nodes[prev].next = i
	} else {
		s.outHead = i
	}
	if i < 0 {
		s.outTail = prev
	}
	return true
}

// Clear empties the slot's queue.
func (o *Outputs) Clear(s *Slot) {
	o.mu.Lock()
	for s.outHead >= 0 {
		o.pop(s)
	}
	o.mu.Unlock()
}
