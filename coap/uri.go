package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// URIs of CoAP (RFC 7252 section 6, RFC 8323 section 8).

// The ports of the schemes (RFC 7252 sections 6.1 and 6.2, RFC 8323 sections
// 8.1 and 8.2).
const (
	DefaultPort       = 5683 // of coap and coap+tcp
	DefaultSecurePort = 5684 // of coaps and coaps+tcp
)

// URI is a URI of CoAP in its parts. They are views of what was parsed, as they
// were written, but for Scheme.
type URI struct {
	Scheme string // "coap", "coaps", "coap+tcp" or "coaps+tcp"
	Host   string // a name, escaped, or an IP address, without brackets
	Port   uint16 // that of the scheme if there was none
	Path   string // escaped; empty, or with a slash in front
	Query  string // escaped; what is behind the question mark
}

// schemes are those of RFC 7252 section 6 and RFC 8323 section 8.
var schemes = [...]string{"coap", "coaps", "coap+tcp", "coaps+tcp"}

// ParseURI reads an absolute URI of one of the four schemes (RFC 7252 section
// 6.4, RFC 8323 section 8). A fragment is an error, and so is user information.
func ParseURI(s string) (u URI, err error) {
	u, e := parseURI(s)
	return u, e.err()
}

func parseURI(s string) (u URI, e Error) {
	i := indexByte(s, ':')
	for _, scheme := range schemes {
		if ascii.EqualFold(s[:i], scheme) {
			u.Scheme = scheme
		}
	}
	if u.Scheme == "" || i == len(s) {
		return URI{}, ErrURIScheme
	}
	s = s[i+1:]
	if len(s) < 2 || s[0] != '/' || s[1] != '/' {
		return URI{}, ErrURIHost
	}
	s = s[2:]
	if indexByte(s, '#') != len(s) {
		return URI{}, ErrURIFragment // RFC 7252 section 6.4, step 3
	}
	if i = indexByte(s, '?'); i != len(s) {
		u.Query = s[i+1:]
		s = s[:i]
	}
	i = indexByte(s, '/')
	u.Path = s[i:]
	if e = u.setAuthority(s[:i]); e == 0 {
		e = checkEscaped(u.Path, &pathChars)
	}
	if e == 0 {
		e = checkEscaped(u.Query, &queryChars)
	}
	if e != 0 {
		return URI{}, e
	}
	return u, 0
}

// setAuthority reads host and port.
//
//	authority = host [ ":" port ]
//	host      = IP-literal / IPv4address / reg-name
func (u *URI) setAuthority(s string) Error {
	if indexByte(s, '@') != len(s) {
		return ErrURIUser // RFC 7252 section 6.1
	}
	if s != "" && s[0] == '[' {
		i := indexByte(s, ']')
		if i == len(s) {
			return ErrURIHost
		}
		u.Host, s = s[1:i], s[i+1:]
		if !isIPv6(u.Host) || s != "" && s[0] != ':' {
			return ErrURIHost
		}
	} else {
		i := indexByte(s, ':')
		u.Host, s = s[:i], s[i:]
		if e := checkName(u.Host); e != 0 {
			return e
		}
	}
	return u.setPort(s)
}

// checkName wants a name of MaxSegment bytes at most. An escape may stand for a
// letter that is not of ASCII, but not for what would make another address of
// the name, such as a colon.
func checkName(s string) Error {
	if e := checkEscaped(s, &hostChars); e == ErrURIEscape {
		return e
	} else if n := unescapedSize(s); e != 0 || n == 0 || n > MaxSegment {
		return ErrURIHost
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if c := ascii.Unhex(s[i+1])<<4 | ascii.Unhex(s[i+2]); c < 128 && !hostChars.has(c) {
			return ErrURIHost
		}
	}
	return 0
}

// setPort reads the port behind its colon.
func (u *URI) setPort(s string) Error {
	u.Port = u.defaultPort()
	if len(s) < 2 {
		return 0 // port = *DIGIT
	}
	port := uint32(0)
	for i := 1; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return ErrURIPort
		}
		if port = 10*port + uint32(d); port > 65535 {
			return ErrURIPort
		}
	}
	if port == 0 {
		return ErrURIPort
	}
	u.Port = uint16(port)
	return 0
}

func (u *URI) defaultPort() uint16 {
	if u.IsSecure() {
		return DefaultSecurePort
	}
	return DefaultPort
}

// isIPv6 reports whether s may be an address of IPv6, with or without a zone
// (RFC 6874). Whether it is one, who connects to it finds out.
func isIPv6(s string) bool {
	address := s[:indexByte(s, '%')]
	colons := 0
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case c == ':':
			colons++
		case ascii.Unhex(c) > 15 && c != '.':
			return false
		}
	}
	if colons < 2 || colons > 7 || len(address) > 45 {
		return false
	}
	if len(address) == len(s) {
		return true
	}
	zone := s[len(address)+1:]
	for i := 0; i < len(zone); i++ {
		if !hostChars.has(zone[i]) {
			return false
		}
	}
	return zone != "" && zone != "25"
}

// isIPv4 reports whether s is an IPv4address (RFC 3986 section 3.2.2).
func isIPv4(s string) bool {
	for part := range 4 {
		i := indexByte(s, '.')
		if n, ok := parseUint16(s[:i]); !ok || n > 255 || (i == len(s)) != (part == 3) {
			return false
		}
		s = s[min(i+1, len(s)):]
	}
	return true
}

// IsTCP reports whether the scheme is over TCP: coap+tcp or coaps+tcp.
func (u URI) IsTCP() bool { return len(u.Scheme) >= len("coap+tcp") }

// IsSecure reports whether the scheme is over TLS or DTLS: coaps or coaps+tcp.
func (u URI) IsSecure() bool { return len(u.Scheme) > 4 && u.Scheme[4] == 's' }

// AppendOptions appends the options of a request for the URI to the server at
// its host and port (RFC 7252 section 6.4): Uri-Host, in lower case, unless the
// host is an IP address; Uri-Path; Uri-Query. It is an error if a segment of
// the path or a part of the query is longer than MaxSegment, or an escaped "."
// or ".."; dst is as it was then.
func (u URI) AppendOptions(dst []byte) ([]byte, error) {
	got, prev := dst, Option(0)
	if indexByte(u.Host, ':') == len(u.Host) && !isIPv4(u.Host) {
		if e := checkName(u.Host); e != 0 {
			return dst, e
		}
		size := unescapedSize(u.Host)
		got = appendUnescaped(appendOptionHeader(got, uint(OptURIHost), size), u.Host)
		for name := got[len(got)-size:]; len(name) != 0; name = name[1:] {
			name[0] = ascii.Lower(name[0]) // RFC 7252 section 6.4, step 5
		}
		prev = OptURIHost
	}
	before := len(got)
	got, e := appendPathOptions(got, prev, OptURIPath, u.Path)
	if e != 0 {
		return dst, e
	}
	if len(got) != before {
		prev = OptURIPath
	}
	if got, e = appendQueryOptions(got, prev, OptURIQuery, u.Query); e != 0 {
		return dst, e
	}
	return got, nil
}

// AppendAddress appends host and port as package net takes them: "host:port",
// or "[host]:port" for an address of IPv6, decoded.
func (u URI) AppendAddress(dst []byte) []byte {
	if i := indexByte(u.Host, ':'); i != len(u.Host) {
		i = indexByte(u.Host, '%')
		dst = append(append(dst, '['), u.Host[:i]...)
		if zone := u.Host[i:]; zone != "" {
			zone = zone[1:]
			if len(zone) > 2 && zone[:2] == "25" {
				zone = zone[2:] // RFC 6874 section 2
			}
			dst = append(append(dst, '%'), zone...)
		}
		dst = append(dst, ']')
	} else {
		dst = appendUnescaped(dst, u.Host)
	}
	return ascii.AppendUint(append(dst, ':'), uint64(u.Port))
}

// Append appends the URI as text, without the port if it is that of the scheme.
func (u URI) Append(dst []byte) []byte {
	dst = append(append(dst, u.Scheme...), "://"...)
	if indexByte(u.Host, ':') != len(u.Host) {
		dst = append(append(append(dst, '['), u.Host...), ']')
	} else {
		dst = append(dst, u.Host...)
	}
	if u.Port != 0 && u.Port != u.defaultPort() {
		dst = ascii.AppendUint(append(dst, ':'), uint64(u.Port))
	}
	if u.Path != "" && u.Path[0] != '/' {
		dst = append(dst, '/')
	}
	dst = append(dst, u.Path...)
	if u.Query != "" {
		dst = append(append(dst, '?'), u.Query...)
	}
	return dst
}

// String is the URI as text, as Append writes it. It allocates.
func (u URI) String() string { return ascii.View(u.Append(nil)) }
