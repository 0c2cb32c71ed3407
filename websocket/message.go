package websocket

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
)

// This file takes what was received apart, and calls the handler for it.

// run looks at what was received until there is no more, or a reason to stop, or
// it has looked at as much as a worker's buffer takes and there may be more: a
// block has as much as that several times, which is too much for one deadline. A
// panic of the handler closes the connection.
func (c *Conn) run() (more bool) {
	defer c.rescue()
	if c.st.flags&flagLong != 0 && c.stop == stopNone {
		c.inflateLong()
	}
	looked := 0
	for n := 1; c.at < c.end && c.stop == stopNone; n++ {
		if looked >= c.cut {
			return true
		}
		end := c.end
		if c.block != 0 {
			end = c.window()
		}
		p, k, err := c.dec.Next(c.in[c.at:end], &c.u.rules)
		c.at += k
		looked += k
		if err != nil {
			// RFC 6455 section 7.1.7
			c.fail(err.(ws.Error).Code())
			return false
		}
		switch p.Kind {
		case ws.NeedMore:
			if end == c.end {
				return false
			}
		case ws.Data:
			if c.st.at == ws.StateOpen {
				c.data(p)
			}
		default:
			c.act(p)
		}
		if n&7 == 0 && c.handling {
			// Nobody waits for the answers any more?
			if !c.w.Take() {
				return false
			}
			c.w.Give()
		}
	}
	return false
}

// window is the end of what may be looked at in one piece. Handlers send what they
// are given, and if the peer does not take it, it is kept in output blocks, which
// are for all: of a block, which would take dozens of those, they are given more
// than of a worker's buffer only while three quarters of them are free. What was
// received is in a block.
func (c *Conn) window() int {
	if c.end-c.at <= c.cut || c.u.h.Data == nil || c.params != 0 {
		return c.end
	}
	p := c.d.e.Pool()
	used, _ := p.Outputs.Used()
	if all, _ := p.Outputs.Count(); used <= all/4 {
		return c.end
	}
	return c.at + c.cut
}

// act acts on a control frame.
func (c *Conn) act(p ws.Part) {
	switch p.Kind {
	case ws.Ping:
		// RFC 6455 section 5.5.2
		if c.st.at == ws.StateOpen && c.control(ws.OpPong, p.Payload) != nil {
			c.stop = stopAbort
		}
	case ws.Pong:
		if c.st.at == ws.StateOpen && c.u.h.Pong != nil && c.begin() {
			c.result(c.u.h.Pong(c, p.Payload))
		}
	case ws.Close:
		c.closeReceived(p)
	}
}

// data takes a part of a message.
func (c *Conn) data(p ws.Part) {
	h := &c.u.h
	if p.First && c.u.o.Rate != 0 && !c.mayCome() {
		c.fail(ws.CodePolicyViolation)
		return
	}
	if p.Last {
		c.count()
	}
	switch {
	case p.Compressed:
		c.packed(p)
		return
	case h.Data != nil:
		if c.begin() {
			c.result(h.Data(c, p))
		}
		return
	case !p.First || !p.Last:
		if !c.gather(p) {
			return
		}
		p.Payload = c.in[c.from:c.to:c.to]
		c.from, c.to = 0, 0
	}
	if h.Message != nil && c.begin() {
		c.result(h.Message(c, p.Op, p.Payload))
	}
}

// count counts a message, before the handler sees its end, so that nobody who has
// an answer to it, from whomever, finds it missing.
func (c *Conn) count() { c.messages.Store(c.messages.Load() + 1) } // nobody else writes it

// gather adds a part to the message that has begun, in front of what was not
// looked at yet. It reports whether the message is whole. There is room, since
// the decoder refuses longer ones.
func (c *Conn) gather(p ws.Part) bool {
	if p.First {
		// Where it is, as long as nothing comes between.
		c.from = c.at - len(p.Payload)
		c.to = c.at
	} else {
		c.to += copy(c.in[c.to:], p.Payload)
	}
	return p.Last
}

// mayCome counts a message, and reports whether the peer may send it yet.
func (c *Conn) mayCome() bool {
	if now := uint16(c.w.Now / second); now != c.st.second {
		c.st.second, c.st.sent = now, 0
	}
	if int(c.st.sent) >= c.u.o.Rate {
		return false
	}
	c.st.sent++
	return true
}

// result acts on what a handler has returned.
func (c *Conn) result(err error) {
	if err == nil || c.stop == stopClose || c.stop == stopAbort {
		return
	}
	code := ws.CodeInternalError
	if e, ok := err.(interface{ Code() ws.Code }); ok {
		code = e.Code()
	}
	c.close(code, "")
}

// fail ends the connection, which is beyond use: the peer is told the code, and
// not listened to any more (RFC 6455 section 7.1.7).
func (c *Conn) fail(code ws.Code) {
	if c.st.at == ws.StateOpen {
		c.close(code, "")
		c.stop = stopReply
	} else {
		c.stop = stopDone
	}
	c.st.at = ws.StateFailed
}

// closeReceived takes the peer's close frame.
func (c *Conn) closeReceived(p ws.Part) {
	if c.st.at != ws.StateOpen {
		c.stop = stopDone
		return
	}
	// RFC 6455 section 5.5.1: it is answered with the same code.
	c.st.at = ws.StateCloseReceived
	c.code, c.size = p.Code, 0
	if c.u.h.Close != nil && c.begin() {
		c.tell(p.Code, p.Payload)
	}
	if c.stop != stopAbort {
		c.stop = stopReply
	}
}

// tell tells the program of the end. It is called once.
func (c *Conn) tell(code ws.Code, reason []byte) {
	defer c.rescue()
	c.st.flags |= flagTold
	if code == 0 {
		code = ws.CodeAbnormal
	}
	c.u.h.Close(c, code, reason)
}

// rescue tells of a panic, on its stack.
func (c *Conn) rescue() {
	v := recover()
	if v == nil {
		return
	}
	if c.w != nil {
		c.w.Panicked(c.handle)
	} else {
		c.d.e.Panicked(c.handle)
	}
	if c.stop != stopReply && c.stop != stopAbort {
		c.close(ws.CodeInternalError, "")
	}
	if c.d.cfg.Panic != nil {
		c.d.cfg.Panic(c.Socket(), v)
	}
}

// sendClose sends our close frame, behind all that is to be sent. It reports
// whether it will be.
func (c *Conn) sendClose() bool {
	if len(c.out) > 0 {
		if c.transmit(nil) != nil || c.lost {
			return false
		}
	}
	h := ws.Header{Op: ws.OpClose, Fin: true}
	if c.st.flags&flagDialled != 0 && c.d.mask(&h) != nil {
		return false
	}
	payload := ws.AppendClose(c.frame[ws.MaxHeader:ws.MaxHeader], c.code, ascii.View(c.reason[:c.size]))
	h.Length = uint64(len(payload))
	head := ws.AppendHeader(c.frame[:0], h)
	if h.Masked {
		ws.Mask(payload, h.Key)
	}
	outs := &c.d.e.Pool().Outputs
	midway := c.st.enc.Midway()
	// What others have pushed may be sent before it, but not in the midst of a
	// message that will never have an end.
	err := c.d.e.PushLast(c.handle, head, payload, midway)
	switch {
	case pool.ErrSealed.Is(err) && midway:
		// Others have put theirs behind what waits for the end of the message: all
		// that goes, and ours comes.
		for outs.DropOldest(c.handle) {
		}
		c.unhold()
	case err == nil || pool.ErrSealed.Is(err):
		c.unhold()
		return true
	default:
		// No block is free. Perhaps it can be sent at once.
		c.unhold()
		c.w.Seal(c.s)
		if c.w.Pending(c.s) || outs.Len(c.s) > 0 {
			return false
		}
	}
	rest, err := c.w.Send(c.s, head, payload, false)
	return err == nil && rest == 0
}
