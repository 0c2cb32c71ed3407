package websocket

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
)

type dials struct{}

func (t *dials) drop(d *Driver, h pool.Handle) {}

func (c *Conn) serveDial() engine.Verdict { return engine.Abort }

func (d *Driver) pushMasked(s pool.Handle, h ws.Header, p []byte, mark int, policy engine.Overflow) error {
	return ErrClosed
}
