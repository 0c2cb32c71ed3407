package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// Documents of links in the CoRE Link Format (RFC 6690), Content-Format 40: what
// /.well-known/core answers with.
//
//	Link       = link-value-list
//	link-value = "<" URI-Reference ">" *( ";" link-param )
//	link-param = name [ "=" ( token | quoted-string ) ]
//
// Links are separated by commas. White space around commas, semicolons and equals
// signs is read, as the grammar of RFC 5988 section 5 that this one is made of
// has it, and never written.

// AppendLink appends a link to a target, which is a URI reference such as
// "/sensors/temp": bytes that a URI does not have are percent-encoded, and a
// percent sign is taken for the beginning of an escape. Parameters follow by
// AppendLinkParam; between two links there is a comma, which is the caller's.
func AppendLink(dst []byte, target string) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, '<')
	for i := 0; i < len(target); i++ {
		if c := target[i]; isTarget(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, '>')
}

// isTarget reports whether a byte may be in a URI reference (RFC 3986 section 2).
func isTarget(c byte) bool {
	switch c {
	case '"', '<', '>', '\\', '^', '`', '{', '|', '}':
		return false
	}
	return c > ' ' && c < 0x7F
}

// AppendLinkParam appends a parameter to the link at the end of dst, such as
// "rt" with "temperature", or "obs" with "", which has no value. Values are
// quoted, with what must be escaped, but for numbers, as those of ct and sz
// (RFC 6690 section 3.3). Bytes below 0x20 and 0x7F, which no string has, are
// left out. The name is a token; it is not looked at.
func AppendLinkParam(dst []byte, name, value string) []byte {
	dst = append(append(dst, ';'), name...)
	if value == "" {
		return dst
	}
	dst = append(dst, '=')
	if isCardinal(value) {
		return append(dst, value...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ' && c != 0x7F:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// isCardinal reports whether a text is a number without leading zeros.
func isCardinal(s string) bool {
	if s == "" || s[0] == '0' && len(s) > 1 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// Links is an iterator over a document of links. The links are views of the
// document, and so is what they lead to.
type Links struct {
	Link Link // behind a Next that returned true
	b    []byte
	err  Error
	next bool // a comma was read: a link must follow
}

// ParseLinks begins to read a document of links. An empty one has none.
func ParseLinks(b []byte) Links { return Links{b: b} }

// Next goes to the next link. It is false at the end of the document, and at
// what is no link, of which Err tells.
func (l *Links) Next() bool {
	l.Link = Link{}
	n := linkBlanks(l.b, 0)
	if n == len(l.b) {
		if l.next {
			l.err = ErrLinkTarget
		}
		l.b, l.next = nil, false
		return false
	}
	link, n, e := parseLink(l.b, n)
	if e != 0 {
		l.err, l.b, l.next = e, nil, false
		return false
	}
	l.Link = link
	l.next = n < len(l.b)
	if l.next {
		n++
	}
	l.b = l.b[n:]
	return true
}

// Err is what is wrong with what is no link: ErrLinkTarget, ErrLinkParam or
// ErrLinkQuote. It is nil where nothing is.
func (l *Links) Err() error { return l.err.err() }

// parseLink reads the link at an offset. end is the length of b, or the offset
// of the comma behind the link.
func parseLink(b []byte, n int) (link Link, end int, e Error) {
	if b[n] != '<' {
		return link, 0, ErrLinkTarget
	}
	n++
	from := n
	for n < len(b) && b[n] != '>' {
		if b[n] <= ' ' || b[n] == '<' || b[n] == '"' || b[n] == '\\' {
			return link, 0, ErrLinkTarget
		}
		n++
	}
	if n == len(b) {
		return link, 0, ErrLinkTarget
	}
	link.Target = b[from:n:n]
	n++
	p := LinkParams{b: b[n:]}
	for p.Next() {
	}
	end = len(b) - len(p.b)
	if p.err == 0 && end < len(b) && b[end] != ',' {
		p.err = ErrLinkParam
	}
	link.params = b[n:end:end]
	return link, end, p.err
}

// Link is one link of a document, as views of it.
type Link struct {
	Target []byte // the URI reference between the angle brackets
	params []byte // what is behind them, checked
}

// Params begins to read the parameters of the link.
func (l *Link) Params() LinkParams { return LinkParams{b: l.params} }

// Param is the value of the first parameter of a name, in upper or lower case,
// as it is in the document: see LinkParams. It is nil for a parameter without a
// value.
func (l *Link) Param(name string) (value []byte, ok bool) {
	p := l.Params() // not in the loop, where TinyGo would make one anew for each parameter
	for p.Next() {
		if ascii.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return nil, false
}

// LinkParams is an iterator over the parameters of a link.
type LinkParams struct {
	Name   []byte // behind a Next that returned true
	Value  []byte // without its quotes, but with its escapes, which AppendUnquoted takes away; nil if there is none
	Quoted bool   // whether the value is a quoted string
	b      []byte
	err    Error
}

// Next goes to the next parameter, and is false behind the last.
func (p *LinkParams) Next() bool {
	p.Name, p.Value, p.Quoted = nil, nil, false
	b := p.b
	n := linkBlanks(b, 0)
	if n == len(b) || b[n] != ';' {
		p.b = b[n:]
		return false
	}
	n = linkBlanks(b, n+1)
	from := n
	for n < len(b) && isParamName(b[n]) {
		n++
	}
	if n == from {
		p.err = ErrLinkParam
		return false
	}
	name := b[from:n:n]
	n = linkBlanks(b, n)
	if n == len(b) || b[n] != '=' {
		p.Name, p.b = name, b[n:]
		return true
	}
	n = linkBlanks(b, n+1)
	if n < len(b) && b[n] == '"' {
		n++
		from = n
		for n < len(b) && b[n] != '"' {
			if b[n] == '\\' {
				n++
			}
			n++
		}
		if n >= len(b) {
			p.err = ErrLinkQuote
			return false
		}
		p.Name, p.Value, p.Quoted, p.b = name, b[from:n:n], true, b[n+1:]
		return true
	}
	from = n
	for n < len(b) && isParamToken(b[n]) {
		n++
	}
	if n == from {
		p.err = ErrLinkParam
		return false
	}
	p.Name, p.Value, p.b = name, b[from:n:n], b[n:]
	return true
}

// AppendUnquoted appends a value of LinkParams without the backslashes of its
// escapes.
func AppendUnquoted(dst, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		dst = append(dst, value[i])
	}
	return dst
}

// Match reports whether a query selects the link (RFC 6690 section 4.1): "rt=x"
// does if the link has that parameter with that value, "rt=x*" if its value
// begins so, "href=/x*" by the target. The values of rt, if, rel, rev and ct are
// lists, of which one must fit. A query of no value selects what has the
// parameter at all. The query is one Uri-Query option, without escapes; of
// several a link must match each (RFC 9176 section 6.2 says so for directories).
func (l *Link) Match(query []byte) bool {
	at := 0
	for at < len(query) && query[at] != '=' {
		at++
	}
	name, want, any := query[:at], query[at:], at == len(query)
	if !any {
		want = want[1:]
	}
	if ascii.EqualFold(name, "href") {
		return any || matchValue(l.Target, want)
	}
	lists := ascii.EqualFold(name, "rt") || ascii.EqualFold(name, "if") || ascii.EqualFold(name, "rel") || ascii.EqualFold(name, "rev") || ascii.EqualFold(name, "ct")
	p := l.Params() // not in the loop, where TinyGo would make one anew for each parameter
	for p.Next() {
		if !ascii.EqualFold(p.Name, name) {
			continue
		}
		if any || !lists && matchValue(p.Value, want) || lists && matchList(p.Value, want) {
			return true
		}
	}
	return false
}

// matchList reports whether one of the words of a value fits.
func matchList(value, want []byte) bool {
	for {
		n := 0
		for n < len(value) && value[n] != ' ' {
			n++
		}
		if n != 0 && matchValue(value[:n], want) {
			return true
		}
		if n == len(value) {
			return false
		}
		value = value[n+1:]
	}
}

// matchValue reports whether a value, which may have escapes, is what is wanted,
// or begins so if that ends with an asterisk.
func matchValue(value, want []byte) bool {
	prefix := len(want) != 0 && want[len(want)-1] == '*'
	if prefix {
		want = want[:len(want)-1]
	}
	i := 0
	for _, c := range want {
		if i < len(value)-1 && value[i] == '\\' {
			i++
		}
		if i >= len(value) || value[i] != c {
			return false
		}
		i++
	}
	return prefix || i == len(value)
}

// isParamName reports whether a byte may be in the name of a parameter:
// parmname and ext-name-star of RFC 5988 section 5.
func isParamName(c byte) bool {
	return c-'0' <= 9 || c|0x20-'a' < 26 || c == '-' || c == '.' || c == '_' || c == '!' || c == '#' || c == '$' ||
		c == '&' || c == '+' || c == '^' || c == '`' || c == '|' || c == '~' || c == '*'
}

// isParamToken reports whether a byte may be in a value without quotes: ptoken
// of RFC 6690 section 2.
func isParamToken(c byte) bool {
	return c > ' ' && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\'
}

// linkBlanks is the offset of the first byte at n or later that is no white
// space.
func linkBlanks(b []byte, n int) int {
	for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}
