package web

import (
	"io"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/internal/pattern"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Request is a request as its handler sees it. All bytes that it gives are
// views of the worker's memory: valid until the handler returns, those of the
// head also only as long as the program does not change them. Copy what is to
// be kept.
type Request struct{ x *Exchange }

// Method is the request's method, http1.MethodOther if it is not one of RFC
// 9110 or PATCH.
func (r *Request) Method() http1.Method { return r.x.conn.Head().Method() }

// MethodName is the method as it was sent.
func (r *Request) MethodName() []byte { return r.x.conn.Head().MethodName(r.x.conn.Bytes()) }

// Target is the request target as it was sent.
func (r *Request) Target() []byte { return r.x.conn.Head().Target(r.x.conn.Bytes()) }

// Path is the path of the target as it was sent, without the query.
func (r *Request) Path() []byte { return r.x.conn.Head().Path(r.x.conn.Bytes()) }

// Pattern is the pattern of the request's route, empty if it has none.
func (r *Request) Pattern() string {
	if r.x.route == nil {
		return ""
	}
	return r.x.route.Pattern
}

// PathValue is what a wildcard of the route's pattern stands for in the path,
// decoded, and nil if the pattern has none of this name. What has escapes is
// decoded into the request's arena at each call; if that is exhausted, it is
// nil, and the response fails with ErrArena.
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
		v := x.lookup.wild[i]
		raw := r.Path()[v.at:v.end:v.end]
		if indexByte(ascii.View(raw), '%') < 0 || !pattern.IsEscaped(raw) {
			return raw
		}
		b, err := r.Alloc(len(raw))
		if err != nil {
			x.keep(err)
			return nil
		}
		n, _ := form.Decode(b, raw) // which cannot fail now
		return b[:n]
	}
	return nil
}

// Query is what follows the first "?" of the target, as it was sent; nil if
// there is no "?".
func (r *Request) Query() []byte { return r.x.conn.Head().Query(r.x.conn.Bytes()) }

// Host is the host that the request is for, with its port if one was sent.
func (r *Request) Host() []byte { return r.x.conn.Head().Host(r.x.conn.Bytes()) }

// Version is the request's version.
func (r *Request) Version() http1.Version { return r.x.conn.Head().Version() }

// Header is the value of the first field with a name, in upper or lower case,
// and nil if the request has none, or if the field is not one of those that
// the server was told to keep.
func (r *Request) Header(name string) []byte { return r.x.conn.Head().Get(r.x.conn.Bytes(), name) }

// Head is the whole parsed head, for what the other methods do not give, and
// the buffer that its methods ask for.
func (r *Request) Head() (*http1.Head, []byte) { return r.x.conn.Head(), r.x.conn.Bytes() }

// ContentLength is the length of the content, if the request declares it.
func (r *Request) ContentLength() (n uint64, ok bool) { return r.x.conn.Head().ContentLength() }

// Read reads content, as an io.Reader does: it waits for the peer if it must,
// and ends with io.EOF. Errors of package http1 are the peer's; engine's
// ErrDeadline says that it was too slow or the handler too long, ErrReclaimed
// that the worker was needed for others.
func (r *Request) Read(p []byte) (int, error) {
	if r.x.sinking {
		return 0, ErrMisuse // a Sink is given its pieces
	}
	return r.x.conn.Read(p)
}

// NextPiece is Read without a copy: a view that is valid until the next call.
func (r *Request) NextPiece() ([]byte, error) {
	if r.x.sinking {
		return nil, ErrMisuse
	}
	return r.x.conn.NextPiece()
}

// SetValue leaves a value for the handlers inside of one that stands around
// them, such as who has logged in. There is one; a pointer costs no
// allocation. It lasts as long as the handler, and in a Sink as long as the
// Piece.
func (r *Request) SetValue(v any) { r.x.value = v }

// Value is what SetValue was given for this request, nil if it was not called.
func (r *Request) Value() any { return r.x.value }

// Worker is the id of the worker that serves the request, from 0.
func (r *Request) Worker() int { return r.x.id }

// Handle names the connection, for pushing to it. It is zero outside of a
// server.
func (r *Request) Handle() pool.Handle { return r.x.handle }

// Remote is the address of the peer. It asks the system each time.
func (r *Request) Remote() transport.Addr {
	if r.x.w == nil {
		return transport.Addr{}
	}
	return r.x.w.Stream().Remote()
}

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

// stream is the exchange as http1conn sees it.
type stream struct{ opaque.Pointer[Exchange] }

// Read waits for bytes, in a handler.
func (t *stream) Read(p []byte) (int, error) {
	x := t.Get()
	var n int
	var err error
	if x.w != nil {
		n, err = x.w.Stream().Read(p)
	} else {
		n, err = x.in.Read(p)
	}
	if transport.EOF.Is(err) {
		err = io.EOF
	}
	return n, err
}

// Write sends p whole. In a handler it waits until the peer has taken it, or
// it is in the network's buffers; outside of one, what is not taken is kept.
func (t *stream) Write(p []byte) (int, error) {
	x := t.Get()
	switch {
	case x.w == nil:
		return x.in.Write(p)
	case x.handling:
		return x.w.Stream().Write(p)
	}
	return len(p), x.send(p, nil)
}

var _ io.ReadWriter = (*engine.Stream)(nil)
