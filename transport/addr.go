package transport

// Addr is an end of a stream: an IP address, a port, and for an IPv6 address
// that means nothing without it, a zone.
//
// It is a plain value of 24 bytes without pointers: it can be compared with
// ==, be a key of a map, be copied at will and be used from any goroutine.
//
// The zero Addr is unset: any address of either family, and any port. Where a
// backend listens, the three ways to say "any address" differ:
//
//	unset    ":80"         both families, as far as the machine has them
//	IPv4     "0.0.0.0:80"  IPv4 alone
//	IPv6     "[::]:80"     IPv6 alone
//
// An IPv4 address that is written as an IPv6 one (::ffff:192.0.2.1, RFC 4291,
// section 2.5.5.2) is an IPv4 Addr, so that a client has the same Addr
// whichever listener it came through.
type Addr struct {
	// The address in two words of the machine's own order, which TinyGo copies as
	// such, and bytes one by one. IPv4 is kept mapped into ::ffff:0:0/96; zero if
	// unset.
	hi, lo uint64

	zone uint32 // 0 is none; only beside familyIPv6
	port uint16
	fam  family
}

type family uint8

const (
	familyUnset family = iota
	familyIPv4
	familyIPv6
)

// MaxAddrText is the length in bytes of the longest text that AppendTo makes.
const MaxAddrText = len("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535")

// IPv4 is the address a.b.c.d with a port.
func IPv4(a, b, c, d byte, port uint16) Addr {
	return Addr{
		lo:   0xffff<<32 | uint64(a)<<24 | uint64(b)<<16 | uint64(c)<<8 | uint64(d),
		port: port,
		fam:  familyIPv4,
	}
}

// IPv6 is an address given by its 16 bytes in network order, with a port and
// a zone: the system's number of the interface, or 0 for none (RFC 4007,
// section 6). An IPv4-mapped address becomes an IPv4 Addr, which has no zone.
func IPv6(ip [16]byte, port uint16, zone uint32) Addr {
	a := Addr{hi: word(ip[:8]), lo: word(ip[8:]), port: port, fam: familyIPv4}
	if !isMapped(ip) {
		a.zone, a.fam = zone, familyIPv6
	}
	return a
}

// word reads eight bytes in network order.
func word(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// putWord writes them.
func putWord(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (8 * (len(b) - 1 - i)))
	}
}

// isMapped reports whether ip is in ::ffff:0:0/96.
func isMapped(ip [16]byte) bool {
	return [12]byte(ip[:12]) == [12]byte{10: 0xff, 11: 0xff}
}

// Is4 reports whether a is an IPv4 address.
func (a Addr) Is4() bool { return a.fam == familyIPv4 }

// Is6 reports whether a is an IPv6 address.
func (a Addr) Is6() bool { return a.fam == familyIPv6 }

// IsUnset reports whether a names no address of either family. It may have a
// port.
func (a Addr) IsUnset() bool { return a.fam == familyUnset }

// IsUnspecified reports whether a is unset, 0.0.0.0 or ::, with any port and
// zone.
func (a Addr) IsUnspecified() bool {
	if a.fam == familyIPv4 {
		return uint32(a.lo) == 0
	}
	return a.hi|a.lo == 0
}

// Bytes16 is the address in network order: an IPv4 address mapped into
// ::ffff:0:0/96, sixteen zeros if a is unset.
func (a Addr) Bytes16() (ip [16]byte) {
	putWord(ip[:8], a.hi)
	putWord(ip[8:], a.lo)
	return ip
}

// Bytes4 is an IPv4 address in network order. For any other a it is the last
// four bytes, which mean nothing alone.
func (a Addr) Bytes4() (ip [4]byte) {
	putWord(ip[:], a.lo)
	return ip
}

// Port is the port, 0 where none is set.
func (a Addr) Port() uint16 { return a.port }

// Zone is the system's number of the interface that an IPv6 address belongs
// to, or 0.
func (a Addr) Zone() uint32 { return a.zone }

// WithPort is a with another port.
func (a Addr) WithPort(port uint16) Addr {
	a.port = port
	return a
}

// String is the text of a in the form that ParseAddr reads: "192.0.2.1:80",
// "[2001:db8::1]:80", "[fe80::1%2]:80", and ":80" if a is unset. IPv6 is
// written as RFC 5952, section 4 says. It allocates; AppendTo does not.
func (a Addr) String() string {
	var buf [MaxAddrText]byte
	return string(a.AppendTo(buf[:0]))
}

// AppendTo appends the text of a, at most MaxAddrText bytes, as String gives
// it.
func (a Addr) AppendTo(dst []byte) []byte {
	switch a.fam {
	case familyUnset:
	case familyIPv4:
		dst = appendIPv4(dst, a.Bytes4())
	case familyIPv6:
		dst = append(dst, '[')
		dst = appendIPv6(dst, a.Bytes16())
		if a.zone != 0 {
			dst = append(dst, '%') // RFC 4007, section 11.2
			dst = appendDecimal(dst, a.zone)
		}
		dst = append(dst, ']') // RFC 5952, section 6
	}
	dst = append(dst, ':')
	return appendDecimal(dst, uint32(a.port))
}

func appendIPv4(dst []byte, ip [4]byte) []byte {
	for i, b := range ip {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = appendDecimal(dst, uint32(b))
	}
	return dst
}

func appendIPv6(dst []byte, ip [16]byte) []byte {
	// RFC 5952, section 4.2: "::" stands for the longest run of zero groups,
	// the first one of equals, and never for one group alone.
	from, to := -1, -1
	for i := 0; i < 16; {
		j := i
		for j < 16 && ip[j] == 0 && ip[j+1] == 0 {
			j += 2
		}
		if j-i > 2 && j-i > to-from {
			from, to = i, j
		}
		i = j + 2
	}
	for i := 0; i < 16; i += 2 {
		if i == from {
			dst = append(dst, ':', ':')
			i = to
			if i == 16 {
				break
			}
		} else if i > 0 {
			dst = append(dst, ':')
		}
		dst = appendHex(dst, uint16(ip[i])<<8|uint16(ip[i+1]))
	}
	return dst
}

// appendHex appends v as RFC 5952, sections 4.1 and 4.3 say: no leading
// zeros, lower case.
func appendHex(dst []byte, v uint16) []byte {
	const digits = "0123456789abcdef"
	for shift := 12; shift > 0; shift -= 4 {
		if v>>shift != 0 {
			dst = append(dst, digits[v>>shift&15])
		}
	}
	return append(dst, digits[v&15])
}

func appendDecimal(dst []byte, v uint32) []byte {
	var buf [10]byte // the digits of 1<<32 - 1
	i := len(buf)
	for {
		i--
		buf[i] = '0' + byte(v%10)
		v /= 10
		if v == 0 {
			return append(dst, buf[i:]...)
		}
	}
}

// ParseAddr reads an address and its port: "192.0.2.1:80",
// "[2001:db8::1]:80", "[fe80::1%2]:80", or ":80" for any address. All else is
// ErrAddress: host names, which a backend does not resolve, service names,
// names of zones, decimals with a leading zero or a sign, space.
func ParseAddr(s string) (Addr, error) {
	// The port follows the last colon, since an IPv6 address has colons too.
	colon := len(s) - 1
	for colon >= 0 && s[colon] != ':' {
		colon--
	}
	if colon < 0 {
		return Addr{}, ErrAddress
	}
	host := s[:colon]
	port, ok := parseDecimal(s[colon+1:], 1<<16-1)
	if !ok {
		return Addr{}, ErrAddress
	}
	var a Addr
	switch {
	case host == "":
	case host[0] == '[':
		if host[len(host)-1] != ']' {
			return Addr{}, ErrAddress
		}
		a, ok = parseIPv6Zone(host[1 : len(host)-1])
	default:
		var ip [4]byte
		ip, ok = parseIPv4(host)
		a = IPv4(ip[0], ip[1], ip[2], ip[3], 0)
	}
	if !ok {
		return Addr{}, ErrAddress
	}
	return a.WithPort(uint16(port)), nil
}

// parseIPv6Zone reads an address with an optional zone, a number from 1 on.
func parseIPv6Zone(s string) (Addr, bool) {
	var zone uint32
	for i := range len(s) {
		if s[i] != '%' {
			continue
		}
		var ok bool
		zone, ok = parseDecimal(s[i+1:], 1<<32-1)
		if !ok || zone == 0 {
			return Addr{}, false
		}
		s = s[:i]
		break
	}
	ip, ok := parseIPv6(s)
	if !ok || zone != 0 && isMapped(ip) {
		return Addr{}, false
	}
	return IPv6(ip, 0, zone), true
}

// parseIPv6 reads the text of an IPv6 address, whose last 32 bits may be
// written as an IPv4 address (RFC 4291, section 2.2).
func parseIPv6(s string) (ip [16]byte, ok bool) {
	n := 0    // bytes of ip that are set
	gap := -1 // where "::" stands in ip
	if len(s) >= 2 && s[0] == ':' && s[1] == ':' {
		gap = 0
		s = s[2:]
	}
	for s != "" {
		if n == 16 {
			return ip, false
		}
		end, dot := 0, false
		for end < len(s) && s[end] != ':' {
			dot = dot || s[end] == '.'
			end++
		}
		if dot {
			v4, ok := parseIPv4(s[:end])
			if !ok || end != len(s) || n > 12 {
				return ip, false
			}
			n += copy(ip[n:], v4[:])
			break
		}
		v, ok := parseHex(s[:end])
		if !ok {
			return ip, false
		}
		ip[n], ip[n+1] = byte(v>>8), byte(v)
		n += 2
		if end == len(s) {
			break
		}
		s = s[end+1:]
		switch {
		case s == "": // a colon alone at the end
			return ip, false
		case s[0] == ':':
			if gap >= 0 {
				return ip, false
			}
			gap = n
			s = s[1:]
		}
	}
	if gap < 0 {
		return ip, n == 16
	}
	if n == 16 { // "::" stands for one group of zeros at least
		return ip, false
	}
	copy(ip[16-(n-gap):], ip[gap:n])
	clear(ip[gap : 16-(n-gap)])
	return ip, true
}

// parseIPv4 reads four decimals of one byte each (RFC 3986, section 3.2.2,
// IPv4address), which leaves no room for the octal reading of a leading zero.
func parseIPv4(s string) (ip [4]byte, ok bool) {
	for i := range ip {
		end := 0
		for end < len(s) && s[end] != '.' {
			end++
		}
		if i < 3 && end == len(s) || i == 3 && end < len(s) {
			return ip, false
		}
		v, ok := parseDecimal(s[:end], 255)
		if !ok {
			return ip, false
		}
		ip[i] = byte(v)
		if i < 3 {
			s = s[end+1:]
		}
	}
	return ip, true
}

// parseDecimal reads digits without a leading zero.
func parseDecimal(s string, maxValue uint64) (uint32, bool) {
	if s == "" || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var v uint64
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	return uint32(v), v <= maxValue
}

// parseHex reads a group of one to four hexadecimal digits of either case.
func parseHex(s string) (uint16, bool) {
	if s == "" || len(s) > 4 {
		return 0, false
	}
	var v uint16
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint16(c)
	}
	return v, true
}
