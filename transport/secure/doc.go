// Package secure is TLS over any backend: a [Backend] wraps another one, and
// is one. Listeners opened by ListenSecure take TLS clients; those opened by
// Listen are the inner backend's own, and their streams are passed through
// without being looked at. The engine, the pool and the drivers do not know.
//
// The protocol is crypto/tls's: versions 1.2 and 1.3, certificates by server
// name, client certificates and session tickets as the [tls.Config] says, and
// ALPN (RFC 7301) "http/1.1" unless it names others. Streams that are dialled
// are plain.
//
// # How it works
//
// A tls.Conn blocks, and a backend must not. After the handshake that is only
// appearance: crypto/tls takes a read error which says that it is temporary
// for what it is, and goes on where it stood when it is called again. So a
// tls.Conn is driven over a shim whose Read fails so when the inner stream is
// empty, and whose Write takes everything into a block of memory that is then
// sent; while the block is not empty, no plaintext is taken. Between two
// requests a stream has no goroutine and no buffer but what tls.Conn keeps.
//
// The handshake does need a goroutine. It gets one when the client's first
// record is complete, or 4 KB of it have come, so that clients who connect and
// say nothing cost none.
// At most Config.Handshakes run; others wait their turn, and then whoever has
// kept a handshake waiting for more than a second goes. Config.Timeout ends
// each, if the deadline of the engine's open phase has not before.
//
// A client that speaks plain HTTP is told so, by a plain answer with status
// 400.
//
// # Memory
//
// Measured on linux/amd64 with Go 1.26 over epoll, ECDSA P-256, beside what
// the inner backend and the kernel hold, for a client such as curl or Go's:
// see [ParkedMemory], [ShakingMemory] and [BlockedMemory]. A client that sends
// records of full size (16 KB, in uploads) makes its tls.Conn keep a buffer
// for them until it leaves: up to 20 KB more, and one that sends a message of
// the protocol that is never complete, up to 64 KB. Each record received costs an
// allocation of some bytes inside crypto/tls, garbage at once; this package
// makes none between Wait and Send.
//
// # Deviations from the contract
//
// Tags whose upper half is 0xb0b7a115 and whose bit 31 is set are this
// package's own; Attach and Listen refuse them with ErrNotSupported. The
// engine uses none of them.
package secure
