//go:build linux && (amd64 || arm64) && !tinygo

package epoll

import (
	"sync/atomic"
	"syscall"

	"github.com/bobtail-go/bobtail/internal/table"
	"github.com/bobtail-go/bobtail/transport"
)

// maxDescriptor bounds descriptors.
const maxDescriptor = table.Most

// stream is what is known of an attached stream beside its descriptor, by which
// it is found. A listener has one too, for its tag.
type stream struct {
	tag uint64 // of its events

	// at is the stream's lane plus 1, 0 if it is not attached, and above that a
	// number that differs from those of the descriptor's earlier streams. Events
	// carry it: whoever has the lock of the lane's stage and finds it here may
	// touch the rest, for it changes with that lock. Only Attach needs none.
	at atomic.Uint32

	// The stage's.
	turn uint16          // in which it was told to be readable and to have room, and the kernel was given nothing since; 0 is none
	out  uint8           // its place, plus 1; 0 is none
	err  transport.Error // what a send that nobody saw has failed with
}

// laneBits of stream.at are the lane.
const laneBits = 7

// streams are those of all lanes, by descriptor.
type streams []stream

// open makes the table for as long as the backend lasts.
func (all *streams) open(b *Backend) error {
	m, err := table.New[stream](b)
	if err != nil {
		return transport.ErrDescriptors
	}
	*all = m
	return nil
}

// find is the stream of a descriptor and its lane, which is nil if it is not
// attached.
func (b *Backend) find(s transport.Stream) (*stream, *lane) {
	if uint32(s) >= maxDescriptor {
		return nil, nil
	}
	t := &b.streams[s]
	lane := t.at.Load() & (1<<laneBits - 1)
	if lane == 0 {
		return t, nil
	}
	return t, &b.lanes[lane-1]
}

// enroll begins a stream, and returns what its events carry: the descriptor and
// where it is attached.
func (b *Backend) enroll(s transport.Stream, lane int, tag uint64) (data uint64, err error) {
	if uint32(s) >= maxDescriptor {
		return 0, transport.ErrClosed
	}
	t := &b.streams[s]
	at := (t.at.Load()>>laneBits+1)<<laneBits | uint32(lane+1)
	t.tag, t.turn, t.out, t.err = tag, 0, 0, 0
	t.at.Store(at)
	return uint64(uint32(s)) | uint64(at)<<32, nil
}

// forget ends a stream, after what is staged for it was sent. It reports whether
// all was.
func (b *Backend) forget(s transport.Stream) (settled bool) {
	t, l := b.find(s)
	if l == nil {
		return true
	}
	g := &l.stage
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle(t)
	settled = t.out == 0
	if !settled { // another takes its place
		g.n--
		g.outs[t.out-1] = g.outs[g.n]
		g.outs[t.out-1].t.out = t.out
	}
	t.at.Store(t.at.Load() &^ (1<<laneBits - 1))
	return settled
}

// told is the tag of an event between begin and begun. ok is false for one that
// comes too late for its stream: the descriptor may be another's by now.
func (g *stage) told(b *Backend, e *syscall.EpollEvent) (tag uint64, ok bool) {
	t, _ := b.find(transport.Stream(e.Fd))
	if t.at.Load() != uint32(e.Pad) {
		return 0, false
	}
	const both, end = syscall.EPOLLIN | syscall.EPOLLOUT, syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
	if e.Events&(both|end) == both {
		t.turn = g.turn
	}
	return t.tag, true
}

// ended is how a stream has ended whose receives have come to the end.
func (b *Backend) ended(s transport.Stream) error {
	if t, l := b.find(s); l != nil {
		l.stage.mu.Lock()
		defer l.stage.mu.Unlock()
		if t.err != 0 {
			return t.err
		}
	}
	return transport.EOF
}
