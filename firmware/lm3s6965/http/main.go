//go:build lm3s6965

// Http is the program of the board with HTTP alone, for its size.
package main

import "github.com/bobtail-go/bobtail/firmware/lm3s6965/device"

// address is set at build time, as it is for the whole program.
var address string

func main() {
	device.Run(device.Program{Address: address, Listen: []string{"http://:80"}})
}
