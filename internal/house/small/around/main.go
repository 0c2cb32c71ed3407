//go:build linux && (amd64 || arm64)

// Around is a page with what stands around and beside handlers: a policy for
// other origins, and metrics, for TinyGo to compile.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/cors"
	"github.com/bobtail-go/bobtail/metrics"
)

func page(w bobtail.Response, r *bobtail.Request) error { return w.Text("Hello, World!") }

func main() {
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	around, err := (cors.Policy{Origins: []string{"https://example.org"}}).Handler()
	check(err)
	srv.Use(around)
	check(srv.Handle("GET /", page))
	check(srv.Handle("GET /metrics", metrics.Handler(srv)))
	_, err = srv.Listen("127.0.0.1:0")
	check(err)
	check(srv.Start())
	select {}
}

func check(err error) {
	if err != nil {
		panic("around")
	}
}
