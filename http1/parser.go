package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// Parser parses the heads of requests. It holds no state of a connection: one
// serves all of them, from any number of goroutines, and it is not changed
// while in use. The zero value has the default limits and keeps no field but
// Host.
type Parser struct {
	Limits Limits
	Keep   FieldSet

	// Ask has Parse stop when a request line is complete, so that whoever
	// knows what the request is for may have all its fields kept: see
	// Head.Asks.
	Ask bool
}

// Validate tells which field of the parser is out of its range, if any. A
// Parser that was not validated must not be used.
func (p *Parser) Validate() error { return p.Limits.Validate() }

// MaxEmptyLines is the number of empty lines before a request that are
// ignored. RFC 9112 section 2.2 asks for at least one, which old clients send
// after the content of a POST.
const MaxEmptyLines = 2

// headState is where in a head the parser is.
type headState uint8

const (
	stateStart       headState = iota // before the request, or after an empty line
	stateStartLF                      // after the CR of an empty line before the request
	stateMethod                       // in the method
	stateTargetStart                  // after the space behind the method
	statePath                         // in an origin target, before any "?"
	stateTarget                       // in the rest of a target, or in one of another form
	stateVersion                      // in the version or its CRLF, h.step bytes of it seen
	stateLine                         // at the start of a field line
	stateName                         // in a field name
	stateOWS                          // in the white space before a value
	stateValue                        // in a field value
	stateValueLF                      // after the CR behind a value
	stateEndLF                        // after the CR of the empty line that ends the head
	stateDone
	stateFailed
)

// Parse goes on with a head in b, which begins where the head begins, or what
// Compact kept of it. It looks only at the bytes of b from h.Scanned() on, at
// each at most twice, and at none behind the head.
//
// If p.Ask is set it stops once, behind the request line: then h.Asks reports
// true, and Parse goes on when h.Answer was called.
//
// It reports done when the head is complete; then h says what it was, and
// content begins at b[h.Scanned():]. If it reports neither done nor an error it
// needs more bytes than b has: append some and call again, with the same b or
// one to which its bytes were copied. An error is final, is returned again by
// each further call, and is an Error whose Status is the answer to give before
// the connection is closed.
func (p *Parser) Parse(h *Head, b []byte) (done bool, err error) {
	// What lies behind a limit is not looked at, so that the result does not
	// depend on how much of it has come.
	limit := p.Limits.head() - int(h.dropped)
	if len(b) > limit {
		b = b[:limit]
	}
	beyond := len(b) > MaxHeadBuffer
	if beyond {
		b = b[:MaxHeadBuffer]
	}
	i := int(h.pos)
	if h.state == stateStart {
		i = p.wholeRequestLine(h, b, i)
	}
	if h.state < stateLine {
		i = p.requestLine(h, b, i)
	}
	if h.state == stateLine && !h.asks {
		i = p.wholeFieldLines(h, b, i)
	}
	if h.state >= stateLine && h.state < stateDone && !h.asks {
		i = p.fieldLines(h, b, i)
	}
	h.pos = uint16(i)
	if h.state == stateDone {
		return true, nil
	}
	if h.state != stateFailed {
		if h.asks || i < limit && !beyond {
			return false, nil
		}
		h.fail(h.Overflow())
	}
	return false, h.failure
}

// fail ends the parsing of h. The first error stays.
func (h *Head) fail(e Error) {
	h.state = stateFailed
	h.failure = e
}

// notOr is the error for a byte that is out of place: ErrBareLF for LF, so
// that a line ended by LF alone has one error wherever it ends, else e.
func notOr(c byte, e Error) Error {
	if c == '\n' {
		return ErrBareLF
	}
	return e
}

// fieldLines goes on with the field section from b[i], to its end, and returns
// how far it came.
//
//	field-line = field-name ":" OWS field-value OWS   (RFC 9112 section 5)
func (p *Parser) fieldLines(h *Head, b []byte, i int) int {
	for i < len(b) {
		switch h.state {
		case stateLine:
			switch c := b[i]; {
			case isToken(c):
			case c == '\r':
				h.state = stateEndLF
				i++
				continue
			case ascii.IsBlank(c):
				h.fail(ErrFold)
				return i
			case c == ':':
				h.fail(ErrNameEmpty)
				return i
			default:
				h.fail(notOr(c, ErrNameByte))
				return i
			}
			if int(h.count) == p.Limits.fields() {
				h.fail(ErrFields)
				return i
			}
			h.count++
			h.name = uint16(i)
			h.state = stateName
			fallthrough

		case stateName:
			name := int(h.name)
			for end := min(len(b), name+MaxFieldName+1); i < end && isToken(b[i]); {
				i++
			}
			if i-name > MaxFieldName {
				h.fail(ErrNameLong)
				return i
			}
			if i == len(b) {
				return i
			}
			if c := b[i]; c != ':' {
				if ascii.IsBlank(c) {
					h.fail(ErrNameSpace)
				} else {
					h.fail(notOr(c, ErrNameByte))
				}
				return i
			}
			h.nameLen = uint8(i - name)
			h.id = lookup(b[name:i])
			h.keep = h.all || p.Keep.has(h.id, b[name:i])
			i++
			h.state = stateOWS
			fallthrough

		case stateOWS:
			for i < len(b) && ascii.IsBlank(b[i]) {
				i++
			}
			if i == len(b) {
				return i
			}
			h.value = uint16(i)
			h.state = stateValue
			fallthrough

		case stateValue:
			i = scanValue(b, i)
			if i == len(b) {
				return i
			}
			if c := b[i]; c != '\r' {
				h.fail(notOr(c, ErrValueByte))
				return i
			}
			if h.retained() && !h.endField(b, i) {
				return i
			}
			i++
			h.state = stateValueLF
			if i == len(b) {
				return i
			}
			fallthrough

		case stateValueLF:
			if b[i] != '\n' {
				h.fail(ErrBareCR)
				return i
			}
			i++
			h.state = stateLine

		case stateEndLF:
			if b[i] != '\n' {
				h.fail(ErrBareCR)
				return i
			}
			if e := h.checkFields(); e != 0 {
				h.fail(e)
				return i
			}
			h.state = stateDone
			return i + 1
		}
	}
	return i
}

// retained reports whether the bytes of the field line under way must stay: it
// is kept, or acted on once it is complete.
func (h *Head) retained() bool { return h.keep || h.id-1 < idActedOn-1 }

// endField acts on and keeps the field line whose value ends at b[i]. It
// reports false if the head has failed by it.
func (h *Head) endField(b []byte, i int) bool {
	value := ascii.TrimRight(b[h.value:i])
	e := h.act(value)
	if e == 0 && (h.keep || h.id == idHost) {
		if h.kept == MaxKept {
			e = ErrKept
		} else {
			h.fields[h.kept] = span{h.name, h.value, uint16(len(value)), h.nameLen, h.id}
			h.kept++
			if h.id == idHost {
				h.host = h.kept
			}
		}
	}
	if e != 0 {
		h.fail(e)
		return false
	}
	return true
}
