//go:build !tinygo

package web

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// conflict finds a route that cannot be beside a pattern, and says why. Thousands of
// patterns are not compared with all others, but only where they meet in the tree.
func (t *router) conflict(p *pattern.Pattern) (o *route, why string) {
	return t.tree(p.Host).conflict(p, p.Segments)
}

// conflict finds a route below n that cannot be beside a pattern, of which rest is
// left at n, and says why. It looks only where a path may match both.
func (n *node) conflict(p *pattern.Pattern, rest []pattern.Segment) (o *route, why string) {
	all := len(rest) > 0 && rest[0].Multi
	if len(rest) == 0 || all {
		if o, why = among(n.routes, p); o != nil {
			return o, why
		}
	}
	if len(rest) == 0 {
		return nil, ""
	}
	if n.multi != nil {
		if o, why = among(n.multi.routes, p); o != nil {
			return o, why
		}
	}
	next := rest[1:]
	if all {
		next = rest // and whatever is below
	}
	if n.wild != nil && (rest[0].Wild || rest[0].Text != "/") {
		if o, why = n.wild.conflict(p, next); o != nil {
			return o, why
		}
	}
	if !rest[0].Wild {
		if k := n.kids.get(ascii.Bytes(rest[0].Text), false); k != nil {
			return k.conflict(p, next)
		}
		return nil, ""
	}
	for _, k := range n.kids.list {
		if k.node != nil {
			if o, why = k.node.conflict(p, next); o != nil {
				return o, why
			}
		}
	}
	return nil, ""
}
