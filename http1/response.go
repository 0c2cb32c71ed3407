package http1

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/build"
)

// Response is the state of one response while it is written: what was said so
// far, and what the rules of framing make of it (RFC 9112 section 6). It holds
// no pointer. Init makes it ready; the zero value refuses every call.
//
// The order is: any number of interim responses, each AppendInformational,
// fields and AppendEnd; then AppendStatus, fields, AppendEnd; then content; then
// AppendFinish, or AppendLastChunk, trailers and AppendFinish. A call out of
// order fails with ErrState.
//
// Each Append method appends to dst and returns it, as the builtin does, which
// allocates if the capacity of dst does not suffice; the Max and Overhead
// constants tell what is needed. A call that fails appends nothing and changes
// nothing, so that a refused field can be replaced by another one.
//
// A Response is used by one goroutine at a time.
type Response struct {
	state   respState
	method  Method
	version Version
	facts   respFact
	code    uint16
	length  uint64 // declared, with respLength
	sent    uint64 // content counted
}

// respState is what was written of a response.
type respState uint8

const (
	respUnset    respState = iota // Init was not called
	respStart                     // nothing of the final response
	respInterim                   // the status line of an interim response
	respFields                    // the status line of the final response
	respContent                   // the head of the final response
	respTrailers                  // the last chunk
	respDone
)

// respFact is a set of what was said of a response.
type respFact uint8

const (
	respKeepAlive respFact = 1 << iota // the connection persists
	respLength                         // a length is declared
	respDate                           // the program gave a Date
	respChunked                        // content is sent in chunks
	respNoBody                         // content is not sent (HEAD, 204, 304 and others)
	respTunnel                         // the connection leaves HTTP (101, 2xx to CONNECT)
	respUnframed                       // content ends with the connection, whatever the version
)

// What the Append methods append at most, in bytes.
const (
	StatusOverhead = 15               // AppendStatus beyond the reason phrase
	FieldOverhead  = 4                // AppendField beyond name and value
	MaxLengthSize  = 16 + 20 + 2      // AppendLength: "Content-Length: ", digits, CRLF
	MaxEndSize     = 37 + 28 + 24 + 2 // AppendEnd: Date, Transfer-Encoding, Connection, CRLF
	ChunkOverhead  = 16 + 2 + 2       // AppendContent beyond the content
	MaxFinishSize  = len("0\r\n\r\n") // AppendFinish
)

// Continue is the whole interim response that asks for the content (RFC 9110
// section 15.2.1), for a driver that needs no Response to send it.
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// Init begins the response to a request of a method and a version. keepAlive
// says that the connection is to persist after it, which is Head.KeepAlive
// unless the server has a reason to end it. Where the request could not be
// parsed, give what is known: an unset version counts as 1.1.
func (r *Response) Init(m Method, v Version, keepAlive bool) {
	*r = Response{state: respStart, method: m, version: v}
	if keepAlive {
		r.facts = respKeepAlive
	}
}

func (r *Response) has(f respFact) bool { return r.facts&f != 0 }

// AppendInformational begins an interim response: a code from 100 to 199 other
// than 101, which AppendStatus takes. HTTP/1.0 has none (RFC 9110 section
// 15.2): ErrStatusCode. See AppendStatus for the reason.
func (r *Response) AppendInformational(dst []byte, code int, reason string) ([]byte, error) {
	if r.state != respStart {
		return dst, ErrState
	}
	if code < 100 || code > 199 || code == StatusSwitchingProtocols || r.version == Version10 {
		return dst, ErrStatusCode
	}
	if reason == "" {
		reason = StatusText(code)
	}
	return r.status(dst, code, reason, respInterim)
}

// AppendStatus begins the final response: a code from 200 to 999, or 101 if the
// request is not HTTP/1.0. An empty reason is replaced by the standard one of
// the code, if it has one.
func (r *Response) AppendStatus(dst []byte, code int, reason string) ([]byte, error) {
	if !build.Small && code == StatusOK && reason == "" && r.state == respStart && r.method != CONNECT {
		// What most answers begin with.
		r.state = respFields
		r.code = StatusOK
		if r.method == HEAD {
			r.facts |= respNoBody
		}
		return append(dst, http11+" 200 OK\r\n"...), nil
	}
	if reason == "" {
		reason = StatusText(code)
	}
	return r.AppendStatusLine(dst, code, reason)
}

// AppendStatusLine is AppendStatus that leaves an empty reason empty: a program
// that calls it instead, and says the reasons itself, links no table of them.
func (r *Response) AppendStatusLine(dst []byte, code int, reason string) ([]byte, error) {
	if r.state != respStart {
		return dst, ErrState
	}
	if (code < 200 || code > 999) && (code != StatusSwitchingProtocols || r.version == Version10) {
		return dst, ErrStatusCode
	}
	dst, err := r.status(dst, code, reason, respFields)
	if err != nil {
		return dst, err
	}
	r.code = uint16(code)
	switch {
	case code == StatusSwitchingProtocols, r.method == CONNECT && code < 300:
		// RFC 9110 section 7.8, section 9.3.6
		r.facts |= respNoBody | respTunnel
	case r.method == HEAD, code == StatusNoContent, code == StatusNotModified:
		// RFC 9112 section 6.3, item 1
		r.facts |= respNoBody
	}
	return dst, nil
}

// status appends a status line and goes on to a state.
//
//	status-line = HTTP-version SP status-code SP [ reason-phrase ]   (RFC 9112 section 4)
//	reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
//
// The version is always the highest that is implemented (RFC 9110 section 6.2).
func (r *Response) status(dst []byte, code int, reason string, next respState) ([]byte, error) {
	if scanValue(ascii.Bytes(reason), 0) != len(reason) {
		return dst, ErrReason
	}
	r.state = next
	dst = append(dst, http11...)
	dst = append(dst, ' ', byte('0'+code/100), byte('0'+code/10%10), byte('0'+code%10), ' ')
	dst = append(dst, reason...)
	return append(dst, '\r', '\n'), nil
}

// AppendField appends a field line. It fails with ErrFieldName if the name is
// not a token, and with ErrFieldValue if the value has a control other than
// HTAB: no value can end its line, or the head.
//
// Some fields are acted on. Content-Length declares the length, as AppendLength
// does. Connection may turn persistence off by "close"; that option and
// "keep-alive" are left out here and written by AppendEnd as needed, other
// options are written. Date is written and replaces the one of AppendEnd.
// Transfer-Encoding is refused with ErrFieldFraming: AppendEnd decides on it.
func (r *Response) AppendField(dst []byte, name, value string) ([]byte, error) {
	return r.AppendFieldBytes(dst, name, ascii.Bytes(value))
}

// AppendFieldBytes is AppendField for a value in bytes.
func (r *Response) AppendFieldBytes(dst []byte, name string, value []byte) ([]byte, error) {
	if r.state != respFields && r.state != respInterim {
		return dst, ErrState
	}
	if !build.Small && name == "Content-Type" { // which most answers have
		if dst, ok := appendType(dst, value); ok {
			return dst, nil
		}
	}
	if len(name) == 0 {
		return dst, ErrFieldName
	}
	id := lookup(ascii.Bytes(name))
	if id == idOther && !allToken(name) {
		return dst, ErrFieldName
	}
	if scanValue(value, 0) != len(value) {
		return dst, ErrFieldValue
	}
	switch id {
	case idContentLength:
		n, e := parseLength(value)
		if e != 0 {
			return dst, ErrLengthDeclared
		}
		return r.AppendLength(dst, n)
	case idTransferEncoding:
		return dst, ErrFieldFraming
	case idConnection:
		return r.appendConnection(dst, value), nil
	case idDate:
		if r.state == respFields {
			r.facts |= respDate
		}
	}
	return appendLine(dst, name, value), nil
}

func appendLine(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// appendConnection acts on the options of a Connection field and appends the
// ones that AppendEnd does not write. The interim response has none.
func (r *Response) appendConnection(dst, value []byte) []byte {
	const name = "Connection: "
	start := len(dst)
	for i := 0; i < len(value); {
		for i < len(value) && (ascii.IsBlank(value[i]) || value[i] == ',') {
			i++
		}
		begin := i
		end := i // of the option, without white space
		for ; i < len(value) && value[i] != ','; i++ {
			if !ascii.IsBlank(value[i]) {
				end = i + 1
			}
		}
		switch o := value[begin:end]; connectionOption(o) {
		case factClose:
			r.facts &^= respKeepAlive
		case factKeepAlive:
		default:
			if len(o) == 0 {
				break
			}
			if len(dst) == start {
				dst = append(dst, name...)
			} else {
				dst = append(dst, ',') // no longer than it was given
			}
			dst = append(dst, o...)
		}
	}
	if len(dst) != start {
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// AppendLength declares that the content has n bytes, and appends the field
// that says so. It fails with ErrLengthDeclared if a length was declared
// before or n is 2^63 or more, and with ErrLengthExceeded if n is not 0 in a
// 205 (RFC 9110 section 15.3.6).
//
// In a 1xx, a 204, and a 2xx to CONNECT no length may be sent (RFC 9110 section
// 8.6): the declaration is accepted, for handlers that answer HEAD, GET and
// these alike, and nothing is appended.
func (r *Response) AppendLength(dst []byte, n uint64) ([]byte, error) {
	switch {
	case r.state == respInterim:
		return dst, nil
	case r.state != respFields:
		return dst, ErrState
	case r.has(respLength) || n > maxLength:
		return dst, ErrLengthDeclared
	case r.code == StatusResetContent && n != 0:
		return dst, ErrLengthExceeded
	}
	r.facts |= respLength
	r.length = n
	if r.has(respTunnel) || r.code == StatusNoContent {
		return dst, nil
	}
	dst = append(dst, "Content-Length: "...)
	dst = ascii.AppendUint(dst, n)
	return append(dst, '\r', '\n'), nil
}

// Unframed says that the content has neither a length nor chunks, but ends
// with the connection (RFC 9112 section 6.3, item 8), as it does for HTTP/1.0:
// what is sent is the content and nothing else, so that one copy of it serves
// many connections. The peer cannot tell content that was cut short from
// content that has ended; its type must. It fails with ErrState out of order
// and with ErrLengthDeclared if a length was declared.
func (r *Response) Unframed() error {
	switch {
	case r.state != respFields:
		return ErrState
	case r.has(respLength):
		return ErrLengthDeclared
	}
	r.facts |= respUnframed
	r.facts &^= respKeepAlive
	return nil
}

// AppendEnd ends the head. date is what AppendDate appends, or nil for a
// server without a clock (RFC 9110 section 6.6.1); any other length is ErrDate.
//
// It appends Date, unless the program gave one; Transfer-Encoding: chunked, if
// content may follow whose length was not declared; Connection, if the
// connection does not persist, or persists although the peer speaks HTTP/1.0.
// To HTTP/1.0, content without a declared length ends with the connection
// (RFC 9112 section 6.3, item 8).
func (r *Response) AppendEnd(dst []byte, date []byte) ([]byte, error) {
	if r.state == respInterim {
		r.state = respStart
		return append(dst, '\r', '\n'), nil
	}
	if r.state != respFields {
		return dst, ErrState
	}
	if date != nil && !r.has(respDate) {
		if len(date) != DateSize || scanValue(date, 0) != DateSize {
			return dst, ErrDate
		}
		dst = append(dst, "Date: "...)
		dst = append(dst, date...)
		dst = append(dst, '\r', '\n')
	}
	r.state = respContent
	switch {
	case r.has(respLength), r.has(respNoBody):
	case r.code == StatusResetContent:
		r.facts |= respLength
		dst = append(dst, "Content-Length: 0\r\n"...)
	case r.version == Version10, r.has(respUnframed):
		r.facts &^= respKeepAlive
	default:
		r.facts |= respChunked
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	switch {
	case r.has(respTunnel):
	case !r.has(respKeepAlive):
		dst = append(dst, "Connection: close\r\n"...) // RFC 9112 section 9.6
	case r.version == Version10:
		dst = append(dst, "Connection: keep-alive\r\n"...) // RFC 9112 section 9.3
	}
	return append(dst, '\r', '\n'), nil
}

// Chunked reports whether content is sent in chunks. It is known after
// AppendEnd.
func (r *Response) Chunked() bool { return r.has(respChunked) }

// HasBody reports whether content is sent. It is not in the response to HEAD,
// in a 101, 204 or 304, and in a 2xx to CONNECT. It is known after
// AppendStatus.
func (r *Response) HasBody() bool { return !r.has(respNoBody) }

// KeepAlive reports whether the connection persists after the response, as far
// as it is known yet: for certain after AppendEnd.
func (r *Response) KeepAlive() bool { return r.has(respKeepAlive) }

// Tunnel reports whether the connection leaves HTTP behind the head of this
// response: a 101, or a 2xx to CONNECT.
func (r *Response) Tunnel() bool { return r.has(respTunnel) }

// Length is the declared length of the content, and whether one is declared.
func (r *Response) Length() (n uint64, ok bool) { return r.length, r.has(respLength) }

// Sent is the number of bytes of content that were counted.
func (r *Response) Sent() uint64 { return r.sent }

// Final is the status code of the final response, 0 before AppendStatus.
func (r *Response) Final() int { return int(r.code) }

// Begun reports whether the head of the final response has begun: from then
// on no other status can be sent.
func (r *Response) Begun() bool { return r.code != 0 }

// Done reports whether the response is complete.
func (r *Response) Done() bool { return r.state == respDone }
