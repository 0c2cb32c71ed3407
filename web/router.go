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
	make    func(worker int) Handler
	sink    Sink
	number  int32 // of the sink
	limit   int64 // nanoseconds that the handler may run, 0 is the configured

	// slow counts down from slowRuns while the handler, once found stuck, has
	// its worker's lane given away before it runs.
	slow atomic.Int32
}

// slowRuns is how many quick runs it takes until a route is trusted again.
const slowRuns = 64

// slowTime is how long a run may take to count as quick, in nanoseconds.
const slowTime = 500_000

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
	var any *route
	for _, r := range routes {
		switch {
		case r.method == "":
			any = r
		case r.method == string(name), r.method == "GET" && h.Method() == http1.HEAD:
			return r, 200
		}
	}
	if any != nil {
		return any, 200
	}
	return nil, 405
}
