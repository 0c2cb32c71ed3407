package coaptcp

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/build"
	"github.com/bobtail-go/bobtail/pool"
)

// This file leaves a slot: what is staged is sent, what is due is done, what was
// received and not used up is put away, and the time of what is to be done next
// is set, if nothing comes before.

// flush sends what is staged. It returns false with the verdict, if the turn is
// over.
func (c *conn) flush() bool {
	if len(c.out) == 0 {
		return true
	}
	c.publish()
	w, s := c.w, c.s
	var err error
	if c.reserved > 0 {
		var kept bool
		if kept, err = w.SendReserved(s, c.out, c.reserved); kept {
			c.reserved = 0
		}
	} else {
		var rest int
		if rest, err = w.Send(s, c.out, nil, false); rest > 0 {
			err = pool.ErrFull // there is no room even for this
		}
	}
	c.out = c.out[:0]
	if err != nil {
		c.err = err
		return c.giveUp(engine.Abort)
	}
	if w.Pending(s) && c.stop == stopNone {
		c.stop = stopFull // nothing more is read from a peer that does not read
	}
	return true
}

// park leaves the slot until there is more.
func (c *conn) park() engine.Verdict {
	if !c.flush() {
		return c.verdict
	}
	d, w, s := c.d, c.w, c.s
	d.sweep(w.Now, false)
	if !build.Small && c.rests() {
		c.st.due = pool.TickAfter(w.Now + d.cfg.Ping)
		c.r.flags = flagOpen
		if s.Phase != uint8(engine.PhaseAlarm) || d.e.Pool().Deadlines.Get(c.h.Index()) != c.st.due {
			w.Alarm(s, max(pool.TickTime(c.st.due, w.Now)-w.Now, 1))
		} // else it is as it is set already, for all requests of one tick
		return engine.Park
	}
	if !c.attend() || !c.keep() {
		return c.verdict
	}
	if c.stop == stopRoom || c.stop == stopWait {
		c.r.flags |= flagIgnored
		w.Ignore(s)
		w.Prompt(s) // it is not the peer who is waited for
	}
	switch {
	case w.Pending(s):
		// The engine waits for the peer to take it.
	case c.st.kept > 0 && c.stop == stopNone && c.r.flags&flagReleased == 0:
		w.Enter(s, engine.PhaseBody)
		if c.got > 0 {
			w.Progress(s, c.got)
			w.Prompt(s)
		}
	default:
		w.Alarm(s, c.next())
	}
	return engine.Park
}

// rests reports whether nothing is to be done at the end of a turn but to wait for
// what comes next, and at last to send a Ping: the usual case of attend, keep and
// next.
func (c *conn) rests() bool {
	r := c.r
	return c.got > 0 && c.stop == stopNone && c.at == c.end && c.st.kept == 0 && c.d.cfg.Ping >= 0 &&
		r.flags&^flagPinged == flagOpen && r.pending.Load() == 0 && !r.waiting.Load() &&
		uint32(r.closing.Load()>>32) != c.h.Generation() && !c.d.e.Closing() && !c.s.Stashed() && !c.w.Pending(c.s)
}

// keep puts away what was received and not used up yet.
func (c *conn) keep() bool {
	n := c.end - c.at
	if n == 0 {
		if c.st.kept == 0 {
			c.d.e.Pool().Stash.Drop(c.s)
		}
		return true
	}
	b := c.w.Stash(c.s)
	if b == nil {
		return c.abort(0, "too many slow senders")
	}
	c.st.kept = uint32(copy(b, c.in[c.at:c.end]))
	return true
}

// attend does what is due, and sees to what is next. It returns false with the
// verdict, if the turn is over.
func (c *conn) attend() bool {
	d, w, s, r, st := c.d, c.w, c.s, c.r, &c.st
	if r.pending.Load() > 0 && !c.d.asking.Load().expire(c) {
		return false
	}
	if w.Pending(s) {
		return true
	}
	if r.flags&flagReleased == 0 {
		if holdOff, ok := c.released(); ok && !c.room() {
			c.stop = stopRoom
		} else if ok {
			// RFC 8323 section 5.5: the peer is asked to finish, and to close. What
			// it has asked before it knows is answered.
			r.flags |= flagReleased
			st.session.Advance(coap.EventSendRelease)
			c.out = coap.AppendRelease(c.out, "", holdOff)
			limit := d.e.Patience().Drain
			if d.e.Closing() {
				limit = min(limit, engine.ClosingGrace)
			}
			st.due = pool.TickAfter(w.Now + limit)
			if !c.flush() {
				return false
			}
		}
	}
	// What is left is a message that has only begun, unless something stops it.
	if r.flags&(flagEnding|flagReleased) != 0 && (c.at == c.end || c.stop == stopNone) && !c.busyStill() {
		if r.flags&flagEnding != 0 || c.passed() {
			return c.giveUp(engine.Linger) // the peer may still be sending
		}
	}
	switch {
	case r.flags&flagReleased != 0:
		return true
	case c.stop != stopNone && c.stop != stopFull, r.flags&flagEnding != 0, d.cfg.Ping < 0:
		// The peer may speak and not be heard, or has nothing more to say.
		st.due = pool.Never
		r.flags &^= flagPinged
	case c.got > 0, st.due == pool.Never:
		st.due = pool.TickAfter(w.Now + d.cfg.Ping)
		r.flags &^= flagPinged
	case !c.passed():
	case r.flags&flagPinged != 0:
		d.counts.dead.Add(1)
		return c.giveUp(engine.Abort)
	case !c.room():
		c.stop = stopRoom
	default:
		r.flags |= flagPinged
		st.due = pool.TickAfter(w.Now + d.cfg.Pong)
		d.counts.pings.Add(1)
		c.out = coap.AppendPing(c.out, nil, false)
		return c.flush()
	}
	return true
}

// released reports whether the connection is to be released, since the engine
// shuts down or the program wants it.
func (c *conn) released() (holdOff uint32, ok bool) {
	if v := c.r.closing.Load(); uint32(v>>32) == c.h.Generation() {
		return uint32(v), true
	}
	return uint32(c.d.cfg.HoldOff), c.d.e.Closing()
}

// busyStill reports whether something is under way: an answer that comes later,
// or one that we wait for.
func (c *conn) busyStill() bool {
	if c.r.flags&flagLater != 0 {
		c.r.waiting.Store(true)
		if n, _ := c.d.r.Waiting(&c.d.entry, uint64(c.h), nil); n > 0 {
			return true
		}
		c.r.flags &^= flagLater
		c.r.waiting.Store(false)
	}
	return c.r.pending.Load() > 0 && c.r.flags&flagReleased == 0 && !c.w.Hangup(c.s)
}

// passed reports whether it is time for what is to be done next.
func (c *conn) passed() bool {
	return c.st.due != pool.Never && int32(pool.Tick(c.w.Now)-c.st.due) >= 0
}

// soon is how long a slot waits that wants room for an answer, and another that
// waits for a ticket looks whether it was answered without being told.
const (
	soon     = 20_000_000
	sometime = 250_000_000
)

// next is how long the slot may wait until something is to be done, if nothing
// comes; 0 is for ever.
func (c *conn) next() int64 {
	now := c.w.Now
	at := int64(1<<63 - 1)
	switch {
	case c.stop == stopRoom:
		at = now + soon
	case c.st.due != pool.Never && (!c.passed() || c.r.flags&flagReleased == 0):
		at = max(pool.TickTime(c.st.due, now), now+1)
	}
	if c.r.flags&flagLater != 0 && c.got == 0 && c.stop == stopNone {
		// A connection that nothing is heard of rests when all is answered.
		if n, _ := c.d.r.Waiting(&c.d.entry, uint64(c.h), nil); n == 0 {
			c.r.flags &^= flagLater
			c.r.waiting.Store(false)
		}
	}
	if c.r.flags&flagLater != 0 {
		at = min(at, max(c.d.sweeping.Load(), now+1))
	}
	if c.r.waiting.Load() {
		at = min(at, now+sometime)
	}
	if c.r.pending.Load() > 0 {
		at = min(at, max(c.d.asking.Load().next(&c.d.calls, c.h), now+1))
	}
	if at == 1<<63-1 {
		return 0
	}
	return at - now
}

// sweep has the resources end what is due, if it is time for that.
func (d *Driver) sweep(now int64, anyway bool) {
	at := d.sweeping.Load()
	if now < at && !anyway || !d.sweeping.CompareAndSwap(at, now+second) {
		return
	}
	if next := d.r.Sweep(&d.entry, now); next < now+second {
		d.sweeping.Store(max(next, now+1))
	}
}
