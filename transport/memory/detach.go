package memory

import "github.com/bobtail-go/bobtail/transport"

var _ transport.Detacher = (*Network)(nil)

// Detach implements transport.Detacher: it gives a *Peer, which is the
// engine's end of the stream from then on.
func (n *Network) Detach(s transport.Stream) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.stream(s)
	if e == nil {
		return nil, transport.ErrClosed
	}
	n.release(e)
	e.attached = false // an event that is queued is not told
	return n.newPeer(e), nil
}
