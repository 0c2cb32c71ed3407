//go:build linux && (amd64 || arm64)

package epoll

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/pace"
	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a backend is made with.
type Config struct {
	// Lanes is the number of epoll instances, from 1 to 64. 0 is 1.
	Lanes int

	// Backlog is how many clients the kernel keeps waiting for each listener.
	// 0 is 4096; the kernel has a limit of its own (net.core.somaxconn).
	Backlog int
}

// The bounds of Config.
const (
	maxLanes       = 64
	defaultBacklog = 4096
)

// ownDescriptors is how many descriptors the process needs beside its
// streams: the standard three, two for each lane, and some
// for the program's files.
const ownDescriptors = 16

// Backend is the network of the machine that it runs on. See package
// transport for its rules.
type Backend struct {
	start time.Time
	lanes []lane
	bed   bed // the lane without streams
	limit int

	backlog   int
	listeners []listener
	streams   streams

	// What system calls are given the address of. It is here and not on the
	// stack because TinyGo would allocate it.
	setup struct {
		sync.Mutex
		event  syscall.EpollEvent
		option int32
		name   sockaddr
		length uint32
	}
	reset   [2]int32 // struct linger that makes a close a reset
	gathers [gathers]gathering
	alone   struct { // for a SendFile that finds no gathering free
		sync.Mutex
		off int64
	}
}

var _ transport.Backend = (*Backend)(nil)

// lane is one epoll instance.
type lane struct {
	epfd   int32
	wakefd int32
	one    uint64 // what a wake writes
	events []syscall.EpollEvent
	pace   pace.Pace

	woken  atomic.Bool // there is an unread wake in wakefd
	mu     sync.Mutex  // guards closed against a late Wake
	closed bool

	stage stage

	_ [64]byte // no two lanes in one line of the cache
}

// wakeTag is the tag of a lane's wakefd. No slot has this handle: its
// generation and index would both be the largest.
const wakeTag = ^uint64(0)

// eventsPerWait bounds a batch. More than that come with the next Wait.
const eventsPerWait = 128

// New makes a backend. It fails if the system has no descriptor left for it.
func New(c Config) (*Backend, error) {
	if c.Lanes == 0 {
		c.Lanes = 1
	}
	if c.Backlog == 0 {
		c.Backlog = defaultBacklog
	}
	if c.Lanes < 0 || c.Lanes > maxLanes || c.Backlog < 0 {
		return nil, transport.ErrNotSupported
	}
	b := &Backend{
		start:   time.Now().Add(-time.Second), // the clock starts above zero
		lanes:   make([]lane, c.Lanes),
		limit:   min(descriptorLimit(), maxDescriptor) - ownDescriptors - 2*(c.Lanes+1),
		backlog: c.Backlog,
		reset:   [2]int32{1, 0},
	}
	for i := range b.lanes {
		b.lanes[i].epfd, b.lanes[i].wakefd = -1, -1
	}
	if err := b.streams.open(b); err != nil {
		return nil, err
	}
	for i := range b.lanes {
		if err := b.lanes[i].open(b); err != nil {
			b.Close()
			return nil, err
		}
	}
	if err := b.bed.open(b); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (l *lane) open(b *Backend) error {
	fd, _, e := syscall.RawSyscall(syscall.SYS_EPOLL_CREATE1, syscall.EPOLL_CLOEXEC, 0, 0)
	if e != 0 {
		return errorOf(e)
	}
	l.epfd = int32(fd)
	fd, _, e = syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, efdNonblock|efdCloexec, 0)
	if e != 0 {
		return errorOf(e)
	}
	l.wakefd = int32(fd)
	l.one = 1
	l.events = make([]syscall.EpollEvent, eventsPerWait)
	// Edge-triggered, so that each write is an event and none must be read.
	return b.control(l, syscall.EPOLL_CTL_ADD, l.wakefd, syscall.EPOLLIN|epollET, wakeTag)
}

func (b *Backend) control(l *lane, op int, fd int32, events uint32, data uint64) error {
	b.setup.Lock()
	defer b.setup.Unlock()
	b.setup.event = syscall.EpollEvent{Events: events, Fd: int32(uint32(data)), Pad: int32(uint32(data >> 32))}
	_, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(l.epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&b.setup.event)), 0, 0)
	return errorOf(e)
}

// Lanes implements transport.Backend.
func (b *Backend) Lanes() int { return len(b.lanes) }

// Limit is the number of streams that the process may have descriptors for.
func (b *Backend) Limit() int { return max(b.limit, 0) }

// Now implements transport.Backend.
func (b *Backend) Now() int64 { return int64(time.Since(b.start)) }

// Holds implements transport.Backend: the kernel's buffer is not looked into.
func (b *Backend) Holds() int { return 0 }

// Wait implements transport.Backend.
func (b *Backend) Wait(laneNumber int, ev []transport.Event, deadline int64) (int, error) {
	if laneNumber == len(b.lanes) {
		b.flush()
		return 0, b.bed.wait(b, deadline)
	}
	l := &b.lanes[laneNumber]
	events := l.events[:min(len(ev), len(l.events))]
	for {
		l.stage.end()
		n, err := l.wait(b, events, deadline)
		if n <= 0 {
			return 0, err
		}
		if n, woken := l.tell(b, events[:n], ev); n > 0 || woken || deadline == 0 {
			return n, nil
		}
	}
}

// tell translates events, and reports whether one was a wake.
func (l *lane) tell(b *Backend, events []syscall.EpollEvent, ev []transport.Event) (n int, woken bool) {
	l.stage.begin()
	for i := range events {
		e := &events[i]
		if dataOf(e) == wakeTag {
			l.woken.Store(false)
			woken = true
		} else if tag, ok := l.stage.told(b, e); ok {
			ev[n] = transport.Event{Tag: tag, Ready: readyOf(e.Events)}
			n++
		}
	}
	l.stage.begun()
	return n, woken
}

// dataOf is what an event carries. The kernel's 64 bits of data are the fields Fd and
// Pad.
func dataOf(e *syscall.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

// readyOf translates. A listener's tag is told with Readable too, which the
// engine does not mind.
func readyOf(e uint32) transport.Ready {
	var r transport.Ready
	if e&syscall.EPOLLIN != 0 {
		r = transport.Readable | transport.Acceptable
	}
	if e&syscall.EPOLLOUT != 0 {
		r |= transport.Writable
	}
	if e&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		r |= transport.Hangup
	}
	return r
}

// pwaitRaw is one wait that the scheduler does not notice.
func (l *lane) pwaitRaw(events []syscall.EpollEvent, ms int) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(ms), 0, 0)
	return int(n), e
}

// milliseconds is how long a wait until the deadline may last, rounded up so
// that it never ends early; -1 is for ever.
func milliseconds(now, deadline int64) int {
	if deadline == transport.Forever {
		return -1
	}
	if deadline <= now {
		return 0
	}
	const most = 1 << 30 // the kernel's int, with room
	return int(min((deadline-now+999_999)/1_000_000, most))
}

// Wake implements transport.Backend.
func (b *Backend) Wake(laneNumber int) {
	if laneNumber == len(b.lanes) {
		b.bed.wake()
		return
	}
	b.lanes[laneNumber].wake()
}

func (l *lane) wake() {
	if l.woken.Swap(true) {
		return // the last one was not seen yet
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(l.wakefd), uintptr(unsafe.Pointer(&l.one)), 8)
}

// Close implements transport.Backend. Streams and listeners that are open
// stay so until they are closed.
func (b *Backend) Close() error {
	for i := range b.lanes {
		b.lanes[i].close()
	}
	b.bed.close()
	return nil
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		closeDescriptor(l.wakefd)
		closeDescriptor(l.epfd)
	}
}

func closeDescriptor(fd int32) {
	if fd >= 0 {
		// Linux frees the descriptor also when close is interrupted, so it
		// must not be tried again.
		syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0)
	}
}
