package netstd

import (
	"net"
	"time"

	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.Detacher = (*Backend)(nil)

// Detach implements transport.Detacher: it gives a net.Conn. Of a buffered
// stream it waits until what Send has taken has left.
func (b *Backend) Detach(name transport.Stream) (any, error) {
	s := b.stream(name)
	if s == nil {
		return nil, transport.ErrClosed
	}
	if _, err := b.state(name); err != nil {
		return nil, transport.ErrNotSupported // it is not connected
	}
	b.drop(name)
	return s.leave().detach(), nil
}

// longAgo is a deadline that ends the calls that wait.
var longAgo = time.Unix(1, 0)

func (b *buffered) detach() net.Conn {
	b.mu.Lock()
	b.detached = true
	b.inChange.Signal()
	b.outChange.Signal()
	b.conn.SetReadDeadline(longAgo)
	b.mu.Unlock()
	b.ended.Wait()
	b.conn.SetDeadline(time.Time{})
	// Nobody else looks from here on.
	return netconn.Behind(b.in[b.inStart:b.inEnd], b.conn)
}
