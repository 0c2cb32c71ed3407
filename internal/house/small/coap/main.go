//go:build linux && (amd64 || arm64)

// Coap serves resources over TCP, one that is answered later, one that takes and
// gives content in blocks, and one that is observed, for TinyGo to compile. See
// the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

var (
	topic *resource.Topic
	large [4000]byte
)

type source struct{}

func (source) Size() int64 { return int64(len(large)) }

func (source) ReadAt(p []byte, off int64) (int, error) { return copy(p, large[off:]), nil }

func hello(w resource.Response, _ *resource.Request) error { return w.Text("Hello, world") }

func echo(w resource.Response, r *resource.Request) error {
	return w.Code(coap.CodeContent).Bytes(r.Payload())
}

func read(w resource.Response, _ *resource.Request) error {
	return w.Source(coap.FormatOctets, source{})
}

func write(_ resource.Response, _ *resource.Request, p resource.Part) error {
	if p.Offset+uint64(len(p.P)) > uint64(len(large)) {
		return resource.ErrBadRequest
	}
	copy(large[p.Offset:], p.P)
	return nil
}

func later(_ resource.Response, r *resource.Request) error {
	t, err := r.Later(1_000_000_000)
	if err != nil {
		return err
	}
	return t.Answer(coap.CodeContent, nil, r.PathValue("name"))
}

func observe(w resource.Response, r *resource.Request) error {
	r.Observe(topic)
	return w.Text("first")
}

func publish(_ resource.Response, r *resource.Request) error {
	_, err := topic.Publish(resource.Notification{Payload: r.Payload()})
	return err
}

func main() {
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	r := new(resource.Router)
	topic = r.NewTopic(resource.TopicOptions{})
	check(r.Handle("GET /hello", hello))
	check(r.Handle("POST /echo", echo))
	check(r.Handle("GET /large", read))
	check(r.Add(resource.Route{Pattern: "PUT /large", Data: write}))
	check(r.Handle("GET /later/{name}", later))
	check(r.Handle("GET /topic", observe))
	check(r.Handle("POST /topic", publish))
	_, err = coaptcp.New(srv, coaptcp.Config{Resources: r})
	check(err)
	a, err := srv.Listen("coap+tcp://127.0.0.1:0")
	check(err)
	check(srv.Start())
	var text [transport.MaxAddrText]byte
	println(string(a.AppendTo(text[:0])))
	select {}
}

func check(err error) {
	if err != nil {
		println(err.Error())
		panic("coap")
	}
}
