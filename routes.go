package bobtail

import "github.com/bobtail-go/bobtail/web"

// Route is a pattern, what answers its requests, and on what terms: see
// web.Route.
type Route = web.Route

// Add has requests of a pattern answered, on the terms of the Route. It fails
// with a *web.PatternError, of which errors.Is finds web.ErrPattern, or
// web.ErrConflict if another pattern matches some of the same requests and
// neither is more specific.
//
// The server keeps the first error of Add and the Handle methods, and Listen
// and Start fail with it: a program that adds many routes may leave the look
// at errors to these.
//
// A path without a route gets 404, and one that has routes for other methods
// 405 with Allow. HEAD is answered by the route for GET, and OPTIONS with the
// methods that there are. Paths with dots or doubled slashes, and those that
// lack the slash at their end, are redirected (307), as by net/http.
func (s *Server) Add(r Route) error { return s.keep(s.http().Add(r)) }

// Handle is Add of a pattern and a handler.
func (s *Server) Handle(pattern string, h Handler) error { return s.keep(s.http().Handle(pattern, h)) }

// HandleEach is Handle with a handler made for each worker, which is never
// called by two goroutines at once and may keep memory of its own.
func (s *Server) HandleEach(pattern string, make func(worker int) Handler) error {
	return s.keep(s.http().HandleEach(pattern, make))
}

// HandleSink is Handle with a handler that takes content as events.
func (s *Server) HandleSink(pattern string, h Sink) error {
	return s.keep(s.http().HandleSink(pattern, h))
}

// Use puts handlers around all that are added from here on, and around the
// answers that the server gives itself: see web.Driver.Use.
func (s *Server) Use(around ...func(Handler) Handler) { s.http().Use(around...) }

// keep keeps the first error of a route.
func (s *Server) keep(err error) error {
	if s.routes == nil {
		s.routes = err
	}
	return err
}
