package form

import "github.com/bobtail-go/bobtail/internal/ascii"

// MaxBoundary is the length of the longest boundary, in bytes (RFC 2046
// section 5.1.1).
const MaxBoundary = 70

// Boundary copies the boundary of a Content-Type's value to dst and returns
// its length. It fails with ErrType if the value is not multipart/form-data,
// with ErrParameter, ErrQuoted, ErrBoundaryNone, ErrBoundaryTwice and
// ErrBoundary if it is malformed, and with ErrShort; a dst of MaxBoundary bytes
// suffices.
func Boundary(dst, contentType []byte) (n int, err error) {
	b, ok := cutMediaType(contentType, "multipart/form-data")
	if !ok {
		return 0, ErrType
	}
	found := false
	for {
		var p parameter
		if p, b, err = nextParameter(b); err != nil {
			return 0, err
		}
		if p.name == nil {
			break
		}
		if !ascii.EqualFold(p.name, "boundary") {
			continue
		}
		if found {
			return 0, ErrBoundaryTwice
		}
		found = true
		for i := 0; i < len(p.value); i++ {
			c := p.value[i]
			if !isBoundary(c) || n == MaxBoundary {
				return 0, ErrBoundary
			}
			if n == len(dst) {
				return 0, ErrShort
			}
			dst[n] = c
			n++
		}
		if n == 0 || dst[n-1] == ' ' {
			return 0, ErrBoundary
		}
	}
	if !found {
		return 0, ErrBoundaryNone
	}
	return n, nil
}

// IsMediaType reports whether a Content-Type's value is of a media type, which
// is given in lower case, whatever its parameters are.
func IsMediaType(contentType []byte, mediaType string) bool {
	_, ok := cutMediaType(contentType, mediaType)
	return ok
}

// cutMediaType returns what follows a media type.
func cutMediaType(b []byte, mediaType string) (rest []byte, ok bool) {
	if !ascii.HasPrefixFold(b, mediaType) {
		return nil, false
	}
	n := len(mediaType)
	if n < len(b) && b[n] != ';' && !ascii.IsBlank(b[n]) {
		return nil, false
	}
	return b[n:], true
}

// isBoundary reports whether a boundary may have a byte: bchars of RFC 2046
// section 5.1.1.
func isBoundary(c byte) bool {
	switch c {
	case '\'', '(', ')', '+', '_', ',', '-', '.', '/', ':', '=', '?', ' ':
		return true
	}
	return c-'0' < 10 || c|0x20-'a' < 26
}

// parameter is one of a media type or a disposition.
type parameter struct {
	name   []byte
	value  []byte // without the quotes, but with the backslashes between them
	quoted bool
}

// nextParameter takes a parameter off the front of b, which begins behind the
// one before it. There is none if its name is nil.
//
//	parameters      = *( OWS ";" OWS parameter ) [ OWS ";" ]
//	parameter       = parameter-name "=" parameter-value
//	parameter-value = ( token / quoted-string )
//
// (RFC 9110 section 5.6.6, but that an empty parameter stands at the end only,
// as in package mime.) In a quoted string only a quote and a backslash count as
// escaped, as there: programs send the paths of Windows as they are. And a
// quote that would end the string ends it, whatever is before: browsers write
// no backslash to escape, and send those of a name.
func nextParameter(b []byte) (p parameter, rest []byte, err error) {
	if b = ascii.TrimLeft(b); len(b) == 0 {
		return p, nil, nil
	}
	if b[0] != ';' {
		return p, nil, ErrParameter
	}
	if b = ascii.TrimLeft(b[1:]); len(b) == 0 {
		return p, nil, nil
	}
	i := 0
	for i < len(b) && ascii.IsTchar(b[i]) {
		i++
	}
	if i == 0 || i == len(b) || b[i] != '=' {
		return p, nil, ErrParameter
	}
	name := b[:i]
	b = b[i+1:]
	if len(b) > 0 && b[0] == '"' {
		for i = 1; i < len(b) && b[i] != '"'; i++ {
			if escapes(b[i:]) && (b[i+1] == '\\' || !atParameter(b[i+2:])) {
				i++
			}
		}
		if i >= len(b) {
			return p, nil, ErrQuoted
		}
		return parameter{name, b[1:i], true}, b[i+1:], nil
	}
	for i = 0; i < len(b) && ascii.IsTchar(b[i]); i++ {
	}
	if i == 0 {
		return p, nil, ErrParameter
	}
	return parameter{name, b[:i], false}, b[i:], nil
}

// escapes reports whether b begins with a backslash that escapes what is
// behind it.
func escapes(b []byte) bool {
	return len(b) > 1 && b[0] == '\\' && (b[1] == '"' || b[1] == '\\')
}

// atParameter reports whether b is where a parameter may begin, or none is.
func atParameter(b []byte) bool {
	b = ascii.TrimLeft(b)
	return len(b) == 0 || b[0] == ';'
}
