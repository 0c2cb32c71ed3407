package coapudp

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/bobtail-go/bobtail/transport"
)

// zones has the number of the zone that was asked for last.
type zones struct {
	zone  string
	index uint32
}

// remote is an address as handlers have it.
func (w *zones) remote(a netip.AddrPort) transport.Addr {
	ip := a.Addr()
	if z := ip.Zone(); z != w.zone {
		// The number of an interface costs several system calls: those of the last
		// peer that had a zone are kept.
		w.zone, w.index = z, 0
		if n, err := strconv.ParseUint(z, 10, 32); err == nil {
			w.index = uint32(n)
		} else if i, err := net.InterfaceByName(z); err == nil {
			w.index = uint32(i.Index)
		}
	}
	return transport.IPv6(ip.As16(), a.Port(), w.index)
}
