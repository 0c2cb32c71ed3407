package http1conn

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// This file writes content, and sends what is staged.

// Write sends content of the response. It is staged in Out as long as it fits
// there, and otherwise sent, waiting for the stream. Of a response without
// content (HEAD, 204, 304) it is counted and not sent.
func (c *Conn) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		room := cap(c.out) - len(c.out) - http1.ChunkOverhead
		if room < min(len(p), 64) {
			if !c.resp.Chunked() && len(p) >= cap(c.out) {
				k, err := c.writeThrough(p)
				return n + k, err
			}
			if err = c.Flush(); err != nil {
				return n, err
			}
			room = cap(c.out) - http1.ChunkOverhead
		}
		k := min(len(p), room)
		out, err := c.resp.AppendContent(c.out, p[:k])
		if err != nil {
			return n, err
		}
		c.out = out
		c.start = len(out)
		c.bytes += int64(k)
		n += k
		p = p[k:]
	}
	return n, nil
}

// WriteString is Write for a string.
func (c *Conn) WriteString(s string) error {
	// The bytes of a string may be looked at, which is all that Write does.
	_, err := c.Write(ascii.Bytes(s))
	return err
}

// writeThrough sends unframed content without copying it.
func (c *Conn) writeThrough(p []byte) (int, error) {
	if err := c.Content(len(p)); err != nil {
		return 0, err
	}
	if err := c.Flush(); err != nil {
		return 0, err
	}
	if !c.resp.HasBody() {
		return len(p), nil
	}
	return c.send(p)
}

// Content counts n bytes of unframed content that the caller sends itself,
// after what is staged.
func (c *Conn) Content(n int) error {
	if err := c.resp.Content(uint64(n)); err != nil {
		return err
	}
	c.bytes += int64(n)
	return nil
}

// Room is where content of the response may be put without a copy, if it is
// not sent in chunks; Put then says how much was. It is valid until the Conn is
// used again, and at least half of Out: what is staged is sent before if need
// be.
func (c *Conn) Room() ([]byte, error) {
	if !c.headDone || c.resp.Chunked() {
		return nil, http1.ErrState
	}
	if len(c.out) > cap(c.out)/2 {
		if err := c.Flush(); err != nil {
			return nil, err
		}
	}
	return c.out[len(c.out):cap(c.out)], nil
}

// Put says that n bytes of content were put into Room. It must not be called
// for a response without content (HasBody).
func (c *Conn) Put(n int) error {
	if err := c.Content(n); err != nil {
		return err
	}
	c.out = c.out[:len(c.out)+n]
	c.start = len(c.out)
	return nil
}

// HasBody reports whether content of the response is sent at all.
func (c *Conn) HasBody() bool { return c.resp.HasBody() }

// Trailer stages a field behind chunked content, after which no content may
// come.
func (c *Conn) Trailer(name, value string) error {
	if !c.trailing {
		if err := c.spill(http1.MaxFinishSize); err != nil {
			return err
		}
		out, err := c.resp.AppendLastChunk(c.out)
		if err != nil {
			return err
		}
		c.out = out
		c.start = len(out)
		c.trailing = true
	}
	if err := c.spill(http1.FieldOverhead + len(name) + len(value)); err != nil {
		return err
	}
	out, err := c.resp.AppendTrailer(c.out, name, value)
	c.out = out
	c.start = len(out)
	return err
}

// spill makes room for n bytes behind the head.
func (c *Conn) spill(n int) error {
	if cap(c.out)-len(c.out) < n {
		if err := c.Flush(); err != nil {
			return err
		}
	}
	if cap(c.out)-len(c.out) < n {
		return ErrHeadFull
	}
	return nil
}

// Staged is what waits in Out to be sent, valid until the Conn is used again.
// A driver that sends it itself then calls Unstage.
func (c *Conn) Staged() []byte { return c.out }

// Unstage says that what was staged is sent.
func (c *Conn) Unstage() {
	c.out = c.out[:0]
	c.first, c.start, c.headEnd = 0, 0, 0
}

// Cut gives up the response at hand, which cannot be completed, and takes back
// what is staged of it. It reports whether answers to earlier requests are
// staged: they are of use, and should be sent before the connection ends, of
// which nothing else is then missing but an answer. If it reports false, some
// of the response at hand may have been sent, and the stream should be aborted.
//
// Nothing but Staged, Unstage and Reset may follow.
func (c *Conn) Cut() bool {
	c.out = c.out[:c.first]
	c.start, c.headEnd = c.first, 0
	return c.first > 0
}

// AnnounceClose puts Connection: close into the head of a response that was
// to leave the connection open, as long as the head is staged, so that the
// peer need not find out (RFC 9112 section 9.6). It does nothing if the head
// has left, or there is no room.
func (c *Conn) AnnounceClose() {
	const field = "Connection: close\r\n"
	if c.headEnd == 0 || !c.KeepAlive() || c.head.Version() == http1.Version10 || cap(c.out)-len(c.out) < len(field) {
		return
	}
	at := c.headEnd - len("\r\n")
	c.out = c.out[:len(c.out)+len(field)]
	copy(c.out[at+len(field):], c.out[at:])
	copy(c.out[at:], field)
	c.headEnd += len(field)
	c.start = len(c.out)
	c.announced = true
}

// Flush sends what is staged, waiting for the stream. The head of a response
// that is not complete stays.
func (c *Conn) Flush() error {
	if c.start < len(c.out) && c.headDone {
		c.start = len(c.out)
	}
	if c.start == 0 {
		return nil
	}
	return c.sendStaged()
}

// sendStaged sends out[:start]. If that fails midway, what was sent is gone from
// out all the same: whoever sends the rest by other means must not repeat it.
func (c *Conn) sendStaged() error {
	n, err := c.send(c.out[:c.start])
	if n > 0 {
		c.out = c.out[:copy(c.out, c.out[n:])]
		c.first, c.start, c.headEnd = max(c.first-n, 0), c.start-n, 0
	}
	return err
}

func (c *Conn) send(p []byte) (n int, err error) {
	if c.werr != nil {
		return 0, c.werr
	}
	n, err = c.rw.Write(p)
	n = min(max(n, 0), len(p))
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	c.werr = err
	return n, err
}

// Sent is the number of bytes of content in the response so far, none if it
// has no content to send.
func (c *Conn) Sent() int64 {
	if !c.resp.HasBody() {
		return 0
	}
	return c.bytes
}
