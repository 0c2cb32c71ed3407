package coapudp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// onLoopback serves a Router on a socket of the system, and returns where.
func onLoopback(t testing.TB, address string, c ServerConfig) (*Server, *net.UDPAddr) {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	u, err := Listen("udp", address)
	if err != nil {
		t.Skip(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(u) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	a := *u.LocalAddr().(*net.UDPAddr)
	return s, &a
}

func dialed(t testing.TB, address string, c ClientConfig) *Conn {
	t.Helper()
	k, err := Dial(context.Background(), "udp", address, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// echoing is a Router with GET /hello and POST /echo.
func echoing() *resource.Router {
	r := &resource.Router{}
	r.Handle("GET /hello", func(w resource.Response, _ *resource.Request) error { return w.Text("hi") })
	r.Handle("POST /echo", func(w resource.Response, q *resource.Request) error {
		return w.Bytes(coap.FormatOctets, q.Payload())
	})
	return r
}

// TestLoopback has many requests at a time through sockets of the system.
func TestLoopback(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		t.Run(address, func(t *testing.T) {
			_, a := onLoopback(t, address, ServerConfig{Resources: echoing()})
			if a.IP.IsUnspecified() {
				a.IP = net.IPv4(127, 0, 0, 1)
			}
			c := dialed(t, a.String(), ClientConfig{Transmission: Transmission{NStart: 16}})
			if err := c.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if a, err := c.Do(t.Context(), get("hello"), make([]byte, 100)); err != nil || string(a.Payload) != "hi" {
				t.Errorf("%q, %v", a.Payload, err)
			}
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					into := make([]byte, 1100)
					for n := range 200 {
						want := bytes.Repeat([]byte{byte(i), byte(n)}, 1+n%512)
						a, err := c.Do(t.Context(), post("echo", string(want)), into)
						if err != nil || !bytes.Equal(a.Payload, want) {
							t.Errorf("%d bytes, want %d, %v", len(a.Payload), len(want), err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// TestAnswersFromWhereItWasAsked asks a server that listens everywhere at
// several addresses: a connected socket takes answers from there alone.
func TestAnswersFromWhereItWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system has one loopback address, and does not tell")
	}
	for _, v := range []struct{ network, listen, ask string }{
		{"udp4", "0.0.0.0:0", "127.0.0.1"}, {"udp4", "0.0.0.0:0", "127.1.2.3"},
		{"udp", ":0", "127.0.0.1"}, {"udp", ":0", "127.1.2.3"}, {"udp", ":0", "::1"},
	} {
		t.Run(v.listen+" "+v.ask, func(t *testing.T) {
			s, err := New(ServerConfig{Resources: echoing()})
			if err != nil {
				t.Fatal(err)
			}
			u, err := Listen(v.network, v.listen)
			if err != nil {
				t.Skip(err)
			}
			go s.Serve(u)
			defer s.Shutdown(t.Context())
			a := *u.LocalAddr().(*net.UDPAddr)
			a.IP = net.ParseIP(v.ask)
			c := dialed(t, a.String(), ClientConfig{Transmission: Transmission{MaxRetransmit: -1}})
			if a, err := c.Do(t.Context(), get("hello"), make([]byte, 100)); err != nil || string(a.Payload) != "hi" {
				t.Errorf("%q, %v", a.Payload, err)
			}
		})
	}
}

// TestGroup sends to a multicast address of this machine's: RFC 7252 section 8.
func TestGroup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell where a datagram was sent to")
	}
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 1, 187), Port: 0} // All CoAP Nodes
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	s, err := New(ServerConfig{Resources: echoing()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	a := *l.LocalAddr().(*net.UDPAddr)
	group.Port = a.Port
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := joinGroup(raw, group.IP, lo.Index); err != nil {
		t.Skip(err)
	}
	go s.Serve(l)
	defer s.Shutdown(t.Context())
	u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	raw, err = u.SyscallConn()
	if err == nil {
		err = sendToGroup(raw, lo.Index)
	}
	if err != nil {
		t.Skip(err)
	}
	send := func(d coap.Datagram, to *net.UDPAddr) {
		t.Helper()
		if _, err := u.WriteToUDP(coap.AppendUDP(nil, d), to); err != nil {
			t.Skip(err)
		}
	}
	send(con(1, get("hello")), group)       // must not be confirmable, 8.1
	send(coap.Datagram{ID: 2}, group)       // nor a ping
	send(non(3, get("nothing")), group)     // no errors, 8.2
	u.WriteToUDP([]byte("\x40\x01"), group) // no sense
	send(non(4, get("hello")), group)
	b := make([]byte, 1500)
	u.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := u.Read(b)
	if err != nil {
		if s.Stats().Received == 0 {
			t.Skip("no multicast here: ", err)
		}
		t.Fatal(err)
	}
	d, err := coap.ParseUDP(b[:n])
	if err != nil || d.Type != coap.NonConfirmable || string(d.Payload) != "hi" || string(d.Token) != "\x04\x01" {
		t.Errorf("%s, %v", show(d), err)
	}
	if runtime.GOOS == "linux" { // everybody on the loopback interface
		a.IP = net.IPv4(127, 255, 255, 255)
		send(non(5, get("hello")), &a)
		if n, err = u.Read(b); err != nil {
			t.Fatal(err)
		}
		if d, err := coap.ParseUDP(b[:n]); err != nil || d.Type != coap.NonConfirmable || string(d.Token) != "\x05\x01" {
			t.Errorf("%s, %v", show(d), err)
		}
	}
	a.IP = net.IPv4(127, 0, 0, 1)
	send(coap.Datagram{ID: 9}, &a) // what comes next is the answer to this
	if n, err = u.Read(b); err != nil || n != 4 || b[3] != 9 {
		t.Errorf("% x, %v", b[:n], err)
	}
}

// TestNobody asks where nobody listens: the system tells.
func TestNobody(t *testing.T) {
	u, err := Listen("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Close()
	c := dialed(t, u.LocalAddr().String(), ClientConfig{})
	_, err = c.Do(t.Context(), get("hello"), nil)
	if runtime.GOOS == "linux" && !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
}

// TestDialErrors has addresses that are none.
func TestDialErrors(t *testing.T) {
	for _, a := range []string{"", "127.0.0.1", "127.0.0.1:99999"} {
		if c, err := Dial(t.Context(), "udp", a, ClientConfig{}); err == nil {
			c.Close()
			t.Errorf("%q is dialled", a)
		}
		if a != "" {
			if _, err := Listen("udp", a); err == nil {
				t.Errorf("%q is listened at", a)
			}
		}
	}
	s, err := New(ServerConfig{Resources: echoing()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ListenAndServe("udp", "nonsense"); err == nil {
		t.Error("nonsense is served")
	}
	for e := ErrConfig; e <= numErrors; e++ {
		if text := e.Error(); !strings.HasPrefix(text, "coapudp: ") || (e < numErrors) == (text == "coapudp: unknown error") {
			t.Errorf("%d: %q", e, text)
		}
	}
	if !ErrUnanswered.Timeout() || ErrReset.Timeout() || ErrUnanswered.Temporary() {
		t.Error("another error is a timeout")
	}
}
