package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// cleanPath decodes the path of a request, as it was sent and after the
// prefix, into dst, if it has escapes, and returns it without its leading
// slash: "" for the root, with a slash at the end if it has one. dst needs as
// many bytes as raw has. ok is false if the path is not plain.
//
// The rules are stricter than those of a URI (RFC 3986 section 3.3), so that
// no file system below can read anything else from the path than is meant: see
// the package's comment. A path that holds ".." has been resolved by the
// client, or by the router's redirect; what is left is somebody's attempt.
func cleanPath(dst, raw []byte) (path []byte, ok bool) {
	if len(raw) == 0 || raw[0] != '/' {
		return nil, false
	}
	raw = raw[1:]
	escaped := false
	for _, c := range raw {
		escaped = escaped || c == '%'
	}
	if !escaped {
		return raw, plain(raw)
	}
	n := 0
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) {
				return nil, false
			}
			hi, lo := ascii.Unhex(raw[i+1]), ascii.Unhex(raw[i+2])
			if hi|lo > 15 {
				return nil, false
			}
			// An escaped slash belongs to a segment, and no file's name can
			// have it.
			if c = hi<<4 | lo; c == '/' {
				return nil, false
			}
			i += 2
		}
		dst[n] = c
		n++
	}
	return dst[:n], plain(dst[:n])
}

// plain reports whether a decoded path consists of plain segments, the last of
// which may be empty.
func plain(path []byte) bool {
	start := 0
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			if c := path[i]; c < 0x20 || c == 0x7f || c == '\\' {
				return false
			}
			continue
		}
		if s := path[start:i]; !plainSegment(s) && !(len(s) == 0 && i == len(path)) {
			return false
		}
		start = i + 1
	}
	return true
}

func plainSegment(s []byte) bool {
	switch {
	case len(s) == 0, len(s) == 1 && s[0] == '.', len(s) == 2 && s[0] == '.' && s[1] == '.':
		return false
	case len(s) >= 2 && s[1] == ':' && 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z':
		return false // a drive
	}
	return true
}

// validName reports whether a file can be asked for by a name.
func validName(s string) bool {
	return s != "" && s[len(s)-1] != '/' && plain(ascii.Bytes(s))
}
