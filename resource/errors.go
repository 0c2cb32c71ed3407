package resource

import "github.com/bobtail-go/bobtail/coap"

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of this package.
const (
	_               Error = iota
	ErrMisuse             // call in the wrong order, or twice; nothing of it is sent
	ErrOption             // an option that may not be sent, or has a bad value
	ErrLong               // the answer does not fit, and cannot be cut into blocks
	ErrArena              // the request's arena has not so many bytes left
	ErrSource             // a Source has given less than was asked of it
	ErrPattern            // not "METHOD /path" or "/path"
	ErrConflict           // the pattern is handled already
	ErrRoute              // a Route that says nothing, or two things
	ErrFrozen             // the router is in use: no routes can be added
	ErrFull               // no room in a table that Router bounds
	ErrPrecondition       // an If-Match or If-None-Match is not fulfilled
	ErrNotFound           // returned by a handler: there is no such resource
	ErrBadRequest         // returned by a handler: the request makes no sense
	ErrTooLarge           // returned by a handler: the payload is too large
	numErrors
)

var errorTexts = [numErrors]string{
	ErrMisuse:       "resource: response staged in the wrong order",
	ErrOption:       "resource: option cannot be sent",
	ErrLong:         "resource: answer too long",
	ErrArena:        "resource: arena exhausted",
	ErrSource:       "resource: source ended before its size",
	ErrPattern:      "resource: pattern is not of the form [METHOD ]/path",
	ErrConflict:     "resource: pattern conflicts with another",
	ErrRoute:        "resource: route is not complete",
	ErrFrozen:       "resource: router is in use",
	ErrFull:         "resource: table is full",
	ErrPrecondition: "resource: precondition failed",
	ErrNotFound:     "resource: not found",
	ErrBadRequest:   "resource: bad request",
	ErrTooLarge:     "resource: payload too large",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "resource: unknown error"
}

// Code is what a request is answered with if its handler returns the error.
func (e Error) Code() coap.Code {
	switch e {
	case ErrPrecondition:
		return coap.CodePreconditionFailed
	case ErrNotFound:
		return coap.CodeNotFound
	case ErrBadRequest:
		return coap.CodeBadRequest
	case ErrTooLarge:
		return coap.CodeRequestEntityTooLarge
	case ErrFull:
		return coap.CodeServiceUnavailable
	}
	return coap.CodeInternalServerError
}
