package websocket_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// squeeze is the payload of a compressed message, by the standard library (RFC
// 7692 section 7.2.1).
func squeeze(p []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

// expand is the reverse.
func expand(t testing.TB, p []byte) []byte {
	t.Helper()
	r := flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dialCompressed connects a client that wants compression, and has no context
// takeover.
func (f *fixture) dialCompressed(path string) *client {
	f.T.Helper()
	c := f.connect()
	c.Send(strings.TrimSuffix(hello(path), "\r\n") + "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n\r\n")
	r := c.wantSwitch()
	if x := r.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(x, "permessage-deflate") {
		f.T.Fatalf("extension %q", x)
	}
	return c
}

// unpacked reads a message, compressed or not.
func (c *client) unpacked() (op int, p []byte, packed bool) {
	c.f.T.Helper()
	op, p = c.message()
	if op&rsv1 != 0 {
		return op &^ rsv1, expand(c.f.T, p), true
	}
	return op, p, false
}

// prose is text that compresses well.
func prose(n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "line %d of the text, which says the same as others. ", i)
	}
	return b[:n]
}

// noise is bytes that do not.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func newDeflate(t testing.TB, c deflate.Config) *deflate.Extension {
	t.Helper()
	x, err := deflate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestCompressed exchanges compressed messages with all kinds of handlers.
func TestCompressed(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{Extension: newDeflate(t, deflate.Config{MaxInflated: -1})}, func(t *testing.T, f *fixture) {
		o := websocket.Options{Compress: true}
		f.Handle("GET /message", f.ws.Upgrade(o, echoes[0].h))
		f.Handle("GET /data", f.ws.Upgrade(o, echoes[1].h))
		f.Handle("GET /straight", f.ws.Straight(o, echoStraight))
		f.Handle("GET /plain", f.ws.Upgrade(websocket.Options{}, echoes[0].h))
		for _, path := range []string{"/message", "/data", "/straight"} {
			c := f.dialCompressed(path)
			for _, m := range [][]byte{nil, []byte("Hello"), prose(255), prose(1000), prose(8000), noise(5000), prose(200000), noise(100000)} {
				z := squeeze(m)
				if len(m) > f.ws.MaxWhole() && path == "/message" {
					continue
				}
				for _, in := range []string{
					frame(bin|rsv1, z),
					frame(bin|rsv1|more, z[:len(z)/2]) + frame(ping, "") + frame(cont, z[len(z)/2:]),
					frame(bin, m),
				} {
					go c.Conn.Write([]byte(in + frame(text, "next")))
					var got []byte
					for {
						op, p := c.next()
						if op == pong {
							continue
						}
						packed := op&rsv1 != 0
						for op&more != 0 {
							var q []byte
							op, q = c.next()
							if op == pong {
								op = more
								continue
							}
							p = append(p, q...)
						}
						if got = p; packed {
							got = expand(t, p)
						}
						break
					}
					if !bytes.Equal(got, m) {
						t.Fatalf("%s: %d bytes: got %s", path, len(m), servertest.Brief(got))
					}
					if _, p, _ := c.unpacked(); string(p) != "next" {
						t.Fatalf("%s: behind: got %s", path, servertest.Brief(p))
					}
				}
			}
			c.Conn.Close()
			f.Await("the end", func() bool { return f.ws.Stats().Open == 0 })
		}
		c := f.connect()
		c.Send(strings.TrimSuffix(hello("/plain"), "\r\n") + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
		if r := c.wantSwitch(); r.Header.Get("Sec-WebSocket-Extensions") != "" {
			t.Error("compression where it was not asked for")
		}
		c.Send(frame(text|rsv1, squeeze([]byte("a"))))
		c.wantClose(1002)
	})
}

// TestCompressedErrors has peers compress what they may not.
func TestCompressedErrors(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{Extension: newDeflate(t, deflate.Config{MaxInflated: 50000})}, func(t *testing.T, f *fixture) {
		f.Handle("GET /message", f.ws.Upgrade(websocket.Options{Compress: true}, echoes[0].h))
		f.Handle("GET /limit", f.ws.Upgrade(websocket.Options{Compress: true, MaxMessage: 1000}, echoes[0].h))
		f.Handle("GET /data", f.ws.Upgrade(websocket.Options{Compress: true}, websocket.Handler{Data: func(*websocket.Conn, ws.Part) error { return nil }}))
		for _, x := range []struct {
			path, in string
			code     int
		}{
			{"/message", frame(text|rsv1, "\xff\xff\xff"), 1007},
			{"/message", frame(text|rsv1, squeeze([]byte("a\xff"))), 1007},
			{"/message", frame(text|rsv1, squeeze(prose(f.ws.MaxWhole()+1))), 1009},
			{"/message", frame(bin|rsv1, squeeze(make([]byte, 1<<20))), 1009},
			{"/limit", frame(bin|rsv1, squeeze(prose(1001))), 1009},
			{"/data", frame(bin|rsv1, squeeze(make([]byte, 1<<20))), 1009},
			{"/data", frame(text|rsv1, squeeze([]byte("\xe2\x82"))), 1007},
			{"/data", frame(text|rsv1|more, squeeze(prose(100))) + frame(cont|rsv1, ""), 1002},
		} {
			c := f.dialCompressed(x.path)
			c.Send(x.in)
			c.wantClose(x.code)
			c.Conn.Close()
		}
		c := f.dialCompressed("/message")
		m := prose(f.ws.MaxWhole())
		c.Send(frame(text|rsv1, squeeze(m)))
		if _, p, packed := c.unpacked(); !bytes.Equal(p, m) || !packed {
			t.Errorf("got %s", servertest.Brief(p))
		}
	})
}

// TestTakeover keeps a context between messages, and gives all of them back.
func TestTakeover(t *testing.T) {
	x := newDeflate(t, deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 2})
	runVirtual(t, bobtail.Config{}, websocket.Config{Extension: x}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{Compress: true}, echoes[0].h)
		for range 5 {
			c := f.connect()
			c.Send(strings.TrimSuffix(hello("/ws"), "\r\n") + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
			if h := c.wantSwitch().Header.Get("Sec-WebSocket-Extensions"); h != "permessage-deflate" {
				t.Fatalf("agreed on %q", h)
			}
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, 6)
			var all []byte
			size := 0
			for range 3 {
				w.Write(prose(2000))
				w.Flush()
				c.Send(frame(text|rsv1, bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))))
				b.Reset()
				op, p := c.message()
				if op != text|rsv1 {
					t.Fatalf("opcode %#x", op)
				}
				all = append(append(all, p...), "\x00\x00\xff\xff"...)
				size = len(p)
			}
			if size > 100 {
				t.Errorf("the third time, the same takes %d bytes", size)
			}
			if got := expand(t, all[:len(all)-4]); !bytes.Equal(got, bytes.Repeat(prose(2000), 3)) {
				t.Errorf("got %s", servertest.Brief(got))
			}
			c.Conn.Close()
			f.Settle()
		}
	})
}

// TestCompressedBusy has more long compressed messages at once than there are
// workers to be lent: they wait for their turn, and others do not wait at all.
func TestCompressedBusy(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Stash: 16}
	runMemory(t, memory.Config{Pipe: 1 << 20}, cfg, websocket.Config{Extension: newDeflate(t, deflate.Config{})}, func(t *testing.T, f *fixture) {
		f.Handle("GET /data", f.ws.Upgrade(websocket.Options{Compress: true}, echoes[1].h))
		f.Handle("GET /plain", f.ws.Upgrade(websocket.Options{}, echoes[0].h))
		m := noise(20000)
		z := frame(bin|rsv1, squeeze(m))
		var cs []*client
		for range 5 {
			c := f.dialCompressed("/data")
			c.Send(z[:15000])
			cs = append(cs, c)
		}
		other := f.dialPath("/plain")
		other.Send(frame(text, "quick"))
		other.Want(plain(text, "quick"))
		if st := f.Server.Stats(); st.Held == 0 || st.Lent != 1 {
			t.Errorf("%+v", st)
		}
		for _, c := range cs {
			c.Send(z[15000:])
		}
		for _, c := range cs {
			if _, p, _ := c.unpacked(); !bytes.Equal(p, m) {
				t.Errorf("got %s", servertest.Brief(p))
			}
		}
	})
}

// TestCompressedTopic publishes to those with compression and those without.
func TestCompressedTopic(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{Extension: newDeflate(t, deflate.Config{})}, func(t *testing.T, f *fixture) {
		topic := f.ws.NewTopic(websocket.TopicOptions{})
		f.evented(websocket.Options{Compress: true}, websocket.Handler{Open: func(c *websocket.Conn) error { return topic.Subscribe(c.Socket()) }})
		a, b, c := f.dialCompressed("/ws"), f.dial(), f.dialCompressed("/ws")
		for _, n := range []int{10, 500, 1900, 4000, 100000} {
			m := prose(n)
			f.Settle()
			before := f.Server.Stats().Sent
			if got, err := topic.Publish(ws.OpText, m); err == nil && got != 3 && n < 100000 {
				t.Fatalf("%d bytes: %d, %v", n, got, err)
			}
			if n == 100000 {
				continue // more than there are blocks; nobody must suffer
			}
			for i, x := range []*client{a, b, c} {
				_, p, packed := x.unpacked()
				if !bytes.Equal(p, m) || packed != (i != 1 && n >= 500) {
					t.Errorf("%d bytes, client %d, packed %v: %s", n, i, packed, servertest.Brief(p))
				}
			}
			if sent := f.Server.Stats().Sent - before; n >= 500 && sent > uint64(2*n) {
				t.Errorf("%d bytes sent for %d", sent, n)
			}
		}
		if st := f.Server.Stats(); st.OutputBlocks != 0 {
			t.Errorf("%+v", st)
		}
	})
}
