package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// acceptBatch is how many clients are accepted for one event. If more wait,
// the event comes again.
const acceptBatch = 32

// acceptClients accepts the clients that wait at a listener.
func (e *Engine) acceptClients(k int, c *counters, worker int) {
	e.accept.Lock()
	e.acceptClientsLocked(k, c, worker)
	e.accept.Unlock()
}

// acceptClientsLocked is acceptClients under the lock.
func (e *Engine) acceptClientsLocked(k int, c *counters, worker int) {
	l := &e.accept.listeners[k]
	if l.closed || !l.armed {
		return
	}
	e.acceptFrom(k, acceptBatch, c, worker)
}

// acceptFrom accepts at most n clients. The caller has the lock. It reports
// whether more may wait.
func (e *Engine) acceptFrom(k, n int, c *counters, worker int) bool {
	l := &e.accept.listeners[k]
	for range n {
		p := e.room()
		if p == (place{}) {
			// A slot may be freed or go idle just now, by somebody who does not
			// know yet that it is waited for. So look again after saying so.
			e.disarm(l)
			if p = e.room(); p == (place{}) {
				return false
			}
			e.arm(l)
		}
		id, err := e.backend.Accept(l.id)
		if err != nil {
			e.giveUp(p)
			switch transport.Of(err) {
			case transport.ErrAborted:
				continue
			case transport.ErrWouldBlock:
				if l.quiet {
					e.closeListener(l)
				}
			case transport.ErrDescriptors:
				// Nothing is gained by trying again at once: the listener
				// rests until a stream is closed, or the monitor looks.
				e.log(EventAccept, worker, 0, 0)
				e.starved.Store(e.backend.Now())
				e.disarm(l)
				e.monitor.rouse(e)
			}
			return false
		}
		s := e.occupy(p, c)
		s.SetStream(int32(id))
		s.Driver, s.Listener = l.driver, uint8(k)
		if p.refuse {
			c.add(countRefused, 1)
			e.refuse(s, id)
			continue
		}
		e.log(EventAccepted, worker, e.pool.Handle(s), k)
		c.add(countAccepted, 1) // whoever sees the count finds the event logged
		if e.pool.Addresses.Limited() && !e.pool.Addresses.Add(s, pool.AddressKey(e.backend.Remote(id).Bytes16())) {
			c.add(countOverAddress, 1)
			e.refuse(s, id)
			continue
		}
		e.admit(s, id, PhaseOpen)
	}
	return true
}

// place is where a client may go that perhaps waits: a free slot, which may
// be of the reserve, or one whose connection is to end for it. The zero value
// is none.
type place struct {
	free   *pool.Slot
	evict  *pool.Slot
	refuse bool
}

// room finds a place, and keeps it: occupy or giveUp must follow.
func (e *Engine) room() place {
	if e.pool.Open()-e.accept.refusing < e.pool.Size()-e.cfg.Reserve {
		if s := e.pool.Acquire(); s != nil {
			return place{free: s}
		}
	}
	switch e.cfg.Admission {
	case AdmitRefuse:
		if e.accept.refusing < e.cfg.Reserve {
			if s := e.pool.Acquire(); s != nil {
				return place{free: s, refuse: true}
			}
		}
	case AdmitEvict:
		if s := e.pool.Evict(); s != nil {
			return place{evict: s}
		}
	}
	return place{}
}

// giveUp gives a place back: there was no client.
func (e *Engine) giveUp(p place) {
	if p.evict != nil {
		if sig, ok := e.pool.Unevict(p.evict); !ok {
			e.hand(p.evict, sig)
		}
		return
	}
	e.pool.Release(p.free)
}

// occupy is the slot of a place, for a client who has come.
func (e *Engine) occupy(p place, c *counters) *pool.Slot {
	if p.evict == nil {
		return p.free
	}
	h := e.pool.Handle(p.evict)
	c.add(countEvicted, 1)
	e.log(EventEvicted, -1, h, 0)
	e.releaseLocked(p.evict, h)
	for {
		// The lock keeps others from accepting; a Dial has it too.
		if s := e.pool.Acquire(); s != nil {
			return s
		}
	}
}

// closeListener closes a listener at which nobody waits.
func (e *Engine) closeListener(l *listener) {
	l.closed = true
	e.accept.open--
	e.backend.CloseListener(l.id)
	e.released(false)
}

// ClosingGrace is how long, in nanoseconds, a client that was connected when
// the engine began to shut down has for the first byte of its request, since
// what was sent before is here by then; and how long it has to close after our
// end.
const ClosingGrace = 500_000_000

// admit parks a new stream's slot and lets its events come. From then on the
// slot is not the caller's.
func (e *Engine) admit(s *pool.Slot, id transport.Stream, ph Phase) {
	h := e.pool.Handle(s)
	lane := e.accept.lane
	if e.accept.lane++; e.accept.lane == len(e.lanes) {
		e.accept.lane = 0
	}
	s.Lane = uint8(lane)
	s.Phase = uint8(ph)
	patience := e.cfg.Patience.of(ph)
	if e.closing.Load() {
		patience = min(patience, ClosingGrace) // its request is under way, or never comes
	}
	// The slot is still ours: what events come are noted.
	if e.backend.Attach(id, lane, uint64(h)) != nil {
		e.releaseLocked(s, h)
		return
	}
	e.setDeadline(s, e.backend.Now()+patience)
	if d, ok := e.drivers[s.Driver].(Eager); ok && d.Eager() {
		e.hand(s, pool.Kick)
		return
	}
	e.putBack(s, pool.Park)
}

// refuse tells a client to come back later.
func (e *Engine) refuse(s *pool.Slot, id transport.Stream) {
	h := e.pool.Handle(s)
	e.log(EventRefused, -1, h, 0)
	s.Listener |= refusedBit
	e.accept.refusing++
	if !e.sayFarewell(s, WhyRefused, &e.counts) || e.backend.CloseWrite(id) != nil {
		e.releaseLocked(s, h)
		return
	}
	s.Flags |= flagHalf | flagUnread | flagClosing
	s.Lane = 0
	s.Phase = uint8(PhaseDrain)
	if e.backend.Attach(id, 0, uint64(h)) != nil {
		e.releaseLocked(s, h)
		return
	}
	e.setDeadline(s, e.backend.Now()+e.cfg.Patience.Drain)
	e.putBack(s, pool.Drain)
}

// releaseLocked closes a slot under the accept lock, without rearming.
func (e *Engine) releaseLocked(s *pool.Slot, h pool.Handle) {
	if s.Flags&flagHalf == 0 {
		e.drivers[s.Driver].Gone(s, h)
	}
	e.backend.CloseStream(stream(s))
	refused := s.Listener&refusedBit != 0
	e.pool.Release(s)
	e.released(refused)
}

// disarm lets clients wait outside. The caller has the lock.
func (e *Engine) disarm(l *listener) {
	if l.armed {
		l.armed = false
		e.backend.Arm(l.id, false)
	}
	e.disarmed.Store(true)
}

func (e *Engine) arm(l *listener) {
	if !l.armed && !l.closed {
		l.armed = true
		e.backend.Arm(l.id, true)
	}
}

// rearm lets clients in again: a slot is free, or idle, or a descriptor may
// be.
func (e *Engine) rearm() {
	e.accept.Lock()
	e.rearmLocked()
	e.accept.Unlock()
}

func (e *Engine) rearmLocked() {
	e.disarmed.Store(false)
	for i := range e.accept.listeners {
		l := &e.accept.listeners[i]
		if l.quiet && !l.closed {
			// No event may come for those who wait at a quiet listener, and it
			// is closed when none does.
			for e.acceptFrom(i, acceptBatch, &e.counts, -1) {
			}
			continue
		}
		e.arm(l)
	}
}

// Dial opens a stream to a peer and gives it a slot, whose driver is then
// called as for an accepted one, when it is connected or has failed. The
// errors are ErrFull, ErrClosing, and those of the backend.
func (e *Engine) Dial(a transport.Addr, driver int) (pool.Handle, error) {
	e.accept.Lock()
	v, err := e.dialLocked(a, driver)
	e.accept.Unlock()
	return v, err
}

// dialLocked is Dial under the lock.
func (e *Engine) dialLocked(a transport.Addr, driver int) (pool.Handle, error) {
	if e.closing.Load() {
		return 0, ErrClosing
	}
	if e.pool.Open()-e.accept.refusing >= e.pool.Size()-e.cfg.Reserve {
		return 0, ErrFull
	}
	s := e.pool.Acquire()
	if s == nil {
		return 0, ErrFull
	}
	id, err := e.backend.Dial(a)
	if err != nil {
		e.pool.Release(s)
		return 0, err
	}
	s.SetStream(int32(id))
	s.Driver = uint8(driver)
	s.Flags |= flagOutput // so that Writable is waited for
	h := e.pool.Handle(s)
	s.Phase = uint8(PhaseOpen)
	s.Lane = uint8(e.accept.lane)
	if err := e.backend.Attach(id, int(s.Lane), uint64(h)); err != nil {
		e.backend.CloseStream(id)
		e.pool.Release(s)
		return 0, err
	}
	e.counts.add(countDialled, 1)
	e.setDeadline(s, e.backend.Now()+e.cfg.Patience.Open)
	e.putBack(s, pool.Stall)
	return h, nil
}
