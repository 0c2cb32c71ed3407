package engine

import "github.com/bobtail-go/bobtail/pool"

// Take takes the right to the slot for a moment, for what a driver does in a
// handler's name: until Give the caller may touch the slot as its owner does,
// and nobody answers in the handler's place. It fails when the handler's
// deadline has passed: then the slot is somebody else's. It must not be held
// while waiting, nor across a call of the Stream.
func (w *Worker) Take() bool { return w.take() }

// Give gives the right back that Take took.
func (w *Worker) Give() { w.give() }

// Ignore says that the driver will not receive before something other than the
// peer's bytes makes it go on: those that are known to be there stay in the
// network, and are no reason to serve the slot. The driver must try to receive
// when it goes on, or Heed, since no event will tell of them.
func (w *Worker) Ignore(s *pool.Slot) { s.Flags &^= flagUnread }

// Heed takes Ignore back when the driver goes on: there may be bytes again.
func (w *Worker) Heed(s *pool.Slot) {
	if s.Flags&flagEOF == 0 {
		s.Flags |= flagUnread
	}
}

// Hangup reports whether the peer is known to have closed or reset: Receive
// will come to EOF or an error.
func (w *Worker) Hangup(s *pool.Slot) bool { return s.Flags&(flagHangup|flagEOF) != 0 }
