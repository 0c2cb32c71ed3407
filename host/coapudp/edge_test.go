package coapudp

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// TestNoRoom has answers for which there is no place.
func TestNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(t, newLAN(), ServerConfig{Amplification: -1, InFlight: 1, Workers: 3})
		p, o := s.guest(t, 1), s.guest(t, 2)
		p.send(con(1, get("slow")))
		time.Sleep(100 * time.Millisecond)
		o.send(con(1, get("slow")))
		p.want(1, "ACK")
		o.want(1, "ACK")
		p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
		o.want(-1, `NON 2.05 Content-Format=0 "call 2"`) // once, rather than not at all
		o.idle(time.Hour)
	})
}

// TestRoomForTheReal has a liar ask for what is to be acknowledged.
func TestRoomForTheReal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(t, newLAN(), ServerConfig{InFlight: 4})
		for i := range 4 {
			p := s.guest(t, 1+i)
			p.send(con(1, get("later")))
			p.want(1, "ACK")
		}
		s.mu.Lock()
		late := s.late
		s.late = nil
		s.mu.Unlock()
		for i, want := range []error{nil, nil, pool.ErrFull, pool.ErrFull} {
			if err := late[i].Answer(coap.CodeContent, nil, []byte("x")); err != want {
				t.Errorf("%d: %v, want %v", i, err, want)
			}
		}
	})
}

// TestLongTokens has separate answers, later answers and notifications for tokens
// of RFC 8974.
func TestLongTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(t, newLAN(), ServerConfig{Amplification: -1, Confirm: 100})
		p := s.guest(t, 1)
		for _, n := range []int{12, 13, 40, 64} {
			d := con(uint16(n), get("slow"))
			d.Token = make([]byte, n)
			d.Token[n-1] = 1
			p.send(d)
			p.want(n, "ACK")
			a, _ := p.take()
			if a.Type != coap.Confirmable || string(a.Token) != string(d.Token) {
				t.Errorf("%s with token %x", show(a), a.Token)
			}
			p.send(rst(a.ID))
			p.idle(time.Minute)
		}
		// An answer to a request that is not known any more.
		d := coap.Datagram{Message: coap.Message{Token: make([]byte, 9)}}
		if err := s.Push(s.peerOf(0), coap.Message{Code: coap.CodeContent, Token: d.Token}, 0, 0); err != nil {
			t.Error(err)
		}
		p.send(ack(p.want(-1, "CON 2.05").ID))
		for _, v := range []coap.Type{coap.Confirmable, coap.NonConfirmable} {
			time.Sleep(time.Second)
			s.setNons(1000 * int(v))
			if err := s.Push(s.peerOf(0), coap.Message{Code: coap.CodeContent, Token: make([]byte, 9), Options: options(coap.OptObserve, 3)}, 0, 0); err != nil {
				t.Error(err)
			}
			a := p.want(-1, v.String()+" 2.05 Observe=3")
			p.send(rst(a.ID))
		}
		p.idle(time.Hour)
	})
}

func (s *site) peerOf(i int32) uint64 {
	s.mu2()
	defer s.Server.mu.Unlock()
	return s.ends.peer(i)
}

// TestLead has handlers that keep the leader, and all others.
func TestLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(t, newLAN(), ServerConfig{Amplification: -1, Workers: 2})
		p := s.guest(t, 1)
		p.send(con(1, get("held")))
		time.Sleep(time.Millisecond)
		before := time.Now()
		p.send(con(2, get("hello"))) // which the next leader reads
		p.want(2, `ACK 2.05 Content-Format=0 "hi"`)
		if took := time.Since(before); took > 5*time.Millisecond {
			t.Errorf("after %v", took)
		}
		cheap := func() {
			s.mu2()
			s.lead.cost = 0
			s.Server.mu.Unlock()
		}
		cheap()
		p.send(con(3, get("held")))
		time.Sleep(5 * time.Millisecond)
		cheap()
		p.send(con(4, get("hello"))) // for which nobody is left
		p.send(coap.Datagram{ID: 5}) // but for this
		p.want(5, "RST")
		p.idle(100 * time.Millisecond)
		s.hold <- struct{}{}
		for range 2 {
			if d, _ := p.take(); d.ID == 3 || d.Code != coap.CodeContent {
				t.Errorf("%s", show(d))
			}
		}
		close(s.hold)
		p.want(3, `ACK 2.05 Content-Format=0 "held"`)
		synctest.Wait()
		s.mu2()
		if s.lead.w == nil || s.busy != 0 {
			t.Errorf("%+v", s.lead)
		}
		s.lead.cost = quick + 1
		s.Server.mu.Unlock()
		p.send(con(7, get("slow")))
		time.Sleep(1500 * time.Microsecond)
		s.mu2()
		if s.lead.since != 0 || s.busy != 1 {
			t.Errorf("the leader runs what takes long, %+v", s.lead)
		}
		s.Server.mu.Unlock()
		p.want(7, "ACK")
		p.send(ack(p.want(-1, `CON 2.05 Content-Format=0 "call 1"`).ID))
		time.Sleep(time.Second)
		s.mu2()
		s.lead.cost = quick + 1
		s.Server.mu.Unlock()
		p.send(con(6, get("hello"))) // it is somebody else who handles it
		p.want(6, `ACK 2.05 Content-Format=0 "hi"`)
		s.mu2()
		if s.lead.cost > quick {
			t.Error("what was quick has not made handlers cheaper")
		}
		s.Server.mu.Unlock()
	})
}

// failing is a socket that does not send.
type failing struct{ *port }

func (failing) WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error) { return 0, errBroken }

// TestUnsent has what the system does not take counted.
func TestUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		s := &site{hold: make(chan struct{})}
		srv, err := New(ServerConfig{Resources: s.resources(t)})
		if err != nil {
			t.Fatal(err)
		}
		go srv.Serve(failing{l.open(addr(0), netip.AddrPort{})})
		p := script{t, l.open(addr(1), addr(0))}
		p.send(con(1, get("hello")))
		p.send(coap.Datagram{ID: 2})
		p.idle(time.Second)
		if n := srv.Stats().Unsent; n != 2 {
			t.Errorf("%d", n)
		}
		if a := srv.Addr().String(); a != "10.0.0.0:5683" {
			t.Error(a)
		}
		wantErr(t, srv.Shutdown(t.Context()), nil)
	})
}

// deaf is a net.Conn that cannot send, and then not receive.
type deaf struct {
	*port
	err error
}

func (d deaf) Write([]byte) (int, error) { return 0, d.err }

// TestClientSocket has sockets that fail.
func TestClientSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		for _, v := range []struct{ fails, want error }{{errBroken, errBroken}, {net.ErrClosed, ErrClosed}} {
			c, err := NewConn(deaf{l.open(addr(1), addr(0)), v.fails}, ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, c.Ping(t.Context()), v.want)
			c.Close()
		}
		p := l.open(addr(1), addr(0))
		if _, err := NewConn(p, ClientConfig{Waiting: -1}); !errors.Is(err, ErrConfig) {
			t.Error(err)
		}
		if _, err := p.Write(nil); err != net.ErrClosed {
			t.Error("the socket was not closed")
		}
		p = l.open(addr(1), addr(0))
		c, err := NewConn(p, ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if c.MaxPayload() != 1024 || c.MaxAnswer() != 1232 || c.BERT() || c.LocalAddr().String() != "10.0.0.1:5683" || c.RemoteAddr().String() != "10.0.0.0:5683" {
			t.Error("wrong figures")
		}
		r := doing(t.Context(), c, get("hello"), 10)
		synctest.Wait()
		p.Close() // by somebody else
		(<-r).want(t, "", ErrClosed)
		c.Close()
	})
}

// refused is a socket whose peer is away: for each datagram the system says so,
// as long as there is an error in err.
type refused struct {
	*port
	told chan error
	away atomic.Bool
}

func (r *refused) Write(b []byte) (int, error) {
	if r.away.Load() {
		r.told <- errBroken
		return len(b), nil
	}
	return r.port.Write(b)
}

func (r *refused) Read(b []byte) (int, error) {
	select {
	case err := <-r.told:
		return 0, err
	case k := <-r.in:
		return copy(b, k.b), nil
	case <-r.closed:
		return 0, net.ErrClosed
	}
}

// TestPeerComesBack has a peer that is away for many requests: that the system
// says so for each is no reason to give the socket up.
func TestPeerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		p := &refused{port: l.open(addr(1), addr(0)), told: make(chan error, 1)}
		s := &script{t, l.open(addr(0), addr(1))}
		c, err := NewConn(p, ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p.away.Store(true)
		for range 3 * failures {
			wantErr(t, c.Ping(t.Context()), errBroken)
		}
		p.away.Store(false)
		r := make(chan error, 1)
		go func() { r <- c.Ping(t.Context()) }()
		s.send(rst(s.want(-1, "CON").ID))
		wantErr(t, <-r, nil)
	})
}

// TestRemote has addresses as handlers get them.
func TestRemote(t *testing.T) {
	var z zones
	for _, v := range []struct {
		in   string
		want transport.Addr
	}{
		{"192.0.2.1:80", transport.IPv4(192, 0, 2, 1, 80)},
		{"[::ffff:192.0.2.1]:80", transport.IPv4(192, 0, 2, 1, 80)},
		{"[2001:db8::1]:80", transport.IPv6([16]byte{0x20, 1, 0xd, 0xb8, 15: 1}, 80, 0)},
		{"[fe80::1%7]:80", transport.IPv6([16]byte{0xfe, 0x80, 15: 1}, 80, 7)},
		{"[fe80::1%7]:80", transport.IPv6([16]byte{0xfe, 0x80, 15: 1}, 80, 7)},
		{"[fe80::1%nothing]:80", transport.IPv6([16]byte{0xfe, 0x80, 15: 1}, 80, 0)},
		{"192.0.2.1:80", transport.IPv4(192, 0, 2, 1, 80)},
	} {
		if got := z.remote(netip.MustParseAddrPort(v.in)); got != v.want {
			t.Errorf("%s: %v, want %v", v.in, got, v.want)
		}
	}
	if i, err := net.InterfaceByName("lo"); err == nil {
		if got := z.remote(netip.MustParseAddrPort("[fe80::1%lo]:80")); got.Zone() != uint32(i.Index) {
			t.Error(got)
		}
	}
}
