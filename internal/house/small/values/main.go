// Values answers requests with what forms, queries, cookies and credentials
// have, as JSON, for TinyGo to compile: see the tests of the folder above.
package main

import (
	"io"

	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/json"
	"github.com/bobtail-go/bobtail/web"
)

const (
	host  = " HTTP/1.1\r\nHost: a\r\n"
	parts = "--b\r\nContent-Disposition: form-data; name=\"a%22\"; filename*=UTF-8''%41\r\nContent-Type: t\r\n\r\n\r\n--x\r\n--b--"
)

// exchanges are requests, and what is in their answers.
var exchanges = [...]struct{ request, status, contains string }{
	{"GET /?a=1+2&b=3&c=%zz" + host + "Cookie: a=\"4\"; b=5\r\n\r\n", "200",
		"Set-Cookie: a=4; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=60; HttpOnly; Secure; SameSite=Strict\r\n"},
	{"GET /?a=1+2&b=3&c=%zz" + host + "Cookie: a=\"4\"; b=5\r\n\r\n", "200",
		"\r\n\r\n{\"a\":\"1 2\",\"b\":3,\"pairs\":[\"a\",\"b\"],\"number\":[0.1,-1e-7,5e-324,1.7976931348623157e+308],\"raw\":[true,null],\"base64\":\"NA==\"}"},
	{"POST /form" + host + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nuser=%C3%A9", "200", "\"\xC3\xA9\"\r\n0\r\n"},
	{"POST /form" + host + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nuser=\r\n1\r\n+\r\n0\r\n\r\n", "200", "\" \"\r\n0\r\n"},
	{"POST /form" + host + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n%z", "400", "\r\n\r\nBad Request\n"},
	{"POST /form" + host + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\na=", "415", "\r\n\r\n"},
	{"POST /parts" + host + "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n67\r\n" + parts + "\r\n0\r\n\r\n", "200",
		"\r\n\r\n[\"a\\\"\",\"A\",\"t\",5]"},
	{"POST /parts" + host + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n--b\r\n", "400", "\r\n\r\n"},
	{"GET /basic" + host + "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n", "200", "\r\n\r\nAladdin"},
	{"GET /basic" + host + "Authorization: Basic QWxhZGRpbjpvcGVu\r\n\r\n", "401", "WWW-Authenticate: Basic realm=\"r\", charset=\"UTF-8\"\r\n"},
	{"GET /bearer" + host + "Authorization: Bearer good\r\n\r\n", "200", "\r\n\r\ninside"},
	{"GET /bearer" + host + "Authorization: Bearer bad\r\n\r\n", "401", "error=\"invalid_token\"\r\n"},
}

// wire is the request, a few bytes at a time, and the answer.
type wire struct {
	in  string
	out [1024]byte
	n   int
}

func (w *wire) Read(p []byte) (int, error) {
	if w.in == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 11)], w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	must(len(p) <= len(w.out)-w.n, "room")
	w.n += copy(w.out[w.n:], p)
	return len(p), nil
}

var (
	stream        wire
	memory        [4096]byte
	basic, bearer web.Handler
)

func main() {
	fields := http1.DefaultFields()
	check(fields.Add("Cookie"))
	x, err := web.NewExchange(&http1.Parser{Keep: fields}, memory[:], nil)
	check(err)
	guard, err := auth.Basic("r", func(r *web.Request, user, password []byte) bool {
		return auth.Equal(user, "Aladdin") && auth.Equal(password, "open sesame")
	})
	check(err)
	basic = guard(func(w web.Response, r *web.Request) error {
		user, _, _ := r.BasicAuth()
		return w.Status(200).Bytes(user)
	})
	guard, err = auth.Bearer("r", func(r *web.Request, token []byte) error {
		if auth.Equal(token, "good") {
			return nil
		}
		return auth.ErrToken
	})
	check(err)
	bearer = guard(func(w web.Response, r *web.Request) error { return w.Text("inside") })
	stream.in = exchanges[0].request
	x.ServeStream(&stream, answer) // which makes what it keeps
	heap.Seal()
	for range 3 {
		for i := range exchanges {
			stream.in, stream.n = exchanges[i].request, 0
			x.ServeStream(&stream, answer)
			out := stream.out[:stream.n]
			must(len(out) > 12 && ascii.Equal(out[9:12], exchanges[i].status) && contains(out, exchanges[i].contains), exchanges[i].request)
		}
	}
	println("ok")
}

func answer(w web.Response, r *web.Request) error {
	switch path := r.Path(); {
	case ascii.Equal(path, "/form"):
		return urlencoded(w, r)
	case ascii.Equal(path, "/parts"):
		return multipart(w, r)
	case ascii.Equal(path, "/basic"):
		return basic(w, r)
	case ascii.Equal(path, "/bearer"):
		return bearer(w, r)
	}
	b, err := r.Alloc(300)
	if err != nil {
		return err
	}
	var j json.Writer
	j.Reset(b[:0], nil)
	j.Object()
	j.Name("a")
	j.StringBytes(r.QueryValue("a"))
	j.Name("b")
	j.Raw(r.QueryValue("b"))
	j.Name("pairs")
	j.Array()
	q := r.Queries()
	for q.Next() {
		j.StringBytes(q.RawName())
	}
	must(q.Err() == form.ErrEscape, "query")
	j.EndArray()
	j.Name("number")
	j.Array()
	for _, f := range [...]float64{0.1, -1e-7, 5e-324, 1.7976931348623157e308} {
		j.Float(f)
	}
	j.EndArray()
	j.Name("raw")
	j.Array()
	j.Bool(true)
	j.Null()
	j.EndArray()
	j.Name("base64")
	j.Base64(r.Cookie("a"))
	j.EndObject()
	b, err = j.Bytes()
	if err != nil {
		return err
	}
	c := cookie.Cookie{Name: "a", Bytes: r.Cookie("a"), MaxAge: 60, Expires: 784111777, Secure: true, HTTPOnly: true, SameSite: cookie.Strict}
	return w.Status(200).SetCookie(c).JSON(b)
}

func urlencoded(w web.Response, r *web.Request) error {
	f, err := r.Form(100)
	if err != nil {
		return err
	}
	p := f.Pairs()
	for p.Next() {
		must(ascii.Equal(p.Name(), "user"), "pair")
	}
	body, err := w.Status(200).Header("Content-Type", "application/json").Stream()
	if err != nil {
		return err
	}
	b, err := r.Alloc(json.MinBuffer)
	if err != nil {
		return err
	}
	var j json.Writer
	j.Reset(b[:0], body)
	j.StringBytes(f.Get("user"))
	return j.Close()
}

func multipart(w web.Response, r *web.Request) error {
	parts, err := r.Multipart(form.Limits{})
	if err != nil {
		return err
	}
	b, err := r.Alloc(100)
	if err != nil {
		return err
	}
	var j json.Writer
	j.Reset(b[:0], nil)
	j.Array()
	for {
		if err = parts.NextPart(); err != nil {
			break
		}
		j.StringBytes(parts.Name())
		j.StringBytes(form.BaseName(parts.Filename()))
		j.StringBytes(parts.ContentType())
		n := int64(0)
		for {
			p, err := parts.NextPiece()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			n += int64(len(p))
		}
		j.Int(n)
	}
	if err != io.EOF {
		return err
	}
	j.EndArray()
	if b, err = j.Bytes(); err != nil {
		return err
	}
	return w.JSON(b)
}

func contains(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if ascii.Equal(b[i:i+len(s)], s) {
			return true
		}
	}
	return false
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println(what, string(stream.out[:stream.n]))
		panic("failed")
	}
}
