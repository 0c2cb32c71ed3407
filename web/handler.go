package web

// Handler answers a request. It runs on a worker, written straight down: it
// may read the content and write an answer of any length, and waits in these
// calls if the peer makes it, lent to the others meanwhile.
//
// The request and all that it gives are valid until the handler returns. An
// error that it returns becomes a 500, or the status that the error has by a
// method Status() int, if no head was sent yet, and aborts the connection
// otherwise. So does a panic. A handler that answers nothing and returns nil
// has answered an empty 200.
type Handler func(w Response, r *Request) error

// Sink is a handler that takes the request's content as events, and so never
// waits for it: between two pieces the connection is parked, however slow the
// peer, and however long the content. One value serves all requests of its
// route, from several goroutines; what belongs to one request is in its
// State.
type Sink interface {
	// Piece takes the next piece of content, which is valid until it returns.
	// An error ends the request: it is answered as a Handler's is, and the
	// connection ends.
	Piece(r *Request, st *State, p []byte) error

	// End answers the request, after the last piece.
	End(w Response, r *Request, st *State) error

	// Abandon is called instead of End when the request will not be complete:
	// the peer has gone or was too slow, Piece has failed, or a handler around
	// End (Driver.Use) has answered itself. There
	// may have been no Piece before.
	Abandon(st *State)
}

// State is what a Sink may keep for a request between calls, zero at first.
type State [2]uint64

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of a handler's calls.
const (
	_           Error = iota
	ErrMisuse         // call in the wrong order; nothing of it is sent
	ErrAbort          // returned by a handler: abort the connection
	ErrPanic          // the handler panicked
	ErrPattern        // not "METHOD /path" or "/path"
	ErrConflict       // the pattern is handled already
	ErrArena          // the request's arena has not so many bytes left
	ErrMemory         // the worker's memory is too small
	ErrSource         // a Source has ended before its length
	ErrNoServer       // there is no server around the handler, which this needs
	ErrContent        // the request's content is not here yet
	ErrBeats          // there are too many different beats
	ErrBusy           // no further worker may be held by a handler at this time
	numErrors
)

var errorTexts = [numErrors]string{
	ErrMisuse:   "web: response staged in the wrong order",
	ErrAbort:    "web: aborted by the handler",
	ErrPanic:    "web: handler panicked",
	ErrPattern:  "web: pattern is not of the form [METHOD ]/path",
	ErrConflict: "web: pattern conflicts with another",
	ErrArena:    "web: arena exhausted",
	ErrMemory:   "web: worker memory too small",
	ErrSource:   "web: source ended before its length",
	ErrNoServer: "web: not possible outside of a server",
	ErrContent:  "web: content of the request has not come yet",
	ErrBeats:    "web: too many different beats",
	ErrBusy:     "web: no worker to be held",
}

// Status is what to answer if a handler returns the error: 503 for ErrBusy, and
// 500 for the others.
func (e Error) Status() int {
	if e == ErrBusy {
		return 503
	}
	return 500
}

// Abort reports whether the error says that the connection is to be aborted.
func (e Error) Abort() bool { return e == ErrAbort }

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "web: unknown error"
}
