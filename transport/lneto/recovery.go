package lneto

import "github.com/bobtail-go/bobtail/transport"

// Times and counts of retransmission (RFC 6298, RFC 9293 section 3.8), in
// nanoseconds.
const (
	firstRTO = second
	minRTO   = second / 5 // as Linux has it, for the delays of acknowledgments
	maxRTO   = 60 * second

	maxRetries    = 8 // some 100 s from the smallest timeout on (RFC 9293, section 3.8.3)
	openRetries   = 4 // of a SYN: half a minute
	halfOpen      = 10 * second
	keepAgain     = 5 * second
	maxKeeps      = 5
	defaultMSS    = 536 // RFC 9293, section 3.7.1
	initialWindow = 10  // segments, RFC 6928
)

// sequence is the initial sequence number for a pair of ends (RFC 6528): a
// secret place for each pair, from which it moves on with the clock, a step in 4
// microseconds.
func (b *stack) sequence(e ends, now int64) uint32 { return uint32(b.pair(e, 1)) + uint32(now>>12) }

// pair is a secret number of a pair of ends, for a use.
func (b *stack) pair(e ends, use uint64) uint64 {
	return b.hash(uint64(e.ip)<<32|uint64(e.peer)<<16|uint64(e.port), use)
}

// startAt is called before the SYN is sent.
func (s *stream) startAt(iss uint32) {
	s.una, s.next, s.max, s.fed = iss, iss, iss, iss
}

// setMSS takes the largest segment from the options of a SYN (RFC 9293, section
// 3.2 and 3.7.1), at least 64 bytes and at most what the card can.
func (s *stream) setMSS(options []byte, mtu int) {
	mss := defaultMSS
	for len(options) >= 2 && options[0] != 0 {
		n := 1
		if options[0] != 1 {
			n = int(options[1])
		}
		if n == 0 || n > len(options) {
			break
		}
		if options[0] == 2 && n == 4 {
			mss = max(int(get16(options[2:])), 64)
		}
		options = options[n:]
	}
	s.mss = uint16(min(mss, mtu-ipHeader-tcpHeader))
}

// openWindow is called when a stream is connected.
func (s *stream) openWindow() {
	s.cwnd = initialWindow * uint32(s.mss)
	s.ssthresh = 1 << 20
}

// sent notes that the sequence from seq to end was sent.
func (s *stream) sent(seq, end uint32, now int64) {
	if seq == end {
		return
	}
	if before(s.max, end) {
		if !s.timing {
			s.timing, s.timed, s.timedAt = true, end, now
		}
		s.max = end
	} else {
		s.timing = false // Karn's algorithm: RFC 6298, section 3
	}
	if s.due == 0 {
		s.due = now + s.rto
	}
}

// measure takes the time of a round trip from an acknowledgment (RFC 6298,
// section 2).
func (s *stream) measure(now int64, ack uint32) {
	if !s.timing || before(ack, s.timed) {
		return
	}
	s.timing = false
	r := now - s.timedAt
	if s.srtt == 0 {
		s.srtt, s.rttvar = r, r/2
	} else {
		d := s.srtt - r
		s.rttvar += (max(d, -d) - s.rttvar) / 4
		s.srtt += (r - s.srtt) / 8
	}
	s.srtt = max(s.srtt, 1) // 0 is none yet
	s.timeout()
}

// timeout is the timeout for the next segment, as long as nothing is lost.
func (s *stream) timeout() {
	s.rto = firstRTO
	if s.srtt != 0 {
		s.rto = min(max(s.srtt+4*s.rttvar, minRTO), maxRTO)
	}
}

// heard notes that the peer lives.
func (b *stack) heard(s *stream, now int64) {
	s.keeps = 0
	if b.cfg.KeepAlive > 0 {
		s.keepDue = now + b.cfg.KeepAlive
	}
}

// acknowledged takes what an acceptable segment says about what we sent: RFC
// 9293, section 3.10.7.4, fifth; RFC 5681.
func (b *stack) acknowledged(s *stream, g *segment, now int64) {
	opened := false
	if before(s.wl1, g.seq) || s.wl1 == g.seq && !before(g.ack, s.wl2) || before(s.wl2, g.ack) || g.ack == s.una && g.wnd > s.wnd {
		opened = g.wnd > s.wnd
		changed := g.wnd != s.wnd
		s.wnd, s.wl1, s.wl2 = g.wnd, g.seq, g.ack
		if changed {
			s.dirty = true
		}
		if s.wnd == 0 {
			s.retries = 0 // it answers, and keeps the window closed (section 3.8.6.1)
		} else if opened && s.una == s.max {
			s.due, s.retries = 0, 0
			s.timeout()
		}
	}
	if before(s.una, g.ack) {
		n := g.ack - s.una
		s.una = g.ack
		s.measure(now, g.ack)
		s.grow(n)
		s.retries, s.dup = 0, 0
		if s.due = 0; s.una != s.max {
			s.due = now + s.rto
		}
		if s.phase == phaseOrphan && n >= min(uint32(s.mss), uint32(b.cfg.TxSize)/8) { // not byte by byte for hours
			s.since = now
		}
		s.dirty = true
		b.pass(s)
		return
	}
	if g.ack == s.una && s.una != s.max && len(g.data) == 0 && !opened {
		if s.dup++; s.dup == 3 && !s.finSent {
			// RFC 5681, section 3.2, but all that is under way is sent again.
			b.again(s, max((s.max-s.una)/2, 2*uint32(s.mss)))
		}
	}
}

// pass tells the Handler what was acknowledged, as far as it has sent it: while
// it repeats, that may be less.
func (b *stack) pass(s *stream) {
	ack := s.una
	if before(s.next, ack) {
		ack = s.next
	}
	if ack == s.fed {
		return
	}
	s.fed = ack
	b.feed(s, s.rcvNext(), ack, flagACK)
	if s.finSent && s.una == s.max {
		s.finAcked = true
	}
	if s.wantsWrite && s.h.FreeOutput() > 0 {
		s.wantsWrite = false
		b.post(s, transport.Writable)
	}
}

// grow opens the congestion window (RFC 5681, section 3.1).
func (s *stream) grow(n uint32) {
	mss := uint32(s.mss)
	if s.cwnd < s.ssthresh {
		s.cwnd += min(n, mss)
	} else {
		s.cwnd += max(mss*mss/s.cwnd, 1)
	}
	s.cwnd = min(s.cwnd, 1<<20)
}

// again lets the Handler send everything again that is not acknowledged, at
// first a part of it.
func (b *stack) again(s *stream, cwnd uint32) {
	b.stats.Again++
	s.ssthresh = max((s.max-s.una)/2, 2*uint32(s.mss))
	s.cwnd = cwnd
	s.timing = false
	if s.h.FreeOutput()+s.h.BufferedUnsent() < s.h.SizeOutput() {
		s.rewind.on = true
	}
	s.dirty = true
}

// timers does what is due, for all streams.
func (b *stack) timers(now int64) {
	for i := range b.streams {
		s := &b.streams[i]
		switch {
		case s.phase == phaseFree || s.err != 0:
		case s.phase == phaseOpening && now-s.since >= halfOpen:
			b.release(s) // without a word: nobody may be there
		case s.phase == phaseOrphan && now-s.since >= b.cfg.Linger:
			s.phase, s.dirty = phaseReset, true
		case s.due != 0 && now >= s.due:
			b.expired(s, now)
		case s.keepDue != 0 && now >= s.keepDue:
			b.keep(s, now)
		}
	}
}

// expired is called when nothing was acknowledged in time (RFC 6298, section
// 5.4 to 5.7).
func (b *stack) expired(s *stream, now int64) {
	limit := uint8(maxRetries)
	if !s.connected {
		limit = openRetries
	}
	if s.retries++; s.retries > limit {
		err := transport.ErrTimedOut
		if !s.hopKnown {
			err = transport.ErrUnreachable
		}
		b.fail(s, err)
		return
	}
	s.rto = min(2*s.rto, maxRTO)
	s.due = now + s.rto
	s.dirty = true
	switch {
	case !s.hopKnown:
		s.probeOwed = true
	case !s.connected:
		s.h.RequeueControl()
		s.timing = false
	case s.una == s.max: // the peer's window is closed
		s.probeOwed = true
	case s.finSent:
		s.finAgain = true
		b.stats.Again++
	default:
		s.dup = 0
		b.again(s, uint32(s.mss))
	}
}

// keep asks a silent peer whether it lives.
func (b *stack) keep(s *stream, now int64) {
	if s.una != s.max {
		s.keepDue = now + keepAgain // it is asked by what is under way
		return
	}
	if s.finGot && s.finAcked {
		s.keepDue = 0 // it has nothing more to say
		return
	}
	if s.keeps++; s.keeps > maxKeeps {
		b.fail(s, transport.ErrTimedOut)
		return
	}
	s.keepDue = now + keepAgain
	s.probeOwed, s.dirty = true, true
}
