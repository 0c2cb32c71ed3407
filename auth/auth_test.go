package auth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/web"
)

// rw is a stream that asks and keeps the answer.
type rw struct {
	in  strings.Reader
	out []byte
}

func (s *rw) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *rw) Write(p []byte) (int, error) { s.out = append(s.out, p...); return len(p), nil }

func inner(w web.Response, r *web.Request) error { return w.Text("inside") }

// ask is the head of what a handler answers to some fields.
func ask(t testing.TB, h web.Handler, memory int, fields string) string {
	t.Helper()
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, memory), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := new(rw)
	s.in.Reset("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n")
	x.ServeStream(s, h)
	return string(s.out)
}

func basic(t testing.TB) web.Handler {
	t.Helper()
	guard, err := auth.Basic(`the "garden" \o/`, func(r *web.Request, user, password []byte) bool {
		return auth.Equal(user, "Aladdin") && auth.Equal(password, "open sesame")
	})
	if err != nil {
		t.Fatal(err)
	}
	return guard(inner)
}

const (
	inside    = "HTTP/1.1 200 OK\r\n"
	challenge = "\r\nWWW-Authenticate: Basic realm=\"the \\\"garden\\\" \\\\o/\", charset=\"UTF-8\"\r\n"
)

func TestBasic(t *testing.T) {
	h := basic(t)
	for _, v := range []struct {
		name, fields string
		in           bool
	}{
		{"user and password", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", true},
		{"another password", "Authorization: Basic QWxhZGRpbjpvcGVu\r\n", false},
		{"malformed", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ\r\n", false},
		{"another scheme", "Authorization: Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", false},
		{"none", "", false},
		{"twice", strings.Repeat("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", 2), false},
	} {
		got := ask(t, h, 2048, v.fields)
		if v.in && (!strings.HasPrefix(got, inside) || !strings.HasSuffix(got, "inside")) ||
			!v.in && (!strings.HasPrefix(got, "HTTP/1.1 401 Unauthorized\r\n") || !strings.Contains(got, challenge) || strings.Contains(got, "inside")) {
			t.Errorf("%s: the answer is %q", v.name, got)
		}
	}
	long := "Authorization: Basic " + strings.Repeat("QUFB", 300) + "\r\n"
	if got := ask(t, h, 3000, long); !strings.HasPrefix(got, "HTTP/1.1 500 ") {
		t.Errorf("credentials that the arena has no room for are answered %q", got)
	}
}

func TestBearer(t *testing.T) {
	guard, err := auth.Bearer("garden", func(r *web.Request, token []byte) error {
		switch {
		case auth.Equal(token, "good"):
			return nil
		case auth.Equal(token, "narrow"):
			return auth.ErrScope
		case auth.Equal(token, "fails"):
			return io.ErrUnexpectedEOF
		}
		return auth.ErrToken
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ name, fields, status, challenge string }{
		{"good", "Authorization: Bearer good\r\n", "200 OK", ""},
		{"none", "", "401 Unauthorized", `Bearer realm="garden"`},
		{"another scheme", "Authorization: Basic Z29vZA==\r\n", "401 Unauthorized", `Bearer realm="garden"`},
		{"unknown", "Authorization: Bearer bad\r\n", "401 Unauthorized", `Bearer realm="garden", error="invalid_token"`},
		{"not for this", "Authorization: Bearer narrow\r\n", "403 Forbidden", `Bearer realm="garden", error="insufficient_scope"`},
		{"malformed", "Authorization: Bearer a b\r\n", "400 Bad Request", `Bearer realm="garden", error="invalid_request"`},
		{"check fails", "Authorization: Bearer fails\r\n", "500 Internal Server Error", ""},
	} {
		got := ask(t, guard(inner), 2048, v.fields)
		if !strings.HasPrefix(got, "HTTP/1.1 "+v.status+"\r\n") || strings.Contains(got, "inside") != (v.status == "200 OK") {
			t.Errorf("%s: the answer is %q", v.name, got)
		}
		if want := "\r\nWWW-Authenticate: " + v.challenge + "\r\n"; strings.Contains(got, want) != (v.challenge != "") {
			t.Errorf("%s: the answer is %q, want %q in it", v.name, got, want)
		}
	}
}

func TestConfiguration(t *testing.T) {
	yes := func(*web.Request, []byte, []byte) bool { return true }
	good := func(*web.Request, []byte) error { return nil }
	for _, realm := range []string{"a\r\nb", "\x7F", "é"} {
		if _, err := auth.Basic(realm, yes); err != auth.ErrRealm {
			t.Errorf("Basic(%q) = %v", realm, err)
		}
		if _, err := auth.Bearer(realm, good); err != auth.ErrRealm {
			t.Errorf("Bearer(%q) = %v", realm, err)
		}
	}
	if _, err := auth.Basic("a", nil); err != auth.ErrCheck {
		t.Errorf("Basic without check = %v", err)
	}
	if _, err := auth.Bearer("a", nil); err != auth.ErrCheck {
		t.Errorf("Bearer without check = %v", err)
	}
}

func TestErrors(t *testing.T) {
	for e := auth.Error(1); e <= auth.ErrScope; e++ {
		if !strings.HasPrefix(e.Error(), "auth: ") || e.Error() == "auth: unknown error" || http.StatusText(e.Status()) == "" {
			t.Errorf("error %d is %q, %d", e, e, e.Status())
		}
	}
	if e := auth.Error(200); e.Error() != "auth: unknown error" || e.Status() != 500 {
		t.Errorf("an unknown error is %q, %d", e, e.Status())
	}
}

func TestNoAllocs(t *testing.T) {
	h := basic(t)
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 2048), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range []string{"", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"} {
		s := &rw{out: make([]byte, 0, 1024)}
		in := "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n"
		alloctest.Zero(t, "a guard", func() {
			s.in.Reset(in)
			s.out = s.out[:0]
			if err := x.ServeStream(s, h); err != nil || len(s.out) == 0 {
				t.Fatal(err)
			}
		})
	}
}
