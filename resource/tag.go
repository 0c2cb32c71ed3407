package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// tag is the ETag of an answer: one that the handler has given, or a hash of the
// content, so that the slices of two states are not put together (RFC 7959
// section 2.4).
type tag struct {
	n uint8
	b [8]byte
}

func (t *tag) bytes() []byte { return t.b[:t.n] }

// set copies a tag, and reports whether it has a length that one can have (RFC
// 7252 section 5.10.6).
func (t *tag) set(b []byte) bool {
	if len(b) == 0 || len(b) > len(t.b) {
		return false
	}
	t.n = uint8(copy(t.b[:], b))
	return true
}

// in reports whether one of a request's ETags is the tag (RFC 7252 section
// 5.10.6.2).
func (t *tag) in(o coap.Options) bool {
	it := o.Iter()
	for it.Next() && it.Number <= coap.OptETag {
		if it.Number == coap.OptETag && t.n != 0 && ascii.View(it.Value) == ascii.View(t.bytes()) {
			return true
		}
	}
	return false
}

// hash is a hash of content that may come in pieces: eight bytes at a time, as
// it is computed for each slice anew.
type hash struct {
	h, w uint64
	n    uint64
}

func (h *hash) add(s string) {
	for len(s) > 0 {
		if h.n&7 == 0 && len(s) >= 8 {
			h.w = uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
				uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
			h.n += 8
			h.mix()
			s = s[8:]
			continue
		}
		h.w |= uint64(s[0]) << (h.n & 7 * 8)
		s = s[1:]
		if h.n++; h.n&7 == 0 {
			h.mix()
		}
	}
}

func (h *hash) mix() {
	h.h = (h.h ^ h.w) * 0x9E3779B97F4A7C15
	h.h ^= h.h >> 29
	h.w = 0
}

// tag is the hash of all that was added.
func (h *hash) tag() (t tag) {
	h.mix()
	h.w = h.n
	h.mix()
	h.mix()
	t.n = uint8(len(t.b))
	for i := range t.b {
		t.b[i] = byte(h.h >> (8 * i))
	}
	return t
}
