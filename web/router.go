package web

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// router finds the route of a request. A literal path of no host, which is
// what most requests are for, is found by one look into a hash table of whole
// paths; all else goes down a tree. Neither uses a map, since a lookup in one
// allocates under TinyGo.
type router struct {
	paths  []path // open addressing: its length is a power of two, half of it free
	n      int
	any    node   // the tree of patterns without a host
	hosts  []host // and those of the others
	routes []*route
	sinks  []Sink

	names  []string // methods by number, of all patterns and those answered for them
	around []func(Handler) Handler
	own    [numOwn]Handler // answers of the router's
	keeps  bool            // some route keeps all fields
}

// path is what is handled at a literal path.
type path struct {
	path   string // "" if the place is free
	routes []*route
}

type host struct {
	name string
	node *node
}

// hash mixes all bytes of a path, eight at a time.
func hash(s string) uint32 {
	h := uint64(len(s)) * 0x9E3779B97F4A7C15
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h = (h ^ w) * 0xFF51AFD7ED558CCD
		h ^= h >> 32
	}
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001B3
	}
	return uint32(h ^ h>>29)
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

// mostMethods is how many methods the patterns of a router may have: a set of
// them is a word.
const mostMethods = 64

// add adds a route. It fails with a *PatternError.
func (t *router) add(given Route, workers int) error {
	p, why := pattern.Parse(given.Pattern)
	if why != "" {
		return badPattern(given.Pattern, why)
	}
	if err := given.validate(); err != nil {
		return err
	}
	if o, why := t.conflict(&p); o != nil {
		return &PatternError{Pattern: p.Text, Other: o.pattern.Text, Err: ErrConflict, why: why}
	}
	r := &route{Route: given, pattern: p}
	if p.Method != "" {
		if r.methodBit = t.method(p.Method); r.methodBit == 0 {
			return badPattern(p.Text, "more methods than a router can have")
		}
	}
	switch {
	case given.Sink != nil:
		t.sinks = append(t.sinks, given.Sink)
		r.number = int32(len(t.sinks))
		r.end = t.wrap(endSink)
	case given.Each != nil:
		for i := range workers {
			r.each = append(r.each, t.wrap(given.Each(i)))
		}
	default:
		r.Handler = t.wrap(given.Handler)
	}
	t.keeps = t.keeps || given.AllFields
	t.routes = append(t.routes, r)
	t.tree(p.Host).insert(&p, r)
	if s, ok := literal(&p); ok {
		t.addPath(s, r)
	}
	return nil
}

// literal is a pattern's path if it has no wildcards and no host, as clean
// requests have it that escape nothing.
func literal(p *pattern.Pattern) (s string, ok bool) {
	if p.Host != "" {
		return "", false
	}
	for _, g := range p.Segments {
		if g.Wild {
			return "", false
		}
		for i := range len(g.Text) {
			if c := g.Text[i]; c == '%' || c == '/' && g.Text != "/" {
				return "", false // only an escape is that
			}
		}
		if s += "/"; g.Text != "/" {
			s += g.Text
		}
	}
	// Escaped dots and slashes are literals; the same path without escapes is
	// not clean.
	return s, !pattern.IsUnclean([]byte(s))
}

// among finds a route that cannot be beside a pattern, and says why.
func among(routes []*route, p *pattern.Pattern) (o *route, why string) {
	for _, r := range routes {
		if why := p.Relate(&r.pattern).Conflict(); why != "" {
			return r, why
		}
	}
	return nil, ""
}

func (t *router) addPath(s string, r *route) {
	if 2*(t.n+1) > len(t.paths) {
		old := t.paths
		t.paths = make([]path, max(8, 2*len(old)))
		for _, p := range old {
			if p.path != "" {
				*t.at(p.path) = p
			}
		}
	}
	p := t.at(s)
	if p.path == "" {
		p.path = s
		t.n++
	}
	p.routes = append(p.routes, r)
}

// tree is the tree of a host's patterns.
func (t *router) tree(name string) *node {
	if name == "" {
		return &t.any
	}
	for i := range t.hosts {
		if t.hosts[i].name == name {
			return t.hosts[i].node
		}
	}
	t.hosts = append(t.hosts, host{name, new(node)})
	return t.hosts[len(t.hosts)-1].node
}

// hostTree is the tree of the host that a request names, nil if there is none.
// The port does not count.
func (t *router) hostTree(h *http1.Head, b []byte) *node {
	if len(t.hosts) == 0 {
		return nil
	}
	name := h.Host(b)
	if h.Method() != http1.CONNECT {
		name = withoutPort(name)
	}
	for i := range t.hosts {
		if ascii.EqualFold(name, t.hosts[i].name) {
			return t.hosts[i].node
		}
	}
	return nil
}

// withoutPort is a host without port, and without the brackets that an IPv6
// address has with one.
func withoutPort(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			continue
		case c == ':':
			if b[0] == '[' && i > 1 && b[i-1] == ']' {
				return b[1 : i-1]
			}
			for _, d := range b[:i] {
				if d == ':' {
					return b // an address with colons, and no port
				}
			}
			return b[:i]
		}
		break
	}
	return b
}

// method is the bit of a method, 0 if there are too many.
func (t *router) method(name string) uint64 {
	for i, s := range t.names {
		if s == name {
			return 1 << i
		}
	}
	if len(t.names) == mostMethods {
		return 0
	}
	t.names = append(t.names, name)
	return 1 << (len(t.names) - 1)
}

// find returns the route of the exchange's request, or if there is none what
// the router answers itself.
func (t *router) find(x *Exchange) (*route, ownAnswer) {
	h, b := x.conn.Head(), x.conn.Bytes()
	l := &x.lookup
	p := h.Path(b)
	byHost := t.hostTree(h, b)
	if byHost == nil {
		if e := t.at(ascii.View(p)); e != nil && e.path != "" {
			if r := byMethod(e.routes, ascii.View(h.MethodName(b)), h.Method() == http1.HEAD); r != nil {
				return r, ownNone
			}
		}
	}
	l.set(h, b, p, findRoute)
	if len(p) == 0 || p[0] != '/' {
		// The authority of CONNECT, or the asterisk of OPTIONS (RFC 9112
		// section 3.2), neither of which has a path.
		if h.Method() == http1.OPTIONS {
			return nil, ownServer
		}
		return nil, ownNotFound
	}
	if h.Method() != http1.CONNECT && pattern.IsUnclean(p) {
		return nil, ownClean
	}
	r := t.match(l, byHost)
	if l.ends && p[len(p)-1] != '/' && !l.exact(r) {
		// With a slash behind it the path comes to the same nodes, and to what is
		// below those at which it has ended: only that can match it more exactly.
		wild, n := l.wild, l.n
		l.slash, l.n = true, 0
		if with := t.match(l, byHost); l.exact(with) {
			return nil, ownSlash
		}
		l.slash, l.wild, l.n = false, wild, n
	}
	if r != nil {
		return r, ownNone
	}
	// Since no route was found, all that match the path but for the method were seen.
	switch {
	case l.methods == 0:
		return nil, ownNotFound
	case h.Method() == http1.OPTIONS:
		return nil, ownOptions
	}
	return nil, ownMethod
}

// match looks in the tree of the request's host, if it has one, and then in
// that of all.
func (t *router) match(l *lookup, byHost *node) *route {
	if byHost != nil {
		l.n = 0
		if r := byHost.find(l, 0); r != nil {
			return r
		}
	}
	l.n = 0
	return t.any.find(l, 0)
}

// keepsAll reports whether a route that may serve a request keeps all fields.
// The request's host need not be known yet.
func (t *router) keepsAll(x *Exchange, h *http1.Head, b []byte) bool {
	if !t.keeps {
		return false
	}
	l := &x.lookup
	l.set(h, b, h.Path(b), findAll)
	for i := range t.hosts {
		if t.match(l, t.hosts[i].node) != nil {
			return true
		}
	}
	return t.match(l, nil) != nil
}
