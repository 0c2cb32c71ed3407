package lneto

import "github.com/bobtail-go/bobtail/transport"

// batch is how many frames one Step takes in, and how many it sends.
const batch = 16

// Step moves the stack on by one turn: the frames that came are taken in,
// timers that are due run, and frames that are ready are sent. It reports
// whether anything moved; while something does, another Step should follow
// soon. The error is the card's.
func (p *Backend) Step(nic NIC) (moved bool, err error) {
	b := p.k.Get()
	for range batch {
		n, err := nic.Receive(b.in)
		if err != nil {
			return moved, err
		}
		if n <= 0 || n > len(b.in) {
			break
		}
		moved = true
		b.mu.Lock()
		b.stats.FramesIn++
		n = b.input(b.in[:n], false, b.cfg.Now())
		b.mu.Unlock()
		if n > 0 {
			b.put(nic, b.in[:n]) // which the peer asks for again if it is lost
		}
	}
	b.mu.Lock()
	b.timers(b.cfg.Now())
	b.mu.Unlock()
	for range batch {
		if b.leaving == 0 {
			b.mu.Lock()
			b.leaving = b.output(b.cfg.Now())
			b.mu.Unlock()
		}
		if b.leaving == 0 || !b.put(nic, b.out[:b.leaving]) {
			break
		}
		b.leaving = 0
		moved = true
	}
	b.mu.Lock()
	now := b.cfg.Now()
	for i := range b.lanes {
		if l := &b.lanes[i]; l.deadline <= now {
			l.rouse()
		}
	}
	b.mu.Unlock()
	return moved, nil
}

// put sends a frame. It reports false where the card has no room for it.
func (b *stack) put(nic NIC, frame []byte) bool {
	if err := nic.Send(frame); err != nil && transport.Of(err) == transport.ErrWouldBlock {
		return false
	}
	b.mu.Lock()
	b.stats.FramesOut++
	b.mu.Unlock()
	return true
}

// Run calls Step until the backend is closed, when it returns nil, or the card
// fails, when it returns its error. It calls Idle where nothing moved. After
// Close it goes on for as long as streams have something to deliver, and no
// longer than Linger.
func (p *Backend) Run(nic NIC) error {
	b := p.k.Get()
	for {
		moved, err := p.Step(nic)
		if err != nil {
			return err
		}
		b.mu.Lock()
		done := b.done()
		b.mu.Unlock()
		if done {
			return nil
		}
		if !moved {
			b.cfg.Idle()
		}
	}
}

// done reports whether the backend is closed and at rest. The caller has the
// lock.
func (b *stack) done() bool {
	if !b.closed {
		return false
	}
	if b.cfg.Now()-b.closedAt >= b.cfg.Linger {
		return true
	}
	for i := range b.streams {
		if p := b.streams[i].phase; p == phaseOrphan || p == phaseReset {
			return false
		}
	}
	return true
}
