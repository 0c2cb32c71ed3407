package ws_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
)

// wire are frames as a peer sends them, to an end of either role.
type wire func(to ws.Role) []byte

const testKey = ws.Key(0x9C3D21FA)

// frame is a frame whose first byte is given, with a length in its shortest
// form, masked if it goes to a server.
func frame(first byte, payload string) wire {
	return func(to ws.Role) []byte {
		h := ws.AppendHeader(nil, ws.Header{Masked: to == ws.RoleServer, Key: testKey, Length: uint64(len(payload))})
		h[0] = first
		at := len(h)
		h = append(h, payload...)
		if to == ws.RoleServer {
			maskBytes(h[at:], testKey)
		}
		return h
	}
}

// header is the beginning of a frame with any bytes for a length.
func header(first byte, length ...byte) wire {
	return func(to ws.Role) []byte {
		h := append([]byte{first}, length...)
		if to == ws.RoleServer {
			h[1] |= 0x80
			h = append(h, 0xFA, 0x21, 0x3D, 0x9C)
		}
		return h
	}
}

// wrong is a frame masked as if it went the other way.
func wrong(w wire) wire {
	return func(to ws.Role) []byte { return w(1 - to) }
}

// script is what an end receives, and what it makes of it.
type script struct {
	name       string
	in         []wire
	want       string // see run
	err        error
	compressed bool
	frameMax   uint64
	messageMax uint64
	pending    bool // the input ends within a message
}

var scripts = []script{
	{name: "nothing"},
	{name: "text", in: []wire{frame(0x81, "Hello")}, want: "text first last Hello|"},
	{name: "binary that is no text", in: []wire{frame(0x82, "\x00\xFF")}, want: "binary first last \x00\xFF|"},
	{name: "empty text", in: []wire{frame(0x81, "")}, want: "text first last |"},
	{name: "empty binary", in: []wire{frame(0x82, "")}, want: "binary first last |"},
	{name: "two messages", in: []wire{frame(0x81, "a"), frame(0x82, "b")}, want: "text first last a|binary first last b|"},
	{name: "125 bytes", in: []wire{frame(0x81, strings.Repeat("x", 125))}, want: "text first last " + strings.Repeat("x", 125) + "|"},
	{name: "126 bytes", in: []wire{frame(0x81, strings.Repeat("x", 126))}, want: "text first last " + strings.Repeat("x", 126) + "|"},
	{name: "half a frame", in: []wire{header(0x81, 5)}, pending: true},

	{name: "fragments (section 5.4)", in: []wire{frame(0x01, "Hel"), frame(0x00, "l"), frame(0x80, "o")}, want: "text first last Hello|"},
	{name: "a fragment, and no end", in: []wire{frame(0x01, "Hel")}, want: "text first Hel|", pending: true},
	{name: "empty fragments everywhere", in: []wire{frame(0x02, ""), frame(0x00, "a"), frame(0x00, ""), frame(0x00, "b"), frame(0x80, "")}, want: "binary first last ab|"},
	{name: "nothing but empty fragments", in: []wire{frame(0x01, ""), frame(0x00, ""), frame(0x80, "")}, want: "text first last |"},
	{name: "fragments behind fragments", in: []wire{frame(0x01, "a"), frame(0x80, "b"), frame(0x02, "c"), frame(0x80, "d")}, want: "text first last ab|binary first last cd|"},
	{name: "ping between fragments", in: []wire{frame(0x01, "Hel"), frame(0x89, "ping"), frame(0x80, "lo")}, want: "text first Hel|ping ping|text last lo|"},
	{name: "ping and pong before and between empty fragments", in: []wire{frame(0x89, ""), frame(0x01, ""), frame(0x89, "a"), frame(0x8A, "b"), frame(0x00, "x"), frame(0x8A, ""), frame(0x80, "")}, want: "ping |ping a|pong b|text first x|pong |text last |"},
	{name: "ping inside a character", in: []wire{frame(0x01, "\xE2\x82"), frame(0x89, "\xFF"), frame(0x80, "\xAC")}, want: "text first \xE2\x82|ping \xFF|text last \xAC|"},
	{name: "close between fragments", in: []wire{frame(0x01, "Hel"), frame(0x88, "\x03\xE8")}, want: "text first Hel|close 1000 |"},

	{name: "pong that nobody asked for (section 5.5.3)", in: []wire{frame(0x8A, "Hello")}, want: "pong Hello|"},
	{name: "ping of 125 bytes", in: []wire{frame(0x89, strings.Repeat("\xFE", 125))}, want: "ping " + strings.Repeat("\xFE", 125) + "|"},
	{name: "ping of 126 bytes (section 5.5)", in: []wire{frame(0x89, strings.Repeat("x", 126))}, err: ws.ErrControlLong},
	{name: "close of 126 bytes (section 5.5)", in: []wire{frame(0x88, "\x03\xE8"+strings.Repeat("x", 124))}, err: ws.ErrControlLong},
	{name: "pong with a length of 64 bits (section 5.5)", in: []wire{header(0x8A, 127, 0, 0, 0, 0, 0, 0, 0, 1)}, err: ws.ErrControlLong},
	{name: "ping in fragments (section 5.5)", in: []wire{frame(0x09, "a"), frame(0x80, "b")}, err: ws.ErrControlFragmented},
	{name: "pong in fragments (section 5.5)", in: []wire{frame(0x0A, "a")}, err: ws.ErrControlFragmented},
	{name: "close in fragments (section 5.5)", in: []wire{frame(0x08, "\x03\xE8")}, err: ws.ErrControlFragmented},

	{name: "continuation of nothing (section 5.4)", in: []wire{frame(0x80, "a")}, err: ws.ErrContinuation},
	{name: "fragment of nothing (section 5.4)", in: []wire{frame(0x00, "a")}, err: ws.ErrContinuation},
	{name: "continuation behind the end (section 5.4)", in: []wire{frame(0x01, "a"), frame(0x80, "b"), frame(0x80, "c")}, want: "text first last ab|", err: ws.ErrContinuation},
	{name: "continuation behind a ping (section 5.4)", in: []wire{frame(0x89, ""), frame(0x80, "c")}, want: "ping |", err: ws.ErrContinuation},
	{name: "message within a message (section 5.4)", in: []wire{frame(0x01, "a"), frame(0x81, "b")}, want: "text first a|", err: ws.ErrInterrupted},
	{name: "message within an empty message (section 5.4)", in: []wire{frame(0x01, ""), frame(0x02, "b")}, err: ws.ErrInterrupted},
	{name: "message within a message behind a ping (section 5.4)", in: []wire{frame(0x02, "a"), frame(0x89, ""), frame(0x82, "b")}, want: "binary first a|ping |", err: ws.ErrInterrupted},

	{name: "masked the wrong way (section 5.1)", in: []wire{wrong(frame(0x81, "a"))}},
	{name: "ping masked the wrong way (section 5.1)", in: []wire{wrong(frame(0x89, "a"))}},
	{name: "empty frame masked the wrong way (section 5.1)", in: []wire{frame(0x01, "a"), wrong(frame(0x80, ""))}, want: "text first a|"},

	{name: "RSV1 (section 5.2)", in: []wire{frame(0xC1, "a")}, err: ws.ErrReservedBits},
	{name: "RSV2 (section 5.2)", in: []wire{frame(0xA1, "a")}, err: ws.ErrReservedBits},
	{name: "RSV3 (section 5.2)", in: []wire{frame(0x91, "a")}, err: ws.ErrReservedBits},
	{name: "RSV1 of a ping (section 5.2)", in: []wire{frame(0xC9, "")}, err: ws.ErrReservedBits},
	{name: "RSV2 of a close (section 5.2)", in: []wire{frame(0xA8, "")}, err: ws.ErrReservedBits},
	{name: "RSV3 of a continuation (section 5.2)", in: []wire{frame(0x01, "a"), frame(0x90, "")}, want: "text first a|", err: ws.ErrReservedBits},
	{name: "RSV1 of a continuation (section 5.2)", in: []wire{frame(0x01, "a"), frame(0xC0, "")}, want: "text first a|", err: ws.ErrReservedBits},

	{name: "126 for 125 (section 5.2)", in: []wire{header(0x82, 126, 0, 125)}, err: ws.ErrLengthForm},
	{name: "126 for 0 (section 5.2)", in: []wire{header(0x82, 126, 0, 0)}, err: ws.ErrLengthForm},
	{name: "127 for 65535 (section 5.2)", in: []wire{header(0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF)}, err: ws.ErrLengthForm},
	{name: "127 for 1 (section 5.2)", in: []wire{header(0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1)}, err: ws.ErrLengthForm},
	{name: "2^63 (section 5.2)", in: []wire{header(0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0)}, err: ws.ErrLengthRange},
	{name: "2^64-1 (section 5.2)", in: []wire{header(0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)}, err: ws.ErrLengthRange},
	{name: "2^63-1, and its beginning", in: []wire{header(0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)}, pending: true},
	{name: "2^32+1, which is 1 in 32 bits", in: []wire{header(0x82, 127, 0, 0, 0, 1, 0, 0, 0, 1)}, pending: true},
	{name: "lengths that together exceed 2^64", in: []wire{header(0x02, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)}, messageMax: 1 << 62, err: ws.ErrMessageTooBig},

	{name: "close without a payload (section 7.1.5)", in: []wire{frame(0x88, "")}, want: "close 1005 |"},
	{name: "close with half a code (section 5.5.1)", in: []wire{frame(0x88, "\x03")}, err: ws.ErrCloseLength},
	{name: "close with a code", in: []wire{frame(0x88, "\x03\xE9")}, want: "close 1001 |"},
	{name: "close with a reason", in: []wire{frame(0x88, "\x0F\xA0bye €")}, want: "close 4000 bye €|"},
	{name: "close with the longest reason", in: []wire{frame(0x88, "\x03\xE8"+strings.Repeat("x", 123))}, want: "close 1000 " + strings.Repeat("x", 123) + "|"},
	{name: "close with 1005 (section 7.4.1)", in: []wire{frame(0x88, "\x03\xED")}, err: ws.ErrCloseCode},
	{name: "close with 999 (section 7.4.2)", in: []wire{frame(0x88, "\x03\xE7")}, err: ws.ErrCloseCode},
	{name: "close with 5000 (section 7.4.2)", in: []wire{frame(0x88, "\x13\x88why")}, err: ws.ErrCloseCode},
	{name: "close with a reason that is not UTF-8 (section 5.5.1)", in: []wire{frame(0x88, "\x03\xE8\xFF")}, err: ws.ErrCloseReason},
	{name: "close with a reason cut inside a character (section 5.5.1)", in: []wire{frame(0x88, "\x03\xE8ab\xE2\x82")}, err: ws.ErrCloseReason},

	{name: "text of several bytes a character", in: []wire{frame(0x81, "κόσμε 日本 😀")}, want: "text first last κόσμε 日本 😀|"},
	{name: "characters cut by fragments (section 8.1)", in: []wire{frame(0x01, "\xCE"), frame(0x00, "\xBA\xF0"), frame(0x00, "\x9F\x98"), frame(0x80, "\x80")}, want: "text first last κ😀|"},
	{name: "text that ends inside a character (section 8.1)", in: []wire{frame(0x81, "a\xE2\x82")}, err: ws.ErrUTF8},
	{name: "fragments that end inside a character (section 8.1)", in: []wire{frame(0x01, "a\xE2\x82"), frame(0x80, "")}, err: ws.ErrUTF8},
	{name: "character with another between its fragments (section 8.1)", in: []wire{frame(0x01, "\xC3"), frame(0x00, "a"), frame(0x80, "\xA9")}, err: ws.ErrUTF8},
	{name: "next text begins afresh", in: []wire{frame(0x81, "κ"), frame(0x82, "\xCE"), frame(0x81, "a")}, want: "text first last κ|binary first last \xCE|text first last a|"},
	{name: "surrogate (section 8.1)", in: []wire{frame(0x81, "\xED\xA0\x80")}, err: ws.ErrUTF8},
	{name: "above Unicode (section 8.1)", in: []wire{frame(0x01, "\xF4"), frame(0x80, "\x90\x80\x80")}, err: ws.ErrUTF8},
	{name: "overlong (section 8.1)", in: []wire{frame(0x81, "\xC0\x80")}, err: ws.ErrUTF8},

	{name: "frame as long as it may be (section 10.4)", in: []wire{frame(0x82, "12345"), frame(0x89, "123456789")}, frameMax: 5, want: "binary first last 12345|ping 123456789|"},
	{name: "frame longer than that (section 10.4)", in: []wire{frame(0x82, "123456")}, frameMax: 5, err: ws.ErrFrameTooBig},
	{name: "message as long as it may be (section 10.4)", in: []wire{frame(0x02, "123"), frame(0x89, "123456789"), frame(0x80, "45"), frame(0x82, "12345")}, messageMax: 5, want: "binary first 123|ping 123456789|binary last 45|binary first last 12345|"},
	{name: "message longer than that (section 10.4)", in: []wire{frame(0x82, "123456")}, messageMax: 5, err: ws.ErrMessageTooBig},
	{name: "fragments longer than that together (section 10.4)", in: []wire{frame(0x02, "123"), frame(0x00, "12"), frame(0x80, "6")}, messageMax: 5, want: "binary first 12312|", err: ws.ErrMessageTooBig},

	{name: "compressed (RFC 7692 section 6)", compressed: true, in: []wire{frame(0xC1, "\xF2\x48\xFF")}, want: "text first last compressed \xF2\x48\xFF|"},
	{name: "compressed in fragments (RFC 7692 section 6.1)", compressed: true, in: []wire{frame(0x41, "\xFF"), frame(0x89, ""), frame(0x80, "\xFE")}, want: "text first compressed \xFF|ping |text last compressed \xFE|"},
	{name: "compressed, then not", compressed: true, in: []wire{frame(0xC1, "\xFF"), frame(0x81, "a"), frame(0x81, "\xFF")}, want: "text first last compressed \xFF|text first last a|", err: ws.ErrUTF8},
	{name: "RSV1 of a later fragment (RFC 7692 section 6.1)", compressed: true, in: []wire{frame(0x41, "a"), frame(0xC0, "b")}, want: "text first compressed a|", err: ws.ErrReservedBits},
	{name: "RSV1 of a fragment of a message that is not compressed", compressed: true, in: []wire{frame(0x01, "a"), frame(0xC0, "b")}, want: "text first a|", err: ws.ErrReservedBits},
	{name: "compressed ping (RFC 7692 section 6.1)", compressed: true, in: []wire{frame(0xC9, "")}, err: ws.ErrReservedBits},
	{name: "RSV2 beside RSV1", compressed: true, in: []wire{frame(0xE1, "")}, err: ws.ErrReservedBits},
}

func init() {
	for op := byte(3); op < 16; op++ {
		if op < 8 || op > 10 {
			scripts = append(scripts, script{name: fmt.Sprintf("opcode %d (section 5.2)", op), in: []wire{frame(0x80|op, "")}, err: ws.ErrOpcode})
			scripts = append(scripts, script{name: fmt.Sprintf("opcode %d in a message (section 5.2)", op), in: []wire{frame(0x01, "a"), frame(op, "b")}, want: "text first a|", err: ws.ErrOpcode})
		}
	}
}

// forRole are the bytes and the error of a script for an end of a role.
func (s *script) forRole(to ws.Role) (in []byte, err error) {
	for _, w := range s.in {
		in = append(in, w(to)...)
	}
	if err = s.err; strings.Contains(s.name, "the wrong way") {
		err = ws.ErrUnmasked
		if to == ws.RoleClient {
			err = ws.ErrMasked
		}
	}
	return in, err
}

// run gives an input to a decoder as it arrives. It returns what came of it:
// "ping PAYLOAD|", "close CODE REASON|", and for each run of parts of data,
// however many they are, "text first last compressed PAYLOAD|". left is what was
// not consumed. It fails for what a decoder may never do.
func run(t *testing.T, d *ws.Decoder, r *ws.Rules, in []byte, ends []int) (got string, left []byte, err error) {
	t.Helper()
	var b strings.Builder
	var data struct {
		open, first, last, compressed bool
		op                            ws.Opcode
		payload                       string
	}
	flush := func() {
		if !data.open {
			return
		}
		b.WriteString(data.op.String())
		for _, f := range []struct {
			on   bool
			name string
		}{{data.first, " first"}, {data.last, " last"}, {data.compressed, " compressed"}} {
			if f.on {
				b.WriteString(f.name)
			}
		}
		b.WriteString(" " + data.payload + "|")
		data.open = false
	}
	arrived := 0
	for _, end := range ends {
		left = append(left, in[arrived:end]...)
		arrived = end
		for {
			g := splittest.Guard(left)
			p, n, err := d.Next(g.Bytes, r)
			if !g.Intact() || n < 0 || n > len(left) || err == nil && !bytes.Equal(g.Bytes[n:], left[n:]) {
				t.Fatalf("Next of %x writes where it must not, or consumes %d", left, n)
			}
			if err != nil {
				if p.Kind != ws.NeedMore || p.Payload != nil {
					t.Fatalf("Next of %x gives %v and %+v", left, err, p)
				}
				if err == ws.ErrUTF8 {
					data.open = false // how much of it was given before depends on the reads
				}
				flush()
				return b.String(), left, err
			}
			left = left[n:]
			if len(p.Payload) != cap(p.Payload) {
				t.Fatalf("the payload %q can be appended to", p.Payload)
			}
			if p.Kind == ws.NeedMore {
				if p.Payload != nil || p.First || p.Last || len(left) >= ws.MaxPending {
					t.Fatalf("Next leaves %d bytes and gives %+v", len(left), p)
				}
				break
			}
			if p.Kind != ws.Data {
				if !p.Op.IsControl() || p.First || p.Last || p.Compressed || len(p.Payload) > ws.MaxControl {
					t.Fatalf("control frame is %+v", p)
				}
				flush()
			}
			switch p.Kind {
			case ws.Ping:
				b.WriteString("ping " + string(p.Payload) + "|")
			case ws.Pong:
				b.WriteString("pong " + string(p.Payload) + "|")
			case ws.Close:
				fmt.Fprintf(&b, "close %d %s|", p.Code, p.Payload)
				return b.String(), left, nil
			case ws.Data:
				if len(p.Payload) == 0 && !p.Last {
					t.Fatal("an empty part that is not the last")
				}
				if p.First && data.open {
					t.Fatalf("%+v behind %+v", p, data)
				}
				if !data.open {
					data.open, data.first, data.last, data.payload = true, p.First, false, ""
					data.op, data.compressed = p.Op, p.Compressed
				}
				data.payload += string(p.Payload)
				if p.Op != data.op || p.Compressed != data.compressed {
					t.Fatalf("%+v behind %+v", p, data)
				}
				if p.Last {
					data.last = true
					flush()
				}
				if p.Last != d.Idle() {
					t.Fatalf("behind %+v the decoder is idle: %v", p, d.Idle())
				}
			}
		}
	}
	flush()
	return b.String(), left, nil
}

// TestScripts takes every script to both roles, as every network may deliver
// it.
func TestScripts(t *testing.T) {
	for _, s := range scripts {
		for _, role := range []ws.Role{ws.RoleServer, ws.RoleClient} {
			t.Run(s.name+" to the "+role.String(), func(t *testing.T) {
				in, want := s.forRole(role)
				rules := &ws.Rules{Role: role, MaxFrame: s.frameMax, MaxMessage: s.messageMax}
				for _, way := range splittest.Ways(len(in)) {
					var d ws.Decoder
					d.SetCompressed(s.compressed)
					got, left, err := run(t, &d, rules, in, way.Ends)
					if got != s.want || err != want {
						t.Fatalf("%s: %q, %v; want %q, %v", way.Name, got, err, s.want, want)
					}
					if err != nil || strings.Contains(got, "close ") {
						continue
					}
					if len(left) != 0 || d.Idle() == s.pending {
						t.Fatalf("%s: %d bytes are left, idle is %v", way.Name, len(left), d.Idle())
					}
				}
				// What stands behind an error or a close frame changes nothing.
				if want != nil || strings.Contains(s.want, "close ") {
					for _, behind := range append(splittest.Trailing, "\x81\x01a", "\x00\x00", "\xFF\xFF\xFF\xFF") {
						var d ws.Decoder
						d.SetCompressed(s.compressed)
						all := append(bytes.Clone(in), behind...)
						got, left, err := run(t, &d, rules, all, []int{len(all)})
						if got != s.want || err != want || err == nil && string(left) != behind {
							t.Fatalf("with %q behind: %q, %v, leaving %q; want %q, %v", behind, got, err, left, s.want, want)
						}
					}
				}
			})
		}
	}
}

// TestErrorsAreEarly wants the error of a script at the byte that breaks the
// rule, whatever may follow.
func TestErrorsAreEarly(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []wire
		at   int // bytes to a client that are fine
		err  error
	}{
		{"reserved bit", []wire{frame(0x91, "a")}, 0, ws.ErrReservedBits},
		{"RSV1", []wire{frame(0xC1, "a")}, 0, ws.ErrReservedBits},
		{"reserved opcode", []wire{frame(0x83, "a")}, 0, ws.ErrOpcode},
		{"fragmented ping", []wire{frame(0x09, "a")}, 0, ws.ErrControlFragmented},
		{"continuation", []wire{frame(0x80, "a")}, 0, ws.ErrContinuation},
		{"interruption", []wire{frame(0x01, "a"), frame(0x81, "a")}, 3, ws.ErrInterrupted},
		{"mask", []wire{wrong(frame(0x81, "a"))}, 1, ws.ErrMasked},
		{"long ping", []wire{frame(0x89, strings.Repeat("a", 126))}, 1, ws.ErrControlLong},
		{"length form", []wire{header(0x82, 126, 0, 125)}, 3, ws.ErrLengthForm},
		{"length form of eight bytes", []wire{header(0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF)}, 7, ws.ErrLengthForm},
		{"length range", []wire{header(0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0)}, 2, ws.ErrLengthRange},
		{"message length", []wire{frame(0x82, "123456")}, 1, ws.ErrMessageTooBig},
		{"byte of no text", []wire{frame(0x81, "ab\xFFc")}, 4, ws.ErrUTF8},
		{"byte that completes no character", []wire{frame(0x81, "\xF4\x90\x80\x80")}, 3, ws.ErrUTF8},
		{"byte of no text in another fragment", []wire{frame(0x01, "\xED"), frame(0x80, "\xA0\x80")}, 5, ws.ErrUTF8},
		{"end inside a character", []wire{frame(0x81, "a\xC3")}, 3, ws.ErrUTF8},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script{in: c.in}
			in, _ := s.forRole(ws.RoleClient)
			rules := &ws.Rules{Role: ws.RoleClient, MaxMessage: 5}
			var d ws.Decoder
			ends := make([]int, c.at)
			for i := range ends {
				ends[i] = i + 1
			}
			_, left, err := run(t, &d, rules, in, ends)
			if err != nil {
				t.Fatalf("the first %d bytes are refused: %v", c.at, err)
			}
			if _, _, err = run(t, &d, rules, append(left, in[c.at]), []int{len(left) + 1}); err != c.err {
				t.Errorf("with byte %d it says %v, want %v", c.at, err, c.err)
			}
		})
	}
}
