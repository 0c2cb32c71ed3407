//go:build linux && (amd64 || arm64)

package main

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

// backends are those of this system, the default first.
var backends = []backend{
	{"epoll", func(lanes int) (transport.Backend, error) { return epoll.New(epoll.Config{Lanes: lanes}) }},
	overNet,
}
