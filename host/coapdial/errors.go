package coapdial

import (
	"strings"

	"github.com/bobtail-go/bobtail/coap"
)

// Error is what is wrong with what a program or a server has said, other than
// what packages coap, coapconn, net and crypto/tls find wrong.
type Error uint8

// The errors.
const (
	ErrConfig  Error = iota + 1 // a number of the Config, or of the Request, is out of bounds
	ErrScheme                   // no scheme that can be dialled: coap, coap+tcp or coaps+tcp
	ErrMethod                   // the method is none, or cannot observe
	ErrOption                   // an option that the client sets itself, or one that is too long
	ErrTooLong                  // the options leave no room for a payload, or the body has more blocks than can be counted
	ErrBody                     // the body ends before Request.Size, or goes on behind it
	ErrBlock                    // a block that is not the one that was asked for (RFC 7959)
	ErrStopped                  // the server answers before it has all of the body, as if it were all
	ErrChanged                  // the content has changed while it was fetched, again and again, or where what was written cannot be taken back
	ErrMaxBody                  // the answer is longer than Config.MaxBody
	ErrTimeout                  // nothing was sent within Config.Stuck
)

var texts = [...]string{
	ErrConfig:  "a number out of bounds",
	ErrScheme:  "want a URI such as coap+tcp://host/path, coaps+tcp://host/path or coap://host/path",
	ErrMethod:  "a method that is none, or cannot observe",
	ErrOption:  "an option that the client sets itself, or that is too long",
	ErrTooLong: "the request is too long",
	ErrBody:    "the body has not the size that was announced",
	ErrBlock:   "the server sends another block than was asked for",
	ErrStopped: "the server answers before it has the whole body",
	ErrChanged: "the content changes while it is fetched",
	ErrMaxBody: "the answer is too long",
	ErrTimeout: "the peer takes nothing",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if int(e) < len(texts) && texts[e] != "" {
		return "coapdial: " + texts[e]
	}
	return "coapdial: unknown error"
}

// Timeout reports whether e is a timeout, as net.Error says it.
func (e Error) Timeout() bool { return e == ErrTimeout }

// Temporary is there for net.Error, and false.
func (e Error) Temporary() bool { return false }

// The steps of Dial, in their order: values of OpError.Op.
const (
	OpPrepare = "prepare" // check the URI and the Config
	OpConnect = "connect" // resolve the host's name and connect
	OpTLS     = "tls"     // TLS's handshake with the server
)

// OpError is how Dial fails: at which step, for which URI, and why.
type OpError struct {
	Op  string // one of the constants Op...
	URI string // without the query, which may be a secret
	Err error  // an Error, a coap.Error, the context's cause, or what packages net and crypto/tls return
}

// Error names the URI, and what Err says.
func (e *OpError) Error() string {
	return "coapdial: " + e.URI + ": " + strings.TrimPrefix(e.Err.Error(), "coapdial: ")
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// CodeError is an answer of the classes 4 and 5: the server has refused or
// failed.
type CodeError struct {
	Code       coap.Code
	Diagnostic string // what the server says of it, for people (RFC 7252 section 5.5.2); "" if nothing
}

// Error has the code, its name, and the diagnostic.
func (e *CodeError) Error() string {
	text := "coapdial: the server answers " + e.Code.String()
	if name := e.Code.Name(); name != "" {
		text += " " + name
	}
	if e.Diagnostic != "" {
		text += ": " + strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7F {
				return '?' // the peer is not to break the lines of a log
			}
			return r
		}, e.Diagnostic)
	}
	return text
}
