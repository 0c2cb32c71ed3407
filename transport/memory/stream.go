package memory

import "github.com/bobtail-go/bobtail/transport"

// own gives an end to the engine, under a name that no earlier stream had for
// a while, though the slot is the last one that was freed.
func (n *Network) own(e *end) {
	slot := n.free[len(n.free)-1]
	n.free = n.free[:len(n.free)-1]
	n.names++
	e.name = transport.Stream(n.names&nameMask<<slotBits | slot)
	n.slots[slot] = e
}

// release takes the engine's name from an end.
func (n *Network) release(e *end) {
	slot := int32(e.name) & (maxSlots - 1)
	if n.slots[slot] == e {
		n.slots[slot] = nil
		n.free = append(n.free, slot)
	}
	e.name = -1
}

// stream is the end of a name, or nil if it is closed.
func (n *Network) stream(s transport.Stream) *end {
	slot := int(s) & (maxSlots - 1)
	if s < 0 || slot >= len(n.slots) || n.slots[slot] == nil || n.slots[slot].name != s {
		n.stale++
		return nil
	}
	return n.slots[slot]
}

// Dial implements transport.Backend. The stream is connected when a listener
// has it in its queue; it is refused where none listens.
func (n *Network) Dial(a transport.Addr) (transport.Stream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return -1, transport.ErrClosed
	}
	if len(n.free) == 0 {
		return -1, transport.ErrDescriptors
	}
	near, err := n.connect(transport.Addr{}, a)
	if err != nil {
		near = &end{name: -1, local: n.localFor(a), remote: a, failed: err.(transport.Error), wantsRead: true}
		near.far = &end{closed: true}
		near.far.far = near
		n.ends = append(n.ends, near)
		n.post(near, transport.Writable|transport.Hangup)
	}
	n.makePipe(near, true)
	n.own(near)
	return near.name, nil
}

// connect makes a stream to the listener at a.
func (n *Network) connect(from, to transport.Addr) (*end, error) {
	if n.closed {
		return nil, transport.ErrClosed
	}
	if to.IsUnspecified() { // any address of this machine
		to = loopback(to)
	}
	l := n.listenerAt(to)
	if l == nil {
		return nil, transport.ErrRefused
	}
	if from.IsUnset() {
		from = n.localFor(to)
	}
	near, far := n.newEnds(from, to)
	if err := n.knock(l, far); err != nil {
		n.forget(near)
		n.forget(far)
		return nil, err
	}
	return near, nil
}

// localFor is the local end of a stream to an address.
func (n *Network) localFor(to transport.Addr) transport.Addr {
	return loopback(to).WithPort(n.freePort())
}

// loopback is the loopback address of a's family, at a's port.
func loopback(a transport.Addr) transport.Addr {
	if a.Is6() {
		return transport.IPv6([16]byte{15: 1}, a.Port(), 0)
	}
	return transport.IPv4(127, 0, 0, 1, a.Port())
}

// Attach implements transport.Backend.
func (n *Network) Attach(s transport.Stream, lane int, tag uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.stream(s)
	if e == nil {
		return transport.ErrClosed
	}
	if lane < 0 || lane >= n.cfg.Lanes {
		return transport.ErrNotSupported
	}
	e.lane, e.tag, e.attached = lane, tag, true
	r := e.ready // what was posted before
	if e.connected {
		r |= transport.Writable
	}
	if r != 0 {
		n.post(e, r)
	}
	return nil
}

// Receive implements transport.Backend.
func (n *Network) Receive(s transport.Stream, buf []byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.stream(s)
	if e == nil {
		return nil, transport.ErrClosed
	}
	n.mayReset(e)
	got := e.in.arrived()
	if len(got) == 0 {
		err := e.receiveError()
		e.wantsRead = err == transport.ErrWouldBlock
		return nil, err
	}
	if len(buf) == 0 {
		return nil, nil
	}
	if n.chance(n.cfg.Faults.WouldBlock) {
		n.post(e, e.readiness())
		return nil, transport.ErrWouldBlock
	}
	got = got[:min(len(got), len(buf))]
	could := len(got)
	got = got[:n.part(could, n.cfg.Faults.ShortReads)]
	switch {
	case len(got) < could: // a fault: there is more, which has to be told
		n.post(e, e.readiness())
	case len(got) < len(buf):
		e.wantsRead = true
	}
	if n.cfg.Holds > 0 {
		return got[:len(got):len(got)], nil
	}
	k := copy(buf, got)
	n.consume(e, k)
	return buf[:k], nil
}

// Consume implements transport.Backend. It panics if n is more than the last
// view had.
func (n *Network) Consume(s transport.Stream, k int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cfg.Holds == 0 {
		return
	}
	if e := n.stream(s); e != nil && !e.reset {
		n.consume(e, k)
	}
}

// Send implements transport.Backend.
func (n *Network) Send(s transport.Stream, bufs [][]byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sendBytes(s, bufs)
}

func (n *Network) sendBytes(s transport.Stream, bufs [][]byte) (int, error) {
	e := n.stream(s)
	if e == nil {
		return 0, transport.ErrClosed
	}
	n.mayReset(e)
	if err := e.sendError(); err != 0 {
		return 0, err
	}
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	if total == 0 {
		return 0, nil
	}
	room := 0
	if e.connected {
		room = e.far.in.room()
	}
	could := min(total, room)
	if could == 0 {
		e.wantsWrite = true
		return 0, transport.ErrWouldBlock
	}
	if n.chance(n.cfg.Faults.WouldBlock) {
		n.post(e, transport.Writable)
		return 0, transport.ErrWouldBlock
	}
	k := n.part(could, n.cfg.Faults.ShortWrites)
	switch {
	case k < could: // a fault: there is room, which has to be told
		n.post(e, transport.Writable)
	case k < total:
		e.wantsWrite = true
	}
	for left, i := k, 0; left > 0; i++ {
		b := bufs[i][:min(left, len(bufs[i]))]
		e.far.in.put(b)
		left -= len(b)
	}
	n.depart(e.far)
	return k, nil
}

// mayReset resets a stream by chance, as if the way to the peer had ended.
func (n *Network) mayReset(e *end) {
	if e.connected && !e.reset && n.chance(n.cfg.Faults.Reset) {
		e.reset = true
		e.in.drop()
		if !e.far.closed && !e.far.reset {
			e.far.reset = true
			e.far.in.drop()
			n.post(e.far, e.far.readiness())
		}
		n.post(e, e.readiness())
	}
}

// CloseWrite implements transport.Backend.
func (n *Network) CloseWrite(s transport.Stream) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.stream(s)
	if e == nil {
		return transport.ErrClosed
	}
	if err := e.sendError(); err != 0 && err != transport.ErrClosed {
		return err
	}
	n.finish(e)
	return nil
}

// CloseStream implements transport.Backend.
func (n *Network) CloseStream(s transport.Stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.stream(s); e != nil {
		n.close(e)
	}
}

// Abort implements transport.Backend.
func (n *Network) Abort(s transport.Stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.stream(s); e != nil {
		n.reset(e)
	}
}

// Local implements transport.Backend.
func (n *Network) Local(s transport.Stream) transport.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.stream(s); e != nil {
		return e.local
	}
	return transport.Addr{}
}

// Remote implements transport.Backend.
func (n *Network) Remote(s transport.Stream) transport.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.stream(s); e != nil {
		return e.remote
	}
	return transport.Addr{}
}
