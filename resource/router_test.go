package resource_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

func TestRouting(t *testing.T) {
	routes := []string{
		"GET /hello", "GET /hello/{name}", "PUT /hello/{name}", "/any", "GET /any", "GET /{$}", "GET /dir/", "GET /dir/{$}", "GET /dir/file",
		"GET /tree/{path...}", "GET /wild/{a}/x/{b}", "GET /wild/lit/x/y", "iPATCH /hello/{name}", "FETCH /a%2Fb/c%20d",
	}
	r := new(resource.Router)
	for _, p := range routes {
		names := []string{}
		for _, s := range strings.Split(p, "/") {
			if strings.HasPrefix(s, "{") && s != "{$}" {
				names = append(names, strings.Trim(s, "{}."))
			}
		}
		err := r.Handle(p, func(w resource.Response, r *resource.Request) error {
			s := r.Pattern()
			for _, n := range names {
				s += fmt.Sprintf(" %s=%s", n, r.PathValue(n))
			}
			if r.PathValue("") != nil || r.PathValue("none") != nil {
				s += " a value of no wildcard"
			}
			return w.Text(s)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p := newPeer(t, r, 200)
	for _, test := range []struct {
		why, method, path, want string
	}{
		{"a literal", "GET", "/hello", "GET /hello"},
		{"a wildcard", "GET", "/hello/you", "GET /hello/{name} name=you"},
		{"a wildcard by method", "PUT", "/hello/you", "PUT /hello/{name} name=you"},
		{"a method by name with a lower letter", "iPATCH", "/hello/you", "iPATCH /hello/{name} name=you"},
		{"RFC 7252 section 5.8: a method that is not handled there", "POST", "/hello/you", "4.05"},
		{"RFC 7252 section 5.8.1: a path that is not there", "GET", "/hell", "4.04"},
		{"a method of its own before that of all", "GET", "/any", "GET /any"},
		{"and all others", "DELETE", "/any", "/any"},
		{"a wildcard is not empty", "GET", "/hello/", "4.04"},
		{"RFC 7252 section 6.4: the path / has no options", "GET", "/", "GET /{$}"},
		{"nothing below it", "GET", "/other", "4.04"},
		{"the directory itself", "GET", "/dir/", "GET /dir/{$}"},
		{"without its slash it is another", "GET", "/dir", "4.04"},
		{"below", "GET", "/dir/a/b", "GET /dir/"},
		{"a literal below", "GET", "/dir/file", "GET /dir/file"},
		{"many segments", "GET", "/tree/a/b//c/", "GET /tree/{path...} path=a/b//c/"},
		{"many segments that are none", "GET", "/tree/", "GET /tree/{path...} path="},
		{"none at all", "GET", "/tree", "4.04"},
		{"back from a literal that has no such kid", "GET", "/wild/lit/x/z", "GET /wild/{a}/x/{b} a=lit b=z"},
		{"the more specific", "GET", "/wild/lit/x/y", "GET /wild/lit/x/y"},
		{"an empty segment in the middle", "GET", "/hello//you", "4.04"},
		{"RFC 7252 section 5.10.1: dots", "GET", "/tree/..", "4.00"},
		{"one dot", "GET", "/tree/./a", "4.00"},
		{"three dots are a name", "GET", "/tree/...", "GET /tree/{path...} path=..."},
		{"16 segments", "GET", "/tree" + strings.Repeat("/s", 15), "GET /tree/{path...} path=" + strings.Repeat("/s", 15)[1:]},
		{"17 segments", "GET", "/tree" + strings.Repeat("/s", 16), "4.04"},
		{"300 segments", "GET", "/tree" + strings.Repeat("/s", 299), "4.04"},
	} {
		code, _ := coap.ParseMethod(test.method)
		a := p.ask(request(code, test.path, nil))
		got := string(a.Payload)
		if a.Code != coap.CodeContent {
			got = a.Code.String()
		}
		if got != test.want {
			t.Errorf("%s: %s %s: got %q, want %q", test.why, test.method, test.path, got, test.want)
		}
	}
	// Segments are what they are, escaped or not.
	m := coap.Message{Code: coap.CodeFETCH, Options: coap.InsertOption(coap.InsertOption(nil, coap.OptURIPath, []byte("a/b")), coap.OptURIPath, []byte("c d"))}
	if a := p.ask(m); string(a.Payload) != "FETCH /a%2Fb/c%20d" {
		t.Errorf("an escaped literal: %s", show(a))
	}
	m = coap.Message{Code: coap.CodeGET, Options: coap.InsertOption(nil, coap.OptURIPath, []byte("/"))}
	if a := p.ask(m); a.Code != coap.CodeNotFound {
		t.Errorf("a segment that is a slash is the root: %s", show(a))
	}
	for _, c := range []coap.Code{0, 8, 31, coap.CodeContent, coap.CodePing} {
		m := request(c, "/any", nil)
		if a := p.check(p.x.Serve(m, &p.terms, p.dst)); a.Code != coap.CodeMethodNotAllowed {
			t.Errorf("RFC 7252 section 5.8: code %v: %s", c, show(a))
		}
	}
}

// TestAgainstServeMux has the same patterns and paths in both.
func TestAgainstServeMux(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	segments := []string{"a", "b", "c", "{x}", "{y}", "{z...}", "{$}", ""}
	for range 300 {
		mux, r := http.NewServeMux(), new(resource.Router)
		for range 6 {
			p := []string{"", "GET ", "PUT "}[rng.IntN(3)]
			for n := 1 + rng.IntN(4); n > 0; n-- {
				g := segments[rng.IntN(len(segments))]
				if p += "/" + g; g == "" || g == "{$}" || g == "{z...}" {
					break
				}
			}
			err := r.Handle(p, func(w resource.Response, q *resource.Request) error {
				return w.Text(q.Pattern(), " ", string(q.PathValue("x")), " ", string(q.PathValue("y")), " ", string(q.PathValue("z")))
			})
			var theirs any
			func() {
				defer func() { theirs = recover() }()
				mux.HandleFunc(p, func(w http.ResponseWriter, q *http.Request) {
					fmt.Fprint(w, q.Pattern, " ", q.PathValue("x"), " ", q.PathValue("y"), " ", q.PathValue("z"))
				})
			}()
			if (err == nil) != (theirs == nil) {
				t.Fatalf("%q: %v; ServeMux says %v", p, err, theirs)
			}
			var e *resource.PatternError
			if err != nil && (!errors.As(err, &e) || !errors.Is(err, resource.ErrPattern) && !errors.Is(err, resource.ErrConflict)) {
				t.Fatalf("%q: %v", p, err)
			}
		}
		p := &peer{t: t, x: resource.NewExchange(r, 0, make([]byte, 100)), dst: make([]byte, 0, 300)}
		for range 40 {
			path := ""
			for n := 1 + rng.IntN(4); n > 0; n-- {
				path += "/" + []string{"a", "b", "c", "d"}[rng.IntN(4)]
			}
			if rng.IntN(3) == 0 {
				path += "/"
			}
			method := []string{"GET", "PUT", "DELETE"}[rng.IntN(3)]
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
			want := rec.Body.String()
			switch rec.Code {
			case 307, 301:
				continue // there is no redirection
			case 404:
				want = "4.04"
			case 405:
				want = "4.05"
			}
			code, _ := coap.ParseMethod(method)
			a := p.ask(request(code, path, nil))
			got := string(a.Payload)
			if a.Code != coap.CodeContent {
				got = a.Code.String()
			}
			if got != want && !(want == "4.05" && got == "4.04") && !(want == "4.04" && got == "4.05") {
				t.Fatalf("%s %s: got %q, ServeMux says %d %q", method, path, got, rec.Code, want)
			}
		}
	}
}

func TestAdd(t *testing.T) {
	h := text("")
	d := func(w resource.Response, r *resource.Request, p resource.Part) error { return nil }
	for _, test := range []struct {
		why   string
		route resource.Route
		err   error
	}{
		{"neither handler", resource.Route{Pattern: "/a"}, resource.ErrRoute},
		{"both", resource.Route{Pattern: "/a", Handler: h, Data: d}, resource.ErrRoute},
		{"nothing that can be dropped", resource.Route{Pattern: "/a", Handler: h, Dropped: func(any) {}}, resource.ErrRoute},
		{"a negative timeout", resource.Route{Pattern: "/a", Handler: h, Timeout: -1}, resource.ErrRoute},
		{"no method of CoAP", resource.Route{Pattern: "HEAD /a", Handler: h}, resource.ErrPattern},
		{"a method in lower case", resource.Route{Pattern: "get /taken/{b}", Handler: h}, resource.ErrConflict},
		{"a host", resource.Route{Pattern: "h/a", Handler: h}, resource.ErrPattern},
		{"no path", resource.Route{Pattern: "a", Handler: h}, resource.ErrPattern},
		{"the same again", resource.Route{Pattern: "GET /taken/{b}", Handler: h}, resource.ErrConflict},
		{"all is well", resource.Route{Pattern: "GET /free", Handler: h}, nil},
	} {
		r := newRouter(t, resource.Route{Pattern: "GET /taken/{a}", Handler: h})
		if err := r.Add(test.route); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s: %v, want %v", test.why, err, test.err)
		} else if !errors.Is(r.Err(), err) {
			t.Errorf("%s: Err is %v", test.why, r.Err())
		} else if err != nil && !strings.HasPrefix(err.Error(), "resource: ") {
			t.Errorf("%s: %q", test.why, err)
		}
	}
	r := newRouter(t)
	if err := r.Freeze(); err != nil {
		t.Error(err)
	}
	if err := r.Handle("/late", h); err != resource.ErrFrozen {
		t.Errorf("a route behind Freeze: %v", err)
	}
	if err := (&resource.Router{Token: 300}).Freeze(); err != resource.ErrRoute {
		t.Errorf("a token of 300 bytes: %v", err)
	}
}
