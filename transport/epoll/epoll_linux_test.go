//go:build linux && (amd64 || arm64)

package epoll_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

func TestConformance(t *testing.T) {
	for _, lanes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d lanes", lanes), func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) transporttest.Fixture {
				return transporttest.Host(open(t, epoll.Config{Lanes: lanes}))
			})
		})
	}
}

func TestWaits(t *testing.T) {
	transporttest.RunWaits(t, func(t *testing.T) transport.Backend { return open(t, epoll.Config{}) })
}

func open(t testing.TB, c epoll.Config) *epoll.Backend {
	t.Helper()
	b, err := epoll.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		c     epoll.Config
		lanes int // 0 if it is not allowed
	}{
		{epoll.Config{}, 1}, {epoll.Config{Lanes: 1}, 1}, {epoll.Config{Lanes: 3, Backlog: 1}, 3}, {epoll.Config{Lanes: 64}, 64},
		{epoll.Config{Lanes: 65}, 0}, {epoll.Config{Lanes: -1}, 0}, {epoll.Config{Backlog: -1}, 0},
	} {
		b, err := epoll.New(tt.c)
		if (err == nil) != (tt.lanes > 0) {
			t.Errorf("New(%+v) = %v", tt.c, err)
		}
		if err != nil {
			continue
		}
		if n := b.Lanes(); n != tt.lanes {
			t.Errorf("New(%+v) has %d lanes, want %d", tt.c, n, tt.lanes)
		}
		if b.Limit() < 10 || b.Holds() != 0 || b.Now() <= 0 {
			t.Errorf("limit %d, holds %d, now %d", b.Limit(), b.Holds(), b.Now())
		}
		b.Close()
		b.Close()
		for lane := range tt.lanes + 1 {
			b.Wake(lane) // allowed for ever
		}
	}
}

// TestDualStack takes clients of both families at an unset address, and tells
// IPv4 ones by their own address.
func TestDualStack(t *testing.T) {
	b := open(t, epoll.Config{})
	defer b.Close()
	l, err := b.Listen(transport.Addr{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer b.CloseListener(l)
	port := b.ListenerAddr(l).Port()
	six := b.ListenerAddr(l).Is6()
	for _, tt := range []struct {
		host string
		is4  bool
	}{{"127.0.0.1", true}, {"::1", false}} {
		if !tt.is4 && !six {
			t.Skip("this system has no IPv6")
		}
		c, err := net.Dial("tcp", net.JoinHostPort(tt.host, fmt.Sprint(port)))
		if err != nil {
			if !tt.is4 {
				t.Skip("this machine has no IPv6 address")
			}
			t.Fatal(err)
		}
		s, err := b.Accept(l)
		if err != nil {
			t.Fatal(err)
		}
		if r := b.Remote(s); r.Is4() != tt.is4 || r.String() != c.LocalAddr().String() {
			t.Errorf("client %v is told as %v", c.LocalAddr(), r)
		}
		if a := b.Local(s); a.Is4() != tt.is4 || a.String() != c.RemoteAddr().String() {
			t.Errorf("our end %v is told as %v", c.RemoteAddr(), a)
		}
		b.CloseStream(s)
		c.Close()
	}
}

// TestEachFamilyAlone opens one port twice, once for each.
func TestEachFamilyAlone(t *testing.T) {
	b := open(t, epoll.Config{})
	defer b.Close()
	l4, err := b.Listen(transport.IPv4(0, 0, 0, 0, 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.CloseListener(l4)
	l6, err := b.Listen(transport.IPv6([16]byte{}, b.ListenerAddr(l4).Port(), 0), 2)
	if err == transport.ErrNotSupported || err == transport.ErrAddress {
		t.Skip("this system has no IPv6")
	}
	if err != nil {
		t.Fatalf("Listen on [::] beside 0.0.0.0 = %v", err)
	}
	b.CloseListener(l6)
}

func TestErrors(t *testing.T) {
	b := open(t, epoll.Config{})
	defer b.Close()
	l, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	taken := b.ListenerAddr(l)
	for _, tt := range []struct {
		name string
		do   func() error
		want transport.Error
	}{
		{"a taken address", func() error { _, err := b.Listen(taken, 2); return err }, transport.ErrAddressInUse},
		{"an address of another machine", func() error { _, err := b.Listen(transport.IPv4(192, 0, 2, 1, 0), 2); return err }, transport.ErrAddress},
		{"nobody waits", func() error { _, err := b.Accept(l); return err }, transport.ErrWouldBlock},
		{"to nowhere", func() error { _, err := b.Dial(transport.Addr{}); return err }, transport.ErrAddress},
		{"to no port", func() error { _, err := b.Dial(transport.IPv4(127, 0, 0, 1, 0)); return err }, transport.ErrAddress},
		{"a lane for no descriptor", func() error { return b.Attach(1<<30, 0, 1) }, transport.ErrClosed},
	} {
		if err := tt.do(); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	b.CloseListener(l)
	if _, err := b.Accept(l); err != transport.ErrClosed {
		t.Errorf("Accept at a closed listener = %v", err)
	}
	// Its name is given again.
	l2, err := b.Listen(taken, 3)
	if err != nil || l2 != l {
		t.Errorf("Listen = %d, %v, want %d", l2, err, l)
	}
	b.CloseListener(l2)
}

// TestQuietListener lets those who are connected be accepted, all of them, and
// nobody after.
func TestQuietListener(t *testing.T) {
	b := open(t, epoll.Config{})
	defer b.Close()
	l, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	addr := b.ListenerAddr(l).String()
	const n = 20
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	b.QuietListener(l)
	got := 0
	for {
		s, err := b.Accept(l)
		if err == transport.ErrWouldBlock {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got++
		b.CloseStream(s)
	}
	if got != n {
		t.Errorf("%d of %d clients are accepted", got, n)
	}
	b.CloseListener(l)
}
