package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// MaxSegments is how many segments the path of a request may have; one with more
// finds nothing.
const MaxSegments = 16

// node is a place in the tree of patterns. A path is a list of segments, those
// of its Uri-Path options; one that ends in a slash has an empty one at its end
// (RFC 7252 section 6.4).
type node struct {
	routes []*route // whose patterns end here
	kids   []kid    // by literal segment, shorter ones first
	wild   *node
	multi  *node
}

type kid struct {
	text string
	node *node
}

// kid is where the node of a literal segment is, or belongs.
func (n *node) kid(text string) (i int, found bool) {
	i, end := 0, len(n.kids)
	for i < end {
		m := int(uint(i+end) / 2)
		if t := n.kids[m].text; len(t) < len(text) || len(t) == len(text) && t < text {
			i = m + 1
		} else {
			end = m
		}
	}
	return i, i < len(n.kids) && n.kids[i].text == text
}

// insert puts a route into the tree.
func (n *node) insert(r *route) {
	for _, s := range r.pattern.Segments {
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
			i, found := n.kid(s.Text)
			if !found {
				n.kids = append(n.kids, kid{})
				copy(n.kids[i+1:], n.kids[i:])
				n.kids[i] = kid{s.Text, new(node)}
			}
			n = n.kids[i].node
		}
	}
	n.routes = append(n.routes, r)
}

// path is a path that is looked for, and what its wildcards stand for.
type path struct {
	method   coap.Code // anyMethod for a route of any
	n        uint8     // segments
	wilds    uint8
	segments [MaxSegments][]byte
	wild     [pattern.MaxWildcards + 1]uint8 // segments; a slash at the end of a pattern is one more
}

// anyMethod is no method.
const anyMethod coap.Code = 0xFF

// find goes down from n with the segments from at on.
func (n *node) find(p *path, at uint8) *route {
	if at == p.n {
		return n.here(p)
	}
	s, wilds := p.segments[at], p.wilds
	if len(s) != 0 {
		// A literal is more specific than a wildcard, and that than many.
		if i, ok := n.kid(ascii.View(s)); ok && !(len(s) == 1 && s[0] == '/') {
			if r := n.kids[i].node.find(p, at+1); r != nil {
				return r
			}
		}
		if n.wild != nil {
			p.wild[p.wilds] = at
			p.wilds++
			if r := n.wild.find(p, at+1); r != nil {
				return r
			}
			p.wilds = wilds
		}
	} else if at == p.n-1 {
		// The slash at the end, which is {$} in patterns.
		if i, ok := n.kid("/"); ok {
			if r := n.kids[i].node.here(p); r != nil {
				return r
			}
		}
	}
	if n.multi == nil {
		return nil
	}
	p.wild[p.wilds] = at
	p.wilds++
	r := n.multi.here(p)
	if r == nil {
		p.wilds = wilds
	}
	return r
}

// here is the route at a node that has the method: for it, or for all.
func (n *node) here(p *path) (any *route) {
	for _, r := range n.routes {
		switch r.method {
		case p.method:
			return r
		case 0:
			any = r
		default:
			if p.method == anyMethod {
				return r
			}
		}
	}
	return any
}
