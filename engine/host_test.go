package engine_test

import (
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
)

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
