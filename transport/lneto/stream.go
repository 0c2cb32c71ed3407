package lneto

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/soypat/lneto/tcp"
)

// A phase is who holds a stream.
type phase uint8

const (
	phaseFree    phase = iota
	phaseOpening       // a client has sent a SYN
	phaseWaiting       // the client is connected, and waits to be accepted
	phaseOpen          // the server's, also while a Dial is under way
	phaseOrphan        // closed by the server: what it gave is being delivered
	phaseReset         // an RST is to be sent
)

// ends are the two ends of a stream: our port, and the peer's address and port.
type ends struct {
	ip   uint32
	peer uint16
	port uint16
}

// A rewinder is tcp.LossRecovery. lneto's own, tcp.RTO, starts its time anew
// with whatever comes from the peer, also what acknowledges nothing, and does
// not give up. This one does but one thing: it lets the Handler send again what
// is not acknowledged, when it is told to.
type rewinder struct{ on bool }

func (r *rewinder) Reset()              {}
func (r *rewinder) NextDeadline() int64 { return 0 }

func (r *rewinder) PreRx(tcp.Segment, int64) tcp.RxDirective { return tcp.RxDirective{Keep: true} }
func (r *rewinder) PostTx(tcp.Segment, int64)                {}

func (r *rewinder) PreTx(int64) tcp.TxDirective {
	on := r.on
	r.on = false
	return tcp.TxDirective{RetransmitAll: on}
}

// A stream is one connection. lneto's Handler keeps its buffers, the order of
// bytes and the state of TCP; the rest is here, since the Handler
//
//   - retransmits neither a FIN, nor data once a FIN was sent: it is not told
//     to close before all data is acknowledged, and we repeat the FIN;
//   - ends the connection after nine segments in a row that are not acceptable,
//     such as repeated ones: it is given only what it can take (arrive.go);
//   - does not answer the probes for a window or for life, and makes none;
//   - takes an acknowledgment of data that it is about to repeat for an error;
//   - begins to close by itself in CLOSE-WAIT when its buffer is empty;
//   - forgets unread bytes when TIME-WAIT begins;
//   - loses its place for segments out of order when the last byte before them
//     is read: that byte is left in it (Consume).
type stream struct {
	h  tcp.Handler
	rx []byte // the Handler's receive buffer

	ends
	tag   uint64
	since int64 // when the phase began; of an orphan, when its peer last acknowledged something

	// Bytes received. The next is rcvNext.
	irs  uint32 // the peer's initial sequence number
	read uint32 // bytes taken out of the Handler's buffer
	edge uint32 // the end of the window as the Handler has last told it
	off  int    // of the first byte there, in rx
	skip int    // bytes there that were consumed

	// Bytes sent. Acknowledged are those before una; the Handler has sent those
	// before next, which is less than max while it repeats; max is one after
	// the last that was ever sent. The Handler knows of fed, which is una or
	// less.
	una, next, max, fed uint32
	wnd, wl1, wl2       uint32 // the peer's window, and the segment that told it (RFC 9293, section 3.10.7.4)
	cwnd, ssthresh      uint32 // RFC 5681

	// Time, in nanoseconds.
	srtt, rttvar, rto int64
	timedAt           int64  // when timed was sent
	timed             uint32 // the end of the segment whose acknowledgment is awaited to measure
	due               int64  // when to send again, or to probe a closed window; 0 is never
	keepDue           int64  // when to ask a silent peer; 0 is never
	answered          int64  // when a segment that cannot be taken was last answered

	mss      uint16
	mac      [6]byte // of the next hop
	phase    phase
	listener uint8
	err      transport.Error // why the stream is beyond use, or 0
	ready    transport.Ready
	retries  uint8 // times that it was sent again without an answer
	keeps    uint8 // times that a silent peer was asked
	dup      uint8 // acknowledgments of nothing new, one after the other

	hopKnown   bool // mac is
	connected  bool
	attached   bool
	wantsWrite bool
	timing     bool
	rewind     rewinder
	finGot     bool // the peer has ended its bytes
	finWanted  bool // we are to end ours
	finGiven   bool // the Handler was told so
	finSent    bool
	finAgain   bool
	finAcked   bool
	ackOwed    bool
	probeOwed  bool
	dirty      bool // there may be something to send
}

func (s *stream) init(c *Config) error {
	s.rx = make([]byte, c.RxSize)
	if s.h.SetBuffers(make([]byte, c.TxSize), s.rx, packets(c.TxSize)) != nil {
		return transport.ErrSystem
	}
	s.h.SetLossRecovery(&s.rewind, c.Now)
	return nil
}

// rcvNext is the sequence number of the next byte that the peer is to send.
func (s *stream) rcvNext() uint32 {
	n := s.irs + 1 + s.read + uint32(s.h.BufferedInput())
	if s.finGot {
		n++
	}
	return n
}

// window is how much of the sequence from next on the peer may send.
func (s *stream) window(next uint32) uint32 {
	if before(s.edge, next) {
		return 0
	}
	return s.edge - next
}

// unread is how many bytes there are that were not consumed.
func (s *stream) unread() int { return s.h.BufferedInput() - s.skip }

// held reports whether the Handler holds bytes after a gap.
func (s *stream) held() bool { return s.h.FreeInput() != s.h.SizeInput()-s.h.BufferedInput() }

// begin makes a free stream one of an address.
func (b *stack) begin(s *stream, e ends, now int64) {
	s.h.Abort()
	*s = stream{h: s.h, rx: s.rx, ends: e, since: now, rto: firstRTO, mss: defaultMSS, answered: now - second}
}

// release frees a stream.
func (b *stack) release(s *stream) {
	s.h.Abort()
	s.phase, s.attached, s.due, s.keepDue, s.dirty = phaseFree, false, 0, 0, false
}

// fail says why a stream is beyond use.
func (b *stack) fail(s *stream, err transport.Error) {
	if s.phase != phaseOpen {
		b.release(s)
		return
	}
	s.err = err
	s.due, s.keepDue, s.dirty = 0, 0, false
	b.post(s, transport.Readable|transport.Writable|transport.Hangup)
}

// post tells the engine of a stream's condition.
func (b *stack) post(s *stream, r transport.Ready) {
	s.ready |= r
	if s.attached {
		b.lanes[0].rouse()
	}
}

// touch says that a stream may have something to send.
func (b *stack) touch(s *stream) {
	s.dirty = true
	b.kick()
}

// stream is the stream of a name, or nil if the server has none of it.
func (b *stack) stream(id transport.Stream) *stream {
	if id < 0 || int(id) >= len(b.streams) || b.streams[id].phase != phaseOpen {
		return nil
	}
	return &b.streams[id]
}

func (b *stack) name(s *stream) transport.Stream {
	for i := range b.streams {
		if s == &b.streams[i] {
			return transport.Stream(i)
		}
	}
	return -1
}

// free is a stream for a newcomer, or nil.
func (b *stack) free() *stream {
	for i := range b.streams {
		if s := &b.streams[i]; s.phase == phaseFree {
			return s
		}
	}
	return nil
}

func (b *stack) dial(a transport.Addr) (transport.Stream, error) {
	switch {
	case b.closed:
		return -1, transport.ErrClosed
	case !a.Is4() || a.Port() == 0:
		return -1, transport.ErrAddress
	case b.ip == 0:
		return -1, transport.ErrUnreachable
	}
	e := ends{ip: number(a), peer: a.Port(), port: b.freePort()}
	if e.ip == 0 { // this machine
		e.ip = b.ip
	}
	s := b.free()
	if s == nil {
		return -1, transport.ErrDescriptors
	}
	now := b.cfg.Now()
	b.begin(s, e, now)
	iss := b.sequence(e, now)
	if s.h.OpenActive(s.port, s.peer, tcp.Value(iss)) != nil {
		return -1, transport.ErrSystem
	}
	s.startAt(iss)
	s.listener = dialled
	s.phase = phaseOpen
	if s.hopKnown = s.ip == b.ip; s.hopKnown {
		s.mac = b.cfg.MAC
	}
	b.touch(s)
	return b.name(s), nil
}

func (b *stack) attach(id transport.Stream, lane int, tag uint64) error {
	s := b.stream(id)
	if s == nil {
		return transport.ErrClosed
	}
	if lane != 0 {
		return transport.ErrNotSupported
	}
	s.tag, s.attached = tag, true
	if s.connected {
		s.ready |= transport.Writable
	}
	if s.ready != 0 {
		b.lanes[0].rouse()
	}
	return nil
}

func (b *stack) receive(id transport.Stream, buf []byte) ([]byte, error) {
	s := b.stream(id)
	if s == nil {
		return nil, transport.ErrClosed
	}
	n := min(s.unread(), len(buf))
	switch {
	case s.err != 0:
		return nil, s.err
	case s.unread() == 0 && s.finGot:
		return nil, transport.EOF
	case s.unread() == 0:
		return nil, transport.ErrWouldBlock
	}
	from := (s.off + s.skip) % len(s.rx)
	if from+n <= len(s.rx) {
		return s.rx[from : from+n : from+n], nil
	}
	k := copy(buf, s.rx[from:])
	copy(buf[k:n], s.rx)
	return buf[:n], nil
}

func (b *stack) consume(id transport.Stream, n int) {
	s := b.stream(id)
	if s == nil || s.err != 0 || n <= 0 {
		return
	}
	s.skip += min(n, s.unread())
	if s.skip == s.h.BufferedInput() && s.held() {
		// The Handler's ring starts over at its beginning when it is emptied,
		// but what it holds after a gap stays where it is.
		s.drain(s.skip - 1)
	} else {
		s.drain(s.skip)
	}
	b.touch(s) // the window may be worth telling
}

// drain takes n bytes out of the Handler's buffer, which are where the copies
// go: nothing moves.
func (s *stream) drain(n int) {
	for n > 0 {
		k, err := s.h.Read(s.rx[s.off:min(s.off+n, len(s.rx))])
		if err != nil || k == 0 {
			return
		}
		n -= k
		s.skip -= k
		s.read += uint32(k)
		s.off = (s.off + k) % len(s.rx)
		if s.h.BufferedInput() == 0 {
			s.off = 0
		}
	}
}

func (b *stack) send(id transport.Stream, bufs [][]byte) (int, error) {
	s := b.stream(id)
	switch {
	case s == nil:
		return 0, transport.ErrClosed
	case s.err != 0:
		return 0, s.err
	case s.finWanted:
		return 0, transport.ErrClosed
	}
	total, n := 0, 0
	for _, p := range bufs {
		total += len(p)
		if !s.connected {
			continue
		}
		if k := min(len(p), s.h.FreeOutput()); k > 0 {
			if _, err := s.h.Write(p[:k]); err != nil {
				break
			}
			n += k
		}
	}
	s.wantsWrite = n < total
	if n > 0 {
		b.touch(s)
	} else if total > 0 {
		return 0, transport.ErrWouldBlock
	}
	return n, nil
}

func (b *stack) closeWrite(id transport.Stream) error {
	s := b.stream(id)
	switch {
	case s == nil:
		return transport.ErrClosed
	case s.err != 0:
		return s.err
	}
	s.finWanted = true
	b.touch(s)
	return nil
}

func (b *stack) closeStream(id transport.Stream) {
	s := b.stream(id)
	if s == nil {
		return
	}
	s.attached = false
	if s.err != 0 || !s.connected && s.listener == dialled {
		b.release(s)
		return
	}
	s.phase = phaseOrphan
	s.since = b.cfg.Now()
	s.finWanted = true
	b.touch(s)
}

func (b *stack) abortStream(id transport.Stream) {
	if s := b.stream(id); s != nil {
		b.abort(s)
	}
}

func (b *stack) abort(s *stream) {
	s.attached = false
	if s.err != 0 || !s.connected && s.listener == dialled {
		b.release(s)
		return
	}
	s.phase = phaseReset
	b.touch(s)
}

func (b *stack) local(id transport.Stream) transport.Addr {
	if s := b.stream(id); s != nil {
		return address(b.ip, s.port)
	}
	return transport.Addr{}
}

func (b *stack) remote(id transport.Stream) transport.Addr {
	if s := b.stream(id); s != nil {
		return address(s.ip, s.peer)
	}
	return transport.Addr{}
}
