// Package memory is a backend without a network: streams between the engine
// and peers that live in the same process, for tests.
//
// A [Network] is the backend, and also the other side of it: a test connects a
// [Peer] with [Network.Connect], or lets the engine dial a [PeerListener].
//
// # Time
//
// The clock stands still until [Network.Advance] moves it. A Wait with a
// deadline of 0 never blocks, so a test that drives the engine from one
// goroutine is deterministic: the same seed and the same calls give the same
// results. A Wait with another deadline blocks until it has an event, or was
// woken, or Advance has moved the clock to its deadline.
//
// # Faults
//
// [Faults] make the network do, by a seeded chance, what the contract allows
// and what real networks rarely do. Without faults the network is as terse as
// the contract allows: there is no event that an engine could not miss.
//
// # What is not modelled
//
// Loss and reordering do not exist between streams. A reset is at once, and
// drops what the other end has not read. As with TCP (RFC 2525, section
// 2.17), an end that is closed with bytes unread, or that is sent bytes after
// it was closed, resets the stream.
package memory

import (
	"io"
	"sync"

	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a Network is made of. The zero value is a network of one lane
// without faults.
type Config struct {
	Seed  uint64 // of all that happens by chance
	Start int64  // the clock's first value, in nanoseconds; 0 is one second
	Lanes int    // 0 is 1

	// Streams is the number of streams that the backend can hold at once;
	// beyond it Accept and Dial fail with ErrDescriptors. 0 is 1024, and the
	// most is 1<<20.
	Streams int

	// Pipe is the number of bytes that fit into each direction of a stream
	// while nobody reads, as the buffers of a socket do. 0 is 16384.
	Pipe int

	// Backlog is the number of clients that wait at each listener. 0 is 128.
	Backlog int

	// Refuse is what becomes of clients beyond the backlog, and of those of a
	// listener made quiet: they are refused, and not left to wait outside.
	Refuse bool

	// Holds makes Receive give views of the backend's memory, which holds this
	// number of unconsumed bytes for each stream, as a TCP stack in the same
	// memory or completion-based system calls do. A byte that was consumed is
	// overwritten, so that an engine that looks at it later is found out. At 0
	// Receive copies.
	Holds int

	Faults Faults
}

// Faults are chances in 1000, each taken when the event could happen. A
// backend call that is cut short by a fault is followed by the event that the
// contract promises.
type Faults struct {
	ShortReads  int // a Receive moves a part of what it could
	ShortWrites int // a Send moves a part of what it could
	WouldBlock  int // a Receive, Send or Accept that could do something fails with ErrWouldBlock
	Spurious    int // a Wait tells something that is not so
	Reset       int // a Receive or Send finds that the stream was reset
	HalfClose   int // a peer ends its bytes after a Write

	// Delay is the longest time in nanoseconds that bytes are under way. If it
	// is not 0, bytes and ends arrive when Advance has moved the clock far
	// enough.
	Delay int64
}

// Network is a backend and the network around it. Its methods may be called
// from any goroutine, so far as transport.Backend allows it, and those of its
// peers too.
type Network struct {
	cfg Config

	mu  sync.Mutex // guards all below, and every end, pipe, listener and Peer
	now int64
	rng uint64

	lanes     []lane      // Lanes and the monitor's
	slots     []*end      // streams, by the low bits of their names
	free      []int32     // slots without a stream; the last freed is taken first
	names     int32       // streams named so far
	listeners []*listener // of the backend, by Listener; nil if closed
	bound     []*listener // those and the peers', which share the addresses
	port      uint16      // the last ephemeral one that was given
	ends      []*end      // every end that is open
	sleepers  sync.Cond   // signalled when a Wait falls asleep
	closed    bool
	stale     int

	files   []io.ReaderAt // that SendFile sends
	scratch []byte        // their bytes on the way; made at the first use
	piece   [1][]byte
}

var _ transport.Backend = (*Network)(nil)

// A lane is a queue of streams that have something to tell.
type lane struct {
	wake          sync.Cond
	first, last   *end
	woken         bool
	asleep        bool
	listenersNext bool // whose turn it is on lane 0, so that neither starves
}

const (
	defaultStart   = 1_000_000_000
	defaultStreams = 1024
	defaultPipe    = 16 << 10
	defaultBacklog = 128

	slotBits = 20
	maxSlots = 1 << slotBits
	nameMask = 1<<(31-slotBits) - 1

	firstPort = 49152 // RFC 6335, section 6: the dynamic ports
)

// New makes a network. It panics if a number in the configuration is negative
// or beyond its bound.
func New(cfg Config) *Network {
	if cfg.Lanes < 0 || cfg.Streams < 0 || cfg.Streams > maxSlots || cfg.Pipe < 0 || cfg.Backlog < 0 || cfg.Holds < 0 || cfg.Start < 0 {
		panic("memory: Config out of bounds")
	}
	set := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	set(&cfg.Lanes, 1)
	set(&cfg.Streams, defaultStreams)
	set(&cfg.Pipe, defaultPipe)
	set(&cfg.Backlog, defaultBacklog)
	if cfg.Start == 0 {
		cfg.Start = defaultStart
	}
	n := &Network{
		cfg:   cfg,
		now:   cfg.Start,
		rng:   cfg.Seed*2 + 1, // xorshift needs a bit that is set
		lanes: make([]lane, cfg.Lanes+1),
		slots: make([]*end, cfg.Streams),
		free:  make([]int32, cfg.Streams),
		port:  firstPort - 1,
	}
	for i := range n.lanes {
		n.lanes[i].wake.L = &n.mu
	}
	n.sleepers.L = &n.mu
	for i := range n.free {
		n.free[i] = int32(cfg.Streams - 1 - i)
	}
	return n
}

// Lanes implements transport.Backend.
func (n *Network) Lanes() int { return n.cfg.Lanes }

// Holds implements transport.Backend.
func (n *Network) Holds() int { return n.cfg.Holds }

// Stale is the number of calls that named a stream or listener which was
// closed before. A correct engine makes none.
func (n *Network) Stale() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stale
}

// Open is the number of streams that the engine holds.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.slots) - len(n.free)
}

// Wait implements transport.Backend.
func (n *Network) Wait(laneNumber int, ev []transport.Event, deadline int64) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &n.lanes[laneNumber]
	n.spurious(laneNumber)
	for {
		if n.closed {
			return 0, transport.ErrClosed
		}
		if k := n.collect(laneNumber, l, ev); k > 0 {
			l.woken = false // this Wait has ended, as the Wake asked
			return k, nil
		}
		if l.woken {
			l.woken = false
			return 0, nil
		}
		if deadline <= n.now {
			return 0, nil
		}
		l.asleep = true
		n.sleepers.Broadcast()
		for l.asleep {
			l.wake.Wait()
		}
	}
}

// rouse ends the sleep of a lane, which then looks for itself.
func (l *lane) rouse() {
	l.asleep = false
	l.wake.Signal()
}

// collect takes events off the lane's queue.
func (n *Network) collect(laneNumber int, l *lane, ev []transport.Event) int {
	k := 0
	if laneNumber == 0 && l.listenersNext {
		k = n.collectListeners(ev)
	}
	for k < len(ev) && l.first != nil {
		e := l.first
		l.first = e.next
		if l.first == nil {
			l.last = nil
		}
		e.next, e.queued = nil, false
		if e.attached && e.ready != 0 {
			ev[k] = transport.Event{Tag: e.tag, Ready: e.ready}
			e.ready = 0
			k++
		}
	}
	if laneNumber == 0 && !l.listenersNext {
		k += n.collectListeners(ev[k:])
	}
	l.listenersNext = !l.listenersNext
	return k
}

func (n *Network) collectListeners(ev []transport.Event) int {
	k := 0
	for _, l := range n.listeners {
		if k < len(ev) && l != nil && l.armed && l.acceptable {
			ev[k] = transport.Event{Tag: l.tag, Ready: transport.Acceptable}
			k++
		}
	}
	return k
}

// post says that an end may be ready: the engine by an event, a peer's
// goroutines by waking them.
func (n *Network) post(e *end, r transport.Ready) {
	if e.peer != nil {
		e.peer.change.Broadcast()
		return
	}
	e.ready |= r
	if !e.attached || e.queued {
		return
	}
	l := &n.lanes[e.lane]
	e.queued = true
	if l.last == nil {
		l.first = e
	} else {
		l.last.next = e
	}
	l.last = e
	l.rouse()
}

// Wake implements transport.Backend.
func (n *Network) Wake(laneNumber int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &n.lanes[laneNumber]
	l.woken = true
	l.rouse()
}

// Close implements transport.Backend. Every stream is reset, and what waits in
// a peer's call ends. It may be called twice.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for len(n.ends) > 0 {
		n.reset(n.ends[len(n.ends)-1])
	}
	for len(n.bound) > 0 {
		n.unbind(n.bound[0])
	}
	for i := range n.lanes {
		n.lanes[i].rouse()
	}
	return nil
}
