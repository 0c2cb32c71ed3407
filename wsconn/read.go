package wsconn

import (
	"io"

	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/ws"
)

// This file receives: messages for who reads, and control frames on the way.
// What is lower case wants the lock reading held.

// emptyReads is how often a stream may read nothing without an error, as in
// package bufio.
const emptyReads = 100

// Next waits for the next message, answering pings meanwhile, and returns
// whether it is text or binary. What was not read of the message before is
// skipped. The content is then read by Read or WriteTo; text is UTF-8 (RFC 6455
// section 8.1), whose last character may be cut off where a piece of it ends.
//
// It never returns io.EOF: the end of a connection is a *CloseError, or
// ErrAbnormal, or the error that the stream or the rules of the protocol have.
// That error is kept: reading returns it from then on. If the peer broke a
// rule, he was told so with its code (section 7.1.7), and the stream is to be
// closed.
func (c *Conn) Next() (ws.Opcode, error) {
	c.reading.Lock()
	op, err := c.next()
	c.reading.Unlock()
	return op, err
}

// Read reads content of the message that Next has found, as an io.Reader does:
// io.EOF comes at the end of the message. If the connection ends within it, the
// error says so and is never io.EOF; see Next. Before the first message it is
// ErrOrder.
func (c *Conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	n, err := c.read(p)
	c.reading.Unlock()
	return n, err
}

// WriteTo writes what is left of the message that Next has found to w, piece
// by piece as it comes, without another buffer; io.Copy calls it. It returns
// when the message is at its end, or when w fails, with the error of w.
// Meanwhile CloseWith in another goroutine waits.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	c.reading.Lock()
	n, err := c.writeTo(w)
	c.reading.Unlock()
	return n, err
}

// ReadMessage waits for the next message, as Next does, and reads it whole into
// dst up to its capacity; what was in dst is lost. msg is the part of dst that
// the message takes. A longer message fails the connection (1009) with
// ErrTooLong.
func (c *Conn) ReadMessage(dst []byte) (op ws.Opcode, msg []byte, err error) {
	c.reading.Lock()
	op, msg, err = c.readMessage(dst[:cap(dst)])
	c.reading.Unlock()
	return op, msg, err
}

func (c *Conn) readMessage(dst []byte) (ws.Opcode, []byte, error) {
	op, err := c.next()
	if err != nil {
		return 0, dst[:0], err
	}
	for n := 0; ; {
		var k int
		if n < len(dst) {
			k, err = c.read(dst[n:])
			n += k
		} else if k, err = c.read(c.scratch[:1]); k > 0 {
			err = c.fail(ErrTooLong)
		}
		if same.Error(err, io.EOF) {
			return op, dst[:n], nil
		}
		if err != nil {
			return 0, dst[:0], err
		}
	}
}

func (c *Conn) next() (ws.Opcode, error) {
	if err := c.skip(); err != nil {
		return 0, err
	}
	p, err := c.part()
	if err != nil {
		return 0, err
	}
	c.op, c.packed, c.done = p.Op, p.Compressed, false
	c.take(p)
	if c.packed {
		c.text, c.inflated = ws.UTF8{}, 0
		c.codec.Decompress(&c.payload)
	}
	return c.op, nil
}

// skip reads what is left of the message at hand. One that is compressed is
// inflated all the same: the next may refer to it (RFC 7692 section 7.2.3.2).
func (c *Conn) skip() error {
	for !c.done && c.fault == nil {
		var err error
		if c.packed {
			_, err = c.read(c.scratch[:])
		} else {
			_, err = c.more()
			c.piece = nil
		}
		if same.Error(err, io.EOF) {
			c.done = true
		} else if err != nil {
			return err
		}
	}
	return c.fault
}

// take begins or goes on with the message that p is a part of.
func (c *Conn) take(p ws.Part) {
	c.piece = p.Payload
	c.at = placeInside
	if p.Last {
		c.at = placeLast
	}
}

// read is Read.
func (c *Conn) read(p []byte) (int, error) {
	if !c.packed || c.done || c.sent.Load() {
		return c.readPayload(p)
	}
	if c.fault != nil || len(p) == 0 {
		return 0, c.fault
	}
	n, err := c.codec.Read(p)
	if c.fault != nil {
		return 0, c.fault // the payload ends here, and what comes of it with it
	}
	c.inflated += uint64(n)
	switch {
	case c.config.MaxMessage != 0 && c.inflated > c.config.MaxMessage:
		return 0, c.fail(ws.ErrInflatedTooBig)
	case c.op == ws.OpText && !c.text.Check(p[:n]):
		return 0, c.fail(ws.ErrUTF8)
	case err == nil:
		return n, nil
	case !same.Error(err, io.EOF):
		return 0, c.fail(err)
	case c.op == ws.OpText && !c.text.Whole():
		return 0, c.fail(ws.ErrUTF8)
	}
	// The codec may have seen the end of what is compressed before that of the
	// payload.
	for err = nil; err == nil; c.piece = nil {
		_, err = c.more()
	}
	if !same.Error(err, io.EOF) {
		return 0, err
	}
	c.done = true
	if n > 0 {
		return n, nil
	}
	return 0, io.EOF
}

// payload is the payload of the message at hand, for a codec.
type payload struct{ opaque.Pointer[Conn] }

// Read is readPayload.
func (r *payload) Read(p []byte) (int, error) { return r.Get().readPayload(p) }

// readPayload reads payload of the message at hand, io.EOF at its end.
func (c *Conn) readPayload(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, c.fault
	}
	if len(c.piece) == 0 && c.at == placeInside && c.pos == c.end && c.fault == nil && !c.sent.Load() {
		// What is longer than the buffer need not pass through it.
		if left := c.decoder.InFrame(); left >= uint64(len(c.in)) && len(p) >= len(c.in) {
			return c.readDirect(p[:min(left, uint64(len(p)))])
		}
	}
	piece, err := c.more()
	if err != nil {
		return 0, err
	}
	n := copy(p, piece)
	c.piece = piece[n:]
	return n, nil
}

// readDirect reads payload of the frame at hand from the stream to where it is
// wanted. There is no more of it than p takes.
func (c *Conn) readDirect(p []byte) (int, error) {
	n, err := c.receive(p)
	if err != nil {
		return 0, err
	}
	part, _, err := c.decoder.Next(p[:n], &c.rules)
	if err != nil {
		return 0, c.fail(err)
	}
	c.take(part)
	c.piece = nil
	return n, nil
}

// more is the rest of the piece at hand, or the next, and io.EOF at the end of
// the message. Who has used it sets piece to what is left of it.
func (c *Conn) more() ([]byte, error) {
	for {
		if c.fault != nil {
			return nil, c.fault
		}
		if c.sent.Load() {
			return nil, c.drain()
		}
		if len(c.piece) > 0 {
			return c.piece, nil
		}
		switch c.at {
		case placeBetween:
			return nil, ErrOrder
		case placeLast:
			// What a codec makes of the payload may go on.
			c.done = c.done || !c.packed
			return nil, io.EOF
		}
		p, err := c.part()
		if err != nil {
			return nil, err
		}
		c.take(p)
	}
}

// drain waits for the end: behind our close frame, what the peer has sent
// before he saw it is discarded (RFC 6455 section 1.4).
func (c *Conn) drain() error {
	c.piece = nil
	for c.fault == nil {
		if _, err := c.part(); err != nil {
			return err
		}
	}
	return c.fault
}

// part waits for the next part of a message, and sees to the control frames
// before it. There must be no fault yet.
func (c *Conn) part() (ws.Part, error) {
	for {
		p, n, err := c.decoder.Next(c.in[c.pos:c.end], &c.rules)
		c.pos += n
		if err != nil {
			return p, c.fail(err)
		}
		switch p.Kind {
		case ws.NeedMore:
			if err := c.fill(); err != nil {
				return p, err
			}
		case ws.Data:
			if !c.sent.Load() {
				return p, nil
			}
		case ws.Ping:
			if c.config.Ping != nil {
				c.config.Ping(p.Payload)
			}
			c.pong(p.Payload)
		case ws.Pong:
			if c.config.Pong != nil {
				c.config.Pong(p.Payload)
			}
		case ws.Close:
			return p, c.closeReceived(p)
		}
	}
}

// fill receives more behind what is there, of which there is less than a
// control frame.
func (c *Conn) fill() error {
	c.end = copy(c.in, c.in[c.pos:c.end])
	c.pos = 0
	n, err := c.receive(c.in[c.end:])
	c.end += n
	return err
}

// receive reads at least a byte of the stream, or fails for good.
func (c *Conn) receive(p []byte) (int, error) {
	err := io.ErrNoProgress
	for range emptyReads {
		n, e := c.rw.Read(p)
		if n > 0 {
			return n, nil // an error will come again
		}
		if same.Error(e, io.EOF) {
			e = ErrAbnormal
		}
		if e != nil {
			err = e
			break
		}
	}
	c.fault = err
	c.lost(err)
	return 0, err
}

// fail ends the connection because of err: the peer is told by the code of the
// error, ws.CodeInternalError if it has none (RFC 6455 section 7.1.7).
func (c *Conn) fail(err error) error {
	c.fault = err
	code := ws.CodeInternalError
	if e, ok := err.(interface{ Code() ws.Code }); ok {
		code = e.Code()
	}
	c.reject(err, code)
	return err
}

func (c *Conn) writeTo(w io.Writer) (total int64, err error) {
	for {
		var piece []byte
		if c.packed {
			var n int
			n, err = c.read(c.scratch[:])
			piece = c.scratch[:n]
		} else if piece, err = c.more(); err == nil {
			c.piece = nil
		}
		if same.Error(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(piece)
		total += int64(n)
		if err == nil && n < len(piece) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
}
