package web_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/web"
)

// withCookies is an exchange of a server that keeps the cookies.
func withCookies(t testing.TB, memory int) *web.Exchange {
	t.Helper()
	keep := http1.DefaultFields()
	if err := keep.Add("Cookie"); err != nil {
		t.Fatal(err)
	}
	x, err := web.NewExchange(&http1.Parser{Keep: keep}, make([]byte, memory), nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// serve is what a handler answers to a request.
func serve(t testing.TB, x *web.Exchange, h web.Handler, in io.Reader) string {
	t.Helper()
	s := &rw{Reader: in}
	x.ServeStream(s, h)
	return s.out.String()
}

// content is what follows the head of an answer.
func content(answer string) string {
	_, b, _ := strings.Cut(answer, "\r\n\r\n")
	return b
}

func nilOr(b []byte) string {
	if b == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", b)
}

func TestQueryValue(t *testing.T) {
	for in, want := range map[string]string{
		"/":                     `nil nil`,
		"/?":                    `nil nil`,
		"/?a=1&b=2":             `"1" "2"`,
		"/?b=%32+3&a=":          `"" "2 3"`,
		"/?a&a=2":               `"" nil`,
		"/?%61=%C3%A9&b=%zz":    `"é" nil`,
		"/?a=%zz&b=%zz&b=x&a=y": `"y" "x"`,
	} {
		got := content(serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
			a, b := r.QueryValue("a"), r.QueryValue("b")
			again := r.QueryValue("a") // decoding has changed nothing
			if !bytes.Equal(again, a) {
				t.Errorf("%s: a is %q first and then %q", in, a, again)
			}
			return w.Text(nilOr(a), " ", nilOr(b))
		}, strings.NewReader(request("GET", in, ""))))
		if got != want {
			t.Errorf("%s has %s, want %s", in, got, want)
		}
	}
	answer := serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
		if _, err := r.Alloc(memorySize/4 - 3); err != nil {
			return err
		}
		if r.QueryValue("a") != nil {
			t.Error("the arena has room for four bytes where three are")
		}
		return w.Text("fine")
	}, strings.NewReader(request("GET", "/?a=1+34", "")))
	if !strings.HasPrefix(answer, "HTTP/1.1 500 ") {
		t.Errorf("a value that the arena has no room for: %q", answer)
	}
}

func TestCookie(t *testing.T) {
	for fields, want := range map[string]string{
		"":                                   `nil`,
		"Cookie: b=1\r\n":                    `nil`,
		"Cookie: b=1; a=2; a=3\r\n":          `"2"`,
		"Cookie: a=\r\n":                     `""`,
		"Cookie: a=é; b=1\r\n":               `nil`,
		"Cookie: b=1\r\nCookie: a=\"2\"\r\n": `"2"`,
	} {
		got := content(serve(t, withCookies(t, 2048), func(w web.Response, r *web.Request) error {
			return w.Text(nilOr(r.Cookie("a")))
		}, strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n")))
		if got != want {
			t.Errorf("%q has %s, want %s", fields, got, want)
		}
	}
	got := content(serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
		return w.Text(nilOr(r.Cookie("a")))
	}, strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\n\r\n")))
	if got != "nil" {
		t.Errorf("a server that does not keep cookies has %s", got)
	}
}

func TestCredentials(t *testing.T) {
	for fields, want := range map[string]string{
		"":                                  `nil nil false nil`,
		"Authorization: Basic YTpiOmM=\r\n": `"a" "b:c" true nil`,
		"Authorization: basic Og==\r\n":     `"" "" true nil`,
		"Authorization: Bearer abc==\r\n":   `nil nil false "abc=="`,
		"Authorization: Bearer a\r\nAuthorization: Bearer a\r\n":         `nil nil false nil`,
		"Authorization: Basic YTpiOmM=\r\nAuthorization: Basic YTpi\r\n": `nil nil false nil`,
	} {
		got := content(serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
			user, password, ok := r.BasicAuth()
			return w.Text(nilOr(user), " ", nilOr(password), " ", fmt.Sprint(ok), " ", nilOr(r.Bearer()))
		}, strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n")))
		if got != want {
			t.Errorf("%q has %s, want %s", fields, got, want)
		}
	}
}

// post is a request with content of a type, whole or in chunks of seven bytes.
func post(contentType, body string, chunked bool) string {
	head := "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: " + contentType + "\r\n"
	if !chunked {
		return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	var b strings.Builder
	b.WriteString(head + "Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := min(len(body), 7)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// arrivals are the ways in which a request may come.
var arrivals = map[string]func(string) io.Reader{
	"whole":        func(s string) io.Reader { return strings.NewReader(s) },
	"byte by byte": func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
	"by halves":    func(s string) io.Reader { return iotest.HalfReader(strings.NewReader(s)) },
}

func TestForm(t *testing.T) {
	const urlencoded = "application/x-www-form-urlencoded; charset=UTF-8"
	for _, v := range []struct {
		name, contentType, body string
		max                     int
		want, status            string
	}{
		{"values", urlencoded, "user=%C3%A9va&note=a+b%26c&user=2", 100, `"éva" "a b&c" `, "200"},
		{"none", urlencoded, "", 100, `nil nil `, "200"},
		{"as long as may be", urlencoded, "user=12345", 10, `"12345" nil `, "200"},
		{"too long", urlencoded, "user=123456", 10, "", "413"},
		{"nothing may be", urlencoded, "u", 0, "", "413"},
		{"less than nothing", urlencoded, "u", -1, "", "413"},
		{"longer than memory", urlencoded, "user=" + strings.Repeat("x", 4000), 10000, "", "413"},
		{"malformed", urlencoded, "user=%", 100, "", "400"},
		{"not UTF-8", urlencoded, "user=%FF", 100, "", "400"},
		{"another type", "text/plain", "user=1", 100, "", "415"},
	} {
		for _, chunked := range []bool{false, true} {
			for arrival, reader := range arrivals {
				answer := serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
					f, err := r.Form(v.max)
					if err != nil {
						return err
					}
					return w.Text(nilOr(f.Get("user")), " ", nilOr(f.Get("note")), " ")
				}, reader(post(v.contentType, v.body, chunked)))
				if got := content(answer); !strings.HasPrefix(answer, "HTTP/1.1 "+v.status+" ") || v.status == "200" && got != v.want {
					t.Errorf("%s %s, chunked %v: %q, want %s, %s", v.name, arrival, chunked, answer, v.status, v.want)
				}
			}
		}
	}
}

// sums describes the parts of a form by their sizes and sums, read as a
// handler does that copies them.
func sums(w web.Response, r *web.Request) error {
	parts, err := r.Multipart(form.Limits{Parts: 10})
	if err != nil {
		return err
	}
	var b strings.Builder
	for {
		if err := parts.NextPart(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		name := string(parts.Name())
		if name == "passed over" {
			p := make([]byte, 1)
			if _, err := parts.Read(p); err != nil {
				return err
			}
			continue
		}
		h := sha256.New()
		// A part may be read in both ways.
		first := make([]byte, 1)
		read, err := parts.Read(first)
		h.Write(first[:read])
		n := int64(read)
		if err == nil {
			var p []byte
			p, err = parts.NextPiece()
			h.Write(p)
			n += int64(len(p))
		}
		if err == nil {
			var rest int64
			rest, err = io.CopyBuffer(struct{ io.Writer }{h}, parts, make([]byte, 100))
			n += rest
		}
		if err != nil && err != io.EOF {
			return err
		}
		if k, err := parts.Read(nil); k != 0 || err != nil {
			return fmt.Errorf("nothing read: %d, %w", k, err)
		}
		if _, err := parts.NextPiece(); err != io.EOF {
			return fmt.Errorf("behind a part: %w", err)
		}
		fmt.Fprintf(&b, "%s %s %s %d %x\n", name, nilOr(parts.Filename()), nilOr(parts.ContentType()), n, h.Sum(nil)[:8])
	}
	if err := parts.NextPart(); err != io.EOF {
		return fmt.Errorf("behind the last part: %w", err)
	}
	return w.Text(b.String())
}

func TestMultipart(t *testing.T) {
	var body bytes.Buffer
	var want strings.Builder
	mw := multipart.NewWriter(&body)
	add := func(name, filename, data string) {
		create := mw.CreateFormField
		if filename != "" {
			create = func(name string) (io.Writer, error) { return mw.CreateFormFile(name, filename) }
		}
		p, err := create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(p, data)
		if name == "passed over" {
			return
		}
		file, kind := "nil", "nil"
		if filename != "" {
			file, kind = fmt.Sprintf("%q", filename), `"application/octet-stream"`
		}
		sum := sha256.Sum256([]byte(data))
		fmt.Fprintf(&want, "%s %s %s %d %x\n", name, file, kind, len(data), sum[:8])
	}
	add("title", "", "A \"title\"")
	add("empty", "empty.txt", "")
	add("larger than memory", "big.bin", strings.Repeat("\r\n--tentacle", 1500))
	add("passed over", "", strings.Repeat("x", 3000))
	add("last", "", "1")
	if err := mw.Close(); err != nil {
		t.Fatal(err)
	}
	for _, chunked := range []bool{false, true} {
		for arrival, reader := range arrivals {
			x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 4096), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer := serve(t, x, sums, reader(post(mw.FormDataContentType(), body.String(), chunked)))
			if content(answer) != want.String() {
				t.Errorf("%s, chunked %v: the parts are\n%s, want\n%s", arrival, chunked, answer, want.String())
			}
		}
	}
}

func TestMultipartErrors(t *testing.T) {
	const typeB = "multipart/form-data; boundary=b"
	const part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
	for _, v := range []struct{ name, contentType, body, status string }{
		{"no parts", typeB, "--b--\r\n", "200"},
		{"another type", "multipart/mixed; boundary=b", "--b--\r\n", "415"},
		{"no boundary", "multipart/form-data", "--b--\r\n", "400"},
		{"malformed", typeB, "--b\r\n\r\n", "400"},
		{"ends too early", typeB, part, "400"},
		{"something behind the end", typeB, part + "--b--x", "400"},
		{"too many parts", typeB, strings.Repeat(part, 11) + "--b--", "413"},
		{"line longer than memory", typeB, "--b\r\nX: " + strings.Repeat("x", 600) + "\r\n", "413"},
	} {
		answer := serve(t, newExchange(t), sums, strings.NewReader(post(v.contentType, v.body, false)))
		if !strings.HasPrefix(answer, "HTTP/1.1 "+v.status+" ") {
			t.Errorf("%s: the answer is %q, want %s", v.name, answer, v.status)
		}
	}
	answer := serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
		if _, err := r.Alloc(memorySize/4 - form.MinMemory + 1); err != nil {
			t.Error(err)
		}
		_, err := r.Multipart(form.Limits{})
		if err != web.ErrArena {
			t.Errorf("without memory: %v", err)
		}
		return err
	}, strings.NewReader(post(typeB, "--b--\r\n", false)))
	if !strings.HasPrefix(answer, "HTTP/1.1 500 ") {
		t.Errorf("without memory the answer is %q", answer)
	}
}

func TestSetCookie(t *testing.T) {
	answer := serve(t, newExchange(t), func(w web.Response, r *web.Request) error {
		if err := w.WithCookie(cookie.Cookie{Name: "aside", Value: "0"}); err != nil {
			return err
		}
		return w.Status(200).SetCookie(cookie.Cookie{Name: "a", Value: "1", HTTPOnly: true}).
			SetCookie(cookie.Cookie{Name: "b", Value: "2", SameSite: cookie.Strict, Path: "/"}).Text("set")
	}, strings.NewReader(request("GET", "/", "")))
	const want = "Set-Cookie: aside=0\r\nSet-Cookie: a=1; HttpOnly\r\nSet-Cookie: b=2; Path=/; SameSite=Strict\r\n"
	if !strings.Contains(answer, want) || content(answer) != "set" {
		t.Errorf("the answer is %q, want %q in it", answer, want)
	}
	for name, h := range map[string]web.Handler{
		"malformed": func(w web.Response, r *web.Request) error {
			err := w.Status(200).SetCookie(cookie.Cookie{Name: "a;b"}).SetCookie(cookie.Cookie{Name: "c"}).Text("set")
			if err != cookie.ErrName {
				t.Errorf("a malformed cookie is %v", err)
			}
			return err
		},
		"malformed, aside": func(w web.Response, r *web.Request) error {
			if err := w.WithCookie(cookie.Cookie{Name: "a;b"}); err != cookie.ErrName {
				t.Errorf("a malformed cookie, aside, is %v", err)
			}
			return cookie.ErrName
		},
		"no memory": func(w web.Response, r *web.Request) error {
			if _, err := r.Alloc(memorySize / 4); err != nil {
				t.Error(err)
			}
			if err := w.WithCookie(cookie.Cookie{Name: "a"}); err != web.ErrArena {
				t.Errorf("a cookie aside, without memory, is %v", err)
			}
			err := w.Status(200).SetCookie(cookie.Cookie{Name: "a"}).Text("set")
			if err != web.ErrArena {
				t.Errorf("a cookie without memory is %v", err)
			}
			return err
		},
	} {
		answer := serve(t, newExchange(t), h, strings.NewReader(request("GET", "/", "")))
		if !strings.HasPrefix(answer, "HTTP/1.1 500 ") || strings.Contains(answer, "Set-Cookie") {
			t.Errorf("%s: the answer is %q", name, answer)
		}
	}
}

// TestValuesNoAllocs holds everything in this file to no allocation.
func TestValuesNoAllocs(t *testing.T) {
	x := withCookies(t, 4096)
	const urlencoded = "user=%C3%A9va&note=a+b%26c"
	part := "--b\r\nContent-Disposition: form-data; name=a; filename=\"b%22\"\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("\r\n", 3000) + "\r\n"
	must := func(ok bool) {
		if !ok {
			t.Fatal("a value is not there")
		}
	}
	for _, v := range []struct {
		name, in string
		h        web.Handler
	}{
		{"query, cookie and credentials", "GET /?a=1&b=%32 HTTP/1.1\r\nHost: a\r\nCookie: a=1; b=2\r\nAuthorization: Basic YTpi\r\nConnection: close\r\n\r\n",
			func(w web.Response, r *web.Request) error {
				user, _, ok := r.BasicAuth()
				must(ok && len(user) == 1 && r.Bearer() == nil && len(r.QueryValue("b")) == 1 && len(r.QueryValue("a")) == 1 && len(r.Cookie("b")) == 1)
				for q := r.Queries(); q.Next(); {
					must(len(q.RawName()) == 1)
				}
				if err := w.WithCookie(cookie.Cookie{Name: "b", Bytes: user}); err != nil {
					return err
				}
				return w.Status(200).SetCookie(cookie.Cookie{Name: "a", Bytes: user, Path: "/", MaxAge: 60, Expires: 784111777}).Text("x")
			}},
		{"form", post(form.MediaType, urlencoded, false), func(w web.Response, r *web.Request) error {
			f, err := r.Form(100)
			must(err == nil && len(f.Get("user")) == 4)
			for p := f.Pairs(); p.Next(); {
				must(len(p.Value()) > 0)
			}
			return w.Text("x")
		}},
		{"chunked form", post(form.MediaType, urlencoded, true), func(w web.Response, r *web.Request) error {
			f, err := r.Form(100)
			must(err == nil && len(f.Get("user")) == 4)
			return w.Text("x")
		}},
		{"parts", post("multipart/form-data; boundary=b", part+part+"--b--", false), func(w web.Response, r *web.Request) error {
			parts, err := r.Multipart(form.Limits{})
			if err != nil {
				return err
			}
			n := 0
			for err = parts.NextPart(); err == nil; err = parts.NextPart() {
				must(len(parts.Filename()) == 2 && len(parts.ContentType()) == 10)
				for {
					p, err := parts.NextPiece()
					if err == io.EOF {
						break
					}
					must(err == nil)
					n += len(p)
				}
			}
			must(err == io.EOF && n == 12000)
			return w.Text("x")
		}},
	} {
		s := &again{in: v.in}
		alloctest.Zero(t, v.name, func() {
			s.left, s.sent = s.in, 0
			if err := x.ServeStream(s, v.h); err != nil || s.sent == 0 {
				t.Fatalf("%s: %v, %d bytes sent", v.name, err, s.sent)
			}
		})
	}
}
