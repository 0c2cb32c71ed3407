package lneto

import "github.com/soypat/lneto/tcp"

// output makes the next frame that is to be sent, and returns its length, or 0.
func (b *stack) output(now int64) int {
	if n := b.lease.output(b, b.out, now); n > 0 {
		return n
	}
	for range b.streams {
		if b.turn++; b.turn >= len(b.streams) {
			b.turn = 0
		}
		s := &b.streams[b.turn]
		for s.dirty {
			n := b.depart(s, now)
			if n == 0 {
				s.dirty = false
				break
			}
			if s.ip != b.ip {
				return n
			}
			for own := true; n > 0; { // to ourselves, and what is answered
				n = b.input(b.out[:n], own, now)
			}
		}
	}
	return 0
}

// depart makes the next frame of a stream, and returns its length, or 0.
func (b *stack) depart(s *stream, now int64) int {
	frame := b.out
	if s.phase == phaseReset {
		// RFC 9293, section 3.10.5: with a sequence number that the peer takes.
		n := b.putTCP(frame, s.mac[:], s.ends, s.max, s.rcvNext(), flagRST|flagACK, 0)
		b.release(s)
		return n
	}
	if s.err != 0 {
		return 0
	}
	if !s.hopKnown {
		if s.due != 0 && !s.probeOwed {
			return 0
		}
		s.probeOwed = false
		if s.due == 0 {
			s.due = now + s.rto
		}
		return b.putARP(frame, arpRequest, nobody[:], b.hop(s))
	}
	if n := b.fromHandler(s, frame[ethHeader+ipHeader:], now); n > 0 {
		s.ackOwed = false
		return b.wrap(frame, s.mac[:], s.ip, n)
	}
	seq, flags := s.max, flagACK
	if end := s.una + s.wnd; before(end, seq) {
		seq = end // what was sent may lie beyond a window that has shrunk
	}
	switch {
	case s.finAgain:
		s.finAgain = false
		seq, flags = s.max-1, flagFIN|flagACK
	case s.ackOwed:
	case s.probeOwed: // by itself: nobody takes in what it acknowledges
		s.probeOwed = false
		seq = s.max - 1 // what the peer has: it answers (RFC 9293, section 3.8.4)
	default:
		if b.ended(s) {
			b.leave(s, now)
		}
		return 0
	}
	s.ackOwed = false
	next := s.rcvNext()
	return b.putTCP(frame, s.mac[:], s.ends, seq, next, flags, uint16(s.window(next)))
}

// fromHandler lets the Handler write its next segment, and returns its length,
// or 0.
func (b *stack) fromHandler(s *stream, segment []byte, now int64) int {
	for {
		state := s.h.State()
		if state == tcp.StateTimeWait || state == tcp.StateClosed && s.connected {
			return 0 // it would forget what was not read, or is done
		}
		room := len(segment)
		if s.connected {
			if s.rewind.on {
				s.next = s.fed
			}
			unsent := s.h.BufferedUnsent()
			if s.rewind.on {
				unsent = s.h.SizeOutput() - s.h.FreeOutput()
			}
			room = tcpHeader + s.sendable(unsent)
			if room == tcpHeader && unsent > 0 && s.wnd == 0 && s.una == s.max && s.due == 0 {
				s.due = now + s.rto // a window that stays closed is probed
			}
			if s.finWanted && !s.finGiven && s.h.FreeOutput() == s.h.SizeOutput() {
				s.finGiven = s.h.Close() == nil
			}
			if state == tcp.StateCloseWait && room == tcpHeader && !s.finGiven {
				return 0 // it would begin to close
			}
		}
		n, err := s.h.Send(segment[:room])
		if err != nil && room > tcpHeader {
			// Its list of segments is full: an acknowledgment may be due.
			n, err = s.h.Send(segment[:tcpHeader])
		}
		if err != nil || n < tcpHeader {
			return 0
		}
		seq := get32(segment[4:])
		end := seq + uint32(n-int(segment[12]>>4)*4)
		if segment[13]&(flagSYN|flagFIN) != 0 {
			end++
		}
		s.finSent = s.finSent || segment[13]&flagFIN != 0
		if segment[13]&flagACK != 0 {
			s.edge = get32(segment[8:]) + uint32(get16(segment[14:]))
		}
		if before(s.next, end) {
			s.next = end
		}
		if seq != end && !before(s.una, end) {
			b.pass(s) // it was acknowledged while it was to be repeated
			continue
		}
		s.sent(seq, end, now)
		return n
	}
}

// sendable is how many of the unsent bytes may be sent in one segment now.
func (s *stream) sendable(unsent int) int {
	if unsent == 0 {
		return 0
	}
	mss := int(s.mss)
	if before(s.next, s.una) {
		return min(int(s.una-s.next), mss) // acknowledged already
	}
	under := s.next - s.una
	window := min(s.wnd, s.cwnd)
	if window <= under {
		return 0
	}
	n := min(int(window-under), mss)
	if n < mss && n < unsent && under > 0 {
		return 0 // RFC 9293, section 3.8.6.2.1: no silly windows
	}
	return min(n, unsent)
}

// ended reports whether nothing is left to do for a stream that the server has
// closed.
func (b *stack) ended(s *stream) bool {
	return s.phase == phaseOrphan && s.finAcked && !s.ackOwed
}

// leave frees the place of a stream, which is remembered as a rest.
func (b *stack) leave(s *stream, now int64) {
	b.remember(s, now)
	b.release(s)
}
