package lneto

import "github.com/bobtail-go/bobtail/transport"

// A listener is a port that clients may come to. Those who have come are
// streams: opening until the handshake is done, and then waiting.
type listener struct {
	addr       transport.Addr
	tag        uint64
	open       bool
	armed      bool
	quiet      bool
	acceptable bool // told while armed, until Accept has failed with ErrWouldBlock
}

// firstPort is where the dynamic ports begin (RFC 6335, section 6).
const firstPort = 49152

// Listen implements transport.Backend. lneto's IPv6 is not used, so that an
// IPv6 address is ErrAddress, and an unset one is any of IPv4.
func (b *Backend) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return -1, transport.ErrClosed
	case a.Is6(), !a.IsUnspecified() && a.WithPort(0) != b.addr:
		return -1, transport.ErrAddress
	}
	if a.Port() == 0 {
		a = a.WithPort(b.freePort())
	} else if b.listening(a.Port()) >= 0 {
		return -1, transport.ErrAddressInUse
	}
	for i := range b.listeners {
		if l := &b.listeners[i]; !l.open {
			*l = listener{addr: a, tag: tag, open: true}
			return transport.Listener(i), nil
		}
	}
	return -1, transport.ErrDescriptors
}

// listening is the number of the listener at a port, or -1. A machine of one
// address has no more than one there.
func (b *Backend) listening(port uint16) int {
	for i := range b.listeners {
		if l := &b.listeners[i]; l.open && l.addr.Port() == port {
			return i
		}
	}
	return -1
}

func (b *Backend) freePort() uint16 {
again:
	for {
		b.port = max(b.port+1, firstPort) // which also takes it back from 0
		for i := range b.streams {
			if s := &b.streams[i]; s.phase != phaseFree && s.port == b.port {
				continue again
			}
		}
		if b.listening(b.port) < 0 {
			return b.port
		}
	}
}

// listener is the listener of a name, or nil if it is closed.
func (b *Backend) listener(id transport.Listener) *listener {
	if id < 0 || int(id) >= len(b.listeners) || !b.listeners[id].open {
		return nil
	}
	return &b.listeners[id]
}

// ListenerAddr implements transport.Backend.
func (b *Backend) ListenerAddr(id transport.Listener) transport.Addr {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.listener(id); l != nil {
		return l.addr
	}
	return transport.Addr{}
}

// Arm implements transport.Backend. Clients are let in while there are
// streams, whether or not the listener is on.
func (b *Backend) Arm(id transport.Listener, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.listener(id)
	if l == nil {
		return
	}
	l.armed = on
	l.acceptable = b.waiting(int(id), false) != nil
	if on && l.acceptable {
		b.lanes[0].rouse()
	}
}

// waiting is a client who waits at a listener: the one who has waited longest.
// While half is set it may be one whose handshake is not done.
func (b *Backend) waiting(id int, half bool) *stream {
	var first *stream
	for i := range b.streams {
		s := &b.streams[i]
		if (s.phase == phaseWaiting || half && s.phase == phaseOpening) && int(s.listener) == id &&
			(first == nil || s.since < first.since) {
			first = s
		}
	}
	return first
}

// Accept implements transport.Backend. It does not fail with ErrDescriptors: a
// client who waits has a stream already.
func (b *Backend) Accept(id transport.Listener) (transport.Stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.listener(id)
	if l == nil {
		return -1, transport.ErrClosed
	}
	// Once the listener is quiet, those are given too who have our SYN|ACK and
	// whose last word has not come: they know themselves connected, maybe.
	s := b.waiting(int(id), l.quiet)
	if s == nil {
		l.acceptable = false
		return -1, transport.ErrWouldBlock
	}
	s.phase = phaseOpen
	return b.name(s), nil
}

// QuietListener implements transport.Backend: no SYN is answered any more.
func (b *Backend) QuietListener(id transport.Listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.listener(id); l != nil {
		l.quiet = true
	}
}

// CloseListener implements transport.Backend. Clients that wait are reset.
func (b *Backend) CloseListener(id transport.Listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.listener(id)
	if l == nil {
		return
	}
	l.open = false
	for i := range b.streams {
		s := &b.streams[i]
		if (s.phase == phaseWaiting || s.phase == phaseOpening) && int(s.listener) == int(id) {
			b.abort(s)
		}
	}
}
