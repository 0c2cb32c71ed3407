package coapudp

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of servers and connections.
const (
	_             Error = iota
	ErrConfig           // a number in a configuration is out of its bounds; Validate tells which
	ErrServing          // Serve was called before
	ErrClosed           // the server or the connection was closed
	ErrUnanswered       // the peer has neither answered nor acknowledged, however often it was asked (RFC 7252 section 4.2)
	ErrReset            // the peer has rejected the message by a Reset (RFC 7252 section 4.2)
	ErrTooLong          // a message is longer than a datagram may be, or than the memory for it
	ErrRequest          // what should be sent is no request
	ErrToken            // a request with the same token is under way
	ErrOption           // the answer has a critical option that is not known (RFC 7252 section 5.4.1)
	numErrors
)

var errorTexts = [numErrors]string{
	ErrConfig:     "coapudp: a number in the configuration is out of its bounds",
	ErrServing:    "coapudp: the server serves already, or did",
	ErrClosed:     "coapudp: closed",
	ErrUnanswered: "coapudp: no answer from the peer",
	ErrReset:      "coapudp: the peer has rejected the message",
	ErrTooLong:    "coapudp: message too long",
	ErrRequest:    "coapudp: not a request",
	ErrToken:      "coapudp: token in use",
	ErrOption:     "coapudp: answer with an unknown critical option",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "coapudp: unknown error"
}

// Timeout reports whether the error is a timeout, as net.Error says it.
func (e Error) Timeout() bool { return e == ErrUnanswered }

// Temporary is there for net.Error, and false.
func (e Error) Temporary() bool { return false }
