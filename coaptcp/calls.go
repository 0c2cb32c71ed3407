package coaptcp

import (
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// This file has the requests of our own, on connections of any role: over TCP
// both ends may ask (RFC 8323 section 3.3).

// Answer is what became of a request of our own.
type Answer struct {
	Peer    pool.Handle  // the connection on which it was made
	Message coap.Message // valid until the callback returns
	Err     error        // ErrTimeout or ErrClosed, with no Message, if no answer came
}

// calls are the requests that wait for their answers.
type calls struct {
	mu   sync.Mutex
	list []call
	used int
}

type call struct {
	h        pool.Handle // 0 if the place is free
	serial   uint16      // of the token
	deadline int64
	done     func(Answer)
}

// askCalls are what requests of our own need of those who serve. The driver has
// them from the first one on, and reaches them in no other way: a program that
// never asks has no code for it.
type askCalls struct {
	response func(c *conn, m coap.Message) bool // by value: what is pointed to would go to the heap
	expire   func(c *conn) bool
	next     func(t *calls, h pool.Handle) int64
	drop     func(t *calls, d *Driver, h pool.Handle, r *record)
}

var asking = askCalls{(*conn).response, (*conn).expire, (*calls).next, (*calls).drop}

// tokenSize is the length of our tokens: the place, and how often it was used.
const tokenSize = 4

func (t *calls) init(n int) { t.list = make([]call, n) }

func (t *calls) count() int {
	t.mu.Lock()
	n := t.used
	t.mu.Unlock()
	return n
}

// Request sends a request to a peer, on the connection by which it has come (RFC
// 8323 section 3.3: either end may ask), from any goroutine. m's token is chosen
// by the driver. done is called once, on a worker, with the answer, or when none
// has come within limit nanoseconds (at most a year), or the connection is over.
// It has the engine's time for a handler, may wait for nothing but what others do
// soon, and may be nil. If Request fails, done is not called.
//
// The errors are those of Push with a mark of none, ErrFull if Config.Requests
// wait already, and ErrMisuse.
func (d *Driver) Request(h pool.Handle, m coap.Message, limit int64, done func(Answer)) error {
	if !m.Code.IsRequest() || limit <= 0 || limit > most {
		return ErrMisuse
	}
	if uint(h.Index()) >= uint(len(d.records)) {
		return pool.ErrStale
	}
	d.asking.Store(&asking)
	t := &d.calls
	r := &d.records[h.Index()]
	t.mu.Lock()
	i := t.vacant()
	if i < 0 {
		t.mu.Unlock()
		return ErrFull
	}
	p := &t.list[i]
	p.h, p.deadline, p.done = h, d.e.Backend().Now()+limit, done
	if p.serial++; p.serial == 0 {
		p.serial = 1 // no token is all zero
	}
	serial := p.serial
	t.used++
	r.pending.Add(1)
	t.mu.Unlock()
	err := d.send(h, m, uint32(i)<<16|uint32(serial), 0, engine.DropNewest)
	if err != nil {
		// If the connection has just ended, done was called, or will be.
		if _, mine := t.take(h, i, serial, r); mine {
			return err
		}
		return nil
	}
	d.e.Wake(h) // so that its time is known
	return nil
}

func (t *calls) vacant() int {
	if t.used == len(t.list) {
		return -1
	}
	for i := range t.list {
		if t.list[i].h == 0 {
			return i
		}
	}
	return -1
}

// take takes a call out of the table, if it is there.
func (t *calls) take(h pool.Handle, i int, serial uint16, r *record) (done func(Answer), ok bool) {
	t.mu.Lock()
	done, ok = t.takeLocked(h, i, serial, r)
	t.mu.Unlock()
	return done, ok
}

// takeLocked is take under the lock.
func (t *calls) takeLocked(h pool.Handle, i int, serial uint16, r *record) (done func(Answer), ok bool) {
	if i >= len(t.list) || t.list[i].h != h || t.list[i].serial != serial {
		return nil, false
	}
	return t.remove(i, r), true
}

func (t *calls) remove(i int, r *record) func(Answer) {
	p := &t.list[i]
	done := p.done
	p.h, p.done = 0, nil
	t.used--
	r.pending.Add(-1)
	return done
}

// overdue takes a call of a connection whose time is over, or any if now is
// negative.
func (t *calls) overdue(h pool.Handle, now int64, r *record) (done func(Answer), ok bool) {
	t.mu.Lock()
	done, ok = t.overdueLocked(h, now, r)
	t.mu.Unlock()
	return done, ok
}

// overdueLocked is overdue under the lock.
func (t *calls) overdueLocked(h pool.Handle, now int64, r *record) (done func(Answer), ok bool) {
	for i := range t.list {
		if p := &t.list[i]; p.h == h && (now < 0 || p.deadline <= now) {
			return t.remove(i, r), true
		}
	}
	return nil, false
}

// next is when the first call of a connection is overdue.
func (t *calls) next(h pool.Handle) int64 {
	t.mu.Lock()
	at := int64(1<<63 - 1)
	for i := range t.list {
		if p := &t.list[i]; p.h == h {
			at = min(at, p.deadline)
		}
	}
	t.mu.Unlock()
	return at
}

// drop ends the calls of a connection that is over.
func (t *calls) drop(d *Driver, h pool.Handle, r *record) {
	for len(t.list) > 0 {
		done, ok := t.overdue(h, -1, r)
		if !ok {
			return
		}
		d.tell(h, done, Answer{Peer: h, Err: ErrClosed})
	}
}

// tell calls back, outside of a handler.
func (d *Driver) tell(h pool.Handle, done func(Answer), a Answer) {
	defer d.rescue(h)
	if done != nil {
		done(a)
	}
}

func (d *Driver) rescue(h pool.Handle) {
	if v := recover(); v != nil {
		d.e.Panicked(h)
		if d.cfg.Panic != nil {
			d.cfg.Panic(h, v)
		}
	}
}

// response gives a response to who waits for it. One that nobody waits for is
// ignored (RFC 8323 section 5.4 knows no Reset, and RFC 7252 section 5.3.2 lets
// it be). It returns false with the verdict, if the turn is over.
func (c *conn) response(m coap.Message) bool {
	k := m.Token
	if len(k) != tokenSize {
		return true
	}
	done, ok := c.d.calls.take(c.h, int(k[0])<<8|int(k[1]), uint16(k[2])<<8|uint16(k[3]), c.r)
	if !ok {
		return true
	}
	return c.callBack(done, Answer{Peer: c.h, Message: m})
}

// expire ends the calls whose time is over.
func (c *conn) expire() bool {
	for {
		done, ok := c.d.calls.overdue(c.h, c.w.Now, c.r)
		if !ok {
			return true
		}
		if !c.callBack(done, Answer{Peer: c.h, Err: ErrTimeout}) {
			return false
		}
	}
}

// callBack calls back as a handler.
func (c *conn) callBack(done func(Answer), a Answer) bool {
	if done == nil {
		return true
	}
	if !c.begin() {
		return false
	}
	c.d.tell(c.h, done, a)
	return c.finish()
}

// begin has what follows be a handler. It returns false with the verdict if the
// engine has stopped.
func (c *conn) begin() bool { return c.w.BeginHandler(0, false) || c.giveUp(engine.Abort) }

// finish says that it has returned. It returns false with the verdict if the right
// to the slot has passed.
func (c *conn) finish() bool {
	if !c.w.EndHandler() {
		c.lost = true
		c.verdict = engine.Lost
	}
	return !c.lost
}
