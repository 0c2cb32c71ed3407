package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// The bytes of URIs (RFC 3986 appendix A), and their escapes.

// charSet is a set of ASCII, a bit for each byte.
type charSet [2]uint64

func (s *charSet) has(c byte) bool { return c < 128 && s[c>>6]>>(c&63)&1 != 0 }

// unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"
// sub-delims = "!" / "$" / "&" / "'" / "(" / ")" / "*" / "+" / "," / ";" / "="
var (
	// pchar = unreserved / pct-encoded / sub-delims / ":" / "@", without the "%"
	segmentChars = charSet{0x2FFF7FD200000000, 0x47FFFFFE87FFFFFF}
	// path-abempty = *( "/" segment ), without the "%"
	pathChars = charSet{0x2FFFFFD200000000, 0x47FFFFFE87FFFFFF}
	// query = *( pchar / "/" / "?" ), without the "%"
	queryChars = charSet{0xAFFFFFD200000000, 0x47FFFFFE87FFFFFF}
	// what one part of a query has as it is: query without the "&" (RFC 7252 section 6.5)
	argumentChars = charSet{0xAFFFFF9200000000, 0x47FFFFFE87FFFFFF}
	// reg-name = *( unreserved / pct-encoded / sub-delims ), without the "%"
	hostChars = charSet{0x2BFF7FD200000000, 0x47FFFFFE87FFFFFE}
)

// appendEscaped appends b with a percent sign and two digits for each byte that
// is not in the set (RFC 3986 section 2.1).
func appendEscaped(dst, b []byte, set *charSet) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range b {
		if set.has(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// checkEscaped wants bytes of the set and whole escapes.
func checkEscaped(s string, set *charSet) Error {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%':
			if len(s)-i < 3 || ascii.Unhex(s[i+1]) > 15 || ascii.Unhex(s[i+2]) > 15 {
				return ErrURIEscape
			}
			i += 2
		case !set.has(s[i]):
			return ErrURIByte
		}
	}
	return 0
}

// unescapedSize is the length of what appendUnescaped appends.
func unescapedSize(s string) int {
	n := len(s)
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			n -= 2
		}
	}
	return n
}

// appendUnescaped appends s decoded. What checkEscaped has refused is nonsense
// then, but not out of bounds.
func appendUnescaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && len(s)-i > 2 {
			c = ascii.Unhex(s[i+1])<<4 | ascii.Unhex(s[i+2])
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

// indexByte is the offset of the first c in s, the length of s if there is none.
func indexByte(s string, c byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == c {
			return i
		}
	}
	return len(s)
}
