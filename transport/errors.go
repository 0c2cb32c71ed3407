package transport

// Error is an error of a backend. Its values are constants: none allocates,
// and each can be compared.
type Error uint8

// The errors of a backend.
const (
	_               Error = iota
	EOF                   // the peer has sent its last byte
	ErrWouldBlock         // nothing can be done now; an event will tell when
	ErrReset              // the peer, or the way to it, has ended the stream
	ErrAborted            // the client went away before it was accepted
	ErrRefused            // the peer does not accept the connection
	ErrTimedOut           // the peer did not answer
	ErrUnreachable        // there is no way to the peer
	ErrDescriptors        // no descriptor, stream or buffer is free
	ErrAddressInUse       // another program listens there
	ErrAddress            // the address is not one of this machine, or not an address
	ErrPermission         // the system does not allow it
	ErrClosed             // the listener, stream or backend is closed
	ErrNotSupported       // the backend cannot do this
	ErrSystem             // an error of the system without a name here
	numErrors
)

var errorTexts = [numErrors]string{
	EOF:             "transport: end of stream",
	ErrWouldBlock:   "transport: would block",
	ErrReset:        "transport: connection reset",
	ErrAborted:      "transport: connection aborted before it was accepted",
	ErrRefused:      "transport: connection refused",
	ErrTimedOut:     "transport: connection timed out",
	ErrUnreachable:  "transport: peer unreachable",
	ErrDescriptors:  "transport: out of descriptors",
	ErrAddressInUse: "transport: address already in use",
	ErrAddress:      "transport: address not usable",
	ErrPermission:   "transport: permission denied",
	ErrClosed:       "transport: closed",
	ErrNotSupported: "transport: not supported by this backend",
	ErrSystem:       "transport: system error",
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
	return "transport: unknown error"
}

// Of is the Error that err is: 0 if there is none, and ErrSystem for an error of
// another package.
func Of(err error) Error {
	if err == nil {
		return 0
	}
	if e, ok := err.(Error); ok {
		return e
	}
	return ErrSystem
}

// Timeout reports whether the error is a timeout.
func (e Error) Timeout() bool { return e == ErrTimedOut }
