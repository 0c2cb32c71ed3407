package ws_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// TestWholeFrames gives frames that have come whole, and the same in two parts, and
// wants the same of both: they go two ways.
func TestWholeFrames(t *testing.T) {
	for _, tt := range []struct {
		name       string
		op         ws.Opcode
		payload    string
		frame, max uint64
		err        error
	}{
		{"nothing", ws.OpBinary, "", 0, 0, nil},
		{"empty text", ws.OpText, "", 0, 0, nil},
		{"one byte", ws.OpBinary, "\xff", 0, 0, nil},
		{"the longest short length", ws.OpBinary, strings.Repeat("\xfe", 125), 0, 0, nil},
		{"the shortest of two bytes", ws.OpBinary, strings.Repeat("\xfe", 126), 0, 0, nil},
		{"the longest of two bytes", ws.OpText, strings.Repeat("x", 65535), 0, 0, nil},
		{"a length of eight bytes", ws.OpText, strings.Repeat("x", 65536), 0, 0, nil},
		{"text of several bytes a character", ws.OpText, strings.Repeat("κόσμε", 9), 0, 0, nil},
		{"more text of that kind", ws.OpText, strings.Repeat("κόσμε", 99), 0, 0, nil},
		{"a character that is cut off", ws.OpText, "abc\xce", 0, 0, ws.ErrUTF8},
		{"one behind much", ws.OpText, strings.Repeat("x", 300) + "\xe2\x82", 0, 0, ws.ErrUTF8},
		{"a byte that text never has", ws.OpText, "abc\xff", 0, 0, ws.ErrUTF8},
		{"binary that is no text", ws.OpBinary, "abc\xff", 0, 0, nil},
		{"the longest frame allowed", ws.OpBinary, "12345", 5, 0, nil},
		{"a longer frame", ws.OpBinary, "123456", 5, 0, ws.ErrFrameTooBig},
		{"the longest message allowed", ws.OpText, "12345", 0, 5, nil},
		{"a longer message", ws.OpText, "123456", 0, 5, ws.ErrMessageTooBig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := &ws.Rules{Role: ws.RoleServer, MaxFrame: tt.frame, MaxMessage: tt.max}
			h := ws.Header{Op: tt.op, Fin: true, Masked: true, Key: 0x9A3F_0471}
			in := ws.AppendFrame(nil, h, []byte(tt.payload))
			head := len(in) - len(tt.payload)
			var whole, cut ws.Decoder
			b := append(bytes.Clone(in), "behind"...)
			p, n, err := whole.Next(b, rules)
			q, k, e := cut.Next(bytes.Clone(in[:head]), rules)
			if q.Kind == ws.NeedMore && e == nil {
				var m int
				q, m, e = cut.Next(bytes.Clone(in[head:]), rules)
				k += m
			}
			if err != tt.err || e != tt.err {
				t.Fatalf("Next = %v whole, %v in two parts, want %v", err, e, tt.err)
			}
			if err != nil {
				return
			}
			if n != len(in) || k != n || string(p.Payload) != tt.payload || string(b[n:]) != "behind" || cap(p.Payload) != len(p.Payload) {
				t.Errorf("whole, %d of %d bytes consumed, payload %.40q (cap %d)", n, len(in), p.Payload, cap(p.Payload))
			}
			if !bytes.Equal(p.Payload, q.Payload) {
				t.Errorf("payload %.40q whole, %.40q in two parts", p.Payload, q.Payload)
			}
			p.Payload, q.Payload = nil, nil
			if p.Kind != q.Kind || p.Op != q.Op || p.First != q.First || p.Last != q.Last || p.Compressed != q.Compressed || p.Code != q.Code {
				t.Errorf("%+v whole, %+v in two parts", p, q)
			}
			if !whole.Idle() || whole.InFrame() != 0 || whole.Settled() != cut.Settled() {
				t.Errorf("left %+v whole, %+v in two parts", whole, cut)
			}
		})
	}
}
