package websocket

import (
	"sync"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
)

// Socket is a connection for everybody: it may be copied, compared, kept, and
// used from any goroutine. Once the connection is over, it is of no use, and
// never anybody else's. The zero Socket is closed.
//
// What is pushed to it is copied, arrives whole, and in the order in which one
// goroutine has pushed it. It is sent at once if the peer takes it, else kept in
// blocks of output. Nothing waits, and nothing allocates.
type Socket struct {
	u *route
	h pool.Handle
}

// Handle names the connection in its engine.
func (s Socket) Handle() pool.Handle { return s.h }

// IsOpen reports whether what is pushed may still arrive.
func (s Socket) IsOpen() bool { return s.u != nil && !s.u.d.e.Pool().Outputs.Sealed(s.h) }

// Send pushes a message, text or binary, with the Mark and the policy of the
// connection's Options. The errors are those of Push.
func (s Socket) Send(op ws.Opcode, p []byte) error {
	if s.u == nil {
		return pool.ErrStale
	}
	return s.Push(op, p, s.u.o.Mark, s.u.o.Slow)
}

// SendText pushes a text, which must be UTF-8, as Send does.
func (s Socket) SendText(text string) error { return s.Send(ws.OpText, ascii.Bytes(text)) }

// Push pushes a message, text or binary. mark is how many pieces of output (of
// the size of an output block) may wait for the peer before the policy applies;
// 0 is no mark. With engine.CloseSlow the connection is closed with 1013, and
// what waits and has not begun to be sent is lost.
//
// The errors are pool.ErrStale when the connection is over, pool.ErrSealed when
// it is being closed, pool.ErrBacklog at the mark, pool.ErrFull when no output
// block is free, ws.ErrOrder for another opcode, and ErrLong for more than a
// worker's memory to a connection that was dialled. Then nothing of the message
// is sent.
func (s Socket) Push(op ws.Opcode, p []byte, mark int, overflow engine.Overflow) error {
	if op != ws.OpText && op != ws.OpBinary {
		return ws.ErrOrder
	}
	return s.push(ws.Header{Op: op, Fin: true, Length: uint64(len(p))}, p, mark, overflow)
}

// Ping pushes a ping with a payload of at most ws.MaxControl bytes, as Send
// does. The error is also ErrLong.
func (s Socket) Ping(p []byte) error {
	switch {
	case s.u == nil:
		return pool.ErrStale
	case len(p) > ws.MaxControl:
		return ErrLong
	}
	return s.push(ws.Header{Op: ws.OpPing, Fin: true, Length: uint64(len(p))}, p, s.u.o.Mark, s.u.o.Slow)
}

func (s Socket) push(h ws.Header, p []byte, mark int, overflow engine.Overflow) error {
	if s.u == nil {
		return pool.ErrStale
	}
	d := s.u.d
	policy := overflow
	if policy == engine.CloseSlow {
		policy = engine.DropNewest
	}
	var err error
	if s.u.rules.Role == ws.RoleClient {
		err = d.client.Load().push(d, s.h, h, p, mark, policy)
	} else {
		var b [ws.MaxHeader]byte
		err = d.e.Push(s.h, ws.AppendHeader(b[:0], h), p, mark, policy)
	}
	if pool.ErrBacklog.Is(err) && overflow == engine.CloseSlow {
		s.tooSlow()
	}
	return err
}

// tooSlow closes the connection of a slow consumer.
func (s Socket) tooSlow() {
	if s.close(ws.CodeTryAgainLater, "", true) == nil {
		s.u.d.counts.slow.Add(1)
	}
}

// Close closes the connection, with a code that may be sent (ws.Code.MayBeSent,
// or ws.CodeNoStatus) and a reason of at most ws.MaxReason bytes of UTF-8, behind
// all that was pushed before. What is pushed after fails. The peer has
// Config.Close to answer. The errors are pool.ErrStale and pool.ErrSealed: it is
// over, or being closed.
func (s Socket) Close(code ws.Code, reason string) error { return s.close(code, reason, false) }

func (s Socket) close(code ws.Code, reason string, drop bool) error {
	if s.u == nil {
		return pool.ErrStale
	}
	d := s.u.d
	if d.e.Pool().Outputs.Sealed(s.h) {
		return pool.ErrSealed
	}
	// The owner is told before the frame may be sent, so that it sends nothing
	// behind it. If it is not sent then, for want of a block, the owner does it.
	r := &d.records[s.h.Index()]
	if !r.claim(s.h, code) {
		return pool.ErrSealed
	}
	l := &d.last
	l.Lock()
	frame := &l.frame
	payload := ws.AppendClose(frame[ws.MaxHeader:ws.MaxHeader], code, reason)
	h := ws.Header{Op: ws.OpClose, Fin: true, Length: uint64(len(payload))}
	if s.u.rules.Role == ws.RoleClient {
		if err := d.mask(&h); err != nil {
			l.Unlock()
			d.e.Wake(s.h)
			return err
		}
		ws.Mask(payload, h.Key)
	}
	err := d.e.PushLast(s.h, ws.AppendHeader(frame[:0], h), payload, drop)
	l.Unlock()
	d.e.Wake(s.h) // it is too late if the peer has answered already
	if pool.ErrFull.Is(err) || pool.ErrSealed.Is(err) {
		return nil // the owner does it, or has
	}
	return err
}

// lastFrame is where the close frames of Sockets are put together.
type lastFrame struct {
	sync.Mutex
	frame [ws.MaxHeader + ws.MaxControl]byte
}

// claim says that the connection of h is to be closed with a code. It fails if
// somebody has said so, or if the record is that of a later connection.
func (r *record) claim(h pool.Handle, code ws.Code) bool {
	for {
		old := r.closing.Load()
		// Generations grow. One that was claimed late must not hide another.
		if int32(h.Generation()-uint32(old>>32)) <= 0 && old != 0 {
			return false
		}
		if r.closing.CompareAndSwap(old, uint64(h.Generation())<<32|uint64(code)) {
			return true
		}
	}
}
