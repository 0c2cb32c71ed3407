package form_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// describe is the pairs of a query, decoded, and what Err says at the end.
func describe(t testing.TB, q form.Query) string {
	var s strings.Builder
	for q.Next() {
		name, err := q.Name(make([]byte, len(q.RawName())))
		if err != nil {
			t.Fatalf("Name of %q: %v", q.RawName(), err)
		}
		value, err := q.Value(make([]byte, len(q.RawValue())))
		if err != nil {
			t.Fatalf("Value of %q: %v", q.RawValue(), err)
		}
		if !q.NameIs(string(name)) || q.NameIs(string(name)+"x") || len(name) > 0 && q.NameIs(string(name[1:])) {
			t.Errorf("NameIs of %q, which is %q, says something else", q.RawName(), name)
		}
		if q.Plain() != (string(value) == string(q.RawValue())) {
			t.Errorf("Plain of %q = %v", q.RawValue(), q.Plain())
		}
		s.WriteString(url.QueryEscape(string(name)) + "=" + url.QueryEscape(string(value)) + ";")
	}
	if q.Err() != nil {
		s.WriteString("!")
	}
	return s.String()
}

// standard is the same by package url: pair for pair, since ParseQuery mixes
// them up. A ";" is escaped first, since it is an error there.
func standard(in string) string {
	var s strings.Builder
	bad := false
	for pair := range strings.SplitSeq(in, "&") {
		v, err := url.ParseQuery(strings.ReplaceAll(pair, ";", "%3B"))
		bad = bad || err != nil
		for name, values := range v {
			s.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(values[0]) + ";")
		}
	}
	if bad {
		s.WriteString("!")
	}
	return s.String()
}

var queries = []struct{ name, in, want string }{
	{"nothing", "", ""},
	{"one pair", "a=1", "a=1;"},
	{"two pairs", "a=1&b=2", "a=1;b=2;"},
	{"a name twice", "a=1&a=2", "a=1;a=2;"},
	{"no equals sign", "a", "a=;"},
	{"no value", "a=", "a=;"},
	{"no name", "=1", "=1;"},
	{"neither name nor value", "=", "=;"},
	{"neither, at the end", "a=1&=", "a=1;=;"},
	{"neither, several times", "=&=&=", "=;=;=;"},
	{"equals signs in the value", "a=b=c==", "a=b%3Dc%3D%3D;"},
	{"empty pairs", "&&a=1&&b&", "a=1;b=;"},
	{"empty pairs alone", "&&&", ""},
	{"plus in the value", "a=1+2", "a=1+2;"},
	{"plus in the name", "a+b=1", "a+b=1;"},
	{"escaped plus", "a%2Bb=%2B", "a%2Bb=%2B;"},
	{"escaped separators", "a%26b%3D=%26%3D", "a%26b%3D=%26%3D;"},
	{"a semicolon is a byte like others", "a=1;b=2", "a=1%3Bb%3D2;"},
	{"UTF-8", "%C3%A9=é", "%C3%A9=%C3%A9;"},
	{"not UTF-8", "a=%FF\xFF", "a=%FF%FF;"},
	{"NUL", "a=%00\x00", "a=%00%00;"},
	{"malformed value", "a=%zz&b=2", "b=2;!"},
	{"malformed name", "%=1&b=2", "b=2;!"},
	{"escape cut by the next pair", "a=%4&1b=2", "1b=2;!"},
	{"escape cut by the equals sign", "a%=41&b=2", "b=2;!"},
	{"escape cut by the end", "b=2&a=%4", "b=2;!"},
	{"malformed pair alone", "%", "!"},
	{"question mark and hash", "a=?#", "a=%3F%23;"},
}

func TestQuery(t *testing.T) {
	for _, v := range queries {
		g := splittest.Guard(v.in)
		if got := describe(t, form.NewQuery(g.Bytes)); got != v.want || string(g.Bytes) != v.in {
			t.Errorf("%s: the pairs of %q are %q, want %q", v.name, v.in, got, v.want)
		}
		if std := standard(v.in); std != v.want {
			t.Errorf("%s: by net/url the pairs of %q are %q", v.name, v.in, std)
		}
	}
}

func TestFind(t *testing.T) {
	q := form.NewQuery([]byte("a=1&%62=2&b=3&%zz&c"))
	for _, want := range []string{"2", "3"} {
		if !q.Find("b") || string(q.RawValue()) != want {
			t.Fatalf("Find gives %q, want %q", q.RawValue(), want)
		}
	}
	if q.Err() != nil {
		t.Error("a pair that was not reached is told of")
	}
	if q.Find("b") || q.Err() != form.ErrEscape {
		t.Errorf("at the end: Find finds one, or Err = %v", q.Err())
	}
	short := form.NewQuery([]byte("long=value"))
	short.Next()
	if _, err := short.Name(make([]byte, 3)); err != form.ErrShort {
		t.Errorf("Name to 3 bytes = %v", err)
	}
	if b, err := short.Value(make([]byte, 4)); err != form.ErrShort || string(b) != "valu" {
		t.Errorf("Value to 4 bytes = %q, %v", b, err)
	}
}
