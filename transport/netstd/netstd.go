// Package netstd is the backend for any system that package net runs on.
//
// Package net has no way to wait for many connections at once, so that each
// attached stream has a goroutine that waits. The invariant that nothing grows
// holds per request and not per connection: between Wait and Send nothing
// allocates, but a stream costs more than on a backend of the system's own.
//
// # Two ways to wait
//
// On Unix systems the goroutine waits for readability alone: it looks at the
// first byte without taking it, tells the engine, and sleeps until the engine
// has emptied the stream. Bytes are taken by the engine, from the kernel into
// the worker's memory. A stream that has filled its socket has a second such
// goroutine until there is room.
//
// Elsewhere, and for connections without a descriptor, such as TLS, and
// everywhere by [Config.Buffered], a goroutine reads into a small buffer and
// another writes from one. Receive then gives views of that buffer.
//
// # Memory of a stream
//
// Measured on linux/amd64 with Go 1.26, the goroutines' stacks and package
// net's own part included, what the kernel holds not: 3.5 KB for a parked
// stream on a Unix; 3.9 KB for a buffered one that has received, and 7.1 KB
// from its first Send on, with buffers of 512 bytes. A stream on a Unix that
// is full has a second goroutine, of 2.5 KB, until there is room.
package netstd

import (
	"math"
	"net"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a Backend is made of. The zero value is one lane, without
// buffers where the system allows it.
type Config struct {
	// Lanes is the number of lanes, at most 256. 0 is 1.
	Lanes int

	// Buffered makes every stream a buffered one, as it is anyway where the
	// system is not a Unix.
	Buffered bool

	// Buffer is the number of bytes of each of the two buffers of a buffered
	// stream. The buffer for sending is made by the first Send. 0 is 512.
	Buffer int

	// DialTimeout bounds how long a Dial may take, after which the stream tells
	// ErrTimedOut. 0 is 30 seconds.
	DialTimeout time.Duration

	// Linger bounds how long a buffered stream that was closed may take to
	// send what it has taken, after which it is aborted. (Of a stream without
	// buffers the system takes care.) 0 is 30 seconds.
	Linger time.Duration
}

const (
	maxLanes           = 256
	defaultBuffer      = 512 // a small request, or a WebSocket message; the suite's own is larger
	defaultDialTimeout = 30 * time.Second
	defaultLinger      = 30 * time.Second
	closeLinger        = time.Second // for all of them together, at Close
)

// Backend is a transport.Backend over package net. Its methods may be called
// as the contract says.
type Backend struct {
	cfg      Config
	buffered bool // by Config or by the system
	start    time.Time
	lanes    []lane // Lanes and the monitor's

	// wg counts the backend's goroutines.
	wg sync.WaitGroup

	mu        sync.RWMutex // guards all below
	slots     []*stream    // by the low bits of the name
	free      []int32
	names     int32
	listeners []*listener            // nil if closed
	lingering map[*buffered]struct{} // closed streams that still send
	closed    bool
}

var _ transport.Backend = (*Backend)(nil)

// New makes a backend. It fails with ErrNotSupported if a number in the
// configuration is negative or beyond its bound.
func New(cfg Config) (*Backend, error) {
	if cfg.Lanes < 0 || cfg.Lanes > maxLanes || cfg.Buffer < 0 || cfg.Buffer > math.MaxInt32 || cfg.DialTimeout < 0 || cfg.Linger < 0 {
		return nil, transport.ErrNotSupported
	}
	if cfg.Lanes == 0 {
		cfg.Lanes = 1
	}
	if cfg.Buffer == 0 {
		cfg.Buffer = defaultBuffer
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = defaultDialTimeout
	}
	if cfg.Linger == 0 {
		cfg.Linger = defaultLinger
	}
	b := &Backend{
		cfg:       cfg,
		buffered:  cfg.Buffered || !hasRaw,
		start:     time.Now(),
		lanes:     make([]lane, cfg.Lanes+1),
		lingering: map[*buffered]struct{}{},
	}
	for i := range b.lanes {
		b.lanes[i].init()
	}
	return b, nil
}

// Lanes implements transport.Backend.
func (b *Backend) Lanes() int { return b.cfg.Lanes }

// Now implements transport.Backend.
func (b *Backend) Now() int64 { return int64(time.Since(b.start)) + 1 }

// Holds implements transport.Backend: Config.Buffer if streams are buffered.
func (b *Backend) Holds() int {
	if b.buffered {
		return b.cfg.Buffer
	}
	return 0
}

// Close implements transport.Backend. It returns when every goroutine of the
// backend has ended. What closed streams have still to send is lost, if it is
// in the backend and not yet in the system.
func (b *Backend) Close() error {
	b.mu.Lock()
	b.closed = true
	slots, listeners := b.slots, b.listeners
	b.slots, b.listeners = nil, nil
	lingering := make([]*buffered, 0, len(b.lingering))
	for c := range b.lingering {
		lingering = append(lingering, c)
	}
	b.mu.Unlock()

	for _, l := range listeners {
		if l != nil {
			l.close()
		}
	}
	for _, s := range slots {
		if s != nil {
			s.close(true)
		}
	}
	for _, c := range lingering {
		// What was taken for them is still in our memory; the system would
		// deliver it by itself.
		c.conn.SetWriteDeadline(time.Now().Add(min(b.cfg.Linger, closeLinger)))
	}
	for i := range b.lanes {
		b.lanes[i].signal()
	}
	b.wg.Wait()
	return nil
}

// run starts a goroutine of the backend.
func (b *Backend) run(f func()) {
	b.wg.Add(1)
	go func() {
		defer b.wg.Done()
		f()
	}()
}

// abort closes a connection so that the peer sees a reset, where the
// connection has a way to say so.
func abort(c net.Conn) {
	inner := c
	if w, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		inner = w.NetConn()
	}
	if l, ok := inner.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
		inner.Close() // first, or TLS would say goodbye
	}
	c.Close()
}
