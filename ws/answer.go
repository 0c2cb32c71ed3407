package ws

import "github.com/bobtail-go/bobtail/internal/ascii"

// The client's side of the handshake (RFC 6455 section 4.1): the answer.

// MaxAnswer is the longest head of an answer that is taken, in bytes.
const MaxAnswer = 16384

// Answer is the head of the response to a client's request. It has views of the
// bytes that were parsed.
type Answer struct {
	Status int // 101, or 200 to 999

	http11 bool
	fields []byte // the field lines, each with its CRLF
}

// ParseAnswer reads the head of the answer at the front of b, and how many bytes
// it takes; n is 0 if more of them are needed. What follows them are frames, or
// the content of another response. Interim responses (100 to 199 but 101, RFC
// 9110 section 15.2) before it are passed over. The head must be all in b; one
// of more than MaxAnswer bytes is ErrAnswerLong.
//
// What it takes is RFC 9112 without its tolerances.
func ParseAnswer(b []byte) (a Answer, n int, err error) {
	whole := len(b)
	if whole > MaxAnswer {
		b = b[:MaxAnswer]
	}
	for {
		var m int
		var e Error
		a, m, e = parseHead(b[n:])
		if e != 0 {
			return Answer{}, 0, e
		}
		if m == 0 {
			if whole > MaxAnswer {
				return Answer{}, 0, ErrAnswerLong
			}
			return Answer{}, 0, nil
		}
		n += m
		if a.Status >= 200 || a.Status == 101 {
			return a, n, nil
		}
	}
}

// parseHead reads the head of one response, interim or not.
//
//	status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4)
func parseHead(b []byte) (a Answer, n int, e Error) {
	const start = "HTTP/1."
	for i := range min(len(b), len(start)) {
		if b[i] != start[i] {
			return a, 0, ErrAnswerLine // at the first byte that is wrong: who answers so may not end the line
		}
	}
	line, n, ok := cutLine(b)
	if !ok {
		return a, 0, ErrAnswerLine
	}
	if n == 0 {
		return a, 0, 0
	}
	if len(line) < len("HTTP/1.1 101 ") || line[7]-'0' > 9 || line[8] != ' ' || line[12] != ' ' || !isValue(line[13:]) {
		return a, 0, ErrAnswerLine
	}
	for _, c := range line[9:12] {
		if c-'0' > 9 {
			return a, 0, ErrAnswerLine
		}
		a.Status = a.Status*10 + int(c-'0')
	}
	if a.Status < 100 {
		return a, 0, ErrAnswerLine
	}
	a.http11 = line[7] != '0' // RFC 9110 section 2.5: a higher minor version is as good as ours
	fields := n
	for {
		line, m, ok := cutLine(b[n:])
		if !ok {
			return a, 0, ErrAnswerField
		}
		if m == 0 {
			return a, 0, 0
		}
		n += m
		if len(line) == 0 {
			a.fields = b[fields : n-2 : n-2]
			return a, n, 0
		}
		name := token(line)
		if name == 0 || name == len(line) || line[name] != ':' || !isValue(line[name+1:]) {
			return a, 0, ErrAnswerField
		}
	}
}

// cutLine is the first line of b, without its CRLF, and the size with it, 0 if
// its end is not there. It is not ok if LF alone ends it (RFC 9112 section 2.2);
// CR elsewhere is in the line, and can be in no part of one.
func cutLine(b []byte) (line []byte, n int, ok bool) {
	for i, c := range b {
		if c == '\n' {
			return b[:max(0, i-1)], i + 1, i != 0 && b[i-1] == '\r'
		}
	}
	return nil, 0, true
}

// Field is the field line at an offset, 0 for the first, and the offset of the
// next, 0 if there is no field at this one.
func (a *Answer) Field(at int) (name, value []byte, next int) {
	line, n, _ := cutLine(a.fields[at:])
	if n == 0 {
		return nil, nil, 0
	}
	i := token(line)
	return line[:i:i], ascii.Trim(line[i+1:]), at + n
}

// Get is the value of the first field with a name, in upper or lower case, and
// nil if there is none. The value of an empty field is not nil.
func (a *Answer) Get(name string) []byte {
	for at := 0; ; {
		f, v, next := a.Field(at)
		if next == 0 {
			return nil
		}
		if ascii.EqualFold(f, name) {
			return v
		}
		at = next
	}
}

// Extensions are the lines of Sec-WebSocket-Extensions.
func (a *Answer) Extensions() (l Lines) {
	for at := 0; ; {
		f, v, next := a.Field(at)
		if next == 0 {
			return l
		}
		if ascii.EqualFold(f, "sec-websocket-extensions") {
			l.add(v)
		}
		at = next
	}
}

// Location is where a redirection leads, nil if it does not say.
func (a *Answer) Location() []byte { return a.Get("location") }

// RetryAfter is when to try again, as the server says it (RFC 9110 section
// 10.2.3), nil if it does not.
func (a *Answer) RetryAfter() []byte { return a.Get("retry-after") }

// Check reports whether the answer to a request completes the handshake (RFC
// 6455 section 4.1). protocol is the index in r.Protocols of the subprotocol
// that the server has chosen, -1 if it has chosen none.
//
// The error is ErrRedirect or ErrRefused if the server does not want to, and
// another if it breaks a rule: then the connection is not to be used. What
// parameters of an extension say is for the extension.
func (a *Answer) Check(r *ClientRequest) (protocol int, err error) {
	protocol, e := a.check(r)
	return protocol, e.err()
}

func (a *Answer) check(r *ClientRequest) (protocol int, e Error) {
	protocol = -1
	switch a.Status {
	case 101:
	case 301, 302, 303, 307, 308:
		if a.Location() != nil {
			return -1, ErrRedirect
		}
		return -1, ErrRefused
	default:
		return -1, ErrRefused
	}
	if !a.http11 {
		return -1, ErrAnswerLine // RFC 9110 section 15.2: HTTP/1.0 has no 1xx
	}
	var upgrade, connection, accept bool
	lines := 0 // of extensions
	for at := 0; ; {
		name, v, next := a.Field(at)
		if next == 0 {
			break
		}
		at = next
		switch {
		case ascii.EqualFold(name, "upgrade"): // item 2
			if upgrade || !ascii.EqualFold(v, "websocket") {
				return -1, ErrAnswerUpgrade
			}
			upgrade = true
		case ascii.EqualFold(name, "connection"): // item 3
			connection = connection || hasToken(v, "upgrade")
		case ascii.EqualFold(name, "sec-websocket-accept"): // item 4, section 11.3.3
			if accept || !accepts(v, r.Key) {
				return -1, ErrAccept
			}
			accept = true
		case ascii.EqualFold(name, "sec-websocket-extensions"): // item 5
			// What Extensions would drop must not be agreed to unseen.
			if lines++; lines > MaxLines || !offered(v, r.Extensions) {
				return -1, ErrAnswerExtension
			}
		case ascii.EqualFold(name, "sec-websocket-protocol"): // item 6, section 11.3.4
			if protocol >= 0 {
				return -1, ErrAnswerProtocol
			}
			if protocol = indexOf(r.Protocols, v); protocol < 0 {
				return -1, ErrAnswerProtocol
			}
		}
	}
	switch {
	case !upgrade:
		return -1, ErrAnswerUpgrade
	case !connection:
		return -1, ErrAnswerConnection
	case !accept:
		return -1, ErrAccept
	}
	return protocol, 0
}

// accepts reports whether v is the Sec-WebSocket-Accept for a key.
func accepts(v, key []byte) bool {
	want := accept(key)
	if len(v) != len(want) {
		return false
	}
	for i, c := range v { // a view of want would be on the heap with TinyGo
		if c != want[i] {
			return false
		}
	}
	return true
}

// offered reports whether v is a list of extensions, of at least one (section
// 9.1), whose names are all in the offer.
func offered(v, offer []byte) bool {
	some := false
	for len(v) != 0 {
		x, n, err := ParseExtension(v)
		if err != nil || x.Name != nil && !offers(offer, x.Name) {
			return false
		}
		some = some || x.Name != nil
		v = v[n:]
	}
	return some
}

// offers reports whether a list of extensions has one of that name.
func offers(list, name []byte) bool {
	for len(list) != 0 {
		x, n, err := ParseExtension(list)
		if err != nil {
			return false
		}
		if x.Name != nil && ascii.Equal(x.Name, ascii.View(name)) {
			return true
		}
		list = list[n:]
	}
	return false
}

func indexOf(list []string, b []byte) int {
	for i, s := range list {
		if ascii.Equal(b, s) {
			return i
		}
	}
	return -1
}
