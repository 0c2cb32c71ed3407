package lneto

import (
	"sync"

	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/transport"
)

// Backend is a network of one card. Its methods may be called from any
// goroutine, so far as transport.Backend allows it; Step and Run from one at a
// time.
type Backend struct{ k opaque.Pointer[stack] }

// A stack is what a Backend is made of.
type stack struct {
	cfg Config

	// Of Step alone: one frame that came, or the reply made of it, and one that
	// leaves.
	in, out []byte
	leaving int // bytes of out that the card had no room for yet

	mu        sync.Mutex // guards all below
	streams   []stream
	listeners []listener
	rests     []rest // ended connections, the oldest at oldest
	oldest    int
	lanes     [2]lane             // the one with streams, and the monitor's
	turn      int                 // the stream that is looked at first
	told      int                 // the stream whose events were looked at last
	header    [tcpHeader + 4]byte // of a segment to or from a Handler
	lease     lease
	ip        uint32 // ours; 0 until DHCP has got one
	gateway   uint32 // 0 is none
	mask      uint32
	port      uint16 // the last ephemeral one that was given
	ipID      uint16
	closed    bool
	closedAt  int64
	stats     Stats
}

var _ transport.Backend = (*Backend)(nil)

// Stats counts since New.
type Stats struct {
	FramesIn, FramesOut uint32 // frames that the card gave and took
	Dropped             uint32 // frames that were not for us, or not sound
	Unanswered          uint32 // SYNs left unanswered because all streams were taken
	Again               uint32 // times that something was sent again
	Open                int    // streams that are not free: open, opening or lingering
}

// New makes a backend, with all memory that it ever uses. Its error is that of
// Validate.
func New(c Config) (*Backend, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.setDefaults()
	if c.Now == nil {
		c.Now = now
	}
	if c.Idle == nil {
		c.Idle = idle
	}
	b := &stack{
		cfg:       c,
		in:        make([]byte, ethHeader+c.MTU),
		out:       make([]byte, ethHeader+c.MTU),
		streams:   make([]stream, c.Streams),
		listeners: make([]listener, c.Listeners),
		rests:     make([]rest, rests(c.Streams)),
		ip:        number(c.Addr),
		gateway:   number(c.Gateway),
		mask:      ^uint32(0) << (32 - c.Bits),
	}
	for i := range b.lanes {
		b.lanes[i].wake.L = &b.mu
	}
	b.port = uint16(b.hash(c.Seed, 0))
	for i := range b.streams {
		if err := b.streams[i].init(&c); err != nil {
			return nil, err
		}
	}
	if b.ip == 0 {
		b.lease.start(b, b.cfg.Now())
	}
	return &Backend{opaque.To(b)}, nil
}

// Lanes implements transport.Backend: there is one.
func (p *Backend) Lanes() int { return 1 }

// Holds implements transport.Backend: it is RxSize.
func (p *Backend) Holds() int { return p.k.Get().cfg.RxSize }

// Now implements transport.Backend.
func (p *Backend) Now() int64 { return p.k.Get().cfg.Now() }

func (b *stack) addr() transport.Addr {
	return address(b.ip, 0)
}

func (b *stack) counts() Stats {
	s := b.stats
	for i := range b.streams {
		if b.streams[i].phase != phaseFree {
			s.Open++
		}
	}
	return s
}

func (b *stack) close() error {
	if !b.closed {
		b.closed = true
		b.closedAt = b.cfg.Now()
		for i := range b.lanes {
			b.lanes[i].rouse()
		}
		b.kick()
	}
	return nil
}

// kick tells who moves frames that there is something to send.
func (b *stack) kick() {
	if b.cfg.Kick != nil {
		b.cfg.Kick()
	}
}

// hash mixes x with the seed and a number that tells uses apart. It has no
// more than the seed's 64 bits, and is not made to withstand who sees many of
// its values.
func (b *stack) hash(x, use uint64) uint64 {
	x ^= b.cfg.Seed + use*0x9e3779b97f4a7c15
	for range 2 { // the finalizer of SplitMix64
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x>>31 ^ b.cfg.Seed
	}
	return x
}
