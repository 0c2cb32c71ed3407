package http1

import "math/bits"

// word is the first eight bytes of b, the first of them lowest. Compilers make
// one load of it where the machine allows.
func word[T bytestring](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// firstByte is the index of the byte in which the lowest bit of m is.
func firstByte(m uint64) int { return bits.TrailingZeros64(m) >> 3 }
