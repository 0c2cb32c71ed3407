package coapconn

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// Error is an error of this package. Its values are constants: none allocates,
// and each can be compared.
type Error uint8

// The errors of a connection, beside those of package coap, EndError, and what
// the stream says.
const (
	_            Error = iota
	ErrEnded           // the peer has closed the stream, without a word, between two messages
	ErrTruncated       // the stream has ended within a message
	ErrReleased        // a Release was sent, or has come: no request may follow it (RFC 8323 section 5.5)
	ErrAborted         // we have sent an Abort: the connection is over (RFC 8323 section 5.6)
	ErrClosed          // Close was called, or Reset never
	ErrTooLong         // the message is longer than the peer takes (RFC 8323 section 5.3.1); nothing of it was sent
	ErrAnswer          // the answer does not fit into Call.Into
	ErrOption          // the answer has a critical option that is not understood (RFC 7252 section 5.4.1)
	ErrCancelled       // the call was cancelled
	ErrCall            // a Call that is neither a request nor a ping, or observes without Notify
	ErrInUse           // the Call, or the Conn, is in use
	ErrBuffer          // a buffer is smaller than its least size
	ErrConfig          // another field of the Config is out of bounds
	ErrRoom            // no room is kept for an answer, and the stream tells of none
	ErrSlow            // the peer does not take what is pushed, and the policy is to give him up
	numErrors
)

var errorTexts = [numErrors]string{
	ErrEnded:     "coapconn: peer has closed the stream",
	ErrTruncated: "coapconn: stream ended within a message",
	ErrReleased:  "coapconn: connection is released",
	ErrAborted:   "coapconn: connection was aborted",
	ErrClosed:    "coapconn: connection is closed",
	ErrTooLong:   "coapconn: message longer than the peer takes",
	ErrAnswer:    "coapconn: answer does not fit",
	ErrOption:    "coapconn: answer with an unknown critical option",
	ErrCancelled: "coapconn: call cancelled",
	ErrCall:      "coapconn: call of nothing that can be sent",
	ErrInUse:     "coapconn: in use",
	ErrBuffer:    "coapconn: buffer too small",
	ErrConfig:    "coapconn: configuration out of bounds",
	ErrRoom:      "coapconn: no room for an answer",
	ErrSlow:      "coapconn: peer too slow",
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
	return "coapconn: unknown error"
}

// EndError says that the peer has ended the connection, and what he said. It is
// part of its Conn or Served, and is valid until that is Reset.
type EndError struct {
	Code       coap.Code   // coap.CodeRelease, which is in order, or coap.CodeAbort
	HoldOff    uint32      // of a Release: for how many seconds not to come back; 0 if he did not say
	BadOption  coap.Option // of an Abort: the option of our CSM that he cannot take; 0 if he did not say
	Address    []byte      // of a Release: where to connect instead, the first of those that he names
	Diagnostic []byte      // of an Abort: the text, cut off where it is longer than MaxDiagnostic

	room [coap.MaxAddress]byte
}

// MaxDiagnostic is how much of an Abort's text is kept, in bytes.
const MaxDiagnostic = coap.MaxAddress

// release notes a Release (RFC 8323 section 5.5).
func (e *EndError) release(m *coap.Message) {
	r := coap.ParseRelease(m.Options)
	*e = EndError{Code: coap.CodeRelease, HoldOff: r.HoldOff}
	if a, ok := r.Addresses.Next(); ok {
		e.Address = e.room[:copy(e.room[:], a)]
	}
}

// abort notes an Abort (RFC 8323 section 5.6).
func (e *EndError) abort(m *coap.Message) {
	*e = EndError{Code: coap.CodeAbort, BadOption: coap.ParseAbort(m.Options)}
	e.Diagnostic = e.room[:copy(e.room[:], m.Payload)]
}

// Error is the text of the error, with what the peer said. It allocates.
func (e *EndError) Error() string {
	b := make([]byte, 0, 80+MaxDiagnostic)
	said := e.Diagnostic
	if e.Code == coap.CodeRelease {
		b = append(b, "coapconn: peer has released the connection"...)
		said = e.Address
	} else {
		b = append(b, "coapconn: peer has aborted the connection"...)
	}
	if len(said) != 0 {
		b = append(b, ": "...)
	}
	for _, x := range said {
		if x < ' ' || x == 0x7F {
			x = '?' // the peer is not to break the lines of a log
		}
		b = append(b, x)
	}
	return ascii.View(b)
}
