package http1conn

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// This file stages a response: interim ones, the head, the end.

// Field is a field of a response.
type Field struct{ Name, Value string }

// begin makes the response ready.
func (c *Conn) begin() {
	c.first, c.start = len(c.out), len(c.out)
	c.bytes, c.drained = 0, 0
	c.headDone, c.headEnd, c.trailing = false, 0, false
	c.announced = false
	// A peer that waits to be told to send the content, and hears the answer
	// instead, may send it all the same or not; nobody knows, so the
	// connection ends (RFC 9110 section 10.1.1). One that has sent its last
	// byte has no further request, but for those that are here.
	keep := !c.closing && c.Err() == nil && !(c.eof && c.pos == c.end) && !c.Expects() &&
		c.state != http1.StateFault && c.head.KeepAlive()
	c.resp.Init(c.head.Method(), c.head.Version(), keep)
}

// Initiate begins the response with its whole head: status, fields, and the
// end of the head. reason "" is the standard one. If fields name no
// Content-Length, the content is sent in chunks, or ends with the connection
// for a peer that speaks HTTP/1.0. It may be called when Status may.
func (c *Conn) Initiate(code int, reason string, fields ...Field) error {
	if err := c.Status(code, reason); err != nil {
		return err
	}
	for _, f := range fields {
		if err := c.Field(f.Name, f.Value); err != nil {
			c.Rollback()
			return err
		}
	}
	if err := c.EndHead(); err != nil {
		c.Rollback()
		return err
	}
	return nil
}

// Status stages the status line of the response. It may be called once a
// request's head is complete, also while content is still coming (Body,
// Respond), and after a broken request (Fault).
func (c *Conn) Status(code int, reason string) error {
	next, ok := c.state.Next(http1.EventResponseBegun)
	if !ok {
		return http1.ErrState
	}
	c.begin() // whether the connection persists is known now
	if err := c.room(http1.StatusOverhead + len(reason) + 40); err != nil {
		return err
	}
	out, err := c.resp.AppendStatus(c.out, code, reason)
	if err != nil {
		return err
	}
	c.out = out
	c.state = next
	return nil
}

// Field stages a field of the response's head; http1.Response.AppendField
// says what it refuses.
func (c *Conn) Field(name, value string) error { return c.FieldBytes(name, ascii.Bytes(value)) }

// inHead reports whether the head of the response is being staged.
func (c *Conn) inHead() bool {
	switch c.state {
	case http1.StateEarly, http1.StateContent, http1.StateLast:
		return !c.headDone
	}
	return false
}

// FieldBytes is Field with a value in bytes.
func (c *Conn) FieldBytes(name string, value []byte) error {
	if !c.inHead() {
		return http1.ErrState
	}
	return c.field(name, value)
}

func (c *Conn) field(name string, value []byte) error {
	if err := c.room(http1.FieldOverhead + len(name) + len(value)); err != nil {
		return err
	}
	out, err := c.resp.AppendFieldBytes(c.out, name, value)
	c.out = out
	return err
}

// Length declares the length of the content.
func (c *Conn) Length(n uint64) error {
	if !c.inHead() {
		return http1.ErrState
	}
	if err := c.room(http1.MaxLengthSize); err != nil {
		return err
	}
	out, err := c.resp.AppendLength(c.out, n)
	c.out = out
	return err
}

// Unframed says that the content ends with the connection, whatever the
// version: see http1.Response.Unframed.
func (c *Conn) Unframed() error {
	if !c.inHead() {
		return http1.ErrState
	}
	return c.resp.Unframed()
}

// EndHead stages the end of the head. It may leave in Out until Flush, or
// until Out is full.
func (c *Conn) EndHead() error {
	if !c.inHead() {
		return http1.ErrState
	}
	if err := c.room(http1.MaxEndSize); err != nil {
		return err
	}
	out, err := c.resp.AppendEnd(c.out, c.now())
	c.out = out
	if err == nil {
		c.start = len(c.out)
		c.headDone, c.headEnd = true, len(c.out)
	}
	return err
}

// now is the value of the Date field, nil if the time is not known.
func (c *Conn) now() []byte {
	if c.date != nil {
		if date := c.date(); len(date) > 0 {
			return date
		}
	}
	return nil
}

// End completes a response whose head has begun, and whose content is parts, one
// after the other: it is Length, EndHead, Write and Complete in one, and what
// most responses end with.
func (c *Conn) End(parts ...string) error {
	n := 0
	for _, s := range parts {
		n += len(s)
	}
	if c.state == http1.StateContent && !c.headDone && c.ending.Set(c.now()) {
		if out, ok := c.resp.AppendRest(c.out, &c.ending, parts...); ok {
			c.out = out
			c.start = len(out)
			c.headDone, c.headEnd = true, len(out)-n
			c.bytes = int64(n)
			return c.advance(http1.EventResponseComplete)
		}
	}
	if err := c.Length(uint64(n)); err != nil {
		return err
	}
	if err := c.EndHead(); err != nil {
		return err
	}
	for _, s := range parts {
		if err := c.WriteString(s); err != nil {
			return err
		}
	}
	return c.Complete()
}

// Rollback takes back what was staged of the response, if nothing of its head
// has been sent, so that another can be staged. It reports whether it could.
func (c *Conn) Rollback() bool {
	if c.headDone {
		return false
	}
	c.out = c.out[:c.start]
	switch c.state {
	case http1.StateEarly:
		c.state = http1.StateBody
	case http1.StateContent:
		c.state = http1.StateRespond
	case http1.StateLast:
		c.state = http1.StateFault
	}
	c.begin()
	return true
}

// room makes room for n bytes of the head in Out.
func (c *Conn) room(n int) error {
	if cap(c.out)-len(c.out) >= n {
		return nil
	}
	return c.makeRoom(n)
}

func (c *Conn) makeRoom(n int) error {
	// What is whole goes out first, and the head begun moves to the front.
	if c.start > 0 {
		if err := c.sendStaged(); err != nil {
			return err
		}
	}
	if cap(c.out)-len(c.out) < n {
		return ErrHeadFull
	}
	return nil
}

// Complete ends the response. If none was begun, it is an empty 200. Content
// of the request that was not read is used up as far as it is here; if that
// is not all, NeedsClose says so.
//
// The response may still be in Out: Flush or Next sends it.
func (c *Conn) Complete() error {
	switch c.state {
	case http1.StateFault:
		// Whoever was to answer has not seen, or not minded, that the request
		// is broken.
		return c.CompleteErr(c.err)
	case http1.StateBody, http1.StateRespond:
		if err := c.Status(200, ""); err != nil {
			return err
		}
		if err := c.Length(0); err != nil {
			return err
		}
		if err := c.EndHead(); err != nil {
			return err
		}
	}
	if !c.headDone {
		if err := c.EndHead(); err != nil {
			return err
		}
	}
	if err := c.spill(http1.MaxFinishSize); err != nil {
		return err
	}
	out, err := c.resp.AppendFinish(c.out)
	if err != nil {
		return err
	}
	c.out = out
	c.start = len(out)
	if err := c.advance(http1.EventResponseComplete); err != nil {
		return err
	}
	if c.state == http1.StateDrain {
		c.Discard()
	}
	return nil
}

// CompleteErr ends a request that cannot be served: with the status of err if
// it has one (as those of package http1), else 500, a text of one line, and
// Connection: close. If the head of a response is out already, nothing can be
// said any more: it returns err, and the stream should be aborted.
func (c *Conn) CompleteErr(err error) error {
	code := 500
	if s, ok := err.(interface{ Status() int }); ok && s.Status() >= 400 && s.Status() <= 599 {
		code = s.Status()
	}
	return c.Fail(code, err)
}

// Fail is CompleteErr with a status of the caller's. It may also be called
// when only part of a head is here.
func (c *Conn) Fail(code int, err error) error {
	switch c.state {
	case http1.StateEarly, http1.StateContent, http1.StateLast:
		if !c.Rollback() {
			if err == nil {
				err = http1.ErrState
			}
			return err
		}
	case http1.StateBody, http1.StateRespond, http1.StateFault:
	case http1.StateHead:
		c.advance(http1.EventError)
	default:
		return http1.ErrState
	}
	c.closing = true
	text := http1.StatusText(code)
	if e := c.Status(code, ""); e != nil {
		return e
	}
	if c.errors != nil && c.errors(c) != nil {
		c.Rollback()
		if e := c.Status(code, ""); e != nil {
			return e
		}
	}
	if e := c.Field("Content-Type", "text/plain; charset=utf-8"); e != nil {
		return e
	}
	if e := c.Length(uint64(len(text) + 1)); e != nil {
		return e
	}
	if e := c.EndHead(); e != nil {
		return e
	}
	if e := c.WriteString(text); e != nil {
		return e
	}
	if e := c.WriteString("\n"); e != nil {
		return e
	}
	return c.Complete()
}

// Interim sends an interim response, such as 103 (Early Hints, RFC 8297), at
// once. It may be called before the response is begun. If it fails, nothing
// of it is sent.
func (c *Conn) Interim(code int, fields ...Field) error {
	if _, ok := c.state.Next(http1.EventInterim); !ok {
		return http1.ErrState
	}
	if c.head.Version() == http1.Version10 {
		return nil // RFC 9110 section 15.2: none may be sent to HTTP/1.0
	}
	err := c.stageInterim(code, fields)
	if err != nil {
		c.out = c.out[:c.start]
		c.begin()
		return err
	}
	c.start = len(c.out)
	c.continued = c.continued || code == http1.StatusContinue
	c.advance(http1.EventInterim)
	return c.Flush()
}

func (c *Conn) stageInterim(code int, fields []Field) error {
	if err := c.room(http1.StatusOverhead + 40); err != nil {
		return err
	}
	out, err := c.resp.AppendInformational(c.out, code, "")
	if err != nil {
		return err
	}
	c.out = out
	for _, f := range fields {
		if err := c.field(f.Name, ascii.Bytes(f.Value)); err != nil {
			return err
		}
	}
	if err := c.room(http1.MaxEndSize); err != nil {
		return err
	}
	c.out, err = c.resp.AppendEnd(c.out, nil)
	return err
}

// Continue tells a peer that waits for it to send the content (RFC 9110
// section 10.1.1). Reading content does so by itself. It does nothing if the
// peer does not wait, or the response has begun, which says as much.
func (c *Conn) Continue() error {
	if c.continued {
		return nil
	}
	c.continued = true
	if c.state != http1.StateBody || c.Buffered() > 0 {
		return nil
	}
	if err := c.Flush(); err != nil {
		return err
	}
	c.advance(http1.EventInterim)
	c.out = append(c.out, http1.Continue...)
	c.start = len(c.out)
	return c.Flush()
}

// Expects reports whether the peer waits to be told to go on.
func (c *Conn) Expects() bool { return !c.continued && c.state == http1.StateBody }

// Begun reports whether a final response was begun, and not taken back.
func (c *Conn) Begun() bool {
	switch c.state {
	case http1.StateEarly, http1.StateContent, http1.StateLast:
		return true
	}
	return c.Finished()
}

// Code is the status of the response, 0 as long as there is none.
func (c *Conn) Code() int { return c.resp.Final() }

// HeadDone reports whether the head of the response is complete, so that
// nothing can be taken back.
func (c *Conn) HeadDone() bool { return c.headDone }
