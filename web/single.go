package web

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// NewExchange makes a place to serve requests on streams of the caller's, in
// memory of the caller's, with the handlers that a server runs: for programs
// with a loop of their own, and for tests. There is no worker, no deadline and
// no pool around it; what a handler waits for, the caller waits for, and what
// it panics with, the caller gets.
//
// memory has at least MinMemory bytes and is divided as a worker's is. wall
// gives the time in nanoseconds since 1970 UTC, for the Date field, or is nil.
// An Exchange is used by one goroutine at a time. The errors are ErrMemory,
// and those of the parser's Validate.
func NewExchange(p *http1.Parser, memory []byte, wall func() int64) (*Exchange, error) {
	x := new(Exchange)
	x.handling = true
	x.wall = wall
	x.dateUntil = -1
	var date func() []byte
	if wall != nil {
		date = x.wallField
	}
	if err := x.init(p, memory, date); err != nil {
		return nil, err
	}
	return x, nil
}

// ServeStream serves requests of one stream with a handler, until the
// connection is to end. The stream is the caller's to close; the end of the
// stream between requests is no error, and see http1conn.ServeStream for
// others. Nothing allocates.
func (x *Exchange) ServeStream(rw io.ReadWriter, h Handler) error {
	x.begin(rw, h)
	return http1conn.ServeStream(&x.conn, x.serveOne)
}

// ServeRequest serves one request, and reports whether another may follow: it
// is asked for by Again. The error is io.EOF if the stream has ended before
// it.
func (x *Exchange) ServeRequest(rw io.ReadWriter, h Handler) (again bool, err error) {
	x.begin(rw, h)
	return x.Again()
}

// Again serves the next request of the stream that ServeRequest was given.
func (x *Exchange) Again() (again bool, err error) {
	return http1conn.ServeRequest(&x.conn, x.serveOne)
}

func (x *Exchange) begin(rw io.ReadWriter, h Handler) {
	x.in = rw
	x.handler = h
	x.clearAside()
	if x.serveOne == nil {
		x.serveOne = x.one // a closure here would be made in every call, under TinyGo
	}
	x.conn.Reset(&x.stream)
}

// one serves a request with the handler of begin.
func (x *Exchange) one(*http1conn.Conn) error { return x.run(x.handler) }

// wallField is the Date of answers without an engine.
func (x *Exchange) wallField() []byte {
	if sec := x.wall() / 1e9; sec != x.dateUntil {
		http1.AppendDate(x.date[:0], sec)
		x.dateUntil = sec
	}
	return x.date[:]
}
