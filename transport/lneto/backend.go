package lneto

import "github.com/bobtail-go/bobtail/transport"

// Backend is a network of one card. Its methods may be called from any
// goroutine, so far as transport.Backend allows it; Step and Run from one at a
// time.
type Backend struct {
	transport.Backend
}

// Stats counts since New.
type Stats struct {
	FramesIn, FramesOut uint32 // frames that the card gave and took
	Dropped             uint32 // frames in that were not for us, or not sound
	Unanswered          uint32 // SYNs left unanswered because all streams were taken
	Open                int32  // streams that are not free: open, opening or lingering
}

// New makes a backend, with all memory that it ever uses. Its error is that of
// Validate.
func New(c Config) (*Backend, error) { return &Backend{}, c.Validate() }

// Step moves the stack on by one turn: the frames that came are taken in,
// timers that are due run, and frames that are ready are sent. It reports
// whether anything moved; while something does, another Step should follow
// soon. The error is the card's.
func (b *Backend) Step(nic NIC) (moved bool, err error) { return false, nil }

// Run calls Step until the backend is closed, when it returns nil, or the card
// fails, when it returns its error. It calls Idle where nothing moved.
func (b *Backend) Run(nic NIC) error { return nil }

// Addr is the address of this machine, with port 0; it is unset until DHCP has
// got one.
func (b *Backend) Addr() transport.Addr { return transport.Addr{} }

// Stats reads the counters.
func (b *Backend) Stats() Stats { return Stats{} }
