//go:build amd64 || arm64

package main

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/ws"
)

// A worker is a thread that waits for its connections and serves each as far as
// its bytes reach. It has listeners of its own at the port of all, and shares
// nothing with the others: who accepts a connection keeps it. Bytes are read into the worker's buffer and
// answered from it; a connection gets memory of its own only for a part of a
// request, and for what its peer does not take, and the pages for that are not
// touched before.

const (
	maxConns = 1 << 14 // of all workers together; memory that none has used is not there
	inSize   = 2048    // the longest part of a request that is kept, in bytes

	// outSize is what a worker gathers of answers before it sends them. Echoes
	// are hardly longer than what came.
	outSize = inSize + 768
)

type worker struct {
	number int
	epoll  uintptr
	full   bool // the listeners are not waited for
	ending bool // those who wait are told to go

	now     int64 // milliseconds of the monotonic clock
	sweepAt int64 // when a deadline may have passed

	stamped int64 // when date must be made anew
	date    [http1.DateSize]byte
	time    timespec

	// The connections of the worker are those from first to below limit. Those
	// from fresh on were never used; freed is one more than the first of the
	// chain of the others that are free.
	first, fresh, limit int32
	freed               int32
	open                int

	out    []byte // what was gathered, in outBuf
	line   line
	text   line // of an answer
	offer  ws.Offer
	small  [128]byte
	event  event
	events [32]event
	in     [inSize]byte
	outBuf [outSize]byte
}

var (
	workers [maxWorkers]worker
	conns   [maxConns]conn
	ins     [maxConns][inSize]byte
	outs    [maxConns][outSize]byte
)

// count are figures of all workers.
var count struct{ accepted, open, requests, messages, coap atomic.Uint64 }

// endingSweep is how many milliseconds a worker waits, while the program ends,
// before it looks for connections that can be ended.
const endingSweep = 50

// fullWait is how many milliseconds clients are left to the kernel at most before
// the worker tries again.
const fullWait = 500

// far is a time that does not come.
const far = 1 << 62

// Slots of events that stand for something else than a connection.
const (
	listenerSlots = -2 // the first of the listeners
	alarmSlot     = -3
)

func (w *worker) prepare() bool {
	share := int32(maxConns / options.workers)
	w.first = int32(w.number) * share
	w.fresh, w.limit = w.first, w.first+share
	w.sweepAt = far
	w.out = w.outBuf[:0]
	fd := call3(sysEpollCreate, 0x80000, 0, 0)
	w.epoll = uintptr(fd)
	w.now = clock(clockMonotonic, &w.time)
	return fd >= 0 && w.control(epollAdd, alarm, epollIn, alarmSlot) && w.await(true)
}

// await has the worker wait for clients, or not.
func (w *worker) await(on bool) bool {
	op, ok := uintptr(epollDel), true
	if on {
		op = epollAdd
	}
	for kind, fd := range listeners[w.number] {
		if fd != 0 {
			ok = w.control(op, fd, epollIn, listenerSlots+int32(kind)) && ok
		}
	}
	w.full = !on
	return ok
}

func (w *worker) control(op uintptr, fd int32, events uint32, slot int32) bool {
	w.event.events, w.event.slot = events, slot
	return call(sysEpollControl, w.epoll, op, uintptr(fd), pointer(&w.event), 0, 0) == 0
}

// run serves until the program ends.
func (w *worker) run() {
	for {
		w.tick()
		if w.ending && w.open == 0 {
			break
		}
		ms := int64(-1)
		if w.sweepAt != far {
			ms = max(w.sweepAt-w.now, 0)
		}
		n := call(sysEpollWait, w.epoll, pointer(&w.events[0]), uintptr(len(w.events)), uintptr(ms), 0, 0)
		w.now = clock(clockMonotonic, &w.time)
		for i := 0; i < n; i++ {
			e := &w.events[i]
			if e.slot >= 0 {
				// Who came before in the events may have had to make room. An event
				// of the former use of a slot does no harm to the new one.
				if c := &conns[e.slot]; c.phase != free {
					w.ready(c, e.events)
				}
			} else if e.slot != alarmSlot && !w.ending {
				w.accept(int(e.slot - listenerSlots))
			}
		}
	}
	busy.Add(^uint32(0))
	for {
		w.time = timespec{3600, 0}
		call3(sysNanosleep, pointer(&w.time), 0, 0)
	}
}

// tick does what is due.
func (w *worker) tick() {
	if !w.ending && stopping.Load() != 0 {
		w.ending = true
		w.control(epollDel, alarm, 0, 0)
		if !w.full {
			w.await(false)
		}
		w.sweepAt = w.now
	}
	if w.now < w.sweepAt {
		return
	}
	w.sweepAt = far
	if w.ending {
		w.sweepAt = w.now + endingSweep
	}
	w.each((*worker).overdue)
	if w.full && !w.ending {
		w.await(true) // the descriptors may have been those of others
	}
}

// each has something done to every connection.
func (w *worker) each(do func(w *worker, c *conn)) {
	for i := w.first; i < w.fresh; i++ {
		if c := &conns[i]; c.phase != free {
			do(w, c)
		}
	}
}

// accept takes one client.
func (w *worker) accept(kind int) {
	slot := w.freed - 1
	if slot < 0 {
		if slot = w.fresh; slot == w.limit {
			w.crowded()
			return
		}
	}
	fd := call(sysAccept, uintptr(listeners[w.number][kind]), 0, 0, socketFlags, 0, 0)
	if fd < 0 {
		if fd != errAgain && fd != errInterrupted {
			w.crowded() // no descriptors are left
		}
		return
	}
	c := &conns[slot]
	if w.freed != 0 {
		w.freed = c.next
	} else {
		w.fresh++
	}
	w.open++
	count.accepted.Add(1)
	count.open.Add(1)
	*c = conn{fd: int32(fd), slot: slot, events: epollIn, phase: idle}
	c.head.Reset()
	w.log("[ACCEPT]", c, "")
	if !w.control(epollAdd, c.fd, epollIn, slot) {
		w.drop(c)
		return
	}
	w.due(c, options.wait)
	if kind == coapTCP {
		w.greet(c)
		w.settle(c, nil)
	}
}

// crowded makes room by ending who has been idle longest, or leaves clients to
// the kernel until there is room.
func (w *worker) crowded() {
	var oldest *conn
	for i := w.first; i < w.fresh; i++ {
		if c := &conns[i]; c.phase == idle && c.held == 0 && (oldest == nil || c.since() < oldest.since()) {
			oldest = c
		}
	}
	if oldest != nil {
		w.drop(oldest)
		return
	}
	w.await(false)
	w.sweepAt = min(w.sweepAt, w.now+fullWait)
}

// stamp is the date, made once a second.
func (w *worker) stamp() []byte {
	if w.now >= w.stamped {
		real := clock(clockReal, &w.time)
		http1.AppendDate(w.date[:0], real/1000)
		w.stamped = w.now + 1000 - real%1000
	}
	return w.date[:]
}

// log writes a line about a connection, if the program was asked to.
func (w *worker) log(event string, c *conn, what string) {
	if options.log {
		w.line.text(event).text(" fd=").num(int(c.fd)).text(what).end(stderr)
	}
}
