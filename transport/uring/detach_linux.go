//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"net"
	"os"

	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.Detacher = (*Backend)(nil)

// Detach implements transport.Detacher: it gives a transport.Descriptor, or a
// net.Conn if there are bytes that were received already, which has no deadlines
// where no descriptor is left for a duplicate. It fails with ErrTimedOut if the
// peer does not take what Send has taken.
func (b *Backend) Detach(s transport.Stream) (any, error) {
	t := b.at(int32(s))
	if t.lane < 0 {
		t.gen.Add(1)
		return transport.Descriptor(s), nil
	}
	l := &b.lanes[t.lane]
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.until(func() bool { return l.settle(t) }) {
		return nil, transport.ErrTimedOut
	}
	// A receive that has not ended takes bytes of whoever has the stream then.
	gen := t.gen.Load()
	l.cancel(t, int32(s), false)
	t.flags |= flagLeaving
	if !l.until(func() bool {
		l.take(userData(kindReceive, gen, int32(s)))
		return t.flags&flagReceiving == 0
	}) {
		t.flags &^= flagLeaving
		return nil, transport.ErrTimedOut
	}
	var rest []byte
	if t.end != 0 {
		rest = append(rest, l.received(t.buffer)[t.from:t.end]...)
		t.end = 0
		l.offer(t.buffer)
	}
	t.lane = -1
	t.gen.Add(1)
	if rest == nil {
		return transport.Descriptor(s), nil
	}
	f := os.NewFile(uintptr(s), "connection")
	c, err := net.FileConn(f) // of a duplicate
	if err == nil {
		f.Close()
	} else {
		// There is no descriptor for that. It is too late to fail: by its name the
		// engine would close another's stream.
		c, _ = netconn.Of(f, b.sys.Local(s), b.sys.Remote(s))
	}
	return netconn.Behind(rest, c), nil
}
