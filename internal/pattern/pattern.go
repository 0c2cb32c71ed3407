// Package pattern reads patterns, which are those of the standard library's
// ServeMux, and tells which of two is more specific. The routers of several
// protocols share it; how they find a pattern for a request is their own.
package pattern

import "github.com/bobtail-go/bobtail/internal/ascii"

// Pattern is a pattern that was read: [METHOD ][HOST]/[PATH].
type Pattern struct {
	Text     string
	Method   string // "" is any
	Host     string // in lower case; "" is any
	Segments []Segment
}

// Segment is a part of a pattern's path. A path that ends in "/" ends in a
// Multi without a name; one that ends in "/{$}" ends in the literal "/", which
// nothing else can be.
type Segment struct {
	Text  string // literal, decoded; or the wildcard's name
	Wild  bool   // one segment of the request's path, not empty
	Multi bool   // all the rest of it; it is Wild too
}

// MaxWildcards is the most wildcards that a pattern may have.
const MaxWildcards = 8

// Parse reads a pattern. why says in words why it is none, and is empty if it
// is one.
func Parse(text string) (p Pattern, why string) {
	p.Text = text
	rest := text
	for i := range len(text) {
		if c := text[i]; c == ' ' || c == '\t' {
			p.Method = text[:i]
			for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
				i++
			}
			rest = text[i:]
			if !ascii.IsToken(p.Method) {
				return p, "the method is not a token"
			}
			break
		}
	}
	i := indexByte(rest, '/')
	if i < 0 {
		return p, "no / before the path"
	}
	p.Host, rest = rest[:i], rest[i:]
	for i := range len(p.Host) {
		if c := p.Host[i]; c == '{' || c <= ' ' || c >= 0x7f {
			return p, "the host has a byte that no host has"
		}
	}
	p.Host = lower(p.Host)
	if p.Method != "CONNECT" && IsUnclean(ascii.Bytes(rest)) {
		return p, "the path is not clean, so that no request would match"
	}
	wilds := 0
	for rest != "" {
		rest = rest[1:] // the slash
		if rest == "" {
			p.Segments = append(p.Segments, Segment{Wild: true, Multi: true})
			break
		}
		i := indexByte(rest, '/')
		if i < 0 {
			i = len(rest)
		}
		s, why := parseSegment(rest[:i], i == len(rest))
		if why != "" {
			return p, why
		}
		for _, t := range p.Segments {
			if s.Wild && t.Wild && t.Text == s.Text {
				return p, "two wildcards of one name"
			}
		}
		if s.Wild {
			if wilds++; wilds > MaxWildcards {
				return p, "more wildcards than MaxWildcards"
			}
		}
		p.Segments = append(p.Segments, s)
		rest = rest[i:]
	}
	return p, ""
}

// parseSegment reads what is between two slashes of a pattern, or behind the
// last.
func parseSegment(seg string, last bool) (s Segment, why string) {
	i := indexByte(seg, '{')
	if i < 0 {
		for i := range len(seg) {
			if c := seg[i]; c <= ' ' || c == 0x7f || c == '?' || c == '#' {
				return s, "the path has a byte that no path has"
			}
		}
		return Segment{Text: decoded(seg)}, ""
	}
	if i != 0 || seg[len(seg)-1] != '}' {
		return s, "a wildcard is not a whole segment"
	}
	name := seg[1 : len(seg)-1]
	if name == "$" {
		if !last {
			return s, "{$} is not at the end"
		}
		return Segment{Text: "/"}, ""
	}
	s.Wild = true
	if n := len(name) - len("..."); n >= 0 && name[n:] == "..." {
		if name, s.Multi = name[:n], true; !last {
			return s, "a wildcard of many segments is not at the end"
		}
	}
	if !isName(name) {
		return s, "the name of a wildcard is not a Go identifier"
	}
	s.Text = name
	return s, ""
}

// isName reports whether a wildcard may have a name: an identifier of Go, of
// letters beyond ASCII any.
func isName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
		case c >= '0' && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

// lower is a host in lower case, since its case does not count (RFC 9110
// section 4.2.3). ServeMux compares it as it is.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for i, c := range b {
				if c >= 'A' && c <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}
