package netstd

import (
	"context"
	"net"
	"sync"

	"github.com/bobtail-go/bobtail/transport"
)

// A stream is what both ways have in common: a name, a place in a lane's
// queue, and how it came to be. What moves bytes is its conduit.
type stream struct {
	b    *Backend
	name transport.Stream
	stop context.CancelFunc // ends a Dial; nil if accepted

	mu       sync.Mutex // guards all below but next
	conduit  conduit    // nil while it is being dialled, and if that failed
	conn     net.Conn
	remote   transport.Addr
	failed   transport.Error // why it was never connected
	attached bool
	gone     bool // closed
	queued   bool // in the lane's queue, or about to be
	lane     *lane
	tag      uint64
	ready    transport.Ready // to be told

	next *stream // guarded by lane.mu
}

// A conduit moves the bytes of a connection. Its calls do not block.
type conduit interface {
	// watch begins to post what the stream is ready for.
	watch()
	receive(buf []byte) ([]byte, error)
	consume(n int)
	send(bufs [][]byte) (int, error)
	closeWrite() error
	// close closes the connection. now is by Close of the backend, after
	// which nothing may linger.
	close(now bool)
	// abort resets the connection.
	abort()
	// detach ends the goroutines and gives the connection away.
	detach() net.Conn
}

const (
	slotBits = 20
	maxSlots = 1 << slotBits
	nameMask = 1<<(31-slotBits) - 1
)

// newStream names a stream. Names of one slot differ for a while, so that a
// late call for a closed stream finds no other.
func (b *Backend) newStream() (*stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, transport.ErrClosed
	}
	if len(b.free) == 0 {
		if len(b.slots) == maxSlots {
			return nil, transport.ErrDescriptors
		}
		b.free = append(b.free, int32(len(b.slots)))
		b.slots = append(b.slots, nil)
	}
	slot := b.free[len(b.free)-1]
	b.free = b.free[:len(b.free)-1]
	b.names++
	s := &stream{b: b, name: transport.Stream(b.names&nameMask<<slotBits | slot)}
	b.slots[slot] = s
	return s, nil
}

// stream is the stream of a name, or nil if it is closed.
func (b *Backend) stream(name transport.Stream) *stream {
	b.mu.RLock()
	defer b.mu.RUnlock()
	slot := int(name) & (maxSlots - 1)
	if name < 0 || slot >= len(b.slots) || b.slots[slot] == nil || b.slots[slot].name != name {
		return nil
	}
	return b.slots[slot]
}

// drop takes the name from a stream.
func (b *Backend) drop(name transport.Stream) *stream {
	s := b.stream(name)
	if s != nil {
		b.mu.Lock()
		slot := int32(name) & (maxSlots - 1)
		b.slots[slot] = nil
		b.free = append(b.free, slot)
		b.mu.Unlock()
	}
	return s
}

// adopt gives a stream its connection.
func (s *stream) adopt(c net.Conn) {
	s.conn = c
	s.remote = addrOf(c.RemoteAddr())
	if !s.b.buffered {
		if r := newRaw(s, c); r != nil {
			s.conduit = r
			return
		}
	}
	s.conduit = newBuffered(s, c)
}

// post notes that the stream may be ready, and queues it.
func (s *stream) post(r transport.Ready) {
	s.mu.Lock()
	s.ready |= r
	push := s.attached && !s.queued && !s.gone
	s.queued = s.queued || push
	s.mu.Unlock()
	if push {
		s.lane.push(s)
	}
}

// take gives what is to be told of a stream that was just taken off the queue.
func (s *stream) take() (uint64, transport.Ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.ready
	s.ready, s.queued = 0, false
	if s.gone {
		return 0, 0
	}
	return s.tag, r
}

// state is what a call needs to go on: the conduit, or an error if there is
// none (yet).
func (b *Backend) state(name transport.Stream) (conduit, error) {
	s := b.stream(name)
	if s == nil {
		return nil, transport.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conduit != nil:
		return s.conduit, nil
	case s.failed != 0:
		return nil, s.failed
	}
	return nil, transport.ErrWouldBlock
}

// Attach implements transport.Backend. It starts the goroutine that waits.
func (b *Backend) Attach(name transport.Stream, lane int, tag uint64) error {
	s := b.stream(name)
	if s == nil {
		return transport.ErrClosed
	}
	if lane < 0 || lane >= b.cfg.Lanes {
		return transport.ErrNotSupported
	}
	s.mu.Lock()
	s.lane, s.tag, s.attached = &b.lanes[lane], tag, true
	c := s.conduit
	r := s.ready
	if c != nil {
		r |= transport.Writable
	}
	s.mu.Unlock()
	if r != 0 {
		s.post(r)
	}
	if c != nil {
		c.watch()
	}
	return nil
}

// Receive implements transport.Backend.
func (b *Backend) Receive(name transport.Stream, buf []byte) ([]byte, error) {
	c, err := b.state(name)
	if err != nil {
		return nil, err
	}
	return c.receive(buf)
}

// Consume implements transport.Backend.
func (b *Backend) Consume(name transport.Stream, n int) {
	if !b.buffered {
		return
	}
	if c, err := b.state(name); err == nil {
		c.consume(n)
	}
}

// Send implements transport.Backend.
func (b *Backend) Send(name transport.Stream, bufs [][]byte) (int, error) {
	c, err := b.state(name)
	if err != nil {
		return 0, err
	}
	return c.send(bufs)
}

// CloseWrite implements transport.Backend. It fails with ErrNotSupported where
// the connection cannot be half-closed.
func (b *Backend) CloseWrite(name transport.Stream) error {
	c, err := b.state(name)
	if err != nil {
		return err
	}
	return c.closeWrite()
}

// CloseStream implements transport.Backend.
func (b *Backend) CloseStream(name transport.Stream) {
	if s := b.drop(name); s != nil {
		s.close(false)
	}
}

// Abort implements transport.Backend.
func (b *Backend) Abort(name transport.Stream) {
	s := b.drop(name)
	if s == nil {
		return
	}
	if c := s.leave(); c != nil {
		c.abort()
	}
}

// leave ends the stream's events, and a Dial that is under way.
func (s *stream) leave() conduit {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if s.stop != nil {
		s.stop()
	}
	return s.conduit
}

func (s *stream) close(now bool) {
	if c := s.leave(); c != nil {
		c.close(now)
	}
}

// Local implements transport.Backend. It is unset while a Dial is under way.
func (b *Backend) Local(name transport.Stream) transport.Addr {
	if s := b.stream(name); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conn != nil {
			return addrOf(s.conn.LocalAddr())
		}
	}
	return transport.Addr{}
}

// Remote implements transport.Backend.
func (b *Backend) Remote(name transport.Stream) transport.Addr {
	if s := b.stream(name); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.remote
	}
	return transport.Addr{}
}

// Dial implements transport.Backend.
func (b *Backend) Dial(a transport.Addr) (transport.Stream, error) {
	s, err := b.newStream()
	if err != nil {
		return -1, err
	}
	ctx, stop := context.WithTimeout(context.Background(), b.cfg.DialTimeout)
	s.stop, s.remote = stop, a
	b.run(func() { s.dial(ctx, a) })
	return s.name, nil
}

func (s *stream) dial(ctx context.Context, a transport.Addr) {
	defer s.stop()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", a.String())
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		if err == nil {
			abort(c)
		}
		return
	}
	ready := transport.Writable
	if err != nil {
		s.failed = errorOf(err)
		ready |= transport.Readable | transport.Hangup
	} else {
		s.adopt(c)
	}
	watch := s.attached && s.conduit != nil
	conduit := s.conduit
	s.mu.Unlock()
	s.post(ready)
	if watch {
		conduit.watch()
	}
}
