package coapudp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// TestValidate has what a configuration may not say.
func TestValidate(t *testing.T) {
	r := &resource.Router{}
	for _, v := range []struct {
		name string
		c    ServerConfig
	}{
		{"no Resources", ServerConfig{}},
		{"Workers", ServerConfig{Workers: -1}},
		{"Workers", ServerConfig{Workers: 4097}},
		{"WorkerMemory", ServerConfig{WorkerMemory: -1}},
		{"Queue", ServerConfig{Queue: 1<<16 + 1}},
		{"Busy", ServerConfig{Busy: -1}},
		{"MaxMessage", ServerConfig{MaxMessage: 63}},
		{"MaxMessage", ServerConfig{MaxMessage: 65508}},
		{"Endpoints", ServerConfig{Endpoints: -1}},
		{"Exchanges", ServerConfig{Exchanges: 1<<15 + 1}},
		{"Kept", ServerConfig{Kept: -1}},
		{"InFlight", ServerConfig{InFlight: -1}},
		{"Amplification", ServerConfig{Amplification: -2}},
		{"Amplification", ServerConfig{Amplification: 1<<14 + 1}}, // times a datagram it is no int of 32 bits
		{"Confirm", ServerConfig{Confirm: 101}},
		{"Separate", ServerConfig{Separate: -1}},
		{"Timeout", ServerConfig{Timeout: 2 * time.Hour}},
		{"Transmission.AckTimeout", ServerConfig{Transmission: Transmission{AckTimeout: -1}}},
		{"Transmission.RandomFactor", ServerConfig{Transmission: Transmission{RandomFactor: 0.9}}},
		{"Transmission.MaxRetransmit", ServerConfig{Transmission: Transmission{MaxRetransmit: 11}}},
		{"Transmission.NStart", ServerConfig{Transmission: Transmission{NStart: -1}}},
	} {
		if v.name != "no Resources" {
			v.c.Resources = r
		}
		_, err := New(v.c)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), v.name) {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	if err := (ServerConfig{Resources: r}).Validate(); err != nil {
		t.Error(err)
	}
	for _, v := range []struct {
		name string
		c    ClientConfig
	}{
		{"MaxMessage", ClientConfig{MaxMessage: 63}},
		{"Patience", ClientConfig{Patience: -1}},
		{"Waiting", ClientConfig{Waiting: -1}},
		{"Transmission.NStart", ClientConfig{Transmission: Transmission{NStart: 1025}}},
	} {
		_, err := Dial(t.Context(), "udp", "127.0.0.1:1", v.c)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), v.name) {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	bad := &resource.Router{}
	bad.Handle("GET nothing", func(resource.Response, *resource.Request) error { return nil })
	if _, err := New(ServerConfig{Resources: bad}); err == nil {
		t.Error("a Router with an error is served")
	}
}

// TestShutdown lets be finished what has begun.
func TestShutdown(t *testing.T) {
	t.Run("nothing to do", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := siteOf(t, newLAN(), ServerConfig{})
			synctest.Wait()
			before := time.Now()
			wantErr(t, s.Shutdown(t.Context()), nil)
			if time.Since(before) != 0 {
				t.Error("it takes time")
			}
			wantErr(t, s.Shutdown(t.Context()), nil)
			wantErr(t, s.Serve(s.l.open(addr(9), addr(8))), ErrServing)
		})
	})
	t.Run("never served", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, err := New(ServerConfig{Resources: &resource.Router{}})
			if err != nil {
				t.Fatal(err)
			}
			if s.Addr() != nil {
				t.Error("an address")
			}
			wantErr(t, s.Shutdown(t.Context()), nil)
			p := newLAN().open(addr(9), addr(8))
			wantErr(t, s.Serve(p), nil)
			if _, err := p.Write(nil); err != net.ErrClosed {
				t.Error("the socket is not closed")
			}
		})
	})
	t.Run("a handler, and its answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := siteOf(t, newLAN(), ServerConfig{})
			p := s.guest(t, 1)
			p.send(con(1, get("slow")))
			time.Sleep(time.Second)
			p.want(1, "ACK")
			r := make(chan error)
			go func() { r <- s.Shutdown(t.Context()) }()
			synctest.Wait()
			p.send(con(2, get("hello")))
			p.want(2, "ACK 5.03 Max-Age=5")
			p.send(con(1, get("slow"))) // but of what it does it speaks
			p.want(1, "ACK")
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			p.want(int(d.ID), `CON 2.05 Content-Format=0 "call 1"`)
			select {
			case <-r:
				t.Error("over before the answer is acknowledged")
			default:
			}
			p.send(ack(d.ID))
			wantErr(t, <-r, nil)
		})
	})
	t.Run("a ticket, and its answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := siteOf(t, newLAN(), ServerConfig{})
			p := s.guest(t, 1)
			p.send(con(1, get("later")))
			p.want(1, "ACK")
			r := make(chan error)
			go func() { r <- s.Shutdown(t.Context()) }()
			time.Sleep(5 * time.Second)
			s.answerLate(t, "late", nil)
			d := p.want(-1, `CON 2.05 "late"`)
			time.Sleep(time.Second)
			select {
			case <-r:
				t.Error("over before the answer is acknowledged")
			default:
			}
			p.send(ack(d.ID))
			wantErr(t, <-r, nil)
		})
	})
	t.Run("an answer that the system has not taken yet", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, err := New(ServerConfig{Resources: (&site{}).resources(t)})
			if err != nil {
				t.Fatal(err)
			}
			l := newLAN()
			w := &clogged{l.open(addr(0), netip.AddrPort{}), make(chan struct{})}
			done := make(chan error, 1)
			go func() { done <- s.Serve(w) }()
			p := &script{t, l.open(addr(1), addr(0))}
			p.send(con(1, get("hello")))
			<-time.After(time.Second)
			r := make(chan error, 1)
			go func() { r <- s.Shutdown(t.Context()) }()
			<-time.After(time.Second)
			close(w.free)
			p.want(1, `ACK 2.05 Content-Format=0 "hi"`)
			wantErr(t, <-r, nil)
			wantErr(t, <-done, nil)
		})
	})
	t.Run("no longer than wanted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := siteOf(t, newLAN(), ServerConfig{})
			p := s.guest(t, 1)
			p.send(con(1, get("held")))
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			wantErr(t, s.Shutdown(ctx), context.DeadlineExceeded)
			close(s.hold)
			p.want(1, "ACK")
			p.idle(time.Hour) // what it answers is not sent
		})
	})
	t.Run("a failing socket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, err := New(ServerConfig{Resources: &resource.Router{}})
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, s.Serve(broken{newLAN().open(addr(0), addr(1))}), errBroken)
		})
	})
}

// clogged is a socket that takes nothing before it is free.
type clogged struct {
	*port
	free chan struct{}
}

func (c *clogged) WriteToUDPAddrPort(b []byte, to addrPort) (int, error) {
	<-c.free
	return c.port.WriteToUDPAddrPort(b, to)
}

var errBroken = errors.New("broken")

// broken is a socket that fails always.
type broken struct{ *port }

func (broken) ReadFromUDPAddrPort([]byte) (int, addrPort, error) { return 0, addrPort{}, errBroken }

// TestAccess tells of requests.
func TestAccess(t *testing.T) {
	type line struct {
		path string
		code coap.Code
		n    int
	}
	synctest.Test(t, func(t *testing.T) {
		var lines []line
		s := siteOf(t, newLAN(), ServerConfig{Access: func(q coap.Message, r remoteAddr, peer uint64, c coap.Code, n int, took int64) {
			if r.String() != "10.0.0.1:5683" || peer == 0 || took < 0 {
				t.Errorf("%v, %d, %d", r, peer, took)
			}
			lines = append(lines, line{string(q.Options.AppendPath(nil)), c, n})
		}})
		p := s.guest(t, 1)
		for i, m := range []coap.Message{get("hello"), get("nothing"), get("later"), get("x", coap.OptObserve, 0), get("panic")} {
			p.send(con(uint16(i), m))
			p.take()
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		want := []line{{"/hello", coap.CodeContent, 2}, {"/nothing", coap.CodeNotFound, 0}, {"/later", 0, 0}, {"/x", coap.CodeUnauthorized, 0}, {"/panic", coap.CodeInternalServerError, 0}}
		for i, w := range want {
			if i >= len(lines) || lines[i] != w {
				t.Fatalf("%v, want %v", lines, want)
			}
		}
		if a := s.Stats().Answers; a != [6]uint64{1, 0, 1, 0, 2, 1} {
			t.Errorf("%v", a)
		}
	})
}
