package ws_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// FuzzDecoder wants the same of a stream however it is cut: whole, by the byte,
// and by some other step.
func FuzzDecoder(f *testing.F) {
	for _, s := range scripts {
		for _, role := range []ws.Role{ws.RoleServer, ws.RoleClient} {
			in, _ := s.forRole(role)
			f.Add(in, uint8(3), uint8(role), s.compressed, uint16(s.messageMax))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, step, role uint8, compressed bool, messageMax uint16) {
		rules := &ws.Rules{Role: ws.Role(role & 1), MaxMessage: uint64(messageMax)}
		var got [3]string
		var left [3]int
		var errs [3]error
		var end [3]ws.Decoder
		for i, n := range []int{max(1, len(in)), 1, max(1, int(step))} {
			end[i].SetCompressed(compressed)
			var ends []int
			for at := 0; at < len(in); {
				at = min(at+n, len(in))
				ends = append(ends, at)
			}
			var rest []byte
			got[i], rest, errs[i] = run(t, &end[i], rules, in, ends)
			if errs[i] == nil && !strings.Contains(got[i], "close ") {
				left[i] = len(rest)
			}
			if e, ok := errs[i].(ws.Error); errs[i] != nil && (!ok || e.Code() == ws.CodeInternalError) {
				t.Fatalf("%x: %v", in, errs[i])
			}
		}
		for i := 1; i < 3; i++ {
			if got[i] != got[0] || errs[i] != errs[0] || left[i] != left[0] || errs[0] == nil && end[i].Settled() != end[0].Settled() {
				t.Fatalf("%x\nwhole %q, %v, leaves %d, %+v\n  cut %q, %v, leaves %d, %+v", in, got[0], errs[0], left[0], end[0], got[i], errs[i], left[i], end[i])
			}
		}
	})
}

// FuzzRoundTrip sends a message in fragments, with pings between, as an Encoder
// has them, and wants it to arrive.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("Hello, World!"), uint32(0x3D21FA37), uint8(4), true, false, true)
	f.Add([]byte("κόσμε"), uint32(0), uint8(1), false, false, true)
	f.Add(bytes.Repeat([]byte{0xFF}, 70000), uint32(0xFFFFFFFF), uint8(0), true, true, false)
	f.Fuzz(func(t *testing.T, payload []byte, key uint32, piece uint8, toServer, compressed, pings bool) {
		h := ws.Header{Masked: toServer, Key: ws.Key(key)}
		role := ws.RoleClient
		if toServer {
			role = ws.RoleServer
		}
		var e ws.Encoder
		var sent []byte
		frames := 0
		for rest, last := payload, false; !last; frames++ {
			n := min(len(rest), int(piece))
			if piece == 0 || frames > 100 {
				n = len(rest)
			}
			last = n == len(rest)
			d, err := e.Data(ws.OpBinary, last, compressed)
			if err != nil || e.Midway() == last {
				t.Fatal(d, err)
			}
			d.Masked, d.Key = h.Masked, h.Key.After(frames)
			sent = ws.AppendFrame(sent, d, rest[:n])
			rest = rest[n:]
			if pings {
				p := ws.Header{Op: ws.OpPing, Fin: true, Masked: h.Masked, Key: h.Key}
				sent = ws.AppendFrame(sent, p, payload[:min(len(payload), frames%(ws.MaxControl+1))])
			}
		}
		var d ws.Decoder
		d.SetCompressed(compressed)
		rules := &ws.Rules{Role: role, MaxMessage: uint64(len(payload)), MaxFrame: uint64(len(payload))}
		var got []byte
		done, seen := false, 0
		for b := sent; len(b) != 0; {
			p, n, err := d.Next(b, rules)
			if err != nil || p.Kind == ws.NeedMore && n != len(b) {
				t.Fatalf("%x: %+v, %d, %v", b, p, n, err)
			}
			b = b[n:]
			switch p.Kind {
			case ws.Data:
				if p.Op != ws.OpBinary || p.Compressed != compressed || p.First != (len(got) == 0) || done {
					t.Fatalf("%+v behind %d bytes", p, len(got))
				}
				got, done = append(got, p.Payload...), p.Last
			case ws.Ping:
				if !bytes.Equal(p.Payload, payload[:min(len(payload), seen%(ws.MaxControl+1))]) {
					t.Fatalf("ping %d has %q", seen, p.Payload)
				}
				seen++
			}
		}
		if !bytes.Equal(got, payload) || !done || !d.Idle() || pings && seen != frames {
			t.Fatalf("%q arrives as %q, done %v, %d pings of %d", payload, got, done, seen, frames)
		}
	})
}

// FuzzHeader wants what ParseHeader takes to be written as it was.
func FuzzHeader(f *testing.F) {
	for _, c := range headers {
		f.Add([]byte(c.wire))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := ws.ParseHeader(b)
		if err != nil || n == 0 {
			return
		}
		if got := ws.AppendHeader(nil, h); !bytes.Equal(got, b[:n]) || ws.HeaderSize(h) != n {
			t.Fatalf("%x is %+v, written %x, %d bytes", b[:n], h, got, ws.HeaderSize(h))
		}
	})
}
