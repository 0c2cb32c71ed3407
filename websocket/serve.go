package websocket

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/build"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/ws"
)

// This file serves a slot: it receives, has what was received taken apart and
// the handler called (message.go), and leaves the slot (leave.go).
//
// The usual turn is one receive, some messages for the handler, and one send. It
// takes no lock, and what it knows of the connection is copied from the slot
// and its record at the beginning and back at the end, since in between the
// right to both may pass to the monitor.

// turnBytes is how many bytes are received for a slot, at least, before others
// have their turn.
const turnBytes = 32 << 10

// load begins a turn.
func (c *Conn) load(w *engine.Worker, s *pool.Slot) {
	c.w, c.s = w, s
	p := c.d.e.Pool()
	c.handle = p.Handle(s)
	c.r = &c.d.records[c.handle.Index()]
	c.u = c.r.u
	c.value, c.valued, c.protocol, c.params = c.r.value, false, c.r.protocol, c.r.params
	c.own, c.bound = nil, false
	if c.params != 0 {
		c.own = c.d.codecs[c.handle.Index()]
	}
	c.dec = c.r.dec
	c.st = *pool.StateOf[state](s)
	c.at, c.end, c.from, c.to = 0, 0, 0, 0
	c.fresh = c.dec.Idle() && c.st.kept == 0
	if c.r.bulk || c.r.long != 0 {
		c.borrow()
	}
	if c.st.kept > 0 {
		if c.end = int(c.st.kept); c.r.long != 0 {
			c.r.long = 0 // it is ours
		} else {
			copy(c.in, p.Stash.Block(s)[:c.end])
		}
		c.to = int(c.st.whole)
		c.at = c.to
		c.st.kept, c.st.whole = 0, 0
	}
	c.out = c.out[:0]
	c.got = 0
	c.stop, c.verdict, c.err, c.lost = stopNone, 0, nil, false
}

// leave ends a turn.
func (c *Conn) leave(v engine.Verdict) engine.Verdict {
	if c.block != 0 {
		c.d.longs.put(c.block)
		c.halve()
	}
	if c.lost {
		c.value, c.r = nil, nil
		return engine.Lost
	}
	if c.r.bulk && c.got < c.cut && c.fresh {
		c.r.bulk = false
	}
	c.r.dec = c.dec
	if c.valued {
		c.r.value = c.value
	}
	if !c.st.enc.Midway() {
		c.unhold() // what was pushed has its turn
	}
	*pool.StateOf[state](c.s) = c.st
	c.value = nil
	if v == engine.Park && c.stop == stopFull && !c.w.Pending(c.s) {
		// The peer has taken all meanwhile, and no event will tell of it: what
		// was not looked at has its turn.
		return engine.Again
	}
	return v
}

// serve goes on until there is a verdict.
func (c *Conn) serve() engine.Verdict {
	if c.u == nil {
		return c.d.client.Load().serve(c)
	}
	w, s := c.w, c.s
	if w.Pending(s) {
		return c.park() // nothing more is read from a peer that does not read
	}
	for {
		if c.st.at == ws.StateOpen && c.closedElsewhere() && !c.closedBy() {
			return c.over(engine.Abort)
		}
		if c.st.flags&flagLong != 0 {
			if c.stop = stopLong; c.st.at != ws.StateOpen {
				// It was closed while it waited for a worker.
				c.st.flags &^= flagLong | flagText
				c.stop, c.from, c.to = stopNone, 0, 0
			}
		}
		if (c.at < c.end || c.stop == stopLong) && !c.look() {
			return c.verdict
		}
		if c.stop == stopFull || !w.Unread(s) || c.got >= turnBytes {
			// What is staged is sent here, with a function less on the way than by
			// park: see engine.
			if !build.Small && !c.flush() {
				return c.verdict
			}
			return c.park()
		}
		if c.end > 0 {
			c.compact()
		}
		if c.r.bulk && c.block == 0 {
			c.borrow()
		}
		if c.isLong() {
			if !c.long() {
				return c.verdict
			}
			continue
		}
		n, err := w.Receive(s, c.in[c.end:])
		c.end += n
		c.got += n
		c.r.bulk = c.r.bulk || c.end == len(c.in)
		switch transport.Of(err) {
		case 0:
		case transport.ErrWouldBlock:
			return c.park()
		case transport.EOF:
			if !c.flush() {
				return c.verdict
			}
			return c.over(engine.Finish)
		default:
			return c.over(engine.Abort)
		}
	}
}

// isLong reports whether a frame is under way whose payload the handler may take
// in larger pieces than usual, without a block: none of it is kept, as of what may
// be compressed, and nothing else is here.
func (c *Conn) isLong() bool {
	return c.block == 0 && c.params == 0 && c.u.h.Data != nil && c.end == 0 && c.dec.InFrame() > uint64(len(c.in)) && c.st.at == ws.StateOpen
}

// long receives payload of a long frame, and looks at it. It returns false with
// the verdict, if the turn is over.
func (c *Conn) long() bool {
	if !c.flush() {
		return false
	}
	if c.stop == stopFull {
		return true // nothing would look at what is received
	}
	c.stretch()
	defer c.halve()
	n, err := c.w.Receive(c.s, c.in[:min(c.dec.InFrame(), uint64(len(c.in)))])
	c.end = n
	c.got += n
	switch {
	case err == nil:
		ok := c.look()
		c.at, c.end = 0, 0 // all of it was looked at
		return ok && c.flush()
	case transport.ErrWouldBlock.Is(err):
		return true // and nothing more is known to be there
	case transport.EOF.Is(err):
		return c.giveUp(engine.Finish)
	}
	return c.giveUp(engine.Abort)
}

// compact makes room behind what was received.
func (c *Conn) compact() {
	if c.from == c.to {
		c.from, c.to = 0, 0
	}
	if c.at == c.end {
		c.at, c.end = c.to, c.to
	}
	if c.from == 0 && c.at == c.to {
		return
	}
	n := copy(c.in, c.in[c.from:c.to])
	c.end = n + copy(c.in[n:], c.in[c.at:c.end])
	c.at = n
	c.from, c.to = 0, n
}

// look looks at what was received, and acts on it. It returns false with the
// verdict, if the turn is over.
func (c *Conn) look() bool {
	for {
		more := c.run()
		if c.handling && !c.finish() {
			return false
		}
		switch c.stop {
		case stopNone, stopFull:
			if more && c.stop == stopNone {
				continue
			}
			return true
		case stopClose:
			c.stop = stopNone
			if !c.sendClose() {
				return c.giveUp(engine.Abort)
			}
			c.closed(c.code)
			// What is behind is looked at for the peer's close frame.
			c.from, c.to = 0, 0
			if c.at == c.end {
				return true
			}
		case stopReply:
			if c.st.flags&flagTold == 0 {
				c.r.code = uint16(c.code) // for who tells the program
			}
			v := engine.Linger
			if !c.sendClose() {
				v = engine.Abort
			}
			return c.giveUp(v)
		case stopDone:
			return c.giveUp(engine.Linger)
		case stopLong:
			if !c.w.TryLend() {
				if c.flush() && c.keep() {
					c.verdict = engine.Hold
				}
				return false
			}
			c.stop = stopNone
		default:
			return c.giveUp(engine.Abort)
		}
	}
}

// giveUp ends the turn with a verdict that ends the connection.
func (c *Conn) giveUp(v engine.Verdict) bool {
	c.verdict = c.over(v)
	return false
}

// closed notes that our close frame is sent, or as good as that.
func (c *Conn) closed(code ws.Code) {
	c.st.at = ws.StateCloseSent
	c.r.code = uint16(code)
	limit := c.d.cfg.Close
	if c.d.e.Closing() {
		limit = min(limit, engine.ClosingGrace)
	}
	c.st.due = pool.TickAfter(c.w.Now + limit)
}

// closedBy notes that others close the connection. Our message under way may be
// sent to its end before (RFC 6455 section 5.5.1), within the time that the peer
// has to answer.
func (c *Conn) closedBy() bool {
	code := ws.Code(uint16(c.r.closing.Load()))
	if c.st.flags&flagClosing == 0 {
		c.closed(code)
		c.st.flags |= flagClosing
		c.st.at = ws.StateOpen
	}
	if c.st.enc.Midway() {
		return true
	}
	c.st.at = ws.StateCloseSent
	if !c.d.e.Pool().Outputs.Sealed(c.handle) {
		// There was no block for the frame, or it is just being pushed: then
		// one of the two is.
		c.code, c.size = code, 0
		return c.sendClose()
	}
	return true
}

// over ends the connection: the program is told, if it was not yet, and what is
// staged is sent.
func (c *Conn) over(v engine.Verdict) engine.Verdict {
	if c.lost {
		return engine.Lost // the slot is another's
	}
	if c.st.flags&flagTold == 0 && c.u.h.Close != nil {
		code := ws.Code(c.r.code)
		if !c.begin() {
			return engine.Abort
		}
		c.tell(code, nil)
		if !c.finish() {
			return engine.Lost
		}
	}
	c.st.flags |= flagTold
	c.d.e.Pool().Stash.Drop(c.s)
	return v
}

// begin has a handler run from here on, if none does.
func (c *Conn) begin() bool {
	if c.handling {
		return true
	}
	u := c.u
	if stuck := u.stuck.Load(); stuck > 0 {
		if c.began = c.d.e.Backend().Now(); stuck > stuckSlow {
			c.w.HandOver()
		}
	}
	c.r.busy = true
	// What is staged is whole frames, none of which has begun: the farewell may
	// come in their place.
	if !c.w.BeginHandler(u.o.Timeout, false) {
		c.r.busy = false
		c.stop = stopAbort
		return false
	}
	c.handling = true
	return true
}

// finish says that no handler runs any more. If the right to the slot has passed
// meanwhile, it returns false.
func (c *Conn) finish() bool {
	c.handling = false
	if !c.w.EndHandler() {
		c.lost = true
		c.verdict = engine.Lost
		// The slot and the record are gone. What the connection had, we have.
		c.w, c.r = nil, nil
		if c.st.flags&flagTold == 0 && c.u.h.Close != nil {
			c.st.flags |= flagTold
			c.tell(ws.CodeInternalError, nil)
		}
		c.d.release(c.params, c.own)
		return false
	}
	c.r.busy = false
	if stuck := c.u.stuck.Load(); c.w.Caught() {
		c.u.stuck.Store(min(stuck+stuckStep, stuckMost))
	} else if stuck > 0 && c.d.e.Backend().Now()-c.began < quickTime {
		c.u.stuck.Add(-1)
	}
	return true
}
