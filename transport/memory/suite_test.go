package memory_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

func TestConformance(t *testing.T) {
	faults := memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 300}
	for _, tt := range []struct {
		name string
		cfg  memory.Config
	}{
		{"one lane", memory.Config{}},
		{"three lanes", memory.Config{Lanes: 3}},
		{"small pipes", memory.Config{Lanes: 2, Pipe: 100}},
		{"holds", memory.Config{Holds: 512}},
		{"holds, small pipes", memory.Config{Lanes: 2, Holds: 64, Pipe: 64}},
		{"faults", memory.Config{Seed: 1, Lanes: 2, Faults: faults}},
		{"holds and faults", memory.Config{Seed: 2, Holds: 512, Faults: faults}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transporttest.Run(t, func(*testing.T) transporttest.Fixture {
				n := memory.New(tt.cfg)
				return transporttest.Fixture{
					Backend: n,
					Addr:    transport.IPv4(127, 0, 0, 1, 0),
					Addr6:   transport.IPv6([16]byte{15: 1}, 0, 0),
					Dial: func(to transport.Addr) (transporttest.Peer, error) {
						p, err := n.Connect(to)
						if err != nil {
							return nil, err
						}
						return p, p.AwaitConnected()
					},
					Listen: func(at transport.Addr) (transporttest.PeerListener, error) {
						l, err := n.ListenPeer(at)
						if err != nil {
							return nil, err
						}
						return listener{l}, nil
					},
					File: func(content []byte) (uintptr, io.Closer, error) {
						return n.AddFile(bytes.NewReader(content)), io.NopCloser(nil), nil
					},
					Advance: n.Advance,
					Faulty:  tt.cfg.Faults != memory.Faults{},
				}
			})
		})
	}
}

type listener struct{ *memory.PeerListener }

func (l listener) Accept() (transporttest.Peer, error) {
	p, err := l.PeerListener.Accept()
	if err != nil {
		return nil, err
	}
	return p, nil
}
