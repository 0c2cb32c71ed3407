// Package websocket is the driver of WebSocket (RFC 6455): it serves messages on
// the slots of an engine, beside HTTP and by the same workers.
//
// A [Driver] is made for a server before it listens. Its handlers are added to
// the server's routes as others are:
//
//	sockets, err := websocket.New(srv, websocket.Config{})
//	srv.Handle("GET /echo", sockets.Upgrade(websocket.Options{}, websocket.Handler{
//		Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) },
//	}))
//
// # Which kind of handler
//
//   - [Handler.Message] takes messages whole. They are at most as long as
//     [Driver.MaxWhole], half of a worker's memory or so.
//   - [Handler.Data] takes messages of any length in pieces, as they come. A
//     frame of 1 GB passes through a worker of 16 KB, or through one of a few
//     blocks of 66 KB, which cost less for each byte (Config.Long).
//   - [Driver.Straight] runs a function for each connection, which loops. It holds
//     a worker for as long, lent while it waits, and so there are at most as many
//     as there are workers but one.
//
// The first two are evented: between messages, and in the midst of one that does
// not go on, a connection is a parked slot of 64 bytes and a record of 80. It has
// no buffer, no goroutine and no timer. What was received of a message that is
// not whole is in a block of the server's stash: when all blocks are taken, the
// sender that has stalled longest is closed with 1008.
//
// # Pushing
//
// A [Socket] is a connection for everybody: messages, pings and the close frame
// are pushed to it from any goroutine, whole and in order, without waiting and
// without allocating. When a peer does not take what it is sent, Options.Mark and
// Options.Slow say what becomes of it. A [Topic] sends what is published to all its
// subscribers: framed once, compressed once, and sharing the bytes.
//
// # What comes by itself
//
// Pings are answered. A peer that is silent is sent a ping, and closed when it
// does not answer (Config.Ping). Close frames are answered, and awaited for a
// while. Whoever breaks a rule of the protocol is told which kind by the close
// code, and is closed. Text is checked to be UTF-8. Pages of other origins are
// refused (Options.Origins). When the server shuts down, peers are told 1001.
//
// # Concurrency
//
// The functions of a Handler are called for one connection one after the other.
// A [Conn] is theirs alone, and valid until they return. Driver, Topic and Socket
// may be used from any goroutine.
//
// # Limits
//
// As long as output waits for a peer, nothing is read from it. Two ends that both
// send more than the network holds, and both do not read meanwhile, wait for each
// other until the deadline for writing; an echo and a peer that sends megabytes
// before it reads are such a pair.
//
// Compression (RFC 7692) needs an Extension, such as that of package ws/deflate.
// What is pushed to one Socket, and what is sent by Conn.Piece, is not compressed.
// A driver's Handler.Close is called on a worker, but when the engine is stopped on
// another goroutine.
package websocket
