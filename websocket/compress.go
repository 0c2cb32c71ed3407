package websocket

import (
	"io"

	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// This file is for messages that are compressed (RFC 7692), by an Extension.
//
// A worker has a codec, which it binds to each connection in turn; a connection
// with context takeover has one of its own. A compressed message that fits into
// the worker's buffer is waited for, as others are for Handler.Message, and
// inflated when it is whole. Of a longer one for Handler.Data, the rest is
// inflated as it comes, by a worker that is lent while it waits.

// defaultThreshold is the least size in bytes that is compressed, if the
// Extension does not say.
const defaultThreshold = 256

// equip makes what compressing needs.
func (d *Driver) equip() {
	x := d.cfg.Extension
	if x == nil {
		return
	}
	d.threshold = defaultThreshold
	if t, ok := x.(interface{ Threshold() int }); ok {
		d.threshold = t.Threshold()
	}
	d.codecs = make([]wsconn.Codec, len(d.records))
	for i := range d.conns {
		c := &d.conns[i]
		c.spare = x.Codec()
		c.inflated = make([]byte, d.whole)
		c.payload.c, c.packer.c = opaque.To(c), opaque.To(c)
	}
}

// agree begins compression for a connection whose handshake has agreed on it.
func (d *Driver) agree(h pool.Handle, r *record, p wsconn.Params) {
	r.params = p
	if p == 0 {
		return
	}
	r.dec = ws.Decoder{}
	r.dec.SetCompressed(true)
	if role := r.u.rules.Role; d.cfg.Extension.Stateful(role, p) {
		d.codecs[h.Index()] = d.cfg.Extension.Take(role, p)
	}
}

// sharedKey is what messages that a connection may share with others are
// compressed for, 0 if they are not.
func (d *Driver) sharedKey(u *route, p wsconn.Params) wsconn.Params {
	if p == 0 || u.rules.Role != ws.RoleServer {
		return 0
	}
	key, ok := d.cfg.Extension.Shared(ws.RoleServer, p)
	if !ok {
		return 0
	}
	return key
}

// release gives back what is reserved for a connection, and its codec if it has
// one.
func (d *Driver) release(p wsconn.Params, own wsconn.Codec) {
	if p == 0 {
		return
	}
	if own != nil {
		d.cfg.Extension.Put(own)
	}
	d.cfg.Extension.Release(p)
}

// codec is the codec for the connection at hand.
func (c *Conn) codec() wsconn.Codec {
	if c.own != nil {
		return c.own
	}
	if !c.bound {
		c.bound = true
		c.spare.Bind(c.u.rules.Role, c.params)
	}
	return c.spare
}

// packed takes a part of a message that is compressed.
func (c *Conn) packed(p ws.Part) {
	if p.First && p.Last {
		c.inflate(p.Op, p.Payload)
		return
	}
	switch whole := c.gather(p); {
	case whole:
		b := c.in[c.from:c.to]
		c.from, c.to = 0, 0
		c.inflate(p.Op, b)
	case uint64(c.to-c.from)+c.dec.InFrame() > uint64(c.d.whole):
		// It does not fit. For Handler.Message the decoder has refused it.
		c.st.flags |= flagLong
		if p.Op == ws.OpText {
			c.st.flags |= flagText
		}
		c.stop = stopLong
	}
}

// inflate gives the handler a message of which all is here.
func (c *Conn) inflate(op ws.Opcode, b []byte) {
	c.payload.b, c.payload.over = b, true
	c.unpack(op)
}

// inflateLong gives the handler a message of which all that does not fit is
// received as it is inflated. The worker may be lent.
func (c *Conn) inflateLong() {
	op := ws.OpBinary
	if c.st.flags&flagText != 0 {
		op = ws.OpText
	}
	c.st.flags &^= flagLong | flagText
	c.payload.b, c.payload.over = c.in[c.from:c.to], false
	c.unpack(op)
	c.from, c.to = 0, 0
}

// unpack inflates the message at hand for the handler.
func (c *Conn) unpack(op ws.Opcode) {
	if !c.begin() {
		return
	}
	x := c.codec()
	x.Decompress(&c.payload)
	var text ws.UTF8
	total := uint64(0)
	first := true
	for c.stop == stopNone || c.stop == stopFull {
		n, err := 0, error(nil)
		for n < len(c.inflated) && err == nil {
			var k int
			k, err = x.Read(c.inflated[n:])
			n += k
		}
		total += uint64(n)
		b := c.inflated[:n:n]
		last := same.Error(err, io.EOF)
		switch {
		case c.stop != stopNone && c.stop != stopFull:
			return // the payload has ended before its time
		case err != nil && !last:
			c.failed(err)
			return
		case c.u.o.MaxMessage != 0 && total > c.u.o.MaxMessage:
			c.failed(ws.ErrInflatedTooBig)
			return
		case op == ws.OpText && (!text.Check(b) || last && !text.Whole()):
			c.failed(ws.ErrUTF8)
			return
		}
		if c.u.h.Data != nil {
			c.result(c.u.h.Data(c, ws.Part{Kind: ws.Data, Op: op, First: first, Last: last, Payload: b}))
		} else if !last {
			// Perhaps it just fits.
			if k, e := x.Read(c.oneByte[:]); k > 0 || !same.Error(e, io.EOF) {
				if e == nil || same.Error(e, io.EOF) {
					e = ws.ErrInflatedTooBig
				}
				c.failed(e)
				return
			}
			last = true
			if op == ws.OpText && !text.Whole() {
				c.failed(ws.ErrUTF8)
				return
			}
		}
		first = false
		if !last {
			continue
		}
		if c.u.h.Message != nil {
			c.result(c.u.h.Message(c, op, b))
		}
		return
	}
}

// failed fails the connection for what a message inflates to.
func (c *Conn) failed(err error) {
	code := ws.CodeInternalError
	if e, ok := err.(interface{ Code() ws.Code }); ok {
		code = e.Code()
	}
	c.fail(code)
}

// payload is the payload of the message at hand, for a codec.
type payload struct {
	c    opaque.Pointer[Conn]
	b    []byte
	over bool // nothing follows b
}

// Read gives what is here, and then waits for more.
func (r *payload) Read(p []byte) (int, error) {
	for len(r.b) == 0 {
		if r.over {
			return 0, io.EOF
		}
		if err := r.c.Get().more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// more has the next part of the message under way, and waits for it if it must.
func (c *Conn) more() error {
	c.from, c.to = 0, 0
	for {
		p, n, err := c.dec.Next(c.in[c.at:c.end], &c.u.rules)
		c.at += n
		if err != nil {
			c.failed(err)
			return err
		}
		switch p.Kind {
		case ws.Data:
			c.payload.b, c.payload.over = p.Payload, p.Last
			if p.Last {
				c.count()
			}
			return nil
		case ws.NeedMore:
			if c.endsLong() {
				return ErrClosed
			}
			if len(c.out) > 0 {
				if err := c.transmit(nil); err != nil {
					return err
				}
			}
			if c.stop == stopFull {
				c.stop = stopNone // the handler waits by itself
			}
			c.compact()
			t := c.w.Stream()
			limit := c.u.o.Timeout
			if limit == 0 {
				limit = c.d.e.Patience().Handler
			}
			if err = t.Extend(limit); err == nil {
				n, err = t.Read(c.in[c.end:])
				c.end += n
				c.got += n
			}
			if err != nil {
				c.stop = stopAbort
				return err
			}
		default:
			c.act(p)
			if c.stop != stopNone && c.stop != stopFull {
				return ErrClosed
			}
		}
	}
}

// endsLong has a long message that is under way come to nothing, if the connection
// is to end: a peer who sends it byte by byte does not keep a worker from that.
func (c *Conn) endsLong() bool {
	switch closing := c.r.closing.Load(); {
	case uint32(closing>>32) == c.handle.Generation():
		c.close(ws.Code(uint16(closing)), "")
	case c.d.e.Closing():
		c.close(ws.CodeGoingAway, "")
	default:
		return false
	}
	return true
}

// pack sends a message, compressed. It reports whether it does.
func (c *Conn) pack(op ws.Opcode, p []byte) (bool, error) {
	if c.params == 0 || len(p) < c.d.threshold {
		return false, nil
	}
	k := &c.packer
	k.op, k.at, k.err = op, -1, nil
	err := c.codec().Compress(k, p, true)
	if err == nil {
		err = k.end(true)
	}
	if k.err != nil {
		err = k.err
	}
	if err != nil && c.stop != stopAbort {
		// Half of a message is sent, or the codec does not know any longer what
		// the peer knows. A frame that is not complete is not sent.
		if k.at >= 0 {
			c.out = c.out[:k.at]
		}
		c.close(ws.CodeInternalError, "")
	}
	return true, err
}

// packer puts frames together of what a codec writes.
type packer struct {
	c   opaque.Pointer[Conn]
	op  ws.Opcode
	at  int // where the frame under way begins in out, -1 if there is none
	err error
}

// Write adds payload.
func (k *packer) Write(p []byte) (n int, err error) {
	c := k.c.Get()
	for n < len(p) && k.err == nil {
		if k.at < 0 {
			if cap(c.out)-len(c.out) < ws.MaxHeader+64 {
				if k.err = c.transmit(nil); k.err != nil {
					break
				}
			}
			k.at = len(c.out)
			c.out = c.out[:k.at+ws.MaxHeader]
		}
		if len(c.out) == cap(c.out) {
			if k.err = k.end(false); k.err == nil {
				k.err = c.transmit(nil)
			}
			continue
		}
		from := len(c.out)
		m := min(len(p)-n, cap(c.out)-from)
		c.out = append(c.out, p[n:n+m]...)
		n += m
	}
	return n, k.err
}

// end ends the frame under way, or an empty one.
func (k *packer) end(fin bool) error {
	c := k.c.Get()
	if k.at < 0 {
		if cap(c.out)-len(c.out) < ws.MaxHeader {
			if err := c.transmit(nil); err != nil {
				return err
			}
		}
		k.at = len(c.out)
		c.out = c.out[:k.at+ws.MaxHeader]
	}
	h, err := c.st.enc.Data(k.op, fin, true)
	if err != nil {
		return err
	}
	b := c.out[k.at+ws.MaxHeader:]
	h.Length = uint64(len(b))
	if c.st.flags&flagDialled != 0 {
		if err := c.d.mask(&h); err != nil {
			return err
		}
		ws.Mask(b, h.Key)
	}
	// The header was given more room than it needs.
	out := ws.AppendHeader(c.out[:k.at], h)
	n := copy(c.out[len(out):cap(c.out)], b)
	c.out = out[:len(out)+n]
	k.at = -1
	return nil
}
