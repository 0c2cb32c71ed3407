package main_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/firmware/image"
	"github.com/bobtail-go/bobtail/firmware/qemutest"
	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
)

// fixed gives the board the address that QEMU's own network forwards to.
const fixed = "-ldflags=-X main.address=10.0.2.15"

// whole is the whole program.
func whole(t *testing.T) image.Image {
	t.Helper()
	return qemutest.Build(t, ".", fixed)
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
