package netstd

import (
	"net"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// buffered is the conduit of any net.Conn. A goroutine reads ahead of the
// engine, as far as its buffer reaches, and another writes behind it.
//
// The goroutines read into and write from the buffers without the lock. What
// is received is therefore moved only while inBusy is not set, and what is to
// be sent is never moved.
type buffered struct {
	s      *stream
	conn   net.Conn
	copies bool // Receive copies, since the backend says that it holds nothing

	ended sync.WaitGroup // of both goroutines

	mu        sync.Mutex // guards all below
	inChange  sync.Cond
	outChange sync.Cond
	closed    bool
	detached  bool // given away: the goroutines end, the connection stays

	// in[inStart:inEnd] was received and not consumed.
	in             []byte
	inStart, inEnd int
	inBusy         bool            // the goroutine reads into in[inEnd:]
	inStarted      bool            // it is there
	inErr          transport.Error // how the bytes ended

	// out[outStart:outEnd] was taken and not sent.
	out              []byte
	outStart, outEnd int
	outStarted       bool            // it is there
	outWanted        bool            // the last Send was short
	outErr           transport.Error // why nothing more can be sent
	finish           bool            // the end is to be sent after the bytes
}

func newBuffered(s *stream, c net.Conn) conduit {
	b := &buffered{s: s, conn: c, copies: !s.b.buffered}
	b.inChange.L, b.outChange.L = &b.mu, &b.mu
	return b
}

func (b *buffered) watch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.startReading()
}

func (b *buffered) startReading() {
	if !b.inStarted {
		b.inStarted = true
		b.in = make([]byte, b.s.b.cfg.Buffer)
		b.ended.Add(1)
		b.s.b.run(b.readLoop)
	}
}

// readLoop reads while there is room.
func (b *buffered) readLoop() {
	defer b.ended.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for b.inEnd == len(b.in) && !b.closed && !b.detached {
			b.inChange.Wait()
		}
		if b.closed || b.detached {
			return
		}
		b.inBusy = true
		to := b.in[b.inEnd:]
		b.mu.Unlock()
		n, err := b.conn.Read(to)
		b.mu.Lock()
		b.inBusy = false
		b.inEnd += n
		if err != nil {
			b.inErr = errorOf(err)
			b.s.post(transport.Readable | transport.Hangup)
			return
		}
		if n > 0 {
			b.s.post(transport.Readable)
		}
	}
}

// makeRoom moves what was not consumed to the front, if nobody reads behind
// it. It may be called only when no view is held. When the goroutine has its
// whole buffer again it is told so.
func (b *buffered) makeRoom() {
	if b.inBusy || b.inStart == 0 {
		return
	}
	copy(b.in, b.in[b.inStart:b.inEnd])
	b.inEnd -= b.inStart
	b.inStart = 0
	b.inChange.Signal()
}

func (b *buffered) receive(buf []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.startReading()
	b.makeRoom()
	if b.inStart == b.inEnd {
		if b.inErr != 0 {
			return nil, b.inErr
		}
		return nil, transport.ErrWouldBlock
	}
	n := min(len(buf), b.inEnd-b.inStart)
	view := b.in[b.inStart : b.inStart+n : b.inStart+n]
	if b.copies {
		copy(buf, view)
		b.inStart += n
		b.makeRoom()
		return buf[:n], nil
	}
	return view, nil
}

func (b *buffered) consume(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.copies {
		return
	}
	if n < 0 || n > b.inEnd-b.inStart {
		panic("netstd: Consume of more than was given")
	}
	b.inStart += n
	b.makeRoom()
}

func (b *buffered) send(bufs [][]byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.outErr != 0:
		return 0, b.outErr
	case b.inErr == transport.ErrReset: // which no write may have met yet
		return 0, b.inErr
	case b.finish:
		return 0, transport.ErrClosed
	}
	if !b.outStarted {
		b.outStarted = true
		b.out = make([]byte, b.s.b.cfg.Buffer)
		b.ended.Add(1)
		b.s.b.run(b.writeLoop)
	}
	sent, short := 0, false
	for _, s := range bufs {
		n := copy(b.out[b.outEnd:], s)
		b.outEnd += n
		sent += n
		if n < len(s) {
			short = true
			break
		}
	}
	if sent > 0 {
		b.outChange.Signal()
	}
	b.outWanted = short
	if sent == 0 && short {
		return 0, transport.ErrWouldBlock
	}
	return sent, nil
}

// writeLoop writes what there is, and then the end, and closes the connection
// when the stream is closed.
func (b *buffered) writeLoop() {
	defer b.ended.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	finished := false
	for b.outErr == 0 {
		switch {
		case b.outStart < b.outEnd:
			from := b.out[b.outStart:b.outEnd]
			b.mu.Unlock()
			_, err := b.conn.Write(from)
			b.mu.Lock()
			if err != nil {
				b.outErr = errorOf(err)
				break
			}
			if b.outStart += len(from); b.outStart == b.outEnd {
				b.outStart, b.outEnd = 0, 0
			}
			if b.outWanted && b.outEnd < len(b.out) {
				b.outWanted = false
				b.s.post(transport.Writable)
			}
		case b.finish && !finished:
			finished = true
			b.mu.Unlock()
			b.conn.(halfCloser).CloseWrite()
			b.mu.Lock()
		case b.detached:
			return
		case b.closed:
			b.mu.Unlock()
			b.conn.Close()
			b.mu.Lock()
			b.s.b.lingers(b, false)
			return
		default:
			b.outChange.Wait()
		}
	}
	b.s.post(transport.Writable | transport.Hangup)
	if b.closed {
		b.conn.Close()
		b.s.b.lingers(b, false)
	}
}

// lingers notes whether a closed stream still sends.
func (b *Backend) lingers(c *buffered, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if on {
		b.lingering[c] = struct{}{}
	} else {
		delete(b.lingering, c)
	}
}

type halfCloser interface{ CloseWrite() error }

func (b *buffered) closeWrite() error {
	c, ok := b.conn.(halfCloser)
	if !ok {
		return transport.ErrNotSupported
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.outErr != 0 {
		return b.outErr
	}
	b.finish = true
	if b.outStarted {
		b.outChange.Signal()
		return nil
	}
	if err := c.CloseWrite(); err != nil {
		return errorOf(err)
	}
	return nil
}

func (b *buffered) close(now bool) {
	b.mu.Lock()
	b.closed = true
	b.inChange.Signal()
	b.outChange.Signal()
	linger := !now && b.outErr == 0 && b.outStart < b.outEnd
	if linger {
		b.conn.SetWriteDeadline(time.Now().Add(b.s.b.cfg.Linger))
		b.s.b.lingers(b, true)
	}
	b.mu.Unlock()
	if !linger {
		b.conn.Close()
	}
}

func (b *buffered) abort() {
	// First, since a goroutine that sees the end closes the connection too, and
	// in order.
	abort(b.conn)
	b.mu.Lock()
	b.closed = true
	b.inChange.Signal()
	b.outChange.Signal()
	b.mu.Unlock()
}
