package coapudp

import (
	"net"
	"net/netip"
)

// way is where a datagram comes from and is answered to. A peer takes answers
// from where it has sent its request to alone (RFC 7252 section 5.3.2), which
// for a socket that is bound to no address of its own has to be said.
type way struct {
	addr  netip.AddrPort // the other end
	local netip.Addr     // ours; the zero Addr is the system's choice
	group bool           // it came to a multicast or broadcast address
}

// socket is a PacketConn that may know which of our addresses a datagram was
// sent to.
type socket interface {
	read(b []byte) (n int, from way, err error)
	write(b []byte, to way) (n int, err error)
	LocalAddr() net.Addr
	Close() error
}

// plain is a socket that does not know.
type plain struct{ PacketConn }

func (p plain) read(b []byte) (n int, from way, err error) {
	n, from.addr, err = p.ReadFromUDPAddrPort(b)
	return n, from, err
}

func (p plain) write(b []byte, to way) (int, error) { return p.WriteToUDPAddrPort(b, to.addr) }

// socketOf is the socket of a PacketConn.
func socketOf(c PacketConn) socket {
	if u, ok := c.(*net.UDPConn); ok {
		if a, ok := u.LocalAddr().(*net.UDPAddr); ok && a.IP.IsUnspecified() {
			if s := informed(u); s != nil {
				return s
			}
		}
	}
	return plain{c}
}
