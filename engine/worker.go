package engine

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// gather is the most pieces of output that one call sends.
const gather = 8

// nobody is the index of no slot, no lane.
const nobody = -1

// Worker is who serves a slot: a goroutine and the memory that serving needs.
// Drivers get it as an argument; its methods are for the goroutine that it is
// on, unless they say otherwise.
type Worker struct {
	e  *Engine
	id int

	// Memory is the driver's to use while it serves a slot. Nothing in it
	// outlives the call.
	Memory []byte

	// Now is the time of the backend's clock when the events at hand were
	// fetched: cheap, and late by what was served since.
	Now int64

	lane  atomic.Int32 // the lane that it leads, or nobody; others only look
	token token        // its word of the lane

	// sema is told when a worker that waits, idle or lent, is to go on. What
	// it is told is in the fields before.
	sema    chan struct{}
	signals pool.Signals // why a lent worker goes on

	current atomic.Int32 // index of the slot that is served, or nobody
	caught  atomic.Bool  // the monitor has found it stuck in its handler

	// The right to the slot, while a handler runs: see handler.go.
	right    atomic.Uint32
	turn     uint32       // of the handler, part of the right
	warned   bool         // the handler was told that the engine shuts down
	deadline atomic.Int64 // when the right passes to the monitor, if there is one
	wasLost  bool         // it did, and the worker was replaced
	alone    bool         // it did at the end of the engine, which does not wait for it

	// Lending.
	permit   atomic.Bool  // it holds one of the permits to be lent
	waits    uint32       // how often it has waited
	waiting  atomic.Int64 // since when it waits for a peer, 0 if it does not
	patience atomic.Int64 // until when
	verdict  atomic.Uint32

	watched atomic.Pointer[watched] // who is told of the connection's end: see watch.go

	stream Stream
	one    [1][]byte // scratch for sending
	bufs   [gather][]byte

	counts counters
	_      [flat.Line]byte
}

func newWorker(e *Engine, id, memory int) *Worker {
	w := &Worker{e: e, id: id, Memory: make([]byte, memory), sema: make(chan struct{}, 1)}
	w.stream.w = w
	w.lane.Store(nobody)
	w.current.Store(nobody)
	return w
}

// ID is the worker's number, from 0 to one less than Engine.MaxWorkers.
func (w *Worker) ID() int { return w.id }

// Engine is the worker's engine.
func (w *Worker) Engine() *Engine { return w.e }

// run is the life of a worker.
func (w *Worker) run() {
	e := w.e
	defer func() { e.ended <- w.id }()
	if w.lane.Load() == nobody {
		<-w.sema // it began on the idle stack
	}
	for !e.stopping.Load() {
		if w.wasLost {
			w.abdicate() // it was deposed long ago, but has not looked
			w.sleep()    // whoever replaced it may still be at work
			continue
		}
		worked := w.serveQueued()
		if w.lane.Load() == nobody && !w.lead() {
			if !worked {
				w.sleep()
			}
			continue
		}
		ev, took := e.lanes[w.lane.Load()].take(&w.token)
		switch took {
		case tookEvent:
			if s, sig := w.claim(ev); s != nil {
				w.serve(s, sig)
			}
		case tookNone:
			w.fetch()
		case tookDeposed:
			w.lane.Store(nobody)
		}
	}
	w.abdicate()
}

// serveQueued serves the first slot of the ring, and reports whether there
// was one.
func (w *Worker) serveQueued() bool {
	i, ok := w.e.pool.Ready.Pop()
	if !ok {
		return false
	}
	if !w.e.polled.Load() {
		w.Now = w.e.backend.Now() // it may have slept since it last looked
	}
	s := w.e.pool.Slot(i)
	w.e.monitor.attend(w.e)
	w.serve(s, w.e.pool.Take(s))
	return true
}

// lead takes a vacant lane, if there is one.
func (w *Worker) lead() bool {
	for i := range w.e.lanes {
		if t, ok := w.e.lanes[i].occupy(laneServing); ok {
			w.token = t
			w.lane.Store(int32(i))
			w.Now = w.e.backend.Now() // there may be events left to take
			return true
		}
	}
	return false
}

// abdicate gives the worker's lane away, to an idle worker if there is one.
func (w *Worker) abdicate() {
	l := w.lane.Load()
	if l == nobody || w.e.polled.Load() {
		return
	}
	w.lane.Store(nobody)
	if w.e.lanes[l].change(&w.token, laneVacant) {
		w.e.monitor.rouse(w.e)
		w.e.callIdle()
	}
}

// HandOver gives the worker's lane to an idle worker, if there is one, before
// something that is known to take long.
func (w *Worker) HandOver() {
	if w.lane.Load() != nobody && !w.e.polled.Load() && w.e.idleAtHand() {
		w.abdicate()
	}
}

// Caught reports whether the monitor has found the worker stuck in the
// handler that runs or has just run.
func (w *Worker) Caught() bool { return w.caught.Load() }

// fetch waits for events of the lane that the worker leads.
func (w *Worker) fetch() {
	e := w.e
	lane := int(w.lane.Load())
	l := &e.lanes[lane]
	// From here on the lane says that its leader waits, and whoever queues a
	// slot wakes it. So the ring must be looked at after that is said.
	if !l.change(&w.token, laneWaiting) {
		w.lane.Store(nobody)
		return
	}
	deadline := transport.Forever
	if e.pool.Ready.Len() > 0 || e.stopping.Load() {
		deadline = 0
	}
	n, _ := e.backend.Wait(lane, l.raw[:], deadline)
	l.fetched(&w.token, laneServing, n)
	w.Now = e.backend.Now()
	if n > 0 {
		e.monitor.attend(e)
	}
}

// claim acts on an event, and returns the slot that is to be served for it, if
// it is the worker's now.
func (w *Worker) claim(ev transport.Event) (*pool.Slot, pool.Signals) {
	if ev.Tag&listenerTag != 0 {
		w.e.acceptClients(int(ev.Tag&^listenerTag), &w.counts, w.id)
		return nil, 0
	}
	h := pool.Handle(ev.Tag)
	outcome, sig := w.e.pool.Signal(h, signalsOf(ev.Ready), pool.Claim)
	switch outcome {
	case pool.Claimed:
		return w.e.pool.Slot(h.Index()), sig
	case pool.Resumed:
		w.e.resume(h, sig)
	case pool.Noted:
		if ev.Ready&transport.Hangup != 0 {
			w.e.tellOf(h, transport.ErrReset)
		}
	}
	return nil, 0
}

func signalsOf(r transport.Ready) pool.Signals {
	// The first three conditions have the signals' bits; see the test.
	return pool.Signals(r & (transport.Readable | transport.Writable | transport.Hangup))
}

// sleep puts the worker on the idle stack until somebody calls it.
func (w *Worker) sleep() {
	e := w.e
	e.crew.Lock()
	if w.wasLost {
		w.wasLost = false
		e.lost.Add(-1)
	}
	if e.stopping.Load() {
		e.crew.Unlock()
		return // Stop has called all those who slept
	}
	e.crew.inUse--
	e.crew.idle = append(e.crew.idle, w)
	e.crew.Unlock()
	// What came since the worker last looked was not told to it.
	if e.work() {
		e.callIdle()
	}
	<-w.sema
}

// work reports whether there is something to do for an idle worker.
func (e *Engine) work() bool {
	if e.pool.Ready.Len() > 0 || e.stopping.Load() {
		return true
	}
	for i := range e.lanes {
		if m, _, _, _ := splitToken(e.lanes[i].word.Load()); m == laneVacant {
			return true
		}
	}
	return false
}

// idleAtHand reports whether callIdle would find somebody.
func (e *Engine) idleAtHand() bool {
	e.crew.Lock()
	ok := e.mayCall()
	e.crew.Unlock()
	return ok
}

func (e *Engine) mayCall() bool {
	return len(e.crew.idle) > 0 && e.crew.inUse < e.cfg.Workers+int(e.lost.Load())
}

// callIdle wakes an idle worker, if there is one and it may be in use.
func (e *Engine) callIdle() bool {
	e.crew.Lock()
	if !e.mayCall() {
		e.crew.Unlock()
		return false
	}
	k := len(e.crew.idle) - 1
	w := e.crew.idle[k]
	e.crew.idle = e.crew.idle[:k]
	e.crew.inUse++
	e.crew.Unlock()
	w.sema <- struct{}{}
	return true
}

// enqueue puts a slot, which has just become Queued, into the ring, and finds
// somebody to serve it: an idle worker, or a leader that waits.
func (e *Engine) enqueue(s *pool.Slot) {
	e.pool.Ready.Push(e.pool.Index(s))
	if e.polled.Load() {
		e.backend.Wake(0) // if it is not Poll itself that does this
		return
	}
	if e.callIdle() {
		return
	}
	for i := range e.lanes {
		if m, _, _, _ := splitToken(e.lanes[i].word.Load()); m == laneWaiting {
			e.backend.Wake(i)
			return
		}
	}
	e.monitor.rouse(e)
}
