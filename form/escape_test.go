package form_test

import (
	"net/url"
	"testing"

	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

func TestDecode(t *testing.T) {
	for _, v := range []struct {
		name, in, want string
		err            error
	}{
		{"nothing", "", "", nil},
		{"no escape", "abc", "abc", nil},
		{"escape alone", "%41", "A", nil},
		{"either case", "%c3%A9%C3%a9", "éé", nil},
		{"NUL", "a%00b", "a\x00b", nil},
		{"every kind of digit", "%09%5f%aF%FA", "\t_\xaf\xfa", nil},
		{"an escape is decoded once", "%2541", "%41", nil},
		{"percent alone", "%", "", form.ErrEscape},
		{"percent at the end", "ab%", "", form.ErrEscape},
		{"one digit", "ab%4", "", form.ErrEscape},
		{"no digits", "%zz", "", form.ErrEscape},
		{"first is no digit", "%g0", "", form.ErrEscape},
		{"second is no digit", "%0g", "", form.ErrEscape},
		{"bytes beside the digits", "%/0%:0%@0%G0%`0%g0", "", form.ErrEscape},
		{"second percent", "%4%41", "", form.ErrEscape},
		{"blank for a digit", "% 41", "", form.ErrEscape},
		{"sign for a digit", "%+4", "", form.ErrEscape},
	} {
		g := splittest.Guard(v.in)
		n, err := form.Decode(g.Bytes, g.Bytes)
		if err != v.err || err == nil && string(g.Bytes[:n]) != v.want || !g.Intact() {
			t.Errorf("%s: Decode(%q) = %q, %v, want %q, %v", v.name, v.in, g.Bytes[:n], err, v.want, v.err)
		}
		if want, err := url.PathUnescape(v.in); (err != nil) != (v.err != nil) || err == nil && want != v.want {
			t.Errorf("%s: PathUnescape(%q) = %q, %v", v.name, v.in, want, err)
		}
		if err != nil {
			continue
		}
		dst := make([]byte, n+1)
		if m, err := form.Decode(dst, []byte(v.in)); m != n || err != nil || string(dst[:m]) != v.want {
			t.Errorf("%s: Decode to elsewhere = %q, %v", v.name, dst[:m], err)
		}
		if m, err := form.Decode(dst[:n], []byte(v.in)); m != n || err != nil {
			t.Errorf("%s: Decode to %d bytes = %d, %v", v.name, n, m, err)
		}
		if n > 0 {
			if _, err := form.Decode(dst[:n-1], []byte(v.in)); err != form.ErrShort {
				t.Errorf("%s: Decode to %d bytes = %v, want ErrShort", v.name, n-1, err)
			}
		}
		if l, _ := form.DecodedLen([]byte(v.in)); l != n {
			t.Errorf("%s: DecodedLen(%q) = %d, want %d", v.name, v.in, l, n)
		}
	}
}

func TestDecodeForm(t *testing.T) {
	for _, v := range []struct {
		in, want string
		same     bool
	}{
		{"", "", true},
		{"a-b", "a-b", true},
		{"a+b", "a b", false},
		{"a%2Bb", "a+b", false},
		{"++", "  ", false},
	} {
		b := []byte(v.in)
		n, err := form.DecodeForm(b, b)
		if err != nil || string(b[:n]) != v.want {
			t.Errorf("DecodeForm(%q) = %q, %v, want %q", v.in, b[:n], err, v.want)
		}
		if l, same := form.DecodedLen([]byte(v.in)); l != n || same != v.same {
			t.Errorf("DecodedLen(%q) = %d, %v", v.in, l, same)
		}
	}
	b := []byte("a+b")
	if n, err := form.Decode(b, b); err != nil || string(b[:n]) != "a+b" {
		t.Errorf("Decode takes + for something: %q, %v", b[:n], err)
	}
	if n, _ := form.DecodedLen([]byte("%")); n != 0 {
		t.Errorf("DecodedLen of what is malformed = %d", n)
	}
}
