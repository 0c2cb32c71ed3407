package websocket_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// journal notes what a handler is told.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, ", ")
}

// noted is an echo that notes what it is told.
func (j *journal) noted() websocket.Handler {
	return websocket.Handler{
		Open: func(*websocket.Conn) error { j.note("open"); return nil },
		Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			j.note("%v %s", op, p)
			return c.Send(op, p)
		},
		Close: func(c *websocket.Conn, code ws.Code, reason []byte) {
			j.note("close %d %s", code, reason)
			if err := c.SendText("too late"); err != websocket.ErrClosed {
				j.note("sent: %v", err)
			}
		},
	}
}

func (f *fixture) wantJournal(j *journal, want string) {
	f.T.Helper()
	f.Await("journal "+want+", is "+j.String(), func() bool { return j.String() == want })
}

// TestHostile has peers break every rule, cut at every byte: they are told the
// right code, the connection ends, and another is served as before.
func TestHostile(t *testing.T) {
	big := string(header(bin, 1<<20, 0x80)) + "\x00\x00\x00\x00"
	hostile := []struct {
		name, in string
		code     int
	}{
		{"not masked", plain(text, "a"), 1002},
		{"RSV1", frame(text|rsv1, "a"), 1002},
		{"RSV2", "\xa1\x80\x00\x00\x00\x00", 1002},
		{"RSV3", "\x91\x80\x00\x00\x00\x00", 1002},
		{"reserved opcode 3", frame(3, ""), 1002},
		{"reserved opcode 11", frame(11, ""), 1002},
		{"continuation of nothing", frame(cont, "a"), 1002},
		{"message within a message", frame(text|more, "a") + frame(text, "b"), 1002},
		{"fragmented ping", frame(ping|more, "a"), 1002},
		{"ping of 126 bytes", frame(ping, servertest.Pattern(126)), 1002},
		{"length not in its shortest form", "\x82\xfe\x00\x01\x00\x00\x00\x00a", 1002},
		{"length of 2^63", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", 1002},
		{"text that is no UTF-8", frame(text, "a\xff"), 1007},
		{"no UTF-8 in a later fragment", frame(text|more, "a") + frame(cont, "\xc0"), 1007},
		{"UTF-8 cut off", frame(text, "\xe2\x82"), 1007},
		{"surrogate", frame(text, "\xed\xa0\x80"), 1007},
		{"close of one byte", frame(closing, "\x03"), 1002},
		{"close code 1005", frame(closing, closeFrame(1005, "")), 1002},
		{"close code 999", frame(closing, closeFrame(999, "")), 1002},
		{"close code 2999", frame(closing, closeFrame(2999, "")), 1002},
		{"close reason that is no UTF-8", frame(closing, closeFrame(1000, "\xff")), 1007},
		{"message that fits nowhere", big, 1009},
		{"fragments that fit nowhere", frame(bin|more, servertest.Pattern(5000)) + string(header(cont, 5000, 0x80)) + "\x00\x00\x00\x00", 1009},
	}
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var j journal
		f.evented(websocket.Options{}, j.noted())
		f.Handle("GET /other", f.ws.Upgrade(websocket.Options{}, echoes[0].h))
		other := f.dialPath("/other")
		for _, h := range hostile {
			ways := splittest.Ways(min(len(h.in), 20))
			if f.Net == nil || len(h.in) > 200 {
				ways = ways[:1]
			}
			for _, way := range ways {
				j.reset()
				c := f.dial()
				from := 0
				for _, to := range way.Ends {
					if to == way.Ends[len(way.Ends)-1] {
						to = len(h.in)
					}
					c.TrySend(h.in[from:to])
					from = to
				}
				c.wantClose(h.code)
				f.wantJournal(&j, fmt.Sprintf("open, close %d ", h.code))
				c.Conn.Close()
				f.Settle()
			}
			other.Send(frame(text, h.name))
			other.Want(plain(text, h.name))
		}
	})
}

// TestCloseHandshake closes from either side (RFC 6455 section 7).
func TestCloseHandshake(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var j journal
		h := j.noted()
		h.Message = func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			switch string(p) {
			case "close":
				c.SendText("before")
				if err := c.Close(4000, "because"); err != nil {
					return err
				}
				if err := c.SendText("after"); err != websocket.ErrClosed {
					j.note("sent after Close: %v", err)
				}
				return c.Close(4001, "twice") // does not count any more
			case "error":
				return errors.New("of the program")
			case "code":
				return ws.ErrUTF8
			case "panic":
				panic("of the program")
			case "socket":
				return c.Socket().Close(4002, "elsewhere")
			}
			return c.Send(op, p)
		}
		f.evented(websocket.Options{}, h)
		for _, x := range []struct{ name, in, out, reply, journal string }{
			{"by the peer", frame(closing, closeFrame(1000, "bye")), plain(closing, closeFrame(1000, "")), "", "open, close 1000 bye"},
			{"by the peer, without a code", frame(closing, ""), plain(closing, ""), "", "open, close 1005 "},
			{"by the peer, with more behind", frame(text, "a") + frame(closing, closeFrame(3000, "")) + frame(text, "b"),
				plain(text, "a") + plain(closing, closeFrame(3000, "")), "", "open, close 3000 "},
			{"by us", frame(text, "close") + frame(text, "ignored") + frame(ping, "too"),
				plain(text, "before") + plain(closing, closeFrame(4000, "because")), frame(closing, closeFrame(4000, "")), "open, close 4000 "},
			{"by an error", frame(text, "error"), plain(closing, closeFrame(1011, "")), frame(closing, closeFrame(1011, "")), "open, close 1011 "},
			{"by an error with a code", frame(text, "code"), plain(closing, closeFrame(1007, "")), frame(closing, closeFrame(1007, "")), "open, close 1007 "},
			{"by a panic", frame(text, "panic"), plain(closing, closeFrame(1011, "")), frame(closing, closeFrame(1011, "")), "open, close 1011 "},
			{"by a socket", frame(text, "socket"), plain(closing, closeFrame(4002, "elsewhere")), frame(closing, closeFrame(4002, "")), "open, close 4002 "},
		} {
			j.reset()
			c := f.dial()
			c.Send(x.in)
			c.Want(x.out)
			if x.reply != "" {
				c.wantSilence()
				c.Send(x.reply)
			}
			c.wantEnd()
			c.Conn.Close()
			f.wantJournal(&j, x.journal)
		}
		// Lost connections.
		j.reset()
		c := f.dial()
		c.Send(frame(text, "last words"))
		c.Conn.CloseWrite()
		c.Want(plain(text, "last words"))
		c.wantEnd()
		f.wantJournal(&j, "open, close 1006 ")
	})
}

// TestCloseTimeout has a peer not answer our close frame.
func TestCloseTimeout(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{Close: int64(time.Second)}, func(t *testing.T, f *fixture) {
		var j journal
		h := j.noted()
		var sock websocket.Socket
		h.Open = func(c *websocket.Conn) error { sock = c.Socket(); return nil }
		f.evented(websocket.Options{}, h)
		c := f.dial()
		if err := sock.Close(1000, ""); err != nil {
			t.Fatal(err)
		}
		if err := sock.Close(1000, ""); err == nil {
			t.Error("a second Close is taken")
		}
		if err := sock.SendText("x"); err == nil {
			t.Error("a message behind Close is taken")
		}
		c.Want(plain(closing, closeFrame(1000, "")))
		f.Advance(900 * time.Millisecond)
		c.Send(frame(text, "not an answer"))
		if s := j.String(); s != "" {
			t.Error(s)
		}
		f.Advance(200 * time.Millisecond)
		c.wantEnd()
		f.wantJournal(&j, "close 1000 ")
		if sock.IsOpen() {
			t.Error("the socket is open")
		}
	})
}

// TestShutdown tells all peers 1001.
func TestShutdown(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var j journal
		f.evented(websocket.Options{}, j.noted())
		a, b := f.dial(), f.dial()
		f.Advance(time.Second)
		done := f.Server.Engine().Shutdown()
		f.Settle()
		a.Want(plain(closing, closeFrame(1001, "")))
		a.Send(frame(closing, closeFrame(1001, "")))
		a.wantEnd()
		a.Conn.Close()
		b.Want(plain(closing, closeFrame(1001, "")))
		f.Advance(2 * time.Second) // b does not answer
		b.wantEnd()
		f.Settle()
		select {
		case <-done:
		default:
			t.Error("the server is not over")
		}
		f.wantJournal(&j, "open, open, close 1001 , close 1001 ")
	})
}

// TestPing has the driver look after peers that say nothing.
func TestPing(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{Ping: int64(10 * time.Second), Pong: int64(5 * time.Second)}, func(t *testing.T, f *fixture) {
		var j journal
		f.evented(websocket.Options{}, j.noted())
		c := f.dial()
		for range 3 {
			f.Advance(9 * time.Second)
			c.wantSilence()
			c.Send(frame(text, "a"))
			c.Want(plain(text, "a"))
		}
		for range 3 {
			f.Advance(9900 * time.Millisecond)
			c.wantSilence()
			f.Advance(150 * time.Millisecond)
			c.Want(plain(ping, ""))
			f.Advance(4 * time.Second)
			c.wantSilence()
			c.Send(frame(pong, ""))
		}
		f.Advance(10100 * time.Millisecond)
		c.Want(plain(ping, ""))
		f.Advance(4900 * time.Millisecond)
		if n := f.ws.Stats().Open; n != 1 {
			t.Fatalf("%d connections", n)
		}
		f.Advance(200 * time.Millisecond)
		if n := f.ws.Stats(); n.Open != 0 || n.Dead != 1 {
			t.Errorf("%+v", n)
		}
		f.wantJournal(&j, "open, text a, text a, text a, close 1006 ")
	})
}

// TestNoPing leaves peers alone for ever.
func TestNoPing(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{Ping: -1}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[0].h)
		c := f.dial()
		f.Advance(time.Hour)
		c.wantSilence()
		c.Send(frame(text, "a"))
		c.Want(plain(text, "a"))
	})
}

// TestSlowSender has a frame that does not go on closed, and one that does not.
func TestSlowSender(t *testing.T) {
	for _, e := range echoes {
		t.Run(e.name, func(t *testing.T) {
			cfg := bobtail.Config{Timeouts: bobtail.Timeouts{Body: 5 * time.Second, Rate: 10}}
			runVirtual(t, cfg, websocket.Config{}, func(t *testing.T, f *fixture) {
				f.evented(websocket.Options{}, e.h)
				for _, begun := range []string{"\x81", "\x81\x85\x37", frame(text, "Hello")[:8]} {
					c := f.dial()
					c.Send(begun)
					f.Advance(4900 * time.Millisecond)
					if n := f.ws.Stats().Open; n != 1 {
						t.Fatalf("%q: %d connections", begun, n)
					}
					f.Advance(200 * time.Millisecond)
					if n := f.ws.Stats().Open; n != 0 {
						t.Fatalf("%q: %d connections", begun, n)
					}
					c.Conn.Close()
				}
				c := f.dial()
				in := frame(text, servertest.Pattern(100))
				for i := range in {
					c.Send(in[i : i+1])
					f.Advance(90 * time.Millisecond)
				}
				if op, p := c.message(); op != text || string(p) != string(servertest.Pattern(100)) {
					t.Fatalf("got %s", p)
				}
			})
		})
	}
}

// TestPauseBetweenFragments lets a message of pieces pause for long, with pings
// meanwhile.
func TestPauseBetweenFragments(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[1].h)
		c := f.dial()
		c.Send(frame(text|more, "a"))
		c.Want(plain(text|more, "a"))
		for range 5 {
			f.Advance(31 * time.Second)
			c.Want(plain(ping, ""))
			c.Send(frame(pong, ""))
		}
		c.Send(frame(cont, "b"))
		c.Want(plain(cont, "b"))
	})
}

// TestLimits holds peers to the limits of their route.
func TestLimits(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.Handle("GET /message", f.ws.Upgrade(websocket.Options{MaxMessage: 10}, echoes[0].h))
		f.Handle("GET /data", f.ws.Upgrade(websocket.Options{MaxMessage: 10}, echoes[1].h))
		f.Handle("GET /frame", f.ws.Upgrade(websocket.Options{MaxFrame: 10}, echoes[0].h))
		f.Handle("GET /rate", f.ws.Upgrade(websocket.Options{Rate: 3}, echoes[0].h))
		for _, path := range []string{"/message", "/data", "/frame"} {
			c := f.dialPath(path)
			c.Send(frame(text, "0123456789"))
			c.Want(plain(text, "0123456789"))
			c.Send(frame(text, "0123456789a")[:2])
			c.wantClose(1009)
		}
		c := f.dialPath("/rate")
		for range 3 {
			for range 3 {
				c.Send(frame(text, "a"))
				c.Want(plain(text, "a"))
			}
			f.Advance(time.Second)
		}
		for range 3 {
			c.Send(frame(text|more, "a") + frame(cont, "b"))
			c.Want(plain(text, "ab"))
		}
		c.Send(frame(text, "a"))
		c.wantClose(1008)
	})
}

// TestWholeLimit has a message of just the size that can be had whole.
func TestWholeLimit(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 3000}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[0].h)
		c := f.dial()
		n := f.ws.MaxWhole()
		for range 3 {
			go c.Conn.Write([]byte(frame(bin, servertest.Pattern(n)) + frame(text, "next")))
			if op, p := c.message(); op != bin || string(p) != string(servertest.Pattern(n)) {
				t.Fatalf("got %s", servertest.Brief(p))
			}
			c.Want(plain(text, "next"))
			go c.Conn.Write([]byte(frame(bin|more, servertest.Pattern(n-1)) + frame(ping, servertest.Pattern(125)) + frame(cont, "x")))
			c.Want(plain(pong, servertest.Pattern(125)))
			if op, p := c.message(); op != bin || string(p) != string(servertest.Pattern(n-1))+"x" {
				t.Fatalf("got %s", servertest.Brief(p))
			}
		}
		c.Send(string(header(bin, n+1, 0x80)) + "abcd")
		c.wantClose(1009)
	})
}
