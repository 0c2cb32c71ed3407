//go:build linux && (amd64 || arm64)

package engine_test

import (
	"net"
	"time"

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
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return hostConn{c.(*net.TCPConn)}, nil
}

type hostConn struct{ *net.TCPConn }

// Reset closes without lingering, which sends an RST.
func (c hostConn) Reset() error {
	c.SetLinger(0)
	return c.Close()
}
