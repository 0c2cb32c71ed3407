package web

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// Route is a pattern, what answers its requests, and on what terms. One of
// Handler, Each and Sink is given.
type Route struct {
	// Pattern is "[METHOD ][HOST]/[PATH]", as net/http's ServeMux has it. A
	// method of GET serves HEAD too, and none serves all. A path that ends in
	// "/" serves all paths below, {name} stands for a segment, {name...} at the
	// end for all the rest, {$} at the end for nothing, so that the path ends
	// there. Of two patterns that match, the more specific one serves.
	Pattern string

	// Handler answers requests, on any worker.
	Handler Handler

	// Each makes a handler for each worker, by the worker's id. It is never
	// called by two goroutines at once, and may keep memory of its own.
	Each func(worker int) Handler

	// Sink takes content as it comes, and answers at its end.
	Sink Sink

	// Timeout is how long a handler may run, in nanoseconds. 0 is what the
	// server's configuration says.
	Timeout int64

	// MaxBody is how much content a request may have, in bytes; more is
	// answered 413. 0 is what the server's Limits say, and it cannot be more
	// than that.
	MaxBody uint64

	// Types are the media types that content may have, such as
	// "application/json" or "image/*", in lower case and without parameters;
	// another, or none, is answered 415. Without any, all may come. A request
	// without content needs no type.
	Types []string

	// Streams has the handler begin before chunked content is here, for
	// handlers that answer while it comes. Otherwise content is waited for
	// without a worker, as far as the worker's memory can hold it.
	Streams bool

	// AllFields has all fields of a request kept, for handlers that hand them
	// on, whatever the server's Fields are.
	AllFields bool
}

// route is a Route that is served.
type route struct {
	Route
	pattern   pattern.Pattern
	methodBit uint64
	each      []Handler // for each worker, if the Route has Each
	end       Handler   // the Sink's End, with what stands around it
	number    int32     // of the sink

	// stuck rises when the monitor finds the handler stuck, and falls with
	// each quick run after. A machine that is busy with other things makes a
	// quick handler look stuck now and then, so once is not enough.
	stuck atomic.Int32
}

// How a route becomes slow, and quick again. Before a slow one runs, its
// worker gives its lane away.
const (
	stuckStep = 40      // for each time that it was found stuck
	stuckSlow = 64      // above this it is slow
	stuckMost = 128     // and this is the most
	quickTime = 500_000 // nanoseconds that a quick run takes at most
)

// validate reports what is wrong with the Route beside its pattern.
func (r *Route) validate() error {
	n := 0
	if r.Handler != nil {
		n++
	}
	if r.Each != nil {
		n++
	}
	if r.Sink != nil {
		n++
	}
	if n != 1 {
		return badPattern(r.Pattern, "want one of Handler, Each and Sink")
	}
	if r.Timeout < 0 {
		return badPattern(r.Pattern, "the timeout is negative")
	}
	for _, t := range r.Types {
		i := indexByte(t, '/')
		if i < 0 || !ascii.IsToken(t[:i]) || !ascii.IsToken(t[i+1:]) || indexByte(t[:i], '*') >= 0 || indexByte(t[i+1:], '*') >= 0 && t[i+1:] != "*" {
			return badPattern(r.Pattern, "a type is not of the form type/subtype or type/*")
		}
		for k := range len(t) {
			if c := t[k]; c >= 'A' && c <= 'Z' {
				return badPattern(r.Pattern, "a type is not in lower case")
			}
		}
	}
	return nil
}

// takes reports whether content of a type may come. The value is that of a
// Content-Type field, with parameters or without (RFC 9110 section 8.3).
func (r *Route) takes(contentType []byte) bool {
	for i, c := range contentType {
		if c == ';' || c == ' ' || c == '\t' {
			contentType = contentType[:i]
			break
		}
	}
	for _, t := range r.Types {
		b := contentType
		if n := len(t) - 1; t[n] == '*' && len(b) > n {
			t, b = t[:n], b[:n]
		}
		if ascii.EqualFold(b, t) {
			return true
		}
	}
	return false
}
