// Bobtailws is the server of the comparison that broadcasts with Bobtail: a topic,
// as its documentation shows it. cmd/bobtail does all the rest.
package main

import (
	"flag"
	"fmt"
	"log"
	"runtime"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/netstd"
	"github.com/bobtail-go/bobtail/transport/uring"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	sockets := flag.Int("sockets", 1024, "`N` connections at once")
	network := flag.String("backend", "epoll", "`BACKEND`, epoll, uring or net")
	flag.Parse()
	backend, err := open(*network)
	if err != nil {
		log.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{Sockets: *sockets, Backend: backend})
	if err != nil {
		log.Fatal(err)
	}
	driver, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		log.Fatal(err)
	}
	listeners := driver.NewTopic(websocket.TopicOptions{})
	listen := websocket.Handler{
		Open:    func(c *websocket.Conn) error { return listeners.Subscribe(c.Socket()) },
		Message: func(*websocket.Conn, ws.Opcode, []byte) error { return nil },
	}
	publish := websocket.Handler{
		Message: func(_ *websocket.Conn, op ws.Opcode, p []byte) error {
			_, err := listeners.Publish(op, p)
			return err
		},
	}
	for pattern, h := range map[string]websocket.Handler{"GET /ws/listen": listen, "GET /ws/publish": publish} {
		if err := srv.Handle(pattern, driver.Upgrade(websocket.Options{}, h)); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(srv.ListenAndServe("http://" + *addr))
}

func open(name string) (transport.Backend, error) {
	lanes := runtime.GOMAXPROCS(0)
	switch name {
	case "epoll":
		return epoll.New(epoll.Config{Lanes: lanes})
	case "uring":
		return uring.New(uring.Config{Lanes: lanes})
	case "net":
		return netstd.New(netstd.Config{Lanes: lanes})
	}
	return nil, fmt.Errorf("there is no backend %q", name)
}
