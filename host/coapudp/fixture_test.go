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
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
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

// wantErr wants an error.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

// site is a server of the test with resources that tell what has become of them.
type site struct {
	*Server
	l      *lan
	topic  *resource.Topic
	router *resource.Router
	done   chan error
	hold   chan struct{} // what GET /held waits for

	mu    sync.Mutex
	calls map[string]int // of handlers, by method and path
	late  []resource.Ticket
}

// called is how often a handler was called.
func (s *site) called(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[name]
}

func (s *site) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	return s.calls[name]
}

// resources are what the server of the test serves:
//
//	/hello          hi
//	/count          the number of the call: GET and POST
//	/slow           after ten seconds; and POST
//	/held           when the test says so
//	/later          by a ticket, when the test says so
//	/long           1000 bytes; and POST
//	/x              observable
//	/panic          panics
func (s *site) resources(t *testing.T) *resource.Router {
	r := &resource.Router{Observations: 64, Tickets: 64, Gather: 4096}
	s.router = r
	s.calls = map[string]int{}
	s.topic = r.NewTopic(resource.TopicOptions{})
	handle := func(pattern string, h func(n int, w resource.Response, q *resource.Request) error) {
		err := r.Handle(pattern, func(w resource.Response, q *resource.Request) error {
			return h(s.count(pattern), w, q)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("long", 250)
	hello := func(n int, w resource.Response, q *resource.Request) error { return w.Text("hi") }
	handle("GET /hello", hello)
	handle("PUT /hello", hello)
	count := func(n int, w resource.Response, q *resource.Request) error { return w.Text("call ", fmt.Sprint(n)) }
	handle("GET /count", count)
	handle("POST /count", count)
	handle("PATCH /count", count)
	handle("iPATCH /count", count)
	slow := func(n int, w resource.Response, q *resource.Request) error {
		<-time.After(10 * time.Second)
		return w.Text("call ", fmt.Sprint(n))
	}
	handle("GET /slow", slow)
	handle("POST /slow", slow)
	handle("GET /held", func(n int, w resource.Response, q *resource.Request) error { <-s.hold; return w.Text("held") })
	later := func(n int, w resource.Response, q *resource.Request) error {
		t, err := q.Later(int64(20 * time.Second))
		s.mu.Lock()
		s.late = append(s.late, t)
		s.mu.Unlock()
		return err
	}
	handle("GET /later", later)
	handle("POST /later", later)
	handle("GET /long", func(n int, w resource.Response, q *resource.Request) error { return w.Text(long) })
	handle("POST /long", func(n int, w resource.Response, q *resource.Request) error {
		return w.Code(coap.CodeChanged).Format(coap.FormatOctets).Text(long)
	})
	handle("GET /x", func(n int, w resource.Response, q *resource.Request) error {
		q.Observe(s.topic)
		return w.Text("state")
	})
	handle("GET /panic", func(n int, w resource.Response, q *resource.Request) error { panic("as wanted") })
	return r
}

// answerLate answers all tickets that were taken.
func (s *site) answerLate(t *testing.T, text string, want error) {
	t.Helper()
	s.mu.Lock()
	late := s.late
	s.late = nil
	s.mu.Unlock()
	for _, k := range late {
		wantErr(t, k.Answer(coap.CodeContent, nil, []byte(text)), want)
	}
}

func (s *site) publish(text string) int {
	n, err := s.topic.Publish(resource.Notification{Payload: []byte(text)})
	if err != nil {
		panic(err)
	}
	return n
}

// siteOf starts a server of the test.
func siteOf(t *testing.T, l *lan, c ServerConfig) *site {
	t.Helper()
	return siteWith(t, l, c, func(*site) {})
}

// siteWith is siteOf with more resources.
func siteWith(t *testing.T, l *lan, c ServerConfig, more func(*site)) *site {
	t.Helper()
	s := &site{l: l, done: make(chan error, 1), hold: make(chan struct{})}
	c.Resources = s.resources(t)
	more(s)
	if c.Workers == 0 {
		c.Workers = 2
	}
	srv, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = srv
	p := l.open(addr(0), netip.AddrPort{})
	go func() { s.done <- srv.Serve(p) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-s.done; err != nil {
			t.Error(err)
		}
		if o := s.router.Stats(); o.Observations+o.Tickets != 0 {
			t.Errorf("the Router has %d observations and %d tickets of a server that is closed", o.Observations, o.Tickets)
		}
	})
	return s
}

// guest is a script against a server, from the i-th address.
func (s *site) guest(t *testing.T, i int) *script {
	return &script{t, s.l.open(addr(i), addr(0))}
}

// resourceError ends observations.
var resourceError = resource.Notification{Code: coap.CodeNotFound}

// setNons says how many notifications to the first endpoint are not
// confirmable from now on.
func (s *site) setNons(n int) {
	s.mu2()
	defer s.Server.mu.Unlock()
	s.ends.list[0].nons = n
}

// mu2 takes the server's lock, which the site's own hides.
func (s *site) mu2() { s.Server.mu.Lock() }

type remoteAddr = transport.Addr

// TestMain wants every goroutine to end.
func TestMain(m *testing.M) { leaktest.Main(m) }
