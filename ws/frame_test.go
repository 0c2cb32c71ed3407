package ws_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
)

var headers = []struct {
	h    ws.Header
	wire string
}{
	{ws.Header{}, "\x00\x00"},
	{ws.Header{Op: ws.OpText, Fin: true}, "\x81\x00"},
	{ws.Header{Op: ws.OpBinary, RSV1: true, Length: 125}, "\x42\x7D"},
	{ws.Header{Op: ws.OpBinary, Length: 126}, "\x02\x7E\x00\x7E"},
	{ws.Header{Op: ws.OpBinary, Length: 65535}, "\x02\x7E\xFF\xFF"},
	{ws.Header{Op: ws.OpBinary, Length: 65536}, "\x02\x7F\x00\x00\x00\x00\x00\x01\x00\x00"},
	{ws.Header{Op: ws.OpBinary, Length: 1<<63 - 1}, "\x02\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
	{ws.Header{Op: ws.OpClose, Fin: true, Masked: true, Key: 0x44332211}, "\x88\x80\x11\x22\x33\x44"},
	{ws.Header{Op: ws.OpPing, Fin: true, Masked: true, Length: 125}, "\x89\xFD\x00\x00\x00\x00"},
	{ws.Header{Op: ws.OpPong, Fin: true, Length: 1}, "\x8A\x01"},
	{ws.Header{Op: ws.OpText, Masked: true, Key: 0xFF000000, Length: 65535}, "\x01\xFE\xFF\xFF\x00\x00\x00\xFF"},
	{ws.Header{Op: ws.OpText, Masked: true, Key: 1, Length: 65536}, "\x01\xFF\x00\x00\x00\x00\x00\x01\x00\x00\x01\x00\x00\x00"},
}

// Each header is written as it is read, and needs every byte of it.
func TestHeader(t *testing.T) {
	for _, c := range headers {
		if got := ws.AppendHeader([]byte("x"), c.h); string(got) != "x"+c.wire {
			t.Errorf("AppendHeader(%+v) = %x, want %x", c.h, got[1:], c.wire)
		}
		if n := ws.HeaderSize(c.h); n != len(c.wire) || n > ws.MaxHeader {
			t.Errorf("HeaderSize(%+v) = %d", c.h, n)
		}
		for _, behind := range append(splittest.Trailing, "") {
			g := splittest.Guard(c.wire + behind)
			if h, n, err := ws.ParseHeader(g.Bytes); h != c.h || n != len(c.wire) || err != nil {
				t.Errorf("ParseHeader(%x) = %+v, %d, %v", g.Bytes, h, n, err)
			}
		}
		for i := range len(c.wire) {
			if h, n, err := ws.ParseHeader(splittest.Guard(c.wire[:i]).Bytes); h != (ws.Header{}) || n != 0 || err != nil {
				t.Errorf("ParseHeader(%x) = %+v, %d, %v, want more", c.wire[:i], h, n, err)
			}
		}
	}
}

func TestHeaderErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		at   int // the bytes that are fine
		err  error
	}{
		{"RSV2", "\xA1\x00", 0, ws.ErrReservedBits},
		{"RSV3", "\x91\x00", 0, ws.ErrReservedBits},
		{"opcode 3", "\x83\x00", 0, ws.ErrOpcode},
		{"opcode 15", "\x8F\x00", 0, ws.ErrOpcode},
		{"ping in fragments", "\x09\x00", 0, ws.ErrControlFragmented},
		{"compressed pong", "\xCA\x00", 0, ws.ErrReservedBits},
		{"close too long", "\x88\x7E\x00\x7E", 1, ws.ErrControlLong},
		{"126 for 125", "\x82\x7E\x00\x7D", 3, ws.ErrLengthForm},
		{"127 for 65535, masked", "\x82\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF\x00\x00\x00\x00", 7, ws.ErrLengthForm},
		{"2^63", "\x82\x7F\x80\x00\x00\x00\x00\x00\x00\x00", 2, ws.ErrLengthRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range len(c.in) + 1 {
				var want error
				if i > c.at {
					want = c.err
				}
				if _, n, err := ws.ParseHeader(splittest.Guard(c.in[:i]).Bytes); n != 0 || err != want {
					t.Errorf("ParseHeader(%x) = %d, %v, want %v", c.in[:i], n, err, want)
				}
			}
		})
	}
}

// AppendFrame does the same whether the frame fits or dst must grow, and leaves
// the payload alone.
func TestAppendFrame(t *testing.T) {
	payload := []byte("some payload of more than thirty-two bytes, to be masked")
	same := bytes.Clone(payload)
	for _, masked := range []bool{false, true} {
		h := ws.Header{Op: ws.OpText, Fin: true, Masked: masked, Key: testKey, Length: 7}
		want := ws.AppendHeader([]byte("before"), ws.Header{Op: ws.OpText, Fin: true, Masked: masked, Key: testKey, Length: uint64(len(payload))})
		at := len(want)
		want = append(want, payload...)
		if masked {
			maskBytes(want[at:], testKey)
		}
		for _, room := range []int{6, 7, len(want) - 1, len(want), len(want) + 1} {
			dst := append(make([]byte, 0, room), "before"...)
			if got := ws.AppendFrame(dst, h, payload); !bytes.Equal(got, want) {
				t.Errorf("room for %d, masked %v: %x, want %x", room, masked, got, want)
			}
		}
	}
	if !bytes.Equal(payload, same) {
		t.Errorf("the payload is now %q", payload)
	}
}

func TestOpcodes(t *testing.T) {
	names := map[ws.Opcode]string{0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
	for op := ws.Opcode(0); op < 16; op++ {
		want := names[op]
		if want == "" {
			want = "reserved"
		}
		if op.String() != want || op.IsControl() != (op >= 8) {
			t.Errorf("opcode %d is %v, control %v", op, op, op.IsControl())
		}
	}
	if ws.RoleServer.String() != "server" || ws.RoleClient.String() != "client" {
		t.Error("roles have other names")
	}
}

func TestEncoder(t *testing.T) {
	type step struct {
		op              ws.Opcode
		fin, compressed bool
		want            ws.Header
		err             error
	}
	const text, binary, more = ws.OpText, ws.OpBinary, ws.OpContinuation
	for _, c := range []struct {
		name   string
		steps  []step
		midway bool
	}{
		{"whole messages", []step{{text, true, false, ws.Header{Op: text, Fin: true}, nil}, {binary, true, true, ws.Header{Op: binary, Fin: true, RSV1: true}, nil}}, false},
		{"fragments", []step{{text, false, false, ws.Header{Op: text}, nil}, {text, false, false, ws.Header{Op: more}, nil}, {text, true, false, ws.Header{Op: more, Fin: true}, nil}, {binary, false, false, ws.Header{Op: binary}, nil}}, true},
		{"RSV1 in the first only", []step{{binary, false, true, ws.Header{Op: binary, RSV1: true}, nil}, {binary, true, true, ws.Header{Op: more, Fin: true}, nil}}, false},
		{"another message midway", []step{{text, false, false, ws.Header{Op: text}, nil}, {binary, true, false, ws.Header{}, ws.ErrOrder}, {text, true, false, ws.Header{Op: more, Fin: true}, nil}}, false},
		{"opcodes of no message", []step{{more, true, false, ws.Header{}, ws.ErrOrder}, {ws.OpPing, true, false, ws.Header{}, ws.ErrOrder}, {ws.OpClose, true, false, ws.Header{}, ws.ErrOrder}, {3, true, false, ws.Header{}, ws.ErrOrder}}, false},
		{"control frame midway", []step{{text, false, false, ws.Header{Op: text}, nil}, {ws.OpPing, true, false, ws.Header{}, ws.ErrOrder}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e ws.Encoder
			for i, s := range c.steps {
				if h, err := e.Data(s.op, s.fin, s.compressed); h != s.want || err != s.err {
					t.Fatalf("step %d: %+v, %v; want %+v, %v", i, h, err, s.want, s.err)
				}
			}
			if e.Midway() != c.midway {
				t.Errorf("midway is %v", e.Midway())
			}
		})
	}
}
