package resource

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/pattern"
)

// Handler answers a request. It runs on a worker, or whatever the driver has,
// written straight down.
//
// The request and all that it gives are valid until the handler returns. An
// error that it returns becomes 5.00, or the code that the error has by a
// method Code() coap.Code, which then has the error's text as its diagnostic
// payload (RFC 7252 section 5.5.2); the text of others is told to nobody. A
// handler that answers nothing and returns nil has answered what the method's
// success is called, without a payload: 2.05 to GET and FETCH, 2.02 to DELETE,
// and 2.04 to the others.
type Handler func(w Response, r *Request) error

// Data is a handler that takes an upload block by block, as it comes (RFC 7959
// section 2.5): it is called for each, in their order, and the last call gives
// the answer. Before, the response must not be touched; 2.31 (Continue) goes by
// itself. A request that is not cut is an upload of one block. What belongs to
// an upload is kept by Request.SetValue. An error ends the upload, and is
// answered as a Handler's is.
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

	// Dropped is called for an upload to Data that has begun and whose last
	// part Data is not given: the peer has gone, or does not go on while others
	// want its place, or Data has failed. value is that of Request.SetValue. It
	// may be called from any goroutine.
	Dropped func(value any)

	// Formats are what the route can answer with; a request that accepts
	// another gets 4.06 (RFC 7252 section 5.10.4). They are told as ct in the
	// links. None is anything.
	Formats []coap.Format

	// Accepts are the content formats that the route takes; a request that
	// says that it has another gets 4.15 (RFC 7252 section 5.10.3). None is
	// any.
	Accepts []coap.Format

	// Conditional says that the handler minds If-Match and If-None-Match, by
	// Request.Precondition. Without it a request that has one gets 4.02, since
	// they are critical.
	Conditional bool

	// Understands are further critical options that the handler minds.
	Understands []coap.Option

	// Attributes are told in the links, beside ct.
	Attributes []Attribute

	// Hidden has the route not told in the links. Those with wildcards never
	// are.
	Hidden bool

	// Timeout is the handler's deadline in nanoseconds, 0 for the driver's.
	Timeout int64
}

// Router finds what handles a request, and holds all state that outlasts one:
// it has the tables of transfers, of observations, and of answers that come
// later. The zero value is ready to be used; its fields are set before it is.
// All drivers of a program may share one. It must not be copied.
type Router struct {
	// Transfers is how many uploads to Data, uploads that are gathered, and
	// answers that are kept there may be at a time; default 8. If there are
	// more, the one that has stalled for the longest time is dropped; if none
	// has rested for two seconds, who comes late gets 5.03.
	Transfers int

	Observations int // most observations of all topics; default 16
	Tickets      int // most answers that are to come later; default 16
	PerPeer      int // most observations, and most tickets, that one peer has; default all
	Token        int // longest token, in bytes, that can observe and be answered later: 1 to 255; default 8

	// Gather is the longest payload in bytes that is put together for a Handler
	// from blocks, and the longest answer to a method other than GET that is
	// kept to be fetched block by block. Gathers is how many at a time. Neither
	// is possible with 0.
	Gather  int
	Gathers int // default 1

	tree    node
	routes  []*route
	longest int // of its links, in bytes
	err     error

	mu     sync.Mutex // guards what follows
	frozen bool
	transfers
	observations
	tickets
	topics []*Topic
	counts Stats
}

// route is a route that was added.
type route struct {
	Route
	pattern    pattern.Pattern
	method     coap.Code // 0 is any
	understood []coap.Option
	slow       atomic.Int32
	listed     bool   // in the links
	same       *route // another of the same path, which is told with this one
}

// Add adds a route. It fails with a *PatternError, with ErrRoute, and with
// ErrFrozen when the router is in use. Err keeps the first error.
func (r *Router) Add(given Route) error {
	err := r.add(given)
	if r.err == nil {
		r.err = err
	}
	return err
}

func (r *Router) add(given Route) error {
	if r.frozen {
		return ErrFrozen
	}
	p, why := pattern.Parse(given.Pattern)
	method, known := coap.ParseMethod(p.Method)
	switch {
	case why != "":
	case p.Host != "":
		why = "a host cannot be named"
	case p.Method != "" && !known:
		why = "there is no such method"
	}
	if why != "" {
		return &PatternError{Pattern: given.Pattern, Err: ErrPattern, why: why}
	}
	if p.Method != "" {
		p.Method = method.Name() // which may be in lower case
	}
	if (given.Handler == nil) == (given.Data == nil) || given.Dropped != nil && given.Data == nil || given.Timeout < 0 {
		return ErrRoute
	}
	for _, o := range r.routes {
		if why := p.Relate(&o.pattern).Conflict(); why != "" {
			return &PatternError{Pattern: p.Text, Other: o.pattern.Text, Err: ErrConflict, why: why}
		}
	}
	n := &route{method: method, Route: given, pattern: p, understood: given.Understands}
	if given.Conditional {
		n.understood = append(conditional[:len(conditional):len(conditional)], given.Understands...)
	}
	r.routes = append(r.routes, n)
	r.tree.insert(n)
	return nil
}

// conditional are the critical options of conditional requests.
var conditional = []coap.Option{coap.OptIfMatch, coap.OptIfNoneMatch}

// Handle adds a handler for a pattern; see Route.Pattern.
func (r *Router) Handle(pattern string, h Handler) error {
	return r.Add(Route{Pattern: pattern, Handler: h})
}

// Err is the first error of Add and Handle.
func (r *Router) Err() error { return r.err }

// Freeze makes the tables; the router's fields and routes are fixed from then
// on. NewExchange does it by itself. It returns Err, or ErrRoute if a field is
// out of its bounds.
func (r *Router) Freeze() error {
	r.mu.Lock()
	if !r.frozen {
		r.freeze()
	}
	r.mu.Unlock()
	return r.err
}

func (r *Router) freeze() {
	r.addCore()
	r.frozen = true
	r.defaults()
	if min(r.Transfers, r.Observations, r.Tickets, r.PerPeer, r.Token, r.Gathers) < 1 || r.Gather < 0 || r.Token > 255 || r.Gathers > 1<<15 {
		if r.err == nil {
			r.err = ErrRoute
		}
		// What there is must do.
		r.Transfers, r.Observations, r.Tickets, r.PerPeer, r.Token, r.Gather, r.Gathers = 0, 0, 0, 0, 0, 0, 0
		r.defaults()
	}
	r.transfers.init(r.Transfers, r.Gather, r.Gathers)
	r.observations.init(r.Observations, r.Token)
	r.tickets.init(r.Tickets, r.Token)
	for _, t := range r.topics {
		t.init()
	}
}

func (r *Router) defaults() {
	orDefault(&r.Transfers, 8)
	orDefault(&r.Observations, 16)
	orDefault(&r.Tickets, 16)
	orDefault(&r.PerPeer, max(r.Observations, r.Tickets))
	orDefault(&r.Token, 8)
	orDefault(&r.Gathers, 1)
}

func orDefault(p *int, n int) {
	if *p == 0 {
		*p = n
	}
}

// Memory is what the router's tables and topics take, in bytes, without the
// routes.
func (r *Router) Memory() int {
	r.Freeze()
	r.mu.Lock()
	topics := len(r.topics) * (int(unsafe.Sizeof(Topic{})) + batch*r.Token)
	r.mu.Unlock()
	return topics +
		len(r.transfers.list)*int(unsafe.Sizeof(transfer{})) + len(r.transfers.memory) + len(r.transfers.taken) +
		len(r.observations.list)*int(unsafe.Sizeof(observation{})) + len(r.observations.tokens) + 4*len(r.observations.buckets) +
		len(r.tickets.list)*int(unsafe.Sizeof(ticket{})) + len(r.tickets.tokens)
}

// Stats are the counts of a router.
type Stats struct {
	Observations int // at this time
	Tickets      int
	Transfers    int
	Dropped      uint64 // transfers that were not gone on with, and gave way
	Expired      uint64 // tickets that were at their limit
}

// Stats reads the counts.
func (r *Router) Stats() Stats {
	r.mu.Lock()
	s := r.counts
	s.Observations, s.Tickets, s.Transfers = r.observations.n, r.tickets.n, r.transfers.n
	r.mu.Unlock()
	return s
}

// Gone ends all that the router keeps for a peer. Drivers call it when a peer's
// connection is over, before its name is given to another.
func (r *Router) Gone(p Pusher, peer uint64) {
	r.endObservations(p, peer)
	r.dropTickets(p, peer)
	r.dropTransfers(p, peer)
}

// Sweep ends what is due of the peers of a driver: tickets that are at their
// limit are answered 5.03, and transfers that were not gone on with for
// EXCHANGE_LIFETIME (RFC 7252 section 4.8.2, RFC 7959 section 2.5) are
// forgotten. The driver calls it now and then with the time of its Terms.Now. It
// returns when it is next worth a call, which is math.MaxInt64 if nothing waits.
func (r *Router) Sweep(p Pusher, now int64) (next int64) {
	next = r.sweepTransfers(p, now)
	r.mu.Lock()
	sweep := r.tickets.sweep
	r.mu.Unlock()
	if sweep != nil {
		next = min(next, sweep(r, p, now))
	}
	return next
}
