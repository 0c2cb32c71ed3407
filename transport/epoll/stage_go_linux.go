//go:build linux && (amd64 || arm64) && !tinygo

package epoll

import (
	"sync"

	"github.com/bobtail-go/bobtail/transport"
)

// A stage keeps the short answers of a turn and sends them together. The
// kernel's send runs the whole of TCP, and with a peer on this machine the peer's
// too, which leaves little of ours in the processor's caches. So it pays to serve
// some requests first and then to send for all of them: the kernel finds its
// instructions there, and we ours.
//
// A turn is what is done between two Waits of a lane. Bytes are staged only in a
// turn, and only for a stream that the Wait before it has told to be readable and
// to have room, until the kernel is given anything for it: so the kernel takes
// them later, but for want of memory. They are sent
//
//   - when the lane waits again, before it does,
//   - when every place is taken; or a fourth one, or more for the same stream, later
//     than mostDelay after the first: so no answer waits for more than three
//     handlers that compute. To look at the clock each time costs half of what is
//     won,
//   - before anything else is sent to one of these streams, and before one of
//     them ends or is given away,
//   - before another lane's wait sleeps, and when somebody waits on the lane
//     without streams. The engine's monitor does every other millisecond while
//     there is work, so a handler that is stuck does not keep the answers before
//     its own.
//
// What the kernel does not take stays in its place and is tried again each time.
// Until it is gone, its stream has no room for more than fits behind it.
//
// The lock is held while all is sent. No other is taken with it, and none of the
// calls made with it waits.
type stage struct {
	mu   sync.Mutex
	turn uint16 // even in a turn, odd between turns
	n    int    // places that are taken: the first ones
	when int64  // the first was taken since none was
	outs [mostStaged]staged
}

// staged is a place of a stage: bytes of a stream that were not sent yet.
type staged struct {
	t         *stream
	s         transport.Stream
	from, end uint16
	bytes     [stageSize]byte
}

// The places of a stage, and the most bytes of each. More streams bring nothing
// that can be measured, and keep the first of them waiting; more bytes cost more
// to copy than is won.
const (
	mostStaged = 16
	stageSize  = 1024
)

// mostDelay is how long, in nanoseconds, staged answers may wait for the next one:
// several times what usual ones take that fill the stage.
const mostDelay = 100_000

// begin begins a turn, and takes the lock until begun.
func (g *stage) begin() {
	g.mu.Lock()
	g.turn = (g.turn | 1) + 1
}

func (g *stage) begun() { g.mu.Unlock() }

// end ends a turn: nothing is staged until the next.
func (g *stage) end() {
	g.mu.Lock()
	g.turn |= 1
	g.flush()
	g.mu.Unlock()
}

// flush sends what is staged, as far as the kernel takes it. The caller has the
// lock.
func (g *stage) flush() {
	kept := 0
	for i := range g.outs[:g.n] {
		o := &g.outs[i]
		o.t.turn = 0 // nobody has told of its room since
		if o.send() {
			o.t.out = 0
			continue
		}
		if kept < i {
			g.outs[kept] = *o
		}
		kept++
		o.t.out = uint8(kept)
	}
	g.n = kept
}

// send reports whether nothing is left to send.
func (o *staged) send() bool {
	for o.from < o.end {
		// Only a send that fails has filled the stream, so that an event tells of
		// room: the kernel may take less for other reasons.
		n, err := sendOne(o.s, o.bytes[o.from:o.end], msgDontwait|msgNosignal)
		switch {
		case err == nil:
			o.from += uint16(n)
		case transport.ErrWouldBlock.Is(err):
			return false
		default:
			// The kernel tells of it once, so the stream's next call has to.
			o.t.err = transport.Of(err)
			return true
		}
	}
	return true
}

// take stages bytes for a stream, all or none of them. The caller has the lock.
func (g *stage) take(b *Backend, t *stream, s transport.Stream, bufs [][]byte) (n int, ok bool) {
	if t.turn == 0 || t.turn != g.turn {
		return 0, false
	}
	for _, p := range bufs {
		n += len(p)
	}
	first, again := g.n == 0, t.out != 0
	if !again {
		if n == 0 || n > stageSize || g.n == len(g.outs) {
			return 0, false
		}
		o := &g.outs[g.n]
		o.t, o.s, o.from, o.end = t, s, 0, 0
		g.n++
		t.out = uint8(g.n)
	}
	o := &g.outs[t.out-1]
	if n > stageSize-int(o.end) {
		return 0, false
	}
	for _, p := range bufs {
		o.end += uint16(copy(o.bytes[o.end:], p))
	}
	switch {
	case first:
		g.when = b.Now()
	case g.n == len(g.outs) || (again || g.n%4 == 0) && b.Now()-g.when > mostDelay:
		g.flush()
	}
	return n, true
}

// settle makes a stream ready for what may not overtake its staged bytes, and is
// not staged, or tells why it is not. The caller has the lock.
func (g *stage) settle(t *stream) error {
	t.turn = 0
	if t.out != 0 {
		g.flush()
	}
	switch {
	case t.err != 0:
		return t.err
	case t.out != 0:
		return transport.ErrWouldBlock
	}
	return nil
}

// Send implements transport.Backend.
func (b *Backend) Send(s transport.Stream, bufs [][]byte) (int, error) {
	t, l := b.find(s)
	if l == nil {
		return b.send(s, bufs)
	}
	g := &l.stage
	g.mu.Lock()
	n, ok := g.take(b, t, s, bufs)
	var err error
	if !ok {
		err = g.settle(t)
	}
	g.mu.Unlock()
	if ok || err != nil {
		return n, err
	}
	return b.send(s, bufs)
}

// settle is stage.settle of any stream.
func (b *Backend) settle(s transport.Stream) error {
	t, l := b.find(s)
	if l == nil {
		return nil
	}
	l.stage.mu.Lock()
	defer l.stage.mu.Unlock()
	return l.stage.settle(t)
}

// flush sends what is staged for those who are busy elsewhere.
func (b *Backend) flush() {
	for i := range b.lanes {
		// Whoever has the lock is not stuck, and is looked at again.
		if g := &b.lanes[i].stage; g.mu.TryLock() {
			g.flush()
			g.mu.Unlock()
		}
	}
}
