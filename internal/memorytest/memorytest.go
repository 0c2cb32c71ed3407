// Package memorytest is the network in memory as the suite of backends sees
// it: for the backend itself, and for what stands on it.
package memorytest

import (
	"bytes"
	"io"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

// Fixture is a network on which nothing has been done, and which is the test's
// from then on. Whether it has faults is for the caller to say.
func Fixture(n *memory.Network) transporttest.Fixture {
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
	}
}

// listener accepts what the suite calls a peer.
type listener struct{ *memory.PeerListener }

func (l listener) Accept() (transporttest.Peer, error) {
	p, err := l.PeerListener.Accept()
	if err != nil {
		return nil, err
	}
	return p, nil
}
