package wsdial

import (
	"io"
	"net"
	"sync"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// lease is the Codec of a connection, given back to its Extension when the
// connection is closed, but not while it is in use: a goroutine that reads or
// sends learns of the end only after that.
type lease struct {
	extension wsconn.Extension
	params    wsconn.Params
	stateful  bool

	in, out sync.Mutex   // whoever decompresses, whoever compresses
	codec   wsconn.Codec // nil when it is given back; changed with both
}

// take has a Codec for what was agreed on, nil for nothing.
func take(e wsconn.Extension, p wsconn.Params) *lease {
	if p == 0 {
		return nil
	}
	l := &lease{extension: e, params: p, stateful: e.Stateful(ws.RoleClient, p)}
	if l.stateful {
		l.codec = e.Take(ws.RoleClient, p)
	} else {
		l.codec = e.Codec()
		l.codec.Bind(ws.RoleClient, p)
	}
	return l
}

// free gives the Codec back. The stream is closed, so that nobody uses it for
// much longer; whoever does may be waiting for who calls this.
func (l *lease) free() {
	if l == nil {
		return
	}
	go func() {
		l.in.Lock()
		defer l.in.Unlock()
		l.out.Lock()
		defer l.out.Unlock()
		if l.stateful {
			l.extension.Put(l.codec)
		}
		l.extension.Release(l.params)
		l.codec = nil
	}()
}

// Bind is wsconn.Codec's. take has done it.
func (l *lease) Bind(ws.Role, wsconn.Params) {}

// Compress is wsconn.Codec's.
func (l *lease) Compress(w io.Writer, b []byte, last bool) error {
	l.out.Lock()
	defer l.out.Unlock()
	if l.codec == nil {
		return net.ErrClosed
	}
	return l.codec.Compress(w, b, last)
}

// Decompress is wsconn.Codec's.
func (l *lease) Decompress(r io.Reader) {
	l.in.Lock()
	defer l.in.Unlock()
	if l.codec != nil {
		l.codec.Decompress(r)
	}
}

// Read is wsconn.Codec's.
func (l *lease) Read(p []byte) (int, error) {
	l.in.Lock()
	defer l.in.Unlock()
	if l.codec == nil {
		return 0, net.ErrClosed
	}
	return l.codec.Read(p)
}
