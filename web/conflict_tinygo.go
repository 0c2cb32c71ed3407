//go:build tinygo

package web

import "github.com/bobtail-go/bobtail/internal/pattern"

// conflict compares with all, of which small programs have few.
func (t *router) conflict(p *pattern.Pattern) (o *route, why string) {
	for _, o := range t.routes {
		if why := p.Relate(&o.pattern).Conflict(); why != "" {
			return o, why
		}
	}
	return nil, ""
}
