package lneto

import "github.com/bobtail-go/bobtail/transport"

// The methods of Backend take the lock, and leave the rest to those of the
// stack. They do not defer the unlocking: under TinyGo, a function that defers
// pays for it at each of its calls.

// Listen implements transport.Backend. lneto's IPv6 is not used, so that an
// IPv6 address is ErrAddress, and an unset one is any of IPv4.
func (p *Backend) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	b := p.k.Get()
	b.mu.Lock()
	v, err := b.listen(a, tag)
	b.mu.Unlock()
	return v, err
}

// ListenerAddr implements transport.Backend.
func (p *Backend) ListenerAddr(id transport.Listener) transport.Addr {
	b := p.k.Get()
	b.mu.Lock()
	v := b.listenerAddr(id)
	b.mu.Unlock()
	return v
}

// Arm implements transport.Backend. Clients are let in while there are
// streams, whether or not the listener is on.
func (p *Backend) Arm(id transport.Listener, on bool) {
	b := p.k.Get()
	b.mu.Lock()
	b.arm(id, on)
	b.mu.Unlock()
}

// Accept implements transport.Backend. It does not fail with ErrDescriptors: a
// client who waits has a stream already.
func (p *Backend) Accept(id transport.Listener) (transport.Stream, error) {
	b := p.k.Get()
	b.mu.Lock()
	v, err := b.accept(id)
	b.mu.Unlock()
	return v, err
}

// CloseListener implements transport.Backend. Clients that wait are reset.
func (p *Backend) CloseListener(id transport.Listener) {
	b := p.k.Get()
	b.mu.Lock()
	b.closeListener(id)
	b.mu.Unlock()
}

// QuietListener implements transport.Backend: no SYN is answered any more.
func (p *Backend) QuietListener(id transport.Listener) {
	b := p.k.Get()
	b.mu.Lock()
	b.quiet(id)
	b.mu.Unlock()
}

// Dial implements transport.Backend.
func (p *Backend) Dial(a transport.Addr) (transport.Stream, error) {
	b := p.k.Get()
	b.mu.Lock()
	v, err := b.dial(a)
	b.mu.Unlock()
	return v, err
}

// Attach implements transport.Backend.
func (p *Backend) Attach(id transport.Stream, lane int, tag uint64) error {
	b := p.k.Get()
	b.mu.Lock()
	err := b.attach(id, lane, tag)
	b.mu.Unlock()
	return err
}

// Receive implements transport.Backend. The view is in the stack's memory, or
// in buf where the bytes go over the end of the stack's ring.
func (p *Backend) Receive(id transport.Stream, buf []byte) ([]byte, error) {
	b := p.k.Get()
	b.mu.Lock()
	v, err := b.receive(id, buf)
	b.mu.Unlock()
	return v, err
}

// Consume implements transport.Backend. What is more than the last view had is
// not consumed.
func (p *Backend) Consume(id transport.Stream, n int) {
	b := p.k.Get()
	b.mu.Lock()
	b.consume(id, n)
	b.mu.Unlock()
}

// Send implements transport.Backend.
func (p *Backend) Send(id transport.Stream, bufs [][]byte) (int, error) {
	b := p.k.Get()
	b.mu.Lock()
	v, err := b.send(id, bufs)
	b.mu.Unlock()
	return v, err
}

// CloseWrite implements transport.Backend.
func (p *Backend) CloseWrite(id transport.Stream) error {
	b := p.k.Get()
	b.mu.Lock()
	err := b.closeWrite(id)
	b.mu.Unlock()
	return err
}

// CloseStream implements transport.Backend. Bytes that the peer sends after it
// are answered with a reset, once it has ours (RFC 9293, section 3.6.1; RFC
// 2525, section 2.17).
func (p *Backend) CloseStream(id transport.Stream) {
	b := p.k.Get()
	b.mu.Lock()
	b.closeStream(id)
	b.mu.Unlock()
}

// Abort implements transport.Backend.
func (p *Backend) Abort(id transport.Stream) {
	b := p.k.Get()
	b.mu.Lock()
	b.abortStream(id)
	b.mu.Unlock()
}

// Local implements transport.Backend.
func (p *Backend) Local(id transport.Stream) transport.Addr {
	b := p.k.Get()
	b.mu.Lock()
	v := b.local(id)
	b.mu.Unlock()
	return v
}

// Remote implements transport.Backend.
func (p *Backend) Remote(id transport.Stream) transport.Addr {
	b := p.k.Get()
	b.mu.Lock()
	v := b.remote(id)
	b.mu.Unlock()
	return v
}

// Wait implements transport.Backend. It sleeps until Step has brought what it
// waits for: while nobody calls Step, a deadline does not come.
func (p *Backend) Wait(laneNumber int, ev []transport.Event, deadline int64) (int, error) {
	b := p.k.Get()
	b.mu.Lock()
	v, err := b.wait(laneNumber, ev, deadline)
	b.mu.Unlock()
	return v, err
}

// Wake implements transport.Backend.
func (p *Backend) Wake(laneNumber int) {
	b := p.k.Get()
	b.mu.Lock()
	b.wakeLane(laneNumber)
	b.mu.Unlock()
}

// Close implements transport.Backend. Run goes on until what the streams took
// is delivered, for as long as Linger allows.
func (p *Backend) Close() error {
	b := p.k.Get()
	b.mu.Lock()
	err := b.close()
	b.mu.Unlock()
	return err
}

// Addr is the address of this machine, with port 0; it is unset until DHCP has
// got one.
func (p *Backend) Addr() transport.Addr {
	b := p.k.Get()
	b.mu.Lock()
	v := b.addr()
	b.mu.Unlock()
	return v
}

// Stats reads the counters.
func (p *Backend) Stats() Stats {
	b := p.k.Get()
	b.mu.Lock()
	v := b.counts()
	b.mu.Unlock()
	return v
}
