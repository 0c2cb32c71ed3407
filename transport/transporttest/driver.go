package transporttest

import (
	"bytes"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// A driver plays the engine: it does what the contract allows an engine to
// rely on, and no more. It waits for an edge after each short Receive and
// Send, and goes on without one after each full Receive.
type driver struct {
	t    *testing.T
	rule string
	open func(t *testing.T) Fixture
	f    Fixture
	b    transport.Backend

	ev      [16]transport.Event
	ready   map[uint64]transport.Ready    // told by events and not used up
	lane    map[uint64]int                // where events of a tag may come
	listens map[uint64]bool               // tags of listeners
	gone    map[uint64]bool               // tags of streams that are closed
	spare   map[uint64][]transport.Stream // accepted, by the listener's tag
	nextTag uint64
	wakes   int         // Wakes of lane 0 that no Wait is known to have used up
	expired atomic.Bool // see guard

	closed  bool
	opened  map[transport.Stream]bool // not closed yet, nor are the next
	heard   map[transport.Listener]bool
	closers []io.Closer // peers and their listeners
	dials   []*dialling // peers being made
}

func newDriver(t *testing.T, rule string, open func(t *testing.T) Fixture) *driver {
	f := open(t)
	return &driver{
		t: t, rule: rule, open: open, f: f, b: f.Backend,
		ready:   map[uint64]transport.Ready{},
		lane:    map[uint64]int{},
		listens: map[uint64]bool{},
		gone:    map[uint64]bool{},
		spare:   map[uint64][]transport.Stream{},
		opened:  map[transport.Stream]bool{},
		heard:   map[transport.Listener]bool{},
		nextTag: 0xfedc_ba98_0000_0001, // all 64 bits of a tag must come back
	}
}

// finish closes all and compares what is held with what was held before.
func (d *driver) finish(before census) {
	d.t.Helper()
	for _, c := range d.closers {
		c.Close()
	}
	d.closeAll() // which ends the dials that are under way
	for _, p := range d.dials {
		if <-p.done; p.err == nil {
			p.peer.Close()
		}
	}
	if !d.t.Failed() {
		before.compare(d)
	}
}

// closeAll closes the backend as a tidy engine does.
func (d *driver) closeAll() {
	d.t.Helper()
	if !d.closed {
		for s := range d.opened {
			d.b.CloseStream(s)
		}
		for l := range d.heard {
			d.b.CloseListener(l)
		}
	}
	d.closeBackend()
}

func (d *driver) closeBackend() {
	d.t.Helper()
	if d.closed {
		return
	}
	d.closed = true
	if err := d.b.Close(); err != nil {
		d.t.Errorf("Close of the backend: %v", err)
	}
}

func (d *driver) fatalf(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf(format+"\nrule: %s", append(args, d.rule)...)
}

func (d *driver) mustNot(err error, what string) {
	d.t.Helper()
	if err != nil {
		d.fatalf("%s: %v", what, err)
	}
}

func (d *driver) streams(n int) int {
	if d.f.Streams > 0 {
		return min(n, d.f.Streams)
	}
	return n
}

// guard ends the Waits on a lane when what has to happen has not, on a clock
// that nobody moves. It returns what stops it.
func (d *driver) guard(lane int) (stop func()) {
	if d.f.Advance == nil {
		return func() {}
	}
	timer := time.AfterFunc(waitLimit, func() {
		d.expired.Store(true)
		d.b.Wake(lane)
	})
	return func() { timer.Stop() }
}

// limit is the deadline of what has to happen.
func (d *driver) limit() int64 {
	if d.f.Advance != nil {
		return transport.Forever // nobody else moves the clock
	}
	return d.b.Now() + int64(waitLimit)
}

// step waits once on a lane and notes what it is told. It returns the number
// of events.
func (d *driver) step(lane int, deadline int64) int {
	d.t.Helper()
	n, err := d.b.Wait(lane, d.ev[:], deadline)
	d.mustNot(err, "Wait")
	if n < 0 || n > len(d.ev) {
		d.fatalf("Wait(%d, ev[:%d]) = %d", lane, len(d.ev), n)
	}
	if n == 0 && d.b.Now() < deadline {
		if d.expired.Load() {
			return 0
		}
		if lane != 0 || d.wakes == 0 {
			d.fatalf("Wait returned without an event and without a Wake %d ns before its deadline", deadline-d.b.Now())
		}
		d.wakes--
	}
	for _, e := range d.ev[:n] {
		want, known := d.lane[e.Tag]
		switch {
		case d.gone[e.Tag]:
			d.fatalf("event %#x (%b) of a stream that was closed before the Wait", e.Tag, e.Ready)
		case !known:
			d.fatalf("event %#x (%b), a tag that was never given", e.Tag, e.Ready)
		case want != lane:
			d.fatalf("event %#x (%b) on lane %d, attached to lane %d", e.Tag, e.Ready, lane, want)
		case d.listens[e.Tag] && !e.Ready.Has(transport.Acceptable):
			// The converse is not asked for: a poller may not know which it is.
			d.fatalf("event %#x of a listener is %b, not Acceptable", e.Tag, e.Ready)
		case e.Ready == 0:
			d.fatalf("event %#x tells nothing", e.Tag)
		}
		d.ready[e.Tag] |= e.Ready
	}
	return n
}

// until waits until one of the conditions is told.
func (d *driver) until(tag uint64, want transport.Ready, what string) {
	d.t.Helper()
	defer d.guard(d.lane[tag])()
	deadline := d.limit()
	for d.ready[tag]&want == 0 {
		if d.expired.Load() || d.b.Now() >= deadline {
			d.fatalf("no event came: %s", what)
		}
		d.step(d.lane[tag], deadline)
	}
}

// told reports whether one of the conditions is told within quietTime.
func (d *driver) told(tag uint64, want transport.Ready) bool {
	d.t.Helper()
	lane := d.lane[tag]
	if d.f.Advance != nil {
		d.f.Advance(int64(quietTime))
		for range 4 { // a backend with faults may tell spurious events first
			d.step(lane, 0)
		}
		return d.ready[tag]&want != 0
	}
	deadline := d.b.Now() + int64(quietTime)
	for d.ready[tag]&want == 0 && d.b.Now() < deadline {
		d.step(lane, deadline)
	}
	return d.ready[tag]&want != 0
}

// while runs fn, which plays a peer, in a goroutine, and waits on lane 0 until
// it is done: a backend whose network runs inside Wait is served thereby.
func (d *driver) while(what string, fn func() error) {
	d.t.Helper()
	var done atomic.Bool
	result := make(chan error, 1)
	d.wakes++
	go func() {
		err := fn()
		done.Store(true)
		d.b.Wake(0)
		result <- err
	}()
	defer d.guard(0)()
	deadline := d.limit()
	for !done.Load() {
		if d.expired.Load() || d.b.Now() >= deadline {
			d.fatalf("%s: the peer was not served in time", what)
		}
		d.step(0, deadline)
	}
	d.mustNot(<-result, what)
}

// A listener of the backend.
type listener struct {
	id   transport.Listener
	tag  uint64
	addr transport.Addr
}

func (d *driver) listen(a transport.Addr) listener {
	d.t.Helper()
	tag := d.newTag(0)
	d.listens[tag] = true
	id, err := d.b.Listen(a, tag)
	d.mustNot(err, "Listen on "+a.String())
	d.heard[id] = true
	addr := d.b.ListenerAddr(id)
	if addr.Port() == 0 {
		d.fatalf("ListenerAddr = %v after Listen(%v): no port", addr, a)
	}
	return listener{id, tag, addr}
}

func (d *driver) closeListener(l listener) {
	d.b.CloseListener(l.id)
	delete(d.heard, l.id)
	d.gone[l.tag] = true
}

// listenArmed listens on the fixture's address.
func (d *driver) listenArmed() listener {
	d.t.Helper()
	l := d.listen(d.f.Addr)
	d.b.Arm(l.id, true)
	return l
}

func (d *driver) newTag(lane int) uint64 {
	tag := d.nextTag
	d.nextTag++
	d.lane[tag] = lane
	return tag
}

// A dialling is a peer that is being connected.
type dialling struct {
	done chan struct{}
	peer Peer
	err  error
}

func (d *driver) dialLater(to transport.Addr) *dialling {
	p := &dialling{done: make(chan struct{})}
	d.dials = append(d.dials, p)
	go func() {
		defer close(p.done)
		p.peer, p.err = d.f.Dial(to)
	}()
	return p
}

func (d *driver) connected(p *dialling) Peer {
	d.t.Helper()
	d.while("connecting a peer", func() error { <-p.done; return p.err })
	return p.peer
}

// A stream of the backend.
type stream struct {
	id    transport.Stream
	tag   uint64
	empty bool // the last Receive found the end of what there was
	full  bool // the last Send found no more room
}

// accept takes the next client as an engine does: it accepts until that would
// block, so that Acceptable is not told all the time.
func (d *driver) accept(l listener) transport.Stream {
	d.t.Helper()
	if len(d.spare[l.tag]) == 0 {
		d.spare[l.tag] = append(d.spare[l.tag], d.acceptOne(l))
		for {
			s, err := d.b.Accept(l.id)
			if err == nil {
				d.opened[s] = true
				d.spare[l.tag] = append(d.spare[l.tag], s)
			} else if err != transport.ErrAborted {
				break // an error other than ErrWouldBlock is told again
			}
		}
		d.ready[l.tag] = 0
	}
	s := d.spare[l.tag][0]
	d.spare[l.tag] = d.spare[l.tag][1:]
	return s
}

// acceptOne takes the next client and leaves the others where they are.
func (d *driver) acceptOne(l listener) transport.Stream {
	d.t.Helper()
	for {
		d.until(l.tag, transport.Acceptable, "Acceptable, for a client that waits")
		s, err := d.b.Accept(l.id)
		switch err {
		case nil:
			d.opened[s] = true
			return s
		case transport.ErrWouldBlock:
			d.ready[l.tag] = 0
		case transport.ErrAborted:
		default:
			d.fatalf("Accept: %v", err)
		}
	}
}

func (d *driver) attach(id transport.Stream, lane int) *stream {
	d.t.Helper()
	s := &stream{id: id, tag: d.newTag(lane)}
	d.mustNot(d.b.Attach(id, lane, s.tag), "Attach")
	return s
}

// pair makes a stream that is attached to a lane, and its peer.
func (d *driver) pair(l listener, lane int) (*stream, Peer) {
	d.t.Helper()
	later := d.dialLater(l.addr)
	id := d.accept(l)
	p := d.connected(later)
	return d.attach(id, lane), p
}

func (d *driver) close(s *stream) {
	d.b.CloseStream(s.id)
	d.forget(s)
}

func (d *driver) abort(s *stream) {
	d.b.Abort(s.id)
	d.forget(s)
}

func (d *driver) forget(s *stream) {
	delete(d.opened, s.id)
	d.gone[s.tag] = true
}

// receive gives a view of what is at hand, after waiting for it. It fails with
// EOF and what other errors the stream ends with.
func (d *driver) receive(s *stream, buf []byte) ([]byte, error) {
	d.t.Helper()
	for {
		if s.empty && !d.ready[s.tag].Has(transport.Hangup) {
			d.until(s.tag, transport.Readable|transport.Hangup, "Readable, for bytes or an end after a short Receive")
		}
		d.ready[s.tag] &^= transport.Readable
		view, err := d.b.Receive(s.id, buf)
		switch {
		case err == transport.ErrWouldBlock:
			d.ready[s.tag] &^= transport.Hangup
			s.empty = true
			continue
		case err != nil:
			return nil, err
		case len(view) == 0 || len(view) > len(buf):
			d.fatalf("Receive gave %d bytes into %d", len(view), len(buf))
		case d.b.Holds() == 0 && &view[0] != &buf[0]:
			d.fatalf("Receive gave a view outside the buffer, but Holds is 0")
		}
		s.empty = len(view) < len(buf)
		return view, nil
	}
}

// receiveAll receives n bytes by pieces of at most size.
func (d *driver) receiveAll(s *stream, n, size int) []byte {
	d.t.Helper()
	buf := make([]byte, size)
	var got []byte
	for len(got) < n {
		view, err := d.receive(s, buf[:min(size, n-len(got))])
		d.mustNot(err, "Receive")
		got = append(got, view...)
		d.b.Consume(s.id, len(view))
	}
	return got
}

// wantReceive receives what the peer has sent, which is all that there is: the
// last Receive is short, so that the next bytes have to raise an event.
func (d *driver) wantReceive(s *stream, want string) {
	d.t.Helper()
	buf := make([]byte, len(want)+1)
	got := ""
	for len(got) < len(want) || !s.empty {
		view, err := d.receive(s, buf)
		d.mustNot(err, "Receive")
		got += string(view)
		d.b.Consume(s.id, len(view))
	}
	if got != want {
		d.fatalf("received %q, want %q", got, want)
	}
}

// wantEOF wants the end of the stream, twice, since it stays.
func (d *driver) wantEOF(s *stream) {
	d.t.Helper()
	for range 2 {
		view, err := d.receive(s, make([]byte, 16))
		if err != transport.EOF {
			d.fatalf("Receive = %q, %v, want EOF", view, err)
		}
	}
}

// send sends all of b.
func (d *driver) send(s *stream, b []byte) {
	d.t.Helper()
	for len(b) > 0 {
		b = b[d.sendSome(s, [][]byte{b}, len(b)):]
	}
}

// sendSome sends what fits of total bytes in bufs, after waiting for room.
func (d *driver) sendSome(s *stream, bufs [][]byte, total int) int {
	d.t.Helper()
	for {
		if s.full {
			d.until(s.tag, transport.Writable|transport.Hangup, "Writable, for room after a short Send")
		}
		d.ready[s.tag] &^= transport.Writable
		n, err := d.b.Send(s.id, bufs)
		s.full = err == transport.ErrWouldBlock || n < total
		if err == transport.ErrWouldBlock {
			d.ready[s.tag] &^= transport.Hangup
			continue
		}
		d.mustNot(err, "Send")
		if n <= 0 || n > total {
			d.fatalf("Send took %d of %d bytes without an error", n, total)
		}
		return n
	}
}

func (d *driver) peerWrite(p Peer, b string) {
	d.t.Helper()
	d.while("writing by the peer", func() error {
		_, err := p.Write([]byte(b))
		return err
	})
}

// wantPeerRead wants the peer to read exactly these bytes next.
func (d *driver) wantPeerRead(p Peer, want string) {
	d.t.Helper()
	got := make([]byte, len(want))
	d.while("reading by the peer", func() error {
		_, err := io.ReadFull(p, got)
		return err
	})
	if !bytes.Equal(got, []byte(want)) {
		d.fatalf("the peer read %q, want %q", got, want)
	}
}

// peerReadErr is how the peer's stream ends, all bytes before it skipped.
func (d *driver) peerReadErr(p Peer) error {
	d.t.Helper()
	var err error
	d.while("reading by the peer", func() error {
		buf := make([]byte, 4096)
		for err == nil {
			_, err = p.Read(buf)
		}
		return nil
	})
	return err
}

func (d *driver) wantPeerEOF(p Peer) {
	d.t.Helper()
	if err := d.peerReadErr(p); err != io.EOF {
		d.fatalf("the peer's Read ended with %v, want %v", err, io.EOF)
	}
}
