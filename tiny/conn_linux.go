//go:build amd64 || arm64

package main

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/ws"
)

// conn is a connection. It has no pointer.
type conn struct {
	fd     int32
	slot   int32 // its index in conns
	next   int32 // of a slot that is free: one more than the next that is
	phase  phase
	end    bool   // nothing follows what is gathered
	asked  bool   // a Ping of ours is not answered
	events uint32 // that epoll waits for

	kept     int   // bytes of ins
	sent     int   // bytes of outs that were sent
	held     int   // bytes of outs
	deadline int64 // when it has been in its phase for too long

	head     http1.Head
	body     http1.Body
	response http1.Response

	decoder ws.Decoder
	encoder ws.Encoder

	session
}

// phase is what a connection is at.
type phase uint8

const (
	free     phase = iota
	idle           // between two requests of HTTP
	inHead         // in a head
	echo           // in content that is echoed
	drain          // in content that nobody wants
	sleeping       // in an answer that comes later
	socket         // in WebSocket
	messages       // in CoAP
	linger         // our side is closed; what comes is discarded (RFC 9112 section 9.6)
)

// idleWaits is how long a connection may be idle, in times of options.wait.
const idleWaits = 6

// leastRate is how many bytes a client must send or take of a request under
// way, in each second beyond options.wait.
const leastRate = 256

// due sets the time that a connection may take.
//
//go:noinline
func (w *worker) due(c *conn, ms int64) {
	c.deadline = w.now + ms
	w.sweepAt = min(w.sweepAt, c.deadline)
}

// since is when an idle connection became so.
func (c *conn) since() int64 {
	if c.response.Begun() {
		return c.deadline - idleWaits*options.wait
	}
	return c.deadline - options.wait
}

// credit gives a connection more time for bytes that it has sent or taken.
func (w *worker) credit(c *conn, n int) {
	c.deadline = min(c.deadline+int64(n)*1000/leastRate, w.now+options.wait)
}

// ready does what an event of epoll allows to do.
func (w *worker) ready(c *conn, events uint32) {
	if c.held != 0 {
		if events&(epollErr|epollHup) != 0 {
			w.drop(c)
			return
		}
		n := w.send(c, outs[c.slot][c.sent:c.held])
		if n < 0 {
			return
		}
		w.credit(c, n)
		if c.sent += n; c.sent != c.held {
			return
		}
		c.held, c.sent = 0, 0
		ms := options.wait
		if c.phase == idle || c.phase == socket || c.phase == messages {
			ms *= idleWaits
		}
		w.due(c, ms)
		w.settle(c, ins[c.slot][:c.kept])
		return
	}
	if c.phase == sleeping { // it is not waited for: its peer is gone
		w.drop(c)
		return
	}
	b := w.in[:]
	if c.kept != 0 {
		b = ins[c.slot][:]
	}
	n := call3(sysRead, uintptr(c.fd), pointer(&b[c.kept]), uintptr(len(b)-c.kept))
	switch {
	case n == errAgain || n == errInterrupted:
	case n <= 0:
		w.drop(c)
	case c.phase == linger:
	default:
		w.settle(c, b[:c.kept+n])
	}
}

// settle serves what is here of a connection's input, sends what comes of it,
// and has it wait for what it needs next.
func (w *worker) settle(c *conn, b []byte) {
	for {
		before := len(b)
		if !c.end {
			b = w.serve(c, b)
		}
		if len(w.out) == 0 {
			break
		}
		n := w.send(c, w.out)
		if n < 0 {
			return
		}
		if n != len(w.out) {
			c.held = copy(outs[c.slot][:], w.out[n:])
			w.due(c, options.wait)
		}
		w.out = w.outBuf[:0]
		// What was left for want of room is looked at again.
		if c.held != 0 || c.end || len(b) == 0 || len(b) == before {
			break
		}
	}
	if c.end {
		b = nil
	}
	c.kept = copy(ins[c.slot][:], b)
	switch {
	case c.held != 0:
		w.expect(c, epollOut)
	case c.end:
		call3(sysShutdown, uintptr(c.fd), 1, 0)
		c.end, c.phase = false, linger
		w.due(c, options.wait/5)
		w.expect(c, epollIn)
	case c.phase == sleeping:
		w.expect(c, 0)
	default:
		w.expect(c, epollIn)
	}
}

// serve takes what it can from the front of the input, and returns the rest.
func (w *worker) serve(c *conn, b []byte) []byte {
	for {
		at := c.phase
		switch at {
		case idle, inHead:
			b = w.request(c, b)
		case echo, drain:
			b = w.content(c, b)
		case socket:
			return w.frames(c, b)
		case messages:
			return w.coap(c, b)
		default:
			return b
		}
		if c.phase == at || c.end {
			return b
		}
	}
}

// room reports whether n bytes more can be gathered.
func (w *worker) room(n int) bool { return cap(w.out)-len(w.out) >= n }

// expect has the connection wait for events.
func (w *worker) expect(c *conn, events uint32) {
	if c.events != events {
		c.events = events
		w.control(epollMod, c.fd, events, c.slot)
	}
}

// send sends what the system takes of b. It is negative if the connection is
// gone, and dropped.
func (w *worker) send(c *conn, b []byte) int {
	n := call(sysSendTo, uintptr(c.fd), pointer(&b[0]), uintptr(len(b)), noSignal, 0, 0)
	if n == errAgain || n == errInterrupted {
		return 0
	}
	if n < 0 {
		w.drop(c)
	}
	return n
}

// drop ends a connection at once.
func (w *worker) drop(c *conn) {
	w.log("[CLOSE]", c, "")
	call3(sysClose, uintptr(c.fd), 0, 0)
	w.out = w.outBuf[:0]
	c.phase = free
	c.next, w.freed = w.freed, c.slot+1
	w.open--
	count.open.Add(^uint64(0))
	if w.full && !w.ending {
		w.await(true)
	}
}

// overdue ends a connection whose time is over, or has it do what was put off.
func (w *worker) overdue(c *conn) {
	if w.ending {
		w.dismiss(c)
	}
	if c.deadline > w.now || c.phase == free {
		w.sweepAt = min(w.sweepAt, c.deadline)
		return
	}
	if c.held == 0 && !c.asked {
		switch c.phase {
		case inHead, echo:
			w.refuse(c, http1.StatusRequestTimeout)
			w.settle(c, nil)
			return
		case sleeping:
			w.slept(c)
			w.settle(c, ins[c.slot][:c.kept])
			return
		case socket, messages:
			w.ping(c)
			w.settle(c, ins[c.slot][:c.kept])
			c.asked = true // behind settle, where what was kept of a frame is looked at again
			w.due(c, options.wait)
			return
		}
	}
	w.drop(c)
}

// ping asks a peer that has been silent whether it is there.
func (w *worker) ping(c *conn) {
	if c.phase == socket {
		w.frame(ws.Header{Op: ws.OpPing, Fin: true}, nil)
	} else {
		w.pingCoAP()
	}
}

// dismiss ends a connection in order because the program ends.
func (w *worker) dismiss(c *conn) {
	if c.held != 0 {
		return
	}
	switch c.phase {
	case idle:
		w.drop(c)
	case socket:
		w.close(c, ws.CodeGoingAway)
		w.settle(c, nil)
	case messages:
		w.release(c)
		w.settle(c, nil)
	}
}
