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
	reserved  int    // blocks, and as many nodes, that are set aside: see reserve.go
	marks     []mark // of each slot: see mark.go
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
	nodeFixed                       // DropOldest passes it over
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
	o.marks = make([]mark, p.Size())
}

// Size is the size of a block in bytes.
func (o *Outputs) Size() int { return o.size }

// Used is the number of blocks and of nodes that are taken.
func (o *Outputs) Used() (blocks, nodes int) {
	o.mu.Lock()
	blocks, nodes = o.blocksIn, o.nodesIn
	o.mu.Unlock()
	return blocks, nodes
}

// Get takes a block, with one reference, which is the caller's. It fails with
// ErrFull.
func (o *Outputs) Get() (Block, error) {
	o.mu.Lock()
	v, err := o.getLocked()
	o.mu.Unlock()
	return v, err
}

// getLocked is Get under the lock.
func (o *Outputs) getLocked() (Block, error) {
	if b := o.get(); b >= 0 {
		return Block(b), nil
	}
	return NoBlock, ErrFull
}

func (o *Outputs) get() int32 {
	if len(o.refs)-o.blocksIn <= o.reserved {
		return -1
	}
	i := o.freeBlock
	o.freeBlock = o.refs[i]
	o.refs[i] = 1
	o.blocksIn++
	return i
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

// maxPieces bounds the queue of one slot, whatever its mark: its length is
// kept in a byte.
const maxPieces = 255

// Append puts data at the end of the queue of a connection. data lies in
// block b, of which the queue takes a reference of its own, or is the
// program's own memory, which must stay as it is until it is sent, and b is
// NoBlock. more says that the same message goes on in the next piece, which
// must follow before another message may. It fails with ErrStale, with
// ErrSealed if the owner or PushLast has sealed the queue, with
// ErrBacklog if the queue has mark pieces already (0 is no mark), and with
// ErrFull if no node is free; the last eighth of the nodes is for queues that
// are empty.
//
// Anybody may append. Whoever is not the slot's owner signals Output after.
func (o *Outputs) Append(h Handle, data []byte, b Block, more bool, mark int) error {
	if b != NoBlock {
		_ = &o.refs[b] // a block of others panics before the lock is held
	}
	o.mu.Lock()
	err := o.appendLocked(h, data, b, more, mark)
	o.mu.Unlock()
	return err
}

// appendLocked is Append under the lock.
func (o *Outputs) appendLocked(h Handle, data []byte, b Block, more bool, mark int) error {
	s, err := o.slot(h, mark, 0)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		if !more && s.outTail >= 0 {
			o.nodes[s.outTail].flags &^= nodeMore
		}
		return nil
	}
	i := o.newNode(data, int32(b))
	if i < 0 {
		return ErrFull
	}
	if more {
		o.nodes[i].flags = nodeMore
	}
	if b != NoBlock {
		o.refs[b]++
	}
	o.link(s, i, i, 1, false)
	return nil
}

// Copy puts a message of any length, head and then body, at the end of the
// queue of a connection, in blocks of its own, whole or not at all. It fails as
// Append does, and the last eighth of the blocks is for queues that are empty
// too.
//
// Anybody may copy. Whoever is not the slot's owner signals Output after.
func (o *Outputs) Copy(h Handle, head, body []byte, mark int) error {
	return o.copy(h, head, body, mark, 0)
}

// CopyFixed is Copy of a message that somebody waits for: DropOldest does not take
// it off the queue again, its pieces do not count for the marks of others, and the
// last eighth of the blocks and of the nodes is for it too.
func (o *Outputs) CopyFixed(h Handle, head, body []byte, mark int) error {
	return o.copy(h, head, body, mark, nodeFixed)
}

func (o *Outputs) copy(h Handle, head, body []byte, mark int, flags nodeFlags) error {
	o.mu.Lock()
	err := o.copyLocked(h, head, body, mark, flags)
	o.mu.Unlock()
	return err
}

// copyLocked is copy under the lock.
func (o *Outputs) copyLocked(h Handle, head, body []byte, mark int, flags nodeFlags) error {
	s, err := o.slot(h, mark, flags)
	if err != nil || len(head)+len(body) == 0 {
		return err
	}
	if s.outLen > 0 && flags&nodeFixed == 0 && scarce(o.blocksIn+o.reserved, len(o.refs)) {
		return ErrFull
	}
	return o.copyTo(s, head, body, flags)
}

// copyTo puts a copy of a message at the end of a slot's queue, if there is
// room for all of it. flags are for its first node.
func (o *Outputs) copyTo(s *Slot, head, body []byte, flags nodeFlags) error {
	first, last, n, left := o.chain(head, body, maxPieces-int(s.outLen))
	if left > 0 {
		o.drop(first)
		return ErrFull
	}
	if n > 0 {
		o.nodes[first].flags |= flags
		o.link(s, first, last, n, false)
	}
	return nil
}

// Keep puts what the owner of a slot could not send into its queue: head as
// a copy, body as a copy or, if it is static, as a reference. It reports
// whether there was room for all; if not, nothing is kept. ahead says that
// their message has begun before anything that is in the queue now, so that
// they go in front of it. In a queue that is held (Hold) they go behind what
// has begun and before the rest, in any case. What is kept is never dropped.
func (o *Outputs) Keep(s *Slot, head, body []byte, static, ahead bool) bool {
	o.mu.Lock()
	ok := o.keep(s, head, body, static, ahead)
	o.mu.Unlock()
	return ok
}

func (o *Outputs) keep(s *Slot, head, body []byte, static, ahead bool) bool {
	first, last, n, left := o.chain(head, nil, maxPieces-int(s.outLen))
	if left == 0 && len(body) > 0 {
		f, l, k := int32(-1), int32(-1), 0
		if !static {
			f, l, k, left = o.chain(body, nil, maxPieces-int(s.outLen)-n)
		} else if left = len(body); n+int(s.outLen) < maxPieces {
			if f = o.newNode(body, int32(NoBlock)); f >= 0 {
				l, k, left = f, 1, 0
			}
		}
		if first < 0 {
			first = f
		} else {
			o.nodes[last].next = f
			o.nodes[last].flags |= nodeMore
		}
		if l >= 0 {
			last = l
		}
		n += k
	}
	if left > 0 {
		o.drop(first)
		return false
	}
	for i := first; i >= 0; i = o.nodes[i].next {
		o.nodes[i].flags |= nodeBegun
	}
	switch {
	case n == 0:
	case o.marks[o.pool.Index(s)]&markHeld != 0:
		o.insert(s, first, last, n)
	default:
		o.link(s, first, last, n, ahead)
	}
	return true
}

// lookup is the slot of a connection, or nil if that is over.
func (o *Outputs) lookup(h Handle) *Slot {
	if uint(h.Index()) >= uint(o.pool.Size()) {
		return nil
	}
	if st, now := o.pool.StateAt(h.Index()); now != h || st == Free || st == stateIllegal {
		return nil
	}
	return o.pool.Slot(h.Index())
}

// slot is the slot of a connection that may have another piece of output, with
// flags.
func (o *Outputs) slot(h Handle, mark int, flags nodeFlags) (*Slot, error) {
	s := o.lookup(h)
	if s == nil {
		return nil, ErrStale
	}
	if o.marks[h.Index()]&markSealed != 0 {
		return nil, ErrSealed
	}
	if s.outLen == maxPieces || mark > 0 && int(s.outLen) >= mark && o.unfixed(s) >= mark {
		return nil, ErrBacklog
	}
	if s.outLen > 0 && flags&nodeFixed == 0 && scarce(o.nodesIn+o.reserved, len(o.nodes)) && o.nodes[s.outTail].flags&nodeMore == 0 {
		return nil, ErrFull
	}
	return s, nil
}

// unfixed is the number of pieces in a slot's queue that count for its mark: those
// of messages that are fixed do not, lest nothing else is let in.
func (o *Outputs) unfixed(s *Slot) int {
	n := int(s.outLen)
	for i := s.outHead; i >= 0; i = o.nodes[i].next {
		if o.nodes[i].flags&nodeFixed == 0 {
			continue
		}
		for n--; o.nodes[i].flags&nodeMore != 0 && o.nodes[i].next >= 0; n-- {
			i = o.nodes[i].next
		}
	}
	return n
}

// scarce reports whether what is left is for those who have nothing waiting: a
// few slow peers must not take it all, since even a peer that takes its output
// at once needs a node for a moment.
func scarce(taken, of int) bool { return taken >= of-of/8 }

// newNode takes a free node, or returns -1.
func (o *Outputs) newNode(data []byte, b int32) int32 {
	if len(o.nodes)-o.nodesIn <= o.reserved {
		return -1
	}
	i := o.freeNode
	o.freeNode = o.nodes[i].next
	o.nodes[i] = node{data: data, block: b, next: -1}
	o.nodesIn++
	return i
}

// chain copies head and then body into new blocks with a node each, at most
// most of them. All but the last have nodeMore. left is how many bytes found
// no room.
func (o *Outputs) chain(head, body []byte, most int) (first, last int32, n, left int) {
	first, last = -1, -1
	for len(head)+len(body) > 0 && n < most {
		b := o.get()
		if b < 0 {
			break
		}
		data := o.Bytes(Block(b))
		i := o.newNode(data, b)
		if i < 0 {
			o.put(b)
			break
		}
		k := copy(data, head)
		head = head[k:]
		m := copy(data[k:], body)
		body = body[m:]
		o.nodes[i].data = data[:k+m]
		if first < 0 {
			first = i
		} else {
			o.nodes[last].next = i
			o.nodes[last].flags = nodeMore
		}
		last = i
		n++
	}
	return first, last, n, len(head) + len(body)
}

// link puts a chain of n nodes at the end of the slot's queue, or in front.
func (o *Outputs) link(s *Slot, first, last int32, n int, ahead bool) {
	switch {
	case s.outHead < 0:
		s.outHead, s.outTail = first, last
	case ahead:
		o.nodes[last].next = s.outHead
		s.outHead = first
	default:
		o.nodes[s.outTail].next = first
		s.outTail = last
	}
	s.outLen += uint8(n)
}

// drop frees a chain that is in no queue, or in none any more.
func (o *Outputs) drop(i int32) {
	for i >= 0 {
		i = o.freeOne(i)
	}
}

// freeOne frees a node and returns the next of its chain.
func (o *Outputs) freeOne(i int32) (next int32) {
	n := &o.nodes[i]
	next = n.next
	if n.block >= 0 {
		o.put(n.block)
	}
	*n = node{next: o.freeNode}
	o.freeNode = i
	o.nodesIn--
	return next
}

// Len is the number of pieces in the slot's queue.
func (o *Outputs) Len(s *Slot) int {
	o.mu.Lock()
	n := int(s.outLen)
	o.mu.Unlock()
	return n
}

// Waits reports whether a connection, of whose slot the caller is not the owner,
// has output that waits.
func (o *Outputs) Waits(h Handle) bool {
	o.mu.Lock()
	s := o.lookup(h)
	ok := s != nil && s.outLen > 0
	o.mu.Unlock()
	return ok
}

// Peek fills bufs with the first pieces of the queue and returns their
// number. The caller owns the slot, and the bytes stay where they are until
// it calls Advance. What Peek has shown counts as begun: it is not dropped. Of
// a queue that is held (Hold) it shows what has begun, and no more.
func (o *Outputs) Peek(s *Slot, bufs [][]byte) int {
	o.mu.Lock()
	held := s.outHead >= 0 && o.marks[o.pool.Index(s)]&markHeld != 0
	k, more := 0, false
	for i := s.outHead; i >= 0 && k < len(bufs); i = o.nodes[i].next {
		n := &o.nodes[i]
		if held && !more && n.flags&nodeBegun == 0 {
			break
		}
		bufs[k] = n.data
		more = n.flags&nodeMore != 0
		n.flags |= nodeBegun
		k++
	}
	o.mu.Unlock()
	return k
}

// Advance takes n bytes off the front of the queue, which were sent. It
// reports whether the queue is empty now.
func (o *Outputs) Advance(s *Slot, n int) (empty bool) {
	o.mu.Lock()
	empty = o.advanceLocked(s, n)
	o.mu.Unlock()
	return empty
}

// advanceLocked is Advance under the lock.
func (o *Outputs) advanceLocked(s *Slot, n int) (empty bool) {
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
	more := o.nodes[s.outHead].flags&nodeMore != 0
	s.outHead = o.freeOne(s.outHead)
	if s.outHead < 0 {
		s.outTail = -1
	} else if more {
		o.nodes[s.outHead].flags |= nodeBegun // the message has
	}
	s.outLen--
}

// DropOldest takes the oldest message of which nothing was sent yet, and that is
// not fixed, off the queue of a connection, to make room for a newer one. It
// reports whether there was one.
func (o *Outputs) DropOldest(h Handle) bool {
	o.mu.Lock()
	s := o.lookup(h)
	ok := s != nil && o.dropUnbegun(s, 1, nodeBegun|nodeFixed) > 0
	o.mu.Unlock()
	return ok
}

// dropUnbegun takes messages that have none of the flags in not, of which begun is
// one, off a slot's queue, at most most of them, and returns how many.
func (o *Outputs) dropUnbegun(s *Slot, most int, not nodeFlags) (dropped int) {
	prev := int32(-1)
	i := s.outHead
	for i >= 0 && dropped < most {
		if o.nodes[i].flags&not != 0 {
			// The message goes on to its end.
			prev = o.lastOf(i)
			i = o.nodes[prev].next
			continue
		}
		for more := true; more && i >= 0; {
			more = o.nodes[i].flags&nodeMore != 0
			i = o.freeOne(i)
			s.outLen--
		}
		dropped++
		if prev >= 0 {
			o.nodes[prev].next = i
		} else {
			s.outHead = i
		}
		if i < 0 {
			s.outTail = prev
		}
	}
	return dropped
}

// lastOf is the last node of the message whose first is i, as far as it is in
// the queue.
func (o *Outputs) lastOf(i int32) int32 {
	for o.nodes[i].flags&nodeMore != 0 && o.nodes[i].next >= 0 {
		i = o.nodes[i].next
	}
	return i
}

// Clear empties the slot's queue, and takes its marks away.
func (o *Outputs) Clear(s *Slot) {
	o.mu.Lock()
	for s.outHead >= 0 {
		o.pop(s)
	}
	o.marks[o.pool.Index(s)] = 0
	o.mu.Unlock()
}
