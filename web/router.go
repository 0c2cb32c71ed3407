package web

import (
	"sync/atomic"

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

// router finds the route of a request by method and exact path.
type router struct {
	paths map[string][]*route
	sinks []Sink
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
	return method, path, nil
}

func (t *router) add(pattern string, r *route) error {
	method, path, err := parsePattern(pattern)
	if err != nil {
		return err
	}
	for _, o := range t.paths[path] {
		if o.method == method {
			return ErrConflict
		}
	}
	if t.paths == nil {
		t.paths = make(map[string][]*route)
	}
	r.method = method
	if r.sink != nil {
		t.sinks = append(t.sinks, r.sink)
		r.number = int32(len(t.sinks))
	}
	t.paths[path] = append(t.paths[path], r)
	return nil
}

// find returns the route of a request, and if there is none, the status to
// answer. HEAD is served by GET's route (RFC 9110 section 9.3.2).
func (t *router) find(h *http1.Head, b []byte) (*route, int) {
	routes := t.paths[string(h.Path(b))]
	if len(routes) == 0 {
		return nil, 404
	}
	name := h.MethodName(b)
	var get, any *route
	for _, r := range routes {
		switch {
		case r.method == string(name):
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
