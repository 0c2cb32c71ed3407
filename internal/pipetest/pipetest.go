// Package pipetest has streams in memory, and one that is patient, for tests of
// what speaks over any stream.
package pipetest

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Pipe is a way to make a stream.
type Pipe struct {
	Name string
	// Open makes both ends. What one writes the other reads; to close one is to
	// close both.
	Open func(seed uint64) (a, b io.ReadWriteCloser)
}

// Pipes are the ways on which a connection must work.
func Pipes() []Pipe {
	return []Pipe{
		{"net.Pipe", func(uint64) (a, b io.ReadWriteCloser) { return net.Pipe() }},
		{"narrow", func(seed uint64) (a, b io.ReadWriteCloser) { return Narrow(seed) }},
		{"wide", func(uint64) (a, b io.ReadWriteCloser) { return Wide() }},
	}
}

// Narrow is a stream of two buffers of at most 5,000 bytes, which give and take
// pieces of any size, by the seed.
func Narrow(seed uint64) (a, b *End) {
	r := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	most := func() int {
		mu.Lock()
		defer mu.Unlock()
		return 1 + r.IntN(1<<r.IntN(13))
	}
	return between(newHalf(1+r.IntN(5000), most), newHalf(1+r.IntN(5000), most))
}

// Wide is a stream that takes a mebibyte each way before it blocks, and gives
// all that it has.
func Wide() (a, b *End) { return Of(1<<20, 1<<20) }

// Of is a stream that takes size bytes each way before it blocks, and gives at
// most piece at once.
func Of(size, piece int) (a, b *End) {
	most := func() int { return piece }
	return between(newHalf(size, most), newHalf(size, most))
}

func between(x, y *half) (a, b *End) { return &End{x, y}, &End{y, x} }

// half is one direction of a stream in memory: a buffer with a limit, which
// gives and takes pieces of any size.
type half struct {
	mu     sync.Mutex
	change sync.Cond
	buf    []byte
	limit  int
	most   func() int // of a piece
	closed bool
}

func newHalf(limit int, most func() int) *half {
	h := &half{limit: limit, most: most}
	h.change.L = &h.mu
	return h
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 && !h.closed {
		h.change.Wait()
	}
	if len(h.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.buf[:min(len(h.buf), h.most())])
	h.buf = h.buf[:copy(h.buf, h.buf[n:])]
	h.change.Broadcast()
	return n, nil
}

func (h *half) Write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		for len(h.buf) >= h.limit && !h.closed {
			h.change.Wait()
		}
		if h.closed {
			return n, io.ErrClosedPipe
		}
		k := min(len(p), h.limit-len(h.buf))
		h.buf = append(h.buf, p[:k]...)
		p = p[k:]
		n += k
		h.change.Broadcast()
	}
	return n, nil
}

func (h *half) close() {
	h.mu.Lock()
	h.closed = true
	h.change.Broadcast()
	h.mu.Unlock()
}

// End is one end of a stream in memory. Its methods may be called from several
// goroutines.
type End struct{ in, out *half }

// Read reads what the other end has written, io.EOF once that is closed.
func (e *End) Read(p []byte) (int, error) { return e.in.Read(p) }

// Write writes, and blocks while the stream is full.
func (e *End) Write(p []byte) (int, error) { return e.out.Write(p) }

// Close closes the stream, both ways.
func (e *End) Close() error {
	e.CloseRead()
	e.CloseWrite()
	return nil
}

// CloseRead has the other end's writes fail with io.ErrClosedPipe.
func (e *End) CloseRead() { e.in.close() }

// CloseWrite has the other end's reads end behind what has been written.
func (e *End) CloseWrite() { e.out.close() }

// Patience is how long a call of a Patient may take.
const Patience = time.Minute

// Patient is a connection each of whose calls fails after Patience: a test that
// hangs ends, and one that is slow as a whole, on a machine that is busy, goes on.
type Patient struct{ net.Conn }

// Read reads as net.Conn's does.
func (c Patient) Read(b []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(Patience))
	return c.Conn.Read(b)
}

// Write writes as net.Conn's does.
func (c Patient) Write(b []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(Patience))
	return c.Conn.Write(b)
}
