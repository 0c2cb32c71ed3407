//go:build linux && (amd64 || arm64)

// Events publishes to those who listen and answers those who wait, for TinyGo
// to compile. See the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport"
)

var (
	srv    *bobtail.Server
	topic  *sse.Topic
	ticket bobtail.Ticket
)

func publish(w bobtail.Response, r *bobtail.Request) error {
	if _, err := topic.Publish(sse.Event{Name: "n", Data: r.Query()}); err != nil {
		return err
	}
	return w.Text("published")
}

func poll(w bobtail.Response, r *bobtail.Request) (err error) {
	ticket, err = r.Later(60e9)
	return err
}

func now(w bobtail.Response, r *bobtail.Request) error { return w.Text("now") }

func answer(w bobtail.Response, r *bobtail.Request) error {
	if err := srv.Answer(ticket, now); err != nil {
		return w.Status(409).Text("nobody waits")
	}
	return w.Text("answered")
}

func main() {
	var err error
	srv, err = bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	topic, err = sse.New(srv, sse.Options{Replay: 1024, Subscribers: 8})
	check(err)
	check(srv.Handle("GET /events", topic.Subscribe))
	check(srv.Handle("POST /publish", publish))
	check(srv.Handle("GET /poll", poll))
	check(srv.Handle("POST /answer", answer))
	a, err := srv.Listen("127.0.0.1:0")
	check(err)
	check(srv.Start())
	var text [transport.MaxAddrText]byte
	println(string(a.AppendTo(text[:0])))
	select {}
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
