package netconn_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
)

func TestAddr(t *testing.T) {
	for _, test := range []struct {
		name string
		in   transport.Addr
		want string
	}{
		{"IPv4", transport.IPv4(192, 0, 2, 1, 80), "192.0.2.1:80"},
		{"IPv4 as IPv6", transport.IPv6([16]byte{10: 0xff, 11: 0xff, 12: 192, 14: 2, 15: 1}, 80, 0), "192.0.2.1:80"},
		{"IPv6", transport.IPv6([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}, 80, 0), "[2001:db8::1]:80"},
		{"zone", transport.IPv6([16]byte{0xfe, 0x80, 15: 1}, 80, 2), "[fe80::1%2]:80"},
		{"any of IPv6", transport.IPv6([16]byte{}, 80, 0), "[::]:80"},
		{"unset", transport.Addr{}.WithPort(80), ":80"},
		{"zero", transport.Addr{}, ":0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := netconn.Addr(test.in)
			if got := a.String(); got != test.want {
				t.Errorf("Addr(%v) = %s, want %s", test.in, got, test.want)
			}
			back, err := net.ResolveTCPAddr("tcp", test.in.String())
			if err != nil || back.String() != test.want {
				t.Errorf("package net reads %v, %v", back, err)
			}
		})
	}
}

// stream is a net.Conn as a backend without deadlines would give it away.
type stream struct{ io.ReadWriteCloser }

func TestOf(t *testing.T) {
	local, remote := transport.IPv4(192, 0, 2, 1, 80), transport.IPv4(192, 0, 2, 2, 81)
	t.Run("a net.Conn is taken as it is", func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		if c, err := netconn.Of(a, local, remote); c != a || err != nil {
			t.Errorf("Of = %v, %v", c, err)
		}
	})
	t.Run("a stream has no deadlines", func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		c, err := netconn.Of(stream{a}, local, remote)
		if err != nil {
			t.Fatal(err)
		}
		if c.LocalAddr().String() != "192.0.2.1:80" || c.RemoteAddr().String() != "192.0.2.2:81" {
			t.Errorf("from %v to %v", c.LocalAddr(), c.RemoteAddr())
		}
		for _, set := range []func(time.Time) error{c.SetDeadline, c.SetReadDeadline, c.SetWriteDeadline} {
			if err := set(time.Time{}); !errors.Is(err, os.ErrNoDeadline) {
				t.Errorf("a deadline: %v", err)
			}
		}
		go b.Write([]byte("x"))
		p := make([]byte, 2)
		if n, err := c.Read(p); n != 1 || p[0] != 'x' || err != nil {
			t.Errorf("Read = %d, %v", n, err)
		}
		if c.Close(); a.Close() != nil {
			t.Error("closing twice fails")
		}
		if _, err := b.Write(p); err == nil {
			t.Error("the stream is open")
		}
	})
	t.Run("what is no stream is refused", func(t *testing.T) {
		if c, err := netconn.Of(1, local, remote); c != nil || err != transport.ErrNotSupported {
			t.Errorf("Of = %v, %v", c, err)
		}
	})
}
