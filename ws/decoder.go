package ws

import "github.com/bobtail-go/bobtail/internal/build"

// Rules are what a receiving end demands of all its connections. Many Decoders
// may share one, which nobody changes.
type Rules struct {
	Role Role // of the receiver

	// The longest frame of data and the longest message that are taken, in bytes
	// of payload, before decompression; 0 is no limit. Both are checked as soon
	// as a header tells (RFC 6455 section 10.4).
	MaxFrame, MaxMessage uint64
}

// Kind is what a Part is.
type Kind uint8

// The kinds of parts.
const (
	NeedMore Kind = iota // none: more bytes are needed
	Data                 // some of the payload of a message
	Ping                 // a ping, to be answered by a pong with the same payload (RFC 6455 section 5.5.2)
	Pong                 // a pong, also one that nobody asked for (section 5.5.3)
	Close                // a close frame: nothing follows it (section 5.5.1)
)

// Part is something whole that was received: a control frame, or as much of a
// message as is there.
type Part struct {
	Kind       Kind
	Op         Opcode // of Data that of the message, OpText or OpBinary; else that of the control frame
	First      bool   // the first part of its message
	Last       bool   // the last part of its message; only such a one may be empty
	Compressed bool   // the message is compressed (RFC 7692 section 6)
	Code       Code   // of Close; CodeNoStatus if it had none

	// Payload is a view of the bytes that were given to Next, unmasked. Of Close
	// it is the reason.
	Payload []byte
}

// Decoder is the receiving end of a connection: it takes frames apart and holds
// them to the rules. The zero value is ready for use. It has no pointers, and is
// used by one goroutine at a time.
type Decoder struct {
	left  uint64 // payload of the frame at hand that is still to come
	total uint64 // payload of the message, the frame at hand included; not counted without a limit
	key   Key    // for the next byte of payload
	op    Opcode // of the message under way, 0 if there is none
	flags uint8
	text  UTF8 // whole where no text is under way
}

const (
	flagFrame      = 1 << iota // a frame of data is at hand: its header was consumed, its end was not
	flagFin                    // it is the last of its message
	flagFirst                  // no part of the message was given yet
	flagCompressed             // the message is compressed
	flagExtension              // messages may be compressed
)

// SetCompressed says whether messages may be compressed (RFC 7692 section 6):
// without it, which is how a Decoder begins, RSV1 is an error.
func (d *Decoder) SetCompressed(on bool) {
	d.flags &^= flagExtension
	if on {
		d.flags |= flagExtension
	}
}

// Idle reports whether no message and no frame of data is begun.
func (d *Decoder) Idle() bool { return d.op == 0 }

// InFrame is the number of bytes of payload of the frame at hand that are still
// to come.
func (d *Decoder) InFrame() (left uint64) { return d.left }

// Next takes the next part from the front of b, the bytes received that were
// not consumed yet, and says how many of them it has consumed. Payload is
// unmasked in place.
//
// A part of kind NeedMore says that there is nothing more to be had. What was
// not consumed then, an incomplete header or control frame of less than
// MaxPending bytes, must be given again, unchanged, with more bytes behind it.
// Payload of a message is given as it comes, whether or not its frame is
// complete.
//
// An error is an Error, whose Code is what to fail the connection with (RFC 6455
// section 7.1.7). It comes with the first byte that breaks a rule, and what was
// before that byte in b is lost. After an error, and after a part of kind Close,
// Next must not be called again.
func (d *Decoder) Next(b []byte, r *Rules) (p Part, n int, err error) {
	if !build.Small {
		if f, n, e := d.whole(b, r); e != 0 {
			return Part{}, n, e
		} else if n > 0 {
			return Part{Kind: Data, Op: Opcode(b[0] & 15), First: true, Last: true, Payload: f}, n, nil
		}
	}
	for {
		if d.flags&flagFrame == 0 {
			f := b[n:]
			if len(f) == 0 {
				return Part{}, n, nil
			}
			if e := d.checkFirst(f[0]); e != 0 {
				return Part{}, n, e
			}
			if len(f) == 1 {
				return Part{}, n, nil
			}
			if masked := f[1]&bitMask != 0; masked != (r.Role == RoleServer) {
				if masked {
					return Part{}, n, ErrMasked
				}
				return Part{}, n, ErrUnmasked
			}
			if f[0]&8 != 0 {
				p, m, e := control(f)
				return p, n + m, e.err()
			}
			m, e := d.begin(f, r)
			if m == 0 {
				return Part{}, n, e.err()
			}
			n += m
		}
		f := b[n:]
		if uint64(len(f)) > d.left {
			f = f[:d.left]
		}
		if len(f) == 0 && d.left != 0 {
			return Part{}, n, nil
		}
		text := d.op == OpText && d.flags&flagCompressed == 0
		fine := true
		switch {
		case r.Role != RoleServer:
			fine = !text || d.text.Check(f)
		case text && len(f) <= short:
			var ascii bool
			d.key, ascii = maskShort(f, d.key)
			fine = ascii && d.text.Whole() || d.text.Check(f)
		default:
			d.key = Mask(f, d.key)
			fine = !text || d.text.Check(f)
		}
		if !fine {
			return Part{}, n, ErrUTF8
		}
		n += len(f)
		d.left -= uint64(len(f))
		p = Part{
			Kind: Data, Op: d.op, First: d.flags&flagFirst != 0, Compressed: d.flags&flagCompressed != 0,
			Payload: f[:len(f):len(f)],
		}
		if d.left == 0 {
			d.flags &^= flagFrame
			if d.flags&flagFin != 0 {
				if text && !d.text.Whole() {
					return Part{}, n, ErrUTF8
				}
				d.op = 0
				p.Last = true
			} else if len(f) == 0 {
				continue // an empty fragment says nothing
			}
		}
		d.flags &^= flagFirst
		return p, n, nil
	}
}

// checkFirst looks at the first byte of a header: at what no frame may be, and
// at what may not come now.
func (d *Decoder) checkFirst(b byte) Error {
	e := checkFirst(b)
	switch {
	case e != 0 || b&8 != 0:
		return e
	case b&15 == 0:
		if d.op == 0 {
			return ErrContinuation
		}
		if b&bitRSV1 != 0 {
			return ErrReservedBits // RFC 7692 section 6.1: only in the first frame of a message
		}
	case d.op != 0:
		return ErrInterrupted
	case b&bitRSV1 != 0 && d.flags&flagExtension == 0:
		return ErrReservedBits
	}
	return 0
}

// begin takes the header of a frame of data, whose first two bytes are checked,
// and returns its size, 0 if it is not all there.
func (d *Decoder) begin(f []byte, r *Rules) (n int, e Error) {
	length, n, e := parseLength(f)
	if n == 0 {
		return 0, e
	}
	if r.MaxFrame != 0 && length > r.MaxFrame {
		return 0, ErrFrameTooBig
	}
	total := length
	if r.MaxMessage != 0 {
		if d.op != 0 {
			total += d.total // both below 2^63
		}
		if total > r.MaxMessage {
			return 0, ErrMessageTooBig
		}
	}
	if r.Role == RoleServer {
		if len(f) < n+4 {
			return 0, 0
		}
		d.key = loadKey(f[n:])
		n += 4
	}
	if d.op == 0 {
		d.op = Opcode(f[0] & 15)
		d.flags = d.flags&flagExtension | flagFirst
		if f[0]&bitRSV1 != 0 {
			d.flags |= flagCompressed
		}
	}
	d.left, d.total = length, total
	d.flags |= flagFrame
	if f[0]&bitFin != 0 {
		d.flags |= flagFin
	}
	return n, 0
}

// control takes a control frame, whose first two bytes are there and checked but
// for the length, and returns its size, 0 if it is not all there.
func control(f []byte) (p Part, n int, e Error) {
	length := int(f[1] &^ bitMask)
	if length > MaxControl {
		return Part{}, 0, ErrControlLong
	}
	at, masked := 2, f[1]&bitMask != 0
	if masked {
		at += 4
	}
	n = at + length
	if len(f) < n {
		return Part{}, 0, 0
	}
	payload := f[at:n:n]
	if masked {
		Mask(payload, loadKey(f[2:]))
	}
	p = Part{Op: Opcode(f[0] & 15), Payload: payload}
	switch p.Op {
	case OpPing:
		p.Kind = Ping
	case OpPong:
		p.Kind = Pong
	default:
		p.Kind = Close
		if p.Code, p.Payload, e = parseClose(payload); e != 0 {
			return Part{}, 0, e
		}
	}
	return p, n, 0
}
