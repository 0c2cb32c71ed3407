package coapudp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// lan is a network of datagrams in memory, in the time of the test: a datagram
// arrives after a delay, and faults by a seed have it lost, doubled, or
// overtaken.
type lan struct {
	delay time.Duration

	mu    sync.Mutex
	rand  *rand.Rand // nil for no faults
	ports map[netip.AddrPort]*port
	sent  int
	log   func(from, to netip.AddrPort, b []byte)
	drop  func(from, to netip.AddrPort, b []byte) bool
}

func newLAN() *lan { return &lan{delay: time.Millisecond, ports: map[netip.AddrPort]*port{}} }

// port is a socket of the network. It is a PacketConn, and a net.Conn if it has a
// peer.
type port struct {
	l      *lan
	addr   netip.AddrPort
	peer   netip.AddrPort
	in     chan packet
	closed chan struct{}
	once   sync.Once
	last   time.Time // when the last datagram comes
}

type packet struct {
	from netip.AddrPort
	b    []byte
}

func (l *lan) open(addr, peer netip.AddrPort) *port {
	p := &port{l: l, addr: addr, peer: peer, in: make(chan packet, 4096), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ports[addr] = p
	return p
}

func (p *port) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
	}
	l := p.l
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if l.log != nil {
		l.log(p.addr, to, b)
	}
	if l.drop != nil && l.drop(p.addr, to, b) {
		return len(b), nil
	}
	copies, delay := 1, l.delay
	if l.rand != nil {
		switch l.rand.IntN(8) {
		case 0, 1:
			copies = 0
		case 2:
			copies = 2
		case 3:
			delay *= time.Duration(1 + l.rand.IntN(50))
		}
	}
	q := l.ports[to]
	if q == nil {
		return len(b), nil
	}
	c := append([]byte(nil), b...)
	if l.rand == nil {
		// In order: timers of the same moment have none.
		at := time.Now().Add(delay)
		if !at.After(q.last) {
			at = q.last.Add(time.Nanosecond)
		}
		q.last, delay = at, time.Until(at)
	}
	for i := range copies {
		time.AfterFunc(delay*time.Duration(1+2*i), func() {
			select {
			case q.in <- packet{p.addr, c}:
			default:
			}
		})
	}
	return len(b), nil
}

func (p *port) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case k := <-p.in:
		return copy(b, k.b), k.from, nil
	case <-p.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (p *port) Read(b []byte) (int, error) {
	for {
		n, from, err := p.ReadFromUDPAddrPort(b)
		if err != nil || from == p.peer {
			return n, err
		}
	}
}

func (p *port) Write(b []byte) (int, error) { return p.WriteToUDPAddrPort(b, p.peer) }

func (p *port) Close() error                     { p.once.Do(func() { close(p.closed) }); return nil }
func (p *port) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(p.addr) }
func (p *port) RemoteAddr() net.Addr             { return net.UDPAddrFromAddrPort(p.peer) }
func (p *port) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (p *port) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (p *port) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// addr is the address of the i-th port of a test; 0 is the server.
func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5683)
}

// script is a peer that does what a test says.
type script struct {
	t *testing.T
	p *port
}

// send sends a datagram, given by its parts.
func (s *script) send(d coap.Datagram) {
	s.t.Helper()
	s.raw(string(coap.AppendUDP(nil, d)))
}

func (s *script) raw(b string) {
	s.t.Helper()
	if _, err := s.p.Write([]byte(b)); err != nil {
		s.t.Fatal(err)
	}
}

// take waits for a datagram, an hour at most.
func (s *script) take() (coap.Datagram, bool) {
	s.t.Helper()
	select {
	case k := <-s.p.in:
		d, err := coap.ParseUDP(k.b)
		if err != nil {
			s.t.Fatalf("% x: %v", k.b, err)
		}
		return d, true
	case <-time.After(time.Hour):
		return coap.Datagram{}, false
	}
}

// want waits for a datagram that looks like text, as show has it, with its ID if
// id is not negative.
func (s *script) want(id int, text string) coap.Datagram {
	s.t.Helper()
	d, ok := s.take()
	if !ok {
		s.t.Fatalf("nothing came, want %s", text)
	}
	if got := show(d); got != text {
		s.t.Fatalf("%s, want %s", got, text)
	}
	if id >= 0 && int(d.ID) != id {
		s.t.Fatalf("%s has ID %d, want %d", text, d.ID, id)
	}
	return d
}

// idle wants nothing to come for a time.
func (s *script) idle(for_ time.Duration) {
	s.t.Helper()
	select {
	case k := <-s.p.in:
		d, err := coap.ParseUDP(k.b)
		s.t.Fatalf("%s (%v), want nothing", show(d), err)
	case <-time.After(for_):
	}
}

// show is a datagram in words, without ID and token.
func show(d coap.Datagram) string {
	var b strings.Builder
	fmt.Fprint(&b, d.Type)
	if d.Code != coap.CodeEmpty {
		if fmt.Fprint(&b, " "); d.Code.IsRequest() {
			fmt.Fprint(&b, d.Code.Name())
		} else {
			fmt.Fprint(&b, d.Code)
		}
	}
	for it := d.Options.Iter(); it.Next(); {
		if it.Number == coap.OptEcho {
			fmt.Fprint(&b, " Echo")
			continue
		}
		if def, ok := it.Number.Definition(); ok && def.Kind == coap.KindUint {
			v, _ := coap.ParseUint(it.Value)
			fmt.Fprintf(&b, " %s=%d", it.Number, v)
			continue
		}
		fmt.Fprintf(&b, " %s=%s", it.Number, it.Value)
	}
	if len(d.Payload) > 0 {
		p := d.Payload
		if len(p) > 20 {
			fmt.Fprintf(&b, " (%d)", len(p))
		} else {
			fmt.Fprintf(&b, " %q", p)
		}
	}
	return b.String()
}

// options are options from pairs of numbers and values: strings, or ints.
func options(pairs ...any) coap.Options {
	var o []byte
	for i := 0; i < len(pairs); i += 2 {
		n := pairs[i].(coap.Option)
		switch v := pairs[i+1].(type) {
		case string:
			o = coap.InsertOption(o, n, []byte(v))
		case int:
			o = coap.InsertOption(o, n, coap.AppendUintOption(nil, n, n, uint64(v))[1:])
		}
	}
	return o
}

// get is a GET of a path of one segment.
func get(path string, pairs ...any) coap.Message {
	return coap.Message{Code: coap.CodeGET, Options: options(append([]any{coap.OptURIPath, path}, pairs...)...)}
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

// wantErr wants an error.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
