package form

import "github.com/bobtail-go/bobtail/internal/ascii"

// Decode decodes percent-encoding (RFC 3986 section 2.1) of src into dst and
// returns the length of what it has written. dst may be src, since nothing
// gets longer. It fails with ErrEscape, and with ErrShort if dst is too short,
// which one as long as src never is; dst has changed then.
func Decode(dst, src []byte) (n int, err error) { return decode(dst, src, '%') }

// DecodeForm is Decode that takes "+" for a space, as urlencoded forms and
// queries have it (WHATWG URL section 5.1).
func DecodeForm(dst, src []byte) (n int, err error) { return decode(dst, src, '+') }

// decode takes plus for a space; it is "%" where none is, which comes to the
// other case first.
func decode(dst, src []byte, plus byte) (n int, err error) {
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch c {
		case '%':
			if i+2 >= len(src) {
				return n, ErrEscape
			}
			h, l := ascii.Unhex(src[i+1]), ascii.Unhex(src[i+2])
			if h|l > 15 {
				return n, ErrEscape
			}
			c = h<<4 | l
			i += 2
		case plus:
			c = ' '
		}
		if n == len(dst) {
			return n, ErrShort
		}
		dst[n] = c
		n++
	}
	return n, nil
}

// DecodedLen is the length of what Decode and DecodeForm make of src, and
// whether src is what DecodeForm makes of it.
func DecodedLen(src []byte) (n int, same bool) {
	n, same = len(src), true
	for _, c := range src {
		switch c {
		case '%':
			n -= 2
			same = false
		case '+':
			same = false
		}
	}
	return max(n, 0), same
}
