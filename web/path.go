package web

import (
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// This file reads paths as they were sent: escapes, dots and doubled slashes.

// isEscaped reports whether all that looks like an escape in b is one. If not,
// b is taken as it is, as the standard library does.
func isEscaped(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		if i+2 >= len(b) {
			return false
		}
		if ascii.Unhex(b[i+1])|ascii.Unhex(b[i+2]) > 15 {
			return false
		}
		i += 2
	}
	return true
}

// step is the byte of a path at i, and where the next one is. escaped says
// that escapes count.
func step(b []byte, i int, escaped bool) (c byte, next int) {
	if c = b[i]; c != '%' || !escaped {
		return c, i + 1
	}
	return ascii.Unhex(b[i+1])<<4 | ascii.Unhex(b[i+2]), i + 3
}

// decoded is a literal of a pattern as requests are compared with it.
func decoded(s string) string {
	b := []byte(s)
	n, err := form.Decode(b, b)
	if err != nil {
		return s
	}
	return string(b[:n])
}

func hashSegment(b []byte, escaped bool) uint32 {
	h := uint32(2166136261)
	if !escaped {
		for _, c := range b {
			h = (h ^ uint32(c)) * 16777619
		}
		return h ^ h>>15
	}
	for i := 0; i < len(b); {
		var c byte
		c, i = step(b, i, true)
		h = (h ^ uint32(c)) * 16777619
	}
	return h ^ h>>15
}

// equalSegment reports whether a segment as it was sent is text.
func equalSegment(b []byte, text string, escaped bool) bool {
	if !escaped {
		return ascii.Equal(b, text)
	}
	k := 0
	for i := 0; i < len(b); k++ {
		var c byte
		if c, i = step(b, i, true); k == len(text) || text[k] != c {
			return false
		}
	}
	return k == len(text)
}

// isUnclean reports whether a path has a doubled slash, or a segment of one or
// two dots. (It may be wrong about none of these.)
func isUnclean(p []byte) bool {
	if len(p) == 0 || p[0] != '/' {
		return true
	}
	for i := range p {
		if p[i] != '/' {
			continue
		}
		rest := p[i+1:]
		switch {
		case len(rest) == 0:
		case rest[0] == '/':
			return true
		case rest[0] != '.':
		case len(rest) == 1 || rest[1] == '/':
			return true
		case rest[1] == '.' && (len(rest) == 2 || rest[2] == '/'):
			return true
		}
	}
	return false
}

// cleanPath appends a path to dst without doubled slashes and without segments
// of dots, which are resolved (RFC 3986 section 5.2.4); a slash at the end
// stays. dst is empty.
func cleanPath(dst, p []byte) []byte {
	for i := 0; i < len(p); {
		for i < len(p) && p[i] == '/' {
			i++
		}
		k := i
		for k < len(p) && p[k] != '/' {
			k++
		}
		switch seg := p[i:k]; {
		case len(seg) == 0, len(seg) == 1 && seg[0] == '.':
		case len(seg) == 2 && seg[0] == '.' && seg[1] == '.':
			for n := len(dst) - 1; n >= 0; n-- {
				c := dst[n]
				dst = dst[:n]
				if c == '/' {
					break
				}
			}
		default:
			dst = append(append(dst, '/'), seg...)
		}
		i = k
	}
	if len(dst) == 0 || len(p) > 0 && p[len(p)-1] == '/' {
		dst = append(dst, '/')
	}
	return dst
}

// appendReference appends a path to dst as it may stand in a Location: bytes
// that a reference has not are escaped, since some browsers take "\" for "/"
// and would find a host behind two of them.
func appendReference(dst, p []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range p {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			indexByte("-._~!$&'()*+,;=:@/%", c) >= 0: // RFC 3986 section 3.3
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
