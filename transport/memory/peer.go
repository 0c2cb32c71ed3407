package memory

import (
	"io"
	"sync"

	"github.com/bobtail-go/bobtail/transport"
)

// Peer is the far end of one of the engine's streams. Read and Write block;
// TryRead and TryWrite do not. All may be called from any goroutine.
type Peer struct {
	n      *Network
	e      *end
	change sync.Cond // signalled when a blocked call may go on
}

// Connect connects a peer to an address that the engine listens on, from a
// loopback address and a port of its own. It does not block: beyond the
// backlog the peer waits outside, and its calls block, until there is a place
// in it. The error is ErrRefused where nobody listens, and with
// Config.Refuse where the backlog is full.
func (n *Network) Connect(to transport.Addr) (*Peer, error) {
	return n.ConnectFrom(transport.Addr{}, to)
}

// ConnectFrom is Connect from an address of the caller's choice, which need
// not be one of this machine. Unset is Connect's.
func (n *Network) ConnectFrom(from, to transport.Addr) (*Peer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, err := n.connect(from, to)
	if err != nil {
		return nil, err
	}
	n.makePipe(e, false)
	return n.newPeer(e), nil
}

// newPeer gives an end to a peer.
func (n *Network) newPeer(e *end) *Peer {
	p := &Peer{n: n, e: e}
	p.change.L = &n.mu
	e.peer = p
	return p
}

// Connected reports whether the peer has a place in the backlog, or had one
// before it was accepted.
func (p *Peer) Connected() bool {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.e.connected
}

// AwaitConnected blocks until the peer is connected, or fails with the reason
// why it will not be.
func (p *Peer) AwaitConnected() error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	for !p.e.connected {
		if err := p.e.sendError(); err != 0 {
			return err
		}
		if p.e.closed {
			return transport.ErrClosed
		}
		p.change.Wait()
	}
	return nil
}

// TryRead reads what has arrived. It fails with ErrWouldBlock where that is
// nothing, with io.EOF after the last byte, with ErrReset, and with ErrClosed
// after Close.
func (p *Peer) TryRead(b []byte) (int, error) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.tryRead(b)
}

func (p *Peer) tryRead(b []byte) (int, error) {
	if p.e.closed {
		return 0, p.closedError()
	}
	if got := p.e.in.arrived(); len(got) > 0 {
		k := copy(b, got)
		p.n.consume(p.e, k)
		return k, nil
	}
	err := p.e.receiveError()
	if err == transport.EOF {
		return 0, io.EOF
	}
	return 0, err
}

// closedError is why the calls of a peer that was given up fail.
func (p *Peer) closedError() error {
	if p.n.closed {
		return transport.ErrReset // by Close of the network
	}
	return transport.ErrClosed
}

// Read is TryRead that waits.
func (p *Peer) Read(b []byte) (int, error) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	for {
		k, err := p.tryRead(b)
		if err != transport.ErrWouldBlock || len(b) == 0 {
			return k, err
		}
		p.change.Wait()
	}
}

// TryWrite writes as much of b as fits. It fails with ErrWouldBlock where that
// is nothing, with ErrReset where the engine has closed or reset the stream,
// and with ErrClosed after Close and CloseWrite.
func (p *Peer) TryWrite(b []byte) (int, error) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.tryWrite(b)
}

func (p *Peer) tryWrite(b []byte) (int, error) {
	if p.e.closed {
		return 0, p.closedError()
	}
	if err := p.e.sendError(); err != 0 {
		return 0, err
	}
	if !p.e.connected {
		return 0, transport.ErrWouldBlock
	}
	k := p.n.send(p.e, b)
	if k > 0 && p.n.chance(p.n.cfg.Faults.HalfClose) {
		p.n.finish(p.e)
	}
	if k == 0 && len(b) > 0 {
		return 0, transport.ErrWouldBlock
	}
	return k, nil
}

// Write is TryWrite that waits until all of b is written.
func (p *Peer) Write(b []byte) (int, error) {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	for n := 0; ; {
		k, err := p.tryWrite(b[n:])
		n += k
		if err != nil && err != transport.ErrWouldBlock || n == len(b) {
			return n, err
		}
		if k == 0 {
			p.change.Wait()
		}
	}
}

// CloseWrite ends the peer's bytes; it reads on.
func (p *Peer) CloseWrite() error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	if p.e.closed {
		return p.closedError()
	}
	if p.e.reset {
		return transport.ErrReset
	}
	p.n.finish(p.e)
	return nil
}

// Close ends the stream in order, or by a reset if there are bytes that the
// peer has not read. It may be called twice.
func (p *Peer) Close() error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.n.close(p.e)
	return nil
}

// Reset ends the stream at once.
func (p *Peer) Reset() error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.n.reset(p.e)
	return nil
}

// Local is the peer's end of the stream.
func (p *Peer) Local() transport.Addr { return p.e.local }

// Remote is the engine's end of the stream.
func (p *Peer) Remote() transport.Addr { return p.e.remote }

// Sent is the number of bytes that the peer has written.
func (p *Peer) Sent() uint64 {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.e.far.in.total
}

// Unread is the number of bytes that the peer has written and the engine has
// not taken.
func (p *Peer) Unread() int {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.e.far.in.end - p.e.far.in.start
}

// Received is the number of bytes that the engine has sent, read by the peer
// or not.
func (p *Peer) Received() uint64 {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.e.in.total
}

// PeerListener is an address that the engine can dial.
type PeerListener struct {
	n      *Network
	l      *listener
	change sync.Cond
}

// ListenPeer opens a listener of the peers' side. The errors are those of
// Listen.
func (n *Network) ListenPeer(a transport.Addr) (*PeerListener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := n.bind(a)
	if err != nil {
		return nil, err
	}
	p := &PeerListener{n: n, l: l}
	p.change.L = &n.mu
	l.change = &p.change
	return p, nil
}

// Addr is the address of the listener.
func (l *PeerListener) Addr() transport.Addr { return l.l.addr }

// TryAccept takes a stream that the engine has dialled, or fails with
// ErrWouldBlock or ErrClosed.
func (l *PeerListener) TryAccept() (*Peer, error) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	return l.tryAccept()
}

func (l *PeerListener) tryAccept() (*Peer, error) {
	if l.l.closed {
		return nil, transport.ErrClosed
	}
	e := l.n.take(l.l)
	if e == nil {
		return nil, transport.ErrWouldBlock
	}
	return l.n.newPeer(e), nil
}

// Accept is TryAccept that waits.
func (l *PeerListener) Accept() (*Peer, error) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	for {
		p, err := l.tryAccept()
		if err != transport.ErrWouldBlock {
			return p, err
		}
		l.change.Wait()
	}
}

// Close closes the listener. It may be called twice.
func (l *PeerListener) Close() error {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.n.unbind(l.l)
	return nil
}
