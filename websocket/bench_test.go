package websocket_test

import (
	"strconv"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
)

// treadmill is a network of one client, who sends the same again and again, and
// to whom sending costs nothing: what is left is what the driver and the engine
// cost.
type treadmill struct {
	*memory.Network
	in     string // what the client sends
	at     int
	tag    uint64
	events int
}

func (n *treadmill) Now() int64 { return 1e9 }

func (n *treadmill) Accept(l transport.Listener) (transport.Stream, error) {
	if n.tag != 0 {
		return 0, transport.ErrWouldBlock
	}
	return 1, nil
}

func (n *treadmill) Attach(_ transport.Stream, _ int, tag uint64) error {
	n.tag = tag
	return nil
}

func (n *treadmill) Wait(_ int, ev []transport.Event, _ int64) (int, error) {
	switch {
	case n.tag == 0 && n.events == 0:
		n.events++
		ev[0] = transport.Event{Tag: 1 << 31, Ready: transport.Acceptable}
		return 1, nil
	case n.tag != 0 && n.events > 0:
		n.events--
		ev[0] = transport.Event{Tag: n.tag, Ready: transport.Readable}
		return 1, nil
	}
	return 0, nil
}

func (n *treadmill) Receive(_ transport.Stream, b []byte) ([]byte, error) {
	k := copy(b, n.in[n.at:])
	if n.at += k; n.at == len(n.in) {
		n.at = 0
	}
	return b[:k], nil
}

func (n *treadmill) Send(_ transport.Stream, bufs [][]byte) (int, error) {
	k := 0
	for _, b := range bufs {
		k += len(b)
	}
	return k, nil
}

func (n *treadmill) Consume(transport.Stream, int)    {}
func (n *treadmill) Holds() int                       { return 0 }
func (n *treadmill) CloseStream(transport.Stream)     {}
func (n *treadmill) Abort(transport.Stream)           {}
func (n *treadmill) Arm(transport.Listener, bool)     {}
func (n *treadmill) CloseListener(transport.Listener) {}

// BenchmarkEcho is the echo of a message, without the network.
func BenchmarkEcho(b *testing.B) {
	for _, h := range echoes {
		for _, size := range []int{64, 1024} {
			b.Run(h.name+"/"+strconv.Itoa(size), func(b *testing.B) {
				n := &treadmill{Network: memory.New(memory.Config{}), in: hello("/ws")}
				defer n.Network.Close()
				srv, err := bobtail.New(bobtail.Config{Backend: n, Workers: 1, Sockets: 4, Lanes: 1})
				if err != nil {
					b.Fatal(err)
				}
				d, err := websocket.New(srv, websocket.Config{})
				if err != nil {
					b.Fatal(err)
				}
				if err := srv.Handle("GET /ws", d.Upgrade(websocket.Options{}, h.h)); err != nil {
					b.Fatal(err)
				}
				if _, err := srv.Listen("127.0.0.1:0"); err != nil {
					b.Fatal(err)
				}
				poll := func() {
					if _, err := srv.Poll(1e9); err != nil {
						b.Fatal(err)
					}
				}
				poll()
				if d.Stats().Open != 1 {
					b.Fatal("no connection")
				}
				n.in, n.at = frame(bin, servertest.Pattern(size)), 0
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					n.events = 1
					poll()
				}
				if got := d.Stats().Messages; got == 0 {
					b.Fatal("no messages")
				}
				srv.Close()
			})
		}
	}
}
