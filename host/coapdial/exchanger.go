package coapdial

import (
	"context"
	"net"

	"github.com/bobtail-go/bobtail/coap"
)

// exchanger is what carries messages: a connection over TCP or TLS, or the
// message layer of UDP. Its methods may be called from any goroutine.
type exchanger interface {
	// Do sends a request and waits for its answer, whatever its code is. A token
	// of coap.MaxToken bytes is used as it is, by which some servers know what
	// belongs to one transfer. Options and payload of the answer are copied
	// into the memory given, and the message returned is a view of it. When ctx
	// ends, it is its cause.
	Do(ctx context.Context, m coap.Message, into []byte) (coap.Message, error)

	// Observe sends m, which has Observe 0, and calls f in this goroutine with
	// the answer and with each notification, in the order of their states; of
	// many that wait, the oldest are left out. The message is valid during the
	// call. Observe returns nil when the server has ended the observation: the
	// last message had no Observe option, or is an error. It returns the error
	// of f, or the cause of ctx, after it has told the server that it is over,
	// or else why the connection has failed.
	Observe(ctx context.Context, m coap.Message, f func(coap.Message) error) error

	// Ping asks for a sign of life.
	Ping(ctx context.Context) error

	// Release has the peer finish and close, and waits for that.
	Release(ctx context.Context) error

	// Close ends all. No goroutine is left when it returns.
	Close() error

	// MaxPayload is the most bytes of payload that are to be sent in a message
	// now; over TCP it has what the options leave of it. MaxAnswer is the most
	// bytes of a message that is taken.
	MaxPayload() int
	MaxAnswer() int

	// BERT reports whether both ends take blocks of several KB (RFC 8323 section
	// 6).
	BERT() bool

	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}
