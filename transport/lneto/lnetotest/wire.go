// Package lnetotest is a wire in the memory of a test, with network cards on
// it, and hosts at the cards whose connections are ordinary net.Conns.
package lnetotest

import (
	"sync"
	"time"
)

// Faults are what a wire does to frames, each a chance in 1000.
type Faults struct {
	Seed    uint64
	Lose    int // the frame does not come
	Double  int // it comes twice
	Reorder int // it comes after the next one, if one comes soon
}

// Wire carries each frame from one card to all others. Its methods and those
// of its cards may be called from any goroutine.
type Wire struct {
	mu     sync.Mutex
	faults Faults
	rng    uint64
	cards  []*Card
	tap    func(frame []byte) bool
	asked  sync.Cond // signalled when a machine has found nothing at its card
}

// NewWire makes a wire.
func NewWire(f Faults) *Wire {
	w := &Wire{faults: f, rng: f.Seed*2 + 1} // xorshift needs a bit that is set
	w.asked.L = &w.mu
	return w
}

// Settle waits until nothing is under way: each machine has taken two turns
// that brought nothing, and nothing was sent in the meantime. The machines must
// be running.
func (w *Wire) Settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsettle()
	for {
		quiet := true
		for _, c := range w.cards {
			c.Kick()
			quiet = quiet && c.idle >= 2
		}
		if quiet {
			return
		}
		w.asked.Wait()
	}
}

func (w *Wire) unsettle() {
	for _, c := range w.cards {
		c.idle = 0
	}
}

// Tap lets f see each frame that is sent. The frame is lost if f returns
// false. f must not call the wire, and may not keep the frame.
func (w *Wire) Tap(f func(frame []byte) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tap = f
}

// Card is a network card: a lneto.NIC. Idle and Kick are made for the fields
// of lneto.Config of those names.
type Card struct {
	w     *Wire
	queue [][]byte // frames that have come, the first at first
	first int
	spare [][]byte // frames' memory
	late  []byte   // a frame that comes after the next one
	empty int      // times that nothing was there but late
	idle  int      // times that nothing was there since the last frame on the wire
	wake  chan struct{}
	timer *time.Timer
}

// room is how many frames wait at a card: beyond it they are lost.
const room = 512

// Card makes a card on the wire.
func (w *Wire) Card() *Card {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &Card{w: w, wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.cards = append(w.cards, c)
	return c
}

// Send implements lneto.NIC.
func (c *Card) Send(frame []byte) error {
	w := c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsettle()
	if w.tap != nil && !w.tap(frame) {
		return nil
	}
	for _, to := range w.cards {
		if to == c {
			continue
		}
		switch {
		case w.chance(w.faults.Lose):
			continue
		case w.chance(w.faults.Double):
			to.push(frame)
		case to.late == nil && w.chance(w.faults.Reorder):
			to.late = to.copy(frame)
			continue
		}
		to.push(frame)
		if to.late != nil {
			to.push(to.late)
			to.spare = append(to.spare, to.late)
			to.late = nil
		}
	}
	return nil
}

func (c *Card) copy(frame []byte) []byte {
	var b []byte
	if n := len(c.spare); n > 0 {
		b, c.spare = c.spare[n-1], c.spare[:n-1]
	} else {
		b = make([]byte, 0, 1514)
	}
	return append(b[:0], frame...)
}

func (c *Card) push(frame []byte) {
	if len(c.queue)-c.first < room {
		c.queue = append(c.queue, c.copy(frame))
	}
	c.Kick()
}

// Receive implements lneto.NIC.
func (c *Card) Receive(buf []byte) (int, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.first == len(c.queue) {
		if c.late == nil {
			c.idle++
			c.w.asked.Broadcast()
			return 0, nil
		}
		if c.empty++; c.empty < 4 {
			return 0, nil
		}
		c.empty = 0
		c.queue = append(c.queue, c.late)
		c.late = nil
	}
	f := c.queue[c.first]
	if c.first++; c.first == len(c.queue) {
		c.queue, c.first = c.queue[:0], 0
	}
	c.spare = append(c.spare, f)
	if len(f) > len(buf) {
		return 0, nil
	}
	return copy(buf, f), nil
}

// Inject puts a frame into the card's queue, as if it had come over the wire.
func (c *Card) Inject(frame []byte) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.push(frame)
}

// Kick ends an Idle, or the next one.
func (c *Card) Kick() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Idle waits for a frame, a Kick, or a millisecond, since timers may be due.
// It is for one goroutine.
func (c *Card) Idle() {
	c.timer.Reset(time.Millisecond)
	select {
	case <-c.wake:
	case <-c.timer.C:
	}
}

// chance takes a chance in 1000, by xorshift64*.
func (w *Wire) chance(in1000 int) bool {
	if in1000 <= 0 {
		return false
	}
	x := w.rng
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	w.rng = x
	return int((x*0x2545f4914f6cdd1d>>33)%1000) < in1000
}
