package wsconn

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/ws"
)

// Error is an error of this package. Its values are constants: none allocates,
// and each can be compared.
type Error uint8

// The errors of a connection, beside those of package ws, CloseError, and what
// the stream says.
const (
	_            Error = iota
	ErrAbnormal        // the stream has ended without a close frame (RFC 6455 section 7.1.5)
	ErrTooLong         // the message does not fit where it was to be read
	ErrClosed          // we have sent a close frame: nothing may follow it (RFC 6455 section 5.5.1)
	ErrCodec           // the codec could not compress
	ErrBuffer          // a buffer is smaller than MinIn or MinOut, or than what was received already
	ErrConfig          // another field of the Config is out of bounds
	ErrRand            // the source of entropy gives nothing
	ErrOpcode          // a message is text or binary
	ErrControl         // the payload of a control frame has more than ws.MaxControl bytes
	ErrCode            // the code may not be sent in a close frame
	ErrOrder           // nothing was begun that could go on
	ErrRequest         // the request of the handshake does not fit into Out
	ErrAnswer          // the head of the server's answer does not fit into In
	ErrTruncated       // the stream has ended within the server's answer
	numErrors
)

// errorTable has the text of each error and its close code.
var errorTable = [numErrors]struct {
	text string
	code ws.Code
}{
	ErrAbnormal:  {"wsconn: stream ended without a close frame", ws.CodeAbnormal},
	ErrTooLong:   {"wsconn: message does not fit into the buffer", ws.CodeTooBig},
	ErrClosed:    {"wsconn: close was sent", ws.CodeNormal},
	ErrCodec:     {"wsconn: codec cannot compress", ws.CodeInternalError},
	ErrBuffer:    {"wsconn: buffer too small", ws.CodeInternalError},
	ErrConfig:    {"wsconn: configuration out of bounds", ws.CodeInternalError},
	ErrRand:      {"wsconn: no entropy", ws.CodeInternalError},
	ErrOpcode:    {"wsconn: message that is neither text nor binary", ws.CodeInternalError},
	ErrControl:   {"wsconn: payload of a control frame too long", ws.CodeInternalError},
	ErrCode:      {"wsconn: close code that may not be sent", ws.CodeInternalError},
	ErrOrder:     {"wsconn: no message begun", ws.CodeInternalError},
	ErrRequest:   {"wsconn: request does not fit into the output buffer", ws.CodeInternalError},
	ErrAnswer:    {"wsconn: answer does not fit into the input buffer", ws.CodeInternalError},
	ErrTruncated: {"wsconn: stream ended within the answer", ws.CodeAbnormal},
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e != 0 && e < numErrors {
		return errorTable[e].text
	}
	return "wsconn: unknown error"
}

// Code is the close code that stands for the error: what the connection is
// failed with, or ws.CodeAbnormal if nothing can be sent.
func (e Error) Code() ws.Code {
	if e != 0 && e < numErrors {
		return errorTable[e].code
	}
	return ws.CodeInternalError
}

// CloseError says that the peer has closed the connection, in order: he wanted
// to, or answered our close frame. It is part of its Conn, and is valid until
// that is Reset.
type CloseError struct {
	Code   ws.Code // ws.CodeNoStatus if he gave none
	Reason []byte  // UTF-8, at most ws.MaxReason bytes, a view of the Conn's memory
}

// Error is the text of the error, with the peer's code and reason. It
// allocates.
func (e *CloseError) Error() string {
	b := make([]byte, 0, 80+ws.MaxReason)
	b = append(b, "wsconn: peer has closed: "...)
	for n := ws.Code(1000); n > 0; n /= 10 {
		b = append(b, '0'+byte(e.Code/n%10))
	}
	b = append(b, ' ')
	b = append(b, e.Code.String()...)
	if len(e.Reason) > 0 {
		b = append(b, ": "...)
	}
	for _, x := range e.Reason {
		if x < ' ' || x == 0x7F {
			x = '?' // the peer is not to break the lines of a log
		}
		b = append(b, x)
	}
	return ascii.View(b)
}

// CodeOf is the close code that the end of a connection by err is known by
// (RFC 6455 section 7.1.5): that of the peer's close frame, or what err itself
// stands for, or ws.CodeAbnormal, as for all errors of the stream.
func CodeOf(err error) ws.Code {
	switch e := err.(type) {
	case *CloseError:
		return e.Code
	case interface{ Code() ws.Code }:
		return e.Code()
	}
	return ws.CodeAbnormal
}
