package http1

import (
	"math/bits"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/build"
)

// The classes of bytes, each under its ABNF, and the scanners that look at
// eight bytes at once. A scanner returns the offset of the first byte that is
// not of its class, or the length of what it was given: it never says why,
// which is left to the caller, who sees that byte anyway.

// class is a set of byte classes.
type class uint8

const (
	// tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
	//         "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA (RFC 9110 section 5.6.2)
	classToken class = 1 << iota

	// reg-name = *( unreserved / pct-encoded / sub-delims ), without the "%" of
	// pct-encoded (RFC 3986 section 3.2.2)
	classRegName

	// HEXDIG (RFC 5234 appendix B.1), in both cases
	classHex

	// qdtext = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text (RFC 9110 section 5.6.4)
	classQuoted
)

// classes has the classes of every byte.
var classes = [256]class{
	0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, // 00
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // 10
	8, 11, 0, 9, 11, 9, 11, 11, 10, 10, 11, 11, 10, 11, 11, 8, // 20
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 8, 10, 8, 10, 8, 8, // 30
	8, 15, 15, 15, 15, 15, 15, 11, 11, 11, 11, 11, 11, 11, 11, 11, // 40
	11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 8, 0, 8, 9, 11, // 50
	9, 15, 15, 15, 15, 15, 15, 11, 11, 11, 11, 11, 11, 11, 11, 11, // 60
	11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 8, 9, 8, 11, 0, // 70
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // 80
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // 90
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // A0
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // B0
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // C0
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // D0
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // E0
	8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, // F0
}

func isToken(c byte) bool   { return classes[c]&classToken != 0 }
func isRegName(c byte) bool { return classes[c]&classRegName != 0 }
func isHex(c byte) bool     { return classes[c]&classHex != 0 }
func isQuoted(c byte) bool  { return classes[c]&classQuoted != 0 }
func isDigit(c byte) bool   { return c-'0' < 10 }
func isAlpha(c byte) bool   { return c|0x20-'a' < 26 }

// allToken is ascii.IsToken by the classes, one look at each byte.
func allToken[T ascii.Text](b T) bool {
	for i := 0; i < len(b); i++ {
		if !isToken(b[i]) {
			return false
		}
	}
	return len(b) != 0
}

// In the tests of eight bytes at once, each of the expressions sets the high
// bit of a byte that has the property, and may wrongly set it in a byte above
// such a one, by the borrow. So the lowest bit that is set is right, also in
// several expressions joined by "or", and it is the only one that is used.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanValue is the offset of the first byte at i or later that cannot be in a
// field value; CR is one of those.
//
//	field-content = field-vchar / SP / HTAB, field-vchar = VCHAR / obs-text
//	(RFC 9110 section 5.5)
func scanValue(b []byte, i int) int {
	for i+8 <= len(b) {
		m := controls(word(b[i : i+8]))
		if m == 0 {
			i += 8
			continue
		}
		i += firstByte(m)
		if b[i] != '\t' {
			return i
		}
		i++
	}
	if w, ok := lastWord(b, i); ok {
		i += firstByte(controls(w))
	}
	for i < len(b) && (b[i] >= ' ' && b[i] != 0x7F || b[i] == '\t') {
		i++
	}
	return i
}

// scanTarget is the offset of the first byte at i or later that cannot be in
// a request target: SP and what is below, DEL and what is above, and "#".
//
// RFC 3986 allows fewer, but browsers send `|`, `^`, "{", "[" and others as
// they are in queries (the URL standard of WHATWG), and none of them can end
// or split anything here. "#" begins a fragment, which is no part of a target.
func scanTarget(b []byte, i int) int {
	for i+8 <= len(b) {
		if m := targetEnds(word(b[i : i+8])); m != 0 {
			return i + firstByte(m)
		}
		i += 8
	}
	if w, ok := lastWord(b, i); ok {
		return i + firstByte(targetEnds(w))
	}
	for i < len(b) && isTarget(b[i]) {
		i++
	}
	return i
}

// scanPath is scanTarget that also stops at "?".
func scanPath(b []byte, i int) int {
	for i+8 <= len(b) {
		if m := pathEnds(word(b[i : i+8])); m != 0 {
			return i + firstByte(m)
		}
		i += 8
	}
	if w, ok := lastWord(b, i); ok {
		return i + firstByte(pathEnds(w))
	}
	for i < len(b) && isTarget(b[i]) && b[i] != '?' {
		i++
	}
	return i
}

func isTarget(c byte) bool { return c > ' ' && c < 0x7F && c != '#' }

// targetEnds marks what cannot be in a target.
func targetEnds(w uint64) uint64 {
	d := w ^ 0x7F*ones
	f := w ^ '#'*ones
	return ((w-0x21*ones)&^w | (d-ones)&^d | (f-ones)&^f | w) & highs
}

// pathEnds marks what cannot be in a path: "?" too.
func pathEnds(w uint64) uint64 {
	q := w ^ '?'*ones
	return targetEnds(w) | (q-ones)&^q&highs
}

// controls marks what cannot be in a field value, and HTAB.
func controls(w uint64) uint64 {
	d := w ^ 0x7F*ones
	return ((w-0x20*ones)&^w | (d-ones)&^d) & highs // below SP, or DEL
}

// colons marks ":".
func colons(w uint64) uint64 {
	c := w ^ ':'*ones
	return (c - ones) &^ c & highs
}

// scanColon is the offset of the first ":" at i or later.
func scanColon(b []byte, i int) int {
	for i+8 <= len(b) {
		if m := colons(word(b[i : i+8])); m != 0 {
			return i + firstByte(m)
		}
		i += 8
	}
	for i < len(b) && b[i] != ':' {
		i++
	}
	return i
}

// lastWord is what is left of b from i on, less than eight bytes, with zeros
// behind it, none of which a scanner passes. ok is false if nothing is left, or
// b is shorter than a word, and in small programs.
func lastWord(b []byte, i int) (w uint64, ok bool) {
	k := len(b) - 8
	if build.Small || k < 0 || i >= len(b) {
		return 0, false
	}
	return word(b[k:]) >> (uint(i-k) * 8), true
}

// word is the first eight bytes of b, the first of them lowest. Compilers make
// one load of it where the machine allows.
func word[T ascii.Text](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// firstByte is the index of the byte in which the lowest bit of m is.
func firstByte(m uint64) int { return bits.TrailingZeros64(m) >> 3 }
