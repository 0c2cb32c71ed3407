package cors_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/cors"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/web"
)

const here = "https://example.org"

// rw is a stream that asks and keeps the answer.
type rw struct {
	in  strings.Reader
	out []byte
}

func (s *rw) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *rw) Write(p []byte) (int, error) { s.out = append(s.out, p...); return len(p), nil }

var _ io.ReadWriter = (*rw)(nil)

func exchange(t testing.TB) *web.Exchange {
	t.Helper()
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 4096), nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func inner(w web.Response, r *web.Request) error {
	if string(r.Path()) == "/fails" {
		return io.ErrUnexpectedEOF
	}
	return w.Text("inner")
}

func around(t testing.TB, p cors.Policy) web.Handler {
	t.Helper()
	mw, err := p.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return mw(inner)
}

// ask sends a request with fields, and gives the answer's status, fields of
// CORS and content.
func ask(t testing.TB, h web.Handler, line string, fields ...string) string {
	t.Helper()
	var s rw
	s.in.Reset(line + " HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n")
	exchange(t).ServeStream(&s, h)
	head, body, _ := strings.Cut(string(s.out), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	got := strings.Fields(lines[0])[1]
	for _, l := range lines[1:] {
		if strings.HasPrefix(l, "Access-Control-") || strings.HasPrefix(l, "Vary:") {
			got += "\n" + strings.TrimPrefix(l, "Access-Control-")
		}
	}
	return got + "\n" + body
}

func TestPolicy(t *testing.T) {
	list := cors.Policy{
		Origins: []string{here, "https://*.example.com", "http://localhost:3000"},
		Methods: []string{"PUT", "DELETE"}, Headers: []string{"Content-Type", "X-Token"},
		Expose: []string{"ETag"}, Credentials: true, PrivateNetwork: true, MaxAge: 600,
	}
	open := cors.Policy{Origins: []string{"*"}}
	const asks = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\n"
	for _, c := range []struct {
		name   string
		p      cors.Policy
		line   string
		fields []string
		want   string
	}{
		{"no page", list, "GET /", nil, "200\nVary: Origin\ninner"},
		{"a page", list, "GET /", []string{"Origin: " + here},
			"200\nVary: Origin\nAllow-Origin: " + here + "\nAllow-Credentials: true\nExpose-Headers: ETag\ninner"},
		{"a page of a host below", list, "GET /", []string{"Origin: https://a.b.example.com"},
			"200\nVary: Origin\nAllow-Origin: https://a.b.example.com\nAllow-Credentials: true\nExpose-Headers: ETag\ninner"},
		{"the host above those below", list, "GET /", []string{"Origin: https://example.com"}, "200\nVary: Origin\ninner"},
		{"a host whose name ends so", list, "GET /", []string{"Origin: https://evilexample.com"}, "200\nVary: Origin\ninner"},
		{"a host that begins so", list, "GET /", []string{"Origin: https://example.org.evil.net"}, "200\nVary: Origin\ninner"},
		{"another scheme", list, "GET /", []string{"Origin: http://example.org"}, "200\nVary: Origin\ninner"},
		{"another scheme below", list, "GET /", []string{"Origin: http://a.example.com"}, "200\nVary: Origin\ninner"},
		{"a path in the stead of labels", list, "GET /", []string{"Origin: https://evil.net/.example.com"}, "200\nVary: Origin\ninner"},
		{"a user in the stead of labels", list, "GET /", []string{"Origin: https://evil.net@.example.com"}, "200\nVary: Origin\ninner"},
		{"another port", list, "GET /", []string{"Origin: http://localhost:3001"}, "200\nVary: Origin\ninner"},
		{"no origin", list, "GET /", []string{"Origin: null"}, "200\nVary: Origin\ninner"},
		{"an error is told, too", list, "GET /fails", []string{"Origin: " + here},
			"500\nVary: Origin\nAllow-Origin: " + here + "\nAllow-Credentials: true\nExpose-Headers: ETag\nInternal Server Error\n"},
		{"a preflight", list, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-token"},
			"204\n" + asks + "Allow-Origin: " + here + "\nAllow-Credentials: true\nAllow-Methods: GET, HEAD, POST, PUT, DELETE\nAllow-Headers: Content-Type, X-Token\nMax-Age: 600\n"},
		{"a preflight from the wide network", list, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: GET", "Access-Control-Request-Private-Network: true"},
			"204\n" + asks + "Allow-Origin: " + here + "\nAllow-Credentials: true\nAllow-Methods: GET, HEAD, POST, PUT, DELETE\nAllow-Private-Network: true\nMax-Age: 600\n"},
		{"a preflight for another method", list, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: PATCH"},
			"204\n" + asks + "Allow-Origin: " + here + "\nAllow-Credentials: true\nMax-Age: 600\n"},
		{"a method in another case is another", list, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: put"},
			"204\n" + asks + "Allow-Origin: " + here + "\nAllow-Credentials: true\nMax-Age: 600\n"},
		{"a preflight of a stranger", list, "OPTIONS /", []string{"Origin: https://evil.net", "Access-Control-Request-Method: PUT"},
			"403\n" + asks + "This origin is not let in.\n"},
		{"OPTIONS without a method is no preflight", list, "OPTIONS /", []string{"Origin: " + here},
			"200\nVary: Origin\nAllow-Origin: " + here + "\nAllow-Credentials: true\nExpose-Headers: ETag\ninner"},
		{"open", open, "GET /", []string{"Origin: https://evil.net"}, "200\nAllow-Origin: *\ninner"},
		{"open to those without an origin", open, "GET /", nil, "200\ninner"},
		{"open says nothing of the network", open, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: GET", "Access-Control-Request-Private-Network: true"},
			"204\n" + asks + "Allow-Origin: *\nAllow-Methods: GET, HEAD, POST\n"},
		{"all methods", cors.Policy{Origins: []string{here}, Methods: []string{"*"}, Credentials: true}, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: PATCH"},
			"204\n" + asks + "Allow-Origin: " + here + "\nAllow-Credentials: true\nAllow-Methods: PATCH\n"},
		{"all fields", cors.Policy{Origins: []string{here}, Headers: []string{"*"}}, "OPTIONS /", []string{"Origin: " + here, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: a, b"},
			"204\n" + asks + "Allow-Origin: " + here + "\nAllow-Methods: GET, HEAD, POST\nAllow-Headers: a, b\n"},
	} {
		if got := ask(t, around(t, c.p), c.line, c.fields...); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		p    cors.Policy
		want error
	}{
		{cors.Policy{}, cors.ErrNoOrigin},
		{cors.Policy{Origins: []string{"*"}, Credentials: true}, cors.ErrCredentials},
		{cors.Policy{Origins: []string{here, "null"}, Credentials: true}, cors.ErrCredentials},
		{cors.Policy{Origins: []string{"example.org"}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"https://example.org/"}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"https://Example.org"}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"https://*"}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"https://*."}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"https://a.*.b"}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"https://"}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{""}}, cors.ErrOrigin},
		{cors.Policy{Origins: []string{"null", "http://[::1]:80", "app+x://a_b", "https://*.b"}, MaxAge: 86400}, nil},
		{cors.Policy{Origins: []string{"*"}, Methods: []string{"A B"}}, cors.ErrName},
		{cors.Policy{Origins: []string{"*"}, Headers: []string{""}}, cors.ErrName},
		{cors.Policy{Origins: []string{"*"}, Expose: []string{"a:"}}, cors.ErrName},
		{cors.Policy{Origins: []string{"*"}, MaxAge: -1}, cors.ErrMaxAge},
		{cors.Policy{Origins: []string{"*"}, MaxAge: 86401}, cors.ErrMaxAge},
	} {
		if _, err := c.p.Handler(); err != c.want {
			t.Errorf("%+v: %v, want %v", c.p, err, c.want)
		}
	}
	for e := cors.ErrNoOrigin; e <= cors.ErrMaxAge; e++ {
		if e.Error() == "cors: unknown error" {
			t.Errorf("error %d has no text", e)
		}
	}
	if cors.Error(0).Error() != "cors: unknown error" || cors.Error(200).Error() != "cors: unknown error" {
		t.Error("what is unknown is not called so")
	}
}

// TestNoAllocs holds what stands around a handler to no allocation.
func TestNoAllocs(t *testing.T) {
	h := around(t, cors.Policy{Origins: []string{here}, Credentials: true, Methods: []string{"PUT"}, MaxAge: 5})
	x := exchange(t)
	s := &rw{out: make([]byte, 0, 4096)}
	for _, in := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\nOrigin: " + here + "\r\n\r\n",
		"OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: " + here + "\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
	} {
		alloctest.Zero(t, in, func() {
			s.in.Reset(in)
			s.out = s.out[:0]
			x.ServeStream(s, h)
		})
	}
}

// FuzzOrigin lets in no origin that is not the listed one or a name below.
func FuzzOrigin(f *testing.F) {
	for _, o := range []string{here, "https://a.example.com", "https://evilexample.com", "null", "https://x@.example.com"} {
		f.Add(o)
	}
	h := around(f, cors.Policy{Origins: []string{here, "https://*.example.com"}})
	f.Fuzz(func(t *testing.T, origin string) {
		if strings.ContainsAny(origin, "\r\n") || len(origin) > 500 {
			return
		}
		got := ask(t, h, "GET /", "Origin: "+origin)
		if !strings.Contains(got, "Allow-Origin") {
			return
		}
		o := strings.Trim(origin, " \t")
		name, ok := strings.CutPrefix(o, "https://")
		label, below := strings.CutSuffix(name, ".example.com")
		if o != here && !(ok && below && label != "" && !strings.ContainsAny(label, "/@:?#\\ ")) {
			t.Errorf("%q is let in", origin)
		}
	})
}
