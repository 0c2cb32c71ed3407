package web

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/transport"
)

// This file is for handlers that stand between Bobtail and something else,
// such as those of package host/nethttp.

// Detach takes the connection over, with the bytes that were received behind
// what the handler has read, valid until it returns. What stream is, is told
// by the backend: see transport.Detacher. From then on neither the request nor
// the response may be used; the handler returns nil, and its worker goes on to
// others, while the program does with the stream what it likes, and closes it.
// What of the response was completed as far as its head is sent before.
//
// It fails with ErrMisuse outside of a server and after the response was
// finished, with transport.ErrNotSupported if the backend cannot do it, and
// with the errors of writing. Then the request goes on.
func (r *Request) Detach() (stream any, rest []byte, err error) {
	x := r.x
	if x.w == nil || x.detached || !x.handling || x.conn.Finished() {
		return nil, nil, ErrMisuse
	}
	if _, ok := x.d.e.Backend().(transport.Detacher); !ok {
		return nil, nil, transport.ErrNotSupported
	}
	if err = x.conn.Flush(); err != nil {
		return nil, nil, err
	}
	stream, err = x.w.Stream().Detach()
	if err != nil {
		return nil, nil, err
	}
	x.detached = true
	rest, _ = x.conn.Detach() // there is nothing to be sent any more
	return stream, rest, nil
}

// left is the verdict for a connection that a handler has taken over.
func (x *Exchange) left(began int64) (next, engine.Verdict) {
	x.detached = false
	x.counts.class(http1.StatusSwitchingProtocols)
	if x.d.cfg.Access != nil {
		x.d.cfg.Access(&x.req, http1.StatusSwitchingProtocols, 0, x.d.e.Backend().Now()-began)
	}
	return nextEnd, engine.Detached
}

// Watch has v told when the peer goes, or the handler's time is over, while
// the handler runs: see engine.Watcher. It may be called once a request, and
// outside of a server does nothing. Unwatch must be called before the handler
// returns.
func (r *Request) Watch(v engine.Watcher) {
	if r.x.w != nil {
		r.x.w.Stream().Watch(v)
	}
}

// Unwatch ends what Watch began.
func (r *Request) Unwatch() {
	if r.x.w != nil {
		r.x.w.Stream().Unwatch()
	}
}

// Local is our end of the connection. It asks the system each time.
func (r *Request) Local() transport.Addr {
	if r.x.w == nil {
		return transport.Addr{}
	}
	return r.x.w.Stream().Local()
}
