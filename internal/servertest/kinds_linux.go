//go:build amd64 || arm64

package servertest

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

var pollers = []Kind{{Name: "epoll", Open: func(lanes int) (transport.Backend, error) {
	return epoll.New(epoll.Config{Lanes: lanes})
}}}
