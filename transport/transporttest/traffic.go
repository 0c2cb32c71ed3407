package transporttest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/transport"
)

var trafficCases = []testCase{
	{
		"traffic/many streams on all lanes",
		"Streams do not disturb each other: what each peer sends comes back to it, whole and in order, with one goroutine a lane.",
		func(d *driver) {
			l := d.listenArmed()
			n := d.streams(100)
			e := &echo{d: d, left: n, streams: map[uint64]*echoStream{}}
			for i := range n {
				s, p := d.pair(l, i%d.b.Lanes())
				e.add(s, i%d.b.Lanes())
				e.peers.Go(func() { e.play(p, uint64(i)) })
			}
			e.run()
		},
	},
	{
		"traffic/streams that come and go",
		"Streams that are closed and opened while others work keep their bytes and tags.",
		func(d *driver) {
			l := d.listenArmed()
			for round := range 8 {
				n := d.streams(8)
				e := &echo{d: d, left: n, streams: map[uint64]*echoStream{}}
				for i := range n {
					s, p := d.pair(l, i%d.b.Lanes())
					e.add(s, i%d.b.Lanes())
					e.peers.Go(func() { e.play(p, uint64(100*round+i)) })
				}
				e.run()
			}
		},
	},
	{
		"traffic/two backends side by side",
		"A backend has no state outside itself: two of them serve their own streams.",
		func(d *driver) {
			other := newDriver(d.t, d.rule, d.open)
			defer other.finish(noCensus)
			s1, p1 := d.pair(d.listenArmed(), 0)
			s2, p2 := other.pair(other.listenArmed(), 0)
			s1.empty, s2.empty = true, true
			other.peerWrite(p2, "second")
			d.peerWrite(p1, "first")
			d.wantReceive(s1, "first")
			other.wantReceive(s2, "second")
			d.closeAll()
			other.peerWrite(p2, "alone")
			other.wantReceive(s2, "alone")
		},
	},
}

// echo is a small engine: a goroutine a lane that sends back what it receives.
type echo struct {
	d       *driver
	streams map[uint64]*echoStream // by tag; not changed while it runs
	peers   sync.WaitGroup

	mu   sync.Mutex
	left int
	stop atomic.Bool
	err  error
}

type echoStream struct {
	s      *stream
	lane   int
	out    []byte // received and not sent
	buf    [777]byte
	ended  bool // EOF has come
	closed bool
}

func (e *echo) add(s *stream, lane int) {
	e.streams[s.tag] = &echoStream{s: s, lane: lane}
}

func (e *echo) run() {
	e.d.t.Helper()
	var lanes sync.WaitGroup
	for lane := range e.d.b.Lanes() {
		lanes.Go(func() { e.serve(lane) })
	}
	e.peers.Wait()
	e.finish(nil)
	lanes.Wait()
	for lane := range e.d.b.Lanes() {
		e.d.rawWait(lane, 0) // which uses up the Wake that ended the lane
	}
	for _, s := range e.streams {
		if s.closed {
			e.d.forget(s.s)
		}
	}
	e.d.mustNot(e.err, "echo")
}

// finish ends the lanes: at an error, or when the peers are done.
func (e *echo) finish(err error) {
	e.mu.Lock()
	if e.err == nil {
		e.err = err
	}
	e.mu.Unlock()
	e.stop.Store(true)
	for lane := range e.d.b.Lanes() {
		e.d.b.Wake(lane)
	}
}

func (e *echo) serve(lane int) {
	// What was told while the streams were made.
	for _, s := range e.streams {
		if s.lane == lane {
			if err := e.work(s); err != nil {
				e.finish(err)
			}
		}
	}
	var ev [7]transport.Event
	for !e.stop.Load() {
		n, err := e.d.b.Wait(lane, ev[:], e.d.limit())
		if err != nil {
			e.finish(err)
			return
		}
		for _, v := range ev[:n] {
			s := e.streams[v.Tag]
			if s == nil || s.closed {
				continue // the listener; the other rules are for other cases
			}
			if s.lane != lane {
				err = fmt.Errorf("event of lane %d on lane %d", s.lane, lane)
			} else {
				err = e.work(s)
			}
			if err != nil {
				e.finish(err)
				return
			}
		}
	}
}

// work does what can be done for a stream now. It stops at a short Receive and
// at a short Send, each of which has an event to come.
func (e *echo) work(s *echoStream) error {
	b := e.d.b
	for {
		for len(s.out) > 0 {
			n, err := b.Send(s.s.id, [][]byte{s.out[:len(s.out)/2], s.out[len(s.out)/2:]})
			if err == transport.ErrWouldBlock {
				return nil
			}
			if err != nil {
				return fmt.Errorf("sending: %w", err)
			}
			short := n < len(s.out)
			s.out = s.out[:copy(s.out, s.out[n:])]
			if short {
				return nil
			}
		}
		if s.ended {
			s.closed = true
			b.CloseStream(s.s.id)
			return nil
		}
		view, err := b.Receive(s.s.id, s.buf[:])
		switch err {
		case nil:
			s.out = append(s.out, view...)
			b.Consume(s.s.id, len(view))
			// A short view ends the round, but what came is to be sent first;
			// the Receive after it is then allowed, not needed.
		case transport.EOF:
			s.ended = true
		case transport.ErrWouldBlock:
			return nil
		default:
			return fmt.Errorf("receiving: %w", err)
		}
	}
}

// play writes random pieces and reads them back.
func (e *echo) play(p Peer, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0xb0b7a11))
	text := make([]byte, 2000+r.IntN(20_000))
	fill(text, int(seed), 0)
	var wrote sync.WaitGroup
	wrote.Go(func() {
		for rest := text; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(3000))
			if _, err := p.Write(rest[:n]); err != nil {
				e.finish(fmt.Errorf("peer %d writes: %w", seed, err))
				return
			}
			rest = rest[n:]
		}
		if err := p.CloseWrite(); err != nil {
			e.finish(fmt.Errorf("peer %d half-closes: %w", seed, err))
		}
	})
	got, err := io.ReadAll(p)
	wrote.Wait()
	switch {
	case err != nil:
		e.finish(fmt.Errorf("peer %d reads: %w", seed, err))
	case !bytes.Equal(got, text):
		e.finish(fmt.Errorf("peer %d wrote %d bytes and read %d; the first that differs is %d", seed, len(text), len(got), mismatch(got, int(seed), 0)))
	}
}
