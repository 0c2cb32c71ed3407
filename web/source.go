package web

import "github.com/bobtail-go/bobtail/engine"

// serveSource goes on sending from a Source. over says that all is sent, so
// that the next request may be served.
func (x *Exchange) serveSource() (v engine.Verdict, over bool) { return engine.Abort, false }
