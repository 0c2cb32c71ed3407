package web

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// This file finds the route of a request among those with wildcards, and
// whatever the table of literal paths does not have. Paths are compared
// segment by segment as they were sent, decoded on the way: an escaped slash
// does not split a segment (RFC 3986 section 2.2).

// node is a place in the tree of a host's patterns.
type node struct {
	routes []*route // whose patterns end here
	kids   kids     // by literal segment
	wild   *node
	multi  *node
	slash  bool // a path that ends here, with a slash behind it, may be a pattern's
}

// kids are nodes by segment: a hash table, of which half is free.
type kids struct {
	list []kid
	n    int
}

type kid struct {
	text string
	node *node
}

func (k *kids) at(hash uint32) int { return int(hash) & (len(k.list) - 1) }

// add finds the node of a literal segment, or makes it.
func (k *kids) add(text string) *node {
	if n := k.get([]byte(text), false); n != nil {
		return n
	}
	if 2*(k.n+1) > len(k.list) {
		old := k.list
		k.list = make([]kid, max(4, 2*len(old)))
		for _, e := range old {
			if e.node != nil {
				k.put(e)
			}
		}
	}
	k.n++
	e := kid{text, new(node)}
	k.put(e)
	return e.node
}

func (k *kids) put(e kid) {
	i := k.at(hashSegment([]byte(e.text), false))
	for k.list[i].node != nil {
		i = k.at(uint32(i + 1))
	}
	k.list[i] = e
}

// get is the node of a segment as it was sent, or nil.
func (k *kids) get(seg []byte, escaped bool) *node {
	if k.n == 0 {
		return nil
	}
	for i := k.at(hashSegment(seg, escaped)); k.list[i].node != nil; i = k.at(uint32(i + 1)) {
		if e := &k.list[i]; equalSegment(seg, e.text, escaped) {
			return e.node
		}
	}
	return nil
}

// insert puts a route into the tree.
func (n *node) insert(p *pattern.Pattern, r *route) {
	for _, s := range p.Segments {
		n.slash = n.slash || s.Multi || s.Text == "/"
		switch {
		case s.Multi:
			if n.multi == nil {
				n.multi = new(node)
			}
			n = n.multi
		case s.Wild:
			if n.wild == nil {
				n.wild = new(node)
			}
			n = n.wild
		default:
			n = n.kids.add(s.Text)
		}
	}
	n.routes = append(n.routes, r)
}

// lookup is one search. It is part of the Exchange, so that nothing of it is
// allocated.
type lookup struct {
	path    []byte
	slash   bool // as if there were a "/" behind the path
	ends    bool // the path has ended at a node with a slash
	method  string
	head    bool // HEAD, which GET's routes serve too
	purpose purpose
	methods uint64                 // of the routes that match but for the method
	n       int                    // wildcards that were found
	wild    [MaxWildcards + 1]span // a slash at the end of a pattern is one more
}

// span is where in the path the value of a wildcard is.
type span struct{ at, end uint16 }

// purpose is what is looked for.
type purpose uint8

const (
	findRoute purpose = iota // the route of the method, or all methods that the path has
	findAll                  // a route that keeps all fields
)

// find goes down from n with what is left of the path from at on.
func (n *node) find(l *lookup, at int) *route {
	end := len(l.path)
	if l.slash {
		end++
	}
	if at >= end {
		l.ends = l.ends || n.slash
		return n.here(l)
	}
	wilds := l.n
	if at == end-1 && (at == len(l.path) || l.path[at] == '/') {
		// The slash at the end.
		if k := n.kids.get(slash, false); k != nil {
			if r := k.here(l); r != nil {
				return r
			}
		}
	} else {
		next := at + 1
		escaped := false
		for next < len(l.path) && l.path[next] != '/' {
			escaped = escaped || l.path[next] == '%'
			next++
		}
		seg := l.path[at+1 : next]
		escaped = escaped && pattern.IsEscaped(seg)
		// A literal is more specific than a wildcard, and that than many.
		if k := n.kids.get(seg, escaped); k != nil {
			if r := k.find(l, next); r != nil {
				return r
			}
			l.n = wilds
		}
		if n.wild != nil {
			l.wild[l.n] = span{uint16(at + 1), uint16(next)}
			l.n++
			if r := n.wild.find(l, next); r != nil {
				return r
			}
			l.n = wilds
		}
	}
	if n.multi != nil {
		l.wild[l.n] = span{uint16(min(at+1, len(l.path))), uint16(len(l.path))}
		l.n++
		if r := n.multi.here(l); r != nil {
			return r
		}
		l.n = wilds
	}
	return nil
}

var slash = []byte("/")

// here is the route at a node that serves the purpose.
func (n *node) here(l *lookup) *route {
	if l.purpose == findAll {
		for _, r := range n.routes {
			if r.AllFields {
				return r
			}
		}
		return nil
	}
	r := byMethod(n.routes, l.method, l.head)
	if r == nil {
		for _, o := range n.routes {
			l.methods |= o.methodBit
		}
	}
	return r
}

// byMethod is the route of a method among those of a path: that of the method
// itself, GET's for HEAD (RFC 9110 section 9.3.2), or that of any.
func byMethod(routes []*route, method string, head bool) (found *route) {
	var any *route
	for _, r := range routes {
		switch {
		case r.pattern.Method == method:
			return r
		case r.pattern.Method == "":
			any = r
		case head && r.pattern.Method == "GET":
			found = r
		}
	}
	if found != nil {
		return found
	}
	return any
}

// exact reports whether the last find, which has found r, took nothing for a
// wildcard of many segments.
func (l *lookup) exact(r *route) bool {
	if r == nil {
		return false
	}
	segments := r.pattern.Segments
	if !segments[len(segments)-1].Multi {
		return true
	}
	if !l.slash && (len(l.path) == 0 || l.path[len(l.path)-1] != '/') {
		return false
	}
	slashes := 0
	for _, c := range l.path {
		if c == '/' {
			slashes++
		}
	}
	if l.slash {
		slashes++
	}
	return len(segments) == slashes
}

// set makes l ready to look for what a request asks for.
func (l *lookup) set(h *http1.Head, b, path []byte, purpose purpose) {
	l.path, l.slash, l.ends, l.purpose, l.methods, l.n = path, false, false, purpose, 0, 0
	l.method, l.head = ascii.View(h.MethodName(b)), h.Method() == http1.HEAD
}
