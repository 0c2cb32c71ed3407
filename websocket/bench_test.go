package websocket_test

import (
	"strconv"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/mill"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/websocket"
)

// BenchmarkEcho is the echo of a message, without the network.
func BenchmarkEcho(b *testing.B) {
	for _, h := range echoes {
		for _, size := range []int{64, 1024} {
			b.Run(h.name+"/"+strconv.Itoa(size), func(b *testing.B) {
				n := mill.New(1)
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
				poll := func(text []byte) {
					n.Turn(text)
					if _, err := srv.Poll(1e9); err != nil {
						b.Fatal(err)
					}
				}
				poll(nil) // which accepts the client
				poll([]byte(hello("/ws")))
				if d.Stats().Open != 1 {
					b.Fatal("no connection")
				}
				message := []byte(frame(bin, servertest.Pattern(size)))
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					poll(message)
				}
				if got := d.Stats().Messages; got == 0 {
					b.Fatal("no messages")
				}
				srv.Close()
			})
		}
	}
}
