package ws

import (
	"math/bits"
	"unsafe"
)

// Masking (RFC 6455 section 5.3), the same both ways.

// Key is a masking key. Its lowest byte is the first of the four on the wire,
// and masks the first byte of what is masked with it.
type Key uint32

func loadKey(b []byte) Key { return Key(word32(b)) }

// After is the key for what follows n bytes that were masked with k.
func (k Key) After(n int) Key { return Key(bits.RotateLeft32(uint32(k), -8*(n&3))) }

// twice is eight bytes of the key, the first of them lowest.
func (k Key) twice() uint64 { return uint64(k)<<32 | uint64(k) }

// Mask masks b, or takes its mask off, in place, and returns the key for the
// byte that follows.
func Mask(b []byte, k Key) Key {
	if !loadsAnywhere {
		return maskAligned(b, k)
	}
	i, w := 0, k.twice()
	if hasBlocks && len(b) >= leastBlocks {
		i = len(b) &^ 63
		maskBlocks(&b[0], i, k)
	}
	for ; i+64 <= len(b); i += 64 {
		// Of an array it is known what slices are within, so nothing is computed
		// for them; and what is for the array shows less the longer it is.
		p := (*[64]byte)(b[i:])
		putWord(p[:8], word(p[:8])^w)
		putWord(p[8:16], word(p[8:16])^w)
		putWord(p[16:24], word(p[16:24])^w)
		putWord(p[24:32], word(p[24:32])^w)
		putWord(p[32:40], word(p[32:40])^w)
		putWord(p[40:48], word(p[40:48])^w)
		putWord(p[48:56], word(p[48:56])^w)
		putWord(p[56:], word(p[56:])^w)
	}
	for ; i+8 <= len(b); i += 8 {
		p := b[i : i+8]
		putWord(p, word(p)^w)
	}
	if i+4 <= len(b) {
		p := b[i : i+4]
		putWord32(p, word32(p)^uint32(k))
		i += 4
	}
	for ; i < len(b); i++ {
		b[i] ^= byte(k)
		k = k.After(1)
	}
	return k
}

// leastBlocks is the length from which on a call of maskBlocks is worth it.
const leastBlocks = 512

// short is the length up to which maskShort is the faster way to text.
const short = 128

// maskShort is Mask that also reports whether what it writes is ASCII. It knows
// that from registers; read again at once, bytes would still be on their way to
// memory.
func maskShort(b []byte, k Key) (next Key, ascii bool) {
	i, w, seen := 0, k.twice(), uint64(0)
	for ; i+8 <= len(b); i += 8 {
		p := b[i : i+8]
		v := word(p) ^ w
		putWord(p, v)
		seen |= v
	}
	if i+4 <= len(b) {
		p := b[i : i+4]
		v := word32(p) ^ uint32(k)
		putWord32(p, v)
		seen |= uint64(v)
		i += 4
	}
	for ; i < len(b); i++ {
		b[i] ^= byte(k)
		seen |= uint64(b[i])
		k = k.After(1)
	}
	return k, seen&highs == 0
}

// MaskCopy is Mask of src into dst, which must be as long, and be the same
// memory as src or none of it. It returns the key for the byte that follows.
func MaskCopy(dst, src []byte, k Key) Key {
	dst = dst[:len(src)]
	if !loadsAnywhere {
		copy(dst, src)
		return Mask(dst, k)
	}
	i, w := 0, k.twice()
	for ; i+32 <= len(src); i += 32 {
		p, q := src[i:i+32], dst[i:i+32]
		putWord(q, word(p)^w)
		putWord(q[8:], word(p[8:])^w)
		putWord(q[16:], word(p[16:])^w)
		putWord(q[24:], word(p[24:])^w)
	}
	for ; i+8 <= len(src); i += 8 {
		putWord(dst[i:i+8], word(src[i:i+8])^w)
	}
	if i+4 <= len(src) {
		putWord32(dst[i:i+4], word32(src[i:i+4])^uint32(k))
		i += 4
	}
	for ; i < len(src); i++ {
		dst[i] = src[i] ^ byte(k)
		k = k.After(1)
	}
	return k
}

// maskAligned is Mask for processors that want words at addresses that are
// multiples of their size, and whose compilers therefore load bytes everywhere
// else.
func maskAligned(b []byte, k Key) Key {
	for len(b) != 0 && uintptr(unsafe.Pointer(&b[0]))&3 != 0 {
		b[0] ^= byte(k)
		k = k.After(1)
		b = b[1:]
	}
	if len(b) < 4 {
		return maskBytes(b, k)
	}
	// The key as it is in memory, whatever the order of the machine.
	mem := [4]byte{byte(k), byte(k >> 8), byte(k >> 16), byte(k >> 24)}
	w := *(*uint32)(unsafe.Pointer(&mem))
	words := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
	for len(words) >= 4 {
		words[0] ^= w
		words[1] ^= w
		words[2] ^= w
		words[3] ^= w
		words = words[4:]
	}
	for i := range words {
		words[i] ^= w
	}
	return maskBytes(b[len(b)&^3:], k)
}

func maskBytes(b []byte, k Key) Key {
	for i := range b {
		b[i] ^= byte(k)
		k = k.After(1)
	}
	return k
}
