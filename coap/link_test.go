package coap_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// describe writes out what a document of links has.
func describe(b []byte) (string, error) {
	var s strings.Builder
	l := coap.ParseLinks(b)
	for l.Next() {
		s.WriteString("<" + string(l.Link.Target) + ">")
		for p := l.Link.Params(); p.Next(); {
			s.WriteString(" " + string(p.Name))
			switch {
			case p.Quoted:
				s.WriteString("='" + string(coap.AppendUnquoted(nil, p.Value)) + "'")
			case p.Value != nil:
				s.WriteString("=" + string(p.Value))
			}
		}
		s.WriteString("|")
	}
	return s.String(), l.Err()
}

// rfc6690 has the examples of RFC 6690 section 5.
var rfc6690 = []struct{ name, text, want string }{
	{"two resources", `</sensors/temp>;if="sensor",</sensors/light>;if="sensor"`, `</sensors/temp> if='sensor'|</sensors/light> if='sensor'|`},
	{"an index", `</sensors>;ct=40`, `</sensors> ct=40|`},
	{"types and interfaces", `</sensors/temp>;rt="temperature-c";if="sensor",</sensors/light>;rt="light-lux";if="sensor"`,
		`</sensors/temp> rt='temperature-c' if='sensor'|</sensors/light> rt='light-lux' if='sensor'|`},
	{"relations", `</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor",</sensors/light>;rt="light-lux";if="sensor",<http://www.example.com/sensors/t123>;anchor="/sensors/temp";rel="describedby",</t>;anchor="/sensors/temp";rel="alternate"`,
		`</sensors> ct=40 title='Sensor Index'|</sensors/temp> rt='temperature-c' if='sensor'|</sensors/light> rt='light-lux' if='sensor'|<http://www.example.com/sensors/t123> anchor='/sensors/temp' rel='describedby'|</t> anchor='/sensors/temp' rel='alternate'|`},
	{"firmware", `</firmware/v2.1>;rt="firmware";sz=262144`, `</firmware/v2.1> rt='firmware' sz=262144|`},
	{"several types", `</s>;rt="a b c"`, `</s> rt='a b c'|`},
}

func TestParseLinks(t *testing.T) {
	type test struct {
		name, text, want string
		err              error
	}
	tests := []test{
		{"nothing", "", "", nil},
		{"white space", " \r\n", "", nil},
		{"a target alone", "</>", "</>|", nil},
		{"an empty target", "<>", "<>|", nil},
		{"a parameter without a value", "</a>;obs", "</a> obs|", nil},
		{"an empty string", `</a>;title=""`, "</a> title=''|", nil},
		{"escapes", `</a>;title="say \"a\\b\""`, `</a> title='say "a\b"'|`, nil},
		{"comma, semicolon and angle brackets in a string", `</a>;title=",;<b>",</c>`, `</a> title=',;<b>'|</c>|`, nil},
		{"comma and semicolon in a target", `</a,b;c=1>;d`, `</a,b;c=1> d|`, nil},
		{"white space between all", " </a> ; ct = 40 ; obs ,\r\n\t</b> ; rt = \"x\" ", "</a> ct=40 obs|</b> rt='x'|", nil},
		{"a name with an asterisk (RFC 5988 section 5)", `</a>;title*=UTF-8'de'n%c3%a4chstes`, `</a> title*=UTF-8'de'n%c3%a4chstes|`, nil},
		{"all of ptoken", "</a>;x=!#$%&'()*+-./:<=>?@[]^_`{|}~", "</a> x=!#$%&'()*+-./:<=>?@[]^_`{|}~|", nil},
		{"text beyond ASCII", "</a>;title=\"\xc3\xa4\"", "</a> title='\xc3\xa4'|", nil},
		{"the same parameter twice", "</a>;if=x;if=y", "</a> if=x if=y|", nil},

		{"no link", "a", "", coap.ErrLinkTarget},
		{"no target", ";ct=40", "", coap.ErrLinkTarget},
		{"a target without an end", "</a", "", coap.ErrLinkTarget},
		{"white space in a target", "</a b>", "", coap.ErrLinkTarget},
		{"quotes in a target", `</"a">`, "", coap.ErrLinkTarget},
		{"two angle brackets", "<<a>", "", coap.ErrLinkTarget},
		{"a comma alone", ",", "", coap.ErrLinkTarget},
		{"a comma in front", ",</a>", "", coap.ErrLinkTarget},
		{"a comma behind", "</a>,", "</a>|", coap.ErrLinkTarget},
		{"two commas", "</a>,,</b>", "</a>|", coap.ErrLinkTarget},
		{"no comma", "</a></b>", "", coap.ErrLinkParam},
		{"a semicolon alone", "</a>;", "", coap.ErrLinkParam},
		{"two semicolons", "</a>;;obs", "", coap.ErrLinkParam},
		{"a value without a name", "</a>;=x", "", coap.ErrLinkParam},
		{"an equals sign alone", "</a>;x=", "", coap.ErrLinkParam},
		{"an equals sign before a comma", "</a>;x=,</b>", "", coap.ErrLinkParam},
		{"two words", "</a>;x y", "", coap.ErrLinkParam},
		{"something behind a string", `</a>;x="y"z`, "", coap.ErrLinkParam},
		{"a string without an end", `</a>;x="y`, "", coap.ErrLinkQuote},
		{"a string that ends in an escape", `</a>;x="y\"`, "", coap.ErrLinkQuote},
		{"a string that ends in half an escape", `</a>;x="y\`, "", coap.ErrLinkQuote},
		{"an error in the second link", "</a>;obs,b", "</a> obs|", coap.ErrLinkTarget},
	}
	for _, c := range rfc6690 {
		tests = append(tests, test{"RFC 6690 section 5: " + c.name, c.text, c.want, nil})
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			g := splittest.Guard(c.text)
			got, err := describe(g.Bytes)
			if got != c.want || err != c.err {
				t.Errorf("%q is %q, %v, want %q, %v", c.text, got, err, c.want, c.err)
			}
			if !g.Intact() || string(g.Bytes) != c.text {
				t.Error("the parser writes")
			}
		})
	}
}

func TestLinksEnd(t *testing.T) {
	l := coap.ParseLinks([]byte("</a>,"))
	for l.Next() {
	}
	if l.Next() || l.Err() != coap.ErrLinkTarget || l.Link.Target != nil {
		t.Errorf("behind the end there is %q, %v", l.Link.Target, l.Err())
	}
}

func TestLinkParam(t *testing.T) {
	l := coap.ParseLinks([]byte(`</a>;rt="x y";RT=z;obs;title=""`))
	if !l.Next() {
		t.Fatal(l.Err())
	}
	for _, c := range []struct {
		name, want string
		isNil, ok  bool
	}{{"rt", "x y", false, true}, {"Rt", "x y", false, true}, {"obs", "", true, true}, {"title", "", false, true}, {"if", "", true, false}} {
		if v, ok := l.Link.Param(c.name); string(v) != c.want || (v == nil) != c.isNil || ok != c.ok {
			t.Errorf("Param(%q) = %q, %v", c.name, v, ok)
		}
	}
}

func TestAppendLink(t *testing.T) {
	type param struct{ name, value string }
	for _, c := range []struct {
		name, target string
		params       []param
		want         string
	}{
		{"a path", "/sensors/temp", nil, "</sensors/temp>"},
		{"an escape is left as it is", "/a%20b", nil, "</a%20b>"},
		{"what no URI has is escaped", "/a b<c>\"\xc3\xa4\x7f", nil, "</a%20b%3Cc%3E%22%C3%A4%7F>"},
		{"the rest of them", "\\^`{|}", nil, "<%5C%5E%60%7B%7C%7D>"},
		{"a query", "/a?b=c&d", nil, "</a?b=c&d>"},
		{"parameters", "/a", []param{{"rt", "temperature-c"}, {"if", "sensor"}, {"obs", ""}, {"ct", "40"}, {"sz", "262144"}},
			`</a>;rt="temperature-c";if="sensor";obs;ct=40;sz=262144`},
		{"a list of numbers", "/a", []param{{"ct", "0 41"}}, `</a>;ct="0 41"`},
		{"what looks like a number", "/a", []param{{"a", "007"}, {"b", "0"}, {"c", "1x"}, {"d", "-1"}}, `</a>;a="007";b=0;c="1x";d="-1"`},
		{"what must be escaped", "/a", []param{{"title", `say "a\b"`}}, `</a>;title="say \"a\\b\""`},
		{"what no string has", "/a", []param{{"title", "a\r\n\x00b\x7f\xc3\xa4"}}, "</a>;title=\"ab\xc3\xa4\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := coap.AppendLink([]byte("before"), c.target)
			for _, p := range c.params {
				b = coap.AppendLinkParam(b, p.name, p.value)
			}
			if string(b) != "before"+c.want {
				t.Fatalf("%q, want %q", b, c.want)
			}
			l := coap.ParseLinks(b[len("before"):])
			if !l.Next() || l.Err() != nil {
				t.Errorf("what is written cannot be read: %v", l.Err())
			}
			for _, p := range c.params {
				if v, ok := l.Link.Param(p.name); !ok || string(coap.AppendUnquoted(nil, v)) != p.value && c.name != "what no string has" {
					t.Errorf("%s=%q comes as %q, %v", p.name, p.value, v, ok)
				}
			}
		})
	}
}

func TestMatch(t *testing.T) {
	const link = `</sensors/temp>;rt="temperature-c core.s x";if="sensor";ct="0 50";sz=12;title="say \"a b\"";obs;rel=" a  b "`
	for _, c := range []struct {
		name, query string
		want        bool
	}{
		{"one of a list", "rt=core.s", true},
		{"the first of a list", "rt=temperature-c", true},
		{"the last of a list", "rt=x", true},
		{"a part of a word", "rt=core", false},
		{"the beginning of a word", "rt=core*", true},
		{"the beginning of no word", "rt=sensor*", false},
		{"more than a word", "rt=core.sx", false},
		{"a whole list", "rt=temperature-c core.s x", false},
		{"anything", "rt=*", true},
		{"nothing", "rt=", false},
		{"a parameter of one word", "if=sensor", true},
		{"the beginning of it", "if=s*", true},
		{"one of several formats", "ct=50", true},
		{"another format", "ct=5", false},
		{"a number", "sz=12", true},
		{"a value that is no list", `title=say "a b"`, true},
		{"the beginning of one", `title=say "a*`, true},
		{"a word of one", "title=say", false},
		{"more than one", `title=say "a b" c`, false},
		{"the escapes themselves", `title=say \"a b\"`, false},
		{"an asterisk within", "if=s*r", false},
		{"the name of a parameter in another case", "RT=x", true},
		{"a value in another case", "rt=X", false},
		{"the target", "href=/sensors/temp", true},
		{"the beginning of the target", "href=/sensors*", true},
		{"another target", "href=/sensors", false},
		{"any target", "href", true},
		{"a parameter that there is", "obs", true},
		{"nothing in a list with blanks", "rel=", false},
		{"a word of a list with blanks", "rel=b", true},
		{"a parameter that there is not", "rev", false},
		{"a value of a parameter without one", "obs=1", false},
		{"any value of a parameter without one", "obs=*", true},
		{"a parameter that there is not, of any value", "foo=*", false},
		{"an empty query", "", false},
		{"a value without a name", "=x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := coap.ParseLinks([]byte(link))
			if !l.Next() {
				t.Fatal(l.Err())
			}
			g := splittest.Guard(c.query)
			if got := l.Link.Match(g.Bytes); got != c.want {
				t.Errorf("Match(%q) = %v", c.query, got)
			}
		})
	}
}
