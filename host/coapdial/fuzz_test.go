package coapdial

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// errDone is what a peer of a fuzzer's fails with when it has said all.
var errDone = errors.New("done")

// liar is a peer that answers what a fuzzer says. Each answer is four bytes: a
// code, flags, and the value of a block.
type liar struct {
	exchanger
	t     testing.TB
	says  []byte
	asked int
	bert  bool
}

var liarCodes = []coap.Code{
	coap.CodeContent, coap.CodeContent, coap.CodeContent, coap.CodeContinue, coap.CodeContinue, coap.CodeChanged,
	coap.CodeRequestEntityTooLarge, coap.CodeRequestEntityIncomplete, coap.CodeNotFound, coap.CodeValid,
}

func (l *liar) next() (m coap.Message, err error) {
	if len(l.says) < 4 {
		return m, errDone
	}
	code, flags, value := l.says[0], l.says[1], l.says[2:4]
	l.says = l.says[4:]
	m.Code = liarCodes[int(code)%len(liarCodes)]
	v := uint64(value[0])<<8 | uint64(value[1])
	size := coap.Block{SZX: value[1] & 7}.Size()
	if flags&1 != 0 {
		m.Options = coap.InsertOption(m.Options, coap.OptBlock1, value)
	}
	if flags&2 != 0 {
		m.Options = coap.InsertOption(m.Options, coap.OptBlock2, value)
	}
	if flags&4 != 0 {
		m.Options = coap.InsertOption(m.Options, coap.OptETag, value[:1])
	}
	if flags&8 != 0 {
		m.Options = coap.InsertOption(m.Options, coap.OptSize2, value)
	}
	if flags&16 != 0 {
		size = int(v) % 3000
	}
	if flags&32 != 0 {
		m.Options = coap.InsertOption(m.Options, coap.OptObserve, value)
	}
	m.Payload = make([]byte, size)
	return m, nil
}

func (l *liar) Do(_ context.Context, m coap.Message, into []byte) (coap.Message, error) {
	l.asked++
	if err := coap.CheckOptions(m.Options); err != nil {
		l.t.Fatalf("asked with %x: %v", m.Options, err)
	}
	if len(m.Payload) > l.MaxPayload() {
		l.t.Fatalf("asked with %d bytes", len(m.Payload))
	}
	return l.next()
}

func (l *liar) Observe(_ context.Context, m coap.Message, f func(coap.Message) error) error {
	for {
		m, err := l.next()
		if err != nil {
			return err
		}
		if err := f(m); err != nil {
			return err
		}
	}
}

func (l *liar) MaxPayload() int      { return 2500 }
func (l *liar) MaxAnswer() int       { return 4000 }
func (l *liar) BERT() bool           { return l.bert }
func (l *liar) Close() error         { return nil }
func (l *liar) LocalAddr() net.Addr  { return nil }
func (l *liar) RemoteAddr() net.Addr { return nil }

// FuzzTransfer has a peer lie about blocks: a transfer ends all the same, within
// its bounds, and what it takes for the answer has the size that it says.
func FuzzTransfer(f *testing.F) {
	f.Add([]byte{0, 2, 0, 8, 0, 2, 0, 0x18, 0, 2, 0, 0x20}, uint16(0), byte(0))
	f.Add([]byte{3, 1, 0, 0x0E, 3, 1, 0, 0x1E, 5, 1, 0, 0x26}, uint16(3000), byte(1))
	f.Add([]byte{6, 1, 0, 0x0A, 3, 1, 0, 0x0A, 3, 1, 0, 0x18, 5, 0, 0, 0}, uint16(1000), byte(2))
	f.Add([]byte{3, 1, 0, 0x0F, 7, 0, 0, 0, 3, 1, 0, 0x0F, 5, 3, 0, 8, 0, 2, 0, 0x10}, uint16(5000), byte(5))
	f.Add([]byte{0, 38, 1, 8, 0, 6, 1, 0x18, 0, 6, 2, 0x18, 0, 6, 2, 8, 0, 6, 2, 0x10}, uint16(0), byte(8))
	f.Fuzz(func(t *testing.T, says []byte, n uint16, how byte) {
		l := &liar{t: t, says: says, bert: how&1 != 0}
		config, err := Config{MaxBody: 5000}.check()
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(l, coap.URI{Scheme: "coap+tcp", Host: "::1"}, config)
		r := Request{Path: "/x"}
		var into bytes.Buffer
		if how&2 != 0 {
			r.BlockSize = 16 << (how >> 4 & 3)
		}
		if how&4 != 0 {
			r.Into = &into
		}
		if how&8 != 0 {
			for resp, err := range c.Observe(t.Context(), r) {
				if resp != nil && int64(len(resp.Body)) > config.MaxBody || resp == nil && err == nil {
					t.Fatal(resp, err)
				}
			}
			return
		}
		if n != 0 {
			r.Method, r.Body = coap.CodePUT, io.LimitReader(bytes.NewReader(make([]byte, n)), int64(n))
			if how&0x80 != 0 {
				r.Body = bytes.NewReader(make([]byte, n))
			}
		}
		resp, err := c.Do(t.Context(), r)
		if (resp == nil) == (err == nil) {
			t.Fatal(resp, err)
		}
		if l.asked > len(says)/4+1 {
			t.Fatalf("asked %d times", l.asked)
		}
		if resp == nil {
			return
		}
		if r.Into != nil && resp.Code.Class() == 2 {
			if int64(into.Len()) != resp.Size || resp.Body != nil {
				t.Fatalf("%d bytes, of %d", into.Len(), resp.Size)
			}
		} else if int64(len(resp.Body)) != resp.Size || resp.Size > config.MaxBody {
			t.Fatalf("%d bytes, of %d", len(resp.Body), resp.Size)
		}
	})
}
