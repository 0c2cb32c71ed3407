//go:build linux && (amd64 || arm64)

package engine_test

import (
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

func init() {
	backends = append(backends, backend{
		name: "epoll",
		open: func(lanes int) (transport.Backend, error) { return epoll.New(epoll.Config{Lanes: lanes}) },
		dial: dialHost,
	})
}

func dialHost(to transport.Addr) (conn, error) {
	c, err := servertest.Dial(to.String())
	if err != nil {
		return nil, err
	}
	return hostConn{c}, nil
}

type hostConn struct{ *servertest.TCPConn }

// Reset closes without lingering, which sends an RST.
func (c hostConn) Reset() error {
	c.SetLinger(0)
	return c.Close()
}
