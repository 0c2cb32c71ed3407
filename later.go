package bobtail

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/web"
)

type (
	// Ticket is the right to answer one request later, once: see
	// web.Request.Later.
	Ticket = web.Ticket
	// Outlet is where the content of one response is pushed to: see
	// web.Head.Open.
	Outlet = web.Outlet
	// Overflow is what becomes of pushed output when a slow consumer's queue is
	// at its mark: see engine.Overflow.
	Overflow = engine.Overflow
)

// The policies for slow consumers: see package engine.
const (
	DropNewest = engine.DropNewest
	DropOldest = engine.DropOldest
	CloseSlow  = engine.CloseSlow
)

// Answer has a request answered by h that was put off by Request.Later. It may
// be called from any goroutine, does not wait, and fails with pool.ErrStale if
// the request is not there to be answered any more: see web.Driver.Answer.
func (s *Server) Answer(t Ticket, h Handler) error { return s.http().Answer(t, h) }

// Outputs is where blocks for Outlet.PushBlock come from.
func (s *Server) Outputs() *pool.Outputs { return s.http().Outputs() }

// Sockets is how many connections there may be at once.
func (s *Server) Sockets() int { return s.http().Sockets() }
