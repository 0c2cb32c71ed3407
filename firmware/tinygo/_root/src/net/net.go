// Package net is the few names of the standard library's package net that a
// TCP/IP stack without an operating system is written with. There is no
// network in it.
package net

import (
	"errors"
	"net/netip"
	"time"
)

// ErrClosed is what a closed connection's methods fail with.
var ErrClosed = errors.New("use of closed network connection")

// Addr is the address of one end of a connection.
type Addr interface {
	Network() string
	String() string
}

// Error is an error of a network.
type Error interface {
	error
	Timeout() bool
	Temporary() bool
}

// Conn is a stream.
type Conn interface {
	Read(b []byte) (n int, err error)
	Write(b []byte) (n int, err error)
	Close() error
	LocalAddr() Addr
	RemoteAddr() Addr
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// PacketConn is a socket of datagrams.
type PacketConn interface {
	ReadFrom(p []byte) (n int, addr Addr, err error)
	WriteTo(p []byte, addr Addr) (n int, err error)
	Close() error
	LocalAddr() Addr
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Listener takes connections.
type Listener interface {
	Accept() (Conn, error)
	Close() error
	Addr() Addr
}

// HardwareAddr is a physical address.
type HardwareAddr []byte

// String returns the address in hexadecimal, with colons.
func (a HardwareAddr) String() string {
	const digits = "0123456789abcdef"
	var b []byte
	for i, c := range a {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, digits[c>>4], digits[c&15])
	}
	return string(b)
}

// IP is an address of 4 or 16 bytes.
type IP []byte

// String returns the usual text of the address.
func (ip IP) String() string {
	a, _ := netip.AddrFromSlice(ip)
	return a.String()
}

// To4 returns the 4 bytes of an address of IPv4, or nil.
func (ip IP) To4() IP {
	if len(ip) == 4 {
		return ip
	}
	return nil
}

// To16 returns the 16 bytes of an address of IPv6, or nil.
func (ip IP) To16() IP {
	if len(ip) == 16 {
		return ip
	}
	return nil
}

// Flags are what a network card is and can.
type Flags uint

// Interface is a network card, of which there is none.
type Interface struct {
	Index, MTU   int
	Name         string
	HardwareAddr HardwareAddr
	Flags        Flags
}

// InterfaceByName finds none.
func InterfaceByName(name string) (*Interface, error) {
	return nil, errors.New("no such network interface")
}

// A TCPAddr is an address with a port.
type TCPAddr struct {
	IP   IP
	Port int
	Zone string
}

// Network returns "tcp".
func (a *TCPAddr) Network() string { return "tcp" }

// String returns the address and the port.
func (a *TCPAddr) String() string { return text(a.IP, a.Port) }

// AddrPort returns the same as a netip.AddrPort.
func (a *TCPAddr) AddrPort() netip.AddrPort { return addrPort(a.IP, a.Port) }

// TCPAddrFromAddrPort returns the same as a TCPAddr.
func TCPAddrFromAddrPort(a netip.AddrPort) *TCPAddr {
	return &TCPAddr{IP: a.Addr().AsSlice(), Port: int(a.Port())}
}

// A UDPAddr is an address with a port.
type UDPAddr struct {
	IP   IP
	Port int
	Zone string
}

// Network returns "udp".
func (a *UDPAddr) Network() string { return "udp" }

// String returns the address and the port.
func (a *UDPAddr) String() string { return text(a.IP, a.Port) }

// AddrPort returns the same as a netip.AddrPort.
func (a *UDPAddr) AddrPort() netip.AddrPort { return addrPort(a.IP, a.Port) }

// UDPAddrFromAddrPort returns the same as a UDPAddr.
func UDPAddrFromAddrPort(a netip.AddrPort) *UDPAddr {
	return &UDPAddr{IP: a.Addr().AsSlice(), Port: int(a.Port())}
}

func addrPort(ip IP, port int) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a, uint16(port))
}

func text(ip IP, port int) string { return addrPort(ip, port).String() }
