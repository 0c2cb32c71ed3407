package websocket

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// Conn is the connection that a handler is called for. It is valid until the
// handler returns, and for the goroutine that the handler runs on; Socket is for
// all others.
//
// What it sends is gathered, and sent together when all that was received at
// once is handled.
type Conn struct {
	d      *Driver
	w      *engine.Worker
	s      *pool.Slot
	r      *record // not to be touched by a handler: it may be another's by now
	u      *route
	handle pool.Handle

	// What the slot and its record have, while they are served: the handler's
	// right to them may pass at any time.
	value    any
	dec      ws.Decoder
	st       state
	protocol uint16
	params   wsconn.Params
	valued   bool // value is another

	in      []byte // what was received, and the message that has begun
	at, end int    // what was not looked at yet is in[at:end]
	from    int    // the message that has begun is in[from:to]
	to      int
	cut     int    // between the two
	block   uint16 // in is this block of Driver.longs, 1 + its number; 0 if it is of memory
	fresh   bool   // nothing had begun when the turn did
	out     []byte // what is to be sent
	got     int    // bytes received in this turn

	handling bool // a handler runs, or may
	lost     bool // its right has passed
	began    int64
	stop     stop
	verdict  engine.Verdict
	err      error // what a send has failed with

	messages atomic.Uint64 // received, by this worker

	// All from here on the usual turn does without.

	memory []byte // the worker's, all of it

	// What the handshake has found, for Begin.
	offer  ws.Offer
	agreed struct {
		protocol uint16
		params   wsconn.Params
	}

	// The close frame to be sent, and the one that was received.
	code   ws.Code
	reason [ws.MaxReason]byte
	size   int

	frame [ws.MaxHeader + ws.MaxControl]byte

	// For messages that are compressed: see compress.go.
	own      wsconn.Codec // of the connection, nil if it has none
	spare    wsconn.Codec // of the worker
	bound    bool         // it is bound to the connection
	inflated []byte
	payload  payload
	packer   packer
	oneByte  [1]byte

	_ [flat.Line]byte
}

// stop says why no more of what was received is looked at.
type stop uint8

const (
	stopNone  stop = iota
	stopFull       // output waits for the peer: first that
	stopClose      // our close frame is to be sent, and theirs awaited
	stopReply      // our close frame is to be sent, and that is the end
	stopDone       // both were
	stopLong       // a compressed message does not fit: a worker that is lent is needed
	stopAbort      // the connection is of no use any more
)

// divide divides a worker's memory.
func (c *Conn) divide(memory []byte, stash int) {
	c.memory = memory
	c.cut = min(len(memory)/2, stash)
	c.halve()
}

// halve has as much memory for what is received as for what is sent.
func (c *Conn) halve() {
	c.block = 0
	c.in = c.memory[:c.cut:c.cut]
	c.out = c.memory[c.cut:c.cut:len(c.memory)]
}

// stretch has all memory for what is received, but for some frames that are
// sent. It is for the payload of a long frame, of which nothing is kept.
func (c *Conn) stretch() {
	n := len(c.memory) - min(1024, len(c.memory)/4)
	c.in = c.memory[:n:n]
	c.out = c.memory[n:n:len(c.memory)]
}

// Send sends a message, text or binary, whole. p is the caller's again when it
// returns. It waits for the peer only if Options.Mark pieces of output wait for
// it already, or there is no room to keep what it does not take.
//
// The errors are ErrClosed, ws.ErrOrder in the midst of a message of Piece, or
// for another opcode, and those of the stream: the connection is lost, and the
// handler should return.
func (c *Conn) Send(op ws.Opcode, p []byte) error {
	if c.st.enc.Midway() {
		return ws.ErrOrder
	}
	if c.params != 0 && c.isOpen() && (op == ws.OpText || op == ws.OpBinary) {
		if done, err := c.pack(op, p); done {
			return err
		}
	}
	return c.Piece(op, true, p)
}

// SendText sends a text, which must be UTF-8, as Send does.
func (c *Conn) SendText(s string) error { return c.Send(ws.OpText, ascii.Bytes(s)) }

// Piece sends the next piece of a message, of any length, in a frame of its own;
// fin says that it is the last. op is that of the message, with each piece. What
// is pushed to the connection waits until the message is at its end, also when
// the handler returns before. It is not compressed. The errors are those of Send.
func (c *Conn) Piece(op ws.Opcode, fin bool, p []byte) error {
	if !c.isOpen() {
		return ErrClosed
	}
	if c.st.flags&flagDialled != 0 {
		return c.d.client.Load().piece(c, op, fin, p)
	}
	h, err := c.st.enc.Data(op, fin, false)
	if err != nil {
		return err
	}
	h.Length = uint64(len(p))
	room := cap(c.out) - len(c.out)
	if len(p) <= min(cap(c.out)/2, copied) && len(p) <= room-ws.MaxHeader {
		c.out = append(ws.AppendHeader(c.out, h), p...)
		return nil
	}
	if room < ws.MaxHeader {
		if err := c.transmit(nil); err != nil {
			return err
		}
	}
	c.out = ws.AppendHeader(c.out, h)
	return c.transmit(p)
}

// copied is how many bytes of payload at most are put behind what is staged. What
// is longer is sent from where it is: a system call of its own costs less then
// than to copy it.
const copied = 4 << 10

// Ping sends a ping with a payload of at most ws.MaxControl bytes. The errors
// are those of Send, and ErrLong.
func (c *Conn) Ping(p []byte) error {
	if len(p) > ws.MaxControl {
		return ErrLong
	}
	if !c.isOpen() {
		return ErrClosed
	}
	return c.control(ws.OpPing, p)
}

// Close begins to close the connection, when the handler returns, with a code
// that may be sent (ws.Code.MayBeSent, or ws.CodeNoStatus) and a reason of at
// most ws.MaxReason bytes of UTF-8; what is longer is cut. What was sent before
// is sent before. No message is handled any more. The error is ErrClosed if it
// is closing already.
func (c *Conn) Close(code ws.Code, reason string) error {
	if !c.isOpen() {
		return ErrClosed
	}
	c.close(code, reason)
	return nil
}

func (c *Conn) close(code ws.Code, reason string) {
	c.stop = stopClose
	c.code = code
	c.size = copy(c.reason[:], reason)
}

// isOpen reports whether something may be sent.
func (c *Conn) isOpen() bool {
	if c.st.at != ws.StateOpen || c.stop == stopClose || c.stop == stopReply || c.st.flags&flagTold != 0 || c.r == nil {
		return false
	}
	// RFC 6455 section 5.5.1: the message under way may be sent to its end.
	return c.st.enc.Midway() || !c.closedElsewhere()
}

// closedElsewhere reports whether the connection is closed by others.
func (c *Conn) closedElsewhere() bool {
	return uint32(c.r.closing.Load()>>32) == c.handle.Generation()
}

// Socket is the connection for all other goroutines, and for later.
func (c *Conn) Socket() Socket { return Socket{c.u, c.handle} }

// Protocol is the subprotocol that was agreed on, "" if none was.
func (c *Conn) Protocol() string {
	if c.protocol == 0 {
		return ""
	}
	return c.u.o.Protocols[c.protocol-1]
}

// Value is what SetValue was given for this connection, or the handler that was
// around the upgrade gave to the request (web.Request.SetValue).
func (c *Conn) Value() any { return c.value }

// SetValue leaves a value for the handlers that are called later for the
// connection. A pointer costs no allocation.
func (c *Conn) SetValue(v any) { c.value, c.valued = v, true }

// Remote is the address of the peer. It asks the system each time. It is unset
// in Handler.Close if the connection was lost.
func (c *Conn) Remote() transport.Addr {
	if c.w == nil {
		return transport.Addr{}
	}
	return c.w.Stream().Remote()
}

// control stages a control frame.
func (c *Conn) control(op ws.Opcode, p []byte) error {
	h := ws.Header{Op: op, Fin: true}
	if c.st.flags&flagDialled != 0 {
		if err := c.d.mask(&h); err != nil {
			return err
		}
	}
	if cap(c.out)-len(c.out) < ws.MaxHeader+len(p) {
		if err := c.transmit(nil); err != nil {
			return err
		}
	}
	c.out = ws.AppendFrame(c.out, h, p)
	return nil
}

// masked is Piece of a client: what does not fit is cut into frames, since
// nothing is sent that is not masked, and masking copies.
func (c *Conn) masked(op ws.Opcode, fin bool, p []byte) error {
	for {
		room := cap(c.out) - len(c.out) - ws.MaxHeader
		if len(p) > room && room < cap(c.out)/2 {
			if err := c.transmit(nil); err != nil {
				return err
			}
			continue
		}
		n := min(len(p), room)
		h, err := c.st.enc.Data(op, fin && n == len(p), false)
		if err != nil {
			return err
		}
		if err := c.d.mask(&h); err != nil {
			return err
		}
		c.out = ws.AppendFrame(c.out, h, p[:n])
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
}

// transmit sends what is staged, and p behind it, and keeps what the peer does
// not take. Only if there is no room for that, it waits.
func (c *Conn) transmit(p []byte) error {
	if c.err != nil {
		return c.err
	}
	if c.handling && !c.takeSlot() {
		return c.transmitted(engine.ErrDeadline)
	}
	// RFC 6455 section 5.4: between the fragments of a message come control
	// frames at most, so what others push waits.
	if c.st.enc.Midway() || c.w.Pending(c.s) {
		c.hold()
	}
	rest, err := c.w.Send(c.s, c.out, p, false)
	return c.sent(p, rest, err)
}

// sent sees to what Send has left of what is staged and p.
func (c *Conn) sent(p []byte, rest int, err error) error {
	w := c.w
	if w.Pending(c.s) {
		// Section 5.5.1: nothing may follow a close frame. So one that is pushed
		// must wait for what the handler still sends in this turn.
		c.hold()
		if c.stop == stopNone {
			c.stop = stopFull
		}
	} else if !c.st.enc.Midway() && c.st.flags&flagHeld != 0 && rest == 0 {
		c.unhold()
	}
	if c.handling {
		w.Give()
	}
	if err == nil && rest > 0 {
		err = c.wait(p, rest, rest < len(c.out)+len(p))
	}
	return c.transmitted(err)
}

// transmitted ends a transmit.
func (c *Conn) transmitted(err error) error {
	if c.err = err; err != nil && c.stop != stopAbort {
		c.stop = stopAbort
	}
	c.out = c.out[:0]
	return err
}

// takeSlot takes the slot for a moment, in a handler. If the peer does not take
// what it is sent by this handler, which is not to fill our memory, it waits.
func (c *Conn) takeSlot() bool {
	w := c.w
	if !w.Take() {
		return false
	}
	if !w.Pending(c.s) || c.d.e.Pool().Outputs.Len(c.s) < c.u.o.Mark || !w.TryLend() {
		return true
	}
	w.Give()
	_, err := w.Stream().Write(nil)
	return err == nil && w.Take()
}

// hold has what others push wait. The slot is ours.
func (c *Conn) hold() {
	if c.st.flags&flagHeld == 0 {
		c.st.flags |= flagHeld
		c.w.Hold(c.s, true)
	}
}

// unhold has it wait no longer.
func (c *Conn) unhold() {
	if c.st.flags&flagHeld != 0 {
		c.st.flags &^= flagHeld
		c.w.Hold(c.s, false)
	}
}

// wait waits until the peer has taken the last rest bytes of what is staged and
// p, for which there is no room.
func (c *Conn) wait(p []byte, rest int, begun bool) error {
	head := c.out
	if n := rest - len(p); n > 0 {
		head = head[len(head)-n:]
	} else {
		head, p = nil, p[len(p)-rest:]
	}
	own := !c.handling
	if own && !c.begin() {
		return engine.ErrClosing
	}
	t := c.w.Stream()
	var err error
	if begun {
		_, err = t.WriteOn(head)
	} else {
		_, err = t.Write(head)
	}
	if err == nil {
		_, err = t.WriteOn(p)
	}
	if own && !c.finish() {
		return engine.ErrDeadline
	}
	if !c.st.enc.Midway() && c.st.flags&flagHeld != 0 && !c.lost {
		c.st.flags &^= flagHeld
		if c.handling {
			return first(err, t.Hold(false))
		}
		c.w.Hold(c.s, false)
	}
	return err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
