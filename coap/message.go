package coap

// Message is a message, whatever carries it. Its slices are views of where it
// was read from, valid as long as those bytes are left alone.
type Message struct {
	Code    Code
	Token   []byte
	Options Options
	Payload []byte // never there without bytes (RFC 7252 section 3)
}

// Lengths of tokens in bytes.
const (
	MaxToken         = 8           // without an agreement (RFC 7252 section 3)
	MaxExtendedToken = 65535 + 269 // with one (RFC 8974 section 2.1)
)

// SizeBody is how many bytes follow the token of a message: options, payload
// marker and payload.
func SizeBody(o Options, payload []byte) uint64 {
	n := uint64(len(o)) + uint64(len(payload))
	if len(payload) != 0 {
		n++
	}
	return n
}

// appendBody appends options, payload marker and payload.
func (m *Message) appendBody(dst []byte) []byte {
	return AppendPayload(append(dst, m.Options...), m.Payload)
}

// tokenNibble is what the TKL field has for a token (RFC 8974 section 2.1).
func tokenNibble(length int) byte {
	switch {
	case length < 13:
		return byte(length)
	case length < 269:
		return 13
	case length <= MaxExtendedToken:
		return 14
	}
	panic("coap: token too long")
}

// appendToken appends the extended length of a token, and the token.
func appendToken(dst, token []byte) []byte {
	switch length := len(token); {
	case length < 13:
	case length < 269:
		dst = append(dst, byte(length-13))
	default:
		dst = append(dst, byte((length-269)>>8), byte(length-269))
	}
	return append(dst, token...)
}

// tokenLength is the length of a token whose TKL field is nibble and whose
// extended length is at the front of b, and the bytes n that this has. It is
// not ok if b ends before.
func tokenLength(nibble byte, b []byte) (length, n int, ok bool) {
	switch {
	case nibble < 13:
		return int(nibble), 0, true
	case nibble == 13 && len(b) > 0:
		return 13 + int(b[0]), 1, true
	case nibble == 14 && len(b) > 1:
		return 269 + (int(b[0])<<8 | int(b[1])), 2, true
	}
	return 0, 0, false
}
