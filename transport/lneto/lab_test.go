package lneto_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

const second = 1_000_000_000

// A lab is two machines on a wire, driven by one goroutine in virtual time:
// the same seed and the same calls give the same results.
type lab struct {
	t            *testing.T
	clock        int64
	wire         *lnetotest.Wire
	device, peer *machine
}

// A machine is a backend and its card.
type machine struct {
	*lneto.Backend
	card *lnetotest.Card
	off  bool // it does nothing
}

func newLab(t *testing.T, device, peer lneto.Config, f lnetotest.Faults) *lab {
	l := &lab{t: t, clock: second, wire: lnetotest.NewWire(f)}
	device.MAC, device.Addr = deviceMAC, deviceAddr
	peer.MAC, peer.Addr = peerMAC, peerAddr
	l.device, l.peer = l.machine(device), l.machine(peer)
	return l
}

func (l *lab) machine(c lneto.Config) *machine {
	l.t.Helper()
	c.Now = func() int64 { return l.clock }
	c.Seed += 77
	b, err := lneto.New(c)
	if err != nil {
		l.t.Fatal(err)
	}
	return &machine{Backend: b, card: l.wire.Card()}
}

// step lets both machines take a turn, and the clock a millisecond if nothing
// moved.
func (l *lab) step() {
	moved := false
	for _, m := range []*machine{l.device, l.peer} {
		if m.off {
			continue
		}
		k, err := m.Step(m.card)
		if err != nil {
			l.t.Fatal(err)
		}
		moved = moved || k
	}
	if !moved {
		l.clock += second / 1000
	}
}

// until steps until a condition holds, for at most d of virtual time.
func (l *lab) until(d int64, what string, holds func() bool) {
	l.t.Helper()
	for end := l.clock + d; !holds(); l.step() {
		if l.clock >= end {
			l.t.Fatalf("after %d ms: not so: %s\ndevice:\n%speer:\n%s", d/1_000_000, what, l.device.Dump(), l.peer.Dump())
		}
	}
}

// pass steps for d of virtual time.
func (l *lab) pass(d int64) {
	for end := l.clock + d; l.clock < end; {
		l.step()
	}
}

// listen opens a listener of the device.
func (l *lab) listen() (transport.Listener, transport.Addr) {
	l.t.Helper()
	id, err := l.device.Listen(transport.Addr{}, 1)
	if err != nil {
		l.t.Fatal(err)
	}
	return id, deviceAddr.WithPort(l.device.ListenerAddr(id).Port())
}

// dial opens a connection of the peer to the device.
func (l *lab) dial(a transport.Addr) transport.Stream {
	l.t.Helper()
	s, err := l.peer.Dial(a)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// pair makes a connection. On a bad wire a client may find itself connected
// whom the device has forgotten: it tries again, as clients do.
func (l *lab) pair(id transport.Listener, a transport.Addr) (device, peer transport.Stream) {
	l.t.Helper()
	for range 5 {
		peer = l.dial(a)
		for end := l.clock + 40*second; l.clock < end; l.step() {
			if s, err := l.device.Accept(id); err == nil {
				return s, peer
			}
		}
		l.peer.Abort(peer)
	}
	l.t.Fatal("no connection")
	return
}
