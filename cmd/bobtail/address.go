package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// resolveTimeout bounds how long the names of a host are looked up.
const resolveTimeout = 5 * time.Second

// resolve finds the address that a user has written: as transport.ParseAddr
// reads it, or with the name of a host, a service or an interface. Of a host
// with several addresses it takes an IPv4 one if there is one, as package net
// does, since that is what most clients on this machine try.
func resolve(s string) (transport.Addr, error) {
	if a, err := transport.ParseAddr(s); err == nil {
		return a, nil
	}
	host, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(s, "http://"), "/"))
	if err != nil {
		return transport.Addr{}, errors.New("want HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or :8080")
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	n, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil || port == "" {
		return transport.Addr{}, fmt.Errorf("%q is not a port; want 0 to 65535", port)
	}
	if host == "" {
		return transport.Addr{}.WithPort(uint16(n)), nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return addrOf(ip.Unmap(), uint16(n))
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(ips) == 0 {
		return transport.Addr{}, fmt.Errorf("%q is no address, and no host with one is found by this name", host)
	}
	ip := ips[0]
	for _, p := range ips {
		if p.Unmap().Is4() {
			ip = p
			break
		}
	}
	return addrOf(ip.Unmap(), uint16(n))
}

func addrOf(ip netip.Addr, port uint16) (transport.Addr, error) {
	if ip.Is4() {
		b := ip.As4()
		return transport.IPv4(b[0], b[1], b[2], b[3], port), nil
	}
	zone := uint32(0)
	if z := ip.Zone(); z != "" {
		i, err := net.InterfaceByName(z)
		if err != nil {
			return transport.Addr{}, fmt.Errorf("there is no interface %q", z)
		}
		zone = uint32(i.Index)
	}
	return transport.IPv6(ip.As16(), port, zone), nil
}

// url is where a client on this machine finds what is served at an address.
func url(a transport.Addr) string {
	switch {
	case !a.IsUnspecified():
	case a.Is6():
		var loopback [16]byte
		loopback[15] = 1
		a = transport.IPv6(loopback, a.Port(), 0)
	default:
		a = transport.IPv4(127, 0, 0, 1, a.Port())
	}
	// RFC 6874 section 2: the zone's percent sign is itself escaped.
	return "http://" + strings.Replace(a.String(), "%", "%25", 1) + "/"
}

// cannotListen says why an address cannot be served, and what to do.
func cannotListen(err error, a transport.Addr, b string) string {
	switch err {
	case transport.ErrAddressInUse:
		return fmt.Sprintf("%v is in use by another program; choose another port, or port 0 for a free one", a)
	case transport.ErrPermission:
		return fmt.Sprintf("%v may not be used by this user; choose a port from 1024 on", a)
	case transport.ErrAddress:
		return fmt.Sprintf("%v is not an address of this machine; try 127.0.0.1:%d, or :%[2]d for all of them", a, a.Port())
	case transport.ErrNotSupported:
		return fmt.Sprintf("%v cannot be served by the backend %s", a, b)
	}
	return fmt.Sprintf("%v cannot be served: %v", a, err)
}
