package secure

import (
	"crypto/tls"
	"slices"
	"time"

	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.Detacher = (*Backend)(nil)

// Detach implements transport.Detacher, if the inner backend is one. Of a
// secure stream it gives a net.Conn with a method ConnectionState, as that of
// a [tls.Conn]. It waits until what Send has taken has left, for Config.Linger
// at most. A stream whose handshake is not complete is not given away.
func (b *Backend) Detach(s transport.Stream) (any, error) {
	d, ok := b.inner.(transport.Detacher)
	if !ok {
		return nil, transport.ErrNotSupported
	}
	if s >= 0 {
		return d.Detach(s)
	}
	c := b.table.get(s)
	if c == nil {
		return nil, transport.ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.leaving:
		return nil, transport.ErrClosed
	case c.state != stateOpen:
		return nil, transport.ErrNotSupported
	}
	local, remote := b.inner.Local(c.inner), b.inner.Remote(c.inner)
	stream, err := d.Detach(c.inner)
	if err != nil {
		return nil, err
	}
	over, err := netconn.Of(stream, local, remote)
	rest, hold := []byte(nil), c.hold
	if x := c.out; x != nil {
		rest = slices.Clone(x.buf[x.at:x.to])
	}
	c.silence()
	c.free()
	if err != nil {
		return nil, transport.ErrDescriptors // and the stream is lost
	}
	c.over = over
	if len(rest) > 0 {
		over.SetWriteDeadline(time.Now().Add(b.cfg.Linger))
		over.Write(rest) // and if it fails, so does what is written next
		over.SetWriteDeadline(time.Time{})
	}
	if len(hold) > 0 {
		return &remembered{c.tls, hold}, nil
	}
	return c.tls, nil
}

// remembered is a connection with plaintext before what it will receive.
type remembered struct {
	*tls.Conn
	rest netconn.Rest
}

func (c *remembered) Read(p []byte) (int, error) { return c.rest.Read(p, c.Conn) }
