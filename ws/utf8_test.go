package ws_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/ws"
)

// failsAt is the offset of the first byte that no valid text can have there,
// by the table of Unicode (3-7, as RFC 3629 section 4 has it), and the length
// if there is none.
func failsAt(b []byte) int {
	for i := 0; i < len(b); {
		if utf8.FullRune(b[i:]) {
			if r, n := utf8.DecodeRune(b[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		// How much of this character could be the beginning of one?
		n := i
		for n < len(b) && begins(b[i:n+1]) {
			n++
		}
		return n
	}
	return len(b)
}

// begins reports whether b is the beginning of a character, or a whole one.
func begins(b []byte) bool {
	for _, tail := range []string{"", "\x80", "\xBF", "\x80\x80", "\xBF\x80", "\x80\x80\x80", "\xBF\x80\x80"} {
		if r, n := utf8.DecodeRuneInString(string(b) + tail); n == len(b)+len(tail) && (r != utf8.RuneError || n > 1) {
			return true
		}
	}
	return false
}

func TestUTF8Oracle(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{"", 0}, {"κόσμε", 10}, {"a\x80", 1}, {"\xC0\xAF", 0}, {"\xC1", 0}, {"\xC2\x41", 1}, {"\xE0\x9F", 1}, {"\xE0\xA0\x41", 2},
		{"\xED\xA0\x80", 1}, {"\xED\x9F\xBF", 3}, {"\xF0\x8F", 1}, {"\xF4\x90", 1}, {"\xF4\x8F\xBF\xBF", 4}, {"\xF5", 0}, {"\xFF", 0},
		{"\xF0\x9F\x98", 3}, {"\xEF\xBF\xBD", 3},
	} {
		if got := failsAt([]byte(c.in)); got != c.want {
			t.Errorf("the oracle takes %d bytes of %q, want %d", got, c.in, c.want)
		}
	}
}

// checkText holds the validator to the oracle: whole, by the byte, and cut in
// two everywhere.
func checkText(t *testing.T, b []byte) {
	t.Helper()
	want := failsAt(b)
	ok, whole := want == len(b), utf8.Valid(b)
	var u ws.UTF8
	if got := u.Check(b); got != ok || ok && u.Whole() != whole {
		t.Fatalf("Check(%q) = %v, whole %v; want %v, %v", b, got, u.Whole(), ok, whole)
	}
	u = ws.UTF8{}
	for i := range b {
		if got := u.Check(b[i : i+1]); got != (i < want) {
			t.Fatalf("%q: the byte at %d is %v, want them to fail at %d", b, i, got, want)
		}
		if i >= want {
			break
		}
	}
	for cut := 0; cut <= len(b) && len(b) < 200; cut++ {
		u = ws.UTF8{}
		got := u.Check(b[:cut])
		if got != (cut <= want) {
			t.Fatalf("%q: the first %d bytes are %v, want them to fail at %d", b, cut, got, want)
		}
		if got && (u.Check(b[cut:]) != ok || ok && u.Whole() != whole) {
			t.Fatalf("%q: what follows %d bytes is not %v", b, cut, ok)
		}
	}
}

// Every pair of bytes, and every character at the ends of the ranges of
// RFC 3629 section 4, at every place relative to the words.
func TestUTF8(t *testing.T) {
	for first := 0; first < 256; first++ {
		for second := 0; second < 256; second++ {
			b := []byte{byte(first), byte(second)}
			checkText(t, b)
		}
	}
	edges := []byte{0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF}
	for _, a := range edges {
		for _, b := range edges {
			for _, c := range edges {
				for _, d := range []byte{0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xF0} {
					checkText(t, []byte{a, b, c, d})
					text := append([]byte("x"), a, b, c, d, 'y', 'z')
					if a >= 0xF0 {
						checkText(t, text)
					}
				}
			}
		}
	}
	for at := range 40 {
		for _, s := range []string{"é", "€", "😀", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"} {
			checkText(t, []byte(strings.Repeat("a", at)+s+strings.Repeat("b", 40-at)))
			checkText(t, []byte(strings.Repeat("a", at)+s+s+s))
		}
	}
}

// Every code point, its neighbours and the surrogates, beside the standard
// library.
func TestUTF8EveryCharacter(t *testing.T) {
	var b [4]byte
	for r := rune(0); r <= 0x10FFFF; r++ {
		n := utf8.EncodeRune(b[:], r)
		var u ws.UTF8
		if !u.Check(b[:n]) || !u.Whole() {
			t.Fatalf("%U is refused", r)
		}
	}
}

func FuzzUTF8(f *testing.F) {
	for _, s := range []string{"Hello", "κόσμε\xED\xA0\x80edited", "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90\x80\x80", "日本語 😀 and some ASCII behind it, of more than thirty bytes"} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkText)
}
