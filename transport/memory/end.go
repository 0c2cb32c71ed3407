package memory

import "github.com/bobtail-go/bobtail/transport"

// An end is one of the two ends of a stream: the engine's or a peer's. What
// both can do is here; what it looks like to them is in stream.go and peer.go.
type end struct {
	far           *end
	in            pipe
	local, remote transport.Addr

	connected bool            // the far end's listener has taken it into its queue
	failed    transport.Error // why it was never connected
	finished  bool            // it sends no more
	closed    bool            // its owner has given it up
	reset     bool            // it was reset, by whichever end

	// Of a peer's end.
	peer *Peer // nil if the engine's

	// Of the engine's end.
	name       transport.Stream
	lane       int
	tag        uint64
	attached   bool
	wantsRead  bool // the last Receive emptied it: bytes raise an event
	wantsWrite bool // the last Send filled it: room raises an event
	queued     bool // in the lane's queue
	ready      transport.Ready
	next       *end
}

// newEnds makes both ends of a stream. near is the one that dials.
func (n *Network) newEnds(from, to transport.Addr) (near, far *end) {
	near = &end{name: -1, local: from, remote: to, wantsRead: true, wantsWrite: true}
	far = &end{name: -1, local: to, remote: from, wantsRead: true, connected: true}
	near.far, far.far = far, near
	n.ends = append(n.ends, near, far)
	return near, far
}

// makePipe gives an end its buffer, when it is known who will own it.
func (n *Network) makePipe(e *end, engines bool) {
	if engines && n.cfg.Holds > 0 {
		e.in.buf, e.in.fixed = make([]byte, n.cfg.Holds), true
	} else {
		e.in.buf = make([]byte, n.cfg.Pipe)
	}
}

// forget takes an end off the list of open ones.
func (n *Network) forget(e *end) {
	for i, x := range n.ends {
		if x == e {
			n.ends = append(n.ends[:i], n.ends[i+1:]...)
			return
		}
	}
}

// readiness is what is told of an end whose bytes may be read.
func (e *end) readiness() transport.Ready {
	if e.reset {
		return transport.Readable | transport.Writable | transport.Hangup
	}
	if e.in.finished() {
		return transport.Readable | transport.Hangup
	}
	return transport.Readable
}

// send puts bytes on the way to the far end.
func (n *Network) send(e *end, b []byte) int {
	k := e.far.in.put(b)
	if k > 0 {
		n.depart(e.far)
	}
	return k
}

// depart starts the way of what was put into e's pipe. What is sent while
// other bytes are under way arrives with them.
func (n *Network) depart(e *end) {
	if e.in.due != 0 {
		return
	}
	if d := n.cfg.Faults.Delay; d > 0 {
		if wait := int64(n.random(int(min(d, 1<<30)) + 1)); wait > 0 {
			e.in.due = n.now + wait
			return
		}
	}
	n.arrive(e)
}

// arrive makes what was under way to e readable.
func (n *Network) arrive(e *end) {
	came := e.in.seen < e.in.end
	e.in.seen = e.in.end
	if e.in.finished() || came && (e.wantsRead || e.peer != nil) {
		e.wantsRead = false
		n.post(e, e.readiness())
	}
}

// consume drops bytes that e has read, and tells the far end of the room.
func (n *Network) consume(e *end, k int) {
	e.in.consume(k)
	if k > 0 && (e.far.wantsWrite || e.far.peer != nil) && e.far.connected {
		e.far.wantsWrite = false
		n.post(e.far, transport.Writable)
	}
}

// sendError is why e can send nothing more, or 0.
func (e *end) sendError() transport.Error {
	switch {
	case e.failed != 0:
		return e.failed
	case e.reset, e.far.closed:
		return transport.ErrReset
	case e.finished:
		return transport.ErrClosed
	}
	return 0
}

// receiveError is how e's bytes end when none are left, or ErrWouldBlock.
func (e *end) receiveError() transport.Error {
	switch {
	case e.failed != 0:
		return e.failed
	case e.reset:
		return transport.ErrReset
	case e.in.finished():
		return transport.EOF
	}
	return transport.ErrWouldBlock
}

// finish ends e's bytes; those of the far end go on.
func (n *Network) finish(e *end) {
	if e.finished || e.far == nil {
		return
	}
	e.finished = true
	e.far.in.fin = true
	n.depart(e.far)
}

// close gives e up, in order if it has read all.
func (n *Network) close(e *end) {
	if e.closed {
		return
	}
	if e.far != nil && !e.reset && !e.far.closed && e.in.start < e.in.end {
		// RFC 2525, section 2.17. What the far end has not read yet stays
		// readable, as Linux has it, and the reset comes after it.
		n.giveUp(e)
		e.far.reset = true
		n.post(e.far, e.far.readiness())
		return
	}
	n.finish(e)
	n.giveUp(e)
	if e.far != nil {
		n.post(e.far, 0) // a peer that waits for room gets its error
	}
}

// reset ends the stream at once.
func (n *Network) reset(e *end) {
	n.giveUp(e)
	if e.far == nil || e.far.reset || e.far.closed {
		return
	}
	e.far.reset = true
	e.far.in.drop()
	n.post(e.far, e.far.readiness())
}

// giveUp takes e away from its owner.
func (n *Network) giveUp(e *end) {
	if e.closed {
		return
	}
	e.closed, e.attached = true, false
	n.forget(e)
	if e.peer != nil {
		e.peer.change.Broadcast()
	} else if e.name >= 0 {
		n.release(e)
	}
}
