package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// URIs of CoAP (RFC 7252 section 6, RFC 8323 section 8).

// The ports of the schemes (RFC 7252 section 12.6 and 12.7, RFC 8323 section 8).
const (
	DefaultPort       = 5683 // of coap and coap+tcp
	DefaultSecurePort = 5684 // of coaps and coaps+tcp
)

// URI is a URI of CoAP in its parts, which are as they were written, but for
// Scheme, which is in lower case, and the brackets of an IP literal, which Host
// does not have. They are views of what was parsed.
type URI struct {
	Scheme string // coap, coaps, coap+tcp or coaps+tcp
	Host   string // a name, escaped, or an IP address
	Port   uint16 // never 0: the port of the scheme if none was there
	Path   string // empty, or with a slash in front; escaped
	Query  string // what is behind the question mark; escaped
}

// ParseURI reads an absolute URI of one of the four schemes (RFC 7252 section
// 6.4, RFC 8323 section 8). Fragments and user information are errors.
func ParseURI(s string) (u URI, err error) {
	return u, ErrURIScheme
}

// IsTCP reports whether the scheme is over TCP: coap+tcp or coaps+tcp.
func (u URI) IsTCP() bool { return len(u.Scheme) >= 8 }

// IsSecure reports whether the scheme is over TLS or DTLS: coaps or coaps+tcp.
func (u URI) IsSecure() bool { return len(u.Scheme) > 4 && u.Scheme[4] == 's' }

// AppendOptions appends the options of a request for the URI to a server at its
// host and port (RFC 7252 section 6.4): Uri-Host unless the host is an IP
// address, never Uri-Port, Uri-Path and Uri-Query.
func (u URI) AppendOptions(dst []byte) ([]byte, error) {
	return dst, nil
}

// AppendAddress appends host and port as package net takes them: "host:port",
// or "[host]:port" if the host is an address of IPv6.
func (u URI) AppendAddress(dst []byte) []byte {
	return dst
}

// Append appends the URI as text, without the port of its scheme.
func (u URI) Append(dst []byte) []byte {
	return dst
}

// String is the URI as text, without the port of its scheme. It allocates;
// Append does not.
func (u URI) String() string { return ascii.View(u.Append(nil)) }
