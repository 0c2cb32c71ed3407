//go:build linux && (amd64 || arm64)

// Server is the whole front door over the backend for Linux, with one page,
// for TinyGo to compile. See the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
)

func page(w bobtail.Response, r *bobtail.Request) error { return w.Text("Hello, World!") }

func main() {
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	check(srv.Handle("GET /", page))
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
