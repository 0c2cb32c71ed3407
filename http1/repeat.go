//go:build !tinygo

package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// MaxRepeat is the longest field section that a Repeat remembers, in bytes.
const MaxRepeat = 512

// Repeat remembers the field section of the last head of a connection, since a
// client who has sent a request behind another has mostly said the same of both
// but for the target. It holds no pointer, and what it takes up has no other
// lifetime than its own. The zero value remembers nothing.
//
// It is for one connection: what others have sent is not to be compared with, for
// the time that this takes would tell of it.
type Repeat struct {
	n uint16 // bytes in use
	b [MaxRepeat]byte
}

// Forget has r remember nothing. It is called before h is changed by anything but
// ParseNext.
func (r *Repeat) Forget() { r.n = 0 }

// Note has r remember the fields of h, which is complete, of the bytes b. It does
// nothing if r remembers some.
func (r *Repeat) Note(h *Head, b []byte) {
	if r.n != 0 || h.state != stateDone || h.form != Origin || h.version != Version11 || h.dropped != 0 {
		return
	}
	if s := b[h.lines():h.pos]; len(s) <= MaxRepeat {
		r.n = uint16(copy(r.b[:], s))
	}
}

// lines is where the field lines of a head begin of which no byte is missing.
func (h *Head) lines() int { return int(h.target) + int(h.targetLen) + len(" HTTP/1.1\r\n") }

// ParseNext is Reset and Parse for the head that follows h on the same connection,
// which was complete. If r remembers h's fields, and those that follow are the same
// to the byte, they are not taken apart again.
func (p *Parser) ParseNext(h *Head, r *Repeat, b []byte) (done bool, err error) {
	n := int(r.n)
	old := h.lines()
	if n == 0 || p.Ask {
		r.Forget()
		h.Reset()
		return p.Parse(h, b)
	}
	limit := min(p.Limits.head(), MaxHeadBuffer, len(b))
	i := p.wholeRequestLine(h, b[:limit], 0)
	if i == 0 || limit-i < n || ascii.View(b[i:i+n]) != ascii.View(r.b[:n]) {
		r.Forget()
		h.Reset()
		return p.Parse(h, b)
	}
	if i != old {
		for k := range h.fields[:h.kept] {
			s := &h.fields[k]
			s.name += uint16(i - old)
			s.value += uint16(i - old)
		}
	}
	h.pos = uint16(i + n)
	h.state = stateDone
	return true, nil
}
