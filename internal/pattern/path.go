package pattern

import "github.com/bobtail-go/bobtail/internal/ascii"

// IsEscaped reports whether all that looks like an escape in b is one (RFC 3986
// section 2.1). If not, b is taken as it is, as the standard library does.
func IsEscaped(b []byte) bool {
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

// Step is the byte of a path at i, and where the next one is. escaped says
// that escapes count, of which IsEscaped has approved.
func Step(b []byte, i int, escaped bool) (c byte, next int) {
	if c = b[i]; c != '%' || !escaped {
		return c, i + 1
	}
	return ascii.Unhex(b[i+1])<<4 | ascii.Unhex(b[i+2]), i + 3
}

// decoded is a literal of a pattern as requests are compared with it.
func decoded(s string) string {
	from := ascii.Bytes(s)
	if indexByte(s, '%') < 0 || !IsEscaped(from) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		var c byte
		c, i = Step(from, i, true)
		b = append(b, c)
	}
	return string(b)
}

// IsUnclean reports whether a path has a doubled slash, or a segment of one or
// two dots, or does not begin with a slash.
func IsUnclean(p []byte) bool {
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
