package ascii_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

func TestViews(t *testing.T) {
	for _, s := range []string{"", "a", "some text"} {
		if got := ascii.View([]byte(s)); got != s {
			t.Errorf("View of %q = %q", s, got)
		}
		if got := ascii.Bytes(s); string(got) != s {
			t.Errorf("Bytes(%q) = %q", s, got)
		}
	}
	if got := ascii.View(nil); got != "" {
		t.Errorf("View(nil) = %q", got)
	}
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		name              string
		a, b              string
		equal, fold, head bool // head: a begins with b, in any case
	}{
		{"nothing", "", "", true, true, true},
		{"the same", "text/plain", "text/plain", true, true, true},
		{"case of letters", "Text/PLAIN", "tEXT/plain", false, true, true},
		{"longer", "text/plain;", "TEXT/plain", false, false, true},
		{"shorter", "text", "text/", false, false, false},
		{"nothing to something", "", "a", false, false, false},
		{"another byte at the end", "texa", "texb", false, false, false},
		{"no letters, a case apart: @ and `", "@", "`", false, false, false},
		{"no letters, a case apart: [ and {", "[", "{", false, false, false},
		{"a control that is a hyphen but for a bit", "x\ry", "x-y", false, false, false},
		{"beyond ASCII, a case apart in Latin-1", "\xC4", "\xE4", false, false, false},
		{"the Kelvin sign", "\u212A", "k", false, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := []byte(test.a), []byte(test.b)
			if got := ascii.Equal(a, test.b); got != test.equal {
				t.Errorf("Equal = %v", got)
			}
			for i, got := range []bool{
				ascii.EqualFold(a, test.b), ascii.EqualFold(test.b, a), ascii.EqualFold(a, b), ascii.EqualFold(test.a, test.b),
			} {
				if got != test.fold {
					t.Errorf("EqualFold = %v (call %d)", got, i)
				}
			}
			if got := ascii.HasPrefixFold(a, test.b); got != test.head {
				t.Errorf("HasPrefixFold = %v", got)
			}
			if got := ascii.HasPrefixFold(test.a, test.b); got != test.head {
				t.Errorf("HasPrefixFold of a string = %v", got)
			}
		})
	}
}

// TestBytes looks at every byte.
func TestBytes(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	tchars := "!#$%&'*+-.^_`|~0123456789" + letters + strings.ToUpper(letters)
	for i := range 256 {
		c := byte(i)
		lower := c
		if k := strings.IndexByte(strings.ToUpper(letters), c); k >= 0 {
			lower = letters[k]
		}
		if got := ascii.Lower(c); got != lower {
			t.Errorf("Lower(%q) = %q", c, got)
		}
		if got, want := ascii.IsTchar(c), strings.IndexByte(tchars, c) >= 0; got != want {
			t.Errorf("IsTchar(%q) = %v", c, got)
		}
		if got, want := ascii.IsBlank(c), c == ' ' || c == '\t'; got != want {
			t.Errorf("IsBlank(%q) = %v", c, got)
		}
		got, want := ascii.Unhex(c), strings.IndexByte("0123456789abcdef", lower)
		if want >= 0 && int(got) != want || want < 0 && got <= 15 {
			t.Errorf("Unhex(%q) = %d", c, got)
		}
	}
}

func TestIsToken(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     bool
	}{
		{"nothing", "", false},
		{"letters and marks", "X-Some_thing~1", true},
		{"blank at the front", " a", false},
		{"separator inside", "a/b", false},
		{"control at the end", "a\r", false},
		{"beyond ASCII", "é", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if ascii.IsToken(test.in) != test.want || ascii.IsToken([]byte(test.in)) != test.want {
				t.Errorf("IsToken(%q) is not %v", test.in, test.want)
			}
		})
	}
}

func TestTrim(t *testing.T) {
	for _, in := range []string{"", " ", " \t ", "a", " a", "a\t", "\t a b \t", "\ra\n"} {
		b := []byte(in)
		if got, want := string(ascii.Trim(b)), strings.Trim(in, " \t"); got != want {
			t.Errorf("Trim(%q) = %q", in, got)
		}
		if got, want := string(ascii.TrimLeft(b)), strings.TrimLeft(in, " \t"); got != want {
			t.Errorf("TrimLeft(%q) = %q", in, got)
		}
		if got, want := string(ascii.TrimRight(b)), strings.TrimRight(in, " \t"); got != want {
			t.Errorf("TrimRight(%q) = %q", in, got)
		}
	}
}

func TestAppendUint(t *testing.T) {
	numbers := []uint64{0, math.MaxUint64}
	for n := uint64(1); n < math.MaxUint64/10; n *= 10 {
		numbers = append(numbers, n-1, n, 2*n+1)
	}
	for _, n := range numbers {
		if got, want := string(ascii.AppendUint([]byte("n="), n)), "n="+strconv.FormatUint(n, 10); got != want {
			t.Errorf("AppendUint(%d) = %q", n, got)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	b, dst := []byte("Text/Plain"), make([]byte, 0, 20)
	n := alloctest.Bytes(func() {
		if !ascii.EqualFold(b, "text/plain") || ascii.Equal(b, "text/plain") || ascii.IsToken(b) || len(ascii.AppendUint(dst, math.MaxUint64)) != 20 {
			t.Error("a wrong answer")
		}
	})
	if n != 0 {
		t.Errorf("%d bytes allocated", n)
	}
}
