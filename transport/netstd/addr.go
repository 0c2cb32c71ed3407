package netstd

import (
	"net"
	"strconv"

	"github.com/bobtail-go/bobtail/transport"
)

// addrOf is an address of package net, or unset if it is none of TCP.
func addrOf(a net.Addr) transport.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return transport.Addr{}
	}
	ip := t.IP.To16()
	if ip == nil {
		return transport.Addr{}.WithPort(uint16(t.Port))
	}
	return transport.IPv6([16]byte(ip), uint16(t.Port), zoneOf(t.Zone))
}

// zoneOf is the number of a zone, for which package net has a name where it
// knows one.
func zoneOf(name string) uint32 {
	if name == "" {
		return 0
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(name); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// networkOf is package net's word for where to listen: see transport.Addr for
// the three kinds of any address.
func networkOf(a transport.Addr) string {
	switch {
	case a.Is4():
		return "tcp4"
	case a.Is6():
		return "tcp6"
	}
	return "tcp"
}
