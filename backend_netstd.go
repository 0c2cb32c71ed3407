//go:build !(linux && (amd64 || arm64)) && !tinygo

package bobtail

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

func openBackend(lanes int) (transport.Backend, error) {
	b, err := netstd.New(netstd.Config{Lanes: lanes})
	if err != nil {
		return nil, err
	}
	return b, nil
}
