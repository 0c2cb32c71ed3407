package secure

import (
	"io"

	"github.com/bobtail-go/bobtail/transport"
)

// Receive implements transport.Backend.
//
// EOF is close_notify, or the end of the TCP stream between two records. RFC
// 8446 section 6.1 has the latter count as truncation unless the protocol
// above says how long its messages are; HTTP/1.1 does, for requests always,
// and crypto/tls takes it for an end too. An end inside of a record is
// ErrReset. A handshake that fails gives EOF: the client has sent nothing, and
// closing in order lets our alert reach it.
func (b *Backend) Receive(s transport.Stream, buf []byte) ([]byte, error) {
	if s >= 0 {
		return b.inner.Receive(s, buf)
	}
	c := b.table.get(s)
	if c == nil {
		return nil, transport.ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving {
		return nil, transport.ErrClosed
	}
	switch c.state {
	case stateHello, stateQueued, stateShake:
		c.flush()
		c.greet()
		if c.state != stateFailed {
			return nil, transport.ErrWouldBlock
		}
		return nil, c.readErr
	case stateFailed:
		return nil, c.readErr
	}
	if b.holds > 0 {
		return c.receiveHeld(buf)
	}
	n := c.decrypt(buf)
	switch {
	case n > 0:
		return buf[:n], nil
	case c.readErr != nil:
		return nil, c.readErr
	case len(buf) == 0:
		return nil, nil
	}
	return nil, transport.ErrWouldBlock
}

// decrypt fills buf as far as there is plaintext, so that coming up short
// means that there is none.
func (c *conn) decrypt(buf []byte) (n int) {
	if c.readErr != nil {
		return 0
	}
	for taken := 0; n < len(buf) && c.readErr == nil; {
		if taken > takeLimit+len(buf) {
			c.tell(transport.Readable) // coming up short says that all was taken
			break
		}
		k, err := c.tls.Read(buf[n:])
		n += k
		if k > 0 {
			taken += c.barren
			c.barren = 0
		}
		switch {
		case err == nil:
		case err == errEmpty:
			c.answer()
			return n
		case err == io.EOF:
			c.readErr = transport.EOF
		default:
			c.readErr = transport.ErrReset // with an alert, which is sent if there is time
		}
	}
	if c.readErr != nil {
		// It may have come in one breath with the bytes before it. Then the
		// caller takes the stream for empty, and no event of the inner one will
		// say otherwise: close_notify is no end there.
		c.tell(transport.Readable | transport.Hangup)
	}
	c.answer()
	return n
}

// answer sends what reading has led to: alerts, and answers to KeyUpdate (RFC
// 8446 section 4.6.3).
func (c *conn) answer() {
	if c.out == nil {
		return
	}
	if c.flush(); c.out == nil && c.wantsRoom {
		c.wantsRoom = false
		c.tell(transport.Writable)
	}
}

// receiveHeld is Receive in a backend that holds bytes: the plaintext is held
// here, and given again until it is consumed.
func (c *conn) receiveHeld(buf []byte) ([]byte, error) {
	if c.hold == nil {
		c.hold = make([]byte, 0, c.b.holds)
	}
	h := c.hold
	c.hold = h[:len(h)+c.decrypt(h[len(h):cap(h)])]
	c.more = len(c.hold) == cap(c.hold)
	switch {
	case len(buf) == 0:
		return nil, nil
	case len(c.hold) > 0:
		n := min(len(buf), len(c.hold))
		return c.hold[:n:n], nil
	}
	c.hold = nil
	if c.readErr != nil {
		return nil, c.readErr
	}
	return nil, transport.ErrWouldBlock
}

// Consume implements transport.Backend.
func (b *Backend) Consume(s transport.Stream, n int) {
	if s >= 0 {
		b.inner.Consume(s, n)
		return
	}
	if b.holds == 0 || n == 0 {
		return
	}
	c := b.table.get(s)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > len(c.hold) {
		return // it was closed meanwhile
	}
	c.hold = c.hold[:copy(c.hold, c.hold[n:])]
	if c.more {
		// There is room for what did not fit, of which no event tells.
		c.more = false
		c.tell(transport.Readable)
	} else if len(c.hold) == 0 {
		c.hold = nil
	}
}

// Send implements transport.Backend. While ciphertext waits for room, no
// plaintext is taken: so the peer that takes nothing costs one block. Before
// the handshake is complete, earlyLimit bytes are taken, and sent after it.
func (b *Backend) Send(s transport.Stream, bufs [][]byte) (int, error) {
	if s >= 0 {
		return b.inner.Send(s, bufs)
	}
	c := b.table.get(s)
	if c == nil {
		return 0, transport.ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	for _, p := range bufs {
		total += len(p)
	}
	switch {
	case c.leaving || c.ended:
		return 0, transport.ErrClosed
	case c.sendErr != nil:
		return 0, c.sendErr
	case c.state == stateFailed:
		return 0, transport.ErrReset
	case total == 0:
		return 0, nil
	case c.state != stateOpen:
		return c.early(bufs, total)
	}
	c.flush()
	sent, skip := 0, 0
	for sent < total && c.out == nil && c.sendErr == nil {
		var n int
		n, bufs, skip = c.encrypt(bufs, skip)
		sent += n
		c.flush()
	}
	switch {
	case c.sendErr != nil:
		return 0, c.sendErr
	case sent < total:
		c.wantsRoom = true
		if sent == 0 {
			return 0, transport.ErrWouldBlock
		}
	}
	return sent, nil
}

// encrypt takes up to most bytes from the slices, of whose first one skip are
// taken already, as one record if crypto/tls thinks so too. It returns their
// number and what is left. Short slices are put together, so that a head and
// its content are one record.
func (c *conn) encrypt(bufs [][]byte, skip int) (n int, rest [][]byte, restSkip int) {
	for len(bufs[0]) == skip {
		bufs, skip = bufs[1:], 0
	}
	if p := bufs[0][skip:]; len(p) >= most || len(bufs) == 1 {
		p = p[:min(len(p), most)]
		c.write(p)
		return len(p), bufs, skip + len(p)
	}
	g := c.b.blocks.get()
	for len(bufs) > 0 && n < most {
		k := copy(g.buf[n:most], bufs[0][skip:])
		n += k
		if skip += k; skip == len(bufs[0]) {
			bufs, skip = bufs[1:], 0
		}
	}
	c.write(g.buf[:n])
	c.b.blocks.put(g)
	return n, bufs, skip
}

func (c *conn) write(p []byte) {
	if _, err := c.tls.Write(p); err != nil {
		c.sendErr = transport.ErrReset
		c.drop()
	}
}

// SendFile implements transport.FileSender. Files of secure streams have to be
// encrypted, so it fails with ErrNotSupported for those.
func (b *Backend) SendFile(s transport.Stream, head []byte, fd uintptr, off int64, n int) (int, error) {
	if f, ok := b.inner.(transport.FileSender); ok && s >= 0 {
		return f.SendFile(s, head, fd, off, n)
	}
	return 0, transport.ErrNotSupported
}
