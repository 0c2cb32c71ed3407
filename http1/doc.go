// Package http1 is HTTP/1.1 without I/O, in the role of a server (RFC 9110,
// RFC 9112): bytes in, values and bytes out. It knows no connection, clock,
// goroutine or logger, allocates nothing, and holds no pointer to the caller's
// memory; so it serves a driver over sockets, a loop on bare metal, and a test
// alike.
//
// # A connection
//
// What a connection needs is a [Head], a [Body], a [Response] and a [State],
// which hold no pointers and can be copied, stored and zeroed as one likes, and
// a [Parser], which all connections share. A request goes like this:
//
//   - Receive bytes into a buffer and call [Parser.Parse] with all that is in
//     it, until it says done. In between the connection can be put away: call
//     [Head.Compact], copy what is in use of the buffer and what [Head.Save]
//     writes to a smaller place, and bring both back when there are more bytes.
//   - Content begins at [Head.Scanned]. [Head.Body] knows its framing;
//     [Body.Next] takes it piece by piece. What follows its end is the next
//     request.
//   - [Response.Init], then the Append methods in their order, and send what
//     they append. [Response.KeepAlive] tells whether there is a next request.
//
// An error of Parse or Next is an [Error]; its [Error.Status] is what to answer
// before the connection is closed. State has the order of all this in a table.
//
// # Heads larger than the buffer
//
// The head is a stream. Fields that frame the content or the connection are
// acted on, fields that [Parser.Keep] names are kept, and all others are
// checked, counted and forgotten: Compact gives their bytes back, even half way
// through a value. A buffer of 512 bytes takes the head of a browser with 8 KB
// of cookies. Only when what must be kept does not fit is [Head.Overflow] the
// answer, 414 or 431.
//
// # What is accepted
//
// One spelling of each thing, as the grammar has it, for the sake of which see
// RFC 9112 section 11.2 on request smuggling. Refused are, each by an error of
// its own: LF without CR and CR without LF, folded lines, white space before a
// colon, controls and NUL, a missing, second, empty or malformed Host, a second
// Content-Length even if it is equal, Transfer-Encoding beside Content-Length or
// in HTTP/1.0 or with another coding than chunked, and targets with a fragment
// or user information. There is no switch to be lenient.
//
// Two empty lines before a request are ignored (RFC 9112 section 2.2), and
// targets may have visible characters that RFC 3986 wants encoded, since
// browsers send them.
//
// # What is not here
//
// The role of a client; transfer codings other than chunked; trailer fields of
// a request, which are checked and dropped; HTTP/0.9 and HTTP/2. Paths and
// queries are given as they were sent: decoding them, and refusing "..", is up
// to the caller, as is what a method or a status means.
//
// # Lifetime
//
// Every []byte that a method returns is a view of the buffer that it was given,
// valid as long as the caller leaves those bytes alone. No type may be used by
// two goroutines at once, except Parser, FieldSet and Limits, which are only
// read.
package http1
