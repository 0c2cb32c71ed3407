package sse

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/web"
)

// beat is the comment that keeps a connection alive: a line that begins with a
// colon is for nobody. Proxies end connections on which nothing happens; the
// standard suggests a comment every 15 seconds or so.
const beat = ":\n"

// DefaultKeepAlive is how often a comment is sent, in nanoseconds.
const DefaultKeepAlive = 15_000_000_000

// Stream is one peer's stream of events. It may be copied, and used from any
// goroutine. The zero Stream is closed.
type Stream struct {
	// Outlet is where the events go. It may be pushed to directly: whole
	// events, as AppendEvent makes them.
	web.Outlet

	// Mark and Overflow say what becomes of a peer that is slower than its
	// events: see engine.Engine.Push. With a mark of 0, events are kept for it
	// as long as there are blocks of output.
	Mark     int
	Overflow engine.Overflow
}

// Open begins a stream of events, and is the last that the handler does with
// its Response: when it returns nil, the connection waits for events. keepAlive
// is how often a comment is sent, in nanoseconds, 0 for DefaultKeepAlive and -1
// for never. The errors are those of web.Head.Open. For a HEAD request the
// stream is closed from the beginning.
func Open(w web.Response, keepAlive int64) (Stream, error) {
	_, o, err := open(w, keepAlive)
	return Stream{Outlet: o}, err
}

func open(w web.Response, keepAlive int64) (web.Body, web.Outlet, error) {
	if keepAlive == 0 {
		keepAlive = DefaultKeepAlive
	}
	return w.Status(200).
		Header("Content-Type", "text/event-stream").
		Header("Cache-Control", "no-store").
		Open(max(keepAlive, 0), beat)
}

// Send sends an event. It may be called from any goroutine, and does not wait.
// An event that is longer than a block of output fails with ErrLong: frame it
// with AppendEvent and Push it. The other errors are those of AppendEvent and of
// web.Outlet.Push; when one is returned, nothing is sent.
func (s Stream) Send(e Event) error {
	if !s.IsOpen() {
		return pool.ErrStale
	}
	outs := s.Outputs()
	if SizeEvent(e) > outs.Size() {
		return ErrLong
	}
	b, err := outs.Get()
	if err != nil {
		return err
	}
	data, err := AppendEvent(outs.Bytes(b)[:0], e)
	if err == nil {
		err = s.PushBlock(data, b, s.Mark, s.Overflow)
	}
	outs.Put(b)
	return err
}
