package lneto

import "github.com/soypat/lneto/tcp"

// admit makes a stream of a SYN, or leaves the client to try again. If all
// streams are taken, but some by clients whose handshake is not done, as under
// a flood of SYNs, the answer is one that needs no stream: a SYN cookie (RFC
// 4987, section 3.6), which redeem takes.
func (b *stack) admit(k int, frame, options []byte, g *segment, e ends, now int64) int {
	if b.listeners[k].quiet {
		return 0
	}
	s := b.free()
	if s == nil {
		if b.oldestHalf() == nil {
			b.stats.Unanswered++
			return 0
		}
		return b.putTCP(frame, frame[6:12], e, b.cookie(g.seq, e, now), g.seq+1, flagSYN|flagACK, uint16(b.cfg.RxSize))
	}
	b.open(s, k, frame, g.seq, g.wnd, e, b.sequence(e, now), now)
	s.setMSS(options, b.cfg.MTU)
	return 0
}

// open makes a free stream one that a client has sent a SYN for.
func (b *stack) open(s *stream, k int, frame []byte, irs, wnd uint32, e ends, iss uint32, now int64) {
	b.begin(s, e, now)
	s.h.OpenListen(e.port, tcp.Value(iss))
	s.startAt(iss)
	s.phase, s.listener = phaseOpening, uint8(k)
	s.hopKnown = true
	copy(s.mac[:], frame[6:])
	s.irs = irs
	s.wnd, s.wl1, s.wl2 = wnd, irs, iss
	b.feed(s, irs, 0, flagSYN)
	s.dirty = true
}

// oldestHalf is the stream whose handshake has been waiting longest for its
// client, or nil.
func (b *stack) oldestHalf() *stream {
	var old *stream
	for i := range b.streams {
		s := &b.streams[i]
		if s.phase == phaseOpening && (old == nil || s.since < old.since) {
			old = s
		}
	}
	return old
}

// bakeTime is how long a cookie is good at least; it is twice that at most.
const bakeTime = 32 * second

// cookie is our initial sequence number for a client, of which nothing is kept.
// The client's MSS is not in it: the smallest that all have is used.
func (b *stack) cookie(irs uint32, e ends, now int64) uint32 {
	return uint32(b.hash(b.pair(e, 3)+uint64(irs)<<32+uint64(now/bakeTime), 4))
}

// baked reports whether a segment acknowledges a cookie of ours.
func (b *stack) baked(g *segment, e ends, now int64) bool {
	return g.ack-1 == b.cookie(g.seq-1, e, now) || g.ack-1 == b.cookie(g.seq-1, e, now-bakeTime)
}

// redeem makes a stream for a client who has acknowledged a cookie, in the place
// of one who has not shown that he is there. It is nil where there is none; the
// client sends his request again, and may have more luck.
func (b *stack) redeem(k int, frame []byte, g *segment, e ends, now int64) *stream {
	if b.listeners[k].quiet {
		return nil
	}
	s := b.free()
	if s == nil {
		if s = b.oldestHalf(); s == nil {
			return nil
		}
		b.release(s)
	}
	iss := g.ack - 1
	b.open(s, k, frame, g.seq-1, g.wnd, e, iss, now)
	// The SYN|ACK has been sent.
	s.h.Send(b.header[:])
	s.next, s.max = iss+1, iss+1
	s.edge = g.seq + uint32(b.cfg.RxSize)
	return s
}
