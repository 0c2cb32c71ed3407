package websocket

// Error is an error of this package: what a program has done wrong, or cannot
// have. Its values are constants. What peers do wrong are errors of package ws.
type Error uint8

// The errors of this package.
const (
	_            Error = iota
	ErrClosed          // the connection is closing: nothing more may be sent
	ErrLong            // longer than may be sent in one piece
	ErrConfig          // a count, a time or a size is out of its bounds
	ErrNoRand          // to dial, Config.Rand is needed: masks must be unpredictable (RFC 6455 section 10.3)
	ErrFull            // no room for another subscription
	ErrPanic           // the handler panicked
	ErrDead            // the peer has not answered a ping
	ErrHandshake       // the server did not answer as RFC 6455 section 4.1 wants
	numErrors
)

var errorTexts = [numErrors]string{
	ErrClosed:    "websocket: connection is closing",
	ErrLong:      "websocket: message too long",
	ErrConfig:    "websocket: configuration out of bounds",
	ErrNoRand:    "websocket: no source of entropy to dial with",
	ErrFull:      "websocket: no room for another subscription",
	ErrPanic:     "websocket: handler panicked",
	ErrDead:      "websocket: peer does not answer",
	ErrHandshake: "websocket: handshake failed",
}

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
	return "websocket: unknown error"
}
