package web

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// This file has the answers that the router gives itself. They go through
// what stands around the handlers, as all answers do.

// ownAnswer is one of the router's own answers.
type ownAnswer uint8

const (
	ownNone     ownAnswer = iota
	ownNotFound           // no pattern matches
	ownMethod             // one does, but for the method
	ownOptions            // OPTIONS for a path without a handler for it
	ownServer             // OPTIONS for the server as a whole
	ownClean              // the path has dots or doubled slashes
	ownSlash              // the path with a slash behind it has a handler
	ownTooLong            // more content than the route takes
	ownType               // content of a type that the route does not take
	numOwn
)

var ownAnswers = [numOwn]Handler{
	ownNotFound: notFound,
	ownMethod:   methodNotAllowed,
	ownOptions:  options,
	ownServer:   serverOptions,
	ownClean:    redirectClean,
	ownSlash:    redirectSlash,
	ownTooLong:  tooLong,
	ownType:     unsupported,
}

// use puts a handler around all that are added from here on, and around the
// router's own.
func (t *router) use(around func(Handler) Handler) {
	t.around = append(t.around, around)
	for i, h := range ownAnswers {
		if h != nil {
			t.own[i] = t.wrap(h)
		}
	}
}

// wrap is a handler with all that stands around it, the first outermost.
func (t *router) wrap(h Handler) Handler {
	for i := len(t.around) - 1; i >= 0; i-- {
		h = t.around[i](h)
	}
	return h
}

func notFound(w Response, r *Request) error {
	return w.Status(http1.StatusNotFound).Text("Not Found\n")
}

// methodNotAllowed names the methods that there are (RFC 9110 section 15.5.6).
func methodNotAllowed(w Response, r *Request) error {
	allow, err := r.x.allow(r.x.lookup.methods)
	if err != nil {
		return err
	}
	return w.Status(http1.StatusMethodNotAllowed).HeaderBytes("Allow", allow).Text("Method Not Allowed\n")
}

// options answers what a handler might have (RFC 9110 section 9.3.7).
func options(w Response, r *Request) error {
	allow, err := r.x.allow(r.x.lookup.methods)
	if err != nil {
		return err
	}
	return w.Status(http1.StatusNoContent).HeaderBytes("Allow", allow).Empty()
}

// serverOptions answers OPTIONS for "*" with all methods that there are.
func serverOptions(w Response, r *Request) error {
	allow, err := r.x.allow(^uint64(0))
	if err != nil {
		return err
	}
	return w.Status(http1.StatusNoContent).HeaderBytes("Allow", allow).Empty()
}

// allow lists methods in the order of their names, with those that the router
// answers itself.
func (x *Exchange) allow(methods uint64) ([]byte, error) {
	t := &x.d.router
	n := len("HEAD, OPTIONS, ")
	for _, s := range t.names {
		n += len(s) + len(", ")
	}
	b, err := x.req.Alloc(n)
	if err != nil {
		return nil, err
	}
	b = b[:0]
	head, options := "HEAD", "OPTIONS"
	get := false
	for i, s := range t.names {
		get = get || s == "GET" && methods>>i&1 != 0
	}
	if !get {
		head = ""
	}
	// The names are few: the next one is looked for among all each time.
	for last := ""; ; {
		next := ""
		for i, s := range t.names {
			if methods>>i&1 != 0 && s > last && (next == "" || s < next) {
				next = s
			}
		}
		for _, s := range [...]string{head, options} {
			if s > last && (next == "" || s < next) {
				next = s
			}
		}
		if next == "" {
			return b, nil
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, next...)
		last = next
	}
}

// redirectClean sends the peer to the same path in its clean form, or to that
// with a slash behind it if only this has a handler.
func redirectClean(w Response, r *Request) error {
	x := r.x
	h, b := x.conn.Head(), x.conn.Bytes()
	p, err := r.Alloc(len(r.Path()) + 1)
	if err != nil {
		return w.Status(http1.StatusURITooLong).Text("URI Too Long\n")
	}
	p = cleanPath(p[:0], r.Path())
	t, l := &x.d.router, &x.lookup
	l.set(h, b, p, findRoute)
	byHost := t.hostTree(h, b)
	slash := false
	if p[len(p)-1] != '/' && !l.exact(t.match(l, byHost)) {
		l.slash = true
		slash = l.exact(t.match(l, byHost))
	}
	return redirect(w, r, p, slash)
}

// redirectSlash sends the peer to the path with a slash behind it.
func redirectSlash(w Response, r *Request) error { return redirect(w, r, r.Path(), true) }

// redirect sends the peer to another path, with the query that it has sent.
func redirect(w Response, r *Request, path []byte, slash bool) error {
	query := r.Query()
	b, err := r.Alloc(3*len(path) + len("/?") + len(query))
	if err != nil {
		return w.Status(http1.StatusURITooLong).Text("URI Too Long\n")
	}
	b = appendReference(b[:0], path)
	if slash {
		b = append(b, '/')
	}
	if query != nil {
		b = append(append(b, '?'), query...)
	}
	return w.Redirect(http1.StatusTemporaryRedirect, ascii.View(b))
}

// tooLong refuses content that is longer than the route takes.
func tooLong(w Response, r *Request) error {
	return w.Status(http1.StatusContentTooLarge).Text("Content Too Large\n")
}

// unsupported names the types that the route takes (RFC 9110 sections 12.5.1
// and 15.5.16).
func unsupported(w Response, r *Request) error {
	types := r.x.route.Types
	n := 0
	for _, t := range types {
		n += len(t) + len(", ")
	}
	b, err := r.Alloc(n)
	if err != nil {
		return err
	}
	b = b[:0]
	for i, t := range types {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, t...)
	}
	return w.Status(http1.StatusUnsupportedMediaType).HeaderBytes("Accept", b).Text("Unsupported Media Type\n")
}
