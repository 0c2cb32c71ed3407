package resource

import (
	"sync"

	"github.com/bobtail-go/bobtail/coap"
)

// Handler answers a request. It runs on a worker, or whatever the driver has,
// written straight down.
//
// The request and all that it gives are valid until the handler returns. An
// error that it returns becomes 5.00, or the code that the error has by a
// method Code() coap.Code, which then has the error's text as its diagnostic
// payload (RFC 7252 section 5.5.2). A handler that answers nothing and returns
// nil has answered what the method's success is called, without a payload: 2.05
// to GET and FETCH, 2.02 to DELETE, and 2.04 to the others.
type Handler func(w Response, r *Request) error

// Data is a handler that takes an upload block by block, as it comes: it is
// called for each, in their order, and the last call gives the answer. Before,
// the response must not be touched; 2.31 (Continue) goes by itself. A request
// that is not cut is an upload of one block. What belongs to an upload is kept
// by Request.SetValue. An error ends the upload, and is answered as a Handler's
// is.
type Data func(w Response, r *Request, p Part) error

// Part is a part of an upload.
type Part struct {
	Offset uint64 // of P in the whole
	Last   bool
	P      []byte
	Size   uint64 // of the whole, as the peer has said it (RFC 7959 section 4); 0 if it has not
}

// Attribute is an attribute of a link (RFC 6690 section 2), such as rt, if,
// title or obs. An empty value stands for an attribute without one.
type Attribute struct{ Name, Value string }

// Route is a pattern and what is to become of its requests.
type Route struct {
	// Pattern is "METHOD /path", or "/path" for all methods: those of package
	// coap by name, GET POST PUT DELETE FETCH PATCH iPATCH. {name} stands for a
	// segment, {name...} at the end for all that follow, a slash at the end for
	// all below, and {$} for nothing. The more specific pattern wins, as in the
	// standard library's ServeMux. Hosts cannot be named.
	Pattern string

	// One of the two is set.
	Handler Handler
	Data    Data

	// Dropped is called for an upload to Data whose last part will not come,
	// with the value of Request.SetValue. It may be called from any goroutine.
	Dropped func(value any)

	// Formats are what the route can answer with; a request that accepts
	// another gets 4.06 (RFC 7252 section 5.10.4). They are told as ct in the
	// links. None is anything.
	Formats []coap.Format

	// Accepts are the content formats that the route takes; a request with
	// another gets 4.15 (RFC 7252 section 5.10.3). None is any.
	Accepts []coap.Format

	// Conditional says that the handler minds If-Match and If-None-Match, by
	// Request.Precondition. Without it a request that has one gets 4.02, since
	// they are critical.
	Conditional bool

	// Understands are further critical options that the handler minds.
	Understands []coap.Option

	// Attributes are told in the links, beside ct.
	Attributes []Attribute

	// Hidden has the route not told in the links.
	Hidden bool

	// Timeout is the handler's deadline in nanoseconds, 0 for the driver's.
	Timeout int64
}

// Router finds what handles a request, and holds all state that outlasts one:
// it has the tables of uploads, of observations, and of answers that come
// later. The zero value is ready to be used; its fields are set before it is.
// All drivers of a program may share one.
type Router struct {
	Transfers    int // most transfers by blocks under way that need state; default 8
	Observations int // most observations of all topics; default 16
	Tickets      int // most answers that are to come later; default 16
	PerPeer      int // most observations, tickets and transfers, of each, that one peer has; default all
	Token        int // longest token, in bytes, that can observe and be answered later; default 8

	// Gather is the longest payload in bytes that is put together for a Handler
	// from blocks, and the longest answer to a method other than GET that is
	// kept to be fetched block by block. Gathers is how many at a time. Neither
	// is possible with 0.
	Gather  int
	Gathers int // default 1

	mu     sync.Mutex
	frozen bool
	err    error
}

// Add adds a route. It fails with a *PatternError, with ErrRoute, and with
// ErrFrozen when the router is in use. Err keeps the first error.
func (r *Router) Add(route Route) error { panic("not yet") }

// Handle adds a handler for a pattern; see Route.Pattern.
func (r *Router) Handle(pattern string, h Handler) error {
	return r.Add(Route{Pattern: pattern, Handler: h})
}

// Err is the first error of Add and Handle.
func (r *Router) Err() error { return r.err }

// Freeze makes the tables; the router's fields and routes are fixed from then
// on. NewExchange does it by itself. It returns Err.
func (r *Router) Freeze() error { panic("not yet") }

// Memory is what the router's tables take, in bytes.
func (r *Router) Memory() int { panic("not yet") }

// Sweep ends what is due: tickets that are at their limit are answered 5.03, and
// transfers that nobody has gone on with are forgotten. Drivers call it now and
// then with the time of Terms.Now. It returns when it is next worth a call.
func (r *Router) Sweep(now int64) (next int64) { panic("not yet") }

// Gone ends all that the router keeps for a peer. Drivers call it when a peer's
// connection is over, before its name is given to another.
func (r *Router) Gone(p Pusher, peer uint64) { panic("not yet") }

// Cancel ends the observation that a peer has with a token, as when it has
// rejected a notification (RFC 7641 section 3.6).
func (r *Router) Cancel(p Pusher, peer uint64, token []byte) { panic("not yet") }

// Stats are the counts of a router.
type Stats struct {
	Requests     uint64 // that were routed
	Observations int    // at this time
	Tickets      int
	Transfers    int
	Dropped      uint64 // transfers that were pushed out by others, or forgotten
	Expired      uint64 // tickets that were at their limit
}

// Stats reads the counts.
func (r *Router) Stats() Stats { panic("not yet") }
