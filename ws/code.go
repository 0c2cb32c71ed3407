package ws

// Close codes (RFC 6455 section 7.4) and the payload of a close frame (section
// 5.5.1).

// Code is why a connection is closed. Beside the codes that have a name, 3000
// to 3999 are for libraries and frameworks that register theirs, and 4000 to
// 4999 for programs (RFC 6455 section 7.4.2).
type Code uint16

// The codes of RFC 6455 section 7.4.1 and of the registry of section 11.7.
const (
	CodeNormal             Code = 1000 // the purpose is fulfilled
	CodeGoingAway          Code = 1001 // the server goes down, or the browser leaves the page
	CodeProtocolError      Code = 1002 // a rule of the protocol was broken
	CodeUnsupportedData    Code = 1003 // a kind of data that cannot be taken
	CodeNoStatus           Code = 1005 // never sent: the close frame had no code
	CodeAbnormal           Code = 1006 // never sent: there was no close frame
	CodeInvalidPayload     Code = 1007 // data that is not of its kind, such as text that is not UTF-8
	CodePolicyViolation    Code = 1008 // what no other code fits
	CodeTooBig             Code = 1009 // a message too big to be processed
	CodeMandatoryExtension Code = 1010 // from a client: the server did not agree to an extension
	CodeInternalError      Code = 1011 // something unexpected prevents the request from being fulfilled
	CodeServiceRestart     Code = 1012 // the service restarts
	CodeTryAgainLater      Code = 1013 // the service is overloaded
	CodeBadGateway         Code = 1014 // a gateway got an invalid answer
	CodeTLS                Code = 1015 // never sent: the TLS handshake failed
)

// MayBeSent reports whether a close frame may have the code: neither one that
// is reserved for other use, nor one that nobody has defined (RFC 6455 section
// 7.4).
func (c Code) MayBeSent() bool {
	switch {
	case c < 1000, c > 4999:
		return false
	case c >= 3000:
		return true
	case c > CodeBadGateway:
		return false // 1015 is never sent; to 2999 reserved for the protocol
	}
	return c != 1004 && c != CodeNoStatus && c != CodeAbnormal
}

// String is what the code stands for, in a few words.
func (c Code) String() string {
	switch c {
	case CodeNormal:
		return "normal closure"
	case CodeGoingAway:
		return "going away"
	case CodeProtocolError:
		return "protocol error"
	case CodeUnsupportedData:
		return "unsupported data"
	case CodeNoStatus:
		return "no status"
	case CodeAbnormal:
		return "abnormal closure"
	case CodeInvalidPayload:
		return "invalid payload"
	case CodePolicyViolation:
		return "policy violation"
	case CodeTooBig:
		return "message too big"
	case CodeMandatoryExtension:
		return "mandatory extension"
	case CodeInternalError:
		return "internal error"
	case CodeServiceRestart:
		return "service restart"
	case CodeTryAgainLater:
		return "try again later"
	case CodeBadGateway:
		return "bad gateway"
	case CodeTLS:
		return "TLS handshake"
	}
	switch {
	case c >= 4000 && c <= 4999:
		return "of the program"
	case c >= 3000 && c <= 3999:
		return "registered"
	}
	return "undefined"
}

// AppendClose appends the payload of a close frame, MaxControl bytes at most.
// It is nothing for CodeNoStatus and every other code that may not be sent.
// The reason is cut after MaxReason bytes, between two characters, and where
// it is not UTF-8 (RFC 6455 section 5.5.1).
func AppendClose(dst []byte, c Code, reason string) []byte {
	if !c.MayBeSent() {
		return dst
	}
	dst = append(dst, byte(c>>8), byte(c))
	var u UTF8
	n := 0 // bytes of whole characters
	for i := 0; i < len(reason) && i < MaxReason; i++ {
		if !u.step(reason[i]) {
			break
		}
		if u.Whole() {
			n = i + 1
		}
	}
	return append(dst, reason[:n]...)
}

// ParseClose reads the payload of a close frame; the reason is a view of it.
// The code is CodeNoStatus if the payload is empty. An error is returned for a
// payload of one byte, a code that may not be sent, and a reason that is not
// UTF-8 (RFC 6455 sections 5.5.1 and 7.4).
func ParseClose(payload []byte) (c Code, reason []byte, err error) {
	c, reason, e := parseClose(payload)
	return c, reason, e.err()
}

func parseClose(payload []byte) (c Code, reason []byte, e Error) {
	switch len(payload) {
	case 0:
		return CodeNoStatus, nil, 0
	case 1:
		return 0, nil, ErrCloseLength
	}
	c = Code(payload[0])<<8 | Code(payload[1])
	if !c.MayBeSent() {
		return 0, nil, ErrCloseCode
	}
	reason = payload[2:]
	var u UTF8
	if !u.Check(reason) || !u.Whole() {
		return 0, nil, ErrCloseReason
	}
	return c, reason, 0
}
