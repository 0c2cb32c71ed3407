package coap_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  string
		b      coap.Block
		size   int
		offset uint64
	}{
		{"nothing: RFC 7959 section 2.2", "", coap.Block{}, 16, 0},
		{"2:0/0/128 of figure 2", "\x03", coap.Block{Num: 0, More: false, SZX: 3}, 128, 0},
		{"2:0/1/128 of figure 2", "\x0B", coap.Block{Num: 0, More: true, SZX: 3}, 128, 0},
		{"2:1/1/128 of figure 2", "\x1B", coap.Block{Num: 1, More: true, SZX: 3}, 128, 128},
		{"2:0/0/64 of figure 3", "\x02", coap.Block{Num: 0, More: false, SZX: 2}, 64, 0},
		{"2:5/0/64 of figure 3", "\x52", coap.Block{Num: 5, More: false, SZX: 2}, 64, 320},
		{"1:3/0/128 of figure 6", "\x33", coap.Block{Num: 3, More: false, SZX: 3}, 128, 384},
		{"last number of one byte", "\xFE", coap.Block{Num: 15, More: true, SZX: 6}, 1024, 15360},
		{"first number of two bytes", "\x01\x06", coap.Block{Num: 16, More: false, SZX: 6}, 1024, 16384},
		{"last number of two bytes", "\xFF\xF8", coap.Block{Num: 4095, More: true, SZX: 0}, 16, 65520},
		{"first number of three bytes", "\x01\x00\x01", coap.Block{Num: 4096, More: false, SZX: 1}, 32, 131072},
		{"last number", "\xFF\xFF\xFE", coap.Block{Num: coap.MaxBlock, More: true, SZX: 6}, 1024, 1073740800},
		{"BERT: RFC 8323 section 6", "\x5F", coap.Block{Num: 5, More: true, SZX: coap.BERT}, 1024, 5120},
	} {
		b, err := coap.ParseBlock([]byte(c.value))
		if b != c.b || err != nil || b.Size() != c.size || b.Offset() != c.offset {
			t.Errorf("%s: ParseBlock(%x) = %+v of %d at %d, %v", c.name, c.value, b, b.Size(), b.Offset(), err)
		}
		o := coap.Options(coap.AppendUintOption(nil, 0, coap.OptBlock2, uint64(c.b.Uint())))
		if v, ok := o.Get(coap.OptBlock2); string(v) != c.value || !ok {
			t.Errorf("%s: %+v is written %x", c.name, c.b, v)
		}
	}
	if b, err := coap.ParseBlock([]byte("\x00\x00\x08")); b != (coap.Block{More: true}) || err != nil {
		t.Errorf("leading zeros: %+v, %v", b, err)
	}
	if b, err := coap.ParseBlock([]byte("\x00\x00\x00\x08")); b != (coap.Block{}) || err != coap.ErrBlock {
		t.Errorf("four bytes: %+v, %v", b, err)
	}
	if v := (coap.Block{Num: coap.MaxBlock + 2, SZX: 8}).Uint(); v != 1<<4 {
		t.Errorf("bits that do not fit: %#x", v)
	}
	if b := (coap.Block{Num: 1<<32 - 1, SZX: 15}); b.Size() != 1024 || b.Offset() != (1<<32-1)<<10 {
		t.Errorf("out of bounds: %d at %d", b.Size(), b.Offset())
	}
}

func TestSZXOf(t *testing.T) {
	for size, want := range map[int]uint8{
		-1: 0, 0: 0, 15: 0, 16: 0, 17: 0, 31: 0, 32: 1, 63: 1, 64: 2, 127: 2, 128: 3, 255: 3, 256: 4, 511: 4, 512: 5, 1023: 5,
		1024: 6, 1025: 6, 4096: 6, 1 << 30: 6,
	} {
		if got := coap.SZXOf(size); got != want {
			t.Errorf("SZXOf(%d) = %d, want %d", size, got, want)
		}
	}
}
