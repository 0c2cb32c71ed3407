package ws

// Encoder knows where in a message the sending end of a connection is. The
// zero value is ready for use. It holds no pointer, and is used by one
// goroutine at a time.
type Encoder struct {
	op Opcode // of the message under way, 0 if there is none
}

// Data is the header of the next frame of data, without length and key. op is
// that of the message, OpText or OpBinary, and is given with each frame of it;
// the header has OpContinuation in every frame but the first (RFC 6455 section
// 5.4). fin says that it is the last. compressed sets RSV1, in the first frame
// only (RFC 7692 section 6.1).
//
// It fails with ErrOrder, and changes nothing, if op is another than that of
// the message under way, or that of no message.
func (e *Encoder) Data(op Opcode, fin, compressed bool) (Header, error) {
	h := Header{Op: op, Fin: fin, RSV1: compressed}
	switch {
	case op != OpText && op != OpBinary, e.op != 0 && e.op != op:
		return Header{}, ErrOrder
	case e.op != 0:
		h.Op, h.RSV1 = OpContinuation, false
	}
	e.op = op
	if fin {
		e.op = 0
	}
	return h, nil
}

// Midway reports whether a message is begun and not ended: only control frames
// and its other frames may be sent.
func (e *Encoder) Midway() bool { return e.op != 0 }
