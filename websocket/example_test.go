package websocket_test

import (
	"fmt"
	"log"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/web"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// An echo: of whole messages, and of those that may be of any length.
func Example() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("GET /echo", sockets.Upgrade(websocket.Options{}, websocket.Handler{
		Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) },
	}))
	srv.Handle("GET /stream", sockets.Upgrade(websocket.Options{}, websocket.Handler{
		Data: func(c *websocket.Conn, p ws.Part) error { return c.Piece(p.Op, p.Last, p.Payload) },
	}))
	fmt.Println(sockets.MaxWhole() > 8000)
	// Output: true
}

// A chat: who says something is heard in the whole room.
func Example_chat() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		log.Fatal(err)
	}
	room := sockets.NewTopic(websocket.TopicOptions{Slow: engine.CloseSlow})
	say := func(c *websocket.Conn, what string) {
		room.Publish(ws.OpText, fmt.Appendf(nil, "%s %s", c.Value(), what))
	}
	chat := sockets.Upgrade(websocket.Options{MaxMessage: 500, Rate: 10}, websocket.Handler{
		Open: func(c *websocket.Conn) error {
			say(c, "has come")
			return room.Subscribe(c.Socket())
		},
		Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			say(c, "says: "+string(p))
			return nil
		},
		Close: func(c *websocket.Conn, code ws.Code, reason []byte) { say(c, "has left") },
	})
	srv.Handle("GET /chat/{name}", func(w web.Response, r *web.Request) error {
		r.SetValue(string(r.PathValue("name")))
		return chat(w, r)
	})
	fmt.Println(room.Len(), "are here")
	// Output: 0 are here
}

// A handler that loops, for the few connections that need one.
func ExampleDriver_Straight() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("GET /add", sockets.Straight(websocket.Options{}, func(c *websocket.Straight) error {
		sum := 0
		for {
			var b [20]byte
			_, p, err := c.ReadMessage(b[:])
			if err != nil {
				return err
			}
			var n int
			if _, err := fmt.Sscan(string(p), &n); err != nil {
				return err // the peer is told 1011
			}
			sum += n
			if err := c.WriteText(fmt.Sprint(sum)); err != nil {
				return err
			}
		}
	}))
}
