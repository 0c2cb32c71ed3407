package websocket

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/web"
	"github.com/bobtail-go/bobtail/ws"
)

// This file is the server's side of the handshake (RFC 6455 section 4.2).

// Upgrade is a handler that opens WebSocket connections for who asks for them,
// for "GET /path". Who does not ask properly is answered 426, 400 or 403. To
// refuse others with any status, or to leave a value for Conn.Value, a program
// puts a handler of its own around it, which calls it last.
//
// Options or a Handler that make no sense make it panic.
func (d *Driver) Upgrade(o Options, h Handler) web.Handler {
	u := d.newRoute(o, h, ws.RoleServer)
	return func(w web.Response, r *web.Request) error {
		if r.Handle() == 0 {
			return web.ErrNoServer
		}
		c := &d.conns[r.Worker()]
		if err := c.accept(&u.o, r); err != 0 {
			return refuse(w, err)
		}
		return c.answer(w, r, &u.o).Switch(&u.protocol)
	}
}

// accept looks at what the client offers.
func (c *Conn) accept(o *Options, r *web.Request) ws.Error {
	c.d.release(c.agreed.params, nil) // of a handshake that came to nothing
	c.agreed.protocol, c.agreed.params = 0, 0
	f := &c.offer
	*f = ws.Offer{}
	h, b := r.Head()
	f.Get = r.Method() == http1.GET
	f.HTTP11 = r.Version() != http1.Version10
	f.Connection = h.Upgrade() // the field itself is not kept
	for i := range h.NumFields() {
		f.Field(h.Field(b, i))
	}
	f.Host = r.Host() // with an absolute target, it is that one (RFC 9112 section 3.2.2)
	if err := f.Check(); err != nil {
		return err.(ws.Error)
	}
	if !mayConnect(o.Origins, f) {
		return ws.ErrOrigin
	}
	c.agreed.protocol = uint16(1 + f.Protocol(o.Protocols))
	if x := c.d.cfg.Extension; o.Compress && x != nil && f.Extensions.Len() > 0 {
		// The offers are joined in the request's arena. Without room there is no
		// compression.
		if b, err := r.Alloc(f.Extensions.JoinedSize()); err == nil {
			c.agreed.params = x.Accept(f.Extensions.Joined(b[:0]))
		}
	}
	return 0
}

// mayConnect reports whether the page that the request comes from may connect
// (RFC 6455 section 10.2).
func mayConnect(origins []string, f *ws.Offer) bool {
	if f.Origin == nil {
		return true
	}
	if origins == nil {
		return ws.SameOrigin(f.Origin, f.Host)
	}
	for _, o := range origins {
		// RFC 6454 section 6.2: in lower case, but who configures may not be.
		if o == "*" || ascii.EqualFold(f.Origin, o) {
			return true
		}
	}
	return false
}

// answer begins the answer to what was accepted.
func (c *Conn) answer(w web.Response, r *web.Request, o *Options) web.Head {
	head := w.Status(http1.StatusSwitchingProtocols).
		Header("Upgrade", "websocket").
		Header("Connection", "Upgrade").
		HeaderBytes("Sec-WebSocket-Accept", ws.AppendAccept(c.frame[:0], c.offer.Key))
	if c.agreed.protocol != 0 {
		head = head.Header("Sec-WebSocket-Protocol", o.Protocols[c.agreed.protocol-1])
	}
	if c.agreed.params != 0 {
		head = head.HeaderBytes("Sec-WebSocket-Extensions", c.d.cfg.Extension.AppendAccept(c.frame[:0], c.agreed.params))
	}
	c.offer = ws.Offer{}
	return head
}

// refuse answers a request that is no handshake.
func refuse(w web.Response, err ws.Error) error {
	h := w.Status(err.Status())
	switch err.Status() {
	case http1.StatusUpgradeRequired:
		// RFC 9110 section 15.5.22 and RFC 6455 section 4.4.
		h = h.Header("Upgrade", "websocket").Header("Connection", "Upgrade").Header("Sec-WebSocket-Version", ws.Version)
	case http1.StatusMethodNotAllowed:
		h = h.Header("Allow", "GET")
	}
	return h.Text(err.Error(), "\n")
}

// Begin is part of web.Protocol: the connection is ours.
func (p *protocol) Begin(w *engine.Worker, s *pool.Slot, rest []byte, value any) engine.Verdict {
	u := p.Get()
	d := u.d
	c := &d.conns[w.ID()]
	h := d.e.Pool().Handle(s)
	r := &d.records[h.Index()]
	r.u, r.value, r.protocol = u, value, c.agreed.protocol
	d.agree(h, r, c.agreed.params)
	c.agreed.params = 0
	return c.leave(u.begin(c, w, s, h, rest))
}

// begin begins the life of a connection whose handshake is complete. Whoever calls
// it ends the turn (leave).
func (u *route) begin(c *Conn, w *engine.Worker, s *pool.Slot, h pool.Handle, rest []byte) engine.Verdict {
	d := u.d
	d.subs.open(d, h, d.sharedKey(u, d.records[h.Index()].params))
	d.counts.open.Add(1)
	d.counts.opened.Add(1)
	pool.StateOf[state](s).at = ws.StateOpen // a farewell may come soon
	c.load(w, s)
	if len(rest) > len(c.in) {
		c.st.flags |= flagTold // there was no Open
		return c.over(engine.Abort)
	}
	c.end = copy(c.in, rest)
	if d.cfg.Ping > 0 {
		c.st.due = pool.TickAfter(w.Now + d.cfg.Ping)
	}
	return c.open()
}

// open tells the program of a connection, and serves it.
func (c *Conn) open() engine.Verdict {
	if c.u.h.Open != nil {
		if !c.begin() {
			c.st.flags |= flagTold
			return c.over(engine.Abort)
		}
		c.callOpen()
		if c.stop == stopNone || c.stop == stopFull {
			if !c.finish() {
				return c.verdict
			}
		} else if !c.look() {
			return c.verdict
		}
	}
	return c.serve()
}

func (c *Conn) callOpen() {
	defer c.rescue()
	c.result(c.u.h.Open(c))
}
