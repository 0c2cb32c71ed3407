package site

import (
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/websocket"
)

// Small is the configuration of a server for a machine with 64 KB of RAM: as
// many sockets as are asked for, two workers, and no clock.
//
// A worker's memory of 2 KB has 1 KB for a head, as browsers send them once the
// fields that nobody wants are dropped, 512 bytes of an answer, and as many for
// a handler.
func Small(sockets int, b transport.Backend) bobtail.Config {
	return bobtail.Config{
		Backend:         b,
		Sockets:         sockets,
		Workers:         2,
		Spare:           -1,
		WorkerMemory:    2048,
		Stash:           2,
		OutputBlocks:    8,
		OutputBlockSize: 512,
		Sources:         -1,
		Lanes:           1,
		NoDate:          true,
		// With so few sockets nobody may keep one for nothing.
		Timeouts: bobtail.Timeouts{
			Open: 10 * time.Second, Head: 10 * time.Second, Idle: 30 * time.Second, Handler: 20 * time.Second,
			Body: 10 * time.Second, Write: 10 * time.Second, Drain: 3 * time.Second,
		},
	}
}

// Sockets is the configuration of WebSocket for a server of so many sockets,
// each of which may look.
func Sockets(sockets int) websocket.Config { return websocket.Config{Subscriptions: sockets} }

// CoAP is the configuration of CoAP over TCP that serves resources.
func CoAP(r *resource.Router) coaptcp.Config { return coaptcp.Config{Resources: r, InFlight: 1} }

// Resources is a router for a server of so many sockets, each of which may
// observe both of what changes. Nothing is put together from blocks.
func Resources(sockets int) *resource.Router {
	return &resource.Router{Transfers: 1, Observations: 2 * sockets, Tickets: 1}
}
