//go:build amd64 || arm64

package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

const handshake = "GET PATH HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// socket is a connection that speaks WebSocket. What is given is sent with the
// handshake.
func (p *program) socket(path, more string) *peer {
	p.t.Helper()
	c := p.dial(p.web).send(strings.Replace(handshake, "PATH", path, 1) + "\r\n" + more)
	r := c.head()
	if r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		p.t.Fatalf("%s, %v", r.Status, r.Header)
	}
	return c
}

// masked is a frame of a client, of less than 64 KB.
func masked(first byte, payload string) string {
	b := []byte{first, 0x80 | 126, byte(len(payload) >> 8), byte(len(payload)), 'k', 'e', 'y', '!'}
	if len(payload) < 126 {
		b = []byte{first, 0x80 | byte(len(payload)), 'k', 'e', 'y', '!'}
	}
	for i := range len(payload) {
		b = append(b, payload[i]^"key!"[i&3])
	}
	return string(b)
}

// TestWS has the rest of its cases in conformance/.
// messages reads frames, of fewer than 126 bytes, until as many bytes are together,
// with those of a message put into one: where a server cuts it depends on how it
// came.
func (c *peer) messages(n int) (got string) {
	c.t.Helper()
	var op byte
	message := ""
	for len(got) < n {
		var h [2]byte
		if _, err := io.ReadFull(c.r, h[:]); err != nil {
			c.t.Fatalf("%q, %v came", got, err)
		}
		b := make([]byte, h[1])
		if _, err := io.ReadFull(c.r, b); err != nil {
			c.t.Fatalf("%q, %v came", got, err)
		}
		if h[0]&8 != 0 { // a control frame
			got += string(h[:]) + string(b)
			continue
		}
		if h[0]&15 != 0 {
			op = h[0] & 0x7f
		}
		message += string(b)
		if h[0]&0x80 != 0 {
			got += string([]byte{0x80 | op, byte(len(message))}) + message
			op, message = 0, ""
		}
	}
	return got
}

func TestWS(t *testing.T) {
	p := launch(t, 2)
	for _, c := range []struct{ name, send, want string }{
		{"text", masked(0x81, "squid"), "\x81\x05squid"},
		{"binary", masked(0x82, "\xff"), "\x82\x01\xff"},
		{"nothing", masked(0x81, ""), "\x81\x00"},
		{"fragments", masked(0x01, "a") + masked(0x00, "b") + masked(0x80, "c"), "\x81\x03abc"},
		{"a ping between them", masked(0x01, "a") + masked(0x89, "p") + masked(0x80, "c"), "\x8a\x01p\x81\x02ac"},
		{"a pong that nobody asked for", masked(0x8a, "p") + masked(0x81, "a"), "\x81\x01a"},
		{"close", masked(0x88, "\x03\xe8bye"), "\x88\x02\x03\xe8$"},
		{"close without a code", masked(0x88, ""), "\x88\x00$"},
		{"close with half a code", masked(0x88, "\x03"), "\x88\x02\x03\xea$"},
		{"text that is not UTF-8", masked(0x81, "\xff"), "\x88\x02\x03\xef$"},
		{"not masked", "\x81\x01a", "\x88\x02\x03\xea$"},
		{"reserved bit", masked(0xC1, "a"), "\x88\x02\x03\xea$"},
		{"continuation of nothing", masked(0x80, "a"), "\x88\x02\x03\xea$"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, ends := strings.CutSuffix(c.want, "$")
			s := p.socket("/ws", c.send)
			s.t = t
			if got := s.messages(len(want)); got != want {
				t.Fatalf("%q came, want %q", got, want)
			}
			if ends {
				s.end()
			}
		})
	}
}

// TestWSLong echoes messages longer than any buffer.
func TestWSLong(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		c, err := wsdial.Dial(ctx, "ws://"+p.web+"/ws", wsdial.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 125, 126, 65535, 65536, 1 << 20} {
			text := strings.Repeat("squid € ", n/10+1)[:n/10*10]
			go c.WriteMessage(ws.OpText, []byte(text))
			if op, b, err := c.Receive(); err != nil || op != ws.OpText || string(b) != text {
				t.Fatalf("%d bytes of %d came, %v", len(b), len(text), err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestWSPing has a client be silent, and not answer the ping that it gets.
func TestWSPing(t *testing.T) {
	t.Parallel()
	p := launch(t, 1, "-t", "1")
	lively, dead := p.socket("/ws", ""), p.socket("/ws", "")
	half := p.socket("/ws", "\x81") // half a header is no sign of life for ever
	lively.want("\x89\x00").send(masked(0x8a, ""))
	dead.want("\x89\x00").end()
	half.want("\x89\x00").end()
	lively.send(masked(0x81, "a")).want("\x81\x01a")
}

func TestWSUpgrade(t *testing.T) {
	p := launch(t, 1)
	asked := strings.Replace(handshake, "PATH", "/ws", 1)
	// RFC 9110 section 7.8: the protocol changes behind the whole request.
	p.dial(p.web).send(asked + "Content-Length: 11\r\n\r\n" + masked(0x81, "squid")).status(400)
	r := p.dial(p.web).send(get("/ws")).status(426)
	if r.Header.Get("Upgrade") == "" || r.Header.Get("Connection") != "Upgrade" {
		t.Errorf("426 with %v", r.Header)
	}
}
