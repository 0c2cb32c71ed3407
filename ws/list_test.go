package ws_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
)

// spell writes a list of extensions as it was understood.
func spell(list []byte) (string, error) {
	var b strings.Builder
	for len(list) != 0 {
		x, n, err := ws.ParseExtension(list)
		if err != nil {
			return "", err
		}
		if x.Name != nil {
			b.WriteString("[" + string(x.Name))
			for params := x.Params; len(params) != 0; {
				p, m, err := ws.ParseParam(params)
				if err != nil || p.Name == nil && m != len(params) {
					return "", err
				}
				if p.Name != nil {
					b.WriteString(" " + string(p.Name))
				}
				if p.Value != nil {
					b.WriteString("=" + string(p.Value))
				}
				params = params[m:]
			}
			b.WriteString("]")
		}
		list = list[n:]
	}
	return b.String(), nil
}

func TestExtensions(t *testing.T) {
	bad := ws.ErrExtension
	for _, c := range []struct {
		name, in, want string
		err            error
	}{
		{"nothing", "", "", nil},
		{"one", "permessage-deflate", "[permessage-deflate]", nil},
		{"browser", "permessage-deflate; client_max_window_bits", "[permessage-deflate client_max_window_bits]", nil},
		{"RFC 7692 section 7.1.3", "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits",
			"[permessage-deflate client_max_window_bits server_max_window_bits=10][permessage-deflate client_max_window_bits]", nil},
		{"RFC 6455 section 9.1", `foo, bar; baz=2`, "[foo][bar baz=2]", nil},
		{"quoted value", `a; b="10"; c`, "[a b=10 c]", nil},
		{"white space", " a\t;\tb = 1 , c ", "[a b=1][c]", nil},
		{"white space around a quoted value", `a ; b= "1" , c`, "[a b=1][c]", nil},
		{"empty elements", ",, a,,b ,", "[a][b]", nil},
		{"nothing but commas", " , ,", "", nil},
		{"no name", "; a", "", bad},
		{"name that is no token", "a b", "", bad},
		{"name in quotes", `"a"`, "", bad},
		{"no parameter", "a;", "", bad},
		{"no parameter before another", "a;;b", "", bad},
		{"no parameter before a comma", "a; , b", "", bad},
		{"no name of a parameter", "a;=1", "", bad},
		{"no value", "a; b=", "", bad},
		{"no value before a comma", "a; b=, c", "", bad},
		{"two values", "a; b=1 2", "", bad},
		{"empty quoted value", `a; b=""`, "", bad},
		{"quoted value that is no token", `a; b="1 2"`, "", bad},
		{"quoted value with an escape", `a; b="1\0"`, "", bad},
		{"quoted value without an end", `a; b="1`, "", bad},
		{"quoted value that a blank ends", `a; b="1 ;c`, "", bad},
		{"something behind a quoted value", `a; b="1"2`, "", bad},
		{"control", "a\x00", "", bad},
	} {
		got, err := spell(splittest.Guard(c.in).Bytes)
		if got != c.want || err != c.err {
			t.Errorf("%s: %q is %q, %v; want %q, %v", c.name, c.in, got, err, c.want, c.err)
		}
	}
	if _, _, err := ws.ParseParam([]byte("x")); err != bad {
		t.Errorf("a parameter without a semicolon is %v", err)
	}
}

func FuzzExtensions(f *testing.F) {
	f.Add([]byte(`permessage-deflate; client_max_window_bits; server_max_window_bits=10, x;y="z"`))
	f.Add([]byte(", a ;b = \"c\",,"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := spell(b)
		if err != nil {
			return
		}
		// As it was understood, it is written and understood again.
		again := strings.NewReplacer("][", ",", "[", "", "]", "", " ", ";").Replace(got)
		if !strings.ContainsAny(string(b), `[]`) {
			if twice, err := spell([]byte(again)); twice != got || err != nil {
				t.Fatalf("%q is %q, and that %q, %v", b, got, twice, err)
			}
		}
	})
}

func TestLines(t *testing.T) {
	var o ws.Offer
	l := &o.Extensions
	if l.Len() != 0 || l.Joined(nil) != nil || l.JoinedSize() != 0 {
		t.Error("no line is something")
	}
	name := []byte("sec-websocket-extensions")
	o.Field(name, []byte("a"))
	if l.Len() != 1 || string(l.Line(0)) != "a" || string(l.Joined(nil)) != "a" || l.JoinedSize() != 0 {
		t.Errorf("one line is %q", l.Joined(nil))
	}
	o.Field(name, []byte("b; c"))
	dst := []byte("x")
	if got := l.Joined(dst); string(got) != "a,b; c" || l.JoinedSize() != len(got) || string(l.Line(1)) != "b; c" {
		t.Errorf("two lines are %q", got)
	}
	for range ws.MaxLines {
		o.Field(name, []byte("d"))
	}
	if got := string(l.Joined(nil)); l.Len() != ws.MaxLines || got != "a,b; c,d,d" {
		t.Errorf("many lines are %q", got)
	}
}
