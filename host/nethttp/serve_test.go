package nethttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/web"
)

var errTeapot = teapot{}

type teapot struct{}

func (teapot) Error() string { return "a teapot" }
func (teapot) Status() int   { return 418 }

// TestServe has handlers of Bobtail answer requests of net/http.
func TestServe(t *testing.T) {
	for _, c := range []struct {
		name     string
		h        web.Handler
		requests string
		methods  []string
		want     string
	}{
		{"text", func(w web.Response, r *web.Request) error { return w.Text("hello") }, get(""), []string{"GET"},
			"200 OK\nContent-Length: 5\nContent-Type: text/plain; charset=utf-8\nlength 5 coding [] close false\n5 bytes \"hello\"\n"},
		{"nothing", func(w web.Response, r *web.Request) error { return nil }, get(""), []string{"GET"},
			"200 OK\nContent-Length: 0\nlength 0 coding [] close false\n0 bytes \"\"\n"},
		{"HEAD", func(w web.Response, r *web.Request) error { return w.Text("hello") }, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get(""), []string{"HEAD", "GET"},
			"200 OK\nContent-Length: 5\nContent-Type: text/plain; charset=utf-8\nlength 5 coding [] close false\n0 bytes \"\"\n" +
				"200 OK\nContent-Length: 5\nContent-Type: text/plain; charset=utf-8\nlength 5 coding [] close false\n5 bytes \"hello\"\n"},
		{"what a request is", func(w web.Response, r *web.Request) error {
			return w.Text(string(r.MethodName()), " ", string(r.Target()), " ", string(r.Host()), " ", string(r.Header("x-field")), " ", nethttp.Request(r).Proto)
		}, "PUT /a%20b?c HTTP/1.1\r\nHost: example.org\r\nX-Field: x y\r\nContent-Length: 0\r\n\r\n", []string{"PUT"},
			"200 OK\nContent-Length: 37\nContent-Type: text/plain; charset=utf-8\nlength 37 coding [] close false\n37 bytes \"PUT /a%20b?c example.org x y HTTP/1.1\"\n"},
		{"content", echo, post(strings.Repeat("0123456789", 20000)), []string{"POST"},
			"200 OK\nlength -1 coding [chunked] close false\n200000 bytes \"" + strings.Repeat("0123456789", 30) + "\"\n"},
		{"chunked content", echo, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", []string{"POST"},
			"200 OK\nlength -1 coding [chunked] close false\n5 bytes \"abcde\"\n"},
		{"content that is not read", func(w web.Response, r *web.Request) error { return w.Status(403).Empty() }, post("abc") + get(""), []string{"POST", "GET"},
			strings.Repeat("403 Forbidden\nContent-Length: 0\nlength 0 coding [] close false\n0 bytes \"\"\n", 2)},
		{"a fixed length, and trailers", func(w web.Response, r *web.Request) error {
			if r.MethodName()[0] == 'G' {
				b, err := w.Status(200).StreamN(3)
				if err == nil {
					_, err = b.Write([]byte("abc"))
				}
				return err
			}
			b, err := w.Status(200).Header("Trailer", "X-Sum").Stream()
			if err == nil {
				b.WriteString("abc")
				err = b.Trailer("X-Sum", "3")
			}
			return err
		}, get("") + post(""), []string{"GET", "POST"},
			"200 OK\nContent-Length: 3\nlength 3 coding [] close false\n3 bytes \"abc\"\n" +
				"200 OK\nlength -1 coding [chunked] close false\n3 bytes \"abc\"\ntrailer X-Sum: [\"3\"]\n"},
		{"early hints", func(w web.Response, r *web.Request) error {
			w.Interim(103, http1conn.Field{Name: "Link", Value: "</a>"})
			return w.Status(204).Empty()
		}, get(""), []string{"GET"}, "103 Early Hints\nLink: </a>\n204 No Content\nlength 0 coding [] close false\n0 bytes \"\"\n"},
		{"an error with a status", func(w web.Response, r *web.Request) error { return errTeapot }, get(""), []string{"GET"}, "418 "},
		{"an error", func(w web.Response, r *web.Request) error { return errors.New("oh") }, get(""), []string{"GET"}, "500 "},
		{"an abort", func(w web.Response, r *web.Request) error { return web.ErrAbort }, get(""), []string{"GET"}, "cut off\n"},
		{"less than was declared", func(w web.Response, r *web.Request) error {
			_, err := w.Status(200).StreamN(10)
			return err
		}, get(""), []string{"GET"}, "cut off\n"},
		{"a panic", func(w web.Response, r *web.Request) error { panic("oh") }, get(""), []string{"GET"}, "cut off\n"},
		{"asked for its content", func(w web.Response, r *web.Request) error {
			p, err := r.NextPiece()
			if err != nil {
				return err
			}
			return w.Text(string(p))
		}, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", []string{"wait POST"}, "200 OK\n"},
		{"too many fields", echo, get(strings.Repeat("A: b\r\n", 70)), []string{"GET"}, "431 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dial := standard(t, nethttp.Serve(c.h))
			for range 2 { // the second time with memory that was used before
				got := ask(t, dial(t), c.requests, c.methods)
				if got != c.want && (strings.Contains(c.want, "bytes") || !strings.HasPrefix(got, c.want)) {
					t.Errorf("\n got %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

func echo(w web.Response, r *web.Request) error {
	b, err := w.Status(200).Stream()
	if err != nil {
		return err
	}
	for {
		p, err := r.NextPiece()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := b.Write(p); err != nil {
			return err
		}
		if err := b.Flush(); err != nil {
			return err
		}
	}
}

// TestServeStreams sees content go both ways before the request has ended.
func TestServeStreams(t *testing.T) {
	h := nethttp.Serve(echo)
	p := standard(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		h.ServeHTTP(w, r)
	}))(t)
	wantEchoes(t, p)
}

// TestServeStripPrefix is served what net/http has made of a path, and cannot
// be given another request by it.
func TestServeStripPrefix(t *testing.T) {
	h := http.StripPrefix("/a", nethttp.Serve(func(w web.Response, r *web.Request) error {
		return w.Text(string(r.Target()))
	}))
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("GET", "/a/b%0d%0aX:y%20HTTP?c=d", nil)
	req.Header.Set("X-Split", "a\r\n\r\nGET /evil HTTP/1.1")
	h.ServeHTTP(rec, req)
	if got := rec.Body.String(); got != "/b%0d%0aX:y%20HTTP?c=d" || rec.Code != 200 {
		t.Errorf("%d %q", rec.Code, got)
	}
}
