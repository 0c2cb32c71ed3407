// Package netconn gives to programs of package net what a backend gives away:
// streams, and their addresses.
package netconn

import (
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// Of is the connection of a stream that a transport.Detacher gave away, whose
// addresses were local and remote. It takes the stream: on error it has closed
// it, unless it is of none of the kinds that the contract names, which fails
// with transport.ErrNotSupported.
func Of(stream any, local, remote transport.Addr) (net.Conn, error) {
	switch s := stream.(type) {
	case net.Conn:
		return s, nil
	case transport.Descriptor:
		f := os.NewFile(uintptr(s), "connection")
		defer f.Close()
		return net.FileConn(f) // a duplicate
	case io.ReadWriteCloser:
		return &untimed{s, Addr(local), Addr(remote)}, nil
	}
	return nil, transport.ErrNotSupported
}

// untimed is a stream without deadlines.
type untimed struct {
	io.ReadWriteCloser
	local, remote net.Addr
}

func (c *untimed) LocalAddr() net.Addr              { return c.local }
func (c *untimed) RemoteAddr() net.Addr             { return c.remote }
func (c *untimed) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *untimed) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *untimed) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// Addr is an address as package net has it, without an IP if a is unset. A zone
// is its number, which package net reads as well as the interface's name.
func Addr(a transport.Addr) *net.TCPAddr {
	t := &net.TCPAddr{Port: int(a.Port())}
	switch {
	case a.Is4():
		ip := a.Bytes4()
		t.IP = ip[:]
	case a.Is6():
		ip := a.Bytes16()
		t.IP = ip[:]
		if z := a.Zone(); z != 0 {
			t.Zone = strconv.FormatUint(uint64(z), 10)
		}
	}
	return t
}
