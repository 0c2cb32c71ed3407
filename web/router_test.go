package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/web"
)

// both is a router of ours and one of the standard library's, with the same
// patterns.
type both struct {
	ours   *web.Router
	theirs *http.ServeMux
	names  map[string][]string // wildcards by pattern
}

func newBoth(t testing.TB) *both {
	return &both{web.NewRouter(newExchange(t)), http.NewServeMux(), map[string][]string{}}
}

// wildcards are the names of a pattern's wildcards.
func wildcards(pattern string) (names []string) {
	for _, s := range strings.Split(pattern, "/") {
		if name, ok := strings.CutPrefix(s, "{"); ok && name != "$}" {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(name, "}"), "..."))
		}
	}
	return names
}

// add adds a pattern to both, and reports whether they took it. They must
// agree.
func (b *both) add(t testing.TB, pattern string) bool {
	t.Helper()
	names := wildcards(pattern)
	ours := b.ours.Add(web.Route{Pattern: pattern, Handler: func(w web.Response, r *web.Request) error {
		text := r.Pattern()
		for _, name := range names {
			text += " " + name + "=" + string(r.PathValue(name))
		}
		if r.PathValue("none") != nil || r.PathValue("") != nil {
			text += " a value of no wildcard"
		}
		return w.Text(text)
	}})
	var theirs any
	func() {
		defer func() { theirs = recover() }()
		b.theirs.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			text := r.Pattern
			for _, name := range names {
				text += " " + name + "=" + r.PathValue(name)
			}
			fmt.Fprint(w, text)
		})
	}()
	if (ours == nil) != (theirs == nil) {
		t.Fatalf("%q: ours %v, theirs %v", pattern, ours, theirs)
	}
	if ours == nil {
		b.names[pattern] = names
		return true
	}
	conflict := strings.Contains(fmt.Sprint(theirs), "conflicts with")
	if errors.Is(ours, web.ErrConflict) != conflict || errors.Is(ours, web.ErrPattern) == conflict {
		t.Fatalf("%q: ours %v, theirs %v", pattern, ours, theirs)
	}
	return false
}

// answered is what a router does with a request, as far as the two can be
// compared.
type answered struct {
	code                  int
	text, allow, location string
}

// ask has both routers serve a request. They must agree, but for what the
// comments say, and for an absolute target without a path, which is for "/"
// (RFC 9110 section 4.2.3), and which net/http redirects there.
func (b *both) ask(t testing.TB, method, target, host string) {
	t.Helper()
	text := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return // an escape that is none: net/http refuses it, and we take it as it is
	}
	rec := httptest.NewRecorder()
	b.theirs.ServeHTTP(rec, req)
	theirs := answered{code: rec.Code, allow: rec.Header().Get("Allow"), location: rec.Header().Get("Location")}
	if rec.Code == 200 {
		theirs.text = rec.Body.String()
	}

	s := &rw{Reader: strings.NewReader(text)}
	b.ours.Serve(s)
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(s.out.String())), &http.Request{Method: "GET"})
	if err != nil {
		t.Fatalf("%s %s: %v in %q", method, target, err, s.out.String())
	}
	ours := answered{code: resp.StatusCode, allow: resp.Header.Get("Allow"), location: resp.Header.Get("Location")}
	if ours.code == 200 && method != "HEAD" {
		_, ours.text, _ = strings.Cut(s.out.String(), "\r\n\r\n")
	} else {
		theirs.text = ""
	}

	// We answer OPTIONS ourselves, and say so.
	if theirs.code == 405 {
		theirs.allow += ", OPTIONS"
		if method == "OPTIONS" {
			theirs.code = 204
		}
		allow := strings.Split(theirs.allow, ", ")
		slices.Sort(allow)
		theirs.allow = strings.Join(slices.Compact(allow), ", ")
	}
	// They escape a path that is escaped once more, and unescape what need not
	// be; we leave escapes alone. A browser ends up where it was sent. Where
	// they add a slash, they take escaped slashes and dots for such as split
	// and lead up.
	if theirs.location != "" && ours.location != "" {
		up := strings.ToUpper(target)
		a, b := unescaped(ours.location), unescaped(theirs.location)
		if a == b || a == unescaped(b) || strings.Contains(up, "%2F") || strings.Contains(up, "%2E") {
			theirs.location = ours.location
		}
	}
	if ours != theirs {
		t.Fatalf("%s %s at %s, of %v:\nours   %+v\ntheirs %+v", method, target, host, slices.Sorted(keys(b.names)), ours, theirs)
	}
}

func keys(m map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// unescaped is a location with its path unescaped.
func unescaped(s string) string {
	p, q, _ := strings.Cut(s, "?")
	if u, err := url.PathUnescape(p); err == nil {
		p = u
	}
	return p + "?" + q
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "SQUID"}

// TestRouterAsServeMux asks for many paths of sets of patterns, those of the
// standard library's documentation first.
func TestRouterAsServeMux(t *testing.T) {
	for _, patterns := range [][]string{
		{"/index.html", "GET /static/", "example.com/", "example.com/{$}", "/b/{bucket}/o/{objectname...}"},
		{"/images/thumbnails/", "/images/", "GET /posts/{id}", "/posts/latest/{$}", "HEAD /posts/{id}/{x}"},
		{"/posts/{id}", "/posts/latest", "GET /{$}", "POST /{a}/{b}/{c}", "/"},
		{"/b/{x...}", "/b/{x}/c", "/b/d/{$}", "PUT /b/d/e"},
		{"GET /a", "POST /a", "/a/", "DELETE example.com/a", "GET example.com/{x}"},
		{"/caf%C3%A9", "/a%2Fb/{x}", "/a/b", "/%7Euser/"},
		{"GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h...}", "/{a}/x"},
		{"SQUID /a", "OPTIONS /a/{x}", "/c/{$}", "/d/{x}/{$}"},
		{"/%2F/b", "/%2e%2E/x", "/a/%2E", "/b/%2F", "/%2e/{x}"},
	} {
		b := newBoth(t)
		for _, p := range patterns {
			if !b.add(t, p) {
				t.Errorf("%q of %q was refused", p, patterns)
			}
		}
		for _, target := range []string{
			"/", "/index.html", "/static", "/static/", "/static/a/b", "//static//a", "/static/../index.html", "/static/.", "/static/..", "/..",
			"/b/x/o/", "/b/x/o", "/b/x/o/y/z", "/b/x/o/y%2Fz", "/b//o/y", "/images", "/images/", "/images/thumbnails", "/images/thumbnails/a",
			"/posts/1", "/posts/latest", "/posts/latest/", "/posts/", "/posts", "/posts/a/b", "/posts/%61", "/posts/latest?x=y", "/posts?x=y&z",
			"/b", "/b/", "/b/c", "/b/d", "/b/d/", "/b/d/e", "/b/e/c", "/b/e/c/", "/b/d/c", "/a", "/a/", "/a/b", "/a%2Fb/c", "/a%2fb/c", "/a/b/c", "/a/./b",
			"/caf%C3%A9", "/caf%c3%a9", "/%63af%C3%A9", "/~user", "/~user/", "/%7euser/x", "/1/2/3/4/5/6/7/8/9", "/1/2/3/4/5/6/7/", "/1/2/3/4/5/6/7", "/1/x",
			"/c", "/c/", "/c/x", "/d/x", "/d/x/", "/d//", "/a//", "//", "/./", "/a/../../b", "/%2e%2e/a", "/a/%2E", "/\\evil.com//", "//evil.com/..", "/a\"<>//",
			"http://example.com/a", "http://example.com/", "http://example.com:80/x", "/a?", "/a/?x=%", "//a?b=//c",
			"//b", "///b", "/../x", "/..//x", "/%2F/b", "/%2e%2e/x", "/b/%2f",
		} {
			for _, method := range methods {
				for _, host := range []string{"example.com", "example.com:8080", "other", "[::1]:80"} {
					b.ask(t, method, target, host)
				}
			}
		}
	}
}

// TestRouterByChance makes patterns and requests by chance.
func TestRouterByChance(t *testing.T) {
	const seeds, requests = 400, 60
	took, refused := 0, 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 0))
		pick := func(list ...string) string { return list[r.IntN(len(list))] }
		b := newBoth(t)
		for range 1 + r.IntN(8) {
			p := pick("", "", "GET ", "POST ", "HEAD ", "OPTIONS ") + pick("", "", "", "h")
			for range r.IntN(4) {
				p += "/" + pick("a", "b", "c", "{x}", "{y}", "a%2Fb", "%61")
			}
			p += pick("", "/", "/{$}", "/{z...}", "/d")
			if b.add(t, p) {
				took++
			} else {
				refused++
			}
		}
		for range requests {
			target := ""
			for range 1 + r.IntN(5) {
				target += "/" + pick("a", "b", "c", "d", "e", "", ".", "..", "a%2Fb", "%62")
			}
			b.ask(t, pick(methods...), target+pick("", "/", "?q"), pick("h", "h:1", "i"))
		}
	}
	if took < seeds || refused < seeds/2 {
		t.Errorf("%d patterns were taken and %d refused: too few", took, refused)
	}
}

// FuzzRouter gives both routers two patterns and a request.
func FuzzRouter(f *testing.F) {
	f.Add("GET /a/{x}", "/a/b", "GET", "/a/b")
	f.Add("h/{x...}", "POST /{$}", "HEAD", "//a/../b/")
	f.Add("/a%2Fb/", "/{x}/", "PUT", "/a%2fb?c")
	f.Add("/{", "GET  /b", "GET", "/b")
	f.Fuzz(func(t *testing.T, p, q, method, target string) {
		if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) || !strings.HasPrefix(target, "/") || len(target) > 300 {
			return // no request has such a target, or one too long for the buffer
		}
		if strings.Contains(target, "%") && strings.ContainsAny(target, "\"<>\\^`{|}") {
			return // they escape such a path anew, and an escaped slash then splits it
		}
		for _, s := range []string{p, q} {
			// What the two need not agree about: they take names of all letters
			// and hosts and paths of all bytes, and know no bound.
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '?' || r == '#' }) || strings.Count(s, "{") > web.MaxWildcards ||
				strings.Contains(strings.TrimLeft(s[strings.IndexByte(s, ' ')+1:], " "), " ") || strings.HasPrefix(s, " ") || !slices.Contains(methods, method) {
				return
			}
			if _, err := url.PathUnescape(s); err != nil {
				return // they take such a pattern, which no request of net/http matches
			}
			if host, _, _ := strings.Cut(s[strings.IndexByte(s, ' ')+1:], "/"); host != strings.ToLower(host) {
				return // the case of hosts counts for them
			}
			if i := strings.IndexByte(s, '/'); i >= 0 && web.IsUnclean(strings.SplitN(s[i:], "?", 2)[0]) {
				return // without a method they take it, for CONNECT, which has no path
			}
		}
		b := newBoth(t)
		b.add(t, p)
		b.add(t, q)
		b.ask(t, method, target, "h")
	})
}

func TestCleanPath(t *testing.T) {
	for _, seg := range []string{"", "a", ".", "..", "...", ".a", "a."} {
		for _, seg2 := range []string{"", "b", ".", "..", "/", "//c"} {
			for _, seg3 := range []string{"", "/", "/.", "/..", "/d"} {
				p := "/" + seg + "/" + seg2 + seg3
				want := path.Clean(p)
				if p[len(p)-1] == '/' && want != "/" {
					want += "/"
				}
				if got := web.CleanPath(p); got != want || web.IsUnclean(p) != (want != p) {
					t.Errorf("%q is cleaned to %q, unclean %v, want %q", p, got, web.IsUnclean(p), want)
				}
			}
		}
	}
}

func TestRouterRefuses(t *testing.T) {
	nine := strings.Repeat("/{a}", 9)
	for i := range 9 {
		nine = strings.Replace(nine, "{a}", fmt.Sprintf("{b%d}", i), 1)
	}
	h := func(w web.Response, r *web.Request) error { return nil }
	each := func(int) web.Handler { return h }
	for _, r := range []web.Route{
		{Pattern: nine, Handler: h},
		{Pattern: "/a b", Handler: h}, {Pattern: "/a?b", Handler: h}, {Pattern: "h\x80/", Handler: h},
		{Pattern: "/a"}, {Pattern: "/a", Handler: h, Each: each},
		{Pattern: "/a", Handler: h, Timeout: -1},
		{Pattern: "/a", Handler: h, Types: []string{"json"}}, {Pattern: "/a", Handler: h, Types: []string{"text/Plain"}},
		{Pattern: "/a", Handler: h, Types: []string{"text/plain; charset=utf-8"}},
		{Pattern: "/a", Handler: h, Types: []string{"*/*"}}, {Pattern: "/a", Handler: h, Types: []string{"image/p*"}},
	} {
		if err := web.NewRouter(newExchange(t)).Add(r); !errors.Is(err, web.ErrPattern) {
			t.Errorf("%+v: %v, want %v", r, err, web.ErrPattern)
		}
	}
	r := web.NewRouter(newExchange(t))
	for i := range 64 {
		if err := r.Add(web.Route{Pattern: fmt.Sprintf("M%d /a", i), Handler: h}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Add(web.Route{Pattern: "GET /a", Handler: h}); !errors.Is(err, web.ErrPattern) {
		t.Errorf("a 65th method: %v", err)
	}
	err := r.Add(web.Route{Pattern: "M1 /{x}", Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Add(web.Route{Pattern: "/a/{$}", Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	const want = `web: pattern "M2 /a/{z...}" conflicts with "/a/{$}": some requests match both, and neither is more specific`
	if err = r.Add(web.Route{Pattern: "M2 /a/{z...}", Handler: h}); err == nil || err.Error() != want {
		t.Errorf("a conflict is told as %v, want %s", err, want)
	}
}

func TestTakes(t *testing.T) {
	types := []string{"application/json", "image/*"}
	for contentType, want := range map[string]bool{
		"application/json": true, "Application/JSON": true, "application/json; charset=utf-8": true, "application/json;a=b": true,
		"application/json5": false, "application/jso": false, "": false, "image/png": true, "IMAGE/x": true, "image/": false, "image": false, "text/plain": false,
		"*/*": false, "video/image/png": false,
	} {
		if web.Takes(types, contentType) != want {
			t.Errorf("%q is taken: %v", contentType, !want)
		}
	}
}

// TestRouterUse has handlers around others, the first outermost, and around
// what the router answers.
func TestRouterUse(t *testing.T) {
	r := web.NewRouter(newExchange(t))
	h := func(w web.Response, r *web.Request) error { return w.Text("x") }
	around := func(name string) func(web.Handler) web.Handler {
		return func(h web.Handler) web.Handler {
			return func(w web.Response, r *web.Request) error {
				w.With("Around", name)
				return h(w, r)
			}
		}
	}
	r.Add(web.Route{Pattern: "/before", Handler: h})
	r.Use(around("first"))
	r.Use(around("second"))
	r.Add(web.Route{Pattern: "GET /after/", Handler: h})
	for target, want := range map[string]string{
		"GET /before": "", "GET /after/": "first second", "GET /nowhere": "first second", "PUT /after/": "first second",
		"OPTIONS /after/": "first second", "OPTIONS *": "first second", "GET //": "first second", "GET /after": "first second",
	} {
		s := &rw{Reader: strings.NewReader(target + " HTTP/1.1\r\nHost: h\r\n\r\n")}
		r.Serve(s)
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(s.out.String())), nil)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		if got := strings.Join(resp.Header.Values("Around"), " "); got != want {
			t.Errorf("%s is answered %s by way of %q, want %q", target, resp.Status, got, want)
		}
	}
}

// TestLongRedirect has no room for where to redirect to.
func TestLongRedirect(t *testing.T) {
	r := web.NewRouter(newExchange(t))
	s := &rw{Reader: strings.NewReader("GET //" + strings.Repeat("a", memorySize/2-200) + " HTTP/1.1\r\nHost: h\r\n\r\n")}
	r.Serve(s)
	if !strings.HasPrefix(s.out.String(), "HTTP/1.1 414 ") {
		t.Errorf("answered %q", s.out.String())
	}
}

// bigRouter has n routes of each of some shapes.
func bigRouter(t testing.TB, n int) *web.Router {
	r := web.NewRouter(newExchange(t))
	h := func(w web.Response, r *web.Request) error { return w.Text("x") }
	for i := range n {
		for _, p := range []string{"GET /api/v1/thing%05d/list", "POST /api/v1/{user}/%05d", "/deep/%05d/{a}/{b...}"} {
			if err := r.Add(web.Route{Pattern: fmt.Sprintf(p, i), Handler: h}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

// BenchmarkRouter finds a route among few and among many.
func BenchmarkRouter(b *testing.B) {
	for _, n := range []int{10, 1000} {
		r := bigRouter(b, n)
		for _, target := range []string{"GET /api/v1/thing00007/list", "POST /api/v1/me/00007", "GET /deep/00007/x/y/z", "GET /nowhere"} {
			b.Run(fmt.Sprintf("%d/%s", 3*n, strings.ReplaceAll(target, " ", "_")), func(b *testing.B) {
				s := &rw{Reader: strings.NewReader(target + " HTTP/1.1\r\nHost: h\r\n\r\n")}
				b.ReportAllocs()
				r.During(s, func(find func() bool) {
					for b.Loop() {
						if find() == (target == "GET /nowhere") {
							b.Fatal("found what is not, or not what is")
						}
					}
				})
			})
		}
	}
}

// TestRouterNoAllocs holds the search and the router's own answers to no
// allocation.
func TestRouterNoAllocs(t *testing.T) {
	r := bigRouter(t, 20)
	for _, target := range []string{
		"GET /api/v1/thing00007/list", "POST /api/v1/m%65/00007", "GET /deep/00007/x/y/z", "GET /nowhere", "PUT /api/v1/thing00007/list",
		"OPTIONS /deep/00007", "OPTIONS /api/v1/thing00007/list", "GET //deep/../x?y", "GET /deep/00007/x", "OPTIONS *",
	} {
		s := &again{in: target + " HTTP/1.1\r\nHost: h\r\n\r\n"}
		alloctest.Zero(t, target, func() {
			s.left, s.sent = s.in, 0
			if r.Serve(s); s.sent == 0 {
				t.Fatal("nothing was sent")
			}
		})
	}
}
