//go:build linux && (amd64 || arm64)

// Small is the site on Linux without package net, for TinyGo to compile: what
// can be said of a device's memory without a device. It prints the addresses
// that it serves HTTP and CoAP at.
package main

import (
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/transport"
)

func main() {
	b, err := bobtail.OpenBackend(1)
	check(err)
	s, err := site.New(site.Small(5, b), site.Board{Name: "Linux", LED: func(bool) {}})
	check(err)
	check(s.AddWebSocket())
	check(s.AddCoAP())
	for _, address := range []string{"127.0.0.1:0", "coap+tcp://127.0.0.1:0"} {
		a, err := s.Server().Listen(address)
		check(err)
		var text [transport.MaxAddrText]byte
		println(string(a.AppendTo(text[:0])))
	}
	check(s.Server().Start())
	for {
		s.Tick()
		time.Sleep(50 * time.Millisecond)
	}
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
