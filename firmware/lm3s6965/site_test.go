package main_test

import (
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/firmware/image"
	"github.com/bobtail-go/bobtail/firmware/qemutest"
	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
)

// QEMU's own network gives the board the address 10.0.2.15 by DHCP, and
// forwards connections to it.
const fixed = "-ldflags=-X main.address=10.0.2.15"

// built is the whole program, made once for all tests.
var built struct {
	sync.Once
	image.Image
}

// whole is the whole program.
func whole(t *testing.T) image.Image {
	t.Helper()
	built.Do(func() { built.Image = qemutest.Build(t, ".", fixed) })
	if built.ELF == "" {
		t.Skip("the program could not be built")
	}
	return built.Image
}

// board starts a board with the whole program.
func board(t *testing.T) *qemutest.Machine {
	t.Helper()
	m := qemutest.Start(t, qemutest.Config{Kernel: whole(t).ELF, Ports: []int{80, 5683}})
	m.Await("10.0.2.15:0\n", 1)
	return m
}

// TestSite drives the board as clients do, over QEMU's own network.
func TestSite(t *testing.T) {
	m := board(t)
	sitetest.Run(t, sitetest.Device{HTTP: m.Addr(80), CoAP: m.Addr(5683), Sockets: 5})
}
