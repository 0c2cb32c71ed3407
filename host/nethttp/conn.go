package nethttp

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// This file makes a net.Conn of what a backend gives away.

var errStream = errors.New("nethttp: the backend's stream cannot be a net.Conn")

// connOf is the connection of a stream that was detached; on error it is
// closed.
func connOf(stream any, local, remote transport.Addr) (net.Conn, error) {
	switch s := stream.(type) {
	case net.Conn:
		return s, nil
	case transport.Descriptor:
		f := os.NewFile(uintptr(s), "connection")
		defer f.Close()
		return net.FileConn(f) // a duplicate
	case io.ReadWriteCloser:
		return &plainConn{s, tcpAddr(local), tcpAddr(remote)}, nil
	}
	return nil, errStream
}

// plainConn is a stream without deadlines.
type plainConn struct {
	io.ReadWriteCloser
	local, remote net.Addr
}

func (c *plainConn) LocalAddr() net.Addr              { return c.local }
func (c *plainConn) RemoteAddr() net.Addr             { return c.remote }
func (c *plainConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *plainConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *plainConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// ahead gives the bytes that came before the connection was taken over.
type ahead struct{ rest []byte }

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}
