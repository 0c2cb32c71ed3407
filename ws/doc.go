// Package ws is the WebSocket protocol (RFC 6455) without I/O, for both roles:
// bytes in, values and bytes out. It knows no stream, clock, goroutine or
// logger, allocates nothing, and holds no pointer to the caller's memory; so it
// serves a driver over sockets, a loop on bare metal, and a test alike.
//
// # A connection
//
// The handshake of a server is an [Offer], filled in from the request: its Check
// says what to answer, [AppendAccept] has the one field that must be computed,
// and [SameOrigin] the policy to begin with. That of a client is
// [AppendRequest], and an [Answer] to be checked.
//
// From there on a connection needs a [Decoder] for what comes, an [Encoder] for
// what goes, which hold no pointers and can be copied, stored and zeroed as one
// likes, and [Rules], which many connections share:
//
//   - Receive bytes into a buffer and call [Decoder.Next] with all that is not
//     consumed, until it says [NeedMore]. It gives payload as it comes, in place
//     and unmasked, so that a buffer of a few bytes takes frames of any length;
//     only control frames, of [MaxPending] bytes at most, must be whole.
//   - A message goes out as frames whose headers Encoder.Data makes; AppendFrame
//     and AppendHeader write them. Control frames may stand between them. A
//     client must take each [Key] from a source of strong entropy (RFC 6455
//     section 10.3).
//   - A ping is to be answered by a pong with its payload, a close frame by a
//     close frame. State has the order of all this in a table.
//
// An error of Next is an [Error]; its [Error.Code] is what to send in a close
// frame before the stream is closed.
//
// # What is accepted
//
// What section 5 of the RFC allows and nothing else, each rule with an error of
// its own, and at the first byte that breaks it. So text that is not UTF-8 is
// refused in the midst of a frame, and a length that exceeds a limit before any
// payload. Heads of answers are taken without the tolerances of RFC 9112. There
// is no switch to be lenient.
//
// # What is not here
//
// Compression (RFC 7692) beyond the bit that announces it, which package
// ws/deflate has; reading and writing, which packages wsconn and websocket do;
// and the policy of a server: which origins, subprotocols and extensions it
// takes.
//
// # Lifetime
//
// Every []byte that a function returns is a view of the buffer that it was
// given, or what was appended to it, valid as long as the caller leaves those
// bytes alone. No type may be used by two goroutines at once, except Rules,
// which are only read.
package ws
