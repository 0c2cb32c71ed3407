package web

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// This file reads paths as they were sent: escapes, dots and doubled slashes.

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
		c, i = pattern.Step(b, i, true)
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
		if c, i = pattern.Step(b, i, true); k == len(text) || text[k] != c {
			return false
		}
	}
	return k == len(text)
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

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}
