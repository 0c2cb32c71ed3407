// Package pprof mounts the profiles of net/http/pprof, for programs that ask
// for it: whoever can reach them can see inside the program and make it work
// for nothing, so they belong on an address that only its keepers can reach.
//
// Importing it registers handlers with http.DefaultServeMux too, as
// net/http/pprof does, which concerns programs that serve that one.
package pprof

import (
	"net/http"
	"net/http/pprof"

	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/web"
)

// Registrar is what handlers are added to: a bobtail.Server is one.
type Registrar interface {
	Handle(pattern string, h web.Handler) error
}

// Mount adds the profiles below /debug/pprof/. A profile over a time (profile,
// trace) needs a handler's time that is longer: see Config.Timeouts. The
// errors are those of Handle.
func Mount(s Registrar) error {
	for _, r := range [...]struct {
		pattern string
		h       http.HandlerFunc
	}{
		{"GET /debug/pprof/", pprof.Index},
		{"GET /debug/pprof/cmdline", pprof.Cmdline},
		{"GET /debug/pprof/profile", pprof.Profile},
		{"GET /debug/pprof/symbol", pprof.Symbol},
		{"POST /debug/pprof/symbol", pprof.Symbol},
		{"GET /debug/pprof/trace", pprof.Trace},
	} {
		if err := s.Handle(r.pattern, nethttp.Handler(r.h)); err != nil {
			return err
		}
	}
	return nil
}
