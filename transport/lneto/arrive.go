package lneto

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/soypat/lneto/tcp"
)

const (
	flagFIN = byte(tcp.FlagFIN)
	flagSYN = byte(tcp.FlagSYN)
	flagRST = byte(tcp.FlagRST)
	flagPSH = byte(tcp.FlagPSH)
	flagACK = byte(tcp.FlagACK)
)

// dialled is the listener of the streams that were dialled.
const dialled = 255

// before reports whether a comes before b, in 32 bits that go round (RFC 9293,
// section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// A segment as it came.
type segment struct {
	seq, ack, wnd uint32
	flags         byte
	data          []byte
	mac           []byte // where it came from
}

// length is how much of the sequence a segment takes.
func (g *segment) length() uint32 {
	n := uint32(len(g.data))
	if g.flags&flagSYN != 0 {
		n++
	}
	if g.flags&flagFIN != 0 {
		n++
	}
	return n
}

// inputTCP takes a segment in: RFC 9293, section 3.10.7, where it is about
// arriving segments. The reply, if there is one, is a reset or of a rest.
func (b *stack) inputTCP(frame, ip, body []byte, now int64) int {
	if len(body) < tcpHeader {
		return b.drop()
	}
	header := int(body[12]>>4) * 4
	if header < tcpHeader || header > len(body) || sumPseudo(ip, body) != 0 {
		return b.drop()
	}
	e := ends{ip: get32(ip[12:]), peer: get16(body), port: get16(body[2:])}
	if e.peer == 0 || e.port == 0 {
		return b.drop()
	}
	g := segment{seq: get32(body[4:]), ack: get32(body[8:]), wnd: uint32(get16(body[14:])), flags: body[13], data: body[header:], mac: frame[6:12]}
	opens := g.flags&(flagSYN|flagACK|flagRST) == flagSYN
	dead := false // the server has still to let go of a stream of these ends that is over
	for i := range b.streams {
		s := &b.streams[i]
		if s.ends != e || s.phase == phaseFree || s.phase == phaseReset {
			continue
		}
		if s.err != 0 {
			dead = true
			continue
		}
		if !s.connected && s.listener != dialled && opens && g.seq != s.irs {
			b.fail(s, transport.ErrReset) // its peer has started over
			break
		}
		if !b.arrive(s, &g, body, now) {
			return b.refuse(frame, &g, e)
		}
		return 0
	}
	if dead && !opens {
		return b.refuse(frame, &g, e)
	}
	if r := b.rest(e, now); r != nil {
		if reply, done := b.disturb(r, frame, &g); done {
			return reply
		}
	}
	k := b.listening(e.port)
	switch {
	case k < 0:
	case g.flags&(flagSYN|flagACK|flagRST|flagFIN) == flagSYN:
		return b.admit(k, frame, body[tcpHeader:header], &g, e, now)
	case g.flags&(flagSYN|flagACK|flagRST) == flagACK && b.baked(&g, e, now):
		if s := b.redeem(k, frame, &g, e, now); s != nil {
			b.arrive(s, &g, body, now)
		}
		return 0
	}
	return b.refuse(frame, &g, e)
}

// refuse answers a segment that belongs to nothing with a reset (RFC 9293,
// section 3.5.2, group 1), made of the frame that it came in.
func (b *stack) refuse(frame []byte, g *segment, e ends) int {
	if g.flags&flagRST != 0 {
		return 0
	}
	if g.flags&flagACK != 0 {
		return b.putTCP(frame, frame[6:12], e, g.ack, 0, flagRST, 0)
	}
	return b.putTCP(frame, frame[6:12], e, 0, g.seq+g.length(), flagRST|flagACK, 0)
}

// putTCP writes a segment without bytes.
func (b *stack) putTCP(frame, mac []byte, e ends, seq, ack uint32, flags byte, wnd uint16) int {
	putHeader(frame[ethHeader+ipHeader:], e.port, e.peer, seq, ack, flags, wnd)
	return b.wrap(frame, mac, e.ip, tcpHeader)
}

// putHeader writes a header without options.
func putHeader(h []byte, from, to uint16, seq, ack uint32, flags byte, wnd uint16) {
	put16(h, from)
	put16(h[2:], to)
	put32(h[4:], seq)
	put32(h[8:], ack)
	h[12], h[13] = tcpHeader/4<<4, flags
	put16(h[14:], wnd)
	put32(h[16:], 0)
}

// wrap writes what is around a segment of n bytes, and returns the length of
// the frame.
func (b *stack) wrap(frame, mac []byte, ip uint32, n int) int {
	total := b.putIP(frame, mac, ip, protoTCP, n)
	segment := frame[ethHeader+ipHeader : total]
	put16(segment[16:], 0)
	put16(segment[16:], sumPseudo(frame[ethHeader:], segment))
	return total
}

// feed gives the Handler a segment without bytes. Of the peer's window it hears
// that it is open: how much may be sent is ours to know, and it has to repeat
// what the window does not matter to.
func (b *stack) feed(s *stream, seq, ack uint32, flags byte) {
	if s.h.State() == tcp.StateTimeWait {
		return // in which the Handler panics if it has something to send
	}
	putHeader(b.header[:], s.peer, s.port, seq, ack, flags, 0xffff)
	s.h.Recv(b.header[:tcpHeader])
}

// arrive takes a segment of a stream in, whose bytes are part of body. It
// reports false where the segment is to be answered with a reset that does not
// end the stream.
func (b *stack) arrive(s *stream, g *segment, body []byte, now int64) bool {
	if !s.connected {
		if g.flags&flagACK != 0 && g.ack != s.max {
			return false // section 3.10.7.3, first; 3.10.7.4, SYN-RECEIVED, fifth
		}
		if s.listener == dialled {
			if !b.arriveDialled(s, g, now) {
				return true
			}
		} else if !b.arriveOpening(s, g, now) {
			return true
		}
	}

	// First, whether it is acceptable (section 3.10.7.4), and what of it is new.
	next := s.rcvNext()
	window := s.window(next)
	if g.flags&flagRST != 0 {
		if g.seq == next {
			b.reset(s)
		} else if g.seq-next < window {
			b.challenge(s, now) // RFC 5961, section 3.2
		}
		return true
	}
	if g.flags&flagSYN != 0 {
		b.challenge(s, now) // RFC 5961, section 4.2
		return true
	}
	if g.flags&flagACK == 0 {
		return true
	}
	if n := g.length(); before(g.seq, next) {
		old := next - g.seq
		if old >= n && n > 0 || old > n { // all of it has come before, or it is a probe
			b.answer(s, n, now)
			return true
		}
		g.data = g.data[old:] // of the end, if that is left, the flag
		g.seq = next
	} else if g.seq-next > window || n > 0 && g.seq-next >= window {
		// Beyond the window. What it brings is dropped, but its acknowledgment
		// counts: a peer who has filled the window has no other number to send.
		if n > 0 || g.seq-next > uint32(b.cfg.RxSize) {
			b.answer(s, n, now)
		}
		if g.seq-next > uint32(b.cfg.RxSize) {
			return true
		}
		g.data = g.data[:0]
		g.flags &^= flagFIN
	} else if over := int(g.seq-next) + len(g.data) - int(window); over > 0 {
		g.data = g.data[:len(g.data)-over]
		g.flags &^= flagFIN
		s.ackOwed, s.dirty = true, true
	}

	// Then what it acknowledges.
	if before(s.max, g.ack) || before(g.ack, s.una-0xffff) { // RFC 5961, section 5: no window is larger
		b.challenge(s, now)
		return true
	}
	copy(s.mac[:], g.mac) // not before: anybody can send what is not acceptable
	b.heard(s, now)
	b.acknowledged(s, g, now)

	// Then what it brings.
	if g.length() > 0 && !s.finGot {
		b.bring(s, g, body)
	}
	if b.ended(s) {
		b.leave(s, now)
	}
	return true
}

// reset ends a stream as its peer asks.
func (b *stack) reset(s *stream) {
	err := transport.ErrReset
	if !s.connected && s.listener == dialled {
		err = transport.ErrRefused
	}
	b.fail(s, err)
}

// arriveOpening takes the segments of a client whose handshake is not done. It
// reports whether there is more to a segment than the handshake.
func (b *stack) arriveOpening(s *stream, g *segment, now int64) bool {
	switch {
	case g.flags&flagRST != 0:
		if g.seq == s.irs+1 {
			b.fail(s, transport.ErrReset)
		}
		return false
	case g.flags&flagSYN != 0:
		s.h.RequeueControl() // our SYN|ACK was lost
		s.dirty = true
		return false
	case g.flags&flagACK == 0 || g.seq-s.irs-1 >= s.window(s.irs+1):
		return false
	}
	b.feed(s, s.irs+1, g.ack, flagACK)
	b.connect(s, g, now)
	if s.phase == phaseOpening {
		s.phase = phaseWaiting
		s.since = now
		l := &b.listeners[s.listener]
		l.acceptable = true
		if l.armed {
			b.lanes[0].rouse()
		}
	} else { // the server has it already: see accept
		s.dirty = true
		b.post(s, transport.Writable)
	}
	return true
}

// arriveDialled takes the answer to our SYN.
func (b *stack) arriveDialled(s *stream, g *segment, now int64) bool {
	switch {
	case g.flags&flagACK == 0 || s.h.State() != tcp.StateSynSent:
		return false // which leaves out that both dial each other at once
	case g.flags&flagRST != 0:
		b.reset(s)
		return false
	case g.flags&flagSYN == 0:
		return false
	}
	s.irs = g.seq
	b.feed(s, g.seq, g.ack, flagSYN|flagACK)
	b.connect(s, g, now)
	b.post(s, transport.Writable)
	s.ackOwed, s.dirty = true, true
	return false
}

// connect ends the handshake.
func (b *stack) connect(s *stream, g *segment, now int64) {
	s.connected = true
	s.una, s.fed = s.max, s.max
	s.wnd, s.wl1, s.wl2 = g.wnd, g.seq, g.ack
	s.measure(now, g.ack)
	s.due, s.retries = 0, 0
	s.openWindow()
	b.heard(s, now)
}

// challenge answers a segment that may be forged, ten times a second at most
// (RFC 5961, section 7).
func (b *stack) challenge(s *stream, now int64) {
	if now-s.answered >= second/10 {
		s.answered = now
		s.ackOwed, s.dirty = true, true
	}
}

// answer answers a segment of n bytes of the sequence that brings nothing new:
// the peer repeats what it has no acknowledgment of, or probes. Two ends that
// both find the other's acknowledgments unacceptable do not do so for ever.
func (b *stack) answer(s *stream, n uint32, now int64) {
	if next := s.rcvNext(); !s.finGot && s.window(next) == 0 && s.h.FreeInput() > 0 {
		// A closed window, but room that was too little for the Handler to tell of
		// unasked. It does so in its answer to a SYN.
		b.feed(s, next, s.fed, flagSYN|flagACK)
		s.dirty = true
	}
	if n == 0 {
		b.challenge(s, now)
		return
	}
	s.ackOwed, s.dirty = true, true
}

// bring gives the Handler the bytes and the end that a segment brings. body is
// where g.data lies, with the place of a header before it.
func (b *stack) bring(s *stream, g *segment, body []byte) {
	s.ackOwed, s.dirty = true, true
	end := g.flags&flagFIN != 0 && g.seq == s.rcvNext()
	if s.phase == phaseOrphan && len(g.data) > 0 || len(g.data) == 0 && !end {
		return // nobody is there to read it, or it is an end after a gap
	}
	// In the states after our FIN the Handler wants an acknowledgment; before,
	// it would take it for one more that says nothing new.
	flags := byte(0)
	if s.finSent {
		flags = flagACK
	}
	if end {
		flags |= flagFIN
	}
	at := cap(body) - cap(g.data)
	whole := body[at-tcpHeader : at+len(g.data)]
	putHeader(whole, s.peer, s.port, g.seq, s.fed, flags, 0xffff)
	had, state := s.h.BufferedInput(), s.h.State()
	s.h.Recv(whole)
	ready := transport.Ready(0)
	if s.h.BufferedInput() > had {
		ready = transport.Readable
	}
	if end && s.h.State() != state {
		s.finGot = true
		ready = transport.Readable | transport.Hangup
	}
	if ready != 0 {
		b.post(s, ready)
	}
}
