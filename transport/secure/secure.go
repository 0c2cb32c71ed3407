package secure

import (
	"crypto/tls"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a Backend is made with.
type Config struct {
	// TLS is the certificates, and what else crypto/tls is to be told. It is
	// copied. A MinVersion before TLS 1.2 is taken for 1.2 (RFC 8996). If
	// NextProtos is empty it is "http/1.1"; "h2" is dropped from it, since
	// nothing here speaks it.
	TLS *tls.Config

	// Handshakes is how many may be under way at once, at most 65536. Each has
	// a goroutine. 0 is 128.
	Handshakes int

	// Timeout bounds a handshake, from the client's first record on. 0 is 10
	// seconds.
	Timeout time.Duration

	// Linger bounds how long a stream that was closed may take to send what it
	// has taken, after which it is aborted. 0 is 5 seconds. At most 256 streams
	// linger; then the oldest of them is aborted.
	Linger time.Duration

	// Failed, if it is not nil, is told of each handshake that failed: errors
	// of crypto/tls, or of this package. It is called on the goroutine that
	// finds out and must not block.
	Failed func(remote transport.Addr, err error)
}

const (
	defaultHandshakes = 128
	mostHandshakes    = 1 << 16
	defaultTimeout    = 10 * time.Second
	defaultLinger     = 5 * time.Second
	closeLinger       = time.Second // for all of them together, at Close
	mostLingering     = 256

	// stallTime is how long a handshake may wait for its client while others
	// wait for a place: the round trip of a bad line, not more.
	stallTime = time.Second

	// tick is how often deadlines are looked at, while there are any.
	tick = 250 * time.Millisecond
)

// Backend is a transport.Backend over another one, with TLS. Its methods may
// be called as the contract says.
type Backend struct {
	inner  transport.Backend
	cfg    Config
	lanes  []lane
	holds  int
	table  table
	blocks blocks
	stats  counters

	wg sync.WaitGroup // counts the goroutines of handshakes

	mu       sync.Mutex // guards all below; taken after a conn's
	shaking  []*conn    // in the order in which they began
	waiting  []*conn    // for a place among those
	leaving  []*conn    // in the order in which they were closed
	reserved int        // places that somebody who waited is about to take
	ticking  bool
	timer    *time.Timer
	closed   bool
}

var (
	_ transport.Backend        = (*Backend)(nil)
	_ transport.SecureListener = (*Backend)(nil)
	_ transport.FileSender     = (*Backend)(nil)
)

// New wraps a backend, which it closes when it is closed. It fails with
// ErrBackend, ErrCertificate or ErrConfig, and then has not taken it.
func New(inner transport.Backend, cfg Config) (*Backend, error) {
	if inner == nil {
		return nil, ErrBackend
	}
	t := cfg.TLS
	if t == nil || len(t.Certificates) == 0 && t.GetCertificate == nil && t.GetConfigForClient == nil {
		return nil, ErrCertificate
	}
	if cfg.Handshakes < 0 || cfg.Handshakes > mostHandshakes || cfg.Timeout < 0 || cfg.Linger < 0 {
		return nil, ErrConfig
	}
	if cfg.Handshakes == 0 {
		cfg.Handshakes = defaultHandshakes
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Linger == 0 {
		cfg.Linger = defaultLinger
	}
	cfg.TLS = t.Clone()
	cfg.TLS.MinVersion = max(cfg.TLS.MinVersion, tls.VersionTLS12)
	// RFC 9113 section 3.2: "h2" is chosen by ALPN alone, so whoever is not
	// offered it speaks HTTP/1.1.
	cfg.TLS.NextProtos = slices.DeleteFunc(slices.Clone(cfg.TLS.NextProtos), func(p string) bool { return p == "h2" })
	if len(cfg.TLS.NextProtos) == 0 {
		cfg.TLS.NextProtos = []string{"http/1.1"}
	}
	return &Backend{
		inner: inner,
		cfg:   cfg,
		lanes: make([]lane, inner.Lanes()),
		holds: (inner.Holds() + 1) / 2,
	}, nil
}

// What connections hold, in bytes, measured on linux/amd64 with Go 1.26: see
// the package comment for what comes on top.
const (
	// ParkedMemory is for a connection that waits between requests.
	ParkedMemory = 8 << 10

	// ShakingMemory comes on top while a handshake is under way. More than half
	// of it is stacks, which the runtime makes larger from the start in programs
	// whose goroutines have large ones.
	ShakingMemory = 24 << 10

	// BlockedMemory comes on top while a peer does not take what it was sent.
	BlockedMemory = blockSize
)

// Memory is what the backend holds for a number of streams in bytes, all of
// them secure and parked, with as many handshakes under way as there may be. A
// stream whose peer takes nothing costs BlockedMemory more.
func (b *Backend) Memory(streams int) int {
	return streams*ParkedMemory + min(streams, b.cfg.Handshakes)*ShakingMemory + keptBlocks*blockSize
}

// Inner is the backend that is wrapped. Streams of secure listeners are not
// to be touched there.
func (b *Backend) Inner() transport.Backend { return b.inner }

// Lanes implements transport.Backend.
func (b *Backend) Lanes() int { return len(b.lanes) }

// Now implements transport.Backend.
func (b *Backend) Now() int64 { return b.inner.Now() }

// Holds implements transport.Backend: half of what the inner one holds, since
// what it holds is ciphertext, and records add to it.
func (b *Backend) Holds() int { return b.holds }

// Limit is the number of streams that the process may have descriptors for,
// if the inner backend knows.
func (b *Backend) Limit() int {
	if l, ok := b.inner.(interface{ Limit() int }); ok {
		return max(l.Limit()-mostLingering, 0)
	}
	return math.MaxInt
}

// listenerOf is the inner listener of one of ours, whose number is negative if
// its clients speak TLS.
func listenerOf(l transport.Listener) transport.Listener {
	if l < 0 {
		return ^l
	}
	return l
}

// Listen implements transport.Backend: for plain clients.
func (b *Backend) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	if ownTag(tag) {
		return 0, transport.ErrNotSupported
	}
	return b.inner.Listen(a, tag)
}

// ListenSecure implements transport.SecureListener: it is Listen for clients
// who speak TLS.
func (b *Backend) ListenSecure(a transport.Addr, tag uint64) (transport.Listener, error) {
	l, err := b.Listen(a, tag)
	if err != nil {
		return l, err
	}
	return ^l, nil
}

// ListenerAddr implements transport.Backend.
func (b *Backend) ListenerAddr(l transport.Listener) transport.Addr {
	return b.inner.ListenerAddr(listenerOf(l))
}

// Arm implements transport.Backend.
func (b *Backend) Arm(l transport.Listener, on bool) { b.inner.Arm(listenerOf(l), on) }

// Accept implements transport.Backend. It does not wait for the handshake.
func (b *Backend) Accept(l transport.Listener) (transport.Stream, error) {
	s, err := b.inner.Accept(listenerOf(l))
	if err != nil || l >= 0 {
		return s, err
	}
	c := &conn{b: b, inner: s}
	if !b.table.add(c) {
		b.inner.CloseStream(s)
		return 0, transport.ErrDescriptors
	}
	b.stats.add(countAccepted)
	return c.name, nil
}

// QuietListener implements transport.Backend.
func (b *Backend) QuietListener(l transport.Listener) { b.inner.QuietListener(listenerOf(l)) }

// CloseListener implements transport.Backend.
func (b *Backend) CloseListener(l transport.Listener) { b.inner.CloseListener(listenerOf(l)) }

// Dial implements transport.Backend. The stream is plain.
func (b *Backend) Dial(a transport.Addr) (transport.Stream, error) { return b.inner.Dial(a) }

// State is what is known of a secure stream after its handshake: version,
// cipher suite, server name, the client's certificates. It reports false for
// a plain stream and before. It must not be called while another call for the
// stream is under way.
func (b *Backend) State(s transport.Stream) (tls.ConnectionState, bool) {
	c := b.table.get(s)
	if c == nil {
		return tls.ConnectionState{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != stateOpen {
		return tls.ConnectionState{}, false
	}
	return c.tls.ConnectionState(), true
}

// Secure reports whether a stream speaks TLS.
func (b *Backend) Secure(s transport.Stream) bool { return s < 0 }

// Close implements transport.Backend. What closed streams have still to send
// is given a second for all of them. It returns when every goroutine of a
// handshake has ended.
func (b *Backend) Close() error {
	var ev [64]transport.Event
	for until := time.Now().Add(min(closeLinger, b.cfg.Linger)); b.lingers() && time.Now().Before(until); {
		for i := range b.lanes {
			n, _ := b.inner.Wait(i, ev[:], 0)
			b.translate(ev[:n])
		}
		time.Sleep(time.Millisecond)
	}
	b.mu.Lock()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Unlock()
	b.table.each(func(c *conn) {
		c.mu.Lock()
		c.abort()
		c.mu.Unlock()
	})
	b.wg.Wait()
	return b.inner.Close()
}

func (b *Backend) lingers() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.leaving) > 0
}

// counters of a Backend, each the number of an atomic word.
type counter uint8

const (
	countAccepted counter = iota
	countDone
	countResumed
	countFailed
	countTimeout
	countEvicted
	countPlain
	numCounters
)

type counters [numCounters]atomic.Uint64

func (c *counters) add(k counter) { c[k].Add(1) }

// Stats is a reading of a backend's counts.
type Stats struct {
	// Since the start.
	Accepted uint64 // streams of secure listeners
	Done     uint64 // handshakes completed
	Resumed  uint64 // of those, by a session ticket
	Failed   uint64 // handshakes that failed, the next three included
	TimedOut uint64 // of those, by Config.Timeout
	Evicted  uint64 // of those, for others that waited
	Plain    uint64 // of those, plain HTTP

	// What is there now.
	Shaking int // handshakes under way
	Waiting int // complete first records that wait for a place among those
	Leaving int // closed streams that have still something to send
}

// Stats reads the counts. It may be called from any goroutine.
func (b *Backend) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Accepted: b.stats[countAccepted].Load(), Done: b.stats[countDone].Load(),
		Resumed: b.stats[countResumed].Load(), Failed: b.stats[countFailed].Load(),
		TimedOut: b.stats[countTimeout].Load(), Evicted: b.stats[countEvicted].Load(),
		Plain:   b.stats[countPlain].Load(),
		Shaking: len(b.shaking), Waiting: len(b.waiting), Leaving: len(b.leaving),
	}
}
