package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// Method is a request method (RFC 9110 section 9). Methods are case-sensitive.
type Method uint8

// The methods of RFC 9110 section 9.3 and RFC 5789.
const (
	MethodUnset Method = iota // no method yet
	GET
	HEAD
	POST
	PUT
	DELETE
	CONNECT
	OPTIONS
	TRACE
	PATCH
	MethodOther // any other token; Head.MethodName has its bytes
	numMethods
)

// MaxMethod is the length of the longest method that is accepted, in bytes.
// The longest one registered, UPDATEREDIRECTREF, has 17.
const MaxMethod = 24

var methodNames = [numMethods]string{
	GET: "GET", HEAD: "HEAD", POST: "POST", PUT: "PUT", DELETE: "DELETE",
	CONNECT: "CONNECT", OPTIONS: "OPTIONS", TRACE: "TRACE", PATCH: "PATCH",
	MethodOther: "other",
}

// String is the method as it is on the wire, "other" for MethodOther, and ""
// for MethodUnset.
func (m Method) String() string {
	if m < numMethods {
		return methodNames[m]
	}
	return ""
}

// MethodOf is the method whose name is b, MethodUnset for an empty b, and
// MethodOther for every name that this package does not know, without a check
// that it is a token.
func MethodOf(b []byte) Method {
	if len(b) == 0 {
		return MethodUnset
	}
	for m := GET; m < MethodOther; m++ {
		if ascii.Equal(b, methodNames[m]) {
			return m
		}
	}
	return MethodOther
}

// Version is a protocol version within major version 1.
type Version uint8

// The versions that are told apart. A higher minor version than 1 is treated
// as 1.1, the highest that is implemented here (RFC 9110 section 2.5).
const (
	VersionUnset Version = iota // no version yet
	Version10                   // HTTP/1.0
	Version11                   // HTTP/1.1
)

// String is the version as it is on the wire, "" for VersionUnset.
func (v Version) String() string {
	switch v {
	case Version10:
		return "HTTP/1.0"
	case Version11:
		return "HTTP/1.1"
	}
	return ""
}

// Form is the form of a request target (RFC 9112 section 3.2).
type Form uint8

// The forms of a request target.
const (
	FormUnset Form = iota // no target yet
	Origin                // absolute-path [ "?" query ]
	Absolute              // absolute-URI with scheme http or https
	Authority             // uri-host ":" port, with CONNECT only
	Asterisk              // "*", with OPTIONS only
)

// String is the name that RFC 9112 gives to the form, without "-form".
func (f Form) String() string {
	switch f {
	case Origin:
		return "origin"
	case Absolute:
		return "absolute"
	case Authority:
		return "authority"
	case Asterisk:
		return "asterisk"
	}
	return ""
}
