package credentials_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/credentials"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

var basics = []struct {
	name, in, user, password string
	ok                       bool
}{
	{"RFC 7617 section 2", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame", true},
	{"RFC 7617 section 2.1, in UTF-8", "Basic dGVzdDoxMjPCow==", "test", "123£", true},
	{"scheme in either case", "bASIC " + b64("a:b"), "a", "b", true},
	{"several blanks", "Basic   " + b64("a:b"), "a", "b", true},
	{"no user", "Basic " + b64(":b"), "", "b", true},
	{"no password", "Basic " + b64("a:"), "a", "", true},
	{"neither", "Basic " + b64(":"), "", "", true},
	{"colon in the password", "Basic " + b64("a:b:c"), "a", "b:c", true},
	{"every digit", "Basic " + b64("~?:\xfb\xff\xfe"), "~?", "\xfb\xff\xfe", true},
	{"nothing", "", "", "", false},
	{"scheme alone", "Basic", "", "", false},
	{"scheme and blank", "Basic ", "", "", false},
	{"no blank", "Basic" + b64("a:b"), "", "", false},
	{"tab for a blank", "Basic\t" + b64("a:b"), "", "", false},
	{"another scheme", "Bearer " + b64("a:b"), "", "", false},
	{"shorter scheme", "Basi " + b64("a:b"), "", "", false},
	{"no colon", "Basic " + b64("ab"), "", "", false},
	{"no padding", "Basic YTo", "", "", false},
	{"too much padding", "Basic YTo=====", "", "", false},
	{"padding alone", "Basic ====", "", "", false},
	{"padding after one digit", "Basic Y===", "", "", false},
	{"padding within", "Basic YTo=YTo=", "", "", false},
	{"digit after padding", "Basic YQ=A", "", "", false},
	{"blank behind", "Basic " + b64("a:b") + " ", "", "", false},
	{"digits of URLs", "Basic YTr_", "", "", false},
	{"control", "Basic " + b64("a:\x00"), "", "", false},
	{"line break", "Basic " + b64("a\n:b"), "", "", false},
	{"bits behind the last byte", "Basic YTp=", "", "", false},
	{"more bits behind the last byte", "Basic YTp5YR==", "", "", false},
}

// lenient are those that net/http takes.
var lenient = map[string]bool{"control": true, "line break": true, "bits behind the last byte": true, "more bits behind the last byte": true}

func TestBasic(t *testing.T) {
	for _, v := range basics {
		g := splittest.Guard(v.in)
		dst := splittest.Guard(make([]byte, credentials.BasicLen(g.Bytes)))
		user, password, ok := credentials.Basic(dst.Bytes, g.Bytes)
		if ok != v.ok || string(user) != v.user || string(password) != v.password || !dst.Intact() {
			t.Errorf("%s: Basic(%q) = %q, %q, %v, want %q, %q, %v", v.name, v.in, user, password, ok, v.user, v.password, v.ok)
		}
		if ok {
			if _, _, ok := credentials.Basic(make([]byte, len(user)+len(password)), g.Bytes); ok {
				t.Errorf("%s: Basic writes more than there is room for", v.name)
			}
		}
		r := http.Request{Header: http.Header{"Authorization": {v.in}}}
		u, p, stdOK := r.BasicAuth()
		if stdOK != ok && !lenient[v.name] && v.name != "several blanks" || ok && stdOK && (u != v.user || p != v.password) {
			t.Errorf("%s: by net/http %q is %q, %q, %v", v.name, v.in, u, p, stdOK)
		}
	}
}

func TestBearer(t *testing.T) {
	for _, v := range []struct{ name, in, want string }{
		{"RFC 6750 section 2.1", "Bearer mF_9.B5f-4.1JqM", "mF_9.B5f-4.1JqM"},
		{"every byte", "bearer aZ09-._~+/==", "aZ09-._~+/=="},
		{"several blanks", "BEARER  a", "a"},
		{"nothing", "", ""},
		{"no token", "Bearer", ""},
		{"no token after a blank", "Bearer ", ""},
		{"equals sign alone", "Bearer =", ""},
		{"equals sign within", "Bearer a=b", ""},
		{"two tokens", "Bearer a b", ""},
		{"quoted", `Bearer "a"`, ""},
		{"another scheme", "Basic abcd", ""},
		{"longer scheme", "Bearers a", ""},
	} {
		g := splittest.Guard(v.in)
		if got := credentials.Bearer(g.Bytes); string(got) != v.want || (got == nil) != (v.want == "") {
			t.Errorf("%s: Bearer(%q) = %q, want %q", v.name, v.in, got, v.want)
		}
	}
	if !credentials.IsScheme([]byte("Digest x"), "digest") || credentials.IsScheme([]byte("Digests"), "digest") {
		t.Error("IsScheme is mistaken")
	}
}

func TestEqual(t *testing.T) {
	for _, v := range []struct {
		given, secret string
		want          bool
	}{
		{"secret", "secret", true},
		{"a", "a", true},
		{"secres", "secret", false},
		{"Secret", "secret", false},
		{"secre", "secret", false},
		{"secrett", "secret", false},
		{"aa", "a", false},
		{"", "secret", false},
		{"", "", false},
		{"a", "", false},
		{strings.Repeat("a", 256+1), "a", false},
	} {
		g := splittest.Guard(v.given)
		if credentials.Equal(g.Bytes, v.secret) != v.want || credentials.Equal(g.Bytes, []byte(v.secret)) != v.want {
			t.Errorf("Equal(%q, %q) = %v", v.given, v.secret, !v.want)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	for _, v := range basics {
		f.Add(v.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		dst := make([]byte, credentials.BasicLen([]byte(in)))
		user, password, ok := credentials.Basic(dst, []byte(in))
		if ok {
			// What is accepted is what a client writes.
			text := string(user) + ":" + string(password)
			if !strings.HasSuffix(in, " "+b64(text)) || strings.Contains(string(user), ":") {
				t.Errorf("Basic(%q) = %q, %q", in, user, password)
			}
		}
		if token := credentials.Bearer([]byte(in)); token != nil && !strings.HasSuffix(in, " "+string(token)) {
			t.Errorf("Bearer(%q) = %q", in, token)
		}
	})
}
