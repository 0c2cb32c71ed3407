package http1conn

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/same"
)

// Handler answers the request that a connection is at. What it leaves out is
// completed; an error that it returns becomes a 500 (or the status that the
// error has), if nothing was sent, and ends the connection. If the error has a
// method Abort() bool that says so, nothing is answered. A handler that has
// taken the stream by Unbind returns nil.
type Handler func(c *Conn) error

// ServeRequest waits for one request, serves it with h, and sends the answer.
// It reports whether another may follow. The error is io.EOF when the stream
// has ended in order between requests. If there is an error and the
// connection is not Finished, the stream should be aborted, since the peer
// could not tell otherwise that an answer was cut off.
func ServeRequest(c *Conn, h Handler) (again bool, err error) {
	again, err = serveRequest(c, h)
	if c.state == http1.StateUpgraded || c.state == http1.StateClosed {
		return false, err
	}
	return again, c.settle(err)
}

// ServeStream serves requests with h until the connection is to end. Answers
// to requests that have come together are sent together. The stream is the
// caller's to close, or to abort, as with ServeRequest; the end of the stream
// between requests is no error.
func ServeStream(c *Conn, h Handler) error {
	for {
		again, err := serveRequest(c, h)
		if again {
			continue
		}
		if c.state == http1.StateUpgraded || c.state == http1.StateClosed {
			return err
		}
		if same.Error(err, io.EOF) && c.state == http1.StateIdle {
			err = nil
		}
		return c.settle(err)
	}
}

// settle sends what is staged, but of an answer that is cut off no more: no
// part of it is any use.
func (c *Conn) settle(err error) error {
	if err != nil && !c.Finished() && c.state != http1.StateIdle && !c.Cut() {
		return err
	}
	if e := c.Flush(); e != nil && err == nil {
		return e
	}
	return err
}

// serveRequest leaves the answer staged, as far as it fits.
func serveRequest(c *Conn, h Handler) (again bool, err error) {
	if err = c.Next(); err != nil {
		if c.state == http1.StateFault {
			c.CompleteErr(err)
		}
		return false, err
	}
	if err = h(c); err == nil && !c.over() {
		err = c.Complete()
	}
	if a, ok := err.(interface{ Abort() bool }); ok && a.Abort() {
		return false, err
	}
	if err != nil && !c.Finished() {
		c.CompleteErr(err)
	}
	if err != nil || c.over() && !c.Finished() {
		return false, err
	}
	if c.state == http1.StateDrain && !c.Drains() {
		c.AnnounceClose()
		return false, nil
	}
	for c.state == http1.StateDrain {
		if !c.Drains() {
			return false, nil
		}
		if _, err = c.NextPiece(); err != nil && !same.Error(err, io.EOF) {
			return false, err
		}
	}
	if c.state == http1.StateLinger {
		return false, c.err // what was left of the content is broken
	}
	return !c.NeedsClose(), nil
}

// over reports whether nothing more can be said for the request at hand.
func (c *Conn) over() bool {
	return c.Finished() || c.state == http1.StateUpgraded || c.state == http1.StateClosed
}
