package ws

import "math/bits"

// SHA-1 (RFC 3174) and base64 (RFC 4648 section 4), as much as the handshake
// needs of them: the packages of the standard library bring the operating
// system with them. Nothing secret depends on either (RFC 6455 section 10.8).

// sha1 is a message of which some bytes are here. The zero value is an empty
// one.
type sha1 struct {
	h     [5]uint32
	block [64]byte
	n     uint64 // bytes written; at 0, h has not its initial value yet
}

var sha1Initial = [5]uint32{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}

func (s *sha1) write(c byte) {
	if s.n == 0 {
		s.h = sha1Initial
	}
	s.block[s.n&63] = c
	s.n++
	if s.n&63 == 0 {
		s.process()
	}
}

// sum is the digest. Nothing may be written after it.
func (s *sha1) sum() (digest [20]byte) {
	length := s.n * 8
	s.write(0x80) // the padding of RFC 3174 section 4
	for s.n&63 != 56 {
		s.write(0)
	}
	for i := 56; i >= 0; i -= 8 {
		s.write(byte(length >> i))
	}
	for i, v := range s.h {
		digest[4*i], digest[4*i+1], digest[4*i+2], digest[4*i+3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
	}
	return digest
}

// process takes a full block: method 2 of RFC 3174 section 6.2, with a ring of
// 16 words.
func (s *sha1) process() {
	var w [16]uint32
	for i := range w {
		b := s.block[4*i : 4*i+4]
		w[i] = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	a, b, c, d, e := s.h[0], s.h[1], s.h[2], s.h[3], s.h[4]
	for t := range 80 {
		if t >= 16 {
			w[t&15] = bits.RotateLeft32(w[(t+13)&15]^w[(t+8)&15]^w[(t+2)&15]^w[t&15], 1)
		}
		var f, k uint32
		switch {
		case t < 20:
			f, k = b&c|^b&d, 0x5A827999
		case t < 40:
			f, k = b^c^d, 0x6ED9EBA1
		case t < 60:
			f, k = b&c|b&d|c&d, 0x8F1BBCDC
		default:
			f, k = b^c^d, 0xCA62C1D6
		}
		a, b, c, d, e = bits.RotateLeft32(a, 5)+f+e+w[t&15]+k, a, bits.RotateLeft32(b, 30), c, d
	}
	s.h[0] += a
	s.h[1] += b
	s.h[2] += c
	s.h[3] += d
	s.h[4] += e
}
