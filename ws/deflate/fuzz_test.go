package deflate_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// FuzzNegotiation takes any value for an offer and for an answer. What is
// accepted is answered by one proper extension, and no context is lost.
func FuzzNegotiation(f *testing.F) {
	for _, s := range []string{"", both, plain, "permessage-deflate; client_max_window_bits=10; server_max_window_bits=\"12\"", "a, permessage-deflate; x, permessage-deflate;", ",,"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, value []byte, takeover bool) {
		c := stateless
		if takeover {
			c = stateful
		}
		e := extension(t, c)
		client := extension(t, deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 1})
		if p := e.Accept(value); p != 0 {
			answer := e.AppendAccept(nil, p)
			q, err := client.Agree(answer)
			ours, theirs := e.Stateful(ws.RoleServer, p), client.Stateful(ws.RoleClient, q)
			// With a small window a client may keep its context, and ours does not.
			small := bytes.Contains(answer, []byte("client_max_window_bits"))
			if err != nil || theirs && !ours || ours && !theirs && !small {
				t.Errorf("Accept(%q) answers %q, %#x, which is taken for %#x, %v", value, answer, p, q, err)
			}
			e.Release(p)
		}
		if p, err := e.Agree(value); err == nil {
			e.Release(p)
		} else if p != 0 {
			t.Errorf("Agree(%q) = %#x, %v", value, p, err)
		}
		if p := e.Accept([]byte(both)); e.Stateful(ws.RoleServer, p) != takeover {
			t.Errorf("after %q a context is lost", value)
		}
	})
}

// FuzzDecompress inflates any payload, whole and in pieces. It must not panic,
// never give more than the limit, and agree with the plain inflater.
func FuzzDecompress(f *testing.F) {
	for _, x := range examples {
		f.Add([]byte(x.payload), uint8(1), uint8(1), false)
		f.Add([]byte(x.payload+x.payload), uint8(3), uint8(200), true)
	}
	f.Add(bomb(100_000), uint8(7), uint8(255), true)
	f.Add(bomb(9000), uint8(7), uint8(255), false)
	f.Add(bytes.Repeat([]byte("\x03\x00"), 40), uint8(7), uint8(255), true)
	const limit = 10_000
	const streams = 16 + limit/1024 // of two bytes at least, which is a limit, too
	e := extension(f, deflate.Config{MaxInflated: limit, ClientTakeover: true, Contexts: 1})
	p := e.Accept([]byte("permessage-deflate"))
	f.Fuzz(func(t *testing.T, payload []byte, step, read uint8, takeover bool) {
		c := e.Codec()
		if takeover {
			c = e.Take(ws.RoleServer, p)
			defer e.Put(c)
		} else {
			c.Bind(ws.RoleServer, p&^6)
		}
		var k checker
		for range 2 {
			was := len(k.out)
			bad := k.inflate(append(payload[:len(payload):len(payload)], "\x00\x00\xff\xff"...))
			c.Decompress(&pieces{b: payload, step: 1 + int(step)})
			got, err := readAll(c, 1+int(read))
			if len(got) > limit {
				t.Fatalf("%d bytes, more than the limit", len(got))
			}
			switch {
			case err == ws.ErrInflatedTooBig && len(got) != limit && len(payload) <= 2*streams || err != nil && err != ws.ErrInflatedTooBig && err != ws.ErrCompressed:
				t.Fatalf("%d bytes, %v", len(got), err)
			case err == ws.ErrInflatedTooBig:
				return
			case (err == nil) != (bad == nil):
				t.Fatalf("%x: %v, but the oracle says %v", payload, err, bad)
			case err != nil:
				return
			case !bytes.Equal(got, k.out[was:]):
				t.Fatalf("%x: %x, but the oracle says %x", payload, got, k.out[was:])
			}
			if !takeover {
				k.out = k.out[:0]
			}
		}
	})
}

// FuzzRoundTrip compresses any messages, cut anywhere, for any window.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("Hello, Hello, Hello"), []byte("Hello"), uint16(3), uint8(0), true)
	f.Add(bytes.Repeat([]byte("0123456789abcdef"), 200), []byte{}, uint16(255), uint8(0x10), false)
	extensions := [...]*deflate.Extension{
		extension(f, deflate.Config{ServerTakeover: true, Contexts: 1}),
		extension(f, deflate.Config{ServerTakeover: true, Contexts: 1, Level: 4}),
		extension(f, deflate.Config{ServerTakeover: true, Contexts: 1, Level: -2}),
	}
	f.Fuzz(func(t *testing.T, first, second []byte, step uint16, kind uint8, takeover bool) {
		e := extensions[int(kind>>4)%len(extensions)]
		bits := 8 + int(kind&7)
		offer := "permessage-deflate; server_max_window_bits=" + []string{"8", "9", "10", "11", "12", "13", "14", "15"}[bits-8]
		if !takeover {
			offer += "; server_no_context_takeover"
		}
		p := e.Accept([]byte(offer))
		from, to := connection(e, ws.RoleServer, p), connection(e, ws.RoleClient, p)
		defer e.Release(p)
		var k checker
		for _, b := range [][]byte{first, second, first} {
			payload := compress(t, from, b, 1+int(step))
			if got, err := inflate(to, payload); err != nil || !bytes.Equal(got, b) {
				t.Fatalf("%d bytes: %d, %v", len(b), len(got), err)
			}
			if !e.Stateful(ws.RoleServer, p) {
				k.out = k.out[:0]
			}
			if err := k.inflate(append(payload, "\x00\x00\xff\xff"...)); err != nil {
				t.Fatalf("the oracle: %v", err)
			}
		}
		if k.most > 1<<bits {
			t.Errorf("%d bits, and a distance of %d", bits, k.most)
		}
	})
}
