package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/transport"
)

// Request is a request as its handler sees it. All bytes that it gives are
// views: valid until the handler returns. Copy what is to be kept.
type Request struct{ x *Exchange }

// Method is the request's method.
func (r *Request) Method() coap.Code { panic("not yet") }

// Options are all options of the request.
func (r *Request) Options() coap.Options { panic("not yet") }

// Payload is the payload of the request; for a Handler whose request has come
// in blocks, the whole.
func (r *Request) Payload() []byte { panic("not yet") }

// Pattern is the pattern of the request's route.
func (r *Request) Pattern() string { panic("not yet") }

// PathValue is what a wildcard of the route's pattern stands for, nil if there
// is none of that name. What {name...} stands for has its segments joined by
// slashes in the arena, at each call; if that is exhausted, it is nil, and the
// response fails with ErrArena.
func (r *Request) PathValue(name string) []byte { panic("not yet") }

// Query is the value of the first Uri-Query option "name=value", or an empty one
// for "name".
func (r *Request) Query(name string) (value []byte, ok bool) { panic("not yet") }

// Format is the Content-Format of the payload.
func (r *Request) Format() (f coap.Format, ok bool) { panic("not yet") }

// Accept is the format that the peer wants the answer in.
func (r *Request) Accept() (f coap.Format, ok bool) { panic("not yet") }

// Token is the request's token.
func (r *Request) Token() []byte { panic("not yet") }

// Remote is the address of the peer.
func (r *Request) Remote() transport.Addr { panic("not yet") }

// Peer is the driver's name for the peer.
func (r *Request) Peer() uint64 { panic("not yet") }

// Worker is the number of the worker that serves the request, from 0.
func (r *Request) Worker() int { panic("not yet") }

// Alloc takes n bytes of the request's arena, which are zero. They are valid
// until the handler returns. It fails with ErrArena.
func (r *Request) Alloc(n int) ([]byte, error) { panic("not yet") }

// SetValue leaves a value for the calls for further parts of the same upload. A
// pointer costs no allocation.
func (r *Request) SetValue(v any) { panic("not yet") }

// Value is what SetValue was given for this upload, nil if it was not called.
func (r *Request) Value() any { panic("not yet") }

// Precondition looks at If-Match and If-None-Match (RFC 7252 section 5.10.8) for
// a resource that exists with an ETag of its present state, which may be nil if
// it has none, or that does not exist. It returns ErrPrecondition, which a
// handler returns to have it answered 4.12, if they are not fulfilled.
func (r *Request) Precondition(exists bool, etag []byte) error { panic("not yet") }

// Observe has the peer get what is published on the topic from now on, if it
// asks for that, and reports whether it will. What the handler answers is then
// the first of the notifications. So it is called before the state is looked
// at, lest a change between the two is missed. There is nothing else to do if
// it returns false: the request is answered as any other (RFC 7641 section
// 4.1).
func (r *Request) Observe(t *Topic) bool { panic("not yet") }

// Later has the answer come later, from anywhere, by the ticket, within limit
// nanoseconds (at least a millisecond, at most a day); then it is 5.03. The
// handler returns nil without having answered. It fails with ErrFull.
func (r *Request) Later(limit int64) (Ticket, error) { panic("not yet") }
