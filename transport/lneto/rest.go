package lneto

// A rest is what is left of a stream that has ended in order: TIME-WAIT, or
// FIN-WAIT-2 of a stream that nobody reads any more. It needs no buffers, so
// that no place is held. There is a fixed number of them, and each is
// remembered for ten seconds, or until as many others have come after it: long
// enough to answer a repeated FIN, though not the four minutes of RFC 9293,
// section 3.4.3. A late segment of an earlier connection would also have to
// meet the window of a new one.
type rest struct {
	ends
	until     int64
	seq, next uint32 // what an acknowledgment has in it
	ended     bool   // the peer has ended its bytes
}

const restTime = 10 * second

func (b *stack) remember(s *stream, now int64) {
	b.rests[b.oldest] = rest{ends: s.ends, until: now + restTime, seq: s.max, next: s.rcvNext(), ended: s.finGot}
	b.oldest = (b.oldest + 1) % len(b.rests)
}

// rest is what is left of a stream, or nil.
func (b *stack) rest(e ends, now int64) *rest {
	for i := range b.rests {
		if r := &b.rests[i]; r.ends == e && now < r.until {
			return r
		}
	}
	return nil
}

// disturb takes a segment for a rest in, and returns the length of the reply.
// Where it is not done, the segment is for others.
func (b *stack) disturb(r *rest, frame []byte, g *segment) (reply int, done bool) {
	switch {
	case g.flags&flagRST != 0:
		if g.seq == r.next {
			r.until = 0
		}
		return 0, true
	case g.flags&flagSYN != 0 && before(r.next, g.seq+1): // RFC 9293, section 3.10.7.4, fourth
		r.until = 0
		return 0, false
	case g.length() == 0 && g.seq == r.next:
		return 0, true
	case g.seq+g.length() == r.next+1 && g.flags&flagFIN != 0 && !r.ended && !before(r.next, g.seq):
		if g.seq == r.next {
			r.next++
			r.ended = true
			break
		}
		fallthrough
	case before(r.next, g.seq+uint32(len(g.data))): // bytes that nobody reads
		r.until = 0
		return 0, false
	}
	return b.putTCP(frame, frame[6:12], r.ends, r.seq, r.next, flagACK, 0), true
}
