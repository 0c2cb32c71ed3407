package coaptcp

import (
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// This file sends what others than the slot's owner have to say.

// heads are where what is in front of the payload of a message that is pushed is
// put together: on the stack it would be on the heap of TinyGo. There are several,
// so that who pushes seldom waits for another, and one for long ones.
type heads struct {
	short [4]struct {
		sync.Mutex
		token [tokenSize]byte
		b     [96]byte
	}
	long struct {
		sync.Mutex
		b []byte
	}
}

// mostMark bounds the marks, so that a queue has room for an answer, too.
const mostMark = 192

// Push implements resource.Pusher: it sends a message to a peer from any
// goroutine, whole and in the order in which one goroutine has pushed it. peer is
// the pool.Handle of its connection (resource.Request.Peer), mark is how many
// pieces of output, of the size of an output block, may wait for it, and overflow
// what becomes of the message if they do.
//
// A mark of 0 is for what the peer waits for, as an answer by a ticket: it is never
// dropped for what is pushed later, and if there is no room for it, the connection
// ends, so that the peer knows. That is reported too.
//
// The errors are those of engine.Engine.Push, and ErrLong for a message that is
// longer than the peer takes (RFC 8323 section 5.3.1).
func (d *Driver) Push(peer uint64, m coap.Message, mark int, overflow engine.Overflow) error {
	h := pool.Handle(peer)
	err := d.send(h, m, 0, mark, overflow)
	if mark <= 0 && (pool.ErrFull.Is(err) || pool.ErrBacklog.Is(err)) {
		d.e.Kill(h)
	}
	return err
}

// send is Push of a message with the token of a request of our own, if own is not
// 0.
func (d *Driver) send(h pool.Handle, m coap.Message, own uint32, mark int, overflow engine.Overflow) error {
	if uint(h.Index()) >= uint(len(d.records)) {
		return pool.ErrStale
	}
	r := &d.records[h.Index()]
	limit := r.limit.Load()
	if limit == 0 {
		limit = coap.BaseMessage
	}
	k := &d.heads.short[h.Index()%len(d.heads.short)]
	k.Lock()
	if own != 0 {
		k.token = [tokenSize]byte{byte(own >> 24), byte(own >> 16), byte(own >> 8), byte(own)}
		m.Token = k.token[:]
	}
	n := coap.MaxTCPHeader + len(m.Token) + len(m.Options) + 1
	err := error(ErrLong)
	switch {
	case n+len(m.Payload) > int(limit) && coap.SizeTCP(m) > uint64(limit):
	case n <= len(k.b):
		err = d.push(h, appendHead(k.b[:0], m), m.Payload, mark, overflow)
	default:
		l := &d.heads.long
		l.Lock()
		if n <= cap(l.b) {
			err = d.push(h, appendHead(l.b[:0], m), m.Payload, mark, overflow)
		}
		l.Unlock()
	}
	k.Unlock()
	return err
}

func (d *Driver) push(h pool.Handle, head, body []byte, mark int, overflow engine.Overflow) error {
	if mark <= 0 {
		return d.e.PushFixed(h, head, body, mostMark)
	}
	return d.e.Push(h, head, body, min(mark, mostMark), overflow)
}

// Answered is for the resources: they call it when a request of a peer is not
// waiting any more for the answer that a ticket gives.
func (d *Driver) Answered(peer uint64) {
	h := pool.Handle(peer)
	if uint(h.Index()) >= uint(len(d.records)) {
		return
	}
	if r := &d.records[h.Index()]; r.waiting.Load() && r.waiting.Swap(false) {
		d.e.Wake(h)
	}
}

// appendHead appends what is in front of the payload.
func appendHead(dst []byte, m coap.Message) []byte {
	rest := int(coap.SizeBody(m.Options, m.Payload))
	dst = append(coap.AppendTCPHeader(dst, m.Code, m.Token, rest), m.Options...)
	if len(m.Payload) > 0 {
		dst = append(dst, 0xFF) // RFC 7252 section 3: the payload marker
	}
	return dst
}

// Release asks a peer to finish and to close its connection, and for holdOff
// seconds, if that is not 0, not to come back (RFC 8323 section 5.5). What was
// asked before is answered. If the peer does not close, we do, after the engine's
// patience for that. It fails with pool.ErrStale if the connection is over.
func (d *Driver) Release(h pool.Handle, holdOff int) error {
	if uint(h.Index()) >= uint(len(d.records)) {
		return pool.ErrStale
	}
	if st, now := d.e.Pool().StateAt(h.Index()); now != h || st == pool.Free {
		return pool.ErrStale
	}
	r := &d.records[h.Index()]
	v := uint64(h.Generation())<<32 | uint64(min(max(holdOff, 0), coap.MaxHoldOff))
	for {
		old := r.closing.Load()
		// Generations grow. One that was released late must not hide another.
		if int32(h.Generation()-uint32(old>>32)) < 0 && old != 0 {
			return pool.ErrStale
		}
		if r.closing.CompareAndSwap(old, v) {
			return d.e.Wake(h)
		}
	}
}
