package ws

import "math/bits"

// UTF8 checks text that comes in pieces (RFC 6455 section 8.1). Its zero value
// is ready for a text. It is a plain value.
type UTF8 struct {
	state uint8 // what the next byte may be
}

// The states between two bytes: how many continuation bytes follow, and what
// the first of them may be (RFC 3629 section 4).
const (
	utf8Whole = iota // not inside a character
	utf8One          // one more, 80..BF
	utf8Two          // two more
	utf8Three        // three more
	utf8E0           // two more, the first A0..BF: no overlong form
	utf8ED           // two more, the first 80..9F: no surrogate
	utf8F0           // three more, the first 90..BF: no overlong form
	utf8F4           // three more, the first 80..8F: not above U+10FFFF
)

// Check reports whether b can follow what was checked before. After the first
// byte that cannot, u must be made zero before it is used again.
func (u *UTF8) Check(b []byte) bool {
	i := 0
	for u.state != utf8Whole {
		if i == len(b) {
			return true
		}
		if !u.step(b[i]) {
			return false
		}
		i++
	}
	for {
		if i = skipASCII(b, i); i == len(b) {
			return true
		}
	several: // characters of several bytes, and what little ASCII is between
		for {
			if i+4 > len(b) {
				for ; i < len(b); i++ {
					if !u.step(b[i]) {
						return false
					}
				}
				return true
			}
			switch w := word32(b[i:]); {
			case w&0x80808080 == 0:
				i += 4
				break several
			case w&0x80 == 0:
				i++
			case w&0xC0E0 == 0x80C0 && w&0x1E != 0: // C2..DF, 80..BF
				i += 2
			case w&0xC0C0F0 == 0x8080E0:
				c := w&0xF<<12 | w>>2&0xFC0 | w>>16&0x3F
				if c < 0x800 || c>>11 == 0xD800>>11 {
					return false // overlong, or a surrogate
				}
				i += 3
			case w&0xC0C0C0F8 == 0x808080F0:
				c := w&0x7<<18 | w<<4&0x3F000 | w>>10&0xFC0 | w>>24&0x3F
				if c-0x10000 > 0xFFFFF {
					return false // overlong, or not in Unicode
				}
				i += 4
			default:
				return false
			}
		}
	}
}

// skipASCII is the offset of the first byte at i or later that is not ASCII.
func skipASCII(b []byte, i int) int {
	for ; i+32 <= len(b); i += 32 {
		p := b[i : i+32]
		if (word(p)|word(p[8:])|word(p[16:])|word(p[24:]))&highs != 0 {
			break
		}
	}
	for ; i+8 <= len(b); i += 8 {
		if m := word(b[i:i+8]) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && b[i] < 0x80 {
		i++
	}
	return i
}

// Whole reports whether the text may end here: not inside a character.
func (u *UTF8) Whole() bool { return u.state == utf8Whole }

// step takes one byte.
func (u *UTF8) step(c byte) bool {
	lo, hi := byte(0x80), byte(0xBF)
	next := uint8(utf8Whole)
	switch u.state {
	case utf8Whole:
		switch {
		case c < 0x80:
		case c < 0xC2:
			return false
		case c < 0xE0:
			u.state = utf8One
		case c == 0xE0:
			u.state = utf8E0
		case c == 0xED:
			u.state = utf8ED
		case c < 0xF0:
			u.state = utf8Two
		case c == 0xF0:
			u.state = utf8F0
		case c < 0xF4:
			u.state = utf8Three
		case c == 0xF4:
			u.state = utf8F4
		default:
			return false
		}
		return true
	case utf8One:
	case utf8Two:
		next = utf8One
	case utf8Three:
		next = utf8Two
	case utf8E0:
		lo, next = 0xA0, utf8One
	case utf8ED:
		hi, next = 0x9F, utf8One
	case utf8F0:
		lo, next = 0x90, utf8Two
	case utf8F4:
		hi, next = 0x8F, utf8Two
	}
	u.state = next
	return c >= lo && c <= hi
}
