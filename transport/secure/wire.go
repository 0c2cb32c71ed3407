package secure

import (
	"io"
	"net"
	"time"

	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
)

// wire is a conn as its tls.Conn sees it: the inner stream.
//
// During the handshake it is called by the handshake's goroutine, without
// conn.mu, and may wait; after it by whoever holds conn.mu, and must not.
type wire conn

// emptyError is what tells a tls.Conn that there is nothing to read now.
// crypto/tls keeps other errors for ever, but not a temporary one.
type emptyError struct{}

func (emptyError) Error() string   { return "secure: nothing to read now" }
func (emptyError) Timeout() bool   { return true }
func (emptyError) Temporary() bool { return true }

var errEmpty net.Error = emptyError{}

// errFlood ends a stream whose peer makes us answer and takes no answers, or
// sends nothing but what is not content.
const errFlood = transport.ErrReset

const (
	// pieceLimit is how much ciphertext is received at a time, at most.
	pieceLimit = 16 << 10

	// barrenLimit is how much may come without any plaintext in it. A record
	// that is not complete, and a piece, come to 35 KB. crypto/tls keeps up to
	// 64 KB of a message that is not complete, and before Go 1.26 takes
	// KeyUpdate (RFC 8446 section 4.6.3) without end, 27 bytes each.
	barrenLimit = 40 << 10

	// takeLimit is how much is received in one Receive beyond what was asked
	// for: a client whose records are all but empty must not keep a worker.
	takeLimit = 64 << 10
)

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	c := (*conn)(w)
	if c.over != nil {
		return c.over.Read(p)
	}
	// Written before the goroutine begins and by it alone after that, so that
	// the goroutine may look without the lock.
	if c.shake == nil || !c.shake.alone {
		if c.barren > barrenLimit {
			return 0, errFlood
		}
		n, err := c.read(p[:min(len(p), pieceLimit)])
		c.barren += n
		return n, err
	}
	h := c.shake
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if c.state != stateShake {
			return 0, net.ErrClosed
		}
		n, err := c.read(p)
		if err != errEmpty {
			return n, err
		}
		h.since = time.Now().UnixNano()
		h.change.Wait()
		h.since = 0
	}
}

// Write implements net.Conn. It takes all of p.
func (w *wire) Write(p []byte) (int, error) {
	c := (*conn)(w)
	if c.over != nil {
		return c.over.Write(p)
	}
	if c.shake == nil || !c.shake.alone {
		if c.put(p) < len(p) {
			return 0, errFlood
		}
		return len(p), nil
	}
	h := c.shake
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := 0; ; {
		if c.state != stateShake && c.state != stateFailed {
			return n, net.ErrClosed
		}
		n += c.put(p[n:])
		c.flush()
		if c.sendErr != nil {
			return n, c.sendErr
		}
		if n == len(p) {
			return n, nil
		}
		if c.state == stateFailed {
			return n, net.ErrClosed
		}
		h.since = time.Now().UnixNano()
		h.change.Wait()
		h.since = 0
	}
}

// Close implements net.Conn. crypto/tls calls it when the handshake's context
// ends, which is by our doing.
func (w *wire) Close() error {
	if w.over != nil {
		return w.over.Close()
	}
	return nil
}

// LocalAddr implements net.Conn, for the callbacks of a tls.Config.
func (w *wire) LocalAddr() net.Addr {
	if w.over != nil {
		return w.over.LocalAddr()
	}
	return netconn.Addr((*conn)(w).b.Local(w.name))
}

// RemoteAddr implements net.Conn, for the callbacks of a tls.Config.
func (w *wire) RemoteAddr() net.Addr {
	if w.over != nil {
		return w.over.RemoteAddr()
	}
	return netconn.Addr((*conn)(w).b.Remote(w.name))
}

// SetDeadline implements net.Conn. The deadlines are the engine's, until the
// stream is given away.
func (w *wire) SetDeadline(t time.Time) error {
	if w.over != nil {
		return w.over.SetDeadline(t)
	}
	return nil
}

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(t time.Time) error {
	if w.over != nil {
		return w.over.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.over != nil {
		return w.over.SetWriteDeadline(t)
	}
	return nil
}

// read gives ciphertext: what was received before the handshake began, then
// what the inner stream has.
func (c *conn) read(p []byte) (int, error) {
	if len(c.in) > 0 {
		n := copy(p, c.in)
		if c.in = c.in[n:]; len(c.in) == 0 {
			c.in = nil
		}
		return n, nil
	}
	return c.fetch(p)
}

// fetch receives from the inner stream. It fails with errEmpty, io.EOF, and
// the inner stream's errors.
func (c *conn) fetch(p []byte) (int, error) {
	if c.empty && c.reads.Load() == c.emptyAt && !c.hangup.Load() {
		return 0, errEmpty // as is known without asking
	}
	at := c.reads.Load()
	view, err := c.b.inner.Receive(c.inner, p)
	n := len(view)
	if n > 0 {
		if &view[0] != &p[0] {
			copy(p, view)
		}
		c.b.inner.Consume(c.inner, n)
	}
	c.empty, c.emptyAt = err == transport.ErrWouldBlock || err == nil && n < len(p), at
	switch {
	case n > 0 || err == nil:
		return n, nil
	case err == transport.ErrWouldBlock:
		return 0, errEmpty
	case err == transport.EOF:
		return 0, io.EOF
	}
	return 0, err
}

// put appends to what is to be sent, as far as there is room, and returns how
// much.
func (c *conn) put(p []byte) int {
	if c.out == nil {
		c.out = c.b.blocks.get()
	}
	x := c.out
	n := copy(x.buf[x.to:], p)
	x.to += n
	return n
}

// flush sends what is to be sent. It leaves c.out nil when all of it was
// taken, and after that ends our bytes if that is wanted.
func (c *conn) flush() {
	for x := c.out; x != nil && c.sendErr == nil; {
		if x.at == x.to {
			c.drop()
			break
		}
		rooms := c.rooms.Load()
		x.vec[0] = x.buf[x.at:x.to]
		n, err := c.b.inner.Send(c.inner, x.vec[:])
		x.vec[0] = nil
		x.at += n
		switch {
		case err == nil && x.at == x.to:
		case err == nil || err == transport.ErrWouldBlock:
			// Whoever waits on the lane counts first and then looks at blocked.
			// So if the count has changed, the event was perhaps not acted on.
			c.blocked.Store(true)
			if c.rooms.Load() == rooms {
				return
			}
		default:
			c.sendErr = err
			c.drop()
		}
	}
	handshaken := c.state == stateOpen || c.state == stateFailed
	if c.out == nil && c.ended && handshaken && !c.finished && c.sendErr == nil {
		c.finished = true
		if err := c.b.inner.CloseWrite(c.inner); err != nil {
			c.sendErr = err
		}
	}
}
