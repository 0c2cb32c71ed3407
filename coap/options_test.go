package coap_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// Every class of delta and of length, at its borders (RFC 7252 section 3.1).
var optionVectors = []struct {
	name string
	wire string
	want []option
}{
	{"none", "", nil},
	{"number 0", "\x00", []option{{0, ""}}},
	{"delta of 12", "\xC0", []option{{12, ""}}},
	{"delta of 13", "\xD0\x00", []option{{13, ""}}},
	{"delta of 268", "\xD0\xFF", []option{{268, ""}}},
	{"delta of 269", "\xE0\x00\x00", []option{{269, ""}}},
	{"delta of 270", "\xE0\x00\x01", []option{{270, ""}}},
	{"delta of 527", "\xE0\x01\x02", []option{{527, ""}}},
	{"delta of 65535", "\xE0\xFE\xF2", []option{{65535, ""}}},
	{"length of 12", "\x1C" + rep('v', 12), []option{{1, rep('v', 12)}}},
	{"length of 13", "\x1D\x00" + rep('v', 13), []option{{1, rep('v', 13)}}},
	{"length of 268", "\x1D\xFF" + rep('v', 268), []option{{1, rep('v', 268)}}},
	{"length of 269", "\x1E\x00\x00" + rep('v', 269), []option{{1, rep('v', 269)}}},
	{"length of 527", "\x1E\x01\x02" + rep('v', 527), []option{{1, rep('v', 527)}}},
	{"length of 65535", "\x1E\xFE\xF2" + rep('v', 65535), []option{{1, rep('v', 65535)}}},
	{"length of 65804", "\x1E\xFF\xFF" + rep('v', 65804), []option{{1, rep('v', 65804)}}},
	{"delta and length of 13", "\xDD\x00\x00" + rep('v', 13), []option{{13, rep('v', 13)}}},
	{"delta and length of 269", "\xEE\x00\x00\x00\x00" + rep('v', 269), []option{{269, rep('v', 269)}}},
	{"delta of 269, length of 13", "\xED\x00\x00\x00" + rep('v', 13), []option{{269, rep('v', 13)}}},
	{"delta of 13, length of 269", "\xDE\x00\x00\x00" + rep('v', 269), []option{{13, rep('v', 269)}}},
	{"the same again", "\xB1a\x01b\x00\x01c", []option{{11, "a"}, {11, "b"}, {11, ""}, {11, "c"}}},
	{"deltas that add up to 65535", "\xC0\xD0\x00\xE0\xFE\xD9", []option{{12, ""}, {25, ""}, {65535, ""}}},
	{"last number by a short delta", "\xE0\xFE\xF1\x10", []option{{65534, ""}, {65535, ""}}},
	{"again the last number", "\xE1\xFE\xF2a\x01b", []option{{65535, "a"}, {65535, "b"}}},
	{"values that look like markers", "\xB2\xFF\xFF\x01\xFF", []option{{11, "\xFF\xFF"}, {11, "\xFF"}}},
}

func TestOptions(t *testing.T) {
	for _, c := range optionVectors {
		g := splittest.Guard(c.wire)
		if err := coap.CheckOptions(g.Bytes); err != nil {
			t.Errorf("%s: CheckOptions(%x) = %v", c.name, short(c.wire), err)
		}
		if got := decoded(g.Bytes); !slices.Equal(got, c.want) {
			t.Errorf("%s: %x is %v", c.name, short(c.wire), got)
		}
		if got := options(c.want...); string(got) != c.wire {
			t.Errorf("%s: written %x, want %x", c.name, short(got), short(c.wire))
		}
		for _, payload := range []string{"p", "\xFF", "\xFF\xFF"} {
			b := append([]byte(c.wire), "\xFF"+payload...)
			o, p, err := coap.ParseBody(b)
			if string(o) != c.wire || string(p) != payload || err != nil || cap(o) != len(o) || cap(p) != len(p) {
				t.Errorf("%s: ParseBody with payload %q = %x, %q, %v", c.name, payload, short(o), p, err)
			}
			if got := coap.AppendPayload([]byte(c.wire), p); !bytes.Equal(got, b) {
				t.Errorf("%s: AppendPayload = %x", c.name, short(got))
			}
		}
		if o, p, err := coap.ParseBody(g.Bytes); string(o) != c.wire || p != nil || err != nil {
			t.Errorf("%s: ParseBody = %x, %q, %v", c.name, short(o), p, err)
		}
	}
	if got := coap.AppendPayload([]byte("a"), nil); string(got) != "a" {
		t.Errorf("no payload is %q", got)
	}
}

// What ends within an option is malformed; who iterates all the same sees what
// is in front of it.
func TestCutOptions(t *testing.T) {
	for _, c := range optionVectors {
		for _, n := range cuts(len(c.wire)) {
			b := splittest.Guard(c.wire[:n]).Bytes
			got := decoded(b)
			for i, o := range got {
				if o != c.want[i] {
					t.Errorf("%s: %d bytes have the option %v", c.name, n, o)
				}
			}
			whole := len(options(got...)) == n
			if err := coap.CheckOptions(b); whole != (err == nil) || err != nil && err != coap.ErrOptionEnd {
				t.Errorf("%s: %d bytes: %v", c.name, n, err)
			}
		}
	}
}

func TestMalformedOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		wire string
		err  error
	}{
		{"marker", "\xFF", coap.ErrOptionDelta},
		{"marker and payload", "\x10\xFFx", coap.ErrOptionDelta},
		{"reserved delta", "\x10\xF1x", coap.ErrOptionDelta},
		{"reserved length", "\x10\x1F" + rep('x', 20), coap.ErrOptionLength},
		{"reserved length, long delta", "\x10\xDF\x00" + rep('x', 20), coap.ErrOptionLength},
		{"number of 65536", "\x10\xE0\xFE\xF2", coap.ErrOptionNumber},
		{"number of 65804", "\x10\xE0\xFF\xFF", coap.ErrOptionNumber},
		{"number of 65536 by a short delta", "\x10\xE0\xFE\xF1\x10", coap.ErrOptionNumber},
		{"number beyond, of a value that is not there", "\x10\xE1\xFF\xFF", coap.ErrOptionNumber},
	} {
		b := splittest.Guard(c.wire).Bytes
		if err := coap.CheckOptions(b); err != c.err {
			t.Errorf("%s: CheckOptions(%x) = %v, want %v", c.name, c.wire, err, c.err)
		}
		it := coap.Options(b).Iter()
		for it.Next() {
			if it.Number != 1 && it.Number != 65535 || len(it.Value) != 0 {
				t.Errorf("%s: option %d %q", c.name, it.Number, it.Value)
			}
		}
		if it.Next() {
			t.Errorf("%s: options behind the end", c.name)
		}
	}
}

func TestGet(t *testing.T) {
	o := options(opt(coap.OptURIHost, ""), opt(coap.OptETag, "123456789"), opt(coap.OptETag, "a"), opt(coap.OptETag, ""), opt(coap.OptETag, "b"),
		opt(coap.OptObserve, ""), opt(coap.OptURIPath, ""), opt(coap.OptContentFormat, "\x00\x32"), opt(coap.OptMaxAge, "\xFF\xFF\xFF\xFF"),
		opt(coap.OptSize1, "12345"), opt(1000, "\x01\x02\x03\x04\x05\x06\x07\x08"), opt(1002, "123456789"), opt(65535, "\x00\x00\x00\x00\x00\x00\x00\x00"))
	for _, c := range []struct {
		name  string
		n     coap.Option
		value string
		ok    bool
		count int
		uint  uint64
		isInt bool
	}{
		{"too short", coap.OptURIHost, "", false, 0, 0, false},
		{"the first of those that fit", coap.OptETag, "a", true, 2, 'a', true},
		{"zero", coap.OptObserve, "", true, 1, 0, true},
		{"empty", coap.OptURIPath, "", true, 1, 0, true},
		{"leading zero", coap.OptContentFormat, "\x00\x32", true, 1, 50, true},
		{"largest", coap.OptMaxAge, "\xFF\xFF\xFF\xFF", true, 1, 1<<32 - 1, true},
		{"too long", coap.OptSize1, "", false, 0, 0, false},
		{"unregistered, of eight bytes", 1000, "\x01\x02\x03\x04\x05\x06\x07\x08", true, 1, 0x0102030405060708, true},
		{"unregistered, of nine bytes", 1002, "123456789", true, 1, 0, false},
		{"the last number there is", 65535, "\x00\x00\x00\x00\x00\x00\x00\x00", true, 1, 0, true},
		{"not there, in front", coap.OptIfMatch, "", false, 0, 0, false},
		{"not there, between", 999, "", false, 0, 0, false},
		{"not there, behind", 65534, "", false, 0, 0, false},
	} {
		if v, ok := o.Get(c.n); string(v) != c.value || ok != c.ok || o.Has(c.n) != ok || o.Count(c.n) != c.count {
			t.Errorf("%s: Get(%d) = %q, %v, %d times", c.name, c.n, v, ok, o.Count(c.n))
		}
		if v, ok := o.Uint(c.n); v != c.uint || ok != c.isInt {
			t.Errorf("%s: Uint(%d) = %#x, %v", c.name, c.n, v, ok)
		}
	}
}

func TestUint(t *testing.T) {
	for _, c := range []struct {
		v    uint64
		wire string
	}{
		{0, ""}, {1, "\x01"}, {255, "\xFF"}, {256, "\x01\x00"}, {65535, "\xFF\xFF"}, {65536, "\x01\x00\x00"}, {1<<24 - 1, "\xFF\xFF\xFF"},
		{1 << 24, "\x01\x00\x00\x00"}, {1<<32 - 1, "\xFF\xFF\xFF\xFF"}, {1 << 32, "\x01\x00\x00\x00\x00"}, {1<<64 - 1, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
	} {
		want := coap.AppendOption([]byte("dst"), 3, 14, []byte(c.wire))
		if got := coap.AppendUintOption([]byte("dst"), 3, 14, c.v); !bytes.Equal(got, want) || coap.SizeUint(c.v) != len(c.wire) {
			t.Errorf("%d is written %x, want %x", c.v, got[3:], want[3:])
		}
		if v, ok := coap.ParseUint([]byte(c.wire)); v != c.v || !ok {
			t.Errorf("ParseUint(%x) = %d, %v", c.wire, v, ok)
		}
	}
	if v, ok := coap.ParseUint(make([]byte, 9)); v != 0 || ok {
		t.Errorf("ParseUint of nine bytes = %d, %v", v, ok)
	}
}

// RFC 7252 sections 5.4.1, 5.4.3 and 5.4.5.
func TestCritical(t *testing.T) {
	understood := []coap.Option{coap.OptIfMatch, 2049, 9, coap.OptETag}
	for _, c := range []struct {
		name    string
		options coap.Options
		first   coap.Option
		ok      bool
	}{
		{"none", nil, 0, false},
		{"all that are understood by themselves", options(opt(3, "h"), opt(7, ""), opt(11, "a"), opt(11, "b"), opt(15, "q"), opt(15, ""), opt(17, ""), opt(23, ""), opt(27, ""), opt(35, "u"), opt(39, "s")), 0, false},
		{"understood by the program", options(opt(1, "a"), opt(1, "b"), opt(9, ""), opt(2049, rep('x', 300)), opt(2049, "again")), 0, false},
		{"elective", options(opt(2, ""), opt(4, ""), opt(4, rep('x', 20)), opt(14, ""), opt(14, ""), opt(16, ""), opt(65534, "x")), 0, false},
		{"If-None-Match", options(opt(5, "")), 5, true},
		{"registered and not understood", options(opt(11, "a"), opt(19, "")), 19, true},
		{"unregistered", options(opt(11, "a"), opt(65535, "")), 65535, true},
		{"unregistered, below 64", options(opt(11, "a"), opt(13, "")), 13, true},
		{"above 64, like one that is understood below", options(opt(64+11, "")), 64 + 11, true},
		{"the first of two", options(opt(5, ""), opt(19, "")), 5, true},
		{"too short", options(opt(3, "")), 3, true},
		{"too long", options(opt(17, "123")), 17, true},
		{"too long, understood by the program", options(opt(1, "123456789")), 1, true},
		{"again though not repeatable", options(opt(23, ""), opt(23, "")), 23, true},
		{"again though not repeatable, understood by the program", options(opt(9, ""), opt(9, "")), 9, true},
		{"proxies", options(opt(35, "")), 35, true},
	} {
		if first, ok := c.options.Critical(understood); first != c.first || ok != c.ok {
			t.Errorf("%s: %d, %v, want %d, %v", c.name, first, ok, c.first, c.ok)
		}
	}
	for _, c := range registry {
		o := c.option
		for _, n := range []int{c.min - 1, c.min, c.max, c.max + 1} {
			if n < 0 {
				continue
			}
			first, ok := options(opt(o, rep('x', n))).Critical([]coap.Option{o})
			if want := o.IsCritical() && (n < c.min || n > c.max); ok != want || want && first != o {
				t.Errorf("%v of %d bytes: %v, %v", o, n, first, ok)
			}
		}
	}
	if first, ok := options(opt(1, "")).Critical(nil); first != 1 || !ok {
		t.Errorf("If-Match that nobody understands: %d, %v", first, ok)
	}
}
