package web

import (
	"io"

	"github.com/bobtail-go/bobtail/internal/pattern"
)

// Router is a router without a server.
type Router struct {
	d     Driver
	x     *Exchange
	serve Handler
}

func NewRouter(x *Exchange) *Router {
	r := &Router{x: x}
	r.d.router.own = ownAnswers
	x.d = &r.d
	r.serve = func(w Response, q *Request) error {
		found, own := r.d.router.find(x)
		x.route = found
		if own != ownNone {
			return r.d.router.own[own](w, q)
		}
		return found.Handler(w, q)
	}
	return r
}

func (r *Router) Add(route Route) error { return r.d.router.add(route, 1) }

func (r *Router) Use(f func(Handler) Handler) { r.d.router.use(f) }

// Serve finds routes for requests, and runs their handlers.
func (r *Router) Serve(rw io.ReadWriter) error { return r.x.ServeStream(rw, r.serve) }

// During serves a request by a function that is given the search for its route.
func (r *Router) During(rw io.ReadWriter, f func(find func() bool)) error {
	return r.x.ServeStream(rw, func(w Response, q *Request) error {
		f(func() bool {
			found, _ := r.d.router.find(r.x)
			return found != nil
		})
		return nil
	})
}

func CleanPath(p string) string { return string(cleanPath(nil, []byte(p))) }
func IsUnclean(p string) bool   { return pattern.IsUnclean([]byte(p)) }

// Takes reports whether a route of some types takes content of another.
func Takes(types []string, contentType string) bool {
	r := Route{Types: types}
	return r.takes([]byte(contentType))
}
