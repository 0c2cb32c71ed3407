package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// requestLine goes on with the request line from b[i] and returns how far it
// came.
//
//	request-line = method SP request-target SP HTTP-version   (RFC 9112 section 3)
func (p *Parser) requestLine(h *Head, b []byte, i int) int {
	for i < len(b) {
		switch h.state {
		case stateStartLF:
			if b[i] != '\n' {
				h.fail(ErrBareCR)
				return i
			}
			h.state = stateStart
			i++

		case stateStart:
			if b[i] == '\r' {
				if h.step == MaxEmptyLines {
					h.fail(ErrEmptyLines)
					return i
				}
				h.step++
				h.state = stateStartLF
				i++
				continue
			}
			h.start = uint16(i)
			h.state = stateMethod
			fallthrough

		case stateMethod:
			start := int(h.start)
			for end := min(len(b), start+MaxMethod+1); i < end && isToken(b[i]); {
				i++
			}
			if i-start > MaxMethod {
				h.fail(ErrMethodLong)
				return i
			}
			if i == len(b) {
				return i
			}
			if b[i] != ' ' || i == start {
				h.fail(notOr(b[i], ErrMethodByte))
				return i
			}
			h.methodLen = uint8(i - start)
			h.method = MethodOf(b[start:i])
			i++
			h.target = uint16(i)
			h.state = stateTargetStart

		case stateTargetStart:
			h.state = stateTarget
			switch c := b[i]; {
			case c == '/':
				h.form = Origin
				h.state = statePath
			case c == '*':
				h.form = Asterisk
			case c == ' ' || c == '\r':
				h.fail(ErrTargetEmpty)
				return i
			case h.method == CONNECT:
				h.form = Authority
			default:
				h.form = Absolute
			}

		case statePath, stateTarget:
			i = p.scanTarget(h, b, i)
			if h.state == stateFailed {
				return i
			}

		case stateVersion:
			i = h.scanVersion(b, i)
			if h.state == stateFailed {
				return i
			}
			if h.state == stateLine {
				h.checkTarget(h.Target(b))
				h.asks = p.Ask && h.state != stateFailed
				return i
			}
		}
	}
	return i
}

// scanTarget goes on with the target from b[i].
func (p *Parser) scanTarget(h *Head, b []byte, i int) int {
	start := int(h.target)
	limit := p.Limits.target()
	end := b[:min(len(b), start+limit+1)]
	if h.state == statePath {
		i = scanPath(end, i)
	} else {
		i = scanTarget(end, i)
	}
	if i-start > limit {
		h.fail(ErrTargetLong)
		return i
	}
	if i == len(b) {
		return i
	}
	switch c := b[i]; c {
	case ' ':
		h.targetLen = uint16(i - start)
		if h.state == statePath || h.form != Origin {
			h.query = h.targetLen
		}
		h.step = 0
		h.state = stateVersion
	case '?':
		h.query = uint16(i - start)
		h.state = stateTarget
	case '#':
		h.fail(ErrFragment)
		return i
	case '\r':
		h.fail(ErrVersionSyntax) // a request of HTTP/0.9
		return i
	default:
		h.fail(notOr(c, ErrTargetByte))
		return i
	}
	return i + 1
}

// http11 is the usual end of a request line, less its CRLF.
const http11 = "HTTP/1.1"

// scanVersion goes on with the version from b[i], to the end of its line.
//
//	HTTP-version = HTTP-name "/" DIGIT "." DIGIT   (RFC 9112 section 2.3)
func (h *Head) scanVersion(b []byte, i int) int {
	if h.step == 0 && i+10 <= len(b) && word(b[i:i+8]) == word(http11) && b[i+8] == '\r' && b[i+9] == '\n' {
		h.version = Version11
		h.state = stateLine
		return i + 10
	}
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case h.step == 5: // the major version
			if !isDigit(c) {
				h.fail(notOr(c, ErrVersionSyntax))
				return i
			}
			if c != '1' {
				h.fail(ErrVersion)
				return i
			}
		case h.step == 7: // the minor version
			if !isDigit(c) {
				h.fail(notOr(c, ErrVersionSyntax))
				return i
			}
			h.version = Version11
			if c == '0' {
				h.version = Version10
			}
		case h.step < 8:
			if c != http11[h.step] {
				h.fail(notOr(c, ErrVersionSyntax))
				return i
			}
		case h.step == 8:
			if c != '\r' {
				h.fail(notOr(c, ErrVersionSyntax))
				return i
			}
		case c != '\n':
			h.fail(ErrBareCR)
			return i
		default:
			h.state = stateLine
			return i + 1
		}
		h.step++
	}
	return i
}

// checkTarget looks at the form of the complete target t (RFC 9112 section
// 3.2), once its whole line is there, so that a version that is not ours is
// told first.
func (h *Head) checkTarget(t []byte) {
	var e Error
	switch {
	case h.method == CONNECT:
		e = h.checkAuthority(t)
	case h.form == Asterisk:
		// RFC 9112 section 3.2.4: for OPTIONS only
		if h.method != OPTIONS || len(t) != 1 {
			e = ErrTargetForm
		}
	case h.form == Absolute:
		e = h.checkAbsolute(t)
	}
	if e != 0 {
		h.fail(e)
	}
}

// checkAuthority takes authority-form = uri-host ":" port, where neither may
// be missing (RFC 9112 section 3.2.3, RFC 9110 section 9.3.6).
func (h *Head) checkAuthority(t []byte) Error {
	if h.form != Authority {
		return ErrTargetForm
	}
	for _, c := range t {
		if c == '@' {
			return ErrUserinfo
		}
	}
	if n, port := hostPort(t); n == 0 || port == 0 {
		return ErrAuthority
	}
	h.authority = 0
	h.authLen = h.targetLen
	h.path = h.targetLen
	return 0
}

// checkAbsolute takes absolute-form = absolute-URI (RFC 9112 section 3.2.2) of
// the schemes http and https (RFC 9110 section 4.2):
//
//	"http" "://" authority path-abempty [ "?" query ]
func (h *Head) checkAbsolute(t []byte) Error {
	i := 0
	for i < len(t) && (isAlpha(t[i]) || i != 0 && (isDigit(t[i]) || t[i] == '+' || t[i] == '-' || t[i] == '.')) {
		i++
	}
	if i == 0 || i+3 > len(t) || !ascii.Equal(t[i:i+3], "://") {
		return ErrTargetForm
	}
	if s := t[:i]; !ascii.EqualFold(s, "http") && !ascii.EqualFold(s, "https") {
		return ErrScheme
	}
	i += 3
	a := i
	for i < len(t) && t[i] != '/' && t[i] != '?' {
		if t[i] == '@' {
			return ErrUserinfo // RFC 9110 section 4.2.4
		}
		i++
	}
	if n, _ := hostPort(t[a:i]); n == 0 {
		return ErrAuthority
	}
	h.authority = uint16(a)
	h.authLen = uint16(i - a)
	h.path = uint16(i)
	for i < len(t) && t[i] != '?' {
		i++
	}
	h.query = uint16(i)
	return 0
}

// hostPort takes uri-host [ ":" port ] (RFC 3986 section 3.2, RFC 9110 section
// 4.2). It returns the length of the host, and the port, 0 if there is none.
// A host length of 0 means that v is malformed: no host, a byte that cannot be
// there, a port above 65535.
func hostPort(v []byte) (host, port int) {
	i := 0
	if len(v) != 0 && v[0] == '[' {
		i = ipLiteral(v)
	} else {
		for {
			for i < len(v) && isRegName(v[i]) {
				i++
			}
			if i < len(v) && v[i] == '%' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]) {
				i += 3
			} else {
				break
			}
		}
	}
	if i == 0 {
		return 0, 0
	}
	if i == len(v) {
		return i, 0
	}
	if v[i] != ':' {
		return 0, 0
	}
	for _, c := range v[i+1:] { // port = *DIGIT
		if !isDigit(c) {
			return 0, 0
		}
		port = port*10 + int(c-'0')
		if port > 65535 {
			return 0, 0
		}
	}
	return i, port
}

// ipLiteral is the length of the IP-literal that v begins with, 0 if it is
// malformed. An IPv6 address is checked for its characters, not for their
// order: it is compared as text, never connected to. Zones are no part of a
// URI in HTTP.
//
//	IP-literal = "[" ( IPv6address / IPvFuture ) "]"
//	IPvFuture  = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
func ipLiteral(v []byte) int {
	i := 1
	if i < len(v) && v[i]|0x20 == 'v' {
		i++
		n := i
		for i < len(v) && isHex(v[i]) {
			i++
		}
		if i == n || i == len(v) || v[i] != '.' {
			return 0
		}
		i++
		n = i
		for i < len(v) && (isRegName(v[i]) || v[i] == ':') {
			i++
		}
		if i == n {
			return 0
		}
	} else {
		for i < len(v) && (isHex(v[i]) || v[i] == ':' || v[i] == '.') {
			i++
		}
		if i < 3 { // "[::" is the shortest that there is
			return 0
		}
	}
	if i == len(v) || v[i] != ']' {
		return 0
	}
	return i + 1
}
