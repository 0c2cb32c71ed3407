//go:build !tinygo

package http1

// MaxRepeat is the longest head that a Repeat remembers, in bytes: browsers send
// 400 to 600 without cookies.
const MaxRepeat = 640

// Repeat remembers a head that was parsed last, byte for byte, for the next one to
// be compared with: clients say much the same each time, a load balancer for all
// of its own, and one who pipelines says it at once. A head that is the same is not
// parsed again, and of one that differs in its request line only that line is.
//
// The head may be another connection's. What comes of that is what the new bytes
// are, which are the same or are parsed; and how long it takes says whether they
// are the same as a whole, but not how far, so that nobody can find out piece by
// piece what others have sent.
//
// A Repeat belongs to one Head and one Parser. It holds no pointer. The zero value
// remembers nothing.
type Repeat struct {
	line uint16 // bytes of the request line, with its CRLF
	n    uint16 // of the head
	same bool
	b    [MaxRepeat]byte
}

// Forget has r remember nothing. It is called before its Head is changed by
// anything but ParseNext, and by Parse if that goes on where ParseNext has stopped.
func (r *Repeat) Forget() { r.n, r.same = 0, false }

// Same reports whether the head that ParseNext has completed last is to the byte
// the one that it completed before.
func (r *Repeat) Same() bool { return r.same }

// note has r remember h, which is complete and whose bytes b begins with, if it is
// such that its lines can be told apart again.
func (r *Repeat) note(h *Head, b []byte) {
	if h.form != Origin || h.version != Version11 || h.start != 0 || h.pos > MaxRepeat {
		r.n = 0
		return
	}
	r.line = h.target + h.targetLen + uint16(len(" HTTP/1.1\r\n"))
	r.n = h.pos
	copy(r.b[:], b[:h.pos])
}

// ParseNext is Reset and Parse for a head that begins where b does. If r remembers
// the head that h has, what is the same is not parsed.
func (p *Parser) ParseNext(h *Head, r *Repeat, b []byte) (done bool, err error) {
	if n := int(r.n); n != 0 && !p.Ask {
		if r.same = ends(b, n) && same(b[:n], r.b[:n]); r.same {
			return true, nil
		}
		line := int(r.line)
		most := min(p.Limits.head(), MaxHeadBuffer, len(b))
		i := p.wholeRequestLine(h, b[:most], 0)
		if i == 0 {
			h.Reset()
		} else if end := i + n - line; ends(b[:most], end) && same(b[i:end], r.b[line:n]) {
			for k := range h.fields[:h.kept] {
				s := &h.fields[k]
				s.name += uint16(i - line)
				s.value += uint16(i - line)
			}
			h.pos = uint16(end)
			h.state = stateDone
			r.note(h, b)
			return true, nil
		} else {
			// All else is as Reset leaves it, in what note takes.
			h.pos = uint16(i)
			h.count, h.kept, h.facts, h.host, h.length = 0, 0, 0, 0, 0
		}
		r.n = 0
	} else {
		r.Forget()
		h.Reset()
	}
	if done, err = p.Parse(h, b); done {
		r.note(h, b)
	}
	return done, err
}

// ends reports whether the end of a head may be at n.
func ends(b []byte, n int) bool {
	return n <= len(b) && b[n-1] == '\n' && b[n-2] == '\r' && b[n-3] == '\n' && b[n-4] == '\r'
}

// same reports whether a and b, which are of one length of at least eight bytes,
// are the same, in a time that does not depend on where they differ.
func same(a, b []byte) bool {
	d := word(a[len(a)-8:]) ^ word(b[len(b)-8:])
	for len(a) >= 32 && len(b) >= 32 {
		d |= (word(a) ^ word(b)) | (word(a[8:]) ^ word(b[8:])) | (word(a[16:]) ^ word(b[16:])) | (word(a[24:]) ^ word(b[24:]))
		a, b = a[32:], b[32:]
	}
	for len(a) > 8 && len(b) > 8 {
		d |= word(a) ^ word(b)
		a, b = a[8:], b[8:]
	}
	return d == 0
}
