package web

import (
	"io"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/pool"
)

// This file lets a connection leave HTTP (RFC 9110 section 7.8): to another
// driver of the same engine, or to the handler of its last request.

// Protocol is what a connection can be switched to: another driver of the same
// engine, as it is seen from here. A pointer to it costs no allocation.
type Protocol interface {
	// Number is the driver's number in its engine: see engine.Engine.AddDriver.
	Number() int

	// Begin takes a connection over, as its driver's Serve does: it does what
	// can be done with the bytes at hand, and says what is next. The slot is
	// the driver's already, with its state zero and in no phase, so that Begin
	// must Enter one, or set an Alarm, before it parks. The response may not be
	// sent yet (Worker.Pending); what Begin sends goes behind it.
	//
	// rest is what was received behind the request. It lies somewhere in
	// w.Memory, and is valid during the call. value is the request's
	// (Request.Value). If the server is shutting down, Serve is called soon
	// after.
	Begin(w *engine.Worker, s *pool.Slot, rest []byte, value any) engine.Verdict
}

// Switch ends the response with a change of protocol: the head, without fields
// that frame content, is sent when the handler returns nil, after the answers
// to the requests before it, and then the connection is p's. The status is 101,
// and the fields, among them Upgrade and Connection, are the handler's to give.
// A handler that returns an error, or panics, is answered as always, and p gets
// nothing.
//
// The request must ask for another protocol (http1.Head.Upgrade, which a request
// of HTTP/1.0 cannot), must not be HEAD, and all of its content must have been
// read; else the error is ErrMisuse, and 500 is answered if the handler returns
// it. Outside of a server it is ErrNoServer. Neither content nor further fields
// may be given after.
//
// Config.Access is told of status 101 when p is about to take the connection.
func (h Head) Switch(p Protocol) error {
	x := h.x
	if err := x.mayLeave(); err != nil {
		return err
	}
	if x.w == nil {
		return x.keep(ErrNoServer)
	}
	x.d.use(modeSwitch, &switchCalls)
	x.then, x.protocol = modeSwitch, p
	return nil
}

// mayLeave reports why the connection may not leave HTTP with the response that
// has begun.
func (x *Exchange) mayLeave() error {
	switch head := x.conn.Head(); {
	case x.err != nil:
		return x.err
	case x.conn.State() != http1.StateContent || x.conn.HeadDone() || x.conn.Code() != http1.StatusSwitchingProtocols,
		!head.Upgrade() || head.Method() == http1.HEAD || x.then != modeRequest:
		return x.keep(ErrMisuse)
	}
	return nil
}

var switchCalls = modeCalls{leave: (*Exchange).switched}

// switched gives a connection whose handler has returned to its new protocol.
func (x *Exchange) switched(_ error, began int64) (next, engine.Verdict, bool) {
	p := x.protocol
	x.protocol = nil
	x.counts.class(http1.StatusSwitchingProtocols)
	if x.d.cfg.Access != nil {
		x.d.cfg.Access(&x.req, http1.StatusSwitchingProtocols, 0, x.d.e.Backend().Now()-began)
	}
	if err := x.send(x.conn.Staged(), nil); err != nil {
		return nextEnd, engine.Abort, true
	}
	x.conn.Unstage()
	_, rest, err := x.conn.Unbind()
	if err != nil {
		panic("BUG: web: switched in state " + x.conn.State().String())
	}
	x.d.e.Pool().Stash.Drop(x.s)
	x.w.Switch(x.s, p.Number())
	if x.d.e.Closing() {
		// Shutdown may have looked at this slot before.
		x.d.e.Wake(x.handle)
	}
	value := x.value
	x.value = nil
	return nextEnd, p.Begin(x.w, x.s, rest, value), true
}

// Held is a connection that a handler has for the rest of its life: see
// [Head.Hold].
type Held struct {
	// Stream is the connection. It is nil outside of a server.
	Stream *engine.Stream

	// RW is the connection too, also outside of a server: there it is what
	// ServeStream was given.
	RW io.ReadWriter

	// Rest is what was received behind the request.
	Rest []byte

	// Memory is what is free of the worker's memory, at least an eighth of it.
	Memory []byte
}

// Hold ends the response with a change of protocol, as Switch does, but gives
// the connection to the handler, which holds its worker while it is at it: the
// head is sent at once, behind the answers to the requests before it. The
// request stays valid, and has arena left for the values of its target, if each
// is asked for once. When the handler returns, the connection ends: in order if
// it returns nil, else it is aborted.
//
// The handler has a deadline (engine.Stream.Extend moves it), may wait (its
// worker is lent then, and may be reclaimed), and should learn when the server
// shuts down (engine.Stream.ReadWithin). Of the server's workers, one is always
// kept from being held, unless it is the only one: if this would be the last,
// the error is ErrBusy, and 503 is answered if the handler returns it.
//
// The other errors are those of Switch, except that it can be called outside of
// a server, and those of writing. The status is counted when it is sent;
// Config.Access is told when the handler has returned.
func (h Head) Hold() (Held, error) {
	x := h.x
	if err := x.mayLeave(); err != nil {
		return Held{}, err
	}
	if x.w != nil && !x.w.TryLend() {
		return Held{}, x.keep(ErrBusy)
	}
	if err := x.conn.EndHead(); err != nil {
		return Held{}, x.keep(err)
	}
	if err := x.conn.Complete(); err != nil {
		return Held{}, x.keep(err)
	}
	x.then = modeHeld
	if x.w != nil {
		x.d.use(modeHeld, &heldCalls)
	}
	x.counts.class(http1.StatusSwitchingProtocols)
	_, rest, err := x.conn.Unbind()
	if err != nil {
		return Held{}, x.keep(err)
	}
	held := Held{RW: x.in, Rest: rest[:len(rest):len(rest)], Memory: x.free(rest)}
	if x.w != nil {
		held.Stream = x.w.Stream()
		held.RW = held.Stream
	}
	return held, nil
}

// free is the memory behind what was received, as far as the request does not
// need it: what is not free of the arena stays for what handlers ask of it.
func (x *Exchange) free(rest []byte) []byte {
	in, out, _ := shares(x.memory)
	from, to := len(in)-(cap(rest)-len(rest)), len(in)+len(out)
	if x.used == 0 {
		// All values of a target together are no longer than it is.
		x.used = len(x.arena) - min(len(x.conn.Head().Target(x.conn.Bytes())), len(x.arena)/2)
		to += x.used
	}
	return x.memory[from:to:to]
}

var heldCalls = modeCalls{leave: (*Exchange).unheld}

// unheld ends a connection whose handler has held it.
func (x *Exchange) unheld(err error, began int64) (next, engine.Verdict, bool) {
	if x.d.cfg.Access != nil {
		x.d.cfg.Access(&x.req, http1.StatusSwitchingProtocols, 0, x.d.e.Backend().Now()-began)
	}
	if err != nil {
		return nextEnd, engine.Abort, true
	}
	x.d.e.Pool().Stash.Drop(x.s)
	return nextEnd, engine.Linger, true
}
