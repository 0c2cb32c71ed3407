package web

import (
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/http1"
)

// route is what is done with the requests of a pattern.
type route struct {
	method  string // "" is any
	handler Handler
	each    []Handler // one for each worker, instead of handler
	sink    Sink
	number  int32 // of the sink
	limit   int64 // nanoseconds that the handler may run, 0 is the configured

	// stuck rises when the monitor finds the handler stuck, and falls with
	// each quick run after. A machine that is busy with other things makes a
	// quick handler look stuck now and then, so once is not enough.
	stuck atomic.Int32
}

// How a route becomes slow, and quick again. Before a slow one runs, its
// worker gives its lane away.
const (
	stuckStep = 40      // for each time that it was found stuck
	stuckSlow = 64      // above this it is slow
	stuckMost = 128     // and this is the most
	quickTime = 500_000 // nanoseconds that a quick run takes at most
)

// router finds the route of a request by method and exact path. Paths are in a
// hash table of its own, since a lookup in a map allocates under TinyGo.
type router struct {
	paths []path // open addressing: its length is a power of two, half of it free
	n     int
	sinks []Sink
}

// path is what is handled at a path.
type path struct {
	path   string // "" if the place is free
	routes []*route
}

// hash mixes the length, the first four bytes and the last four of a path:
// which paths there are is the program's choice, so nobody can make them
// collide, and a path is short for an operation on each byte.
func hash(s string) uint32 {
	h := uint32(len(s))
	for i := range min(len(s), 4) {
		h = h*0x01000193 ^ uint32(s[i])
	}
	for i := max(len(s)-4, 0); i < len(s); i++ {
		h = h*0x01000193 ^ uint32(s[i])
	}
	return h ^ h>>15
}

// at is the place of a path, or the free one where it belongs; nil if there is
// no table yet.
func (t *router) at(s string) *path {
	mask := uint32(len(t.paths) - 1)
	for i := hash(s); len(t.paths) > 0; i++ {
		if p := &t.paths[i&mask]; p.path == "" || p.path == s {
			return p
		}
	}
	return nil
}

// routes are those of a path.
func (t *router) routes(s string) []*route {
	if p := t.at(s); p != nil {
		return p.routes
	}
	return nil
}

// parsePattern splits "METHOD /path" or "/path".
func parsePattern(p string) (method, path string, err error) {
	for i := range len(p) {
		if p[i] == ' ' {
			method, path = p[:i], p[i+1:]
			break
		}
	}
	if method == "" {
		path = p
	}
	if path == "" || path[0] != '/' {
		return "", "", ErrPattern
	}
	for i := range len(path) {
		// No path of a request has such a byte.
		if c := path[i]; c <= ' ' || c >= 0x7f || c == '?' || c == '#' {
			return "", "", ErrPattern
		}
	}
	return method, path, nil
}

func (t *router) add(pattern string, r *route) error {
	method, path, err := parsePattern(pattern)
	if err != nil {
		return err
	}
	for _, o := range t.routes(path) {
		if o.method == method {
			return ErrConflict
		}
	}
	r.method = method
	if r.sink != nil {
		t.sinks = append(t.sinks, r.sink)
		r.number = int32(len(t.sinks))
	}
	if 2*(t.n+1) > len(t.paths) {
		t.grow()
	}
	p := t.at(path)
	if p.path == "" {
		p.path = path
		t.n++
	}
	p.routes = append(p.routes, r)
	return nil
}

func (t *router) grow() {
	old := t.paths
	t.paths = make([]path, max(8, 2*len(old)))
	for _, p := range old {
		if p.path != "" {
			*t.at(p.path) = p
		}
	}
}

// view is b as a string, for as long as b stays as it is: to look something up
// by it. A conversion would allocate under TinyGo.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// find returns the route of a request, and if there is none, the status to
// answer. HEAD is served by GET's route (RFC 9110 section 9.3.2).
func (t *router) find(h *http1.Head, b []byte) (*route, int) {
	routes := t.routes(view(h.Path(b)))
	if len(routes) == 0 {
		return nil, 404
	}
	name := view(h.MethodName(b))
	var get, any *route
	for _, r := range routes {
		switch {
		case r.method == name:
			return r, 200
		case r.method == "":
			any = r
		case r.method == "GET" && h.Method() == http1.HEAD:
			get = r
		}
	}
	switch {
	case get != nil:
		return get, 200
	case any != nil:
		return any, 200
	}
	return nil, 405
}
