//go:build !(linux && (amd64 || arm64)) && tinygo

package bobtail

import "github.com/bobtail-go/bobtail/transport"

// openBackend has nothing to open: there is no system to ask.
func openBackend(int) (transport.Backend, error) { return nil, transport.ErrNotSupported }
