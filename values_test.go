package bobtail_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/web"
)

// partSink takes a form of parts apart as it comes, and fails if the handler's
// way of reading one works in a Sink.
type partSink struct{ parser *form.Multipart }

func (s partSink) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	if _, err := r.Multipart(form.Limits{}); err != web.ErrMisuse {
		return err
	}
	if _, err := r.ReadAll(1000); err != web.ErrMisuse {
		return err
	}
	if st[0] == 0 {
		st[0] = 1
		if err := s.parser.Init(r.Header("Content-Type"), make([]byte, form.MinMemory), form.Limits{}); err != nil {
			return err
		}
	}
	for {
		ev, data, n, err := s.parser.Next(p)
		if err != nil || ev == form.EventNone {
			return err
		}
		p = p[n:]
		st[1] += uint64(len(data))
	}
}

func (s partSink) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	if err := s.parser.Finish(); err != nil {
		return err
	}
	return w.Text(fmt.Sprintf("%s: %d in %d parts", r.QueryValue("who"), st[1], s.parser.Parts()))
}

func (s partSink) Abandon(st *bobtail.State) {}

// values are handlers that answer with what a request has.
func values(t testing.TB, f *fixture) {
	f.Handle("GET /values", func(w bobtail.Response, r *bobtail.Request) error {
		c := cookie.Cookie{Name: "seen", Bytes: r.Cookie("b"), Path: "/"}
		return w.Status(200).SetCookie(c).Text(fmt.Sprintf("%q %q %q", r.QueryValue("a"), r.Cookie("b"), r.Bearer()))
	})
	f.Handle("POST /form", func(w bobtail.Response, r *bobtail.Request) error {
		v, err := r.Form(1000)
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprintf("%q %q", v.Get("a"), v.Get("b")))
	})
	f.Handle("POST /parts", func(w bobtail.Response, r *bobtail.Request) error {
		parts, err := r.Multipart(form.Limits{Parts: 3})
		if err != nil {
			return err
		}
		var b strings.Builder
		for err = parts.NextPart(); err == nil; err = parts.NextPart() {
			fmt.Fprintf(&b, "%q ", parts.Name())
			n, err := io.Copy(io.Discard, parts)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%d, ", n)
		}
		if err != io.EOF {
			return err
		}
		return w.Text(b.String())
	})
	guard, err := auth.Basic("garden", func(r *bobtail.Request, user, password []byte) bool {
		return auth.Equal(user, "a") && auth.Equal(password, "b")
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Handle("GET /guarded", guard(func(w bobtail.Response, r *bobtail.Request) error { return w.Text("inside") }))
}

// typed is a request with content of a type.
func typed(path, contentType, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
}

// partsOf is a form of three parts, of which the second is as long as is said.
func partsOf(n int) string {
	const part = "--b\r\nContent-Disposition: form-data; name="
	return part + "a\r\n\r\n1\r\n" + part + "\"b%22\"; filename=f\r\n\r\n" + strings.Repeat("\r\n--x", n/5) + "\r\n" + part + "c\r\n\r\n\r\n--b--\r\n"
}

const (
	typeForm  = form.MediaType
	typeParts = "multipart/form-data; boundary=b"
)

// asksForValues are requests, and how they are answered.
var asksForValues = []struct {
	in     string
	status int
	want   string
}{
	{"GET /values?a=%C3%A9+1 HTTP/1.1\r\nHost: a\r\nCookie: a=1; b=2\r\nAuthorization: Bearer x\r\n\r\n", 200, `"é 1" "2" "x"`},
	{"GET /values HTTP/1.1\r\nHost: a\r\n\r\n", 200, `"" "" ""`},
	{typed("/form", typeForm, "a=1+2&b=%33"), 200, `"1 2" "3"`},
	{typed("/form", typeForm, ""), 200, `"" ""`},
	{typed("/parts", typeParts, partsOf(100)), 200, `"a" 1, "b\"" 100, "c" 0, `},
	{typed("/parts", typeParts, "--b--\r\n"), 200, ""},
	{"GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n", 200, "inside"},
	{"GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTph\r\n\r\n", 401, "Unauthorized\n"},
	{typed("/parts", typeParts, partsOf(200000)), 200, `"a" 1, "b\"" 200000, "c" 0, `},
	{typed("/form", typeForm, "a="+strings.Repeat("x", 998)), 200, fmt.Sprintf("%q %q", strings.Repeat("x", 998), "")},
}

func withCookies(t testing.TB) http1.FieldSet {
	fields := http1.DefaultFields()
	if err := fields.Add("Cookie"); err != nil {
		t.Fatal(err)
	}
	return fields
}

// TestValues asks for the values of requests that come one by one, all at once,
// and a few bytes at a time.
func TestValues(t *testing.T) {
	run(t, bobtail.Config{Workers: 2, WorkerMemory: 4096, Fields: withCookies(t)}, func(t *testing.T, f *fixture) {
		values(t, f)
		f.Start()
		one, all := f.dial(), f.dial()
		var sent strings.Builder
		for _, v := range asksForValues {
			one.Send(v.in)
			one.want(strings.SplitN(v.in, " ", 2)[0], v.status, v.want)
			if len(v.in) < 1000 {
				sent.WriteString(v.in)
			}
		}
		for _, c := range []*client{all, one} {
			s := sent.String()
			if c == all {
				c.Send(s)
			}
			for _, v := range asksForValues {
				if len(v.in) >= 1000 {
					continue
				}
				for at := 0; c == one && at < len(v.in); at += 13 {
					c.Send(v.in[at:min(at+13, len(v.in))])
				}
				c.want(strings.SplitN(v.in, " ", 2)[0], v.status, v.want)
			}
		}
		for _, v := range []struct {
			in     string
			status int
		}{
			{typed("/form", typeForm, "a=%"), 400},
			{typed("/form", typeParts, "a=1"), 415},
			{typed("/form", typeForm, strings.Repeat("x", 1001)), 413},
			{typed("/parts", typeForm, partsOf(1)), 415},
			{typed("/parts", typeParts, "--b\r\n\r\n"), 400},
			{typed("/parts", typeParts, partsOf(10)[:50]), 400},
			{typed("/parts", typeParts, strings.Repeat(partsOf(0)[:len(partsOf(0))-len("--b--\r\n")], 2)), 413},
		} {
			c := f.dial()
			c.Send(v.in)
			if a := c.answer("POST"); a.StatusCode != v.status {
				t.Errorf("%s is answered %d, want %d", servertest.Brief(v.in), a.StatusCode, v.status)
			}
			c.Conn.Close()
		}
	})
}

// TestPartsInSink takes forms apart in a Sink, between whose pieces nobody waits.
func TestPartsInSink(t *testing.T) {
	run(t, bobtail.Config{Workers: 1, WorkerMemory: 4096}, func(t *testing.T, f *fixture) {
		f.sink("POST /sink", partSink{new(form.Multipart)})
		f.Start()
		c := f.dial()
		for _, n := range []int{0, 100, 100000} {
			c.Send(typed("/sink?who=%41", typeParts, partsOf(n)))
			c.want("POST", 200, fmt.Sprintf("A: %d in 3 parts", n+1))
		}
		c.Send(typed("/sink", typeForm, "a=1"))
		if a := c.answer("POST"); a.StatusCode != 415 {
			t.Errorf("another type is answered %d", a.StatusCode)
		}
	})
}
