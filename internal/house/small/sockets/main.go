//go:build linux && (amd64 || arm64)

// Sockets echoes messages, whole and in pieces, and publishes some to all who
// listen, for TinyGo to compile. See the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

var topic *websocket.Topic

func echo(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) }

func echoPiece(c *websocket.Conn, p ws.Part) error { return c.Piece(p.Op, p.Last, p.Payload) }

func subscribe(c *websocket.Conn) error { return topic.Subscribe(c.Socket()) }

func publish(_ *websocket.Conn, op ws.Opcode, p []byte) error {
	_, err := topic.Publish(op, p)
	return err
}

func main() {
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	sockets, err := websocket.New(srv, websocket.Config{})
	check(err)
	topic = sockets.NewTopic(websocket.TopicOptions{})
	check(srv.Handle("GET /echo", sockets.Upgrade(websocket.Options{}, websocket.Handler{Message: echo})))
	check(srv.Handle("GET /stream", sockets.Upgrade(websocket.Options{}, websocket.Handler{Data: echoPiece})))
	check(srv.Handle("GET /topic", sockets.Upgrade(websocket.Options{}, websocket.Handler{Open: subscribe, Message: publish})))
	a, err := srv.Listen("127.0.0.1:0")
	check(err)
	check(srv.Start())
	var text [transport.MaxAddrText]byte
	println(string(a.AppendTo(text[:0])))
	select {}
}

func check(err error) {
	if err != nil {
		println(err.Error())
		panic("sockets")
	}
}
