// Echo sends WebSocket messages back, at ws://127.0.0.1:8080/: try it with
// bobtail ws ws://127.0.0.1:8080/.
package main

import (
	"log"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// echo is called when a message is there. Between two messages the connection
// holds nothing but its socket.
func echo(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) }

// serve adds it to a server.
func serve(srv *bobtail.Server) error {
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		return err
	}
	return srv.Handle("GET /", sockets.Upgrade(websocket.Options{}, websocket.Handler{Message: echo}))
}

func main() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(srv); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
