package bobtail

import (
	"errors"

	"github.com/bobtail-go/bobtail/transport"
)

// ErrNoTLS is the error of Listen for "https://" where the backend speaks no
// TLS.
var ErrNoTLS = errors.New("bobtail: https needs a backend that speaks TLS: " +
	"make one with secure.New(backend, secure.Config{TLS: ...}) of package transport/secure, and set Config.Backend to it")

// OpenBackend opens the network that a server has if Config.Backend is nil,
// for programs that wrap it. lanes is Config.Lanes, but not 0. The errors are
// those of package transport: ErrNotSupported on bare metal, where there is
// no such network, and ErrDescriptors.
func OpenBackend(lanes int) (transport.Backend, error) { return openBackend(lanes) }

// listenSecure is Listen for an address whose scheme was https.
func (s *Server) listenSecure(address string) (transport.Addr, error) {
	a, err := transport.ParseAddr(address)
	if err != nil {
		return a, err
	}
	if a, err = s.engine.ListenSecure(a, s.web.Number()); err == transport.ErrNotSupported {
		if _, ok := s.cfg.Backend.(transport.SecureListener); !ok {
			return a, ErrNoTLS
		}
	}
	return a, err
}

// cutScheme is s without the scheme, and whether it had it.
func cutScheme(s, scheme string) (string, bool) {
	if len(s) > len(scheme) && s[:len(scheme)] == scheme {
		return s[len(scheme):], true
	}
	return s, false
}
