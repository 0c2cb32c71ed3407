package ws_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// maskBytes is the algorithm as RFC 6455 section 5.3 has it:
// transformed-octet-i = original-octet-i XOR masking-key-octet-j, j = i MOD 4.
func maskBytes(b []byte, k ws.Key) {
	for i := range b {
		b[i] ^= byte(k >> (8 * (i % 4)))
	}
}

// Every length up to some words, and to some blocks, at every alignment, with nothing written
// outside.
func TestMask(t *testing.T) {
	const k = ws.Key(0xD1C2B3A4)
	lengths := []int{65535, 65536}
	for n := range 100 {
		lengths = append(lengths, n, ws.LeastBlocks-10+n)
	}
	for _, f := range []struct {
		name string
		mask func(b []byte, k ws.Key) ws.Key
	}{
		{"Mask", ws.Mask},
		{"maskShort", ws.MaskShort},
		{"maskAligned", ws.MaskAligned},
		{"MaskCopy in place", func(b []byte, k ws.Key) ws.Key { return ws.MaskCopy(b, b, k) }},
		{"MaskCopy", func(b []byte, k ws.Key) ws.Key {
			src := bytes.Clone(b)
			next := ws.MaskCopy(b, src, k)
			if len(src) != 0 && bytes.Equal(src, b) {
				t.Error("the source is changed")
			}
			return next
		}},
	} {
		t.Run(f.name, func(t *testing.T) {
			for _, n := range lengths {
				for at := range 9 {
					got := make([]byte, at+n+9)
					for i := range got {
						got[i] = byte(i*7 + n)
					}
					want := bytes.Clone(got)
					maskBytes(want[at:at+n], k)
					b := got[at : at+n : at+n]
					if next := f.mask(b, k); next != k.After(n) {
						t.Fatalf("%d bytes: the next key is %#x, want %#x", n, next, k.After(n))
					}
					if !bytes.Equal(got, want) {
						t.Fatalf("%d bytes at %d:\n got %x\nwant %x", n, at, got, want)
					}
				}
			}
		})
	}
}

func TestKeyAfter(t *testing.T) {
	const k = ws.Key(0x44332211) // 11 22 33 44 on the wire
	for n, want := range []ws.Key{0x44332211, 0x11443322, 0x22114433, 0x33221144, 0x44332211, 0x11443322} {
		if got := k.After(n); got != want {
			t.Errorf("behind %d bytes it is %#x, want %#x", n, got, want)
		}
	}
}

// One byte that is not ASCII is seen wherever it is.
func TestMaskShortSees(t *testing.T) {
	const k = ws.Key(0xD1C2B3A4)
	for n := range 100 {
		for at := range n + 1 {
			b := bytes.Repeat([]byte{'a'}, n)
			if at < n {
				b[at] = 0x80
			}
			maskBytes(b, k)
			ws.MaskShort(b, k)
		}
	}
}

// Masked in two pieces is masked whole.
func FuzzMask(f *testing.F) {
	f.Add([]byte("Hello"), uint32(0x3D21FA37), uint(2), uint(3))
	f.Add(bytes.Repeat([]byte{1, 2, 3}, 40), uint32(0xFF), uint(33), uint(1))
	f.Add(bytes.Repeat([]byte{1, 2, 3}, 400), uint32(0x1020304), uint(555), uint(5))
	f.Fuzz(func(t *testing.T, b []byte, key uint32, cut, at uint) {
		k := ws.Key(key)
		want := bytes.Clone(b)
		maskBytes(want, k)
		cut %= uint(len(b)) + 1
		at %= 8
		for _, mask := range []func([]byte, ws.Key) ws.Key{ws.Mask, ws.MaskShort, ws.MaskAligned} {
			got := append(make([]byte, at), b...)[at:]
			next := mask(got[cut:], mask(got[:cut], k))
			if !bytes.Equal(got, want) || next != k.After(len(b)) {
				t.Fatalf("%x with %#x, cut at %d:\n got %x, %#x\nwant %x, %#x", b, key, cut, got, next, want, k.After(len(b)))
			}
		}
		dst := make([]byte, len(b))
		if ws.MaskCopy(dst[cut:], b[cut:], ws.MaskCopy(dst[:cut], b[:cut], k)); !bytes.Equal(dst, want) {
			t.Fatalf("%x with %#x copied, cut at %d: %x, want %x", b, key, cut, dst, want)
		}
	})
}
