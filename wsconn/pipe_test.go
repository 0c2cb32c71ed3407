package wsconn_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// half is one direction of a stream in memory: a buffer with a limit, which
// gives and takes pieces of any size.
type half struct {
	mu     sync.Mutex
	change sync.Cond
	buf    []byte
	limit  int
	most   func() int // of a piece
	closed bool
}

func newHalf(limit int, most func() int) *half {
	h := &half{limit: limit, most: most}
	h.change.L = &h.mu
	return h
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 && !h.closed {
		h.change.Wait()
	}
	if len(h.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.buf[:min(len(h.buf), h.most())])
	h.buf = h.buf[:copy(h.buf, h.buf[n:])]
	h.change.Broadcast()
	return n, nil
}

func (h *half) Write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		for len(h.buf) >= h.limit && !h.closed {
			h.change.Wait()
		}
		if h.closed {
			return n, io.ErrClosedPipe
		}
		k := min(len(p), h.limit-len(h.buf))
		h.buf = append(h.buf, p[:k]...)
		p = p[k:]
		n += k
		h.change.Broadcast()
	}
	return n, nil
}

func (h *half) close() {
	h.mu.Lock()
	h.closed = true
	h.change.Broadcast()
	h.mu.Unlock()
}

// duplex is one end of a stream in memory.
type duplex struct{ in, out *half }

func (d duplex) Read(p []byte) (int, error)  { return d.in.Read(p) }
func (d duplex) Write(p []byte) (int, error) { return d.out.Write(p) }
func (d duplex) Close() error                { d.in.close(); d.out.close(); return nil }

// pipes make both ends of a stream.
var pipes = []struct {
	name string
	open func(seed uint64) (a, b io.ReadWriteCloser)
}{
	{"net.Pipe", func(uint64) (a, b io.ReadWriteCloser) { return net.Pipe() }},
	{"memory", func(seed uint64) (a, b io.ReadWriteCloser) {
		r := rand.New(rand.NewPCG(seed, 1))
		var mu sync.Mutex
		most := func() int {
			mu.Lock()
			defer mu.Unlock()
			return 1 + r.IntN(1<<r.IntN(13))
		}
		x, y := newHalf(1+r.IntN(5000), most), newHalf(1+r.IntN(5000), most)
		return duplex{x, y}, duplex{y, x}
	}},
}

// pair is a server and a client that are connected.
type pair struct {
	server, client             *wsconn.Conn
	serverStream, clientStream io.ReadWriteCloser
}

func newPair(t testing.TB, a, b io.ReadWriteCloser, in, out int, change ...func(*wsconn.Config)) pair {
	p := pair{newConn(t, ws.RoleServer, in, out, change...), newConn(t, ws.RoleClient, in, out, change...), a, b}
	must(t, p.server.Reset(a, nil))
	must(t, p.client.Reset(b, nil))
	t.Cleanup(p.close)
	return p
}

func (p pair) close() { p.serverStream.Close(); p.clientStream.Close() }

// ends are both, with the peer of each.
func (p pair) ends() [2][2]*wsconn.Conn {
	return [2][2]*wsconn.Conn{{p.server, p.client}, {p.client, p.server}}
}
