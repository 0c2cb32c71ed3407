package wsconn

import (
	"io"

	"github.com/bobtail-go/bobtail/ws"
)

// This file sends frames, one at a time: what is lower case wants the lock
// sending held, but for lock, pong and remind.

// Ping sends a ping with a payload of at most ws.MaxControl bytes. The pong
// comes to the hook of the Config while somebody reads. It waits for a frame
// that is being sent.
func (c *Conn) Ping(payload []byte) error { return c.sendControl(ws.OpPing, payload) }

// Pong sends a pong that nobody has asked for, which keeps the connection alive
// without an answer (RFC 6455 section 5.5.3). Pings are answered without it.
func (c *Conn) Pong(payload []byte) error { return c.sendControl(ws.OpPong, payload) }

func (c *Conn) sendControl(op ws.Opcode, payload []byte) error {
	if len(payload) > ws.MaxControl {
		return ErrControl
	}
	c.lock()
	err := c.stop
	if err == nil {
		n := copy(c.controlPayload(), payload)
		err = c.putControl(op, n)
	}
	c.unlock()
	return err
}

// lock takes the lock sending, and settles what has come to be owed: who has it
// knows whether the connection is at its end.
func (c *Conn) lock() {
	c.sending.Lock()
	if c.owes.Load() {
		c.settle()
	}
}

// unlock gives up the lock sending, and settles what has come to be owed while
// it was held.
func (c *Conn) unlock() {
	for {
		if c.owes.Load() {
			c.settle()
		}
		c.sending.Unlock()
		// What is owed since the look above is settled by us, if nobody else has
		// the lock by now: he will look, too.
		if !c.owes.Load() || !c.sending.TryLock() {
			return
		}
	}
}

// pong answers a ping, or leaves that to Background, or to who is sending a
// frame: were the reader to wait for him, and the peer's for his, neither would
// ever go on.
func (c *Conn) pong(payload []byte) {
	if c.pay == nil && c.sending.TryLock() {
		if c.owes.Load() {
			c.settle() // the older pings first
		}
		if c.stop == nil {
			n := copy(c.controlPayload(), payload)
			// An error is kept, and told to those who send.
			_ = c.putControl(ws.OpPong, n)
		}
		c.unlock()
		return
	}
	c.owing.Lock()
	asked := c.owes.Load()
	c.owe(payload)
	c.owes.Store(true)
	c.owing.Unlock()
	switch {
	case c.pay == nil:
		c.remind()
	case !asked:
		c.config.Background(c.pay)
	}
}

// owe puts a pong behind those that are owed. Where there is no room for all,
// the oldest are left out, as RFC 6455 section 5.5.3 allows. The caller has the
// lock owing.
func (c *Conn) owe(payload []byte) {
	for c.owedSize+1+len(payload) > len(c.owed) {
		c.owedSize = copy(c.owed[:], c.owed[1+int(c.owed[0]):c.owedSize])
	}
	c.owed[c.owedSize] = byte(len(payload))
	c.owedSize += 1 + copy(c.owed[c.owedSize+1:], payload)
}

// remind settles what is owed now, unless somebody has the lock, who will.
func (c *Conn) remind() {
	if c.sending.TryLock() {
		c.unlock()
	}
}

// settle sends the pongs that are owed, if the stream has not ended since.
func (c *Conn) settle() {
	for more := true; more; {
		c.owing.Lock()
		gone, owes, n := c.gone, c.owedSize > 0, 0
		if owes {
			n = copy(c.controlPayload(), c.owed[1:1+int(c.owed[0])])
			c.owedSize = copy(c.owed[:], c.owed[1+n:c.owedSize])
		}
		more = c.owedSize > 0 && gone == nil
		c.owes.Store(more)
		c.owing.Unlock()
		switch {
		case gone != nil:
			c.advance(ws.EventClose)
			c.finish(gone)
		case owes && c.stop == nil:
			_ = c.putControl(ws.OpPong, n)
		}
	}
}

// controlPayload is where the payload of a control frame is put for putControl.
func (c *Conn) controlPayload() []byte { return c.control[c.controlHead():] }

// controlHead is the size of the header of a control frame.
func (c *Conn) controlHead() int {
	if c.config.Role == ws.RoleClient {
		return 2 + 4
	}
	return 2
}

// putControl sends a control frame with n bytes of payload.
func (c *Conn) putControl(op ws.Opcode, n int) error {
	h := ws.Header{Op: op, Fin: true, Length: uint64(n)}
	if err := c.mask(&h); err != nil {
		return err
	}
	at := c.controlHead()
	if h.Masked {
		ws.Mask(c.control[at:at+n], h.Key)
	}
	ws.AppendHeader(c.control[:0], h)
	return c.write(c.control[:at+n])
}

// putData sends a frame of the message that is being sent, with the size bytes
// in data and then p. The lock writing is held, too.
func (c *Conn) putData(p []byte, fin bool) error {
	if c.stop != nil {
		return c.stop
	}
	h, err := c.encoder.Data(c.sendOp, fin, c.pack)
	if err != nil {
		panic("BUG: wsconn: a message within a message")
	}
	h.Length = uint64(c.size) + uint64(len(p))
	if err := c.mask(&h); err != nil {
		return err
	}
	// The header ends where the payload begins.
	from, to := ws.MaxHeader-ws.HeaderSize(h), ws.MaxHeader+c.size
	ws.AppendHeader(c.data[from:from], h)
	key := h.Key
	if h.Masked {
		key = ws.Mask(c.data[ws.MaxHeader:to], key)
	}
	for {
		k := min(len(p), len(c.data)-to)
		if h.Masked {
			key = ws.MaskCopy(c.data[to:to+k], p[:k], key)
		} else {
			copy(c.data[to:], p[:k])
		}
		if err := c.write(c.data[from : to+k]); err != nil {
			return err
		}
		if p = p[k:]; len(p) == 0 {
			return nil
		}
		if !h.Masked {
			return c.write(p) // without a copy
		}
		from, to = ws.MaxHeader, ws.MaxHeader
	}
}

// write sends bytes. If that fails, nothing can be sent any more, since nobody
// knows where in a frame the peer is.
func (c *Conn) write(p []byte) error {
	n, err := c.rw.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		c.finish(err)
		c.advance(ws.EventClose)
	}
	return err
}

// finish makes err what sending says from now on, if it is the first.
func (c *Conn) finish(err error) {
	if c.stop == nil {
		c.stop = err
	}
	c.over.Store(true)
}

// mask gives the frame of a client a key of its own (RFC 6455 section 5.3).
func (c *Conn) mask(h *ws.Header) error {
	if c.config.Role != ws.RoleClient {
		return nil
	}
	if c.keysAt == len(c.keys) {
		if err := c.entropy(c.keys[:]); err != nil {
			c.finish(err)
			c.advance(ws.EventClose)
			return err
		}
		c.keysAt = 0
	}
	b := c.keys[c.keysAt : c.keysAt+4]
	h.Masked, h.Key = true, ws.Key(b[0])|ws.Key(b[1])<<8|ws.Key(b[2])<<16|ws.Key(b[3])<<24
	clear(b)
	c.keysAt += 4
	return nil
}

// entropy fills b from the source of entropy.
func (c *Conn) entropy(b []byte) error {
	for empty := 0; len(b) > 0; {
		n, err := c.config.Rand.Read(b)
		b = b[n:]
		if n > 0 {
			empty = 0
		} else if empty++; err != nil || empty == emptyReads {
			return ErrRand
		}
	}
	return nil
}
