package lnetotest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
)

// Host is a machine on the wire: a Backend that runs on a goroutine of its own.
type Host struct {
	b    *lneto.Backend
	card *Card
	stop sync.WaitGroup

	mu     sync.Mutex // guards what follows, and calls of b that could miss an event
	change sync.Cond
	conns  map[transport.Stream]*Conn
}

// NewHost makes a host with a card of its own on the wire. c.Idle and c.Kick
// are set by it; c.Streams, c.RxSize and c.TxSize, if they are 0, to 64 and
// 32768.
func NewHost(w *Wire, c lneto.Config) (*Host, error) {
	h := &Host{card: w.Card(), conns: map[transport.Stream]*Conn{}}
	h.change.L = &h.mu
	for v, otherwise := range map[*int]int{&c.Streams: 64, &c.RxSize: 32 << 10, &c.TxSize: 32 << 10} {
		if *v == 0 {
			*v = otherwise
		}
	}
	c.Idle, c.Kick = h.card.Idle, h.card.Kick
	b, err := lneto.New(c)
	if err != nil {
		return nil, err
	}
	h.b = b
	h.stop.Go(func() { b.Run(h.card) })
	h.stop.Go(h.dispatch)
	return h, nil
}

// Backend is the stack of the host.
func (h *Host) Backend() *lneto.Backend { return h.b }

// Close resets the connections that are open and ends the host's goroutines,
// when what others sent has been delivered.
func (h *Host) Close() error {
	h.mu.Lock()
	for s, c := range h.conns {
		if !c.closed {
			c.closed = true
			h.b.Abort(s)
		}
	}
	h.change.Broadcast()
	h.mu.Unlock()
	h.b.Close()
	h.stop.Wait()
	return nil
}

// dispatch tells all who wait that something has happened.
func (h *Host) dispatch() {
	var ev [64]transport.Event
	for {
		n, err := h.b.Wait(0, ev[:], transport.Forever)
		h.mu.Lock()
		for _, e := range ev[:n] {
			if c := h.conns[transport.Stream(e.Tag)]; c != nil && e.Ready.Has(transport.Writable) {
				c.connected = true
			}
		}
		h.change.Broadcast()
		h.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// DialContext opens a connection, for http.Transport among others. The network
// is "tcp" or "tcp4".
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	a, err := transport.ParseAddr(address)
	if err == nil {
		var c *Conn
		if c, err = h.Dial(ctx, a); err == nil {
			return c, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: netAddr(a), Err: err}
}

// Dial opens a connection.
func (h *Host) Dial(ctx context.Context, a transport.Addr) (*Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, err := h.b.Dial(a)
	if err != nil {
		return nil, err
	}
	c, err := h.conn(s)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, h.broadcast)()
	for {
		_, err = h.b.Send(s, nil) // nothing, which a dead stream does not take
		if err != nil {
			break
		}
		if c.connected {
			return c, nil
		}
		if err = ctx.Err(); err != nil {
			break
		}
		h.change.Wait()
	}
	h.b.Abort(s)
	c.closed = true
	return nil, err
}

func (h *Host) broadcast() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change.Broadcast()
}

func (h *Host) conn(s transport.Stream) (*Conn, error) {
	c := &Conn{h: h, s: s, local: h.b.Local(s), remote: h.b.Remote(s)}
	h.conns[s] = c
	if err := h.b.Attach(s, 0, uint64(s)); err != nil {
		h.b.CloseStream(s)
		return nil, err
	}
	return c, nil
}

// Listener is a net.Listener at a port of a Host.
type Listener struct {
	h      *Host
	l      transport.Listener
	addr   transport.Addr
	closed bool
}

// Listen opens a listener.
func (h *Host) Listen(a transport.Addr) (*Listener, error) {
	l, err := h.b.Listen(a, 1<<32)
	if err != nil {
		return nil, err
	}
	h.b.Arm(l, true)
	return &Listener{h: h, l: l, addr: h.b.Addr().WithPort(h.b.ListenerAddr(l).Port())}, nil
}

// AcceptConn waits for a client.
func (l *Listener) AcceptConn() (*Conn, error) {
	h := l.h
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if l.closed {
			return nil, net.ErrClosed
		}
		s, err := h.b.Accept(l.l)
		if err == nil {
			return h.conn(s)
		}
		if transport.Of(err) != transport.ErrWouldBlock {
			return nil, err
		}
		h.change.Wait()
	}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptConn()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Local is the listener's address.
func (l *Listener) Local() transport.Addr { return l.addr }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return netAddr(l.Local()) }

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.h.mu.Lock()
	defer l.h.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.h.b.CloseListener(l.l)
		l.h.change.Broadcast()
	}
	return nil
}

// Conn is a connection of a Host: a net.Conn.
type Conn struct {
	h             *Host
	s             transport.Stream
	local, remote transport.Addr

	connected, closed bool
	reads, writes     deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// wait calls try until it does something else than block.
func (c *Conn) wait(d *deadline, try func() error) error {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	for {
		if c.closed {
			return net.ErrClosed
		}
		if d.passed() {
			return os.ErrDeadlineExceeded
		}
		err := try()
		if err == nil || transport.Of(err) != transport.ErrWouldBlock {
			return err
		}
		c.h.change.Wait()
	}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = c.wait(&c.reads, func() error {
		v, err := c.h.b.Receive(c.s, p)
		if err == nil {
			n = copy(p, v)
			c.h.b.Consume(c.s, n)
		}
		return err
	})
	if errors.Is(err, transport.EOF) {
		err = io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (n int, err error) {
	for n < len(p) {
		err = c.wait(&c.writes, func() error {
			k, err := c.h.b.Send(c.s, [][]byte{p[n:]})
			n += k
			return err
		})
		if err != nil {
			break
		}
	}
	return n, err
}

// CloseWrite ends our bytes; Read goes on.
func (c *Conn) CloseWrite() error {
	return c.wait(&deadline{}, func() error { return c.h.b.CloseWrite(c.s) })
}

// Close implements net.Conn.
func (c *Conn) Close() error { return c.end(c.h.b.CloseStream) }

// Reset ends the connection with an RST.
func (c *Conn) Reset() error { return c.end(c.h.b.Abort) }

func (c *Conn) end(by func(transport.Stream)) error {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	by(c.s)
	c.h.change.Broadcast()
	return nil
}

// Local and Remote are the two ends.
func (c *Conn) Local() transport.Addr { return c.local }

// Remote is the other end.
func (c *Conn) Remote() transport.Addr { return c.remote }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return netAddr(c.local) }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return netAddr(c.remote) }

func netAddr(a transport.Addr) net.Addr {
	ip := a.Bytes16()
	return &net.TCPAddr{IP: ip[:], Port: int(a.Port())}
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.set(&c.reads, t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.set(&c.writes, t) }

func (c *Conn) set(d *deadline, t time.Time) error {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.at = t; !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), c.h.broadcast)
	}
	c.h.change.Broadcast()
	return nil
}
