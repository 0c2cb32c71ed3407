package main

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// backend is a network that serve can use.
type backend struct {
	name string
	open func(lanes int) (transport.Backend, error)
}

// overNet is package net, which every system has.
var overNet = backend{"net", func(lanes int) (transport.Backend, error) { return netstd.New(netstd.Config{Lanes: lanes}) }}

func backendNames() (names []string) {
	for _, b := range backends {
		names = append(names, b.name)
	}
	return names
}

// openBackend opens the backend with a name, which is one of backendNames.
func openBackend(name string, lanes int) (transport.Backend, error) {
	for _, b := range backends {
		if b.name == name {
			return b.open(lanes)
		}
	}
	panic("BUG: no backend " + name)
}
