package ws

// The header of a frame (RFC 6455 section 5.2), read and written.

// Opcode is what a frame is (RFC 6455 section 5.2). Values that are not named
// here are reserved and never come out of this package.
type Opcode uint8

// The opcodes.
const (
	OpContinuation Opcode = 0
	OpText         Opcode = 1
	OpBinary       Opcode = 2
	OpClose        Opcode = 8
	OpPing         Opcode = 9
	OpPong         Opcode = 10
)

// IsControl reports whether frames of the opcode are control frames (RFC 6455
// section 5.5): 125 bytes of payload at most, never fragmented, and allowed
// between the fragments of a message.
func (o Opcode) IsControl() bool { return o&8 != 0 }

// String is the name that RFC 6455 section 11.8 gives to the opcode, in lower
// case, "reserved" if it has none.
func (o Opcode) String() string {
	switch o {
	case OpContinuation:
		return "continuation"
	case OpText:
		return "text"
	case OpBinary:
		return "binary"
	case OpClose:
		return "close"
	case OpPing:
		return "ping"
	case OpPong:
		return "pong"
	}
	return "reserved"
}

// Sizes in bytes.
const (
	MaxHeader  = 14                                                                       // the longest header: 2, a length of 8, a key of 4
	MaxControl = 125                                                                      // the longest payload of a control frame (RFC 6455 section 5.5)
	MaxReason  = MaxControl - 2                                                           // the longest reason of a close frame
	MaxPending = 2 + 4 + MaxControl                                                       // the most that Decoder.Next leaves to be given again
	maxLength  = 1<<63 - 1                                                                // the longest payload: the top bit must be 0
	reserved   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<11 | 1<<12 | 1<<13 | 1<<14 | 1<<15 // opcodes
)

// The bits of the first two bytes.
const (
	bitFin  = 0x80
	bitRSV1 = 0x40
	bitsRSV = 0x30 // RSV2 and RSV3, for which there is no extension
	bitMask = 0x80
)

// Header is the header of a frame. It is a plain value.
type Header struct {
	Op     Opcode
	Fin    bool   // the last frame of its message
	RSV1   bool   // of the first frame of a message: compressed (RFC 7692 section 6)
	Masked bool   // Key is there
	Key    Key    // what the payload is masked with
	Length uint64 // of the payload, in bytes, below 2^63
}

// checkFirst looks at the first byte of a header.
func checkFirst(b byte) Error {
	switch {
	case b&bitsRSV != 0:
		return ErrReservedBits
	case reserved>>(b&15)&1 != 0:
		return ErrOpcode
	case b&8 == 0:
		return 0
	case b&bitFin == 0:
		return ErrControlFragmented // RFC 6455 section 5.5
	case b&bitRSV1 != 0:
		return ErrReservedBits // RFC 7692 section 6.1: control frames are not compressed
	}
	return 0
}

// parseLength is the length in a header of which two bytes at least are in b,
// and how many bytes come before the key; n is 0 if they are not all there.
func parseLength(b []byte) (length uint64, n int, e Error) {
	switch second := b[1] &^ bitMask; {
	case second < 126:
		return uint64(second), 2, 0
	case second == 126:
		if len(b) < 4 {
			return 0, 0, 0
		}
		length = uint64(b[2])<<8 | uint64(b[3])
		if length < 126 {
			return 0, 0, ErrLengthForm
		}
		return length, 4, 0
	}
	if len(b) < 10 {
		return 0, 0, checkPart(b)
	}
	length = uint64(b[2])<<56 | uint64(b[3])<<48 | uint64(b[4])<<40 | uint64(b[5])<<32 |
		uint64(b[6])<<24 | uint64(b[7])<<16 | uint64(b[8])<<8 | uint64(b[9])
	switch {
	case length > maxLength:
		return 0, 0, ErrLengthRange
	case length < 1<<16:
		return 0, 0, ErrLengthForm
	}
	return length, 10, 0
}

// checkPart looks at a length of eight bytes that is not all there.
func checkPart(b []byte) Error {
	switch {
	case len(b) > 2 && b[2] > 0x7F:
		return ErrLengthRange
	case len(b) >= 8 && b[2]|b[3]|b[4]|b[5]|b[6]|b[7] == 0:
		return ErrLengthForm
	}
	return 0
}

// ParseHeader reads the header at the front of b, and how many bytes it takes;
// n is 0 if more of them are needed. What no frame may be is an error as soon
// as its byte is there: RSV2 or RSV3, a reserved opcode, a control frame that
// is fragmented, compressed or longer than MaxControl, a length that is not in
// its shortest form or has its top bit set. Whether RSV1, a mask or a
// continuation is in place depends on the connection: Decoder knows.
func ParseHeader(b []byte) (h Header, n int, err error) {
	if len(b) == 0 {
		return h, 0, nil
	}
	if e := checkFirst(b[0]); e != 0 {
		return h, 0, e
	}
	if len(b) == 1 {
		return h, 0, nil
	}
	if b[0]&8 != 0 && b[1]&^bitMask > MaxControl {
		return h, 0, ErrControlLong
	}
	length, n, e := parseLength(b)
	if n == 0 {
		return h, 0, e.err()
	}
	h = Header{Op: Opcode(b[0] & 15), Fin: b[0]&bitFin != 0, RSV1: b[0]&bitRSV1 != 0, Length: length}
	if b[1]&bitMask != 0 {
		if len(b) < n+4 {
			return Header{}, 0, nil
		}
		h.Masked, h.Key = true, loadKey(b[n:])
		n += 4
	}
	return h, n, nil
}

// HeaderSize is the number of bytes that AppendHeader appends.
func HeaderSize(h Header) int {
	n := 2
	switch {
	case h.Length > 0xFFFF:
		n = 10
	case h.Length > 125:
		n = 4
	}
	if h.Masked {
		n += 4
	}
	return n
}

// AppendHeader appends a header in its shortest form. It is for the caller to
// keep the rules that an Encoder keeps, and those of control frames.
func AppendHeader(dst []byte, h Header) []byte {
	first := byte(h.Op)
	if h.Fin {
		first |= bitFin
	}
	if h.RSV1 {
		first |= bitRSV1
	}
	var mask byte
	if h.Masked {
		mask = bitMask
	}
	n := h.Length
	switch {
	case n < 126:
		dst = append(dst, first, mask|byte(n))
	case n < 1<<16:
		dst = append(dst, first, mask|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, first, mask|127, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32),
			byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	if h.Masked {
		k := h.Key
		dst = append(dst, byte(k), byte(k>>8), byte(k>>16), byte(k>>24))
	}
	return dst
}

// AppendFrame appends a frame. The length is that of the payload, whatever h
// says of it, and the copy is masked if h.Masked. The payload, which stays as
// it is, must not be in the bytes of dst that are written.
func AppendFrame(dst []byte, h Header, payload []byte) []byte {
	h.Length = uint64(len(payload))
	dst = AppendHeader(dst, h)
	if !h.Masked {
		return append(dst, payload...)
	}
	at := len(dst)
	if cap(dst)-at >= len(payload) {
		dst = dst[:at+len(payload)]
		MaskCopy(dst[at:], payload, h.Key)
		return dst
	}
	dst = append(dst, payload...)
	Mask(dst[at:], h.Key)
	return dst
}
