package ws

import "github.com/bobtail-go/bobtail/internal/ascii"

// The client's side of the handshake (RFC 6455 section 4.1): the request.

// Field is a field line that a program adds to its request.
type Field struct{ Name, Value string }

// ClientRequest is the request with which a client begins.
type ClientRequest struct {
	Host       string   // host [ ":" port ], as in the URL
	Target     string   // path [ "?" query ], as in the URL; "" is "/"
	Origin     string   // "" sends none, as who is no browser may
	Key        []byte   // from AppendKey
	Protocols  []string // subprotocols, the one liked best first
	Extensions []byte   // the value of Sec-WebSocket-Extensions, nil for none
	Fields     []Field  // others, such as Authorization and Cookie
}

// RequestSize is the number of bytes that AppendRequest appends.
func RequestSize(r *ClientRequest) int {
	n := len(requestStart) + max(1, len(r.Target)) + len(requestHost) + len(r.Host) + len(requestFixed) + len(r.Key) + 2 + 2
	if r.Origin != "" {
		n += len("Origin: ") + len(r.Origin) + 2
	}
	for i, p := range r.Protocols {
		n += len(p) + 2
		if i == 0 {
			n += len("Sec-WebSocket-Protocol: ")
		}
	}
	if len(r.Extensions) != 0 {
		n += len("Sec-WebSocket-Extensions: ") + len(r.Extensions) + 2
	}
	for i := range r.Fields {
		n += len(r.Fields[i].Name) + 2 + len(r.Fields[i].Value) + 2
	}
	return n
}

const (
	requestStart = "GET "
	requestHost  = " HTTP/1.1\r\nHost: "
	requestFixed = "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: " + Version + "\r\nSec-WebSocket-Key: "
)

// AppendRequest appends the head of the request. On an error nothing is
// appended.
func AppendRequest(dst []byte, r *ClientRequest) ([]byte, error) {
	if e := r.check(); e != 0 {
		return dst, e
	}
	dst = append(dst, requestStart...)
	if r.Target == "" {
		dst = append(dst, '/') // RFC 6455 section 3
	}
	dst = append(dst, r.Target...)
	dst = append(dst, requestHost...)
	dst = append(dst, r.Host...)
	dst = append(dst, requestFixed...)
	dst = append(dst, r.Key...)
	dst = append(dst, "\r\n"...)
	if r.Origin != "" {
		dst = appendField(dst, "Origin", r.Origin)
	}
	for i, p := range r.Protocols {
		if i == 0 {
			dst = append(dst, "Sec-WebSocket-Protocol: "...)
		} else {
			dst = append(dst, ", "...)
		}
		dst = append(dst, p...)
	}
	if len(r.Protocols) != 0 {
		dst = append(dst, "\r\n"...)
	}
	if len(r.Extensions) != 0 {
		dst = append(dst, "Sec-WebSocket-Extensions: "...)
		dst = append(dst, r.Extensions...)
		dst = append(dst, "\r\n"...)
	}
	for i := range r.Fields {
		dst = appendField(dst, r.Fields[i].Name, r.Fields[i].Value)
	}
	return append(dst, "\r\n"...), nil
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// check refuses what would not be a request, or another one than is meant.
func (r *ClientRequest) check() Error {
	if r.Host == "" || !visible(r.Host, "/?#@\\\"<>^`{|}") {
		return ErrRequestHost
	}
	if r.Target != "" && (r.Target[0] != '/' || !visible(r.Target, "#")) {
		return ErrRequestTarget // RFC 6455 section 3: no fragment
	}
	if !visible(r.Origin, "") {
		return ErrRequestOrigin
	}
	if !isKey(r.Key) {
		return ErrRequestKey
	}
	for i, p := range r.Protocols {
		if !ascii.IsToken(p) {
			return ErrRequestProtocol
		}
		for _, q := range r.Protocols[:i] {
			if p == q {
				return ErrRequestProtocol // RFC 6455 section 4.1, item 10
			}
		}
	}
	if len(r.Extensions) != 0 && !extensions(r.Extensions) {
		return ErrExtension
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if !ascii.IsToken(f.Name) || owned(f.Name) || !isValue(f.Value) {
			return ErrRequestField
		}
	}
	return 0
}

// visible reports whether s has only visible characters of ASCII, and none of
// those in not.
func visible(s, not string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return false
		}
		for j := range len(not) {
			if s[i] == not[j] {
				return false
			}
		}
	}
	return true
}

// isValue reports whether s can be the value of a field (RFC 9110 section 5.5).
func isValue[T ascii.Text](s T) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7F {
			return false
		}
	}
	return true
}

// owned reports whether a field is one that only this package writes, or that
// would give the request content.
func owned(name string) bool {
	for _, s := range ownedNames {
		if ascii.EqualFold(name, s) {
			return true
		}
	}
	return ascii.HasPrefixFold(name, "sec-websocket-")
}

var ownedNames = [...]string{"host", "upgrade", "connection", "origin", "content-length", "transfer-encoding", "expect", "te", "trailer"}
