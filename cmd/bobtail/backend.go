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
var overNet = backend{"net", func(lanes int) (transport.Backend, error) {
	b, err := netstd.New(netstd.Config{Lanes: lanes})
	if err != nil {
		return nil, err
	}
	return limited{b}, nil
}}

// limited is a backend whose sockets are counted against the descriptors that
// the process may open, as epoll does by itself.
type limited struct{ *netstd.Backend }

// ownDescriptors is how many the process needs beside its sockets: the
// standard three, those of the runtime, and some to spare. mostDescriptors is
// more than any process has.
const (
	ownDescriptors  = 16
	mostDescriptors = 1 << 30
)

// Limit is how many sockets there may be.
func (limited) Limit() int { return max(descriptorLimit()-ownDescriptors, 0) }

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
