package http1conn

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
)

// Handler answers the request that a connection is at. What it leaves out is
// completed; an error that it returns becomes a 500 (or the status that the
// error has), if nothing was sent, and ends the connection.
type Handler func(c *Conn) error

// ServeRequest waits for one request and serves it with h. It reports whether
// another may follow. The error is io.EOF when the stream has ended in order
// between requests.
func ServeRequest(c *Conn, h Handler) (again bool, err error) {
	if err = c.Next(); err != nil {
		if _, peer := err.(http1.Error); peer {
			if e := c.CompleteErr(err); e == nil {
				c.Flush()
			}
		}
		return false, err
	}
	if err = h(c); err == nil && !c.Finished() {
		err = c.Complete()
	}
	if err != nil {
		if e := c.CompleteErr(err); e == nil {
			c.Flush()
		}
		return false, err
	}
	if c.NeedsClose() {
		return false, c.Flush()
	}
	return true, nil
}

// ServeStream serves requests with h until the connection is to end. The
// stream is the caller's to close; if the error is not nil it should be
// aborted, except that io.EOF is not returned: the end of the stream between
// requests is no error.
func ServeStream(c *Conn, h Handler) error {
	for {
		again, err := ServeRequest(c, h)
		if err == io.EOF && c.State() == http1.StateIdle {
			return nil
		}
		if !again {
			return err
		}
	}
}
