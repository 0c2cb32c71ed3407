package json

import "github.com/bobtail-go/bobtail/internal/ascii"

// check reports whether b is one JSON text (RFC 8259 section 2), nested no
// deeper than MaxDepth, and how deep it is nested. As encoding/json, it does
// not ask whether strings are UTF-8.
func check(b []byte) (deepest int, ok bool) {
	stack, depth := uint64(0), 0 // as those of a Writer
	i := skip(b, 0)
	for {
		// A value.
		if i == len(b) {
			return 0, false
		}
		c := b[i]
		switch {
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return 0, false
			}
			depth++
			deepest = max(deepest, depth)
			stack <<= 1
			if i = skip(b, i+1); i == len(b) {
				return 0, false
			}
			if c == '[' {
				if b[i] != ']' {
					continue
				}
			} else {
				stack |= 1
				if b[i] != '}' {
					if i = member(b, i); i < 0 {
						return 0, false
					}
					continue
				}
			}
		case c == '"':
			if i = str(b, i); i < 0 {
				return 0, false
			}
		case c == '-' || c-'0' < 10:
			if i = number(b, i); i < 0 {
				return 0, false
			}
		default:
			n := 0
			for _, word := range [...]string{"true", "false", "null"} {
				if len(b)-i >= len(word) && ascii.Equal(b[i:i+len(word)], word) {
					n = len(word)
				}
			}
			if n == 0 {
				return 0, false
			}
			i += n
		}
		// What follows it.
		for {
			i = skip(b, i)
			if depth == 0 {
				return deepest, i == len(b)
			}
			if i == len(b) {
				return 0, false
			}
			object := stack&1 == 1
			if c := b[i]; c == ']' && !object || c == '}' && object {
				depth--
				stack >>= 1
				i++
				continue
			}
			if b[i] != ',' {
				return 0, false
			}
			i = skip(b, i+1)
			if object {
				if i = member(b, i); i < 0 {
					return 0, false
				}
			}
			break
		}
	}
}

// skip passes over white space.
func skip(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// member passes over a name and its colon; it is less than 0 if there is none.
func member(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return -1
	}
	if i = str(b, i); i < 0 {
		return -1
	}
	if i = skip(b, i); i == len(b) || b[i] != ':' {
		return -1
	}
	return skip(b, i+1)
}

// str passes over a string whose first quote is at i.
func str(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i++; i == len(b) {
				return -1
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if i++; i == len(b) || b[i]-'0' >= 10 && b[i]|0x20-'a' >= 6 {
						return -1
					}
				}
			default:
				return -1
			}
		}
	}
	return -1
}

// number passes over a number.
func number(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = digits(b, i); i < 0 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = digits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return digits(b, i)
	}
	return i
}

// digits passes over one digit or more.
func digits(b []byte, i int) int {
	if i >= len(b) || b[i]-'0' >= 10 {
		return -1
	}
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}
