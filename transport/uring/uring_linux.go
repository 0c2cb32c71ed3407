//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"github.com/bobtail-go/bobtail/internal/table"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

// Config is what a backend is made with.
type Config struct {
	// Lanes is the number of rings, from 1 to 64. 0 is 1.
	Lanes int

	// Backlog is how many clients the kernel keeps waiting for each listener.
	// 0 is 4096; the kernel has a limit of its own (net.core.somaxconn).
	Backlog int
}

const maxLanes = 64

// maxDescriptor bounds the descriptors of streams, which is what there are
// names and bits for.
const maxDescriptor = table.Most

// ownDescriptors is how many descriptors a lane has.
const ownDescriptors = 1

// Backend is the network of the machine that it runs on. See package transport
// for its rules. What Send has taken may leave only with the next Wait of the
// stream's lane, or of the one without streams.
type Backend struct {
	sys   *epoll.Backend // for plain system calls, listeners, and the monitor's lane
	lanes []lane
	table []stream // by descriptor
}

var _ transport.Backend = (*Backend)(nil)

// New makes a backend. It fails with ErrNotSupported where io_uring is not to be
// had, or the limit of locked memory (RLIMIT_MEMLOCK) leaves less than 68 KB a lane,
// and with ErrDescriptors if the system has no descriptor left for it.
func New(c Config) (*Backend, error) {
	if c.Lanes == 0 {
		c.Lanes = 1
	}
	if c.Lanes < 0 || c.Lanes > maxLanes {
		return nil, transport.ErrNotSupported
	}
	sys, err := epoll.New(epoll.Config{Backlog: c.Backlog})
	if err != nil {
		return nil, err
	}
	b := &Backend{sys: sys, lanes: make([]lane, c.Lanes)}
	for i := range b.lanes {
		b.lanes[i].fd = -1
	}
	if b.table, err = table.New[stream](b); err != nil {
		b.Close()
		return nil, transport.ErrDescriptors
	}
	for i := range b.lanes {
		if err := b.lanes[i].open(b, i); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// Lanes implements transport.Backend.
func (b *Backend) Lanes() int { return len(b.lanes) }

// Limit is the number of streams that the process may have descriptors for.
func (b *Backend) Limit() int {
	return max(min(b.sys.Limit(), maxDescriptor)-ownDescriptors*len(b.lanes), 0)
}

// Now implements transport.Backend.
func (b *Backend) Now() int64 { return b.sys.Now() }

// Holds implements transport.Backend: what is in a buffer of a ring is copied.
func (b *Backend) Holds() int { return 0 }

// monitor is the lane without streams of sys, which has one lane.
const monitor = 1

// Wake implements transport.Backend.
func (b *Backend) Wake(lane int) {
	if lane == len(b.lanes) {
		b.sys.Wake(monitor)
		return
	}
	b.lanes[lane].wake()
}

// Listen implements transport.Backend.
func (b *Backend) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	return b.sys.Listen(a, tag)
}

// ListenerAddr implements transport.Backend.
func (b *Backend) ListenerAddr(l transport.Listener) transport.Addr { return b.sys.ListenerAddr(l) }

// Arm implements transport.Backend.
func (b *Backend) Arm(l transport.Listener, on bool) { b.sys.Arm(l, on) }

// Accept implements transport.Backend. Clients are accepted one by one, by
// system calls, so that those for whom there is no place stay outside.
func (b *Backend) Accept(l transport.Listener) (transport.Stream, error) {
	s, err := b.sys.Accept(l)
	if err != nil {
		return s, err
	}
	return b.enroll(s, false)
}

// CloseListener implements transport.Backend.
func (b *Backend) CloseListener(l transport.Listener) { b.sys.CloseListener(l) }

// QuietListener implements transport.Backend.
func (b *Backend) QuietListener(l transport.Listener) { b.sys.QuietListener(l) }

// Dial implements transport.Backend.
func (b *Backend) Dial(a transport.Addr) (transport.Stream, error) {
	s, err := b.sys.Dial(a)
	if err != nil {
		return s, err
	}
	return b.enroll(s, true)
}

// Local implements transport.Backend.
func (b *Backend) Local(s transport.Stream) transport.Addr { return b.sys.Local(s) }

// Remote implements transport.Backend.
func (b *Backend) Remote(s transport.Stream) transport.Addr { return b.sys.Remote(s) }

// Close implements transport.Backend. It waits for a second for peers to take
// what was sent to streams that were closed since; then those are reset.
func (b *Backend) Close() error {
	for i := range b.lanes {
		b.lanes[i].close()
	}
	return b.sys.Close()
}
