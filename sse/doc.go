// Package sse sends events to browsers: server-sent events, section 9.2 of the
// HTML Living Standard (https://html.spec.whatwg.org/multipage/server-sent-events.html),
// what EventSource reads.
//
// A [Stream] is one peer, to whom any goroutine may send. A [Topic] is many
// peers, who all get what is published, and who catch up after a pause with
// what they have missed. Between two events neither holds a worker, a goroutine
// or a buffer: a connection that waits is a slot in the server's table.
//
// # Content
//
// The content ends with the connection and has no chunks, so that one copy of
// an event serves every peer. An event that is cut off is none, as the standard
// says. Caches are told not to store it (Cache-Control: no-store): a stream has
// no end at which it could be stored, a cache that waits for one keeps events
// back, and EventSource itself asks so.
//
// # Who is gone
//
// A peer is gone when its connection says so, or when it does not take the
// comment that it is sent now and then. Whoever sends to it learns it by
// pool.ErrStale. EventSource connects again by itself, and says which event it
// has seen last. A server may tell it to stop by answering 204.
package sse
