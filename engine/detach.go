package engine

import "github.com/bobtail-go/bobtail/transport"

// Detach takes the stream away from its slot and gives it to the caller, whose
// it is from then on: see transport.Detacher for what it is. Output that waits
// is sent first. The handler returns after that, and its driver's verdict is
// Detached. The engine neither closes the stream nor waits for it when it
// ends. Detach fails with ErrNotSupported of package transport if the backend
// cannot do it, and as Write does; then the stream is still the slot's.
func (t *Stream) Detach() (any, error) {
	w, s := t.slot()
	d, ok := w.e.backend.(transport.Detacher)
	if !ok {
		return nil, transport.ErrNotSupported
	}
	if _, err := t.Write(nil); err != nil {
		return nil, err
	}
	if !w.take() {
		return nil, ErrDeadline
	}
	v, err := d.Detach(stream(s))
	if err == nil {
		// Whoever ends the slot from here on finds no stream to close.
		s.SetStream(noStream)
	}
	w.give()
	return v, err
}

// noStream is the stream of a slot whose stream was given away.
const noStream = -1

// Local is our end of the stream of the slot that the worker serves. It asks
// the system each time. It is unset when the handler's deadline has passed.
func (t *Stream) Local() transport.Addr {
	w, s := t.slot()
	if w.right.Load() == rightNone {
		return w.e.backend.Local(stream(s))
	}
	if !w.take() {
		return transport.Addr{}
	}
	a := w.e.backend.Local(stream(s))
	w.give()
	return a
}
