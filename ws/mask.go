package ws

import "math/bits"

// Masking (RFC 6455 section 5.3), the same both ways.

// Key is a masking key. Its lowest byte is the first of the four on the wire,
// and masks the first byte of what is masked with it.
type Key uint32

func loadKey(b []byte) Key {
	_ = b[3]
	return Key(b[0]) | Key(b[1])<<8 | Key(b[2])<<16 | Key(b[3])<<24
}

// After is the key for what follows n bytes that were masked with k.
func (k Key) After(n int) Key { return Key(bits.RotateLeft32(uint32(k), -8*(n&3))) }

// Mask masks b, or takes its mask off, in place, and returns the key for the
// byte that follows.
func Mask(b []byte, k Key) Key { return MaskCopy(b, b, k) }

// MaskCopy is Mask of src into dst, which must be as long, and be the same
// memory as src or none of it. It returns the key for the byte that follows.
func MaskCopy(dst, src []byte, k Key) Key {
	for i := range src {
		dst[i] = src[i] ^ byte(k)
		k = k.After(1)
	}
	return k
}
