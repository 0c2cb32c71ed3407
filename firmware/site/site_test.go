package site_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// peer is the far end of a stream as package net has one, without deadlines.
type peer struct{ *memory.Peer }

func (peer) LocalAddr() net.Addr              { return nil }
func (peer) RemoteAddr() net.Addr             { return nil }
func (peer) SetDeadline(time.Time) error      { return nil }
func (peer) SetReadDeadline(time.Time) error  { return nil }
func (peer) SetWriteDeadline(time.Time) error { return nil }

// open starts a device with every protocol on a network in memory.
func open(t *testing.T, c memory.Config, b site.Board) (*site.Site, *memory.Network) {
	t.Helper()
	n := memory.New(c)
	s, err := site.New(site.Small(5, n), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Server().Close() })
	if err := s.AddWebSocket(); err != nil {
		t.Fatal(err)
	}
	if err := s.AddCoAP(); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"http://127.0.0.1:80", "coap+tcp://127.0.0.1"} {
		if _, err := s.Server().Listen(address); err != nil {
			t.Fatal(err)
		}
	}
	return s, n
}

func TestSite(t *testing.T) {
	for name, c := range map[string]memory.Config{
		"as it is":                        {},
		"with views and little at a time": {Seed: 7, Holds: 1500, Pipe: 1460, Faults: memory.Faults{ShortReads: 100, ShortWrites: 100, WouldBlock: 50, Spurious: 50}},
	} {
		t.Run(name, func(t *testing.T) {
			lit := make(chan bool, 16)
			s, n := open(t, c, site.Board{
				Name:  "memory",
				LED:   func(on bool) { lit <- on },
				Heap:  func() (used, size uint64) { return 1, 2 },
				Stack: func(i int) (string, uint64, uint64) { return [...]string{"main", "worker", ""}[i], 3, 4 },
			})
			if err := s.Server().Start(); err != nil {
				t.Fatal(err)
			}
			ports := map[string]transport.Addr{}
			for address, port := range map[string]uint16{"device:80": 80, "device:5683": 5683} {
				ports[address] = transport.IPv4(127, 0, 0, 1, port)
			}
			sitetest.Run(t, sitetest.Device{
				HTTP: "device:80", CoAP: "device:5683", Sockets: 5,
				Connect: func(_ context.Context, _, address string) (net.Conn, error) {
					p, err := n.Connect(ports[address])
					if err != nil {
						return nil, err
					}
					return peer{p}, nil
				},
				Tick: func() {
					n.Advance(1_000_000_000)
					s.Tick()
				},
			})
			for i, want := range []bool{true, false, true, false} {
				if got := <-lit; got != want {
					t.Errorf("the LED is %v after %d changes", got, i+1)
				}
			}
		})
	}
}
