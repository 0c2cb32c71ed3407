// Package lnetotest is a wire in the memory of a test, with network cards on
// it, and a host at one of them that dials.
package lnetotest

import (
	"context"
	"net"

	"github.com/bobtail-go/bobtail/transport/lneto"
)

// Faults are what a wire does to frames, each a chance in 1000.
type Faults struct {
	Seed                   uint64
	Lose, Double, Exchange int // Exchange: the frame comes after the next one
}

// Wire carries each frame from one card to all others.
type Wire struct{}

// NewWire makes a wire.
func NewWire(f Faults) *Wire { return &Wire{} }

// Card makes a card on the wire.
func (w *Wire) Card() lneto.NIC { return nil }

// Host is a machine on the wire that dials: a Backend that runs on a goroutine
// of its own.
type Host struct{}

// NewHost makes a host with a card of its own. c.Addr must be given.
func NewHost(w *Wire, c lneto.Config) (*Host, error) { return &Host{}, nil }

// DialContext opens a connection, for http.Transport among others.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, net.ErrClosed
}

// Close ends the host's goroutine.
func (h *Host) Close() error { return nil }
