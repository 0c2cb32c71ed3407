package netconn

import (
	"io"
	"net"
)

// Rest is what was received of a connection before it was given away.
type Rest []byte

// Read reads the rest, and behind it from r.
func (b *Rest) Read(p []byte, r io.Reader) (int, error) {
	if len(*b) > 0 {
		n := copy(p, *b)
		*b = (*b)[n:]
		return n, nil
	}
	return r.Read(p)
}

// Behind is a connection whose first bytes are rest, which it keeps. If there are
// any it has, as a tls.Conn has, a method NetConn that tells what c is.
func Behind(rest []byte, c net.Conn) net.Conn {
	if len(rest) == 0 {
		return c
	}
	return &behind{c, rest}
}

type behind struct {
	net.Conn
	rest Rest
}

func (c *behind) Read(p []byte) (int, error) { return c.rest.Read(p, c.Conn) }

func (c *behind) NetConn() net.Conn { return c.Conn }
