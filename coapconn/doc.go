// Package coapconn is one connection of CoAP over a reliable stream of bytes
// (RFC 8323), at either end, in the caller's memory: the protocol of package
// coap with the waiting added. It needs no server and no operating system.
//
// There are two kinds. A [Conn] asks, many requests at a time, and may serve the
// requests of the other end on the same connection; it has a goroutine that
// reads. A [Served] only serves, and is polled by a loop of the program's own,
// over a stream that never waits.
//
// # Asking
//
// [Conn.Reset] begins a connection, and [Conn.Run] reads until it ends.
// Meanwhile any number of goroutines ask:
//
//   - [Conn.Do] sends the request of a [Call] and waits for its answer.
//     [Conn.Start] only sends it, so that one goroutine can have many under way.
//   - A Call with the Observe option and a Notify is an observation (RFC 7641),
//     until [Conn.Cancel].
//   - A Call of coap.CodePing asks for a sign of life.
//   - [Conn.Release] ends the connection in order, [Conn.Abort] at once.
//
// Transfers by blocks (RFC 7959) are the caller's business; package
// host/coapdial does them, with contexts and deadlines, for programs that have
// package net.
//
// # Serving
//
// Requests of the other end go to a resource.Router, in the same connection
// whichever end has opened it ("call home"): an appliance behind a router that
// translates addresses connects to its server, which then asks it.
//
// A request is taken only when there is room for its answer, so that none is
// lost and no 5.03 is needed for want of room. What a peer sends who does not
// read waits in the stream, and holds him back.
//
// # Concurrency
//
// Everything that sends may be called from any number of goroutines. Messages
// are whole on the wire whoever sends, and what gathers while one is being
// written goes out by one Write. Answers are matched by their tokens, in any
// order.
//
// # Time
//
// A call waits as long as the stream lets it, and as its peer lets it wait,
// unless it is stopped by a channel such as that of a context. Its token stays
// in use until its answer has come, so that no other request is given that
// answer: a peer that does not answer at all can be waited for by no more calls
// than Config.Exchanges.
//
// # Memory
//
// Nothing allocates after [New], but the first Start of each Call (a channel),
// if the stream and the handlers do not. A Conn is its buffers and about a
// kilobyte; a Served is its ServedConfig.Keep, two messages, and less than that:
// none, and some 600 bytes, where the stream can be peeked and tells of its room.
package coapconn
