package coap

// Messages over reliable transports (RFC 8323 section 3.2), whose length is in
// front.

//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Len  |  TKL  | Extended Length (if any, as chosen by Len) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|      Code     | Token (if any, TKL bytes) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options (if any) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|1 1 1 1 1 1 1 1|    Payload (if any) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// An extended token length stands between code and token (RFC 8974 section 2.1).

// MaxTCPHeader is the longest header in bytes: Len and TKL, extended length,
// code, extended token length.
const MaxTCPHeader = 1 + 4 + 1 + 2

// The least lengths of the classes of Len (RFC 8323 section 3.2).
const (
	length13 = 13
	length14 = 13 + 1<<8
	length15 = 13 + 1<<8 + 1<<16
)

// Header is what is in front of the token of a message over a reliable
// transport.
type Header struct {
	Code        Code
	TokenLength int    // in bytes, MaxExtendedToken at most
	Length      uint64 // of options, payload marker and payload in bytes, below 2^33
}

// ParseTCPHeader reads the header at the front of b, and how many bytes n it
// takes, the extended token length with it; n is 0 if more of them are needed.
// The one error of it is ErrTokenLength.
func ParseTCPHeader(b []byte) (h Header, n int, err error) {
	h, n, e := parseTCPHeader(b)
	return h, n, e.err()
}

func parseTCPHeader(b []byte) (h Header, n int, e Error) {
	if len(b) == 0 {
		return h, 0, 0
	}
	tkl := b[0] & 15
	if tkl == 15 {
		return h, 0, ErrTokenLength
	}
	switch length := b[0] >> 4; {
	case length < 13:
		h.Length, n = uint64(length), 1
	case length == 13:
		if len(b) < 2 {
			return h, 0, 0
		}
		h.Length, n = length13+uint64(b[1]), 2
	case length == 14:
		if len(b) < 3 {
			return h, 0, 0
		}
		h.Length, n = length14+(uint64(b[1])<<8|uint64(b[2])), 3
	default:
		if len(b) < 5 {
			return h, 0, 0
		}
		h.Length, n = length15+(uint64(b[1])<<24|uint64(b[2])<<16|uint64(b[3])<<8|uint64(b[4])), 5
	}
	if len(b) <= n {
		return Header{}, 0, 0
	}
	h.Code = Code(b[n])
	n++
	length, m, ok := tokenLength(tkl, b[n:])
	if !ok {
		return Header{}, 0, 0
	}
	h.TokenLength = length
	return h, n + m, 0
}

// headerSize is the length of the header itself.
func (h *Header) headerSize() int {
	n := 2
	switch {
	case h.Length < length13:
	case h.Length < length14:
		n++
	case h.Length < length15:
		n += 2
	default:
		n += 4
	}
	return n + extended(uint(h.TokenLength))
}

// Size is the length of the whole message in bytes, which is what
// Max-Message-Size is about (RFC 8323 section 5.3.1).
func (h Header) Size() uint64 {
	return uint64(h.headerSize()) + uint64(h.TokenLength) + h.Length
}

// ParseTCP reads the message at the front of b, and how many bytes n it takes;
// n is 0 if more of them are needed. What is behind the message is not looked
// at. After an error the connection is beyond repair (RFC 8323 section 5.6).
func ParseTCP(b []byte) (m Message, n int, err error) {
	h, n, e := parseTCPHeader(b)
	if n == 0 {
		return m, 0, e.err()
	}
	whole := uint64(n) + uint64(h.TokenLength) + h.Length // below 2^34
	if uint64(len(b)) < whole {
		return m, 0, nil
	}
	body := n + h.TokenLength
	end := int(whole)
	m.Code = h.Code
	m.Token = b[n:body:body]
	m.Options, m.Payload, e = parseBody(b[body:end])
	if e != 0 {
		return Message{}, 0, e.err()
	}
	return m, end, nil
}

// SizeTCP is how many bytes AppendTCP appends.
func SizeTCP(m Message) uint64 {
	return Header{m.Code, len(m.Token), SizeBody(m.Options, m.Payload)}.Size()
}

// AppendTCP appends a message as it is over reliable transports. It panics if
// the token is longer than MaxExtendedToken.
func AppendTCP(dst []byte, m Message) []byte {
	return m.appendBody(appendTCPHeader(dst, m.Code, m.Token, SizeBody(m.Options, m.Payload)))
}

// AppendTCPHeader appends header and token of a message of which rest bytes
// follow: options, payload marker and payload. It panics if the token is longer
// than MaxExtendedToken.
func AppendTCPHeader(dst []byte, c Code, token []byte, rest int) []byte {
	return appendTCPHeader(dst, c, token, uint64(rest))
}

func appendTCPHeader(dst []byte, c Code, token []byte, rest uint64) []byte {
	tkl := tokenNibble(len(token))
	switch {
	case rest < length13:
		dst = append(dst, byte(rest)<<4|tkl, byte(c))
	case rest < length14:
		dst = append(dst, 13<<4|tkl, byte(rest-length13), byte(c))
	case rest < length15:
		r := rest - length14
		dst = append(dst, 14<<4|tkl, byte(r>>8), byte(r), byte(c))
	default:
		r := rest - length15
		dst = append(dst, 15<<4|tkl, byte(r>>24), byte(r>>16), byte(r>>8), byte(r), byte(c))
	}
	return appendToken(dst, token)
}
