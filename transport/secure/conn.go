package secure

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// state is how far a conn is.
type state uint8

const (
	stateHello  state = iota // the client's first record is not complete
	stateQueued              // it is, and a handshake has no place yet
	stateShake               // a goroutine does the handshake
	stateOpen                // plaintext goes both ways
	stateFailed              // nothing comes any more; what was to be said at the end is sent
	stateClosed              // the inner stream is not ours any more
)

// A conn is a stream of a secure listener.
type conn struct {
	b     *Backend
	name  transport.Stream
	inner transport.Stream

	// Readiness of the inner stream, counted by whoever waits on the lane. A
	// call that comes up short is sure that the stream is empty, or full, only
	// if the count has not changed since before the call.
	reads, rooms atomic.Uint32
	hangup       atomic.Bool   // the inner stream is to be read until it fails
	plainly      atomic.Bool   // the state is stateOpen, and nobody has closed it
	blocked      atomic.Bool   // out waits for room
	tag          atomic.Uint64 // the engine's

	// Of the lane's queue, guarded by its mutex once there is a lane.
	next   *conn
	queued bool
	told   transport.Ready

	mu         sync.Mutex // guards all below; held for every call of the inner stream
	state      state
	leaving    bool // closed by the engine, but not done
	ended      bool // by CloseWrite
	finished   bool // the inner stream was half-closed
	wantsRoom  bool // Send has come up short, so that room is to be told
	empty      bool // a Receive of the inner stream came up short, when reads was emptyAt
	more       bool // the hold is full, and there may be more behind it
	discards   bool // what still comes is thrown away
	laneNumber int32
	emptyAt    uint32
	lane       *lane // nil before Attach
	tls        *tls.Conn
	shake      *shake
	in         []byte // received and not taken by tls
	out        *block // to be sent, or nil
	hold       []byte // plaintext that was given and not consumed, if the backend holds any
	readErr    error  // of Receive, for good
	sendErr    error  // of Send, for good
	expires    int64  // when it is aborted, while it leaves: of time.Now, in nanoseconds
	discarded  int
	barren     int      // ciphertext received since there was plaintext
	over       net.Conn // the inner stream, when it was given away; set once
}

// Attach implements transport.Backend.
func (b *Backend) Attach(s transport.Stream, lane int, tag uint64) error {
	if ownTag(tag) {
		return transport.ErrNotSupported
	}
	if s >= 0 {
		return b.inner.Attach(s, lane, tag)
	}
	c := b.table.get(s)
	if c == nil {
		return transport.ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || c.state == stateClosed {
		return transport.ErrClosed
	}
	c.tag.Store(tag)
	if err := c.attach(lane); err != nil {
		return err
	}
	if c.told != 0 {
		c.tell(c.told) // what was ready before
	}
	return nil
}

func (c *conn) attach(lane int) error {
	if c.lane != nil {
		return transport.ErrNotSupported
	}
	if err := c.b.inner.Attach(c.inner, lane, tagOf(c.name)); err != nil {
		return err
	}
	c.lane, c.laneNumber = &c.b.lanes[lane], int32(lane)
	return nil
}

// event acts on an event of the inner stream and returns what the engine is to
// be told.
func (c *conn) event(r transport.Ready) transport.Ready {
	if r&(transport.Readable|transport.Hangup) != 0 {
		c.reads.Add(1)
	}
	if r.Has(transport.Hangup) {
		c.hangup.Store(true)
	}
	if r.Has(transport.Writable) {
		c.rooms.Add(1)
	}
	if c.plainly.Load() && !(r.Has(transport.Writable) && c.blocked.Load()) {
		// The usual case, in which nobody's lock is waited for. Room is told to
		// those alone who asked for it.
		return r &^ transport.Writable
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving {
		c.leave()
		return 0
	}
	switch c.state {
	case stateHello, stateQueued, stateShake:
		c.flush()
		c.greet()
		if c.state != stateFailed {
			return 0 // and what the handshake leads to, it tells itself
		}
		return transport.Readable | transport.Hangup
	case stateOpen:
		tell := r &^ transport.Writable
		if c.flush(); c.wantsRoom && c.out == nil {
			c.wantsRoom = false
			tell |= transport.Writable
		}
		if c.sendErr != nil {
			tell |= transport.Writable | transport.Hangup
		}
		return tell
	case stateFailed:
		c.flush()
		return r &^ transport.Writable
	}
	return 0 // closed
}

// Local implements transport.Backend.
func (b *Backend) Local(s transport.Stream) transport.Addr {
	if s >= 0 {
		return b.inner.Local(s)
	}
	return b.end(s, b.inner.Local)
}

// Remote implements transport.Backend.
func (b *Backend) Remote(s transport.Stream) transport.Addr {
	if s >= 0 {
		return b.inner.Remote(s)
	}
	return b.end(s, b.inner.Remote)
}

func (b *Backend) end(s transport.Stream, which func(transport.Stream) transport.Addr) transport.Addr {
	c := b.table.get(s)
	if c == nil {
		return transport.Addr{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == stateClosed {
		return transport.Addr{}
	}
	return which(c.inner)
}

// CloseWrite implements transport.Backend: close_notify, which RFC 8446
// section 6.1 asks of each side before it closes its write side, and then the
// end of the inner stream's bytes, for clients who wait for that.
func (b *Backend) CloseWrite(s transport.Stream) error {
	if s >= 0 {
		return b.inner.CloseWrite(s)
	}
	c := b.table.get(s)
	if c == nil {
		return transport.ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || c.state == stateClosed {
		return transport.ErrClosed
	}
	if c.sendErr != nil && c.state == stateOpen {
		return c.sendErr
	}
	c.sayEnd()
	return nil
}

// sayEnd ends our bytes, as soon as it can.
func (c *conn) sayEnd() {
	if c.ended {
		return
	}
	c.ended = true
	if c.state == stateOpen && c.sendErr == nil {
		c.tls.CloseWrite() // fails if something went wrong before; there is no more to do then
	}
	c.flush()
}

// CloseStream implements transport.Backend. What Send has taken is sent, and
// then close_notify; the stream lingers for that, if it must, and does not wait
// for the client's close_notify, which RFC 8446 section 6.1 allows.
func (b *Backend) CloseStream(s transport.Stream) {
	if s >= 0 {
		b.inner.CloseStream(s)
		return
	}
	c := b.table.get(s)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || c.state == stateClosed {
		return
	}
	c.plainly.Store(false)
	c.silence()
	c.finished = c.finished || !c.discards // closing the inner stream ends it anyway
	c.sayEnd()
	c.leaving = true
	if c.leave() {
		return
	}
	if c.lane == nil && c.attach(0) != nil {
		c.abort() // no event would ever tell
		return
	}
	b.linger(c)
}

// leave does what can be done for a conn that was closed, and reports whether
// it is over.
func (c *conn) leave() bool {
	c.flush()
	switch c.state {
	case stateHello, stateQueued, stateShake:
		if c.shake == nil || len(c.shake.early) == 0 {
			break // nobody is told anything
		}
		c.greet()
		if c.state != stateFailed || c.out != nil || c.discards {
			return false
		}
	case stateOpen:
		if c.out != nil && c.sendErr == nil {
			return false
		}
	case stateFailed:
		if c.out != nil && c.sendErr == nil {
			return false
		}
		if c.discards && !c.discard() {
			return false
		}
	case stateClosed:
		return true
	}
	c.b.inner.CloseStream(c.inner)
	c.free()
	return true
}

// discardLimit bounds what is thrown away of a client that speaks another
// protocol, so that our answer to it is not lost to a reset.
const discardLimit = 256 << 10

// discard throws away what the client sends after it was told to go, and
// reports whether it is over.
func (c *conn) discard() bool {
	x := c.b.blocks.get()
	defer c.b.blocks.put(x)
	for {
		n, err := c.fetch(x.buf[:])
		c.discarded += n
		switch {
		case err == errEmpty:
			return false
		case err != nil || c.discarded > discardLimit:
			return true
		}
	}
}

// Abort implements transport.Backend.
func (b *Backend) Abort(s transport.Stream) {
	if s >= 0 {
		b.inner.Abort(s)
		return
	}
	if c := b.table.get(s); c != nil {
		c.mu.Lock()
		if !c.leaving {
			c.abort()
		}
		c.mu.Unlock()
	}
}

// abort resets the inner stream.
func (c *conn) abort() {
	if c.state != stateClosed {
		c.silence()
		c.b.inner.Abort(c.inner)
		c.free()
	}
}

// free lets go of all but the inner stream, which the caller has closed.
func (c *conn) free() {
	wasLeaving, was := c.leaving, c.state
	c.plainly.Store(false)
	c.state = stateClosed
	c.leaving = true
	c.in, c.hold = nil, nil
	c.drop()
	if c.shake != nil {
		c.shake.end()
	}
	c.b.table.remove(c)
	c.b.forget(c, was, wasLeaving)
}

// drop gives back the block of a conn that sends no more.
func (c *conn) drop() {
	if c.out != nil {
		c.b.blocks.put(c.out)
		c.out = nil
	}
	c.blocked.Store(false)
}

// linger puts a conn, which was closed and is not done, among those that are
// aborted when they take too long.
func (b *Backend) linger(c *conn) {
	c.expires = time.Now().Add(b.cfg.Linger).UnixNano()
	b.mu.Lock()
	b.leaving = append(b.leaving, c)
	var oldest *conn
	if len(b.leaving) > mostLingering {
		oldest = b.leaving[0]
		b.leaving = append(b.leaving[:0], b.leaving[1:]...)
	}
	b.tickLocked()
	b.mu.Unlock()
	if oldest != nil {
		// Not here: two conns' locks are never held by one goroutine.
		b.wg.Go(func() {
			oldest.mu.Lock()
			oldest.abort()
			oldest.mu.Unlock()
		})
	}
}
