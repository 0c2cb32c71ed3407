package ws_test

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/ws"
)

func TestDecoderIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(ws.Decoder{}); n > 32 {
		t.Errorf("a Decoder has %d bytes", n)
	}
	if n := unsafe.Sizeof(ws.Encoder{}); n > 4 {
		t.Errorf("an Encoder has %d bytes", n)
	}
	if n := unsafe.Sizeof(ws.UTF8{}); n > 4 {
		t.Errorf("a UTF8 has %d bytes", n)
	}
}

// A frame of any size passes through a buffer of a few bytes, also where an int
// has 32 bits.
func TestFrameThroughSmallBuffer(t *testing.T) {
	for _, length := range []uint64{17, 65535, 65536, 1 << 20, 1<<32 + 5, 1<<63 - 1} {
		for _, role := range []ws.Role{ws.RoleServer, ws.RoleClient} {
			var d ws.Decoder
			rules := &ws.Rules{Role: role, MaxFrame: 1<<63 - 1, MaxMessage: 1<<63 - 1}
			head := ws.AppendHeader(nil, ws.Header{Op: ws.OpBinary, Fin: true, Masked: role == ws.RoleServer, Key: testKey, Length: length})
			buffer := make([]byte, 16)
			n := copy(buffer, head)
			taken, key := uint64(0), testKey
			for first := true; taken < min(length, 1<<20); first = false {
				p, m, err := d.Next(buffer[:n], rules)
				if err != nil || m != n {
					t.Fatal(p, m, err)
				}
				if first && (p.Kind != ws.NeedMore || d.InFrame() != length || d.Idle()) {
					t.Fatalf("behind the header %+v, %d to come, idle %v", p, d.InFrame(), d.Idle())
				}
				for _, c := range p.Payload {
					if c != 0xA5 {
						t.Fatalf("the payload has %#x", c)
					}
				}
				taken += uint64(len(p.Payload))
				if d.InFrame() != length-taken || p.Last != (taken == length) {
					t.Fatalf("%d of %d are here: %d to come, last is %v", taken, length, d.InFrame(), p.Last)
				}
				n = int(min(uint64(len(buffer)), length-taken))
				for i := range buffer[:n] {
					buffer[i] = 0xA5
				}
				if role == ws.RoleServer {
					key = ws.Mask(buffer[:n], key)
				}
			}
		}
	}
}

// A limit of all messages together would overflow: it is of each.
func TestMessageLimitDoesNotOverflow(t *testing.T) {
	var d ws.Decoder
	rules := &ws.Rules{Role: ws.RoleClient, MaxMessage: 1<<64 - 1}
	head := ws.AppendHeader(nil, ws.Header{Op: ws.OpBinary, Length: 1})
	b := append(head, 'a')
	for range 3 {
		if p, n, err := d.Next(b, rules); err != nil || n != len(b) || string(p.Payload) != "a" {
			t.Fatal(p, n, err)
		}
		b = append(ws.AppendHeader(nil, ws.Header{Length: 1}), 'a')
	}
	huge := ws.AppendHeader(nil, ws.Header{Length: 1<<63 - 1})
	if _, n, err := d.Next(huge, rules); err != nil || n != len(huge) {
		t.Fatal(n, err)
	}
}

// A ping is unmasked once, when it is whole, wherever it was cut: otherwise the
// bytes that are given again would be masked again.
func TestPingIsUnmaskedOnce(t *testing.T) {
	rules := &ws.Rules{}
	in := ws.AppendFrame(nil, ws.Header{Op: ws.OpPing, Fin: true, Masked: true, Key: testKey}, []byte("0123456789"))
	for cut := range in {
		var d ws.Decoder
		b := bytes.Clone(in)
		for end := cut; end < len(in); end++ {
			if p, n, err := d.Next(b[:end], rules); p.Kind != ws.NeedMore || n != 0 || err != nil || !bytes.Equal(b, in) {
				t.Fatal(p, n, err)
			}
		}
		if p, n, err := d.Next(b, rules); p.Kind != ws.Ping || n != len(in) || err != nil || string(p.Payload) != "0123456789" {
			t.Fatal(p, n, err)
		}
	}
}

func TestSetCompressedOff(t *testing.T) {
	var d ws.Decoder
	rules := &ws.Rules{Role: ws.RoleClient}
	d.SetCompressed(true)
	d.SetCompressed(false)
	if _, _, err := d.Next([]byte{0xC1, 0}, rules); err != ws.ErrReservedBits {
		t.Errorf("RSV1 is taken: %v", err)
	}
}
