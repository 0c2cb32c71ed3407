package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
)

// Terms are what a driver says of a request beside the message: what the peer
// can take, and who it is.
type Terms struct {
	// Max is the most bytes of the answer's options, marker and payload
	// together, as far as the peer limits them; 0 is no limit. The capacity
	// that the answer is given limits them too. What does not fit is cut into
	// blocks, also over TCP for a peer whose CSM says nothing of blocks (RFC 8323
	// section 5.3.2): it may know them all the same.
	Max int

	// BERT says that blocks of several KB may be used (RFC 8323 section 6):
	// on a reliable transport, between two who both have announced Block-Wise-Transfer and a
	// Max-Message-Size over 1152.
	BERT bool

	// Reliable says that messages arrive, once, and in order.
	Reliable bool

	// SZX is the size of the blocks that we cut, 0 to 6, if the peer asks for
	// none; where BERT is on it is not looked at. Less is taken if less fits.
	SZX uint8

	Pusher Pusher         // who pushes to the peer; nil if nothing can be
	Peer   uint64         // its name for the peer
	Remote transport.Addr // where the peer is; if unset, Pusher is asked by RemoteOf(worker int) transport.Addr, if it has that
	Now    int64          // nanoseconds of the driver's clock
}

// Answer is what is to be sent for a request.
type Answer struct {
	Code  coap.Code
	Body  []byte // options, marker and payload
	Later bool   // the answer comes by a Ticket: nothing is to be sent now, and Code is 0
	None  bool   // the peer wants no answer of this class (RFC 7967): Code and Body are what it was
}

// Pusher sends responses to peers, from any goroutine: notifications of a
// Topic, and the answers of Tickets. Drivers implement it, by a pointer: it is
// compared.
type Pusher interface {
	// Push sends a message to a peer, whole or not at all, and neither waits
	// nor keeps any of m. mark is how many pieces of output may wait for the
	// peer, 0 any number, and o what becomes of the message if more do. The
	// errors are pool.ErrStale when the peer is gone, pool.ErrSealed when it
	// is about to go, pool.ErrBacklog for one who is slow, and pool.ErrFull.
	Push(peer uint64, m coap.Message, mark int, o engine.Overflow) error
}
