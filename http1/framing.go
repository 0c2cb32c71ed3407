package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// What is learnt from the fields that are acted on, and what follows from it
// for the framing of the content (RFC 9112 section 6). All of it is strict: two
// readers of one request that understand its framing differently are how
// requests are smuggled (RFC 9112 section 11.2), and a server cannot know who
// read it before.

// act takes the value of the complete field line under way, without white
// space around it.
func (h *Head) act(v []byte) Error {
	switch h.id {
	case idHost:
		return h.actHost(v)
	case idContentLength:
		return h.actLength(v)
	case idTransferEncoding:
		return h.actCoding(v)
	case idConnection:
		h.actConnection(v)
	case idUpgrade:
		h.facts |= factUpgrade
	case idExpect:
		return h.actExpect(v)
	}
	return 0
}

// actHost follows RFC 9112 section 3.2: 400 for a second Host and for an
// invalid one. An empty one is grammatical, but the target URI would have no
// host, which RFC 9110 section 4.2.1 wants rejected.
func (h *Head) actHost(v []byte) Error {
	if h.facts.has(factHost) {
		return ErrHostTwice
	}
	h.facts |= factHost
	if len(v) == 0 {
		return ErrHostEmpty
	}
	if n, _ := hostPort(v); n == 0 {
		return ErrHost
	}
	return 0
}

// actLength parses Content-Length = 1*DIGIT (RFC 9110 section 8.6).
//
// A second one is refused even if it is equal, in a list or in another line,
// which that section leaves to the recipient: nobody who means well sends it,
// and somebody on the way may have read only one of the two.
func (h *Head) actLength(v []byte) Error {
	if h.facts.has(factLength) {
		return ErrLengthTwice
	}
	h.facts |= factLength
	n, e := parseLength(v)
	h.length = n
	return e
}

// parseLength is the value of a decimal number below 2^63.
func parseLength(v []byte) (n uint64, e Error) {
	if len(v) == 0 {
		return 0, ErrLength
	}
	for i := 0; i < len(v); i++ {
		d := v[i] - '0'
		if d > 9 {
			if v[i] == ',' && i != 0 {
				return 0, ErrLengthTwice
			}
			return 0, ErrLength
		}
		if n > (maxLength-uint64(d))/10 {
			// The rest is still looked at: what is not a number is not too great.
			e = ErrLengthRange
			continue
		}
		n = n*10 + uint64(d)
	}
	return n, e
}

// actCoding takes a line of Transfer-Encoding = #transfer-coding (RFC 9112
// section 6.1). The one coding that a server must know is chunked (RFC 9112
// section 7.1); it must be the last and be applied once (section 6.3), and has
// no parameters (section 7.1). Empty list elements are not ignored here.
func (h *Head) actCoding(v []byte) Error {
	h.facts |= factCoding
	for more := true; more; {
		var c []byte
		c, v, more = cutList(v)
		name := c
		for i, x := range c {
			if !isToken(x) {
				name = c[:i]
				break
			}
		}
		rest := ascii.Trim(c[len(name):])
		switch chunked := ascii.EqualFold(name, "chunked"); {
		case len(name) == 0, len(rest) != 0 && rest[0] != ';', chunked && len(rest) != 0:
			return ErrCodingSyntax
		case chunked && h.facts.has(factChunked):
			return ErrChunkedTwice
		case chunked:
			h.facts |= factChunked
		case h.facts.has(factChunked):
			return ErrChunkedNotFinal
		default:
			return ErrCoding
		}
	}
	return 0
}

// actConnection takes a line of Connection = #connection-option (RFC 9110
// section 7.6.1). Options that are not known are no concern of a server.
func (h *Head) actConnection(v []byte) {
	for more := true; more; {
		var o []byte
		o, v, more = cutList(v)
		h.facts |= connectionOption(o)
	}
}

func connectionOption(o []byte) fact {
	switch {
	case ascii.EqualFold(o, "close"):
		return factClose
	case ascii.EqualFold(o, "keep-alive"):
		return factKeepAlive
	case ascii.EqualFold(o, "upgrade"):
		return factConnUpgr
	}
	return 0
}

// actExpect takes a line of Expect = #expectation (RFC 9110 section 10.1.1).
func (h *Head) actExpect(v []byte) Error {
	for more := true; more; {
		var o []byte
		o, v, more = cutList(v)
		switch {
		case len(o) == 0: // RFC 9110 section 5.6.1.2
		case ascii.EqualFold(o, "100-continue"):
			h.facts |= factExpect
		default:
			return ErrExpect
		}
	}
	return 0
}

// cutList cuts the first element off a list and tells whether a comma follows
// it. It does not know quoted strings: no list that is acted on may have any.
func cutList(v []byte) (element, rest []byte, more bool) {
	for i, c := range v {
		if c == ',' {
			return ascii.Trim(v[:i]), v[i+1:], true
		}
	}
	return ascii.Trim(v), nil, false
}

// checkFields looks at the fields together once all have come.
func (h *Head) checkFields() Error {
	switch {
	case h.version == Version11 && !h.facts.has(factHost):
		return ErrHostMissing // RFC 9112 section 3.2, whatever the form of the target
	case !h.facts.has(factCoding):
		return 0
	case h.version == Version10:
		return ErrCodingVersion // RFC 9112 section 6.1: its framing is faulty
	case h.facts.has(factLength):
		return ErrLengthWithCoding // RFC 9112 section 6.3, item 3: an attempt at smuggling
	}
	return 0
}

// Body is the framing of the request's content, from RFC 9112 section 6.3 as
// far as it concerns requests: item 3 and 4, chunked (all else with a
// Transfer-Encoding was refused by Parse); item 6, Content-Length (item 5, an
// invalid one, was refused too); item 7, nothing.
func (h *Head) Body() Body {
	if h.facts.has(factChunked) {
		return Body{state: bodySize}
	}
	if h.length != 0 {
		return Body{state: bodyFixed, left: h.length}
	}
	return Body{}
}
