package http1conn

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/same"
)

// Space is where the next bytes of the stream are to be put. It is empty if
// the buffer is full with what must be kept.
func (c *Conn) Space() []byte {
	if c.state == http1.StateComplete && !c.NeedsClose() {
		c.next()
	}
	if c.end == len(c.in) {
		c.compact()
	}
	return c.in[c.end:]
}

// Feed says that n bytes were put into Space.
func (c *Conn) Feed(n int) { c.end += n }

// FeedEOF says that the stream has ended.
func (c *Conn) FeedEOF() { c.eof = true }

// Buffered is the number of bytes that were received and not used yet.
func (c *Conn) Buffered() int { return c.end - c.pos }

// compact moves what must be kept to the front of the buffer.
func (c *Conn) compact() {
	c.repeat.Forget()
	switch c.state {
	case http1.StateIdle, http1.StateHead:
		// All from the head's beginning on is the parser's.
		if !c.touched {
			c.head.Reset()
		}
		n := c.head.Compact(c.in[c.at:c.end])
		copy(c.in, c.in[c.at:c.at+n])
		c.at, c.pos, c.end = 0, 0, n
	case http1.StateBody, http1.StateRespond, http1.StateEarly, http1.StateContent, http1.StateDrain:
		// The head stays, since the handler looks at it; content moves behind
		// it. A piece that was not read yet is part of what moves.
		kept := c.head.Compact(c.in[c.at : c.at+c.head.Scanned()])
		copy(c.in, c.in[c.at:c.at+kept])
		from := c.pos - len(c.piece)
		n := copy(c.in[kept:], c.in[from:c.end])
		moved := from - kept
		if c.piece != nil {
			c.piece = c.in[kept : kept+len(c.piece)]
		}
		c.at = 0
		c.pos -= moved
		c.probed -= moved
		c.end = kept + n
	}
}

// Parse looks at the bytes that were fed. When it reports done, the request's
// head is complete and the state is Body, or Respond if there is no content.
// Otherwise more bytes are needed, or the request cannot be served: the error
// tells what to answer by its Status, and CompleteErr does so.
//
// It may be called in states Idle and Head, and, for the next request, in
// Complete.
func (c *Conn) Parse() (done bool, err error) {
	switch c.state {
	case http1.StateIdle, http1.StateHead:
	case http1.StateComplete:
		if c.NeedsClose() {
			return false, http1.ErrState
		}
		c.next()
	default:
		return false, http1.ErrState
	}
	if c.err != nil {
		return false, c.err
	}
	if c.at == c.end {
		return false, nil // quickly for the idle
	}
	if c.touched {
		done, err = c.parser.Parse(&c.head, c.in[c.at:c.end])
	} else {
		c.touched = true
		done, err = c.parser.ParseNext(&c.head, &c.repeat, c.in[c.at:c.end])
	}
	if c.head.Asks() {
		c.head.Answer(c.all != nil && c.all(&c.head, c.in[c.at:c.end]))
		done, err = c.parser.Parse(&c.head, c.in[c.at:c.end])
	}
	if c.state == http1.StateIdle && (done || err != nil || !c.head.Empty()) {
		c.advance(http1.EventHeadBegun)
	}
	if err != nil {
		c.advance(http1.EventError)
		return false, c.fail(err)
	}
	if !done {
		c.pos = c.end
		if c.end == len(c.in) {
			if c.compact(); c.end == len(c.in) {
				c.advance(http1.EventError)
				return false, c.fail(c.head.Overflow())
			}
		}
		return false, nil
	}
	c.advance(http1.EventHeadComplete)
	c.pos = c.at + c.head.Scanned()
	c.body = c.head.Body()
	if c.body.Done() {
		c.continued = true
		c.advance(http1.EventBodyComplete)
		c.begin()
		return true, nil
	}
	c.probe, c.probed = c.body, c.pos
	c.continued = !c.head.Expect100()
	c.limits = c.parser.Limits
	if limit := c.parser.Limits.Body; limit != 0 {
		if n, known := c.body.Remaining(); known && n > limit {
			c.advance(http1.EventError)
			return false, c.fail(http1.ErrContentLong)
		}
	}
	if whole, _ := c.Whole(); !whole || len(c.in)-c.pos < minContent {
		// What is kept of the head stays where it is from now on, since the
		// handler looks at it; content needs some room behind it.
		if c.compact(); len(c.in)-c.pos < minContent {
			c.advance(http1.EventError)
			return false, c.fail(http1.ErrHeadLong)
		}
	}
	c.begin()
	return true, nil
}

// LimitBody bounds the content of the request at hand to n bytes, if the
// parser's Limits do not bound it to less: reading more fails with
// http1.ErrContentLong. It is called before any is read, and again after Load.
func (c *Conn) LimitBody(n uint64) {
	if most := c.parser.Limits.Body; most == 0 || n < most {
		c.limits.Body = n
	}
}

// minContent is the least room for content behind a head, in bytes.
const minContent = 32

// next makes room for the next request.
func (c *Conn) next() {
	c.advance(http1.EventNext)
	c.touched = false
	c.piece = nil
	if c.at = c.pos; c.at == c.end {
		c.at, c.pos, c.end = 0, 0, 0
	}
}

// Partial reports whether part of a head is here.
func (c *Conn) Partial() bool { return c.state == http1.StateHead }

// Next waits for the next request. It returns io.EOF when the stream has
// ended between requests, and ErrTruncated when it has ended within one. It
// may be called in state Idle, and in Complete unless NeedsClose. What was
// staged is sent before it waits.
//
// An error of package http1 is the peer's: CompleteErr answers it.
func (c *Conn) Next() error {
	for {
		done, err := c.Parse()
		if done || err != nil {
			return err
		}
		if err = c.Flush(); err != nil {
			return err
		}
		if err = c.fill(); err != nil {
			if same.Error(err, io.EOF) && c.state == http1.StateHead {
				err = ErrTruncated
			}
			return err
		}
	}
}

// fill reads more from the stream.
func (c *Conn) fill() error {
	if c.err != nil {
		return c.err
	}
	if c.eof {
		return io.EOF
	}
	err := io.ErrNoProgress
	for range emptyReads {
		n, e := c.rw.Read(c.Space())
		c.end += n
		if n > 0 {
			return nil
		}
		if same.Error(e, io.EOF) {
			c.eof = true
			return e
		}
		if e != nil {
			err = e
			break
		}
	}
	return c.fail(err)
}

// emptyReads is how often a stream may read nothing without an error, as in
// package bufio.
const emptyReads = 100

// Head is the head of the request, in states from Body to Complete. Its
// methods that take a buffer are to be given Bytes.
func (c *Conn) Head() *http1.Head { return &c.head }

// Repeated reports whether the head of the request is to the byte that of the
// request before it on this Conn, whatever the stream of that: what follows from a
// head alone is the same then.
func (c *Conn) Repeated() bool { return c.repeat.Same() }

// Bytes is the buffer that the head's views lie in. What it gives is valid
// until more of the content is read, or the next request is parsed.
func (c *Conn) Bytes() []byte { return c.in[c.at:c.end] }

// Whole reports whether the request's content is here to its end, so that
// reading it will not wait. fits is false if the buffer cannot hold it all.
// It may be called in states Body and Respond, before content is read. An
// error is one that reading would find.
func (c *Conn) Whole() (whole, fits bool) {
	if c.state == http1.StateRespond {
		return true, true
	}
	if c.probed < c.pos {
		c.probe, c.probed = c.body, c.pos // content was read since
	}
	// No byte is looked at twice: probing goes on where it stood.
	for !c.probe.Done() {
		_, n, err := c.probe.Next(c.in[c.probed:c.end], &c.limits)
		if err != nil {
			return true, true // whoever reads it will find out, without waiting
		}
		c.probed += n
		if n == 0 && !c.probe.Done() {
			break
		}
	}
	if c.probe.Done() || c.eof {
		return true, true
	}
	room := len(c.in) - c.end
	if c.at > 0 {
		room += c.at
	}
	if n, known := c.probe.Remaining(); known {
		return false, n <= uint64(room)
	}
	return false, room > 0
}

// NextPiece returns the next piece of content, a view that is valid until the
// next call, and io.EOF after the last. It waits for the stream if it must,
// and asks a peer that expects it to go on (100, RFC 9110 section 10.1.1)
// before the first wait.
//
// An error of package http1 is the peer's. Any error but io.EOF is kept: no
// more can be read, and the connection must end.
func (c *Conn) NextPiece() ([]byte, error) {
	for {
		piece, err := c.TryPiece()
		if len(piece) > 0 || err != nil {
			return piece, err
		}
		if err = c.Continue(); err != nil {
			return nil, err
		}
		// The peer may wait for what was answered so far before it goes on.
		if err = c.Flush(); err != nil {
			return nil, err
		}
		if err = c.fill(); err != nil {
			if same.Error(err, io.EOF) {
				err = ErrTruncated
			}
			return nil, c.broken(err)
		}
	}
}

// TryPiece is NextPiece that does not wait: it returns no piece and no error
// when more bytes must be fed first.
func (c *Conn) TryPiece() ([]byte, error) {
	switch c.state {
	case http1.StateFault, http1.StateLast, http1.StateLinger, http1.StateUpgraded, http1.StateClosed:
		c.piece = nil
	}
	if p := c.piece; len(p) > 0 {
		c.piece = nil
		return p, nil
	}
	switch c.state {
	case http1.StateBody, http1.StateEarly, http1.StateDrain:
	case http1.StateRespond, http1.StateContent, http1.StateComplete:
		return nil, io.EOF
	case http1.StateFault, http1.StateLast, http1.StateLinger:
		return nil, c.fail(http1.ErrState)
	default:
		return nil, http1.ErrState
	}
	for {
		piece, n, err := c.body.Next(c.in[c.pos:c.end], &c.limits)
		if err != nil {
			return nil, c.broken(err)
		}
		c.pos += n
		if c.state == http1.StateDrain {
			c.drained += len(piece)
		}
		if c.body.Done() {
			c.advance(http1.EventBodyComplete)
			if len(piece) == 0 {
				return nil, io.EOF
			}
		}
		if len(piece) > 0 {
			// Who sends content does not wait to be told to (RFC 9110 section
			// 10.1.1), and need not be.
			c.continued = true
			return piece, nil
		}
		if n == 0 {
			if c.eof {
				return nil, c.broken(ErrTruncated)
			}
			return nil, nil
		}
	}
}

func (c *Conn) broken(err error) error {
	c.advance(http1.EventError)
	return c.fail(err)
}

// Read reads content, as an io.Reader does; see NextPiece.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	piece, err := c.NextPiece()
	if err != nil {
		return 0, err
	}
	n := copy(p, piece)
	if n < len(piece) {
		c.piece = piece[n:]
	}
	return n, nil
}

// Discard uses up what of the content has been fed, and reports whether that
// was all of it.
func (c *Conn) Discard() bool {
	for {
		piece, err := c.TryPiece()
		if same.Error(err, io.EOF) {
			return true
		}
		if err != nil || len(piece) == 0 {
			return false
		}
	}
}
