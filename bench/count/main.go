// Count serves requests and messages without a network, so that what they cost can
// be counted: bench runs it under callgrind, twice, and what the longer run takes
// more is what its further requests take.
//
//	count WORK REQUESTS
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/internal/mill"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: count WORK REQUESTS")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = serve(os.Args[1], n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "count:", err)
		os.Exit(1)
	}
}

// depth is how many requests a client sends at a time where it sends several.
const depth = 16

// clients are how many have something at a time: a wait of a server that is busy
// finds about so many.
const clients = 16

const greeting = "Hello, World!"

// work is what is served.
type work struct {
	name  string
	coap  bool
	first string // that a connection begins with
	text  string // that is sent again and again
	many  int    // how many requests that is
}

// serve has n requests or messages served, or a few more: as many as turns have.
func serve(name string, n int) error {
	i := slices.IndexFunc(works(), func(w work) bool { return w.name == name })
	if i < 0 || n <= 0 {
		return fmt.Errorf("there is no work %q of %d requests", name, n)
	}
	w := works()[i]
	m := mill.New(clients)
	srv, err := newServer(m, w)
	if err != nil {
		return err
	}
	defer srv.Close()
	turn := func(text []byte) (int, error) {
		sent := m.Sent
		m.Turn(text)
		_, err := srv.Poll(m.Now())
		return m.Sent - sent, err
	}
	for m.Connected() < clients {
		if _, err := turn(nil); err != nil {
			return err
		}
	}
	if w.first != "" {
		if _, err := turn([]byte(w.first)); err != nil {
			return err
		}
	}
	text := []byte(w.text)
	want, err := turn(text)
	if err != nil {
		return err
	}
	if want < clients*w.many*2 {
		return fmt.Errorf("%d requests have %d bytes of answers", clients*w.many, want)
	}
	return turns(turn, text, want, (n+clients*w.many-1)/(clients*w.many))
}

// turns is what is counted: all else is done before, whatever n is.
//
//go:noinline
func turns(turn func([]byte) (int, error), text []byte, want, n int) error {
	for range n {
		switch got, err := turn(text); {
		case err != nil:
			return err
		case got != want:
			return fmt.Errorf("%d bytes of answers, and %d before", got, want)
		}
	}
	return nil
}

func newServer(m *mill.Mill, w work) (*bobtail.Server, error) {
	srv, err := bobtail.New(bobtail.Config{
		Backend: m, Workers: 1, Sockets: clients, Lanes: 1,
		Wall: func() int64 { return 784111777e9 },
	})
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:80"
	if w.coap {
		r := new(resource.Router)
		r.Handle("GET /hello", func(w resource.Response, _ *resource.Request) error { return w.Text(greeting) })
		if _, err := coaptcp.New(srv, coaptcp.Config{Resources: r}); err != nil {
			return nil, err
		}
		address = "coap+tcp://127.0.0.1"
	}
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		srv.Handle("GET /plaintext", func(w bobtail.Response, _ *bobtail.Request) error { return w.Text(greeting) }),
		srv.Handle("GET /ws", sockets.Upgrade(websocket.Options{}, websocket.Handler{
			Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) },
		})))
	if err == nil {
		_, err = srv.Listen(address)
	}
	return srv, err
}

// works are all works that there are. The requests are those of the load generator.
func works() []work {
	const get = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n"
	const upgrade = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	frame := string(ws.AppendFrame(nil, ws.Header{Op: ws.OpBinary, Fin: true, Masked: true, Key: 0x37fa213d}, bytes.Repeat([]byte("a"), 64)))
	csm := string(coap.AppendCSM(nil, coap.Settings{}))
	hello := string(coap.AppendTCP(nil, coap.Message{Code: coap.CodeGET, Token: []byte{0, 0, 1, 1}, Options: coap.AppendOption(nil, 0, coap.OptURIPath, []byte("hello"))}))
	return []work{
		{name: "plain", text: get, many: 1},
		{name: "pipelined", text: strings.Repeat(get, depth), many: depth},
		{name: "ws64", first: upgrade, text: frame, many: 1},
		{name: "coap", coap: true, first: csm, text: hello, many: 1},
		{name: "coap16", coap: true, first: csm, text: strings.Repeat(hello, depth), many: depth},
	}
}
