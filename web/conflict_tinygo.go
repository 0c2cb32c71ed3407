//go:build tinygo

package web

import "github.com/bobtail-go/bobtail/internal/pattern"

// conflict compares with all, of which small programs have few.
func (t *router) conflict(p *pattern.Pattern) (o *route, why string) {
	return among(t.routes, p)
}
