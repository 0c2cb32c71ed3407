package http1_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// The table against the grammar.
func TestClasses(t *testing.T) {
	const alpha = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const digit = "0123456789"
	for c := range 256 {
		in := func(set string) bool { return strings.IndexByte(set, byte(c)) >= 0 }
		for _, k := range []struct {
			name  string
			class uint8
			want  bool
		}{
			{"tchar", http1.ClassToken, in("!#$%&'*+-.^_`|~" + digit + alpha)},
			{"unreserved / sub-delims", http1.ClassRegName, in(alpha + digit + "-._~" + "!$&'()*+,;=")},
			{"HEXDIG", http1.ClassHex, in(digit + "ABCDEFabcdef")},
			{"qdtext", http1.ClassQuoted, c == '\t' || c == ' ' || c == 0x21 || 0x23 <= c && c <= 0x5B || 0x5D <= c && c <= 0x7E || c >= 0x80},
		} {
			if got := http1.Class(byte(c))&k.class != 0; got != k.want {
				t.Errorf("byte %#02x is in %s: %v", c, k.name, got)
			}
		}
	}
}

// The scanners that take eight bytes at once against one byte at a time: each
// byte, at each place of two words and a rest, alone and with bytes behind it
// that a borrow may reach.
func TestScanners(t *testing.T) {
	for _, s := range []struct {
		name string
		scan func([]byte, int) int
		ok   func(c byte) bool
	}{
		{"value", http1.ScanValue, func(c byte) bool { return c == '\t' || c >= ' ' && c != 0x7F }},
		{"target", http1.ScanTarget, func(c byte) bool { return c > ' ' && c < 0x7F && c != '#' }},
		{"path", http1.ScanPath, func(c byte) bool { return c > ' ' && c < 0x7F && c != '#' && c != '?' }},
	} {
		check := func(b []byte, from int) {
			t.Helper()
			want := from
			for want < len(b) && s.ok(b[want]) {
				want++
			}
			if got := s.scan(b, from); got != want {
				t.Errorf("%s: scan of %q from %d = %d, want %d", s.name, b, from, got, want)
			}
		}
		for n := range 21 {
			for i := range n {
				for c := range 256 {
					for _, fill := range "az!~" {
						b := []byte(strings.Repeat(string(fill), n))
						b[i] = byte(c)
						check(b, 0)
						if i+1 < n {
							b[i+1] = byte(c) + 1
							check(b, i)
						}
					}
				}
			}
			check(make([]byte, n), n)
		}
		for c := range 256 {
			for d := range 256 {
				check([]byte{'a', byte(c), byte(d), 'a', byte(d), byte(c), 'b', 'c', 'd'}, 0)
			}
		}
	}
}
