package websocket_test

import (
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

func echoMessage(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) }
func echoData(c *websocket.Conn, p ws.Part) error                 { return c.Piece(p.Op, p.Last, p.Payload) }

var echoes = []struct {
	name string
	h    websocket.Handler
}{
	{"message", websocket.Handler{Message: echoMessage}},
	{"data", websocket.Handler{Data: echoData}},
}

// exchanges are what a client may send, and what an echo of whole messages
// answers.
var exchanges = []struct {
	name, in, out string
}{
	{"text", frame(text, "Hello"), plain(text, "Hello")},
	{"RFC 6455 section 5.7", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "\x81\x05Hello"},
	{"empty", frame(text, ""), plain(text, "")},
	{"binary of 125", frame(bin, servertest.Pattern(125)), plain(bin, servertest.Pattern(125))},
	{"binary of 126", frame(bin, servertest.Pattern(126)), plain(bin, servertest.Pattern(126))},
	{"three in one read", frame(text, "a") + frame(bin, "b") + frame(text, "c"), plain(text, "a") + plain(bin, "b") + plain(text, "c")},
	{"fragments", frame(text|more, "Hel") + frame(cont, "lo"), plain(text, "Hello")},
	{"empty fragments", frame(text|more, "") + frame(cont|more, "ab") + frame(cont|more, "") + frame(cont, ""), plain(text, "ab")},
	{"ping", frame(ping, "are you there"), plain(pong, "are you there")},
	{"ping between fragments", frame(text|more, "Hel") + frame(ping, "p") + frame(cont, "lo"), plain(pong, "p") + plain(text, "Hello")},
	{"unsolicited pong", frame(pong, "x") + frame(text, "a"), plain(text, "a")},
	{"message behind fragments", frame(bin|more, servertest.Pattern(200)) + frame(cont, servertest.Pattern(150)) + frame(text, "x"), plain(bin, append(servertest.Pattern(200), servertest.Pattern(150)...)) + plain(text, "x")},
}

// TestEcho holds an echo of whole messages to what it answers, cut at every
// byte.
func TestEcho(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[0].h)
		for _, x := range exchanges {
			ways := splittest.Ways(len(x.in))
			if f.Net == nil {
				ways = ways[:2]
			}
			c := f.dial()
			for _, way := range ways {
				from := 0
				for _, to := range way.Ends {
					c.Send(x.in[from:to])
					from = to
				}
				c.Want(x.out)
			}
			c.wantSilence()
			c.Conn.Close()
		}
	})
}

// TestMessagesAreCounted has handlers count what they are called for, and find it
// in the statistics already, also of messages that came with others.
func TestMessagesAreCounted(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		seen := uint64(0) // one worker at a time has the only connection
		f.evented(websocket.Options{}, websocket.Handler{Data: func(c *websocket.Conn, p ws.Part) error {
			if p.Last {
				seen++
			}
			if n := f.ws.Stats().Messages; n != seen {
				t.Errorf("%d messages in the statistics, want %d", n, seen)
			}
			return echoData(c, p)
		}})
		c := f.dial()
		c.Send(frame(text, "a") + frame(bin|more, "b") + frame(cont, "c") + frame(text, "d"))
		c.Want(plain(text, "a") + plain(bin|more, "b") + plain(cont, "c") + plain(text, "d"))
		if n := f.ws.Stats().Messages; n != 3 {
			t.Errorf("%d messages in the statistics, want 3", n)
		}
	})
}

// TestEchoData holds an echo of pieces to the same messages.
func TestEchoData(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[1].h)
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 300000} {
			c := f.dial()
			in := string(servertest.Pattern(n))
			go c.Conn.Write([]byte(frame(text, in)))
			if op, p := c.message(); op != text || string(p) != in {
				t.Fatalf("%d bytes: got %#x %s", n, op, servertest.Brief(p))
			}
			c.Conn.Close()
		}
	})
}

// TestRestBehindHandshake has frames follow the handshake in one read.
func TestRestBehindHandshake(t *testing.T) {
	for _, e := range echoes {
		t.Run(e.name, func(t *testing.T) {
			run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
				f.evented(websocket.Options{}, e.h)
				in := hello("/ws") + frame(text, "first") + frame(ping, "x")
				ways := splittest.Ways(len(in))
				if f.Net == nil {
					ways = ways[:1]
				}
				for _, way := range ways {
					c := f.connect()
					from := 0
					for _, to := range way.Ends {
						c.Send(in[from:to])
						from = to
					}
					c.wantSwitch()
					if op, p := c.message(); op != text || string(p) != "first" {
						t.Fatalf("%s: got %q", way.Name, p)
					}
					c.Want(plain(pong, "x"))
					c.Conn.Close()
					f.Settle()
				}
			})
		})
	}
}

// TestPoll drives the server from a loop of the test's.
func TestPoll(t *testing.T) {
	f := newFixture(t, servertest.Kind{}, bobtail.Config{Lanes: 1, Workers: 1}, websocket.Config{Ping: int64(10 * time.Second)})
	f.Free = true
	var j journal
	f.evented(websocket.Options{}, j.noted())
	defer f.Net.Close()
	defer f.Server.Close()
	addr, err := f.Server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Net.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var got []byte
	poll := func(in string) {
		t.Helper()
		if in != "" {
			p.Write([]byte(in))
		}
		for range 10 {
			if _, err := f.Server.Poll(f.Server.Now()); err != nil {
				t.Fatal(err)
			}
			var b [512]byte
			n, _ := p.TryRead(b[:])
			got = append(got, b[:n]...)
		}
	}
	poll(hello("/ws"))
	got = got[:0]
	poll(frame(text, "a"))
	f.Net.Advance(int64(11 * time.Second))
	poll("")
	poll(frame(closing, closeFrame(1000, "")))
	if want := plain(text, "a") + plain(ping, "") + plain(closing, closeFrame(1000, "")); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := j.String(); s != "open, text a, close 1000 " {
		t.Error(s)
	}
}
