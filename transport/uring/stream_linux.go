//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/transport"
)

// stream is what is known of a stream beside its descriptor, by which it is
// found: 24 bytes, which a parked one costs. From Attach on it is guarded by the
// lock of its lane.
type stream struct {
	tag uint64

	// gen is of the stream, and not of one that had its descriptor before. A
	// completion of another one is not for this one. Whoever has the lock of the
	// lane that the completion came on, and finds gen equal, may touch the rest.
	// It grows when the stream is over, after all else, and is read before all
	// else when another begins on the descriptor, by whom the kernel gave it to.
	gen atomic.Uint32

	lane  int8 // -1 before Attach
	flags flags
	turn  uint8 // of the lane, in which bytes were told
	bulk  uint8 // if not 0, it has more bytes at a time than a buffer has room for

	// What a receive has brought: bytes from to end of a buffer, which are there
	// if end is not 0; and, behind them, how the stream has ended.
	buffer    uint16
	from, end uint16
	ended     transport.Error // EOF, or that with which both directions have failed

	sending uint8 // index of the send buffer that is under way, plus 1
}

type flags uint8

const (
	flagReceiving flags = 1 << iota // a receive is in the ring
	flagMore                        // more than what is held is known to be in the socket
	flagWatching                    // a poll for room is in the ring
	flagDialling                    // not known to be connected: the poll tells
	flagRoom                        // an event is owed when sending is over
	flagFin                         // our end is to be sent when sending is over
	flagLeaving                     // it is being detached: what is cancelled is not asked for again
)

func (b *Backend) at(fd int32) *stream { return &b.table[fd] }

// enroll begins a stream on a descriptor.
func (b *Backend) enroll(s transport.Stream, dialled bool) (transport.Stream, error) {
	if s >= maxDescriptor {
		b.sys.CloseStream(s)
		return 0, transport.ErrDescriptors
	}
	t := b.at(int32(s))
	t.gen.Load()
	t.lane, t.flags = -1, 0
	if dialled {
		t.flags = flagDialling
	}
	t.buffer, t.from, t.end, t.ended, t.bulk, t.sending = 0, 0, 0, 0, 0, 0
	return s, nil
}

// Attach implements transport.Backend.
func (b *Backend) Attach(s transport.Stream, lane int, tag uint64) error {
	if s < 0 || s >= maxDescriptor {
		return transport.ErrClosed
	}
	t, l := b.at(int32(s)), &b.lanes[lane]
	l.mu.Lock()
	defer l.mu.Unlock()
	t.lane, t.tag = int8(lane), tag
	t.turn = l.turn - 1
	ok := true
	if t.flags&(flagDialling|flagRoom) != 0 {
		t.flags &^= flagRoom
		ok = l.watch(t, int32(s))
	}
	if ok && t.flags&flagDialling == 0 {
		ok = l.receive(t, int32(s), 0)
	}
	if !ok {
		t.lane = -1
		return transport.ErrDescriptors
	}
	l.submit()
	return nil
}

// Receive implements transport.Backend. The view is in buf.
func (b *Backend) Receive(s transport.Stream, buf []byte) ([]byte, error) {
	t := b.at(int32(s))
	if len(buf) == 0 {
		return nil, nil
	}
	if t.lane < 0 {
		return b.sys.Receive(s, buf)
	}
	l := &b.lanes[t.lane]
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	if t.end != 0 {
		n = copy(buf, l.received(t.buffer)[t.from:t.end])
		if t.from += uint16(n); t.from < t.end {
			return buf, nil
		}
		t.end = 0
		l.offer(t.buffer)
		if n == len(buf) {
			return buf, nil
		}
	}
	switch {
	case t.ended != 0 && n == 0:
		return nil, t.ended
	case t.flags&flagReceiving != 0 && n == 0:
		return nil, transport.ErrWouldBlock
	case n == 0 || t.flags&flagMore != 0:
		// No receive is in the ring that could take bytes in between.
		view, err := b.sys.Receive(s, buf[n:])
		n += len(view)
		switch {
		case err == nil && n == len(buf):
			return buf, nil
		case err == nil, transport.ErrWouldBlock.Is(err):
		default:
			t.fail(transport.Of(err))
			if n == 0 {
				return nil, err
			}
			// What has come is given first. The event for the end is that of a
			// receive, which ends at once.
		}
	}
	t.flags &^= flagMore
	if t.flags&(flagDialling|flagReceiving) == 0 {
		switch {
		case n >= receiveSize:
			t.bulk = fewBytes
		case n > 0 && t.bulk > 0:
			t.bulk--
		}
		if !l.receive(t, int32(s), recvPollFirst) {
			return nil, transport.ErrSystem
		}
		l.hurry()
	}
	if n == 0 {
		return nil, transport.ErrWouldBlock
	}
	return buf[:n], nil
}

// fail notes how the stream has ended.
func (t *stream) fail(e transport.Error) {
	if t.ended == 0 || t.ended == transport.EOF {
		t.ended = e
	}
}

// Consume implements transport.Backend.
func (b *Backend) Consume(transport.Stream, int) {}

// Send implements transport.Backend.
func (b *Backend) Send(s transport.Stream, bufs [][]byte) (int, error) {
	t := b.at(int32(s))
	total := 0
	for _, p := range bufs {
		total += len(p)
	}
	if t.lane < 0 {
		n, err := b.sys.Send(s, bufs)
		return b.sent(t, s, n, err, total)
	}
	l := &b.lanes[t.lane]
	l.mu.Lock()
	if err := t.sendable(); err != nil {
		l.mu.Unlock()
		return 0, err
	}
	if t.turn == l.turn && l.queue(t, int32(s), bufs, total) {
		l.hurry() // after 256 turns
		l.mu.Unlock()
		return total, nil
	}
	if !l.settle(t) {
		t.flags |= flagRoom
		l.mu.Unlock()
		return 0, transport.ErrWouldBlock
	}
	if err := t.sendable(); err != nil {
		l.mu.Unlock()
		return 0, err
	}
	l.mu.Unlock()
	n, err := b.sys.Send(s, bufs)
	return b.sent(t, s, n, err, total)
}

// sendable is why nothing can be sent any more.
func (t *stream) sendable() error {
	if t.ended != 0 && t.ended != transport.EOF {
		return t.ended
	}
	return nil
}

// sent looks at what became of a send by a system call, of total bytes: who has
// filled the stream is told of room.
func (b *Backend) sent(t *stream, s transport.Stream, n int, err error, total int) (int, error) {
	full := err == nil && n < total || transport.ErrWouldBlock.Is(err)
	if !full {
		return n, err
	}
	if t.lane < 0 {
		t.flags |= flagRoom // which Attach asks for
		return n, err
	}
	l := &b.lanes[t.lane]
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.watch(t, int32(s)) {
		return n, transport.ErrSystem
	}
	l.submit()
	return n, err
}

var _ transport.FileSender = (*Backend)(nil)

// SendFile implements transport.FileSender, by a system call.
func (b *Backend) SendFile(s transport.Stream, head []byte, fd uintptr, off int64, n int) (int, error) {
	t := b.at(int32(s))
	if t.lane >= 0 {
		l := &b.lanes[t.lane]
		l.mu.Lock()
		err, settled := t.sendable(), l.settle(t)
		if err == nil && !settled {
			t.flags |= flagRoom
			err = transport.ErrWouldBlock
		}
		l.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	sent, err := b.sys.SendFile(s, head, fd, off, n)
	return b.sent(t, s, sent, err, len(head)+n)
}

// CloseWrite implements transport.Backend.
func (b *Backend) CloseWrite(s transport.Stream) error {
	t := b.at(int32(s))
	if t.lane >= 0 {
		l := &b.lanes[t.lane]
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.settle(t) {
			t.flags |= flagFin
			return nil
		}
	}
	return b.sys.CloseWrite(s)
}

// CloseStream implements transport.Backend. What is under way in the ring keeps
// the socket open, so the receive is cancelled; what is being sent goes on, and
// the descriptor is closed when it has left.
func (b *Backend) CloseStream(s transport.Stream) {
	if _, orphan := b.forget(s, false); !orphan {
		b.sys.CloseStream(s)
	}
}

// Abort implements transport.Backend.
func (b *Backend) Abort(s transport.Stream) {
	if attached, _ := b.forget(s, true); attached {
		// Now, and not when the last of what is cancelled has let go of the socket.
		disconnect(int32(s))
	}
	b.sys.Abort(s)
}

// forget ends a stream's part in its ring, and reports whether it had one, and
// whether the descriptor is to be closed by sendDone.
func (b *Backend) forget(s transport.Stream, abort bool) (attached, orphan bool) {
	t := b.at(int32(s))
	if t.lane < 0 {
		t.gen.Add(1)
		return false, false
	}
	l := &b.lanes[t.lane]
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.end != 0 {
		t.end = 0
		l.offer(t.buffer)
	}
	settled := l.settle(t)
	l.cancel(t, int32(s), !settled && abort)
	if orphan = !settled && !abort; orphan {
		l.outs[t.sending-1].orphan = true
		limitOrphan(int32(s))
	}
	t.lane = -1
	t.gen.Add(1)
	return true, orphan
}
