package bobtail

import (
	"errors"

	"github.com/bobtail-go/bobtail/transport"
)

// ErrNoTLS is the error of Listen for "https://", and the like, where the backend speaks no
// TLS.
var ErrNoTLS = errors.New("bobtail: TLS needs a backend that speaks TLS: " +
	"make one with secure.New(backend, secure.Config{TLS: ...}) of package transport/secure, and set Config.Backend to it")

// OpenBackend opens the network that a server has if Config.Backend is nil,
// for programs that wrap it. lanes is Config.Lanes, but not 0. The errors are
// those of package transport: ErrNotSupported on bare metal, where there is
// no such network, and ErrDescriptors.
func OpenBackend(lanes int) (transport.Backend, error) { return openBackend(lanes) }

// listenSecure is Listen for clients who speak TLS.
func (s *Server) listenSecure(a transport.Addr, driver int) (transport.Addr, error) {
	a, err := s.Engine().ListenSecure(a, driver)
	if transport.ErrNotSupported.Is(err) {
		if _, ok := s.cfg.Backend.(transport.SecureListener); !ok {
			return a, ErrNoTLS
		}
	}
	return a, err
}
