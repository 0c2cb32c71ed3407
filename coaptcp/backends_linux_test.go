//go:build amd64 || arm64

package coaptcp_test

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

func init() {
	kinds = append(kinds, kind{name: "epoll", open: func(lanes int) (transport.Backend, error) {
		return epoll.New(epoll.Config{Lanes: lanes})
	}})
}
