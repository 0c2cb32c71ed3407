package coaptcp

import (
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// This file opens connections of our own. From then on they are as others: each
// end may ask.

// dials are the connections that are not open yet.
type dials struct {
	n    atomic.Int32 // of the list
	mu   sync.Mutex
	list []dial
}

type dial struct {
	h      pool.Handle
	opened func(peer pool.Handle, err error)
}

// Dial connects to a peer. The connection takes a slot of the engine, as those of
// clients do, and is served by the same workers and with the same resources.
// opened is called once, on a worker: with its handle when our CSM is sent, so that
// the peer may be asked (Request), or with an error of package transport or
// engine if there will be no connection. It must not block.
//
// The errors are those of engine.Engine.Dial; then opened is not called. Dial
// allocates.
func (d *Driver) Dial(a transport.Addr, opened func(peer pool.Handle, err error)) error {
	d.dialling.Store(&dialling)
	t := &d.dials
	t.mu.Lock()
	t.n.Add(1) // who serves it at once waits for the list
	h, err := d.e.Dial(a, d.number)
	if err != nil {
		t.n.Add(-1)
	} else {
		t.list = append(t.list, dial{h, opened})
	}
	t.mu.Unlock()
	return err
}

// dialCalls are to Dial what askCalls are to Request.
type dialCalls struct {
	opened func(c *conn, ok bool) bool
	drop   func(t *dials, d *Driver, h pool.Handle)
}

var dialling = dialCalls{(*conn).opened, (*dials).drop}

// opened tells who dialled a connection that it is open, if somebody did. ok says
// that it goes on.
func (c *conn) opened(ok bool) bool {
	opened := c.d.dials.take(c.h)
	if opened == nil {
		return ok
	}
	if !c.begin() {
		return false
	}
	c.d.tellOpened(c.h, opened, c.err)
	return c.finish() && ok
}

// take takes a dial out of the list.
func (t *dials) take(h pool.Handle) func(pool.Handle, error) {
	t.mu.Lock()
	v := t.takeLocked(h)
	t.mu.Unlock()
	return v
}

// takeLocked is take under the lock.
func (t *dials) takeLocked(h pool.Handle) func(pool.Handle, error) {
	for i := range t.list {
		if t.list[i].h == h {
			opened := t.list[i].opened
			n := len(t.list) - 1
			t.list[i], t.list[n] = t.list[n], dial{}
			t.list = t.list[:n]
			t.n.Add(-1)
			return opened
		}
	}
	return nil
}

// drop ends a dial whose slot is gone before it was served.
func (t *dials) drop(d *Driver, h pool.Handle) {
	if opened := t.take(h); opened != nil {
		d.tellOpened(h, opened, transport.ErrTimedOut)
	}
}

func (d *Driver) tellOpened(h pool.Handle, opened func(pool.Handle, error), err error) {
	defer d.rescue(h)
	opened(h, err)
}
