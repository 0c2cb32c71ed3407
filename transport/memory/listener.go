package memory

import (
	"sync"

	"github.com/bobtail-go/bobtail/transport"
)

// A listener is the engine's or a peer's.
type listener struct {
	addr    transport.Addr
	waiting []*end // admitted: its far ends are connected
	outside []*end // not admitted yet
	quiet   bool
	closed  bool

	// Of a peer's listener.
	change *sync.Cond // nil if the engine's

	// Of the engine's.
	tag        uint64
	armed      bool
	acceptable bool // told while armed, until Accept has failed with ErrWouldBlock
}

// Listen implements transport.Backend. The addresses of this machine are those
// of 127.0.0.0/8 and ::1.
func (n *Network) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := n.bind(a)
	if err != nil {
		return 0, err
	}
	l.tag = tag
	for i, x := range n.listeners {
		if x == nil {
			n.listeners[i] = l
			return transport.Listener(i), nil
		}
	}
	n.listeners = append(n.listeners, l)
	return transport.Listener(len(n.listeners) - 1), nil
}

func (n *Network) bind(a transport.Addr) (*listener, error) {
	if n.closed {
		return nil, transport.ErrClosed
	}
	loopback6 := transport.IPv6([16]byte{15: 1}, a.Port(), 0)
	if !a.IsUnspecified() && a != loopback6 && !(a.Is4() && a.Bytes4()[0] == 127) {
		return nil, transport.ErrAddress
	}
	if a.Port() == 0 {
		a = a.WithPort(n.freePort())
	} else if n.inUse(a) {
		return nil, transport.ErrAddressInUse
	}
	l := &listener{addr: a}
	n.bound = append(n.bound, l)
	return l, nil
}

func (n *Network) freePort() uint16 {
	for {
		n.port = max(n.port+1, firstPort) // which also takes it back from 0
		if !n.inUse(transport.Addr{}.WithPort(n.port)) {
			return n.port
		}
	}
}

// inUse reports whether a listener has a client's way to a.
func (n *Network) inUse(a transport.Addr) bool {
	for _, l := range n.bound {
		if l.addr.Port() == a.Port() && (covers(l.addr, a) || covers(a, l.addr)) {
			return true
		}
	}
	return false
}

// covers reports whether a listener at a is at b too, if the ports are equal.
func covers(a, b transport.Addr) bool {
	return a.IsUnset() || a.IsUnspecified() && a.Is4() == b.Is4() && !b.IsUnset() || a == b
}

// listenerAt is the listener that a client of a reaches, or nil.
func (n *Network) listenerAt(a transport.Addr) *listener {
	for _, l := range n.bound {
		if l.addr.Port() == a.Port() && covers(l.addr, a) {
			return l // there is one at most, by inUse
		}
	}
	return nil
}

// unbind closes a listener. Clients that wait are reset.
func (n *Network) unbind(l *listener) {
	if l.closed {
		return
	}
	l.closed = true
	for i, x := range n.bound {
		if x == l {
			n.bound = append(n.bound[:i], n.bound[i+1:]...)
			break
		}
	}
	for _, e := range l.waiting {
		n.reset(e)
	}
	for _, e := range l.outside {
		e.far.failed = transport.ErrRefused
		e.closed = true
		n.forget(e)
		n.post(e.far, transport.Writable|transport.Hangup)
	}
	l.waiting, l.outside = nil, nil
	if l.change != nil {
		l.change.Broadcast()
	}
}

// knock brings an end to a listener: it is admitted, left outside or refused.
func (n *Network) knock(l *listener, e *end) error {
	full := len(l.waiting) >= n.cfg.Backlog || l.quiet
	switch {
	case full && n.cfg.Refuse:
		return transport.ErrRefused
	case full:
		l.outside = append(l.outside, e)
	default:
		n.admit(l, e)
	}
	return nil
}

// admit puts a client into the queue, which connects its far end.
func (n *Network) admit(l *listener, e *end) {
	if e.reset {
		n.forget(e)
		return // it went away while it was outside
	}
	n.makePipe(e, l.change == nil)
	l.waiting = append(l.waiting, e)
	l.acceptable = true
	e.far.connected, e.far.wantsWrite = true, false
	n.post(e.far, transport.Writable)
	if l.change != nil {
		l.change.Broadcast()
	} else if l.armed {
		n.lanes[0].rouse()
	}
}

// take takes the first client off the queue, and admits one from outside.
func (n *Network) take(l *listener) *end {
	if len(l.waiting) == 0 {
		return nil
	}
	e := l.waiting[0]
	l.waiting = append(l.waiting[:0], l.waiting[1:]...)
	for len(l.outside) > 0 && len(l.waiting) < n.cfg.Backlog && !l.quiet {
		o := l.outside[0]
		l.outside = append(l.outside[:0], l.outside[1:]...)
		n.admit(l, o)
	}
	return e
}

// listener is the engine's listener of a name, or nil if it is closed.
func (n *Network) listener(id transport.Listener) *listener {
	if id < 0 || int(id) >= len(n.listeners) || n.listeners[id] == nil {
		n.stale++
		return nil
	}
	return n.listeners[id]
}

// ListenerAddr implements transport.Backend.
func (n *Network) ListenerAddr(id transport.Listener) transport.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listener(id); l != nil {
		return l.addr
	}
	return transport.Addr{}
}

// Arm implements transport.Backend.
func (n *Network) Arm(id transport.Listener, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listener(id); l != nil {
		l.armed = on
		l.acceptable = len(l.waiting) > 0
		n.lanes[0].rouse()
	}
}

// Accept implements transport.Backend.
func (n *Network) Accept(id transport.Listener) (transport.Stream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listener(id)
	switch {
	case l == nil:
		return -1, transport.ErrClosed
	case len(l.waiting) == 0:
		l.acceptable = false
		return -1, transport.ErrWouldBlock
	case n.chance(n.cfg.Faults.WouldBlock):
		return -1, transport.ErrWouldBlock // and it is told again
	case len(n.free) == 0:
		return -1, transport.ErrDescriptors
	}
	e := n.take(l)
	if e.reset {
		n.forget(e)
		return -1, transport.ErrAborted
	}
	n.own(e)
	return e.name, nil
}

// QuietListener implements transport.Backend.
func (n *Network) QuietListener(id transport.Listener) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listener(id); l != nil {
		l.quiet = true
	}
}

// CloseListener implements transport.Backend. Clients that wait are reset.
func (n *Network) CloseListener(id transport.Listener) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listener(id); l != nil {
		n.listeners[id] = nil
		n.unbind(l)
	}
}
