package engine

import (
	"github.com/bobtail-go/bobtail/internal/build"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// flush sends the slot's queued output. It fails with ErrWouldBlock when the
// peer does not take it all.
func (w *Worker) flush(s *pool.Slot) error {
	n, err := w.e.flushTo(s, w.bufs[:])
	if n > 0 {
		w.counts.add(countSent, n)
		if Phase(s.Phase) == PhaseWrite {
			w.Progress(s, n)
		}
	}
	if transport.ErrWouldBlock.Is(err) {
		w.Enter(s, PhaseWrite)
	} else if err == nil && Phase(s.Phase) == PhaseWrite {
		s.Phase = uint8(PhaseBusy)
	}
	return err
}

// flushTo sends the queued output by way of bufs, by the slot's owner.
func (e *Engine) flushTo(s *pool.Slot, bufs [][]byte) (sent int, err error) {
	for {
		k := e.pool.Outputs.Peek(s, bufs)
		if k == 0 {
			s.Flags &^= flagOutput
			return sent, nil
		}
		want := 0
		for _, b := range bufs[:k] {
			want += len(b)
		}
		n, err := e.backend.Send(stream(s), bufs[:k])
		clear(bufs[:k])
		sent += n
		if n > 0 {
			e.pool.Outputs.Advance(s, n)
		}
		if err != nil {
			return sent, err
		}
		if n < want {
			return sent, transport.ErrWouldBlock
		}
	}
}

// Send sends head and then body, as much as the peer takes now, and keeps the
// rest as output of the slot: of head always a copy; of body a copy too,
// unless it is static, which says that its bytes never change, and then only
// a reference. The caller's slices are free when it returns.
//
// rest is how many bytes at the end could be neither sent nor kept, for want
// of blocks. The caller may wait with [Stream.WriteOn] (or Write, if nothing
// was sent), in a handler, or give up.
func (w *Worker) Send(s *pool.Slot, head, body []byte, static bool) (rest int, err error) {
	var n int
	ahead := !build.Small && s.Flags&flagOutput == 0
	if ahead { // sendFirst, with a function less: see serve
		w.bufs[0], w.bufs[1] = head, body
		n, err = w.e.backend.Send(stream(s), w.bufs[:2])
		w.bufs[0], w.bufs[1] = nil, nil
		if n > 0 {
			w.counts.add(countSent, n)
		}
		if err == nil && n == len(head)+len(body) {
			return 0, nil
		}
		if err != nil && !transport.ErrWouldBlock.Is(err) {
			return 0, err
		}
	} else if n, ahead, err = w.sendFirst(s, head, body); err != nil || n == len(head)+len(body) {
		return 0, err
	}
	skip := min(n, len(head))
	if !w.e.pool.Outputs.Keep(s, head[skip:], body[n-skip:], static, ahead) {
		return len(head) + len(body) - n, nil
	}
	s.Flags |= flagOutput
	return 0, nil
}

// SendReserved is Send of p in n output blocks that the caller has reserved
// (pool.Outputs.Reserve) and p fits into, so that nothing is left. kept says that
// the reservation was used up; else it is still the caller's. The error is that of
// the stream, or pool.ErrFull if others have pushed so much to the slot that its
// queue takes no more.
func (w *Worker) SendReserved(s *pool.Slot, p []byte, n int) (kept bool, err error) {
	sent, ahead, err := w.sendFirst(s, p, nil)
	if err != nil || sent == len(p) {
		return false, err
	}
	s.Flags |= flagOutput
	if !w.e.pool.Outputs.KeepReserved(s, p[sent:], nil, ahead, n) {
		return true, pool.ErrFull
	}
	return true, nil
}

// sendFirst sends what waits, and then as much of head and body as the peer takes
// now. ahead says where the rest goes: what is left of a message that has begun
// goes before what others have pushed meanwhile; what waits behind a queue that we
// know of does not.
func (w *Worker) sendFirst(s *pool.Slot, head, body []byte) (n int, ahead bool, err error) {
	if s.Flags&flagOutput != 0 {
		if err := w.flush(s); err != nil && !transport.ErrWouldBlock.Is(err) {
			return 0, false, err
		}
	}
	if s.Flags&flagOutput == 0 {
		w.bufs[0], w.bufs[1] = head, body
		n, err = w.e.backend.Send(stream(s), w.bufs[:2])
		w.bufs[0], w.bufs[1] = nil, nil
		if err != nil && !transport.ErrWouldBlock.Is(err) {
			return 0, false, err
		}
		w.counts.add(countSent, n)
	}
	return n, s.Flags&flagOutput == 0, nil
}

// SendNow sends head and then body, as much as the peer takes now, and keeps
// nothing: the caller has the rest and says Await, or Again if it has stopped
// before the peer did. It returns how many bytes were taken, and less than all
// only if the stream is full. It must not be called while output is Pending.
func (w *Worker) SendNow(s *pool.Slot, head, body []byte) (n int, err error) {
	w.bufs[0], w.bufs[1] = head, body
	n, err = w.e.backend.Send(stream(s), w.bufs[:2])
	w.bufs[0], w.bufs[1] = nil, nil
	return w.sentNow(s, n, err)
}

// SendsFiles reports whether the backend is a transport.FileSender, so that
// SendFile may be called.
func (w *Worker) SendsFiles() bool { return w.e.files != nil }

// SendFile is SendNow for head and then n bytes of a file; see
// transport.FileSender for its errors.
func (w *Worker) SendFile(s *pool.Slot, head []byte, fd uintptr, off int64, n int) (int, error) {
	n, err := w.e.files.SendFile(stream(s), head, fd, off, n)
	return w.sentNow(s, n, err)
}

func (w *Worker) sentNow(s *pool.Slot, n int, err error) (int, error) {
	if transport.ErrWouldBlock.Is(err) {
		err = nil
	}
	if n > 0 {
		w.counts.add(countSent, n)
		if Phase(s.Phase) == PhaseWrite {
			w.Progress(s, n)
		}
	}
	return n, err
}
