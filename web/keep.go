package web

import "github.com/bobtail-go/bobtail/http1"

// keepsAll says whether the route of a request whose line is complete wants
// all its fields.
func (x *Exchange) keepsAll(h *http1.Head, b []byte) bool {
	return x.d != nil && x.d.router.keepsAll(x, h, b)
}
