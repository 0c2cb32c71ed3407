package cookie_test

import (
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// standard is a cookie as net/http has it.
func standard(c cookie.Cookie) *http.Cookie {
	s := &http.Cookie{Name: c.Name, Value: c.Value, Quoted: c.Quoted, Path: c.Path, Domain: c.Domain, MaxAge: c.MaxAge,
		Secure: c.Secure, HttpOnly: c.HTTPOnly, Partitioned: c.Partitioned}
	if c.Bytes != nil {
		s.Value = string(c.Bytes)
	}
	if c.Expires != 0 {
		s.Expires = time.Unix(c.Expires, 0)
	}
	switch c.SameSite {
	case cookie.Default:
		s.SameSite = http.SameSiteDefaultMode
	case cookie.Lax:
		s.SameSite = http.SameSiteLaxMode
	case cookie.Strict:
		s.SameSite = http.SameSiteStrictMode
	case cookie.None:
		s.SameSite = http.SameSiteNoneMode
	}
	return s
}

var long = strings.Repeat("x", 5000)

var cookies = []struct {
	name string
	c    cookie.Cookie
	want string
	err  error
}{
	{"name and value", cookie.Cookie{Name: "a", Value: "1"}, "a=1", nil},
	{"no value", cookie.Cookie{Name: "a"}, "a=", nil},
	{"value in bytes", cookie.Cookie{Name: "a", Value: "other", Bytes: []byte("1")}, "a=1", nil},
	{"no bytes", cookie.Cookie{Name: "a", Value: "other", Bytes: []byte{}}, "a=", nil},
	{"quotes for a blank", cookie.Cookie{Name: "a", Value: "1 2"}, `a="1 2"`, nil},
	{"quotes for a comma", cookie.Cookie{Name: "a", Value: ","}, `a=","`, nil},
	{"quotes that are asked for", cookie.Cookie{Name: "a", Value: "1", Quoted: true}, `a="1"`, nil},
	{"quotes around nothing", cookie.Cookie{Name: "a", Quoted: true}, `a=""`, nil},
	{"every attribute", cookie.Cookie{Name: "__Secure-a", Value: "1", Path: "/p", Domain: "Example.org", Expires: 784111777, MaxAge: 60,
		HTTPOnly: true, Secure: true, SameSite: cookie.None, Partitioned: true},
		"__Secure-a=1; Path=/p; Domain=Example.org; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned", nil},
	{"bound to the host", cookie.Cookie{Name: "__Host-a", Secure: true, Path: "/", SameSite: cookie.Strict}, "__Host-a=; Path=/; Secure; SameSite=Strict", nil},
	{"lax", cookie.Cookie{Name: "a", SameSite: cookie.Lax}, "a=; SameSite=Lax", nil},
	{"deleted", cookie.Cookie{Name: "a", MaxAge: -1}, "a=; Max-Age=0", nil},
	{"oldest", cookie.Cookie{Name: "a", Expires: -11644473600, MaxAge: math.MinInt}, "a=; Expires=Mon, 01 Jan 1601 00:00:00 GMT; Max-Age=0", nil},
	{"newest", cookie.Cookie{Name: "a", Expires: 253402300799, MaxAge: math.MaxInt32}, "a=; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=2147483647", nil},
	{"dot before the domain", cookie.Cookie{Name: "a", Domain: ".example.org"}, "a=; Domain=example.org", nil},
	{"dot behind the domain", cookie.Cookie{Name: "a", Domain: "example.org."}, "a=; Domain=example.org.", nil},
	{"address for a domain", cookie.Cookie{Name: "a", Domain: "127.0.0.1"}, "a=; Domain=127.0.0.1", nil},
	{"as long as may be", cookie.Cookie{Name: "a", Value: long[:4095], Path: long[:1024]}, "a=" + long[:4095] + "; Path=" + long[:1024], nil},

	{"no name", cookie.Cookie{Value: "1"}, "", cookie.ErrName},
	{"blank in the name", cookie.Cookie{Name: "a b"}, "", cookie.ErrName},
	{"equals sign in the name", cookie.Cookie{Name: "a=b"}, "", cookie.ErrName},
	{"name that splits the field", cookie.Cookie{Name: "a\r\nb"}, "", cookie.ErrName},
	{"semicolon in the value", cookie.Cookie{Name: "a", Value: "1; Path=/"}, "", cookie.ErrValue},
	{"semicolon in the bytes", cookie.Cookie{Name: "a", Bytes: []byte(";")}, "", cookie.ErrValue},
	{"quote in the value", cookie.Cookie{Name: "a", Value: `"`}, "", cookie.ErrValue},
	{"backslash in the value", cookie.Cookie{Name: "a", Value: `\`}, "", cookie.ErrValue},
	{"line break in the value", cookie.Cookie{Name: "a", Value: "\r\n"}, "", cookie.ErrValue},
	{"DEL in the value", cookie.Cookie{Name: "a", Value: "\x7F"}, "", cookie.ErrValue},
	{"value that is not ASCII", cookie.Cookie{Name: "a", Value: "é"}, "", cookie.ErrValue},
	{"semicolon in the path", cookie.Cookie{Name: "a", Path: "/;"}, "", cookie.ErrPath},
	{"line break in the path", cookie.Cookie{Name: "a", Path: "/\n"}, "", cookie.ErrPath},
	{"path that is not ASCII", cookie.Cookie{Name: "a", Path: "/é"}, "", cookie.ErrPath},
	{"domain that is a dot", cookie.Cookie{Name: "a", Domain: "."}, "", cookie.ErrDomain},
	{"two dots in the domain", cookie.Cookie{Name: "a", Domain: "a..b"}, "", cookie.ErrDomain},
	{"dash begins a label", cookie.Cookie{Name: "a", Domain: "a.-b"}, "", cookie.ErrDomain},
	{"dash ends a label", cookie.Cookie{Name: "a", Domain: "a-.b"}, "", cookie.ErrDomain},
	{"dash ends the domain", cookie.Cookie{Name: "a", Domain: "a-"}, "", cookie.ErrDomain},
	{"no letter in the domain", cookie.Cookie{Name: "a", Domain: "1.2"}, "", cookie.ErrDomain},
	{"label too long", cookie.Cookie{Name: "a", Domain: long[:64]}, "", cookie.ErrDomain},
	{"label too long, and another", cookie.Cookie{Name: "a", Domain: long[:64] + ".a"}, "", cookie.ErrDomain},
	{"domain too long", cookie.Cookie{Name: "a", Domain: strings.Repeat("a.", 128)}, "", cookie.ErrDomain},
	{"semicolon in the domain", cookie.Cookie{Name: "a", Domain: "a;b"}, "", cookie.ErrDomain},
	{"port in the domain", cookie.Cookie{Name: "a", Domain: "a:80"}, "", cookie.ErrDomain},
	{"IPv6 for a domain", cookie.Cookie{Name: "a", Domain: "::1"}, "", cookie.ErrDomain},
	{"five numbers", cookie.Cookie{Name: "a", Domain: "1.2.3.4.5"}, "", cookie.ErrDomain},
	{"number too large", cookie.Cookie{Name: "a", Domain: "1.2.3.256"}, "", cookie.ErrDomain},
	{"number with a zero before", cookie.Cookie{Name: "a", Domain: "1.2.3.04"}, "", cookie.ErrDomain},
	{"number missing", cookie.Cookie{Name: "a", Domain: "1.2.3."}, "", cookie.ErrDomain},
	{"before 1601", cookie.Cookie{Name: "a", Expires: -11644473601}, "", cookie.ErrExpires},

	{"value too long", cookie.Cookie{Name: "a", Value: long[:4096]}, "", cookie.ErrLong},
	{"path too long", cookie.Cookie{Name: "a", Path: long[:1025]}, "", cookie.ErrPathLong},
	{"after 9999", cookie.Cookie{Name: "a", Expires: 253402300800}, "", cookie.ErrExpires},
	{"unknown SameSite", cookie.Cookie{Name: "a", SameSite: 4}, "", cookie.ErrSameSite},
	{"none without secure", cookie.Cookie{Name: "a", SameSite: cookie.None}, "", cookie.ErrNoneInsecure},
	{"partitioned without secure", cookie.Cookie{Name: "a", Partitioned: true}, "", cookie.ErrPartitioned},
	{"prefix without secure", cookie.Cookie{Name: "__secure-a"}, "", cookie.ErrSecurePrefix},
	{"prefix of the host without secure", cookie.Cookie{Name: "__Host-a", Path: "/"}, "", cookie.ErrHostPrefix},
	{"prefix of the host without path", cookie.Cookie{Name: "__HOST-a", Secure: true}, "", cookie.ErrHostPrefix},
	{"prefix of the host with a domain", cookie.Cookie{Name: "__Host-a", Secure: true, Path: "/", Domain: "a"}, "", cookie.ErrHostPrefix},
}

// stricter are the errors of what net/http writes.
func stricter(err error) bool {
	switch err {
	case cookie.ErrLong, cookie.ErrPathLong, cookie.ErrSameSite, cookie.ErrNoneInsecure, cookie.ErrPartitioned, cookie.ErrSecurePrefix, cookie.ErrHostPrefix:
		return true
	}
	return false
}

func TestAppendTo(t *testing.T) {
	log.SetOutput(io.Discard) // net/http says what it drops
	for _, v := range cookies {
		dst := append(make([]byte, 0, 1+v.c.MaxSize()), '>')
		got, err := v.c.AppendTo(dst)
		if err != v.err || string(got) != ">"+v.want {
			t.Errorf("%s: AppendTo = %q, %v, want %q, %v", v.name, got, err, v.want, v.err)
		}
		if cap(got) != cap(dst) {
			t.Errorf("%s: MaxSize is %d, which is too little", v.name, v.c.MaxSize())
		}
		std := standard(v.c).String()
		switch {
		case err == nil:
			if std != v.want {
				t.Errorf("%s: net/http writes %q", v.name, std)
			}
		case v.name == "after 9999": // net/http writes five digits
		case stricter(err):
		default:
			if e := standard(v.c).Valid(); e == nil {
				t.Errorf("%s: net/http accepts it and writes %q", v.name, std)
			}
		}
	}
}

var pairs = []struct {
	name, in, want string
	err            error
}{
	{"nothing", "", "", nil},
	{"blanks", " \t", "", nil},
	{"one", "a=1", "a=1|", nil},
	{"two", "a=1; b=2", "a=1|b=2|", nil},
	{"without blank, and with many", "a=1;b=2 ; \t c=3 ", "a=1|b=2|c=3|", nil},
	{"a name twice", "a=1; a=2", "a=1|a=2|", nil},
	{"no value", "a=; b=", "a=|b=|", nil},
	{"equals signs in the value", "a=b=c==", "a=b=c==|", nil},
	{"quotes", `a="1"; b=""`, "a=\"1\"|b=\"\"|", nil},
	{"blank and comma in the value", "a=1 2,3", "a=1 2,3|", nil},
	{"blanks in quotes", `a=" 1 "`, "a=\" 1 \"|", nil},
	{"blank before the value", "a= 1", "a= 1|", nil},
	{"nothing between semicolons", "a=1;; b=2", "a=1|b=2|", cookie.ErrPair},
	{"semicolon at the end", "a=1;", "a=1|", cookie.ErrPair},
	{"no equals sign", "a; b=2", "b=2|", cookie.ErrPair},
	{"no name", "=1; b=2", "b=2|", cookie.ErrPairName},
	{"blank before the equals sign", "a =1; b=2", "b=2|", cookie.ErrPairName},
	{"name that is no token", "a[]=1; b=2", "b=2|", cookie.ErrPairName},
	{"quote without end", `a="1; b=2`, "b=2|", cookie.ErrPairValue},
	{"quote alone", `a="; b=2`, "b=2|", cookie.ErrPairValue},
	{"quote in the value", `a=1"2; b=2`, "b=2|", cookie.ErrPairValue},
	{"semicolon in quotes", `a="1;2"; b=2`, "b=2|", cookie.ErrPairValue},
	{"backslash", `a=\; b=2`, "b=2|", cookie.ErrPairValue},
	{"not ASCII", "a=é; b=2", "b=2|", cookie.ErrPairValue},
	{"control", "a=\x01; b=2", "b=2|", cookie.ErrPairValue},
	{"the first error counts", "=1; a", "", cookie.ErrPairName},
}

func describe(in string) (string, error) {
	g := splittest.Guard(in)
	var s strings.Builder
	p := cookie.NewPairs(g.Bytes)
	for p.Next() {
		if p.Quoted() {
			fmt.Fprintf(&s, "%s=\"%s\"|", p.Name(), p.Value())
		} else {
			fmt.Fprintf(&s, "%s=%s|", p.Name(), p.Value())
		}
	}
	return s.String(), p.Err()
}

// standardPairs are the cookies that http.ParseCookie finds.
func standardPairs(in string) (string, error) {
	var s strings.Builder
	cookies, err := http.ParseCookie(in)
	for _, c := range cookies {
		if c.Quoted {
			fmt.Fprintf(&s, "%s=\"%s\"|", c.Name, c.Value)
		} else {
			fmt.Fprintf(&s, "%s=%s|", c.Name, c.Value)
		}
	}
	return s.String(), err
}

func TestPairs(t *testing.T) {
	for _, v := range pairs {
		if got, err := describe(v.in); got != v.want || err != v.err {
			t.Errorf("%s: the cookies of %q are %q, %v, want %q, %v", v.name, v.in, got, err, v.want, v.err)
		}
		checkPairs(t, v.in)
	}
}

// checkPairs compares with net/http: strictly, and pair by pair.
func checkPairs(t *testing.T, in string) {
	if strings.ContainsAny(in, "\r\n") {
		return // no field has these, and net/http trims them
	}
	got, err := describe(in)
	std, stdErr := standardPairs(in)
	if blank := strings.Trim(in, " \t") == ""; blank {
		if got != "" || err != nil {
			t.Errorf("the cookies of %q are %q, %v", in, got, err)
		}
		return
	}
	if (err != nil) != (stdErr != nil) || err == nil && got != std {
		t.Errorf("the cookies of %q are %q, %v, by net/http %q, %v", in, got, err, std, stdErr)
	}
	var each strings.Builder
	for pair := range strings.SplitSeq(in, ";") {
		s, _ := standardPairs(pair)
		each.WriteString(s)
	}
	if each.String() != got {
		t.Errorf("the cookies of %q are %q, by net/http one by one %q", in, got, each.String())
	}
}

func TestFind(t *testing.T) {
	p := cookie.NewPairs([]byte("a=1; b=2; ab=3; =; b=4"))
	for _, want := range []string{"2", "4"} {
		if !p.Find("b") || string(p.Value()) != want {
			t.Errorf("Find gives %q, want %q", p.Value(), want)
		}
	}
	if p.Find("b") || p.Err() != cookie.ErrPairName {
		t.Errorf("at the end: Find finds one, or Err = %v", p.Err())
	}
}

// FuzzCookie reads as net/http does, and what it writes of a name and a value is
// what net/http writes and reads back.
func FuzzCookie(f *testing.F) {
	for _, v := range pairs {
		f.Add(v.in, "a", "")
	}
	for _, v := range cookies {
		f.Add(v.c.Name, v.c.Value, v.c.Domain)
	}
	log.SetOutput(io.Discard)
	f.Fuzz(func(t *testing.T, in, value, domain string) {
		checkPairs(t, in)
		c := cookie.Cookie{Name: in, Value: value, Domain: domain, Path: value}
		b, err := c.AppendTo(nil)
		std := standard(c)
		if err != nil {
			if !stricter(err) && std.Valid() == nil {
				t.Errorf("%+v is refused: %v, and accepted by net/http", c, err)
			}
			return
		}
		if want := std.String(); string(b) != want || std.Valid() != nil {
			t.Errorf("%+v is written %q, by net/http %q, %v", c, b, want, std.Valid())
		}
		back, err := http.ParseSetCookie(string(b))
		// Blanks at the ends of a path are not kept by anybody.
		if err != nil || back.Name != in || back.Value != value {
			t.Errorf("%q is read back as %+v, %v", b, back, err)
		}
	})
}

func TestErrors(t *testing.T) {
	texts := map[string]bool{}
	n := 0
	for e := cookie.Error(1); e.Error() != "cookie: unknown error"; e++ {
		n++
		if !strings.HasPrefix(e.Error(), "cookie: ") || texts[e.Error()] {
			t.Errorf("error %d is %q", e, e.Error())
		}
		texts[e.Error()] = true
		if (e.Status() == 400) != (e <= cookie.ErrPairValue) || e.Status() != 400 && e.Status() != 500 {
			t.Errorf("%v has status %d", e, e.Status())
		}
	}
	if n != int(cookie.ErrHostPrefix) {
		t.Errorf("%d errors have a text", n)
	}
	if cookie.Error(0).Error() != "cookie: unknown error" {
		t.Error("no error has a text")
	}
}
