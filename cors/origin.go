package cors

import "github.com/bobtail-go/bobtail/internal/ascii"

// This file reads origins, and lists of names.

const below = "://*."

// isOrigin reports whether s is an origin as browsers write it, or one with
// "*." before its host.
func isOrigin(s string) bool {
	if s == "null" {
		return true
	}
	i := index(s, "://")
	if i < 1 {
		return false
	}
	for k := range i {
		if c := s[k]; !(c >= 'a' && c <= 'z' || k > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false // RFC 3986 section 3.1
		}
	}
	host := s[i+len("://"):]
	if len(host) > 2 && host[:2] == "*." {
		host = host[2:]
	}
	if host == "" {
		return false
	}
	for k := range len(host) {
		switch c := host[k]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == ':', c == '[', c == ']', c == '_':
		default:
			return false
		}
	}
	return true
}

// matches reports whether an origin is o, or below it.
func matches(o string, origin []byte) bool {
	i := index(o, below)
	if i < 0 {
		return ascii.Equal(origin, o)
	}
	scheme, host := o[:i+len("://")], o[i+len("://*"):]
	n := len(origin) - len(host)
	if n <= len(scheme) || !ascii.Equal(origin[:len(scheme)], scheme) || !ascii.Equal(origin[n:], host) {
		return false
	}
	for _, c := range origin[len(scheme):n] {
		// What stands for "*" is labels of a name, and not the end of
		// something else, such as a password.
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

func index(s, sub string) int {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub {
			return i
		}
	}
	return -1
}

func join(list []string) (s string) {
	for i, t := range list {
		if i > 0 {
			s += ", "
		}
		s += t
	}
	return s
}
