package lneto

import "github.com/bobtail-go/bobtail/transport"

// A listener is a port that clients may come to. Those who have come are
// streams: opening until the handshake is done, and then waiting.
type listener struct {
	tag        uint64
	ip         uint32 // 0 is any
	port       uint16
	open       bool
	armed      bool
	quiet      bool
	acceptable bool // told while armed, until Accept has failed with ErrWouldBlock
}

// firstPort is where the dynamic ports begin (RFC 6335, section 6).
const firstPort = 49152

func (b *stack) listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	switch {
	case b.closed:
		return -1, transport.ErrClosed
	case a.Is6(), number(a) != 0 && number(a) != b.ip:
		return -1, transport.ErrAddress
	}
	port := a.Port()
	if port == 0 {
		port = b.freePort()
	} else if b.listening(port) >= 0 {
		return -1, transport.ErrAddressInUse
	}
	for i := range b.listeners {
		if l := &b.listeners[i]; !l.open {
			*l = listener{tag: tag, ip: number(a), port: port, open: true}
			return transport.Listener(i), nil
		}
	}
	return -1, transport.ErrDescriptors
}

// listening is the number of the listener at a port, or -1. A machine of one
// address has no more than one there.
func (b *stack) listening(port uint16) int {
	for i := range b.listeners {
		if l := &b.listeners[i]; l.open && l.port == port {
			return i
		}
	}
	return -1
}

func (b *stack) freePort() uint16 {
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
func (b *stack) listener(id transport.Listener) *listener {
	if id < 0 || int(id) >= len(b.listeners) || !b.listeners[id].open {
		return nil
	}
	return &b.listeners[id]
}

func (b *stack) listenerAddr(id transport.Listener) transport.Addr {
	if l := b.listener(id); l != nil {
		return address(l.ip, l.port)
	}
	return transport.Addr{}
}

func (b *stack) arm(id transport.Listener, on bool) {
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
func (b *stack) waiting(id int, half bool) *stream {
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

func (b *stack) accept(id transport.Listener) (transport.Stream, error) {
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

func (b *stack) quiet(id transport.Listener) {
	if l := b.listener(id); l != nil {
		l.quiet = true
	}
}

func (b *stack) closeListener(id transport.Listener) {
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
