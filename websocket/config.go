package websocket

import (
	"io"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// Config is what a driver is made with. A zero field has the default that its
// comment names. It is not changed after New.
type Config struct {
	// Ping is how long a peer may be silent, in nanoseconds, before it is sent a
	// ping; Pong is how long it then has to send anything before the connection
	// is taken for dead. The defaults are 30 s each. A Ping of -1 is none: then
	// nothing tells of a peer that has vanished.
	Ping, Pong int64

	// Close is how long a peer has to answer our close frame, in nanoseconds,
	// before the connection is closed without the answer (RFC 6455 section
	// 7.1.1). The default is 5 s.
	Close int64

	// Extension, if it is not nil, compresses messages of the routes that ask
	// for it (Options.Compress): see package ws/deflate.
	Extension wsconn.Extension

	// Rand is the source of entropy for the masks of connections that are
	// dialled, crypto/rand.Reader on hosts. Only Dial needs it.
	Rand io.Reader

	// Subscriptions is how many there may be in all topics together. The default
	// is as many as the engine has slots; -1 is none.
	Subscriptions int

	// Long is how many blocks of LongSize bytes there are to receive into, up to
	// 4096, beside the workers' memory: one is lent to a connection that sends
	// more at once than a worker's buffer takes, for one turn, or for as long as
	// its peer does not read what it is answered. Without one, a long message
	// comes in more and smaller pieces. The default is two for each lane of the
	// backend, and none where a worker has less than 16 KB; -1 is none. There is
	// none either where a worker's buffer is as large.
	Long int

	// Panic, if it is not nil, is told what a handler has panicked with, on the
	// stack of the panic.
	Panic func(s Socket, v any)
}

const second = 1_000_000_000

// most is the longest time that can be asked for: a year.
const most = 365 * 24 * 3600 * second

// longWorker is the least memory of a worker, in bytes, with which there are
// blocks for long messages by default: smaller ones are those of small machines.
const longWorker = 16 << 10

func (c *Config) setDefaults(slots, lanes, worker int) error {
	if c.Ping == 0 {
		c.Ping = 30 * second
	}
	if c.Pong == 0 {
		c.Pong = 30 * second
	}
	if c.Close == 0 {
		c.Close = 5 * second
	}
	switch {
	case c.Subscriptions == 0:
		c.Subscriptions = slots
	case c.Subscriptions == -1:
		c.Subscriptions = 0
	}
	switch {
	case c.Long == 0 && worker >= longWorker:
		c.Long = 2 * lanes
	case c.Long == -1:
		c.Long = 0
	}
	if c.Ping < -1 || c.Ping > most || c.Pong < 0 || c.Pong > most || c.Close < 0 || c.Close > most ||
		c.Subscriptions < 0 || c.Subscriptions > 1<<26 || c.Long < 0 || c.Long > 4096 {
		return ErrConfig
	}
	return nil
}

// Options are the terms of a route. A zero field has the default that its
// comment names.
type Options struct {
	// Protocols are the subprotocols that the route speaks, the one liked best
	// first. Conn.Protocol is the one that was chosen. A client that offers none
	// of them gets a connection without one (RFC 6455 section 4.2.2); a handler
	// that does not want it closes it.
	Protocols []string

	// Origins are the origins whose pages may connect, such as
	// "https://example.com"; "*" lets all. The default is those of the request's
	// own host and port. Clients that are no browsers send no Origin, and are
	// let in. Others are answered 403 (RFC 6455 section 10.2).
	Origins []string

	// MaxMessage and MaxFrame bound what a peer may send, in bytes of payload; a
	// longer one is refused with 1009. The default is no limit for Handler.Data
	// and for straight handlers. For Handler.Message a message is never longer
	// than Driver.MaxWhole, whatever MaxMessage says.
	MaxMessage, MaxFrame uint64

	// Rate is how many messages a second a peer may send, up to 65535; one that
	// sends more is closed with 1008. The default is no limit.
	Rate int

	// Compress has messages compressed, if the client wants it and the driver
	// has an Extension.
	Compress bool

	// Mark is how many pieces of output, of the size of an output block, may
	// wait for a peer, up to 255, before Slow says what becomes of what is pushed
	// to it, and a handler that sends more waits. The default is 16. CloseSlow
	// closes the connection with 1013.
	Mark int
	Slow engine.Overflow

	// Timeout is how long the handler may take for what was received at once, in
	// nanoseconds, up to a year, before its connection is closed with 1011. The
	// default is the engine's.
	Timeout int64
}

// Handler is what a program does with the connections of a route. Its functions
// are called on a worker, for one connection one after the other, and for
// several at the same time. Each but one of Message and Data may be nil.
//
// They should not wait for anything but what a [Conn] makes them wait for: an
// evented connection holds no worker but while they run. An error that they
// return closes the connection with the code that the error has by a method
// Code() ws.Code, and else with 1011 (internal error). So does a panic; under
// TinyGo it ends the program.
type Handler struct {
	// Open is called when the connection is established, before everything else.
	Open func(c *Conn) error

	// Message takes a message, whole. The bytes are valid until it returns, and
	// its own: it may change them. Text is UTF-8 (RFC 6455 section 8.1).
	Message func(c *Conn, op ws.Opcode, p []byte) error

	// Data, instead of Message, takes messages of any length in pieces, as they
	// come: one that does not say Last may end anywhere, in the middle of a
	// character too. Nothing is kept of a message between two pieces.
	Data func(c *Conn, p ws.Part) error

	// Pong takes the payload of a pong, whether or not a ping was sent. Those to
	// the driver's own pings are empty.
	Pong func(c *Conn, p []byte) error

	// Close is called exactly once after Open, also if Open has failed or the
	// connection is lost, and is the last. code and reason are those of the close
	// frame that came first, the peer's or ours: ws.CodeNoStatus if the peer's
	// had none, ws.CodeAbnormal if there was none. Nothing can be sent any more.
	// It may run while other connections are being served by the same goroutine,
	// and should return soon.
	Close func(c *Conn, code ws.Code, reason []byte)
}
