package netstd

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// A listener accepts in a goroutine, one client at a time and only while it is
// armed, so that the others wait in the system's backlog.
type listener struct {
	b    *Backend
	nl   net.Listener
	tag  uint64
	addr transport.Addr

	mu        sync.Mutex // guards all below; lane.mu comes before it
	change    sync.Cond  // signalled when the goroutine, or who waits for it, may go on
	armed     bool
	quiet     bool
	closed    bool
	accepting bool            // the goroutine is in Accept
	held      net.Conn        // accepted, and not by the engine yet
	failed    transport.Error // told by the next Accept
}

// past is a deadline that ends an Accept which is under way.
var past = time.Unix(1, 0)

// foreignDrainTime is how long the last clients of a listener without a
// descriptor are waited for, each.
const foreignDrainTime = 5 * time.Millisecond

// Listen implements transport.Backend.
func (b *Backend) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	// Package net listens for multipath TCP by default, whose sockets cost more
	// and cannot be made quiet: the kernel takes no filter for them.
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	nl, err := c.Listen(context.Background(), networkOf(a), a.String())
	if err != nil {
		return -1, errorOf(err)
	}
	addr := addrOf(nl.Addr())
	if a.IsUnset() { // and not ::, which is how package net calls it
		addr = transport.Addr{}.WithPort(addr.Port())
	}
	return b.listen(nl, addr, tag)
}

// ListenOn is Listen with a listener that the program has made: of another
// kind, or by another program, or wrapped, as for TLS. The backend closes it.
// Streams of connections without a descriptor are buffered, and Receive copies
// if the backend holds nothing.
//
// If it has no SetDeadline method, one client may be taken off its queue after
// the listener was disarmed, and QuietListener does nothing.
func (b *Backend) ListenOn(nl net.Listener, tag uint64) (transport.Listener, error) {
	return b.listen(nl, addrOf(nl.Addr()), tag)
}

func (b *Backend) listen(nl net.Listener, addr transport.Addr, tag uint64) (transport.Listener, error) {
	l := &listener{b: b, nl: nl, tag: tag, addr: addr}
	l.change.L = &l.mu
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		nl.Close()
		return -1, transport.ErrClosed
	}
	b.run(l.serve)
	for i, x := range b.listeners {
		if x == nil {
			b.listeners[i] = l
			return transport.Listener(i), nil
		}
	}
	b.listeners = append(b.listeners, l)
	return transport.Listener(len(b.listeners) - 1), nil
}

func (b *Backend) listener(id transport.Listener) *listener {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if id < 0 || int(id) >= len(b.listeners) {
		return nil
	}
	return b.listeners[id]
}

// serve accepts while it may.
func (l *listener) serve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for !l.closed && (!l.armed || l.quiet || l.held != nil || l.failed != 0) {
			l.change.Wait()
		}
		if l.closed {
			return
		}
		l.accepting = true
		l.setDeadline(time.Time{}) // under the lock, as that of stop is
		l.mu.Unlock()
		c, err := l.nl.Accept()
		l.mu.Lock()
		l.accepting = false
		l.change.Broadcast()
		switch {
		case l.closed:
			if err == nil {
				c.Close()
			}
			return
		case err == nil:
			l.held = c
		default:
			switch e := errorOf(err); e {
			case transport.ErrTimedOut: // by stop
			case transport.ErrAborted: // the next one, then
			default:
				l.failed = e
			}
		}
		if l.held != nil || l.failed != 0 {
			l.b.lanes[0].signal()
		}
	}
}

func (l *listener) setDeadline(t time.Time) bool {
	d, ok := l.nl.(interface{ SetDeadline(time.Time) error })
	return ok && d.SetDeadline(t) == nil
}

// stop ends the goroutine's Accept, and waits until it has ended, which takes
// no longer than it takes the goroutine to run.
func (l *listener) stop() {
	for l.accepting && !l.closed && l.setDeadline(past) {
		l.change.Wait()
	}
}

// acceptable reports whether the engine is to be told.
func (l *listener) acceptable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.armed && (l.held != nil || l.failed != 0)
}

// ListenerAddr implements transport.Backend.
func (b *Backend) ListenerAddr(id transport.Listener) transport.Addr {
	if l := b.listener(id); l != nil {
		return l.addr
	}
	return transport.Addr{}
}

// Arm implements transport.Backend. One client may have been taken off the
// system's backlog when the listener is disarmed; it waits in the backend.
func (b *Backend) Arm(id transport.Listener, on bool) {
	l := b.listener(id)
	if l == nil {
		return
	}
	l.mu.Lock()
	l.armed = on
	if on {
		l.change.Broadcast()
	} else {
		l.stop()
	}
	l.mu.Unlock()
	b.lanes[0].signal()
}

// Accept implements transport.Backend.
func (b *Backend) Accept(id transport.Listener) (transport.Stream, error) {
	l := b.listener(id)
	if l == nil {
		return -1, transport.ErrClosed
	}
	c, err := l.take()
	if err != nil {
		return -1, err
	}
	s, err := b.newStream()
	if err != nil {
		c.Close()
		return -1, err
	}
	s.mu.Lock()
	s.adopt(c)
	s.mu.Unlock()
	return s.name, nil
}

// take takes the client that waits.
func (l *listener) take() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.held; c != nil {
		l.held = nil
		l.change.Broadcast()
		return c, nil
	}
	if e := l.failed; e != 0 {
		l.failed = 0
		l.change.Broadcast()
		return nil, e
	}
	if l.quiet && !l.accepting {
		// The goroutine has gone: what is left in the backlog is ours.
		c, err := acceptNow(l.nl)
		if err == nil {
			return c, nil
		}
		if e := errorOf(err); e != transport.ErrTimedOut {
			return nil, e
		}
	}
	return nil, transport.ErrWouldBlock
}

// acceptSoon takes a client that waits, or comes within a short time.
func acceptSoon(nl net.Listener, wait time.Duration) (net.Conn, error) {
	d, ok := nl.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return nil, transport.ErrWouldBlock
	}
	if err := d.SetDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	return nl.Accept()
}

// QuietListener implements transport.Backend. The goroutine stops, so that
// Accept itself takes what is left in the system's backlog.
func (b *Backend) QuietListener(id transport.Listener) {
	l := b.listener(id)
	if l == nil {
		return
	}
	l.mu.Lock()
	l.quiet = true
	l.stop()
	l.mu.Unlock()
	quiet(l.nl)
}

// CloseListener implements transport.Backend.
func (b *Backend) CloseListener(id transport.Listener) {
	l := b.listener(id)
	if l == nil {
		return
	}
	b.mu.Lock()
	b.listeners[id] = nil
	b.mu.Unlock()
	l.close()
}

func (l *listener) close() {
	l.mu.Lock()
	l.closed = true
	if l.held != nil {
		l.held.Close()
		l.held = nil
	}
	l.change.Broadcast()
	l.mu.Unlock()
	l.nl.Close()
}
