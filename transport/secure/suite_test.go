package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/memorytest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/netstd"
	"github.com/bobtail-go/bobtail/transport/secure"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

// always has every listener take TLS clients, so that the suite can be run.
// Files of TLS streams are not sent by SendFile, which the suite would ask for:
// so the interface hides it.
type always struct {
	transport.Backend
	secure *secure.Backend
}

func (b always) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	return b.secure.ListenSecure(a, tag)
}

// Detach completes the handshake, which the suite does not know of, before.
func (b always) Detach(s transport.Stream) (any, error) {
	var ev [16]transport.Event
	for end := time.Now().Add(limit); ; {
		v, err := b.secure.Detach(s)
		if err != transport.ErrNotSupported || time.Now().After(end) {
			return v, err
		}
		for lane := range b.Lanes() {
			b.Wait(lane, ev[:], 0)
		}
		runtime.Gosched()
	}
}

var (
	certificate = sync.OnceValue(func() tls.Certificate {
		c, err := secure.SelfSigned("bobtail.test")
		if err != nil {
			panic(err)
		}
		return c
	})
	trusting = sync.OnceValue(func() *x509.CertPool {
		p := x509.NewCertPool()
		p.AddCert(certificate().Leaf)
		return p
	})
)

func serverConfig() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{certificate()}} }

func clientConfig() *tls.Config { return &tls.Config{RootCAs: trusting(), ServerName: "localhost"} }

func wrap(t testing.TB, inner transport.Backend, err error, c secure.Config) *secure.Backend {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if c.TLS == nil {
		c.TLS = serverConfig()
	}
	b, err := secure.New(inner, c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tlsPeer is a peer of the suite behind TLS. As with a socket's, what it
// writes before the handshake is complete is taken at once and sent after it.
type tlsPeer struct {
	raw transporttest.Peer
	c   *tls.Conn

	mu     sync.Mutex
	shaken bool
	queued []byte
	ended  bool // CloseWrite was called before
	closed bool // Close was called before
	done   chan struct{}
}

// rawConn makes a net.Conn of a peer.
type rawConn struct{ transporttest.Peer }

func (rawConn) LocalAddr() net.Addr              { return nil }
func (rawConn) RemoteAddr() net.Addr             { return nil }
func (rawConn) SetDeadline(time.Time) error      { return nil }
func (rawConn) SetReadDeadline(time.Time) error  { return nil }
func (rawConn) SetWriteDeadline(time.Time) error { return nil }

func newPeer(raw transporttest.Peer, cfg *tls.Config) *tlsPeer {
	p := &tlsPeer{raw: raw, c: tls.Client(rawConn{raw}, cfg), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		err := p.c.Handshake()
		p.mu.Lock()
		defer p.mu.Unlock()
		if err != nil {
			raw.Close()
			return
		}
		if len(p.queued) > 0 {
			p.c.Write(p.queued)
		}
		if p.ended || p.closed {
			p.c.CloseWrite()
		}
		if p.closed {
			raw.Close()
		}
		p.shaken = true
	}()
	return p
}

// Read gives the end by itself, as a socket does; crypto/tls may give it with
// the last bytes.
func (p *tlsPeer) Read(b []byte) (int, error) {
	n, err := p.c.Read(b)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (p *tlsPeer) Write(b []byte) (int, error) {
	p.mu.Lock()
	if !p.shaken && !p.closed {
		p.queued = append(p.queued, b...)
		p.mu.Unlock()
		return len(b), nil
	}
	p.mu.Unlock()
	return p.c.Write(b)
}

func (p *tlsPeer) CloseWrite() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if !p.shaken {
		return nil
	}
	return p.c.CloseWrite()
}

func (p *tlsPeer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.raw.Close()
	}
	p.closed = true
	if p.shaken {
		p.c.CloseWrite()
		return p.raw.Close()
	}
	// As the kernel goes on after close(2): until the other end has gone too,
	// which it has at the latest at the second call.
	return nil
}

func (p *tlsPeer) Reset() error           { return p.raw.Reset() }
func (p *tlsPeer) Local() transport.Addr  { return p.raw.Local() }
func (p *tlsPeer) Remote() transport.Addr { return p.raw.Remote() }

var _ io.ReadWriteCloser = (*tlsPeer)(nil)

// secured is a fixture whose peers speak TLS with a backend that wraps the
// fixture's.
func secured(t *testing.T, f transporttest.Fixture, cfg secure.Config, version uint16) transporttest.Fixture {
	b := wrap(t, f.Backend, nil, cfg)
	f.Backend = always{b, b}
	f.Listen = nil     // dialled streams are plain: TestPassesThrough
	f.Faulty = true    // events before the first byte are spurious
	f.Allocates = true // crypto/tls does: TestAllocations
	dial := f.Dial
	f.Dial = func(to transport.Addr) (transporttest.Peer, error) {
		raw, err := dial(to)
		if err != nil {
			return nil, err
		}
		c := clientConfig()
		c.MaxVersion = version
		return newPeer(raw, c), nil
	}
	return f
}

func inners() []inner {
	return append([]inner{
		{"netstd", func(t *testing.T) transporttest.Fixture { return host(netstd.New(netstd.Config{Lanes: 2}))(t) }},
		{"netstd buffered", func(t *testing.T) transporttest.Fixture {
			f := host(netstd.New(netstd.Config{Buffered: true}))(t)
			f.File = nil // what is buffered is read
			return f
		}},
		{"memory", func(*testing.T) transporttest.Fixture {
			return memorytest.Fixture(memory.New(memory.Config{Lanes: 2}))
		}},
		{"memory, small pipes that hold", func(*testing.T) transporttest.Fixture {
			return memorytest.Fixture(memory.New(memory.Config{Holds: 400, Pipe: 300}))
		}},
		{"memory with faults", func(*testing.T) transporttest.Fixture {
			f := memorytest.Fixture(memory.New(memory.Config{Seed: 1, Lanes: 2, Faults: memory.Faults{
				ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 300,
			}}))
			f.Faulty = true
			return f
		}},
	}, systemInners...)
}

type inner struct {
	name string
	open func(t *testing.T) transporttest.Fixture
}

func host[B transport.Backend](b B, err error) func(t *testing.T) transporttest.Fixture {
	return func(t *testing.T) transporttest.Fixture {
		if err != nil {
			t.Fatal(err)
		}
		return transporttest.Host(b)
	}
}

func TestConformance(t *testing.T) {
	for _, in := range inners() {
		for _, v := range []struct {
			name string
			max  uint16
		}{{"TLS 1.3", tls.VersionTLS13}, {"TLS 1.2", tls.VersionTLS12}} {
			t.Run(in.name+", "+v.name, func(t *testing.T) {
				transporttest.Run(t, func(t *testing.T) transporttest.Fixture {
					return secured(t, in.open(t), secure.Config{}, v.max)
				})
			})
		}
	}
}

// TestPassesThrough holds plain listeners and dialled streams of a wrapped
// backend to the contract.
func TestPassesThrough(t *testing.T) {
	for _, in := range inners() {
		t.Run(in.name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) transporttest.Fixture {
				f := in.open(t)
				_, sendsFiles := f.Backend.(transport.FileSender)
				f.Backend = wrap(t, f.Backend, nil, secure.Config{})
				if !sendsFiles {
					f.Backend = struct{ transport.Backend }{f.Backend}
				}
				return f
			})
		})
	}
}
