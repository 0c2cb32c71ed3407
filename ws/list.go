package ws

import "github.com/bobtail-go/bobtail/internal/ascii"

// The lists in the fields of a handshake.

// cutList cuts the first element off a list of tokens and tells whether a comma
// follows it.
func cutList(v []byte) (element, rest []byte, more bool) {
	for i, c := range v {
		if c == ',' {
			return ascii.Trim(v[:i]), v[i+1:], true
		}
	}
	return ascii.Trim(v), nil, false
}

// hasToken reports whether a list of tokens has one, in upper or lower case.
func hasToken(v []byte, token string) bool {
	for more := true; more; {
		var e []byte
		e, v, more = cutList(v)
		if ascii.EqualFold(e, token) {
			return true
		}
	}
	return false
}

// tokens reports whether v is a list of tokens, of at least one.
//
//	1#token (RFC 6455 section 4.3); empty elements are ignored (RFC 9110 section 5.6.1)
func tokens(v []byte) bool {
	some := false
	for more := true; more; {
		var e []byte
		e, v, more = cutList(v)
		if len(e) == 0 {
			continue
		}
		if !ascii.IsToken(e) {
			return false
		}
		some = true
	}
	return some
}

// Extension is an element of Sec-WebSocket-Extensions. Its parts are views of
// what was parsed.
type Extension struct {
	Name   []byte
	Params []byte // for ParseParam
}

// ParseExtension reads the extension at the front of a value of
// Sec-WebSocket-Extensions, or of what an earlier call left of it: the next one
// begins at n. Name is nil, and n the length of b, if there is none. The
// parameters are well-formed. The error is ErrExtension.
//
//	extension-list = 1#extension
//	extension = extension-token *( ";" extension-param )
//	(RFC 6455 section 9.1)
func ParseExtension(b []byte) (x Extension, n int, err error) {
	for n < len(b) && (b[n] == ',' || ascii.IsBlank(b[n])) {
		n++ // RFC 9110 section 5.6.1: empty elements
	}
	if n == len(b) {
		return x, n, nil
	}
	name := token(b[n:])
	if name == 0 {
		return x, 0, ErrExtension
	}
	x.Name = b[n : n+name : n+name]
	n += name
	params := n
	for {
		_, m, e := param(b[n:])
		if e != 0 {
			return Extension{}, 0, e
		}
		n += m
		if m == 0 || n == len(b) || b[n] == ',' {
			break
		}
	}
	x.Params = b[params:n:n]
	return x, n, nil
}

// Param is a parameter of an extension.
type Param struct {
	Name  []byte
	Value []byte // without quotes; nil if there is none
}

// ParseParam reads the parameter at the front of Extension.Params, or of what an
// earlier call left of it: the next one begins at n. Name is nil if there is
// none.
//
//	extension-param = token [ "=" ( token | quoted-string ) ]
//
// A quoted string must be a token when it is unescaped (RFC 6455 section 9.1).
// One with an escape, which no token needs, is refused rather than copied.
func ParseParam(b []byte) (p Param, n int, err error) {
	p, n, e := param(b)
	return p, n, e.err()
}

// param reads one parameter with the semicolon before it, and the white space
// behind it. n is the length of b, or where a comma or semicolon is.
func param(b []byte) (p Param, n int, e Error) {
	n = blanks(b, 0)
	if n == len(b) || b[n] == ',' {
		return p, n, 0
	}
	if b[n] != ';' {
		return p, 0, ErrExtension
	}
	n = blanks(b, n+1)
	name := token(b[n:])
	if name == 0 {
		return p, 0, ErrExtension
	}
	p.Name = b[n : n+name : n+name]
	n = blanks(b, n+name)
	if n == len(b) || b[n] != '=' {
		return p, n, 0
	}
	n = blanks(b, n+1)
	quoted := n < len(b) && b[n] == '"'
	if quoted {
		n++
	}
	value := token(b[n:])
	if value == 0 {
		return Param{}, 0, ErrExtension
	}
	p.Value = b[n : n+value : n+value]
	n += value
	if quoted {
		if n == len(b) || b[n] != '"' {
			return Param{}, 0, ErrExtension
		}
		n++
	}
	return p, blanks(b, n), 0
}

// token is the length of the token at the front of b.
func token(b []byte) int {
	n := 0
	for n < len(b) && ascii.IsTchar(b[n]) {
		n++
	}
	return n
}

// blanks is the offset of the first byte at n or later that is no white space.
func blanks(b []byte, n int) int {
	for n < len(b) && ascii.IsBlank(b[n]) {
		n++
	}
	return n
}

// MaxLines is the number of lines of a field that is a list which are looked
// at. Nobody sends more than one or two.
const MaxLines = 4

// Lines are the lines of a field that is a list, in their order, as views of
// what was parsed.
type Lines struct {
	lines [MaxLines][]byte
	n     int
}

// Len is the number of lines.
func (l *Lines) Len() int { return l.n }

// Line is the value of a line, from 0 on.
func (l *Lines) Line(i int) []byte { return l.lines[:l.n][i] }

// Joined is the whole value: that of the line, or of several appended to dst
// with a comma between. It is nil if there is none.
func (l *Lines) Joined(dst []byte) []byte {
	switch l.n {
	case 0:
		return nil
	case 1:
		return l.lines[0]
	}
	at := len(dst)
	for i, v := range l.lines[:l.n] {
		if i != 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, v...)
	}
	return dst[at:]
}

// JoinedSize is the room in bytes that Joined needs in dst.
func (l *Lines) JoinedSize() int {
	if l.n < 2 {
		return 0
	}
	n := l.n - 1
	for _, v := range l.lines[:l.n] {
		n += len(v)
	}
	return n
}

// add adds a line, and drops it if there are too many: of what the other end
// offers, nothing has to be taken.
func (l *Lines) add(v []byte) {
	if l.n < MaxLines {
		l.lines[l.n] = v
		l.n++
	}
}
