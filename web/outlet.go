package web

import "github.com/bobtail-go/bobtail/engine"

// serveOutlet looks at a connection whose content comes by pushes.
func (x *Exchange) serveOutlet() engine.Verdict { return engine.Abort }
