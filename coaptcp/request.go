package coaptcp

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/resource"
)

// This file answers a request. When it comes here, there is room for the answer.

// When a handler was found stuck, its route is slow for a while, and others are
// given the lane before: as in package web.
const (
	stuckStep = 40
	stuckSlow = 64
	stuckMost = 128
	quickTime = 1_000_000 // ns
)

// request answers a request, or has its handler do so later. It returns false
// with the verdict, if the turn is over.
func (c *conn) request(m *coap.Message) bool {
	d := c.d
	peer := &c.st.session.Peer
	// RFC 8323 section 5.3.1: no message is longer than the peer takes.
	gap := coap.MaxTCPHeader + len(m.Token)
	t := &c.terms
	t.Max = max(int(min(peer.Message(), 1<<30))-gap, 1)
	t.BERT = peer.BERT() && d.ours.BERT()
	t.Peer, t.Now = uint64(c.h), c.w.Now // the rest is always the same
	at := len(c.out) + gap
	a := &c.answer
	began := int64(0)
	if d.cfg.Access != nil {
		began = d.e.Backend().Now()
	}
	switch {
	case c.x.RouteHere(t, c.out[at:at:cap(c.out)]):
		c.x.FinishTo(a)
	case c.reserved == 0 || !c.mayRun():
		c.busy.Store(c.busy.Load() + 1)
		*a = c.x.Busy(uint32(d.cfg.Busy))
	default:
		if !c.run() {
			return false
		}
		if c.again {
			return true
		}
		if c.panicked {
			c.panicked = false
			*a = c.x.Abandon()
		} else {
			c.x.FinishTo(a)
		}
	}
	if d.cfg.Access != nil {
		c.access(m, a, began)
	}
	c.count(a.Code)
	if a.Later {
		c.r.flags |= flagLater
		d.sweep(c.w.Now, true)
		return true
	}
	if a.None {
		return true // RFC 7967
	}
	// The body is behind where the header ends, and goes where that is.
	c.out = append(coap.AppendTCPHeader(c.out, a.Code, m.Token, len(a.Body)), a.Body...)
	return true
}

// access tells of a request that was answered.
func (c *conn) access(m *coap.Message, a *resource.Answer, began int64) {
	_, payload, _ := coap.ParseBody(a.Body)
	c.d.cfg.Access(*m, c.w.Stream().Remote(), uint64(c.h), a.Code, len(payload), c.d.e.Backend().Now()-began)
}

func (c *conn) count(code coap.Code) {
	if k := code.Class(); k < 6 {
		c.answered[k]++
		c.counted = true
	}
}

// publish has Stats find what was counted: once for all that are sent together, and
// before, so that who has an answer finds it there.
func (c *conn) publish() {
	if !c.counted {
		return
	}
	c.counted = false
	for k, n := range c.answered {
		if n > 0 {
			c.requests[k].Store(c.requests[k].Load() + n)
			c.answered[k] = 0
		}
	}
}

// mayRun takes one of the handlers that may run at once.
func (c *conn) mayRun() bool {
	d := c.d
	if !d.bounded {
		return true
	}
	if d.handlers.Add(1) <= int32(d.cfg.Handlers) {
		return true
	}
	d.handlers.Add(-1)
	return false
}

// run runs the handler of the request. It returns false with the verdict if the
// right to the slot has passed meanwhile, or the engine has stopped.
func (c *conn) run() bool {
	d, w := c.d, c.w
	// RFC 8323 section 7.1: the order of messages is that of states. What is
	// published from now on to a peer who begins to observe goes behind the answer,
	// as all does that is pushed while a worker has the slot.
	slow := c.x.Slow()
	stuck := slow.Load()
	began := int64(0)
	if stuck > 0 {
		if began = d.e.Backend().Now(); stuck > stuckSlow {
			// What was answered before does not wait for it.
			if !c.flush() || c.reserved == 0 {
				// A transfer that it is of goes on when it is looked at again.
				c.again = c.verdict == 0
				c.x.Busy(0)
				return c.done(c.again)
			}
			w.HandOver()
		}
	}
	// What is staged is whole messages, none of which has begun: a farewell may
	// come in their place.
	if !w.BeginHandler(c.x.Timeout(), false) {
		c.x.Abandon()
		c.done(false)
		return c.giveUp(engine.Abort)
	}
	c.call()
	if !w.EndHandler() {
		// The slot and the record are somebody else's by now.
		c.lost = true
		c.x.Abandon()
		c.verdict = engine.Lost
		return c.done(false)
	}
	if w.Caught() {
		slow.Store(min(stuck+stuckStep, stuckMost))
	} else if stuck > 0 && d.e.Backend().Now()-began < quickTime {
		slow.Add(-1)
	}
	return c.done(true)
}

// done says that a handler runs no more.
func (c *conn) done(ok bool) bool {
	if c.d.bounded {
		c.d.handlers.Add(-1)
	}
	return ok
}

// call calls the handler. A panic is answered 5.00.
func (c *conn) call() {
	defer c.rescue()
	c.x.Run()
}

// rescue tells of a panic, on its stack.
func (c *conn) rescue() {
	v := recover()
	if v == nil {
		return
	}
	c.panicked = true
	c.w.Panicked(c.h)
	if c.d.cfg.Panic != nil {
		c.d.cfg.Panic(c.h, v)
	}
}
