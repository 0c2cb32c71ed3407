// Package ascii has what the readers and writers of protocols in ASCII share:
// comparisons, tokens, blanks and decimals. It allocates nothing, neither by Go
// nor by TinyGo, whose conversions between strings and bytes do, and links none
// of the tables of the standard library. All of it may be called by several
// goroutines.
package ascii

import "unsafe"

// Text is what can be looked at byte by byte.
type Text interface{ ~string | ~[]byte }

// View is b as a string, which is valid as long as b stays as it is.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Bytes is s as bytes, which must not be written to.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Equal reports whether b and s are the same.
func Equal(b []byte, s string) bool { return View(b) == s }

// Lower is c in lower case if it is a letter, else c.
func Lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

// EqualFold reports whether a and b differ at most in the case of letters.
func EqualFold[A, B Text](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if c, d := a[i], b[i]; c != d && Lower(c) != Lower(d) {
			return false
		}
	}
	return true
}

// HasPrefixFold reports whether s begins with a prefix, whatever the case of
// its letters.
func HasPrefixFold[T Text](s T, prefix string) bool {
	return len(s) >= len(prefix) && EqualFold(s[:len(prefix)], prefix)
}

// IsBlank reports whether c is optional white space: OWS = *( SP / HTAB ) (RFC
// 9110 section 5.6.3).
func IsBlank(c byte) bool { return c == ' ' || c == '\t' }

// TrimLeft is b without the blanks that it begins with.
func TrimLeft(b []byte) []byte {
	for len(b) != 0 && IsBlank(b[0]) {
		b = b[1:]
	}
	return b
}

// TrimRight is b without the blanks that it ends in.
func TrimRight(b []byte) []byte {
	for len(b) != 0 && IsBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// Trim is b without the blanks around it.
func Trim(b []byte) []byte { return TrimRight(TrimLeft(b)) }

// IsTchar reports whether a token may have a byte (RFC 9110 section 5.6.2):
//
//	tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
//	        "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
func IsTchar(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return c-'0' < 10 || c|0x20-'a' < 26
}

// IsToken reports whether s is a token = 1*tchar.
func IsToken[T Text](s T) bool {
	for i := 0; i < len(s); i++ {
		if !IsTchar(s[i]) {
			return false
		}
	}
	return len(s) != 0
}

// Unhex is the value of a hexadecimal digit, more than 15 for other bytes.
func Unhex(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10
	}
	return 0xFF
}

// AppendUint appends n in decimal, which is 20 bytes at most.
func AppendUint(dst []byte, n uint64) []byte {
	var d [20]byte
	i := len(d)
	for {
		i--
		d[i] = byte('0' + n%10)
		n /= 10
		if n == 0 {
			return append(dst, d[i:]...)
		}
	}
}
