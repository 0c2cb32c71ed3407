// Package coap is the Constrained Application Protocol (RFC 7252) without I/O,
// for both roles, over reliable transports (RFC 8323) and over UDP: bytes in,
// values and bytes out. It knows no connection, clock, goroutine or logger,
// allocates nothing, and holds no pointer to the caller's memory; so it serves a
// driver over sockets, a loop on bare metal, and a test alike.
//
// # Messages
//
// A [Message] is a code, a token, options and a payload, as views of the buffer
// that it was read from. [ParseTCP] reads the message at the front of a stream,
// and says by a length of 0 that it needs more; [ParseTCPHeader] tells the
// length of a message, and so whether it will fit, from its first bytes alone.
// [ParseUDP] reads a datagram. [AppendTCP] and [AppendUDP] write them.
//
// [Options] stay as they are encoded, and are gone through by an [Iter], which
// takes a few nanoseconds an option: there is no table of them to be filled or
// to be too small. Get, Uint, Query and others look for one. [AppendOption]
// writes them in order, [InsertOption] in any order.
//
// Whoever handles a request asks [Options.Critical] first. Options that it does
// not find, and that are malformed, are as if they were not there (RFC 7252
// section 5.4.3): Get passes over them.
//
// # A connection
//
// Over a reliable transport a connection needs a [Session], which says of each
// message what is to be done about it, and has the [Settings] of the peer.
// State has the order of all this in a table. What goes out first is
// [AppendCSM].
//
// # What is supported
//
//   - RFC 7252, the Constrained Application Protocol: the messages, options and
//     URIs; what [Type] and message ID are for is left to the caller
//   - RFC 8323 over TCP and TLS: messages, signaling, BERT, URIs
//   - RFC 7641, Observe: [Newer]
//   - RFC 7959, transfers by blocks: [Block]
//   - RFC 8974, extended tokens: of up to [MaxExtendedToken] bytes. A caller
//     that has not agreed to them refuses what is longer than [MaxToken]
//   - RFC 6690, the link format: [ParseLinks], [Link.Match], [AppendLink]
//   - the numbers of RFC 7967 (No-Response), RFC 8132 (FETCH, PATCH, iPATCH), RFC
//     8516 (4.29), RFC 8613 (OSCORE), RFC 8768 (Hop-Limit), RFC 9175 (Echo,
//     Request-Tag), RFC 9177 (Q-Block1, Q-Block2), RFC 9668 (EDHOC)
//
// Not supported are messages over WebSockets (RFC 8323 section 4) and their
// URIs, what OSCORE and EDHOC encrypt, and the transfers of RFC 9177. What is a
// matter of time, such as retransmission over UDP, is not here either.
//
// # What is accepted
//
// What the grammars allow and nothing else, each rule with an error of its own,
// [Error], whose Code says what to answer. Lengths have one spelling on the
// wire, so a message is written as it was read. Unsigned integers may have
// leading zeros, as RFC 7252 section 3.2 wants. Values are not looked at unless
// they are asked for; text is not checked to be UTF-8.
//
// # Lifetime
//
// Every []byte that a function returns is a view of the buffer that it was
// given, or what was appended to it, valid as long as the caller leaves those
// bytes alone. Appending to a view does not reach behind it. No type may be used
// by two goroutines at once, except to be read.
package coap
