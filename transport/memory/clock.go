package memory

import "github.com/bobtail-go/bobtail/transport"

// Now implements transport.Backend: the virtual time.
func (n *Network) Now() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

// Advance moves the clock by d nanoseconds, at least 0. Bytes that were under
// way until then arrive, in the order in which their streams were opened, and
// the Waits whose deadline has come end.
func (n *Network) Advance(d int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d < 0 {
		panic("memory: time goes forward")
	}
	// Forever never comes.
	n.now = min(n.now, transport.Forever-1-d) + d
	for i := 0; i < len(n.ends); i++ { // arriving opens and closes no end
		e := n.ends[i]
		if e.in.due != 0 && e.in.due <= n.now {
			e.in.due = 0
			n.arrive(e)
		}
	}
	for i := range n.lanes {
		n.lanes[i].rouse()
	}
}

// AdvanceTo moves the clock to t, if it is not there yet.
func (n *Network) AdvanceTo(t int64) { n.Advance(max(0, t-n.Now())) }

// Next is the time at which the next bytes that are under way arrive, or
// Forever. A test that drives an engine by hand advances to the earlier of
// this and the engine's own deadline.
func (n *Network) Next() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := transport.Forever
	for _, e := range n.ends {
		if e.in.due != 0 {
			next = min(next, e.in.due)
		}
	}
	return next
}

// AwaitSleep blocks until a Wait sleeps on each of the lanes, which has then
// nothing to tell: what the engine does by itself, it has done. The monitor's
// lane is Lanes().
func (n *Network) AwaitSleep(lanes ...int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for !n.asleep(lanes) {
		n.sleepers.Wait()
	}
}

func (n *Network) asleep(lanes []int) bool {
	for _, i := range lanes {
		if !n.lanes[i].asleep {
			return false
		}
	}
	return true
}

// random is a number from 0 to below, by xorshift64*. It is used only where
// a fault has a chance, so that each fault has a sequence of its own.
func (n *Network) random(below int) int {
	x := n.rng
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	n.rng = x
	return int((x * 0x2545f4914f6cdd1d >> 33) % uint64(below))
}

// chance reports whether a fault happens, with a chance in 1000.
func (n *Network) chance(in1000 int) bool {
	return in1000 > 0 && n.random(1000) < in1000
}

// part is n, or with a chance in 1000 less, but at least 1 if n is.
func (n *Network) part(of, in1000 int) int {
	if of > 1 && n.chance(in1000) {
		return 1 + n.random(of)
	}
	return of
}

// spurious lets some stream of a lane tell what is not so.
func (n *Network) spurious(laneNumber int) {
	if !n.chance(n.cfg.Faults.Spurious) || len(n.ends) == 0 {
		return
	}
	from := n.random(len(n.ends))
	r := transport.Ready(1 + n.random(3)) // Readable, Writable or both
	for i := range n.ends {
		e := n.ends[(from+i)%len(n.ends)]
		if e.peer == nil && e.attached && e.lane == laneNumber {
			n.post(e, r)
			return
		}
	}
}
