package websocket

import (
	"io"
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/web"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// This file is for handlers that are written straight down: they hold a worker
// for the life of their connection, and lend it while they wait.

// Straight is a connection whose handler loops: it reads and writes by the
// methods of wsconn.Conn, which wait. It is for the goroutine that the handler
// runs on, and valid until the handler returns. Init, Reset and Dial are not to
// be called.
type Straight struct {
	*wsconn.Conn

	conn     wsconn.Conn
	d        *Driver
	u        *route
	r        *web.Request
	handle   pool.Handle
	protocol uint16
	params   wsconn.Params
	codec    wsconn.Codec // of the worker
	link     link
	err      error
}

// Straight is a handler that opens WebSocket connections as Upgrade does, and
// runs f for each, for as long as f wants. Meanwhile f holds a worker, lent to
// others while it waits; of all workers but one may be held, and whoever comes
// then is answered 503. When slots are ready and no worker is, the one that has
// waited longest is reclaimed: its connection is aborted.
//
// When f returns, the connection is closed, unless it was: with 1000 (normal
// closure) if f returns nil, and else with the code that the error has by a
// method Code() ws.Code, or 1011. Pings are sent while f reads, as for evented
// connections; the methods that read fail with ErrDead when the peer is gone,
// and tell the peer 1001 when the server shuts down.
//
// Of the Options, Rate is not used, and Timeout is how long f may take between
// two calls that read or write.
func (d *Driver) Straight(o Options, f func(c *Straight) error) web.Handler {
	u := d.newRoute(o, Handler{Data: func(*Conn, ws.Part) error { return nil }}, ws.RoleServer)
	list, ok := d.straights.(straights)
	if !ok {
		list = make(straights, len(d.conns))
		d.straights = list
	}
	return func(w web.Response, r *web.Request) error {
		if r.Handle() == 0 {
			return web.ErrNoServer
		}
		c := &d.conns[r.Worker()]
		if err := c.accept(&u.o, r); err != 0 {
			return refuse(w, err)
		}
		s := &list[r.Worker()]
		s.protocol, s.params = c.agreed.protocol, c.agreed.params
		held, err := c.answer(w, r, &u.o).Hold()
		if err != nil {
			return err
		}
		c.agreed.params = 0
		s.Conn, s.d, s.u, s.r, s.handle = &s.conn, d, u, r, r.Handle()
		return s.run(held, f)
	}
}

// straights are those of all workers.
type straights []Straight

func (l straights) memory() int { return len(l) * int(unsafe.Sizeof(Straight{})) }

func (s *Straight) run(held web.Held, f func(c *Straight) error) error {
	d := s.d
	limit := s.u.o.Timeout
	if limit == 0 {
		limit = d.e.Patience().Handler
	}
	codec, own := s.agree()
	defer d.release(s.params, own)
	s.link = link{s: s, t: held.Stream, rest: held.Rest, limit: limit}
	m := held.Memory
	n := len(m) / 2
	err := s.conn.Init(wsconn.Config{Role: ws.RoleServer, In: m[:n:n], Out: m[n:], MaxFrame: s.u.o.MaxFrame, MaxMessage: s.u.o.MaxMessage, Codec: codec, Params: s.params, Threshold: d.threshold})
	if err == nil {
		err = s.conn.Reset(&s.link, nil)
	}
	if err != nil {
		return err
	}
	d.subs.open(d, s.handle, d.sharedKey(s.u, s.params))
	d.counts.open.Add(1)
	d.counts.opened.Add(1)
	s.call(f)
	d.subs.drop(d, s.handle)
	d.counts.open.Add(-1)
	err = s.end()
	s.r, s.err, s.link = nil, nil, link{}
	return err
}

// agree finds a codec for the connection, if it is to be compressed; own is one
// that it keeps.
func (s *Straight) agree() (codec, own wsconn.Codec) {
	x := s.d.cfg.Extension
	switch {
	case s.params == 0:
		return nil, nil
	case x.Stateful(ws.RoleServer, s.params):
		own = x.Take(ws.RoleServer, s.params)
		return own, own
	case s.codec == nil:
		s.codec = x.Codec() // once for each worker
	}
	s.codec.Bind(ws.RoleServer, s.params)
	return s.codec, nil
}

// call calls the handler. A panic is an error.
func (s *Straight) call(f func(c *Straight) error) {
	defer s.rescue()
	s.err = f(s)
}

func (s *Straight) rescue() {
	v := recover()
	if v == nil {
		return
	}
	s.err = ErrPanic
	s.d.e.Panicked(s.handle)
	if s.d.cfg.Panic != nil {
		s.d.cfg.Panic(s.Socket(), v)
	}
}

// end closes the connection, as far as it is not. An error has it aborted.
func (s *Straight) end() error {
	switch transport.Of(s.link.err) {
	case 0:
	case transport.EOF:
		return nil
	default:
		return s.link.err
	}
	if !s.IsOpen() {
		return nil
	}
	code := ws.CodeNormal
	if s.err != nil {
		code = ws.CodeInternalError
		if e, ok := s.err.(interface{ Code() ws.Code }); ok && e.Code().MayBeSent() {
			code = e.Code()
		}
	}
	return s.StartClose(code, "")
}

// Socket is the connection for all other goroutines. What is pushed to it is sent
// while the handler waits, between its messages.
func (s *Straight) Socket() Socket { return Socket{s.u, s.handle} }

// Request is the request that has asked for the connection. Its views are valid
// until the handler returns.
func (s *Straight) Request() *web.Request { return s.r }

// Protocol is the subprotocol that was agreed on, "" if none was.
func (s *Straight) Protocol() string {
	if s.protocol == 0 {
		return ""
	}
	return s.u.o.Protocols[s.protocol-1]
}

// link is the stream of a straight handler, as its wsconn.Conn sees it. It
// knows where the frames are that are written, so that what others push comes
// between messages.
type link struct {
	s     *Straight
	t     *engine.Stream
	rest  []byte // received behind the request
	limit int64
	err   error // why the stream is of no use

	waited  int64 // how long nothing has come, as far as the next thing to do depends on it
	pinged  bool
	closing bool   // the server shuts down
	left    uint64 // bytes of the frame that is being written
	within  bool   // some of it is
	skips   bool   // it is not written: it is a close frame that others have sent
	held    bool   // a message is being written
	last    bool   // its last frame is
}

// Read waits for bytes, and looks after a peer that sends none.
func (l *link) Read(p []byte) (int, error) {
	if len(l.rest) > 0 {
		n := copy(p, l.rest)
		l.rest = l.rest[n:]
		return n, nil
	}
	cfg := &l.s.d.cfg
	for {
		if l.s.IsOpen() && l.closedElsewhere() {
			// Whoever has closed it waits for the peer's answer no more than we do.
			l.waited = 0
			l.s.StartClose(l.code(), "")
		}
		wait := cfg.Ping
		switch {
		case l.closing || !l.s.IsOpen():
			wait = cfg.Close
		case wait < 0:
			wait = most / 2
		case l.pinged:
			wait = cfg.Pong
		}
		// Nobody tells that others have closed the connection, so this looks now
		// and then.
		while := min(wait-l.waited, max(cfg.Close, second))
		err := l.t.Extend(while + l.limit)
		n := 0
		if err == nil {
			n, err = l.t.ReadWithin(p, while)
		}
		if n > 0 {
			l.waited, l.pinged = 0, false
			return n, nil
		}
		if engine.ErrSlow.Is(err) {
			if l.waited += while; l.waited < wait {
				continue
			}
			l.waited = 0
		}
		switch {
		case engine.ErrClosing.Is(err) && !l.closing:
			l.closing = true
			l.waited = 0
			l.s.StartClose(ws.CodeGoingAway, "")
			continue
		case engine.ErrSlow.Is(err) && cfg.Ping < 0 && !l.closing && l.s.IsOpen():
			continue
		case engine.ErrSlow.Is(err) && !l.pinged && !l.closing && l.s.IsOpen():
			l.pinged = true
			if l.s.Ping(nil) == nil {
				continue
			}
		case engine.ErrSlow.Is(err) && l.s.IsOpen():
			l.s.d.counts.dead.Add(1)
			err = ErrDead
		}
		l.err = err
		if transport.EOF.Is(err) {
			err = io.EOF
		}
		return 0, err
	}
}

// Write writes frames, of which at least the header is in one call.
func (l *link) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if l.left == 0 {
			if err = l.begin(p[n:]); err != nil {
				break
			}
		}
		b := p[n:]
		if uint64(len(b)) > l.left {
			b = b[:l.left]
		}
		var k int
		switch {
		case l.skips:
			k = len(b)
		case l.within:
			k, err = l.t.WriteOn(b)
		default:
			k, err = l.t.Write(b)
		}
		n += k
		l.left -= uint64(k)
		l.within = l.left > 0
		if l.left == 0 && l.held && l.last {
			l.held, l.last = false, false
			if e := l.t.Hold(false); err == nil {
				err = e
			}
		}
	}
	if err != nil && l.err == nil && !ErrClosed.Is(err) {
		l.err = err
	}
	return n, err
}

// begin looks at the header of a frame that is about to be written.
func (l *link) begin(b []byte) error {
	h, n, err := ws.ParseHeader(b)
	if n == 0 || err != nil {
		panic("BUG: websocket: a frame without a header")
	}
	if h.Op != ws.OpClose && !l.held && l.closedElsewhere() {
		return ErrClosed
	}
	l.left = uint64(n) + h.Length
	l.skips = false
	if err := l.t.Extend(l.limit); err != nil {
		return err
	}
	switch {
	case h.Op == ws.OpClose:
		return l.lastWords(b[:min(uint64(len(b)), l.left)])
	case h.Op.IsControl():
	case h.Fin:
		l.last = l.held
	case !l.held:
		l.held = true
		return l.t.Hold(true)
	}
	return nil
}

// lastWords sends a close frame, unless others have sent one: behind what was
// pushed, but not in the midst of a message that will have no end, and so that
// nothing is pushed behind it (RFC 6455 section 5.5.1).
func (l *link) lastWords(b []byte) error {
	err := l.s.d.e.PushLast(l.s.handle, b, nil, l.held)
	outs := &l.s.d.e.Pool().Outputs
	switch {
	case pool.ErrSealed.Is(err) && l.held:
		// Others have put theirs behind what waits for the end of the message: all
		// that goes, and this one is written.
		for outs.DropOldest(l.s.handle) {
		}
	case err == nil || pool.ErrSealed.Is(err):
		l.skips = true
	case pool.ErrFull.Is(err):
		// It is written as it is, and what has waited is lost.
		outs.CopyLast(l.s.handle, nil, nil, true)
	}
	l.held, l.last = false, false
	return l.t.Hold(false) // and send what was pushed
}

// code is what others have closed the connection with.
func (l *link) code() ws.Code {
	code := ws.Code(uint16(l.s.d.records[l.s.handle.Index()].closing.Load()))
	if !code.MayBeSent() {
		return ws.CodeNoStatus
	}
	return code
}

// closedElsewhere reports whether the connection is closed by others, and our
// message under way is at its end.
func (l *link) closedElsewhere() bool {
	h := l.s.handle
	return !l.held && uint32(l.s.d.records[h.Index()].closing.Load()>>32) == h.Generation()
}
