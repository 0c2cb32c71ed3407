package micro

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
	"github.com/go-chi/chi/v5"
	"github.com/julienschmidt/httprouter"
)

// routed are requests whose patterns are looked for among many, each router by
// its own spelling of them. What wildcards stand for is not asked, but all have
// found it; the other routers are given method and path, ours the head.
func routed(tb testing.TB) (all []comparison) {
	tb.Helper()
	const none = "none"
	for _, each := range []int{10, 100} {
		driver, mux, tree, julien := new(web.Driver), http.NewServeMux(), chi.NewRouter(), httprouter.New()
		router := routerOf(tb, driver)
		ofChi := map[string]string{"": none}
		found := ""
		for _, p := range []struct{ ours, chi, julien string }{
			{"GET /api/v1/thing%05d/list", "/api/v1/thing%05d/list", "/api/v1/thing%05d/list"},
			{"GET /users/u%05d/{user}", "/users/u%05d/{user}", "/users/u%05d/:user"},
			{"GET /deep/d%05d/{a}/{b...}", "/deep/d%05d/{a}/*", "/deep/d%05d/:a/*b"},
		} {
			for i := range each {
				pattern := fmt.Sprintf(p.ours, i)
				if err := driver.Handle(pattern, func(web.Response, *web.Request) error { return nil }); err != nil {
					tb.Fatal(err)
				}
				mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
				tree.MethodFunc("GET", fmt.Sprintf(p.chi, i), func(http.ResponseWriter, *http.Request) {})
				ofChi[fmt.Sprintf(p.chi, i)] = pattern
				julien.Handle("GET", fmt.Sprintf(p.julien, i), func(http.ResponseWriter, *http.Request, httprouter.Params) { found = pattern })
			}
		}
		for _, c := range []struct{ name, path, want string }{
			{"literal", "/api/v1/thing00007/list", "GET /api/v1/thing00007/list"},
			{"wildcard", "/users/u00007/me", "GET /users/u00007/{user}"},
			{"rest", "/deep/d00007/x/y/z", "GET /deep/d00007/{a}/{b...}"},
			{"nothing", "/nowhere", none},
		} {
			var route *web.Route
			x, err := web.NewExchange(&http1.Parser{}, make([]byte, 4096), nil)
			if err != nil {
				tb.Fatal(err)
			}
			request, err := http.NewRequest("GET", c.path, nil)
			if err != nil {
				tb.Fatal(err)
			}
			var pattern, chiPattern string
			context := chi.NewRouteContext()
			var handle httprouter.Handle
			var params httprouter.Params
			all = append(all, comparison{fmt.Sprintf("patterns=%d/path=%s", 3*each, c.name), len(c.path), []side{{
				by: "bobtail",
				loop: func(n int) error {
					s := newStream([]byte("GET "+c.path+" HTTP/1.1\r\nHost: h\r\n\r\n"), 1)
					return x.ServeStream(s, func(w web.Response, r *web.Request) error {
						for range n {
							p, _ := findRoute(router, x)
							route = (*web.Route)(p)
						}
						return w.Text()
					})
				},
				gave: func() (string, error) {
					if route == nil {
						return none, nil
					}
					return route.Pattern, nil
				},
			}, {
				by: "net-http",
				loop: func(n int) error {
					for range n {
						_, pattern = mux.Handler(request)
					}
					return nil
				},
				gave: func() (string, error) {
					if pattern == "" {
						return none, nil
					}
					return pattern, nil
				},
			}, {
				by: "chi",
				loop: func(n int) error {
					for range n {
						context.Reset()
						chiPattern = tree.Find(context, "GET", c.path)
					}
					return nil
				},
				gave: func() (string, error) { return ofChi[chiPattern], nil },
			}, {
				by: "httprouter",
				loop: func(n int) error {
					for range n {
						handle, params, _ = julien.Lookup("GET", c.path)
					}
					return nil
				},
				gave: func() (string, error) {
					if found = none; handle != nil {
						handle(nil, nil, params)
					}
					return found, nil
				},
			}}})
			last := all[len(all)-1].sides
			given := last[0].gave
			last[0].gave = func() (string, error) {
				got, err := given()
				if got != c.want {
					return "", fmt.Errorf("%s is served by %q, want %q", c.path, got, c.want)
				}
				return got, err
			}
		}
	}
	return all
}

func TestRouted(t *testing.T)      { same(t, routed(t)) }
func BenchmarkRouted(b *testing.B) { measure(b, routed(b)) }
