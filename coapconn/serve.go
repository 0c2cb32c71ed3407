package coapconn

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// This file serves the peer's requests, which any end of a connection may send
// (RFC 8323 section 3.3).

// serve answers a request. It has the lock, and gives it up. No further message
// is looked at before there is room for the answer: so none is lost.
func (c *Conn) serve(m *coap.Message) {
	l := &c.lanes[laneAnswers]
	if c.x == nil {
		if c.await(l, coap.MaxTCPHeader+coap.MaxToken, nil) == nil {
			l.used(coap.AppendTCPHeader(l.free(), coap.CodeNotFound, m.Token, 0))
		}
		c.unlock()
		return
	}
	peer, t := c.session.Peer, &c.terms
	head := coap.MaxTCPHeader + len(m.Token)
	setTerms(t, c.ours, peer, head)
	t.Peer, t.Remote = c.serial, c.config.Remote
	t.Pusher = nil
	if c.lanes[lanePushes].size() != 0 {
		t.Pusher = c
	}
	c.mu.Unlock()

	if c.config.Now != nil {
		t.Now = c.config.Now()
		if t.Now >= c.sweep {
			c.sweep = t.Now + second // what it returns does not know of later requests
			c.config.Resources.Sweep(c, t.Now)
		}
	}
	if !c.x.Route(*m, t, c.scratch[:0:min(len(c.scratch), l.size())-head]) {
		if c.x.Observes() {
			// The first notification must not be sent before the answer: their
			// order is that of the states (RFC 8323 section 7.1).
			c.mu.Lock()
			c.held = true
			c.mu.Unlock()
		}
		c.x.Run()
	}
	a := c.x.Finish()

	c.mu.Lock()
	if !a.Later && !a.None && c.await(l, head+len(a.Body), nil) == nil {
		l.used(append(coap.AppendTCPHeader(l.free(), a.Code, m.Token, len(a.Body)), a.Body...))
	}
	c.held = false
	c.unlock()
}

// second is how long nothing is swept while requests come, in nanoseconds.
const second = 1_000_000_000

// setTerms says what the peer can take, behind a head of so many bytes.
func setTerms(t *resource.Terms, ours, peer coap.Settings, head int) {
	t.Max = max(1, int(min(peer.Message(), 1<<31-1))-head)
	t.BERT, t.Reliable = peer.BERT() && ours.BERT(), true
	t.SZX = 6
}

// Push sends a response to what the peer has asked before, whole or not at all:
// it makes the Conn a resource.Pusher, whose errors it has. It does not wait if
// there is a Background. If there is no room, an older notification with the
// same token makes some, unless o says otherwise.
func (c *Conn) Push(peer uint64, m coap.Message, _ int, o engine.Overflow) error {
	size := coap.MaxTCPHeader + len(m.Token) + int(coap.SizeBody(m.Options, m.Payload))
	c.mu.Lock()
	if peer != c.serial || c.over != nil || c.broken {
		c.mu.Unlock()
		return pool.ErrStale
	}
	l := &c.lanes[lanePushes]
	if size > l.size() || uint64(size) > uint64(c.session.Peer.Message()) {
		c.mu.Unlock()
		return pool.ErrFull
	}
	for size > l.left() && o == engine.DropOldest {
		n := dropOldest(l.half[l.fill][:l.n], m.Token)
		if n == l.n {
			break
		}
		l.n = n
	}
	if size > l.left() {
		if o == engine.CloseSlow {
			c.sendAbort(0, ErrSlow.Error())
			c.end(ErrSlow)
		}
		c.unlock()
		return pool.ErrBacklog
	}
	l.used(coap.AppendTCP(l.free(), m))
	c.unlock()
	return nil
}

// dropOldest takes away the oldest of the whole messages in b that has a token,
// and returns how many bytes there are then.
func dropOldest(b, token []byte) int {
	for at := 0; at < len(b); {
		m, n, err := coap.ParseTCP(b[at:])
		if n == 0 || err != nil {
			break
		}
		if ascii.Equal(m.Token, ascii.View(token)) {
			return at + copy(b[at:], b[at+n:])
		}
		at += n
	}
	return len(b)
}

// sizeOf is the size of the message at the front of b, where all are whole.
func sizeOf(b []byte) int {
	h, _, err := coap.ParseTCPHeader(b)
	if err != nil || h.Size() > uint64(len(b)) {
		panic("BUG: coapconn: half a message waits")
	}
	return int(h.Size())
}
