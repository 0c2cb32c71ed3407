package coapdial

import (
	"bytes"
	"io"

	"github.com/bobtail-go/bobtail/coap"
)

// This file takes the body of an answer (RFC 7959 section 2.4).

// changes is how often the content may change while it is fetched.
const changes = 3

// receive takes an answer, whose first message m is, and fetches the rest of it.
func (t *transfer) receive(m coap.Message) (*Response, error) {
	for {
		resp := &Response{Code: m.Code, Options: append(coap.Options(nil), m.Options...)}
		b, cut := block(m, coap.OptBlock2)
		if m.Code.Class() != 2 || !cut {
			out := sink{t: t, resp: resp, body: m.Code.Class() != 2 || t.r.Into == nil}
			if err := out.write(m.Payload); err != nil {
				return nil, err
			}
			if resp.Size > 0 && m.Code.Class() == 2 {
				t.progress(false, resp.Size, resp.Size)
			}
			return resp, nil
		}
		out := sink{t: t, resp: resp, body: t.r.Into == nil}
		changed, err := t.rest(m, b, &out)
		if err != nil {
			return nil, err
		}
		if !changed {
			return resp, nil
		}
		// What was fetched is of another state (RFC 7959 section 2.4).
		if t.again++; t.again > changes || t.cut || !out.forget() {
			return nil, ErrChanged
		}
		t.fresh()
		t.first()
		if m, err = t.exchange(t.payload); err != nil {
			return nil, err
		}
	}
}

// rest takes the first block, and fetches those behind it. It reports whether
// the content has changed meanwhile.
func (t *transfer) rest(m coap.Message, b coap.Block, out *sink) (changed bool, err error) {
	total := int64(-1)
	if v, ok := m.Options.Uint(coap.OptSize2); ok && v < 1<<32 {
		total = int64(v)
	}
	tag, _ := m.Options.Get(coap.OptETag)
	tag = bytes.Clone(tag)
	t.inside = true
	for {
		if int64(b.Offset()) != out.resp.Size || !fills(b, len(m.Payload)) {
			return false, ErrBlock
		}
		if err := out.write(m.Payload); err != nil {
			return false, err
		}
		t.progress(false, out.resp.Size, total)
		if !b.More {
			return false, nil
		}
		num := out.resp.Size / int64(b.Size())
		if num > coap.MaxBlock {
			return false, ErrTooLong
		}
		t.fresh()
		t.extra(coap.OptBlock2, uint64(coap.Block{Num: uint32(num), SZX: b.SZX}.Uint()))
		if t.cut {
			t.extra(coap.OptRequestTag, uint64(t.tag)) // it is part of what the answer is kept by
		}
		var payload []byte
		if t.method == coap.CodeFETCH {
			payload = t.payload // which says what is fetched (RFC 8132 section 2.1)
		}
		if m, err = t.exchange(payload); err != nil {
			return false, err
		}
		if m.Code.Class() != 2 {
			return false, (&Response{Code: m.Code, Body: m.Payload}).Err()
		}
		now, _ := m.Options.Get(coap.OptETag)
		if !bytes.Equal(now, tag) {
			return true, nil
		}
		var ok bool
		if b, ok = block(m, coap.OptBlock2); !ok {
			return false, ErrBlock
		}
	}
}

// fills reports whether a block has as many bytes as it must: all that follow
// are counted by them.
func fills(b coap.Block, n int) bool {
	switch {
	case !b.More:
		return b.SZX == coap.BERT || n <= b.Size()
	case b.SZX == coap.BERT:
		return n != 0 && n%1024 == 0 // RFC 8323 section 6
	}
	return n == b.Size()
}

// sink is where the body of an answer goes.
type sink struct {
	t    *transfer
	resp *Response
	body bool // into resp.Body
}

func (s *sink) write(p []byte) error {
	if !s.body {
		if len(p) != 0 {
			n, err := s.t.r.Into.Write(p)
			if err == nil && n < len(p) {
				err = io.ErrShortWrite
			}
			if err != nil {
				return err
			}
		}
	} else {
		if s.resp.Size+int64(len(p)) > s.t.c.config.MaxBody {
			return ErrMaxBody
		}
		s.resp.Body = append(s.resp.Body, p...)
	}
	s.resp.Size += int64(len(p))
	return nil
}

// forget takes back what was written, if that can be.
func (s *sink) forget() bool {
	if s.body || s.resp.Size == 0 {
		return true
	}
	into, ok := s.t.r.Into.(interface {
		io.Seeker
		Truncate(size int64) error
	})
	if !ok {
		return false
	}
	at, err := into.Seek(-s.resp.Size, io.SeekCurrent)
	return err == nil && into.Truncate(at) == nil
}
