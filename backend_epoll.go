//go:build linux && (amd64 || arm64)

package bobtail

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

func openBackend(lanes int) (transport.Backend, error) {
	b, err := epoll.New(epoll.Config{Lanes: lanes})
	if err != nil {
		return nil, err
	}
	return b, nil
}
