package coapdial

import (
	"io"

	"github.com/bobtail-go/bobtail/coap"
)

// This file sends the body of a request (RFC 7959 section 2.5).

// roomForBlocks is what the options of a blockwise transfer take at most:
// Block1, Block2, Size1, Size2 and Request-Tag.
const roomForBlocks = 5 + 5 + 6 + 6 + 6

// upload is the body of a request, of which a window is in memory: so a block
// can be sent again, in smaller pieces.
type upload struct {
	*transfer
	from   int64 // where the window begins in the body
	n      int   // bytes in it
	ended  bool  // the body ends with it
	total  int64 // -1 if it is not known
	start  int64 // of the body, if it can be sought
	seeker io.Seeker

	szx   uint8
	chunk int // the most bytes of the next message: a block, or several by BERT
}

// send sends the request with all of its body, and gives the answer to the last
// message.
func (t *transfer) send() (coap.Message, error) {
	if t.r.Body == nil {
		t.fresh()
		t.first()
		return t.exchange(nil)
	}
	u := upload{transfer: t, total: -1}
	if l, ok := t.r.Body.(interface{ Len() int }); ok {
		u.total = int64(l.Len())
	}
	if t.r.Size != 0 {
		u.total = t.r.Size
	}
	if s, ok := t.r.Body.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			u.seeker, u.start = s, at
		}
	}
	whole, err := u.size()
	if err != nil {
		return coap.Message{}, err
	}
	if err := u.fillWhole(whole); err != nil {
		return coap.Message{}, err
	}
	if u.n <= whole {
		t.fresh()
		t.first()
		t.payload = t.body[:u.n]
		m, err := t.exchange(t.payload)
		if err == nil && !isTooLarge(m) {
			t.progress(true, int64(u.n), int64(u.n))
		}
		if err != nil || !isTooLarge(m) || !u.smaller(m) {
			return m, err
		}
		t.payload = nil // the server wants it by blocks (RFC 7959 section 2.9.3)
	}
	t.cut, t.inside = true, true
	u.tag = t.c.tags.Add(1)
	return u.sendBlocks()
}

// size chooses the size of the blocks, and how long a body is sent whole.
func (u *upload) size() (whole int, err error) {
	s, ok := u.c.ex.(*tcp)
	if ok && (u.total < 0 || u.total > 512) {
		s.settle(u.ctx) // what it takes is worth knowing
	}
	room := u.c.ex.MaxPayload()
	if ok {
		room = min(room, u.c.config.Memory) - len(u.options) - roomForBlocks
	}
	if room < 16 {
		return 0, ErrTooLong
	}
	whole = room
	if size := u.blockSize(); size != 0 {
		room = min(room, size)
		whole = room
	} else if u.c.ex.BERT() && room >= 1024 {
		u.szx, u.chunk = coap.BERT, room&^1023
		return whole, nil
	}
	u.szx = coap.SZXOf(room)
	u.chunk = coap.Block{SZX: u.szx}.Size()
	return whole, nil
}

// fillWhole reads as much as may be sent whole, and a byte more if there is one.
func (u *upload) fillWhole(whole int) error {
	if u.total >= 0 && u.total < int64(whole) {
		// No memory for more than there should be.
		if err := u.fill(int(u.total) + 1); err != nil || u.ended {
			return err
		}
	}
	return u.fill(whole + 1)
}

// fill reads until so many bytes are in the window, or the body ends.
func (u *upload) fill(n int) error {
	if len(u.body) < n {
		u.body = append(make([]byte, 0, n), u.body...)[:n]
	}
	for empty := 0; u.n < n && !u.ended; {
		k, err := u.r.Body.Read(u.body[u.n:n])
		u.n += k
		if err == io.EOF {
			u.ended = true
		} else if err != nil {
			return err
		}
		if k != 0 {
			empty = 0
		} else if empty++; empty == 100 && !u.ended {
			return io.ErrNoProgress
		}
	}
	if have := u.from + int64(u.n); u.r.Size != 0 && (have > u.r.Size || u.ended && have < u.r.Size) {
		return ErrBody
	}
	return nil
}

// sendBlocks sends the body block by block.
func (u *upload) sendBlocks() (coap.Message, error) {
	for lost := 0; ; {
		// A byte more tells whether there is one.
		if err := u.fill(u.chunk + 1); err != nil {
			return coap.Message{}, err
		}
		k, more := min(u.n, u.chunk), u.n > u.chunk
		b := coap.Block{More: more, SZX: u.szx}
		num := u.from / int64(b.Size())
		if num > coap.MaxBlock {
			return coap.Message{}, ErrTooLong
		}
		b.Num = uint32(num)
		u.fresh()
		u.extra(coap.OptBlock1, uint64(b.Uint()))
		// Others may send to the same resource on the same connection (RFC 9175
		// section 3.3).
		u.extra(coap.OptRequestTag, uint64(u.tag))
		if num == 0 && u.total >= 0 {
			u.extra(coap.OptSize1, uint64(u.total))
		}
		if !more {
			u.first()
		}
		m, err := u.exchange(u.body[:k])
		if err != nil {
			return m, err
		}
		switch {
		case m.Code == coap.CodeRequestEntityIncomplete && u.seeker != nil && u.from != 0 && lost < 2:
			lost++
			if _, err := u.seeker.Seek(u.start, io.SeekStart); err != nil {
				return m, err
			}
			u.from, u.n, u.ended = 0, 0, false
			u.tag = u.c.tags.Add(1)
			continue
		case u.from == 0 && isTooLarge(m) && u.smaller(m):
			continue // the same bytes, in smaller pieces
		case m.Code.Class() != 2:
			return m, nil
		case !more && m.Code != coap.CodeContinue:
			u.progress(true, u.from+int64(k), u.from+int64(k))
			return m, nil
		}
		answer, ok := block(m, coap.OptBlock1)
		switch {
		case !more:
			return m, ErrBlock // it wants what is not there
		case !ok && m.Code != coap.CodeContinue:
			return m, ErrStopped
		case ok && answer.Num != b.Num:
			return m, ErrBlock
		case ok && answer.SZX < u.szx:
			// Smaller ones from now on (RFC 7959 section 2.3).
			u.szx = answer.SZX
			u.chunk = answer.Size()
		}
		u.from += int64(k)
		u.n = copy(u.body, u.body[k:u.n])
		u.progress(true, u.from, u.total)
	}
}

// smaller takes the size of blocks that a server asks for which refuses larger
// ones (RFC 7959 section 2.9.3). It reports false if it asks for none, or for
// those that it has just refused.
func (u *upload) smaller(m coap.Message) bool {
	b, ok := block(m, coap.OptBlock1)
	if !ok || b.SZX > u.szx || u.cut && b.SZX == u.szx {
		return false
	}
	u.szx = b.SZX
	if b.SZX != coap.BERT {
		u.chunk = b.Size()
	}
	return true
}

// isTooLarge reports whether an answer may ask for smaller blocks.
func isTooLarge(m coap.Message) bool { return m.Code == coap.CodeRequestEntityTooLarge }

// block is the Block1 or Block2 of a message.
func block(m coap.Message, n coap.Option) (coap.Block, bool) {
	v, ok := m.Options.Get(n)
	if !ok {
		return coap.Block{}, false
	}
	b, err := coap.ParseBlock(v)
	return b, err == nil
}
