package resource

import "github.com/bobtail-go/bobtail/coap"

// Ticket is the right to answer a request later, once, from any goroutine. It
// may be copied and compared; the zero value answers nothing.
type Ticket struct {
	r      *Router
	index  uint32
	serial uint32
}

// Answer answers the request. The first call counts; others fail with
// pool.ErrStale, as do those after the limit and after the end of the peer.
// Options are encoded, and have neither Observe nor the options of blocks. A
// payload that does not fit goes by blocks if the method is GET or FETCH, whose
// handler is asked again for each further block; else it fails with ErrLong, and
// the ticket is still good. Other errors are those of Pusher.Push, after which
// it is not.
func (t Ticket) Answer(c coap.Code, o coap.Options, payload []byte) error { panic("not yet") }
