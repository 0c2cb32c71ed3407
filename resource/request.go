package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/transport"
)

// Request is a request as its handler sees it. All bytes that it gives are
// views: valid until the handler returns, and the payload until it ends the
// response. Copy what is to be kept.
type Request struct{ x *Exchange }

// Method is the request's method.
func (r *Request) Method() coap.Code { return r.x.m.Code }

// Options are all options of the request.
func (r *Request) Options() coap.Options { return r.x.m.Options }

// Payload is the payload of the request; for a Handler whose request has come
// in blocks, the whole.
func (r *Request) Payload() []byte { return r.x.payload }

// Pattern is the pattern of the request's route.
func (r *Request) Pattern() string { return r.x.Pattern() }

// PathValue is what a wildcard of the route's pattern stands for, nil if there
// is none of that name. What {name...} stands for has its segments joined by
// slashes in the arena, at each call; if that is exhausted, it is nil, and the
// response fails with ErrArena. No segment is "." or "..".
func (r *Request) PathValue(name string) []byte {
	x := r.x
	if x.route == nil || name == "" {
		return nil
	}
	i := 0
	for _, s := range x.route.pattern.Segments {
		if !s.Wild {
			continue
		}
		if s.Text != name {
			i++
			continue
		}
		segments := x.path.segments[x.path.wild[i]:x.path.n]
		if !s.Multi || len(segments) == 1 {
			return segments[0][:len(segments[0]):len(segments[0])]
		}
		n := len(segments) - 1
		for _, s := range segments {
			n += len(s)
		}
		b, err := r.Alloc(n)
		if err != nil {
			x.note(err)
			return nil
		}
		n = copy(b, segments[0])
		for _, s := range segments[1:] {
			b[n] = '/'
			n += 1 + copy(b[n+1:], s)
		}
		return b
	}
	return nil
}

// Query is the value of the first Uri-Query option "name=value", or an empty one
// for "name".
func (r *Request) Query(name string) (value []byte, ok bool) { return r.x.m.Options.Query(name) }

// Format is the Content-Format of the payload.
func (r *Request) Format() (f coap.Format, ok bool) { return r.format(coap.OptContentFormat) }

// Accept is the format that the peer wants the answer in.
func (r *Request) Accept() (f coap.Format, ok bool) { return r.format(coap.OptAccept) }

func (r *Request) format(n coap.Option) (f coap.Format, ok bool) {
	v, ok := r.x.m.Options.Uint(n)
	return coap.Format(v), ok
}

// Token is the request's token.
func (r *Request) Token() []byte { return r.x.m.Token }

// Remote is the address of the peer. It may ask the system each time.
func (r *Request) Remote() transport.Addr {
	t := r.x.t
	if t.Remote == (transport.Addr{}) {
		if p, ok := t.Pusher.(interface {
			RemoteOf(worker int) transport.Addr
		}); ok {
			return p.RemoteOf(r.x.worker)
		}
	}
	return t.Remote
}

// Peer is the driver's name for the peer.
func (r *Request) Peer() uint64 { return r.x.t.Peer }

// Worker is the number of the worker that serves the request, from 0.
func (r *Request) Worker() int { return r.x.worker }

// Alloc takes n bytes of the request's arena, which are zero. They are valid
// until the handler returns. It fails with ErrArena.
func (r *Request) Alloc(n int) ([]byte, error) {
	x := r.x
	if n < 0 || n > len(x.arena)-x.used {
		return nil, ErrArena
	}
	b := x.arena[x.used : x.used+n : x.used+n]
	x.used += n
	clear(b)
	return b, nil
}

// SetValue leaves a value for the calls for further parts of the same upload. A
// pointer costs no allocation.
func (r *Request) SetValue(v any) { r.x.value = v }

// Value is what SetValue was given for this upload, nil if it was not called.
func (r *Request) Value() any { return r.x.value }

// Precondition looks at If-Match and If-None-Match (RFC 7252 section 5.10.8) for
// a resource that exists, with an ETag of its present state, which may be nil if
// it has none, or that does not exist. It returns ErrPrecondition, which a
// handler returns to have it answered 4.12, if they are not fulfilled. The route
// must be Conditional.
func (r *Request) Precondition(exists bool, etag []byte) error {
	wanted, matched := false, false
	it := r.x.m.Options.Iter()
	for it.Next() && it.Number <= coap.OptIfNoneMatch {
		switch it.Number {
		case coap.OptIfMatch:
			// Section 5.10.8.1: an empty one is for any state.
			wanted = true
			matched = matched || exists && (len(it.Value) == 0 || ascii.View(it.Value) == ascii.View(etag))
		case coap.OptIfNoneMatch:
			if exists {
				return ErrPrecondition // section 5.10.8.2
			}
		}
	}
	if wanted && !matched {
		return ErrPrecondition
	}
	return nil
}

// Observe has the peer get what is published on the topic from now on, if it
// asks for that, and reports whether it will. What the handler answers is then
// the first of the notifications. So it is called before the state is looked
// at, lest a change between the two is missed. There is nothing else to do if
// it returns false: the request is answered as any other (RFC 7641 section
// 4.1). An answer that is an error ends it.
func (r *Request) Observe(t *Topic) bool {
	x := r.x
	if !x.Observes() || x.seq >= 0 || x.stage != stageFresh || t.r != x.r {
		return false
	}
	return x.r.observe(x, t)
}

// Later has the answer come later, from anywhere, by the ticket, within limit
// nanoseconds (at least a millisecond, at most a day); then it is 5.03. The
// handler returns nil without having answered; if it does answer, or fails, the
// ticket is void. It fails with ErrFull, and with ErrMisuse if there is one
// already, in the midst of an upload, and where nothing can be pushed.
func (r *Request) Later(limit int64) (Ticket, error) {
	x := r.x
	if x.ticket != (Ticket{}) || x.stage != stageFresh || x.t.Pusher == nil {
		return Ticket{}, ErrMisuse
	}
	return x.r.giveTicket(x, min(max(limit, 1e6), 86400e9))
}
