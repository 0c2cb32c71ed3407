//go:build linux && (amd64 || arm64)

package epoll

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.Detacher = (*Backend)(nil)

// Detach implements transport.Detacher: it gives a transport.Descriptor.
func (b *Backend) Detach(s transport.Stream) (any, error) {
	if err := b.settle(s); err != nil {
		return nil, err
	}
	// TinyGo keeps the lane of a stream nowhere, and this is rare: it is taken out
	// of the one that has it. A stream that was never attached is in none.
	for i := range b.lanes {
		switch err := b.control(&b.lanes[i], syscall.EPOLL_CTL_DEL, int32(s), 0, 0); transport.Of(err) {
		case 0:
			b.forget(s)
			return transport.Descriptor(s), nil
		case transport.ErrClosed:
			return nil, err
		}
	}
	return transport.Descriptor(s), nil
}
