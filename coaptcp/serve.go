package coaptcp

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/build"
	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// This file serves a slot: it receives, and takes what was received apart into
// messages. What is done about them is in request.go, and how the slot is left
// in leave.go.
//
// The usual turn is one receive, some requests, and one send. A message that is
// not all here is kept in a block of the stash, where the rest of it is received
// without being looked at, until it is whole.

// turnBytes is how many bytes are received for a slot, at least, before others
// have their turn.
const turnBytes = 32 << 10

// conn is a worker's place for the connection that it serves. It belongs to the
// worker, also when the right to the slot has passed to others.
type conn struct {
	d *Driver
	w *engine.Worker
	s *pool.Slot
	r *record
	h pool.Handle
	x *resource.Exchange

	// The slot's state, while it is served.
	st state

	arena   []byte // for handlers
	in      []byte // what was received
	at, end int    // what was not looked at yet is in[at:end]
	buf     []byte // for what is to be sent
	out     []byte // what is to be sent, in as much of buf as is reserved
	got     int    // bytes received in this turn

	terms    resource.Terms
	answer   resource.Answer
	reserved int  // output blocks that are reserved for what is staged
	again    bool // the message at hand is to be looked at once more
	panicked bool
	lost     bool // the right to the slot has passed
	err      error
	stop     stop
	verdict  engine.Verdict

	answered [6]uint64        // answers that requests has not yet, by class
	counted  bool             // there are some
	requests [6]atomic.Uint64 // answers, by class; nobody else writes them
	busy     atomic.Uint64
	_        [flat.Line]byte
}

// stop says why no more of what was received is looked at.
type stop uint8

const (
	stopNone stop = iota
	stopFull      // output waits for the peer: first that
	stopRoom      // there is no room for an answer
	stopWait      // an answer that comes later must be sent before
	stopOver      // the peer was told the end
	stopDead      // the connection is of no use any more
)

// divide divides a worker's memory: three parts of eight for what is received,
// four for what is sent, and one for handlers.
func (c *conn) divide(memory []byte, stash int) {
	n := len(memory) / 8
	k := min(3*n, stash)
	c.in = memory[:k:k]
	c.arena = memory[k : k+n : k+n]
	c.buf = memory[k+n : len(memory) : len(memory)]
}

// load begins a turn.
func (c *conn) load(w *engine.Worker, s *pool.Slot) {
	p := c.d.e.Pool()
	c.w, c.s, c.h = w, s, p.Handle(s)
	c.r = &c.d.records[c.h.Index()]
	c.st = *pool.StateOf[state](s)
	c.at, c.end, c.got = 0, 0, 0
	c.bound(c.d.fewest)
	c.stop, c.verdict, c.err = stopNone, 0, nil
	c.again, c.panicked, c.lost = false, false, false
	if c.r.flags&flagIgnored != 0 {
		c.r.flags &^= flagIgnored
		w.Heed(s)
	}
	if c.st.kept > 0 && c.st.kept >= c.r.need {
		c.unstash()
	}
}

// unstash takes what was kept into the worker's memory: a handler that has lost
// its right may still look at it when the block is another's.
func (c *conn) unstash() {
	c.end = copy(c.in, c.d.e.Pool().Stash.Block(c.s)[:c.st.kept])
	c.st.kept = 0
}

// leave ends a turn.
func (c *conn) leave(v engine.Verdict) engine.Verdict {
	c.unreserve()
	c.publish()
	if c.lost {
		return engine.Lost
	}
	*pool.StateOf[state](c.s) = c.st
	return v
}

// serve goes on until there is a verdict.
func (c *conn) serve() engine.Verdict {
	if c.r.flags&flagOpen == 0 && !c.open() {
		return c.verdict
	}
	w, s := c.w, c.s
	for {
		if c.at < c.end && !c.look() {
			return c.verdict
		}
		if c.stop != stopNone || !w.Unread(s) || c.got >= turnBytes {
			// What is staged is sent here, with a function less on the way than by
			// park: see engine.
			if !build.Small && !c.flush() {
				return c.verdict
			}
			return c.park()
		}
		// Room to answer first: what cannot be answered stays in the network.
		if !c.room() {
			c.stop = stopRoom
			return c.park()
		}
		var n int
		var err error
		if c.st.kept > 0 {
			// The message that has begun goes on where it is kept.
			b := c.d.e.Pool().Stash.Block(s)[:len(c.in)]
			n, err = w.Receive(s, b[c.st.kept:])
			if c.st.kept += uint32(n); c.st.kept >= c.r.need {
				c.unstash()
			}
		} else {
			c.compact()
			n, err = w.Receive(s, c.in[c.end:])
			c.end += n
		}
		c.got += n
		switch transport.Of(err) {
		case 0:
		case transport.ErrWouldBlock:
			return c.park()
		case transport.EOF:
			// What was asked is answered, also if that takes a while; a message
			// that is cut off is nothing.
			c.r.flags |= flagEnding
			c.r.need, c.st.kept, c.at, c.end = 0, 0, 0, 0
			return c.park()
		default:
			return c.over(engine.Abort)
		}
	}
}

// open sends our CSM, before everything else (RFC 8323 section 5.3).
func (c *conn) open() bool {
	d := c.d
	c.r.flags, c.r.need, c.r.since = 0, 0, pool.Never
	c.out = append(c.out, d.hello[:d.helloN]...)
	ok := c.flush()
	if ok {
		c.r.flags = flagOpen
		d.counts.open.Add(1)
		d.counts.opened.Add(1)
	}
	if d.dials.n.Load() == 0 {
		return ok
	}
	return d.dialling.Load().opened(c, ok)
}

// compact makes room behind what was received.
func (c *conn) compact() {
	if c.at > 0 {
		c.end = copy(c.in, c.in[c.at:c.end])
		c.at = 0
	}
}

// look takes what was received apart. It returns false with the verdict, if the
// turn is over.
func (c *conn) look() bool {
	d := c.d
	for c.at < c.end && c.stop == stopNone {
		b := c.in[c.at:c.end]
		h, k, err := coap.ParseTCPHeader(b)
		switch {
		case err != nil:
			return c.reject(0, err)
		case k == 0:
			return true
		}
		if c.r.need == 0 {
			if err := d.ours.Check(h); err != nil {
				// A request whose token is not here yet can be answered in a moment.
				b = b[k:]
				known := h.Code.IsRequest() && h.TokenLength <= d.cfg.MaxToken
				if known && len(b) < h.TokenLength {
					return true
				}
				return c.tooLong(known, b[:min(h.TokenLength, len(b))], err)
			}
			c.r.need = uint32(h.Size()) // it is at most MaxMessage
		}
		if uint32(len(b)) < c.r.need {
			return true
		}
		m, body, n := c.x.Message(), k+h.TokenLength, int(c.r.need)
		m.Code, m.Token = h.Code, b[k:body:body]
		if m.Options, m.Payload, err = coap.ParseBody(b[body:n]); err != nil {
			return c.reject(0, err)
		}
		if !c.room() {
			c.stop = stopRoom // what was sent before has used it up
			return true
		}
		if c.r.flags&flagLater != 0 && c.mustWait(m) {
			c.stop = stopWait
			return true
		}
		if !c.take(m) {
			return false
		}
		if c.again {
			c.again = false
			return true
		}
		c.r.need = 0
		c.at += n
		if least := max(cap(c.out)/2, min(cap(c.out), coap.BaseMessage)); cap(c.out)-len(c.out) < least && !c.flush() {
			return false
		}
	}
	return true
}

// room reserves blocks that can keep what is staged, if that is not done yet. If
// there are none for too long, the answer must be a short one, and is tried
// without.
func (c *conn) room() bool {
	if c.reserved > 0 {
		return true
	}
	n := c.d.most
	if o := &c.d.e.Pool().Outputs; !o.Reserve(n, c.d.others) {
		if n = c.d.fewest; !o.Reserve(n, 0) {
			c.d.relieve(c.w.Now)
			return c.outOfPatience()
		}
	}
	c.reserved = n
	c.r.since = pool.Never
	if len(c.out) == 0 {
		c.bound(n)
	}
	return true
}

// stalled is for how long a peer must have taken nothing to give way to others.
const stalled = 2 * second

// relieve has the peer that has stalled longest give way, since there is no room
// even for one answer.
func (d *Driver) relieve(now int64) {
	if at := d.relieving.Load(); now >= at && d.relieving.CompareAndSwap(at, now+soon) {
		d.e.Relieve(now, stalled)
	}
}

// bound has no more be staged than some blocks keep.
func (c *conn) bound(blocks int) {
	c.out = c.buf[:0:min(len(c.buf), blocks*c.d.e.Pool().Outputs.Size())]
}

// outOfPatience reports whether the slot has waited for room as long as it may.
func (c *conn) outOfPatience() bool {
	now := c.w.Now
	if c.r.since == pool.Never {
		c.r.since = pool.TickAfter(now)
		return false
	}
	return now-pool.TickTime(c.r.since, now) >= c.d.e.Patience().Held
}

func (c *conn) unreserve() {
	if c.reserved > 0 {
		c.d.e.Pool().Outputs.Unreserve(c.reserved)
		c.reserved = 0
	}
}

// mustWait reports whether a message must wait for an answer that comes later.
// It is not looked at before: so there is a bound to how many are in flight, two
// with one token are answered one after the other, and a Pong with custody says
// the truth.
func (c *conn) mustWait(m *coap.Message) bool {
	request := m.Code.IsRequest()
	if !request && (m.Code != coap.CodePing || !coap.Custody(m.Options)) {
		return false
	}
	// Whoever gives an answer from here on wakes the slot.
	c.r.waiting.Store(true)
	n, same := c.d.r.Waiting(&c.d.entry, uint64(c.h), m.Token)
	if n == 0 {
		c.r.flags &^= flagLater
	}
	if request && (same || n >= c.d.cfg.InFlight) || !request && n > 0 {
		return true
	}
	c.r.waiting.Store(false)
	return false
}

// take does what is to be done about a message. It returns false with the
// verdict, if the turn is over.
func (c *conn) take(m *coap.Message) bool {
	action, err := c.st.session.Take(m, c.d.cfg.Strict)
	switch action {
	case coap.ActRequest:
		return c.request(m)
	case coap.ActResponse:
		if a := c.d.asking.Load(); a != nil {
			return a.response(c, *m)
		}
	case coap.ActPong:
		// RFC 8323 section 5.4.1: all that came before it has been processed, if
		// that is asked for (mustWait).
		c.out = coap.AppendPong(c.out, m.Token, coap.Custody(m.Options))
	case coap.ActRelease:
		// Section 5.5: what is under way is finished, and then it is up to us to
		// close. If nothing is, nothing is looked at that is behind.
		c.r.flags |= flagEnding
		if !c.busyStill() {
			return c.giveUp(engine.Linger)
		}
	case coap.ActAborted:
		// What was answered before goes, as it has if it did not come at once.
		c.d.counts.aborted.Add(1)
		c.d.e.PushLast(c.h, nil, nil, true)
		return c.giveUp(engine.Linger)
	case coap.ActReject:
		return c.reject(c.st.session.Bad, err)
	case coap.ActIgnore:
		if m.Code == coap.CodeCSM {
			c.r.limit.Store(c.st.session.Peer.MaxMessage)
		}
	}
	return true
}

// reject ends the connection of a peer that has broken a rule, by an Abort (RFC
// 8323 section 5.6).
func (c *conn) reject(bad coap.Option, err error) bool {
	// Of this type alone: a call of the method of any error would keep the texts
	// of all errors in a small program.
	e, ok := err.(coap.Error)
	if c.d.e.Logs() {
		code := -1
		if ok {
			code = int(e)
		}
		c.d.e.Log(engine.Event{Kind: engine.EventBadInput, Worker: int16(c.w.ID()), Code: int32(code), Handle: c.h})
	}
	return c.abort(bad, e.Error())
}

// abort ends the connection by an Abort. What was answered before goes before
// it.
func (c *conn) abort(bad coap.Option, text string) bool {
	if cap(c.out)-len(c.out) < mostDiagnostic && !c.flush() {
		return false
	}
	c.st.session.Advance(coap.EventSendAbort)
	c.d.counts.aborts.Add(1)
	c.r.flags |= flagOver
	c.d.e.PushLast(c.h, nil, nil, true) // nothing goes behind it
	c.out = coap.AppendAbort(c.out, bad, c.d.fitting(c.r, text))
	c.stop = stopOver
	return c.giveUp(engine.Linger)
}

// tooLong refuses a message that is longer, or has a longer token, than we have
// announced. Where the rest of it ends cannot be waited for, so the connection
// ends (RFC 8323 section 5.6), but a request whose token may be sent is answered
// before, so that it is known which it was (RFC 7252 section 5.9.2.9).
func (c *conn) tooLong(request bool, token []byte, err error) bool {
	if request {
		c.out = coap.AppendTCPHeader(c.out, coap.CodeRequestEntityTooLarge, token, 0)
		c.count(coap.CodeRequestEntityTooLarge)
	}
	return c.reject(0, err)
}

// giveUp ends the turn with a verdict that ends the connection.
func (c *conn) giveUp(v engine.Verdict) bool {
	c.verdict = c.over(v)
	return false
}

// over ends the connection when what is staged is sent.
func (c *conn) over(v engine.Verdict) engine.Verdict {
	if c.lost {
		return engine.Lost
	}
	c.stop = stopDead
	if v != engine.Abort && len(c.out) > 0 && !c.flush() {
		return c.verdict
	}
	c.w.Seal(c.s) // nothing that is pushed from here on would arrive
	return v
}
