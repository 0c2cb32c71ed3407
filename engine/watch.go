package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// This file tells whoever wants to know that a connection ends while its
// handler runs. Nothing here is on the way of a request that nobody watches.

// Watcher is told once why the connection of a request ends, or why its
// handler may send no more, while the handler runs. It is called on any
// goroutine, also the handler's own, must not block, and must not call the
// engine.
type Watcher interface {
	// Gone is given transport.ErrReset if the peer has closed its end or reset
	// the connection, and else ErrDeadline, ErrKilled or ErrClosing.
	Gone(why error)
}

// watched is a Watcher and the connection that it watches.
type watched struct {
	v Watcher
	h pool.Handle
}

// Watch has v told when the connection ends before Unwatch, or has ended
// already. It may be called once a handler, and allocates. A peer that has
// closed its end only counts as gone.
//
// An end behind bytes that nobody has read yet is told as soon as the backend
// knows of it, which may be when they are read.
func (t *Stream) Watch(v Watcher) {
	w, s := t.slot()
	e := w.e
	h := e.pool.Handle(s)
	w.watched.Store(&watched{v, h})
	e.watchers.Add(1)
	// Whoever signals from here on looks for us. What has come before is
	// noted.
	if !w.take() {
		w.tell(h, ErrDeadline)
		return
	}
	f := s.Flags
	note(s, e.pool.Peek(s))
	now := s.Flags
	s.Flags = f
	w.give()
	switch {
	case now&flagKilled != 0:
		w.tell(h, ErrKilled)
	case now&(flagHangup|flagEOF) != 0:
		w.tell(h, transport.ErrReset)
	}
}

// Unwatch ends what Watch began. It may be called in any case.
func (t *Stream) Unwatch() {
	if t.w.watched.Load() != nil && t.w.watched.Swap(nil) != nil {
		t.w.e.watchers.Add(-1)
	}
}

// tell tells who watches the connection of h on the worker, if anybody does.
func (w *Worker) tell(h pool.Handle, why error) {
	x := w.watched.Load()
	if x == nil || x.h != h || !w.watched.CompareAndSwap(x, nil) {
		return
	}
	w.e.watchers.Add(-1)
	x.v.Gone(why)
}

// tellOf tells who watches the connection of h, which a worker serves.
func (e *Engine) tellOf(h pool.Handle, why error) {
	if e.watchers.Load() == 0 {
		return
	}
	for _, w := range e.workers {
		w.tell(h, why)
	}
}
