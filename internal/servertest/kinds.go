// Package servertest runs servers for tests, on every backend, and has clients
// for them that speak in bytes. A protocol's tests embed Fixture and Client in
// their own, which know the protocol.
//
// On memory a test is in a bubble of package synctest and in virtual time: it
// knows when the server has done all that it will do, and a deadlock is found at
// once.
package servertest

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// A Kind is a backend that tests run on.
type Kind struct {
	Name   string
	Open   func(lanes int) (transport.Backend, error) // nil is memory
	Memory memory.Config                              // if Open is nil; Lanes is cut to the workers
}

// Kinds are the backends that every test of a server runs on, memory first.
func Kinds() []Kind {
	return slices.Concat([]Kind{
		{Name: "memory"},
		{Name: "memory, two lanes, held bytes", Memory: memory.Config{Lanes: 2, Holds: 512, Pipe: 700}},
	}, Real())
}

// Real are those of the Kinds that are over the system's network.
func Real() []Kind {
	return slices.Concat(pollers, []Kind{
		{Name: "net", Open: func(lanes int) (transport.Backend, error) {
			return netstd.New(netstd.Config{Lanes: lanes})
		}},
		{Name: "net, buffered", Open: func(lanes int) (transport.Backend, error) {
			return netstd.New(netstd.Config{Lanes: lanes, Buffered: true})
		}},
	})
}

// Pollers are those of the Kinds whose streams are descriptors of the system.
func Pollers() []Kind { return pollers }

// Run runs a test on the backend, on memory in a bubble.
func (k Kind) Run(t *testing.T, test func(t *testing.T, k Kind)) {
	t.Helper()
	if k.Open == nil {
		synctest.Test(t, func(t *testing.T) { test(t, k) })
	} else {
		test(t, k)
	}
}

// Each runs a test once on each of the Kinds.
func Each(t *testing.T, test func(t *testing.T, k Kind)) {
	t.Helper()
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) { k.Run(t, test) })
	}
}

// Virtual is Each on memory alone, for tests of what takes time.
func Virtual(t *testing.T, test func(t *testing.T, k Kind)) {
	t.Helper()
	for _, k := range Kinds() {
		if k.Open == nil {
			t.Run(k.Name, func(t *testing.T) { k.Run(t, test) })
		}
	}
}
