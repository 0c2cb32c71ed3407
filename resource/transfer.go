package resource

import (
	"math"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/same"
)

// This file has the table of transfers: what is known between two requests of
// uploads, and of answers that cannot be asked for again. The others have no
// state here: each block of an answer to GET is asked of the handler anew.

// transfer is one.
type transfer struct {
	pusher  Pusher
	peer    uint64
	key     keys
	route   *route // nil: the place is free
	touched int64  // when it was gone on with, by the driver's clock
	turn    uint64 // and by counting
	buffer  int16  // -1 is none
	busy    bool   // an exchange has it: nobody else touches it
	orphan  bool   // it was ended while an exchange had it, which will free it
	kept    bool   // it is an answer, no upload

	// Of an upload.
	next  uint64 // what comes next
	size  uint64
	value any

	// Of an answer that is kept: in a buffer, or to be read.
	length int64
	source Source
	code   coap.Code
	format int32 // -1 is none
	tag    tag
}

// exchangeLifetime is for how long a transfer may rest (RFC 7252 section 4.8.2),
// in nanoseconds.
const exchangeLifetime = 247e9

// transfers are the table.
type transfers struct {
	list   []transfer
	n      int
	turns  uint64
	memory []byte // of the buffers
	each   int
	taken  []bool
}

func (t *transfers) init(n, each, buffers int) {
	t.list = make([]transfer, n)
	if each > 0 {
		t.memory, t.taken, t.each = make([]byte, each*buffers), make([]bool, buffers), each
	}
}

func (t *transfers) bytes(buffer int16) []byte {
	at := int(buffer) * t.each
	return t.memory[at : at+t.each : at+t.each]
}

// buffer takes a buffer, -1 if none is free.
func (t *transfers) buffer() int16 {
	for i, taken := range t.taken {
		if !taken {
			t.taken[i] = true
			return int16(i)
		}
	}
	return -1
}

// find is the transfer of a peer and a key, -1 if there is none. An orphan is
// none.
func (t *transfers) find(p Pusher, peer uint64, key keys) int {
	if t.n == 0 {
		return -1
	}
	for i := range t.list {
		if e := &t.list[i]; e.key == key && e.peer == peer && e.route != nil && !e.orphan && same.Pointer(e.pusher, p) {
			return i
		}
	}
	return -1
}

// untagged is the answer that is kept for a peer under its key with some
// Request-Tag, which some say with their payload alone; -1 unless there is
// exactly one.
func (t *transfers) untagged(p Pusher, peer, request uint64) (found int) {
	found = -1
	for i := range t.list {
		e := &t.list[i]
		if e.route == nil || e.busy || !e.kept || e.key.request != request || e.peer != peer || !same.Pointer(e.pusher, p) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// free frees a place. The upload that was there, if it was one, is returned for
// its Dropped to be called without the lock.
func (t *transfers) free(i int) (r *route, value any) {
	e := &t.list[i]
	r, value = e.route, e.value
	if e.buffer >= 0 {
		t.taken[e.buffer] = false
	}
	*e = transfer{}
	t.n--
	return r, value
}

// dropped tells a route of an upload that has ended before its end.
func dropped(r *route, value any) {
	if r != nil && r.Dropped != nil && value != nil {
		r.Dropped(value)
	}
}

// A transfer has stalled, so that others may have its place, when it has rested
// for stalled nanoseconds, or while that many were gone on with or refused whose
// driver has another clock.
const (
	stalled      = 2e9
	stalledTurns = 64
)

// oldest is the transfer that has stalled for the longest time, of those with a
// buffer if need be; -1 if none has.
func (r *Router) oldest(x *Exchange, buffer bool) int {
	found, turn := -1, uint64(math.MaxUint64)
	for i := range r.transfers.list {
		e := &r.transfers.list[i]
		if e.route == nil || e.busy || buffer && e.buffer < 0 || e.turn > turn {
			continue
		}
		if same.Pointer(e.pusher, x.t.Pusher) && x.t.Now-e.touched >= stalled || !same.Pointer(e.pusher, x.t.Pusher) && r.turns-e.turn >= stalledTurns {
			found, turn = i, e.turn
		}
	}
	if found >= 0 {
		r.counts.Dropped++
	} else {
		r.turns++
	}
	return found
}

// claim gives the exchange the transfer of its key. It returns -1 if there is
// none, and busy if another exchange has it.
func (r *Router) claim(x *Exchange) (i int, busy bool) {
	r.mu.Lock()
	i = r.transfers.find(x.t.Pusher, x.t.Peer, x.key)
	if i < 0 && x.has&hasBlock1 == 0 && x.key.tag == 0 {
		i = r.transfers.untagged(x.t.Pusher, x.t.Peer, x.key.request)
	}
	if i >= 0 {
		if e := &r.transfers.list[i]; e.busy {
			i, busy = -1, true
		} else {
			e.busy = true
			r.touch(e, x.t.Now)
		}
	}
	r.mu.Unlock()
	return i, busy
}

func (r *Router) touch(e *transfer, now int64) {
	r.turns++
	e.turn, e.touched = r.turns, now
}

// open gives the exchange a new transfer, with a buffer if need be, in the place
// of one that was there before; of others only if it is not spare. It returns -1
// if all places are taken.
func (r *Router) open(x *Exchange, buffer, spare bool) int {
	r.mu.Lock()
	t := &r.transfers
	i := t.find(x.t.Pusher, x.t.Peer, x.key)
	if i >= 0 && t.list[i].busy {
		// RFC 7959 section 2.5 has one at a time. The other is at its last
		// part, or its handler is lost.
		t.list[i].orphan = true
		i = -1
	}
	if i < 0 && t.n == len(t.list) {
		if !spare {
			i = r.oldest(x, false)
		}
		if i < 0 {
			r.mu.Unlock()
			return -1
		}
	}
	var gone, gone2 *route
	var value, value2 any
	if i >= 0 {
		gone, value = t.free(i)
	}
	b := int16(-1)
	if buffer {
		if b = t.buffer(); b < 0 && !spare {
			if k := r.oldest(x, true); k >= 0 {
				gone2, value2 = t.free(k)
				b = t.buffer()
			}
		}
	}
	if !buffer || b >= 0 {
		for i = 0; t.list[i].route != nil; i++ {
		}
		e := &t.list[i]
		*e = transfer{pusher: x.t.Pusher, peer: x.t.Peer, key: x.key, route: x.route, buffer: b, busy: true}
		t.n++
		r.touch(e, x.t.Now)
	} else {
		i = -1
	}
	r.mu.Unlock()
	dropped(gone, value)
	dropped(gone2, value2)
	return i
}

// release gives a transfer back: it goes on, or it has ended. told says that
// nobody need be told of its end.
func (r *Router) release(i int, ended, told bool) {
	r.mu.Lock()
	e := &r.transfers.list[i]
	e.busy = false
	var gone *route
	var value any
	if ended || e.orphan {
		gone, value = r.transfers.free(i)
	}
	r.mu.Unlock()
	if !told {
		dropped(gone, value)
	}
}

// dropTransfers ends all transfers of a peer.
func (r *Router) dropTransfers(p Pusher, peer uint64) {
	for r.dropTransfer(p, peer, math.MinInt64) {
	}
}

// sweepTransfers ends those that were not gone on with for too long, and returns
// when the next will be.
func (r *Router) sweepTransfers(p Pusher, now int64) (next int64) {
	for r.dropTransfer(p, 0, now-exchangeLifetime) {
	}
	next = math.MaxInt64
	r.mu.Lock()
	for i := range r.transfers.list {
		if e := &r.transfers.list[i]; e.route != nil && !e.busy && same.Pointer(e.pusher, p) {
			next = min(next, e.touched+exchangeLifetime)
		}
	}
	r.mu.Unlock()
	return next
}

// dropTransfer ends a transfer of a peer, or one of any peer that nobody has
// gone on with since a time. It reports whether there was one.
func (r *Router) dropTransfer(p Pusher, peer uint64, since int64) bool {
	r.mu.Lock()
	for i := range r.transfers.list {
		e := &r.transfers.list[i]
		if e.route == nil || e.orphan || !same.Pointer(e.pusher, p) {
			continue
		}
		if since == math.MinInt64 && e.peer != peer || since != math.MinInt64 && (e.busy || e.touched > since) {
			continue
		}
		if e.busy {
			e.orphan = true
			continue
		}
		if since != math.MinInt64 {
			r.counts.Dropped++
		}
		gone, value := r.transfers.free(i)
		r.mu.Unlock()
		dropped(gone, value)
		return true
	}
	r.mu.Unlock()
	return false
}
