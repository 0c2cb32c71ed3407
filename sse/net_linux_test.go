//go:build amd64 || arm64

package sse_test

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

func init() {
	backends["epoll"] = func(lanes int) (transport.Backend, error) { return epoll.New(epoll.Config{Lanes: lanes}) }
}
