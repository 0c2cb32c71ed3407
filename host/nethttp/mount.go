package nethttp

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"runtime/debug"

	"github.com/bobtail-go/bobtail/web"
)

// Mount is a handler of package net/http and what it runs with. Its fields are
// not changed while it serves. Serve is called by many goroutines at once.
type Mount struct {
	// Handler answers the requests; nil is http.DefaultServeMux.
	Handler http.Handler

	// BaseContext is what the contexts of requests are made from; nil is
	// context.Background.
	BaseContext context.Context

	// Server, if it is not nil, is the value of http.ServerContextKey in the
	// contexts of requests. It is not used otherwise.
	Server *http.Server

	// ErrorLog, if it is not nil, is told of misuse: a superfluous WriteHeader,
	// a Content-Length that is not a number.
	ErrorLog *log.Logger
}

// Handler has h answer Bobtail's requests. Its routes must keep all fields,
// or the handler sees only those that the server was told to keep.
func Handler(h http.Handler) web.Handler { return (&Mount{Handler: h}).Serve }

// Panic is what the server's hook for panics is told when a mounted handler
// panics: the handler runs on a goroutine of its own.
type Panic struct {
	Value any    // what the handler has panicked with
	Stack []byte // where, as of debug.Stack
}

// String is the value and the stack.
func (p *Panic) String() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// Serve answers a request: a web.Handler.
func (m *Mount) Serve(w web.Response, r *web.Request) error {
	x := &exchange{m: m, w: w, r: r, end: make(chan struct{}, reasons), length: -1}
	if err := x.request(); err != nil {
		return err
	}
	r.Watch(x)
	go x.run()
	<-x.end
	r.Unwatch()
	return x.leave()
}

// reasons is how many there are to end the worker's part: the handler has
// returned, it has taken the connection over, or its time is over.
const reasons = 3

// run is the handler's goroutine.
func (x *exchange) run() {
	ended := false
	defer func() {
		v := recover()
		x.cancel(nil)
		x.mu.Lock()
		x.returned = true
		switch {
		case v == http.ErrAbortHandler, v == nil && !ended: // runtime.Goexit
			x.aborted = true
		case v != nil && x.hijacked:
			x.m.logf("nethttp: handler that has taken the connection over: %v", &Panic{v, debug.Stack()})
		case v != nil:
			x.panicked = &Panic{v, debug.Stack()}
		}
		x.mu.Unlock()
		x.end <- struct{}{}
	}()
	h := x.m.Handler
	if h == nil {
		h = http.DefaultServeMux
	}
	h.ServeHTTP(x, x.req)
	ended = true
}

// leave ends the worker's part: what it returns is the result of the request.
func (x *exchange) leave() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true // whatever the handler calls from here on, it is too late
	switch {
	case x.hijacked:
		return nil
	case !x.returned:
		return http.ErrHandlerTimeout // which nobody is told: the right to answer has passed
	case x.aborted:
		return web.ErrAbort
	case x.panicked != nil:
		panic(x.panicked)
	}
	return x.finish()
}

// Gone implements engine.Watcher.
func (x *exchange) Gone(why error) {
	x.cancel(why)
	if x.closes.Load() != nil {
		x.notifyClose()
	}
	if timeOver(why) {
		x.end <- struct{}{}
	}
}

func (m *Mount) logf(format string, args ...any) {
	if m.ErrorLog != nil {
		m.ErrorLog.Printf(format, args...)
	}
}
