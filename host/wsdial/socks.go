package wsdial

import (
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// SOCKS 5 (RFC 1928), as far as a client needs it that connects. RFC 6455
// section 4.1 recommends it.
const (
	socksVersion   = 5
	socksNoLogin   = 0
	socksPassword  = 2 // RFC 1929
	socksLogin     = 1 // the version of RFC 1929's exchange
	socksConnect   = 1
	socksIPv4      = 1
	socksName      = 3
	socksIPv6      = 4
	socksSucceeded = 0
)

// socks has a proxy connect c to a server, whose name the proxy resolves.
func socks(c net.Conn, user *url.Userinfo, server string) error {
	host, portText, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return err
	}
	method, b := byte(socksNoLogin), make([]byte, 0, 600)
	if user != nil {
		method = socksPassword
	}
	b = append(b, socksVersion, 1, method)
	var got [4]byte
	if err := exchange(c, b, got[:2]); err != nil {
		return err
	}
	if got[0] != socksVersion {
		return ErrProxyAnswer
	}
	if got[1] != method {
		return ErrProxyUser
	}
	if user != nil {
		name := user.Username()
		password, _ := user.Password()
		if len(name) > 255 || len(password) > 255 {
			return ErrProxyUser
		}
		b = append(b[:0], socksLogin, byte(len(name)))
		b = append(b, name...)
		b = append(b, byte(len(password)))
		b = append(b, password...)
		if err := exchange(c, b, got[:2]); err != nil {
			return err
		}
		if got[1] != 0 {
			return ErrProxyUser
		}
	}
	b = append(b[:0], socksVersion, socksConnect, 0)
	if ip, err := netip.ParseAddr(host); err == nil {
		kind := byte(socksIPv4)
		if ip = ip.WithZone("").Unmap(); ip.Is6() {
			kind = socksIPv6
		}
		b = append(append(b, kind), ip.AsSlice()...)
	} else if len(host) > 255 {
		return ErrURL
	} else {
		b = append(append(b, socksName, byte(len(host))), host...)
	}
	b = append(b, byte(port>>8), byte(port))
	if err := exchange(c, b, got[:4]); err != nil {
		return err
	}
	if got[0] != socksVersion {
		return ErrProxyAnswer
	}
	if got[1] != socksSucceeded {
		return ErrProxyRefused
	}
	// The address that the proxy connects from is of no use.
	n := 0
	switch got[3] {
	case socksIPv4:
		n = 4
	case socksIPv6:
		n = 16
	case socksName:
		if _, err := io.ReadFull(c, got[:1]); err != nil {
			return err
		}
		n = int(got[0])
	default:
		return ErrProxyAnswer
	}
	_, err = io.ReadFull(c, b[:n+2])
	return err
}

// exchange writes b and reads as much as fills answer.
func exchange(c net.Conn, b, answer []byte) error {
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err := io.ReadFull(c, answer)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrProxyAnswer
	}
	return err
}
