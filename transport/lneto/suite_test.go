package lneto_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

var (
	deviceMAC  = [6]byte{2, 0, 0, 0, 0, 1}
	peerMAC    = [6]byte{2, 0, 0, 0, 0, 2}
	deviceAddr = transport.IPv4(10, 9, 0, 1, 0)
	peerAddr   = transport.IPv4(10, 9, 0, 2, 0)
)

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cfg    lneto.Config
		faults lnetotest.Faults
	}{
		{"whole segments", lneto.Config{}, lnetotest.Faults{}},
		{"buffers smaller than a segment", lneto.Config{RxSize: 512, TxSize: 300}, lnetotest.Faults{}},
		{"large buffers", lneto.Config{RxSize: 65535, TxSize: 65535}, lnetotest.Faults{}},
		{"a bad wire", lneto.Config{Now: fast}, lnetotest.Faults{Seed: 1, Lose: 10, Double: 50, Reorder: 50}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) transporttest.Fixture { return fixture(t, tt.cfg, tt.faults) })
		})
	}
}

var begun = time.Now().Add(-time.Second)

// fast is a clock of its own on which timeouts are short.
func fast() int64 { return int64(time.Since(begun)) * 8 }

// fixture is a backend whose peers are on another one.
func fixture(t *testing.T, c lneto.Config, f lnetotest.Faults) transporttest.Fixture {
	w := lnetotest.NewWire(f)
	card := w.Card()
	c.MAC, c.Addr = deviceMAC, deviceAddr
	c.Streams = 128
	c.Linger = second // what is lost is sent again, but for the last word of a peer who has gone
	if f != (lnetotest.Faults{}) {
		c.Linger = 40 * second
	}
	c.Idle, c.Kick = card.Idle, card.Kick
	b, err := lneto.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h, err := lnetotest.NewHost(w, lneto.Config{MAC: peerMAC, Addr: peerAddr, Streams: 256, Linger: c.Linger, Seed: 3, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(card)
	}()
	fx := transporttest.Fixture{
		Backend: closer{b, h, done},
		Addr:    deviceAddr,
		Dial: func(to transport.Addr) (transporttest.Peer, error) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			p, err := h.Dial(ctx, to)
			if err != nil {
				return nil, err
			}
			return peer{p, w}, nil
		},
		Listen: func(transport.Addr) (transporttest.PeerListener, error) {
			l, err := h.Listen(transport.Addr{})
			if err != nil {
				return nil, err
			}
			return listener{l, w}, nil
		},
		Streams: 128,
	}
	if strings.HasSuffix(t.Name(), "/busy_port") {
		fx.Listen = nil // of the suite's peers this case wants that they are on the same machine
	}
	return fx
}

// peer resets as a peer on the same machine does: it has come when Reset returns.
type peer struct {
	*lnetotest.Conn
	w *lnetotest.Wire
}

func (p peer) Reset() error {
	err := p.Conn.Reset()
	p.w.Settle()
	return err
}

type listener struct {
	*lnetotest.Listener
	w *lnetotest.Wire
}

func (l listener) Accept() (transporttest.Peer, error) {
	p, err := l.AcceptConn()
	if err != nil {
		return nil, err
	}
	return peer{p, l.w}, nil
}

func (l listener) Addr() transport.Addr { return l.Local() }

// closer closes the network with the backend.
type closer struct {
	*lneto.Backend
	h    *lnetotest.Host
	done chan struct{}
}

func (c closer) Close() error {
	err := c.Backend.Close()
	<-c.done // while the peers are there, who answer
	c.h.Close()
	return err
}
