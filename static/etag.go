package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// This file compares entity-tags (RFC 9110 section 8.8.3):
//
//	entity-tag = [ %s"W/" ] DQUOTE *etagc DQUOTE
//	etagc      = %x21 / %x23-7E / obs-text

// scanTag is the length of the entity-tag that b begins with, 0 if there is
// none.
func scanTag(b []byte) int {
	i := 0
	if len(b) > 2 && b[0] == 'W' && b[1] == '/' {
		i = 2
	}
	if i == len(b) || b[i] != '"' {
		return 0
	}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < 0x21 || c == 0x7f:
			return 0
		}
	}
	return 0
}

// validTag reports whether s is an entity-tag, or nothing.
func validTag(s string) bool { return s == "" || scanTag(ascii.Bytes(s)) == len(s) }

// weakTag reports whether a tag says that it is weak.
func weakTag(s string) bool { return len(s) > 0 && s[0] == 'W' }

// sameTag compares a tag that was sent with that of a form of an entry whose
// tag is base (RFC 9110 section 8.8.3.2): if strong, neither may be weak.
func sameTag(sent []byte, base string, f Form, strong bool) bool {
	if base == "" {
		return false
	}
	if sent[0] == 'W' {
		if strong {
			return false
		}
		sent = sent[2:]
	}
	if weakTag(base) {
		if strong {
			return false
		}
		base = base[2:]
	}
	n, suffix := len(base)-1, f.suffix()
	return len(sent) == len(base)+len(suffix) && has(sent, 0, base[:n]) && has(sent, n, suffix)
}

// listed reports whether a list of tags, or "*", has the tag of a form (RFC
// 9110 sections 13.1.1 and 13.1.2). What follows a syntax error is not looked
// at; a comma may be missing, since no two tags can be taken for one.
//
//	"*" / #entity-tag
func listed(b []byte, base string, f Form, strong bool) bool {
	if len(b) == 1 && b[0] == '*' {
		return true
	}
	for {
		b = skipList(b)
		n := scanTag(b)
		if n == 0 {
			return false
		}
		if sameTag(b[:n], base, f, strong) {
			return true
		}
		b = b[n:]
	}
}

// skipList skips what may stand before a member of a list (RFC 9110 section
// 5.6.1.2).
func skipList(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == ',') {
		b = b[1:]
	}
	return b
}

// skipBlank skips OWS.
func skipBlank(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// AppendETag appends the entity-tag of a form of an entry: its ETag, with
// what tells the form apart before the closing quote. It appends nothing if
// the entry has none.
func (e *Entry) AppendETag(dst []byte, f Form) []byte {
	if e.ETag == "" {
		return dst
	}
	n := len(e.ETag) - 1
	dst = append(dst, e.ETag[:n]...)
	dst = append(dst, f.suffix()...)
	return append(dst, '"')
}
