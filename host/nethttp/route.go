package nethttp

import (
	"net/http"
	"strings"

	"github.com/bobtail-go/bobtail/web"
)

// Route is a route whose requests h answers, with all their fields, and
// chunked content as it comes. Pattern is as that of http.ServeMux.
func Route(pattern string, h http.Handler) web.Route { return (&Mount{Handler: h}).Route(pattern) }

// Route is a route to the mount.
func (m *Mount) Route(pattern string) web.Route {
	return web.Route{Pattern: pattern, Handler: m.Serve, AllFields: true, Streams: true}
}

// setPattern tells a request by which pattern it was found, and what the
// pattern's wildcards stand for.
func setPattern(req *http.Request, r *web.Request) {
	req.Pattern = r.Pattern()
	for rest := req.Pattern; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return
		}
		name, more, _ := strings.Cut(after, "}")
		rest = more
		name = strings.TrimSuffix(name, "...")
		if name != "" && name != "$" {
			req.SetPathValue(name, string(r.PathValue(name)))
		}
	}
}
