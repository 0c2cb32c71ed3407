// Package wsconn is one WebSocket connection over a stream of bytes, as server
// or as client, in the caller's memory: the protocol of package ws with the
// waiting added. It needs no server and no operating system.
//
// A client begins with [Conn.Dial]; whoever has a stream on which the
// handshake is over, with [Conn.Reset]. Then messages come and go:
//
//   - [Conn.ReadMessage] reads one whole into a buffer. [Conn.Next] waits for
//     one, whose content is then read as it comes, of any size, with
//     [Conn.Read] or [Conn.WriteTo].
//   - [Conn.WriteMessage] sends one whole. [Conn.Begin] gives a [Writer] for
//     one whose content comes bit by bit.
//   - Pings are answered, and the end is agreed on, while somebody reads: a
//     program that only writes has a goroutine that calls Next.
//   - [Conn.CloseWith] agrees on the end. The end that the peer wants is a
//     [CloseError] from the methods that read.
//
// # Concurrency
//
// Reading is for one goroutine at a time. Everything that sends may be called
// from any number of goroutines beside it: a message is whole on the wire
// however many write, and control frames pass between the frames of a long
// one, but not inside a frame.
//
// # Time
//
// A call waits as long as the stream lets it. Who wants limits has a stream
// with deadlines; its errors come through as they are.
//
// # Memory
//
// Nothing allocates after [New], if the stream, the source of entropy and the
// codec do not. A connection is its two buffers, MinIn and MinOut bytes at
// least, and a Conn of less than a kilobyte; messages may be of any size.
package wsconn
