package coap_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// words are the values of the options of a number.
func words(o coap.Options, n coap.Option) (all []string) {
	for _, c := range decoded(o) {
		if c.n == n {
			all = append(all, c.value)
		}
	}
	return all
}

// RFC 7252 section 6.4, step 8, and RFC 3986 section 5.2.4.
func TestPathOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
		want []string
		text string // as AppendPath has it
	}{
		{"nothing", "", nil, "/"},
		{"one slash", "/", nil, "/"},
		{"one segment", "/a", []string{"a"}, "/a"},
		{"without a slash in front", "a/b", []string{"a", "b"}, "/a/b"},
		{"slash behind", "/a/", []string{"a", ""}, "/a/"},
		{"two slashes", "//", []string{"", ""}, "//"},
		{"empty segments", "//a//b//", []string{"", "a", "", "b", "", ""}, "//a//b//"},
		{"escapes", "/%41%2f%c3%Bc%00%25", []string{"A/ü\x00%"}, "/A%2F%C3%BC%00%25"},
		{"escapes of all ones", "/%ff%FF", []string{"\xFF\xFF"}, "/%FF%FF"},
		{"all that needs no escape", "/aZ09-._~!$&'()*+,;=:@", []string{"aZ09-._~!$&'()*+,;=:@"}, "/aZ09-._~!$&'()*+,;=:@"},
		{"longest segment", "/" + rep('a', 255), []string{rep('a', 255)}, "/" + rep('a', 255)},
		{"longest segment, escaped", "/" + strings.Repeat("%61", 255), []string{rep('a', 255)}, "/" + rep('a', 255)},
		{"a dot", "/a/./b", []string{"a", "b"}, "/a/b"},
		{"a dot behind", "/a/.", []string{"a", ""}, "/a/"},
		{"a dot alone", "/.", nil, "/"},
		{"a dot alone with a slash", "/./", nil, "/"},
		{"two dots", "/a/../b", []string{"b"}, "/b"},
		{"two dots behind", "/a/b/..", []string{"a", ""}, "/a/"},
		{"two dots behind with a slash", "/a/b/../", []string{"a", ""}, "/a/"},
		{"two dots too many", "/a/../../../b", []string{"b"}, "/b"},
		{"two dots alone", "/..", nil, "/"},
		{"two dots that leave nothing", "/a/..", nil, "/"},
		{"two dots for an empty segment", "/a//../b", []string{"a", "b"}, "/a/b"},
		{"RFC 3986 section 5.2.4", "/a/b/c/./../../g", []string{"a", "g"}, "/a/g"},
		{"three dots", "/.../..a/a..", []string{"...", "..a", "a.."}, "/.../..a/a.."},
	} {
		dst, err := coap.AppendPathOptions([]byte("dst"), 0, coap.OptURIPath, c.path)
		o := coap.Options(dst[3:])
		if err != nil || string(dst[:3]) != "dst" || !slices.Equal(words(o, coap.OptURIPath), c.want) || len(words(o, coap.OptURIPath)) != len(decoded(o)) {
			t.Errorf("%s: AppendPathOptions(%q) = %+v, %v", c.name, c.path, decoded(o), err)
		}
		if got := o.AppendPath([]byte("dst")); string(got) != "dst"+c.text {
			t.Errorf("%s: the path is %q, want %q", c.name, got[3:], c.text)
		}
		// Behind other options, and as a location.
		o, err = coap.AppendPathOptions(options(opt(3, "h"), opt(7, "")), 7, coap.OptLocationPath, c.path)
		if err != nil || !slices.Equal(words(o, coap.OptLocationPath), c.want) || words(o, 3)[0] != "h" {
			t.Errorf("%s: behind others %+v, %v", c.name, decoded(o), err)
		}
		if want := c.text; string(o.AppendLocation(nil)) != want && !(len(c.want) == 0 && len(o.AppendLocation(nil)) == 0) {
			t.Errorf("%s: the location is %q, want %q", c.name, o.AppendLocation(nil), want)
		}
	}
}

func TestPathErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
		err  error
	}{
		{"half an escape", "/a%4", coap.ErrURIEscape},
		{"percent sign alone", "/%", coap.ErrURIEscape},
		{"no digits", "/%g0", coap.ErrURIEscape},
		{"one digit", "/%0g/", coap.ErrURIEscape},
		{"blank", "/a b", coap.ErrURIByte},
		{"blank behind an escape", "/%41 b", coap.ErrURIByte},
		{"question mark", "/a?b", coap.ErrURIByte},
		{"fragment", "/a#b", coap.ErrURIByte},
		{"brackets", "/[", coap.ErrURIByte},
		{"control", "/\x7F", coap.ErrURIByte},
		{"not ASCII", "/ü", coap.ErrURIByte},
		{"long segment", "/a/" + rep('a', 256), coap.ErrURISegment},
		{"escaped dot", "/a/%2e", coap.ErrURIDots},
		{"escaped dots", "/a/.%2E/b", coap.ErrURIDots},
	} {
		buf := make([]byte, 0, 512)
		dst, err := coap.AppendPathOptions(append(buf, "dst"...), 0, coap.OptURIPath, c.path)
		if err != c.err || string(dst) != "dst" {
			t.Errorf("%s: AppendPathOptions(%q) = %q, %v, want %v", c.name, c.path, dst, err, c.err)
		}
	}
}

func TestQueryOptions(t *testing.T) {
	for _, c := range []struct {
		name  string
		query string
		want  []string
		text  string
		err   error
	}{
		{"nothing", "", nil, "", nil},
		{"one", "a=b", []string{"a=b"}, "a=b", nil},
		{"two", "a=b&c", []string{"a=b", "c"}, "a=b&c", nil},
		{"empty parts", "&&", []string{"", "", ""}, "&&", nil},
		{"escapes", "a%26b=%3d%20&c", []string{"a&b== ", "c"}, "a%26b==%20&c", nil},
		{"all that needs no escape", "aZ09-._~!$'()*+,;=:@/?", []string{"aZ09-._~!$'()*+,;=:@/?"}, "aZ09-._~!$'()*+,;=:@/?", nil},
		{"dots", ".&%2e%2e", []string{".", ".."}, ".&..", nil},
		{"longest part", rep('a', 255) + "&b", []string{rep('a', 255), "b"}, rep('a', 255) + "&b", nil},
		{"long part", "a&" + rep('a', 256), nil, "", coap.ErrURISegment},
		{"half an escape", "a&%4", nil, "", coap.ErrURIEscape},
		{"blank", "a b", nil, "", coap.ErrURIByte},
		{"fragment", "a#b", nil, "", coap.ErrURIByte},
		{"not ASCII", "ü", nil, "", coap.ErrURIByte},
	} {
		dst, err := coap.AppendQueryOptions([]byte("dst"), 11, coap.OptURIQuery, c.query)
		if err != c.err || string(dst[:3]) != "dst" || err != nil && len(dst) != 3 {
			t.Errorf("%s: AppendQueryOptions(%q) = %q, %v, want %v", c.name, c.query, dst, err, c.err)
			continue
		}
		o, _ := coap.AppendQueryOptions(options(opt(11, "a")), 11, coap.OptURIQuery, c.query)
		if got := words(o, coap.OptURIQuery); !slices.Equal(got, c.want) {
			t.Errorf("%s: AppendQueryOptions(%q) = %q", c.name, c.query, got)
		}
		if got := coap.Options(o).AppendQuery([]byte("dst")); string(got) != "dst"+c.text {
			t.Errorf("%s: the query is %q, want %q", c.name, got, c.text)
		}
	}
}

func TestLocation(t *testing.T) {
	for _, c := range []struct {
		options coap.Options
		want    string
	}{
		{nil, ""},
		{options(opt(8, "a"), opt(8, "b c")), "/a/b%20c"},
		{options(opt(8, "a"), opt(20, "x=1"), opt(20, "y")), "/a?x=1&y"},
		{options(opt(20, "x")), "?x"},
		{options(opt(8, "")), "/"},
		{options(opt(11, "path"), opt(15, "query")), ""},
	} {
		if got := c.options.AppendLocation(nil); string(got) != c.want {
			t.Errorf("the location of %+v is %q, want %q", decoded(c.options), got, c.want)
		}
	}
}

func TestQuery(t *testing.T) {
	o := options(opt(11, "a=path"), opt(15, "a=1"), opt(15, "b"), opt(15, "ab=2"), opt(15, "a=3"), opt(15, "c="), opt(15, "=4"), opt(15, "b=5"), opt(20, "d=6"))
	for _, c := range []struct {
		name  string
		value []byte
		ok    bool
	}{
		{"a", []byte("1"), true}, {"b", nil, true}, {"ab", []byte("2"), true}, {"c", []byte{}, true}, {"", []byte("4"), true},
		{"d", nil, false}, {"abc", nil, false}, {"A", nil, false},
	} {
		if v, ok := o.Query(c.name); !bytes.Equal(v, c.value) || ok != c.ok || (v == nil) != (c.value == nil) {
			t.Errorf("Query(%q) = %q, %v, want %q, %v", c.name, v, ok, c.value, c.ok)
		}
	}
	if v, ok := options(opt(15, "a=1")).Query("b"); v != nil || ok {
		t.Errorf("Query of another = %q, %v", v, ok)
	}
}

// The sets of bytes are those of RFC 3986 appendix A.
func TestChars(t *testing.T) {
	const alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const unreserved, subDelims = alnum + "-._~", "!$&'()*+,;="
	for i := range 256 {
		c := string([]byte{byte(i)})
		pchar := strings.Contains(unreserved+subDelims+":@", c)
		g := splittest.Guard("/a" + c + "b")
		_, err := coap.AppendPathOptions(nil, 0, coap.OptURIPath, string(g.Bytes))
		if want := pchar || c == "/"; (err == nil) != want {
			t.Errorf("%q in a path: %v", c, err)
		}
		_, err = coap.AppendQueryOptions(nil, 0, coap.OptURIQuery, "a"+c+"b")
		if want := pchar || c == "/" || c == "?"; (err == nil) != want {
			t.Errorf("%q in a query: %v", c, err)
		}
		_, err = coap.ParseURI("coap://a" + c + "b")
		if want := strings.Contains(unreserved+subDelims+"/?", c); (err == nil) != want {
			t.Errorf("%q in a host: %v", c, err)
		}
		if got := options(opt(11, "a"+c)).AppendPath(nil); (len(got) == 3) != pchar {
			t.Errorf("%q in a path is %q", c, got)
		}
		if got := options(opt(15, "a"+c)).AppendQuery(nil); (len(got) == 2) != (c != "&" && (pchar || c == "/" || c == "?")) {
			t.Errorf("%q in a query is %q", c, got)
		}
	}
}
