package form_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

func describeValues(t testing.TB, v form.Values) string {
	var s strings.Builder
	for p := v.Pairs(); p.Next(); {
		if p.Name() == nil || p.Value() == nil {
			t.Error("a name or value is nil")
		}
		if !v.Has(string(p.Name())) {
			t.Errorf("the form has no %q", p.Name())
		}
		s.WriteString(url.QueryEscape(string(p.Name())) + "=" + url.QueryEscape(string(p.Value())) + ";")
	}
	return s.String()
}

func TestParse(t *testing.T) {
	for _, v := range queries {
		var err error
		want := v.want
		switch {
		case strings.HasSuffix(want, "!"):
			want, err = "", form.ErrEscape
		case v.name == "not UTF-8":
			want, err = "", form.ErrUTF8
		}
		g := splittest.Guard(v.in)
		values, e := form.Parse(g.Bytes)
		if got := describeValues(t, values); got != want || e != err || !g.Intact() {
			t.Errorf("%s: Parse(%q) = %q, %v, want %q, %v", v.name, v.in, got, e, want, err)
		}
	}
	for _, in := range []string{"%FF", "a=%FE", "\xFF", "\xFE=1", "a=%C3&b=%A9", "%C3=%A9"} {
		if _, err := form.Parse([]byte(in)); err != form.ErrUTF8 {
			t.Errorf("Parse(%q) = %v, want ErrUTF8", in, err)
		}
	}
}

func TestValues(t *testing.T) {
	v, err := form.Parse([]byte("user=%C3%A9va&note=a+b%26c&user=2&empty&none="))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"user": "éva", "note": "a b&c", "empty": "", "none": ""} {
		if got := v.Get(name); string(got) != want || got == nil || !v.Has(name) {
			t.Errorf("Get(%q) = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"", "use", "userx", "USER"} {
		if v.Get(name) != nil || v.Has(name) {
			t.Errorf("the form has %q", name)
		}
	}
	if (form.Values{}).Has("") {
		t.Error("no form has a name")
	}
}

func checkQuery(t *testing.T, in string) {
	want := standard(in)
	got := describe(t, form.NewQuery([]byte(in)))
	if got != want {
		t.Errorf("the pairs of %q are %q, by net/url %q", in, got, want)
	}
	v, err := form.Parse([]byte(in))
	if strings.HasSuffix(want, "!") {
		if err != form.ErrEscape && err != form.ErrUTF8 {
			t.Errorf("Parse(%q) = %v", in, err)
		}
		return
	}
	text, _ := url.ParseQuery(strings.ReplaceAll(in, ";", "%3B"))
	valid := true
	for name, values := range text {
		for _, s := range append(values, name) {
			valid = valid && utf8.ValidString(s)
		}
	}
	if !valid {
		if err != form.ErrUTF8 {
			t.Errorf("Parse(%q) = %v, want ErrUTF8", in, err)
		}
		return
	}
	if got := describeValues(t, v); err != nil || got != want {
		t.Errorf("Parse(%q) = %q, %v, by net/url %q", in, got, err, want)
	}
	for name, values := range text {
		if string(v.Get(name)) != values[0] {
			t.Errorf("Parse(%q).Get(%q) = %q, by net/url %q", in, name, v.Get(name), values[0])
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, v := range queries {
		f.Add(v.in)
	}
	f.Fuzz(checkQuery)
}
