package web

import "github.com/bobtail-go/bobtail/internal/ascii"

// This file reads patterns, which are those of the standard library's
// ServeMux, and tells which of two is more specific.

// pattern is a pattern that was read: [METHOD ][HOST]/[PATH].
type pattern struct {
	text     string
	method   string // "" is any
	host     string // in lower case; "" is any
	segments []segment
}

// segment is a part of a pattern's path. A path that ends in "/" ends in a
// multi without a name; one that ends in "/{$}" ends in the literal "/", which
// nothing else can be.
type segment struct {
	text  string // literal, decoded; or the wildcard's name
	wild  bool   // one segment of the request's path, not empty
	multi bool   // all the rest of it
}

// MaxWildcards is the most wildcards that a pattern may have.
const MaxWildcards = 8

// PatternError says why a pattern was refused.
type PatternError struct {
	Pattern string
	Other   string // the pattern that it conflicts with, if it does
	Err     Error  // ErrPattern or ErrConflict
	why     string
}

// Error says what is wrong with which pattern.
func (e *PatternError) Error() string {
	if e.Other != "" {
		return "web: pattern \"" + e.Pattern + "\" conflicts with \"" + e.Other + "\": " + e.why
	}
	return "web: pattern \"" + e.Pattern + "\": " + e.why
}

// Unwrap is the Err, for errors.Is.
func (e *PatternError) Unwrap() error { return e.Err }

func badPattern(text, why string) error {
	return &PatternError{Pattern: text, Err: ErrPattern, why: why}
}

// parsePattern reads a pattern.
func parsePattern(text string) (p pattern, err error) {
	p.text = text
	rest := text
	for i := range len(text) {
		if c := text[i]; c == ' ' || c == '\t' {
			p.method = text[:i]
			for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
				i++
			}
			rest = text[i:]
			if !ascii.IsToken(p.method) {
				return p, badPattern(text, "the method is not a token")
			}
			break
		}
	}
	i := indexByte(rest, '/')
	if i < 0 {
		return p, badPattern(text, "no / before the path")
	}
	p.host, rest = rest[:i], rest[i:]
	for i := range len(p.host) {
		if c := p.host[i]; c == '{' || c <= ' ' || c >= 0x7f {
			return p, badPattern(text, "the host has a byte that no host has")
		}
	}
	p.host = lower(p.host)
	if p.method != "CONNECT" && isUnclean([]byte(rest)) {
		return p, badPattern(text, "the path is not clean, so that no request would match")
	}
	wilds := 0
	for rest != "" {
		rest = rest[1:] // the slash
		if rest == "" {
			p.segments = append(p.segments, segment{wild: true, multi: true})
			break
		}
		i := indexByte(rest, '/')
		if i < 0 {
			i = len(rest)
		}
		var s segment
		if s, err = parseSegment(text, rest[:i], i == len(rest)); err != nil {
			return p, err
		}
		for _, t := range p.segments {
			if s.wild && t.wild && t.text == s.text {
				return p, badPattern(text, "two wildcards of one name")
			}
		}
		if s.wild {
			if wilds++; wilds > MaxWildcards {
				return p, badPattern(text, "more wildcards than MaxWildcards")
			}
		}
		p.segments = append(p.segments, s)
		rest = rest[i:]
	}
	return p, nil
}

// parseSegment reads what is between two slashes of a pattern, or behind the
// last.
func parseSegment(text, seg string, last bool) (s segment, err error) {
	i := indexByte(seg, '{')
	if i < 0 {
		for i := range len(seg) {
			if c := seg[i]; c <= ' ' || c == 0x7f || c == '?' || c == '#' {
				return s, badPattern(text, "the path has a byte that no path has")
			}
		}
		return segment{text: decoded(seg)}, nil
	}
	if i != 0 || seg[len(seg)-1] != '}' {
		return s, badPattern(text, "a wildcard is not a whole segment")
	}
	name := seg[1 : len(seg)-1]
	if name == "$" {
		if !last {
			return s, badPattern(text, "{$} is not at the end")
		}
		return segment{text: "/"}, nil
	}
	s.wild = true
	if n := len(name) - len("..."); n >= 0 && name[n:] == "..." {
		if name, s.multi = name[:n], true; !last {
			return s, badPattern(text, "a wildcard of many segments is not at the end")
		}
	}
	if !isName(name) {
		return s, badPattern(text, "the name of a wildcard is not a Go identifier")
	}
	s.text = name
	return s, nil
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

// relation is what the requests of one pattern are to those of another.
type relation uint8

const (
	same     relation = iota
	disjoint          // no request matches both
	general           // the first matches all that the second does, and more
	special           // the other way round
	overlap           // some match both, and some either
)

// and is the relation of two that are related by r in one part and by s in
// another.
func (r relation) and(s relation) relation {
	switch {
	case r == disjoint || s == disjoint:
		return disjoint
	case r == same:
		return s
	case s == same || r == s:
		return r
	}
	return overlap
}

// relate compares two patterns.
func (p *pattern) relate(q *pattern) relation {
	if p.host != q.host {
		// One that names a host is looked at first, and hosts are no
		// wildcards: there is no conflict.
		return disjoint
	}
	return relateMethods(p.method, q.method).and(relatePaths(p.segments, q.segments))
}

func relateMethods(m, n string) relation {
	switch {
	case m == n:
		return same
	case m == "", m == "GET" && n == "HEAD":
		return general
	case n == "", n == "GET" && m == "HEAD":
		return special
	}
	return disjoint
}

func relatePaths(a, b []segment) relation {
	aMulti, bMulti := a[len(a)-1].multi, b[len(b)-1].multi
	r := same
	for len(a) > 0 && len(b) > 0 {
		r = r.and(relateSegments(a[0], b[0]))
		a, b = a[1:], b[1:]
	}
	switch {
	case len(a) == len(b):
		return r
	case len(a) < len(b) && aMulti:
		return r.and(general)
	case len(b) < len(a) && bMulti:
		return r.and(special)
	}
	return disjoint
}

func relateSegments(a, b segment) relation {
	switch {
	case a.multi && b.multi:
		return same
	case a.multi:
		return general
	case b.multi:
		return special
	case a.wild && b.wild:
		return same
	case a.wild:
		if b.text == "/" {
			return disjoint // a wildcard is not empty
		}
		return general
	case b.wild:
		if a.text == "/" {
			return disjoint
		}
		return special
	case a.text == b.text:
		return same
	}
	return disjoint
}

// whys are the relations that are conflicts, in words.
var whys = [...]string{
	same:    "they match the same requests",
	overlap: "some requests match both, and neither is more specific",
}
