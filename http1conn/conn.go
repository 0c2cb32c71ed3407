package http1conn

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
)

// Config is what connections are made with. It is not changed while in use.
type Config struct {
	// Parser has the limits and the fields to keep. It is shared by all
	// connections.
	Parser *http1.Parser

	// In holds a request's head, what of it must be kept, and content as it
	// comes; Out holds a response's head, which must fit, and content until it
	// is sent. At least MinBuffer bytes each, In at most http1.MaxHeadBuffer.
	// Their contents are lost.
	In, Out []byte

	// Date, if it is not nil, gives the 29 bytes of the Date field, valid
	// until it is called again, or nothing if the time is not known (RFC 9110
	// section 6.6.1).
	Date func() []byte

	// KeepAll, if it is not nil, says whether all fields of a request are to be
	// kept whose line is complete; it is asked if the parser's Ask is set.
	KeepAll func(h *http1.Head, b []byte) bool

	// Errors, if it is not nil, adds fields to an answer that CompleteErr or
	// Fail gives. If it fails, the answer does without.
	Errors func(c *Conn) error
}

// MinBuffer is the least size of a buffer, in bytes.
const MinBuffer = 256

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of a connection beside those of package http1.
const (
	_            Error = iota
	ErrBuffer          // a buffer is smaller than MinBuffer, or larger than can be addressed
	ErrHeadFull        // the head of the response does not fit into Out
	ErrTruncated       // the stream has ended within a request
	numErrors
)

var errorTexts = [numErrors]string{
	ErrBuffer:    "http1conn: buffer size out of bounds",
	ErrHeadFull:  "http1conn: response head does not fit into the output buffer",
	ErrTruncated: "http1conn: stream ended within a request",
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "http1conn: unknown error"
}

// Status is what to answer: 400 for a request that is cut off, else 500.
func (e Error) Status() int {
	if e == ErrTruncated {
		return 400
	}
	return 500
}

// Conn is a connection. It is used by one goroutine at a time. What every request
// needs comes first, so that it is in few lines of the cache.
type Conn struct {
	rw     io.ReadWriter
	parser *http1.Parser
	date   func() []byte

	// in[at:] begins with the head of the request; in[pos:end] are bytes that
	// were received and are not used yet.
	in           []byte
	at, pos, end int

	// out[:start] are whole responses and interim ones, out[start:] belongs to
	// the response at hand, as long as its head is not complete. out[first:] is
	// all of that response, also after; first is 0 if some of it was sent.
	out   []byte
	first int
	start int

	state     http1.State
	continued bool // 100 was sent, or is not needed
	touched   bool // the parser has looked at bytes of the request to come, else head is that of one before
	closing   bool // the owner wants no further request
	eof       bool
	headDone  bool // the head of the response is complete
	trailing  bool // the last chunk was staged
	announced bool // Connection: close was put into the head after all

	headEnd int // where the head of the response ends in out, 0 if it is not there
	resp    http1.Response
	bytes   int64  // content of the response
	drained int    // content that was read and thrown away
	err     error  // of reading the stream, or of the request; the first one stays
	werr    error  // of writing the stream
	piece   []byte // of the content, a view of in that was not read yet
	body    http1.Body

	ending http1.Ending // with the date that was last given
	head   http1.Head
	repeat http1.Repeat // what head was parsed from, maybe on another stream

	limits http1.Limits // of the request at hand

	// What Whole has found out about the content, without using it.
	probe  http1.Body
	probed int

	saved  saved // scratch of Save and Load
	errors func(c *Conn) error
	all    func(h *http1.Head, b []byte) bool
}

// New makes a connection without a stream: see Reset. It keeps the buffers of
// c, which are its own from now on.
func New(c Config) (*Conn, error) {
	n := new(Conn)
	if err := n.Init(c); err != nil {
		return nil, err
	}
	return n, nil
}

// Init is New for a Conn that is part of something else.
func (c *Conn) Init(cfg Config) error {
	if len(cfg.In) < MinBuffer || len(cfg.In) > http1.MaxHeadBuffer || len(cfg.Out) < MinBuffer {
		return ErrBuffer
	}
	if err := cfg.Parser.Validate(); err != nil {
		return err
	}
	*c = Conn{parser: cfg.Parser, date: cfg.Date, errors: cfg.Errors, all: cfg.KeepAll, in: cfg.In, out: cfg.Out[:0:len(cfg.Out)]}
	return nil
}

// Reset begins a new connection over rw, which the Conn does not close.
func (c *Conn) Reset(rw io.ReadWriter) {
	c.rw = rw
	c.at, c.pos, c.end = 0, 0, 0
	c.piece = nil
	c.out = c.out[:0]
	c.first, c.start, c.headEnd, c.bytes, c.drained = 0, 0, 0, 0, 0
	c.headDone, c.trailing, c.announced = false, false, false
	c.resp, c.body, c.probe, c.probed = http1.Response{}, http1.Body{}, http1.Body{}, 0
	c.state = http1.StateIdle
	c.touched, c.continued, c.closing, c.eof = false, false, false, false
	c.err, c.werr = nil, nil
}

// State is where the connection is in its life.
func (c *Conn) State() http1.State { return c.state }

// Err is the error that has made further requests impossible, if any.
func (c *Conn) Err() error {
	if c.err == nil {
		return c.werr
	}
	return c.err
}

// advance moves the state, or fails and leaves it.
func (c *Conn) advance(ev http1.Event) error {
	next, ok := c.state.Next(ev)
	if !ok {
		return http1.ErrState
	}
	c.state = next
	return nil
}

// fail keeps the first error.
func (c *Conn) fail(err error) error {
	if c.err == nil {
		c.err = err
	}
	return c.err
}

// SetClosing says that no further request is wanted: the response will carry
// Connection: close.
func (c *Conn) SetClosing() { c.closing = true }

// NeedsClose reports whether the connection must end after what was done so
// far: the peer or the program wants it, an error makes it necessary, or the
// request's content was not read to its end.
func (c *Conn) NeedsClose() bool {
	switch c.state {
	case http1.StateIdle:
		return c.eof || c.Err() != nil
	case http1.StateComplete:
		// What follows a change of protocol is not a request.
		return !c.KeepAlive() || c.resp.Tunnel()
	}
	return true
}

// KeepAlive reports whether the connection may persist after the response,
// as far as peer and program are concerned.
func (c *Conn) KeepAlive() bool { return c.resp.KeepAlive() && !c.announced && c.Err() == nil }

// DrainLimit is how much content that nobody has read is read for the sake of
// the connection, in bytes.
const DrainLimit = 64 << 10

// Drains reports whether the content that is left is worth reading after the
// response: it is little, as far as that is known, and the connection may
// persist.
func (c *Conn) Drains() bool {
	n, known := c.body.Remaining()
	if !known {
		n = 0
	}
	return n <= DrainLimit && c.drained <= DrainLimit && c.KeepAlive()
}

// EOF reports whether the stream has ended, as far as that is known.
func (c *Conn) EOF() bool { return c.eof }

// Finished reports whether the response is complete.
func (c *Conn) Finished() bool {
	switch c.state {
	case http1.StateComplete, http1.StateDrain, http1.StateLinger:
		return true
	}
	return false
}

// Resting reports whether nothing is here of a request: a connection in this
// state need not be saved.
func (c *Conn) Resting() bool {
	switch c.state {
	case http1.StateIdle:
		return c.at == c.end && !c.touched
	case http1.StateComplete:
		return c.pos == c.end
	}
	return false
}

// Unbind takes the stream back, and what was received of it but not used,
// valid until the Conn is used again. It may be called between requests
// (Idle, Complete) and after a response that changes the protocol: 101, or a
// 2xx to CONNECT (RFC 9110 section 7.8). What was staged has been sent.
func (c *Conn) Unbind() (rw io.ReadWriter, rest []byte, err error) {
	if c.state == http1.StateComplete && c.resp.Tunnel() {
		c.advance(http1.EventUpgrade)
	}
	switch c.state {
	case http1.StateIdle, http1.StateComplete, http1.StateUpgraded:
	default:
		return nil, nil, http1.ErrState
	}
	if c.rw == nil {
		return nil, nil, http1.ErrState
	}
	if err := c.Flush(); err != nil {
		return nil, nil, err
	}
	if c.state != http1.StateUpgraded {
		c.advance(http1.EventClose) // as far as HTTP is concerned
	}
	rw, c.rw = c.rw, nil
	return rw, c.in[c.pos:c.end], nil
}
