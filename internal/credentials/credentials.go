// Package credentials parses the Authorization field of a request (RFC 9110
// section 11.6.2). It does no I/O and allocates nothing.
package credentials

import (
	"math/bits"

	"github.com/bobtail-go/bobtail/internal/ascii"
)

// Basic decodes credentials of the scheme Basic (RFC 7617 section 2) into dst:
// views of it, before and behind the first colon. It is not ok if the scheme is
// another, what follows is not base64 with its padding, or has a control or no
// colon, or is longer than dst; BasicLen says how long that must be.
func Basic(dst, value []byte) (user, password []byte, ok bool) {
	b, ok := cutScheme(value, "basic")
	if !ok || len(b)%4 != 0 || len(b) == 0 {
		return nil, nil, false
	}
	n, colon := 0, -1
	for i := 0; i < len(b); i += 4 {
		var w uint32
		last := 3 // bytes of this group
		for j, c := range b[i : i+4] {
			v := digit(c)
			if v > 63 {
				if c != '=' || i+4 != len(b) || j < 2 || j == 2 && b[i+3] != '=' {
					return nil, nil, false
				}
				last = min(last, j-1)
				v = 0
			}
			w = w<<6 | uint32(v)
		}
		if w<<(8+8*last) != 0 {
			return nil, nil, false // what padding stands for is zero (RFC 4648 section 3.5)
		}
		for range last {
			c := byte(w >> 16)
			w <<= 8
			if c < ' ' || c == 0x7F || n == len(dst) {
				return nil, nil, false
			}
			if c == ':' && colon < 0 {
				colon = n
			}
			dst[n] = c
			n++
		}
	}
	if colon < 0 {
		return nil, nil, false
	}
	return dst[:colon:colon], dst[colon+1 : n : n], true
}

// BasicLen is a length of dst that suffices for Basic, 0 if the scheme is
// another.
func BasicLen(value []byte) int {
	b, ok := cutScheme(value, "basic")
	if !ok {
		return 0
	}
	return len(b) / 4 * 3
}

// Bearer is the token of the scheme Bearer (RFC 6750 section 2.1), a view of
// value, and nil if the scheme is another, or what follows is no token.
func Bearer(value []byte) []byte {
	b, ok := cutScheme(value, "bearer")
	if !ok {
		return nil
	}
	n := 0
	for n < len(b) && isToken68(b[n]) {
		n++
	}
	for i := n; i < len(b); i++ {
		if b[i] != '=' {
			return nil
		}
	}
	if n == 0 {
		return nil
	}
	return b
}

// IsScheme reports whether a value begins with a scheme, which is in lower
// case.
func IsScheme(value []byte, scheme string) bool {
	_, ok := cutScheme(value, scheme)
	return ok
}

// cutScheme returns what follows a scheme and its blanks (RFC 9110 section
// 11.4).
func cutScheme(b []byte, scheme string) ([]byte, bool) {
	n := len(scheme)
	if !ascii.HasPrefixFold(b, scheme) || len(b) > n && b[n] != ' ' {
		return nil, false
	}
	for b = b[n:]; len(b) > 0 && b[0] == ' '; b = b[1:] {
	}
	return b, true
}

func isToken68(c byte) bool {
	switch c {
	case '-', '.', '_', '~', '+', '/':
		return true
	}
	return c-'0' < 10 || c|0x20-'a' < 26
}

// digit is the value of a digit of base64, more than 63 for other bytes.
func digit(c byte) byte {
	switch {
	case c-'A' < 26:
		return c - 'A'
	case c-'a' < 26:
		return c - 'a' + 26
	case c-'0' < 10:
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 0xFF
}

// Equal reports whether what a peer has given is a secret. The time that it
// takes depends on the length of what was given, which the peer knows, and on
// nothing of the secret. An empty secret equals nothing: whoever has forgotten
// to set one lets nobody in.
func Equal[T string | []byte](given []byte, secret T) bool {
	lengths := len(given) ^ len(secret)
	var diff byte
	last := len(secret) - 1
	if last < 0 {
		return false
	}
	for i, c := range given {
		// The lesser of i and last, without a branch.
		d := i - last
		j := last + d&(d>>(bits.UintSize-1))
		diff |= c ^ secret[j]
	}
	return lengths|int(diff) == 0
}
