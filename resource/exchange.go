package resource

import "github.com/bobtail-go/bobtail/coap"

// Exchange is a worker's place for one request and its answer. One goroutine
// uses it at a time.
//
// A driver either calls Serve, or its stages: Route, which may have the answer
// already; else Run, with the handler's right around it; then Finish. Busy
// stands for both if no handler may run now. After a handler that has lost its
// right, or has panicked, comes Abandon, and nothing of what it has staged
// counts.
type Exchange struct {
	r      *Router
	worker int
	memory []byte
}

// NewExchange makes the Exchange of a worker, and freezes the router. memory is
// the requests' arena; it may be nil.
func NewExchange(r *Router, worker int, memory []byte) *Exchange { panic("not yet") }

// Serve answers a request. The answer's body is appended to dst within its
// capacity.
func (x *Exchange) Serve(m coap.Message, t *Terms, dst []byte) Answer {
	if !x.Route(m, t, dst) {
		x.Run()
	}
	return x.Finish()
}

// Route finds the route of a request and looks at its options. It returns true
// if Finish has the answer already, and false if a handler is to Run. m, t and
// dst must stay as they are until Finish or Abandon.
func (x *Exchange) Route(m coap.Message, t *Terms, dst []byte) (done bool) { panic("not yet") }

// Timeout is the deadline of the route's handler in nanoseconds, 0 if it has
// none of its own. It is for between Route and Run.
func (x *Exchange) Timeout() int64 { panic("not yet") }

// Observes reports, between Route and Run, whether the request asks to observe.
// If its handler agrees, notifications may be pushed from that moment on. Where
// the peer takes the order of messages for the order of states, as over TCP (RFC
// 8323 section 7.1), what is pushed to it must wait from before Run until the
// answer is sent.
func (x *Exchange) Observes() bool { panic("not yet") }

// Run calls the handler. Panics are not caught.
func (x *Exchange) Run() { panic("not yet") }

// Finish is the answer. What Run has meant for others is done now: uploads go
// on.
func (x *Exchange) Finish() Answer { panic("not yet") }

// Busy answers 5.03 with a Max-Age in seconds, instead of Run and Finish.
func (x *Exchange) Busy(maxAge uint32) Answer { panic("not yet") }

// Abandon ends the exchange instead of Finish: the handler's right has passed,
// or it has panicked. The answer, 5.00, is for the latter.
func (x *Exchange) Abandon() Answer { panic("not yet") }

// Pattern is the pattern of the request's route, for logs; empty if there is
// none.
func (x *Exchange) Pattern() string { panic("not yet") }
