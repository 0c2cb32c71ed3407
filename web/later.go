package web

import "github.com/bobtail-go/bobtail/engine"

// serveLater looks at a connection whose answer is to be given later. over
// says that it was given, so that the next request may be served.
func (x *Exchange) serveLater() (v engine.Verdict, over bool) { return engine.Abort, false }
