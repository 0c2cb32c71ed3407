package websocket

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/build"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
)

// This file leaves a slot: what is staged is sent, what was received and not
// used up is put away, and the time of what is to be done next is set, if nothing
// comes before.

// flush sends what is staged. It returns false with the verdict, if the turn is
// over.
func (c *Conn) flush() bool {
	if len(c.out) == 0 {
		return true
	}
	if !build.Small && c.err == nil && !c.handling && !c.st.enc.Midway() && c.st.flags&flagHeld == 0 && !c.w.Pending(c.s) {
		// The usual case of transmit: nothing waits, and nothing will.
		rest, err := c.w.Send(c.s, c.out, nil, false)
		if rest == 0 && err == nil && !c.w.Pending(c.s) {
			c.out = c.out[:0]
			return true
		}
		c.sent(nil, rest, err)
	} else {
		c.transmit(nil)
	}
	if c.lost {
		return false
	}
	if c.err != nil {
		return c.giveUp(engine.Abort)
	}
	return true
}

// park leaves the slot until there is more, with what is here put away.
func (c *Conn) park() engine.Verdict {
	if !c.flush() {
		return c.verdict
	}
	w, s := c.w, c.s
	c.watch()
	for !w.Pending(s) && c.passed() {
		if !c.timeOut() || !c.flush() {
			return c.verdict
		}
	}
	if (build.Small || c.at < c.end || c.from < c.to || s.Stashed()) && !c.keep() {
		return c.verdict
	}
	if w.Pending(s) {
		return engine.Park // the engine waits for the peer to take it
	}
	if c.d.e.Closing() && c.st.at == ws.StateOpen && c.st.flags&flagClosing == 0 {
		stop := c.stop
		c.close(ws.CodeGoingAway, "")
		c.stop = stop
		if !c.sendClose() {
			return c.over(engine.Abort)
		}
		c.closed(c.code)
	}
	if !build.Small && s.Phase == uint8(engine.PhaseAlarm) && c.d.e.Pool().Deadlines.Get(c.handle.Index()) == c.st.due {
		return engine.Park // as it is set already, for all messages of one tick
	}
	d := int64(0)
	if c.st.due != pool.Never {
		d = max(pool.TickTime(c.st.due, w.Now)-w.Now, 1)
	}
	w.Alarm(s, d)
	return engine.Park
}

// keep puts away what was received and not used up yet.
func (c *Conn) keep() bool {
	n := c.to - c.from + c.end - c.at
	if n == 0 {
		c.d.e.Pool().Stash.Drop(c.s)
		return true
	}
	if n > c.cut {
		// It is in a block, and stays there.
		c.compact()
		c.st.kept, c.st.whole = uint32(c.end), uint32(c.to)
		c.r.long = c.block
		c.halve()
		c.d.e.Pool().Stash.Drop(c.s)
		return true
	}
	b := c.w.Stash(c.s)
	if b == nil {
		c.fail(ws.CodeTryAgainLater)
		return c.look()
	}
	if c.got > 0 {
		c.w.Prompt(c.s)
	}
	k := copy(b, c.in[c.from:c.to])
	copy(b[k:], c.in[c.at:c.end])
	c.st.kept, c.st.whole = uint32(n), uint32(k)
	return true
}

// watch sets the time of what is to be done next, if nothing comes.
func (c *Conn) watch() {
	if c.st.at != ws.StateOpen || c.st.flags&flagClosing != 0 {
		return
	}
	st, now := &c.st, c.w.Now
	if partial := c.dec.InFrame() > 0 || c.to > c.from || c.at < c.end; partial {
		p := c.d.e.Patience()
		most := pool.TickAfter(now + p.Body)
		switch {
		case c.stop == stopFull:
			// Nothing is read from the peer until it has taken what it is sent, for
			// which it has a time of its own: its time for the rest begins then.
			st.flags |= flagPartial
			st.due = pool.Never
		case st.flags&flagPartial == 0 || st.due == pool.Never:
			st.flags |= flagPartial
			st.due = most
		case c.got > 0:
			// As engine.Worker.Progress has it: a byte counts for a tick at
			// least, and the grace is never more than it was.
			st.due = pool.Later(st.due, max(pool.TickAfter(int64(c.got)*second/int64(p.Rate)), 1))
			if int32(st.due-most) > 0 {
				st.due = most
			}
		}
		return
	}
	if c.got > 0 || st.flags&flagPartial != 0 {
		st.flags &^= flagPartial | flagPinged
		st.due = pool.Never
		if c.d.cfg.Ping > 0 {
			st.due = pool.TickAfter(now + c.d.cfg.Ping)
		}
	}
}

// passed reports whether it is time for what is to be done next.
func (c *Conn) passed() bool {
	return c.st.due != pool.Never && int32(pool.Tick(c.w.Now)-c.st.due) >= 0
}

// timeOut does what is to be done since nothing has come. It returns false with
// the verdict, if the turn is over.
func (c *Conn) timeOut() bool {
	st := &c.st
	switch {
	case st.at == ws.StateCloseSent || st.flags&flagClosing != 0:
		// RFC 6455 section 7.1.1: the peer has had its time.
		return c.giveUp(engine.Finish)
	case st.flags&flagPartial != 0:
		c.fail(ws.CodePolicyViolation)
		return c.look()
	case st.flags&flagPinged == 0:
		st.flags |= flagPinged
		st.due = pool.TickAfter(c.w.Now + c.d.cfg.Pong)
		if c.control(ws.OpPing, nil) != nil {
			return c.giveUp(engine.Abort)
		}
		return true
	}
	c.d.counts.dead.Add(1)
	return c.giveUp(engine.Abort)
}
