package websocket

import (
	"sync"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// This file is the client's side of the handshake (RFC 6455 section 4.1), for
// connections that live in the pool beside those of the server.

// Target is whom to dial.
type Target struct {
	Addr transport.Addr // where the server listens
	Host string         // host [ ":" port ], as in the URL
	Path string         // path [ "?" query ], as in the URL; "" is "/"

	Origin string     // for a client that is a browser; "" sends none
	Fields []ws.Field // others, such as Authorization

	// Value is what Conn.Value is from the beginning.
	Value any

	// Failed, if it is not nil, is called instead of Handler.Open if there will
	// be no connection. err is of package transport if the server cannot be
	// reached, of package ws if it does not answer as it should (ws.ErrRefused,
	// ws.ErrRedirect), or of package engine. It must not block.
	Failed func(value any, err error)
}

// clientCalls are what connections that we have dialled need of those who serve
// and push. The driver has them from the first Dial on, and reaches them in no
// other way: a program that does not dial has no code for them.
type clientCalls struct {
	serve func(c *Conn) engine.Verdict // the handshake
	drop  func(t *dials, d *Driver, h pool.Handle)
	key   func(k *keys) (ws.Key, bool)
	piece func(c *Conn, op ws.Opcode, fin bool, p []byte) error
	push  func(d *Driver, s pool.Handle, h ws.Header, p []byte, mark int, policy engine.Overflow) error
}

var client = clientCalls{serveDial, (*dials).drop, (*keys).next, (*Conn).masked, (*Driver).pushMasked}

// dials are the connections whose handshake is not complete.
type dials struct {
	mu   sync.Mutex
	list []*dial
}

type dial struct {
	h   pool.Handle
	u   *route
	t   Target
	req ws.ClientRequest
	key [ws.KeySize]byte
}

// Dial connects to a server. The connection takes a slot of the engine, as those
// of clients do, and is served by the same workers: Handler.Open is called when
// the handshake is complete, or Target.Failed. Options.Protocols are those that
// are offered; Origins is not used.
//
// The errors are those of ws.AppendRequest and of engine.Engine.Dial, ErrNoRand,
// and ErrLong for a request that is longer than a worker's buffer.
func (d *Driver) Dial(t Target, o Options, h Handler) error {
	if d.cfg.Rand == nil {
		return ErrNoRand
	}
	d.client.Store(&client)
	x := &dial{u: d.newRoute(o, h, ws.RoleClient), t: t}
	var nonce [16]byte
	for i := 0; i < len(nonce); i += 4 {
		k, ok := d.keys.next()
		if !ok {
			return ErrNoRand
		}
		nonce[i], nonce[i+1], nonce[i+2], nonce[i+3] = byte(k), byte(k>>8), byte(k>>16), byte(k>>24)
	}
	ws.AppendKey(x.key[:0], nonce)
	x.req = ws.ClientRequest{Host: t.Host, Target: t.Path, Origin: t.Origin, Key: x.key[:], Protocols: o.Protocols, Fields: t.Fields}
	if o.Compress && d.cfg.Extension != nil {
		x.req.Extensions = d.cfg.Extension.AppendOffer(nil)
	}
	// It is written twice, so that what is wrong with it is told here.
	b, err := ws.AppendRequest(make([]byte, 0, ws.RequestSize(&x.req)), &x.req)
	if err != nil {
		return err
	}
	if len(b) > cap(d.conns[0].out) {
		return ErrLong
	}
	d.masked.make(len(d.conns[0].memory))
	d.dials.mu.Lock()
	x.h, err = d.e.Dial(t.Addr, d.number)
	if err == nil {
		d.dials.list = append(d.dials.list, x)
	}
	d.dials.mu.Unlock()
	return err
}

// take finds a dial, and takes it out of the list if over.
func (t *dials) take(h pool.Handle, over bool) *dial {
	t.mu.Lock()
	v := t.takeLocked(h, over)
	t.mu.Unlock()
	return v
}

// takeLocked is take under the lock.
func (t *dials) takeLocked(h pool.Handle, over bool) *dial {
	for i, x := range t.list {
		if x.h != h {
			continue
		}
		if over {
			n := len(t.list) - 1
			t.list[i], t.list[n] = t.list[n], nil
			t.list = t.list[:n]
		}
		return x
	}
	return nil
}

// drop ends a dial whose slot is gone.
func (t *dials) drop(d *Driver, h pool.Handle) {
	if x := t.take(h, true); x != nil && x.t.Failed != nil {
		x.failed(d, transport.ErrTimedOut)
	}
}

// failed tells the program.
func (x *dial) failed(d *Driver, err error) {
	defer d.rescue(x.h)
	x.t.Failed(x.t.Value, err)
}

func (d *Driver) rescue(h pool.Handle) {
	if v := recover(); v != nil {
		d.e.Panicked(h)
	}
}

// serveDial goes on with the handshake of a connection that is dialled.
func serveDial(c *Conn) engine.Verdict {
	x := c.d.dials.take(c.handle, false)
	if x == nil {
		return engine.Abort
	}
	c.u = x.u
	w, s := c.w, c.s
	if c.d.e.Closing() {
		return c.undialled(engine.ErrClosing)
	}
	if c.st.at == ws.StateIllegal {
		c.out, _ = ws.AppendRequest(c.out[:0], &x.req)
		rest, err := w.Send(s, c.out, nil, false)
		c.out = c.out[:0]
		if err == nil && rest != 0 {
			err = pool.ErrFull
		}
		if err != nil {
			return c.undialled(err)
		}
		c.st.at = ws.StateConnecting
		c.st.flags |= flagDialled
		c.st.due = pool.TickAfter(w.Now + c.d.e.Patience().Head)
	}
	for {
		a, n, err := ws.ParseAnswer(c.in[:c.end])
		if err != nil {
			return c.undialled(err)
		}
		if n > 0 {
			return c.dialled(x, &a, n)
		}
		if c.end == len(c.in) {
			return c.undialled(ws.ErrAnswerLong)
		}
		if !w.Unread(s) {
			break
		}
		k, err := w.Receive(s, c.in[c.end:])
		c.end += k
		if transport.ErrWouldBlock.Is(err) {
			break
		}
		if err != nil {
			return c.undialled(err)
		}
	}
	if c.passed() {
		return c.undialled(transport.ErrTimedOut)
	}
	if c.end > 0 {
		b := w.Stash(s)
		if b == nil {
			return c.undialled(pool.ErrFull)
		}
		c.st.kept = uint32(copy(b, c.in[:c.end]))
	}
	w.Alarm(s, max(pool.TickTime(c.st.due, w.Now)-w.Now, 1))
	return engine.Park
}

// undialled ends a connection that was not established.
func (c *Conn) undialled(err error) engine.Verdict {
	c.d.e.Pool().Stash.Drop(c.s)
	x := c.d.dials.take(c.handle, true)
	c.u = nil
	if x == nil || x.t.Failed == nil {
		return engine.Abort
	}
	c.u = x.u
	c.st.flags |= flagTold // there was no Open
	if c.begin() {
		x.failed(c.d, err)
		if !c.finish() {
			return engine.Lost
		}
	}
	return engine.Abort
}

// dialled establishes a connection whose answer is here.
func (c *Conn) dialled(x *dial, a *ws.Answer, n int) engine.Verdict {
	i, err := a.Check(&x.req)
	if err != nil {
		return c.undialled(err)
	}
	p := wsconn.Params(0)
	if answers := a.Extensions(); len(x.req.Extensions) > 0 && answers.Len() > 0 {
		if p, err = c.d.cfg.Extension.Agree(answers.Joined(make([]byte, 0, answers.JoinedSize()))); err != nil {
			return c.undialled(err)
		}
	}
	r := c.r
	r.u, r.value, r.protocol = x.u, x.t.Value, uint16(i+1)
	c.d.agree(c.handle, r, p)
	c.d.dials.take(c.handle, true)
	*pool.StateOf[state](c.s) = state{flags: flagDialled} // what was kept is in c.in
	return x.u.begin(c, c.w, c.s, c.handle, c.in[n:c.end])
}

// pushMasked pushes a frame of a client: masked, so it is copied once more.
func (d *Driver) pushMasked(s pool.Handle, h ws.Header, p []byte, mark int, policy engine.Overflow) error {
	k := &d.masked
	k.Lock()
	defer k.Unlock()
	if len(p) > len(k.buf) {
		return ErrLong
	}
	if err := d.mask(&h); err != nil {
		return err
	}
	ws.MaskCopy(k.buf[:len(p)], p, h.Key)
	return d.e.Push(s, ws.AppendHeader(k.head[:0], h), k.buf[:len(p)], mark, policy)
}

// masked is where frames that are pushed are masked.
type masked struct {
	sync.Mutex
	buf  []byte // made by the first Dial
	head [ws.MaxHeader]byte
}

func (k *masked) make(n int) {
	k.Lock()
	if k.buf == nil {
		k.buf = make([]byte, n)
	}
	k.Unlock()
}
