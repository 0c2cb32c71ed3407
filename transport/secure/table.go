package secure

import (
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/transport"
)

// A secure stream's name is negative, so that one look tells it from the inner
// backend's: the sign, a generation, and an index into the table. The inner
// stream is attached under a tag made of the name, since its events are not
// always the engine's.
const (
	indexBits = 20
	chunkBits = 8
	chunkSize = 1 << chunkBits
	numChunks = 1 << (indexBits - chunkBits)

	genMask = 1<<(31-indexBits) - 1
	ownMark = uint64(0xb0b7a115) << 32
)

func ownTag(tag uint64) bool { return tag&^(1<<31-1) == ownMark|1<<31 }

func tagOf(s transport.Stream) uint64 { return ownMark | uint64(uint32(s)) }

type chunk [chunkSize]atomic.Pointer[conn]

// table finds conns by their names without a lock. It grows by chunks, which
// stay.
type table struct {
	chunks [numChunks]atomic.Pointer[chunk]

	mu   sync.Mutex // guards all below
	free []int32
	used int32  // indices given so far, those of free included
	gen  uint32 // of the next name
}

// add names c and puts it in. It reports whether there was room.
func (t *table) add(c *conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i int32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		if t.used == 1<<indexBits {
			return false
		}
		i = t.used
		t.used++
		if i%chunkSize == 0 {
			t.chunks[i/chunkSize].Store(new(chunk))
		}
	}
	t.gen++
	c.name = transport.Stream(int32(1<<31 | t.gen&genMask<<indexBits | uint32(i)))
	t.chunks[i/chunkSize].Load()[i%chunkSize].Store(c)
	return true
}

// get is the conn of a name, or nil if it is gone, or the name is a plain
// stream's.
func (t *table) get(s transport.Stream) *conn {
	i := uint32(s) & (1<<indexBits - 1)
	if s >= 0 {
		return nil
	}
	k := t.chunks[i/chunkSize].Load()
	if k == nil {
		return nil
	}
	if c := k[i%chunkSize].Load(); c != nil && c.name == s {
		return c
	}
	return nil
}

func (t *table) remove(c *conn) {
	i := int32(uint32(c.name) & (1<<indexBits - 1))
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := &t.chunks[i/chunkSize].Load()[i%chunkSize]; p.CompareAndSwap(c, nil) {
		t.free = append(t.free, i)
	}
}

// each calls f for each conn.
func (t *table) each(f func(*conn)) {
	t.mu.Lock()
	n := t.used
	t.mu.Unlock()
	for i := range n {
		if c := t.chunks[i/chunkSize].Load()[i%chunkSize].Load(); c != nil {
			f(c)
		}
	}
}

// A block is ciphertext on its way to the inner stream. A conn has one only
// while it sends, or while its peer does not take what was sent.
type block struct {
	vec    [1][]byte // scratch for Send, which must not be on the stack
	at, to int       // buf[at:to] is to be sent
	buf    [blockSize - 48]byte
}

const (
	// most is how much plaintext is encrypted at a time: a record's worth (RFC
	// 8446 section 5.1).
	most = 16 << 10

	// blockSize is the size of the allocator's class that holds most and what
	// records add to it: at most 14 of them, since crypto/tls begins with short
	// ones, of 22 bytes each in TLS 1.3 and up to 85 in 1.2.
	blockSize = 18432

	// keptBlocks is how many free blocks are kept. One is in use for each
	// goroutine that sends and each peer that does not take.
	keptBlocks = 32
)

type blocks struct {
	mu   sync.Mutex
	free [keptBlocks]*block
	n    int
}

func (k *blocks) get() *block {
	k.mu.Lock()
	if k.n > 0 {
		k.n--
		x := k.free[k.n]
		k.free[k.n] = nil
		k.mu.Unlock()
		return x
	}
	k.mu.Unlock()
	return new(block)
}

func (k *blocks) put(x *block) {
	x.at, x.to = 0, 0
	k.mu.Lock()
	if k.n < keptBlocks {
		k.free[k.n] = x
		k.n++
	}
	k.mu.Unlock()
}
