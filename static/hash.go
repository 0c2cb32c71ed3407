package static

import "math/bits"

// hash is FNV-1a in 128 bits, as in package hash/fnv, which needs more of the
// library.
type hash struct{ high, low uint64 }

func newHash() hash { return hash{0x6c62272e07bb0142, 0x62b821756295c58d} }

func (h *hash) byte(c byte) {
	// The prime is 1<<88 + 0x13b.
	h.low ^= uint64(c)
	high, low := bits.Mul64(h.low, 0x13b)
	h.high = high + h.high*0x13b + h.low<<24
	h.low = low
}

func (h *hash) add(s string) {
	for i := range len(s) {
		h.byte(s[i])
	}
}
