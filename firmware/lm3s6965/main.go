//go:build lm3s6965

// Lm3s6965 is the program of the LM3S6965 evaluation board: HTTP and WebSocket
// on port 80, CoAP on port 5683.
package main

import (
	"github.com/bobtail-go/bobtail/firmware/lm3s6965/device"
	"github.com/bobtail-go/bobtail/firmware/site"
)

// address is set at build time by -ldflags "-X main.address=10.0.0.2"; without,
// the board asks for one by DHCP.
var address string

func main() {
	device.Run(device.Program{
		Address: address,
		Add:     []func(*site.Site) error{(*site.Site).AddWebSocket, (*site.Site).AddCoAP},
		Listen:  []string{"http://:80", "coap+tcp://:5683"},
	})
}
