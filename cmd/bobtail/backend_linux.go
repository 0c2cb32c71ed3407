//go:build linux && (amd64 || arm64)

package main

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/uring"
)

// backends are those of this system, the default first.
var backends = []backend{
	{"epoll", func(lanes int) (transport.Backend, error) { return epoll.New(epoll.Config{Lanes: lanes}) }},
	overNet,
	{"uring", func(lanes int) (transport.Backend, error) { return uring.New(uring.Config{Lanes: lanes}) }},
}
