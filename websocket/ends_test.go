package websocket_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// TestLongBehindAnswers has the payload of a long frame follow a message whose
// answer the peer does not take yet.
func TestLongBehindAnswers(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 9000}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, websocket.Handler{Data: func(c *websocket.Conn, p ws.Part) error {
			switch {
			case p.Op != ws.OpText:
				return c.Piece(p.Op, p.Last, p.Payload)
			case string(p.Payload) == "answer":
				return c.Send(ws.OpText, servertest.Pattern(4000))
			}
			return nil
		}})
		c := f.dial()
		// The network has room for two answers and a bit.
		c.Send(frame(text, "answer") + frame(text, "answer"))
		const size = 40000
		in := frame(text, "answer") + frame(text, servertest.Pattern(5000)) + frame(bin, servertest.Pattern(size))
		sent := 0
		pour := func() {
			for sent < len(in) {
				n, _ := c.Peer.TryWrite([]byte(in[sent:]))
				if sent += n; n == 0 {
					break
				}
			}
			f.Settle()
		}
		pour()
		for range 3 {
			c.Want(plain(text, servertest.Pattern(4000)))
		}
		var got []byte
		for last := more; last&more != 0; {
			pour()
			var p []byte
			if last, p = c.next(); last == closing {
				t.Fatalf("closed with %q after %d bytes", p, len(got))
			}
			got = append(got, p...)
		}
		if string(got) != string(servertest.Pattern(size)) {
			t.Errorf("got %d bytes, %s", len(got), servertest.Brief(got))
		}
	})
}

// TestDialValue has the client's end of a connection keep what Open gave it.
func TestDialValue(t *testing.T) {
	runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{Rand: rand.Reader}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[0].h)
		f.Start()
		var got any
		if err := f.ws.Dial(websocket.Target{Addr: f.Addr, Host: "a", Path: "/ws", Value: 1}, websocket.Options{}, websocket.Handler{
			Open: func(c *websocket.Conn) error {
				c.SetValue("of Open")
				return c.SendText("hello")
			},
			Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error { got = c.Value(); return nil },
		}); err != nil {
			t.Fatal(err)
		}
		f.Settle()
		if got != "of Open" {
			t.Errorf("value %v", got)
		}
	})
}

// TestNothingBehindClose closes a connection whose handler has more to send than
// the peer takes: nothing follows the close frame (RFC 6455 section 5.5.1).
func TestNothingBehindClose(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 1000}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			c.Send(ws.OpBinary, servertest.Pattern(8000))
			c.SendText("staged")
			return c.Socket().Close(1000, "")
		}})
		c := f.dial()
		c.Send(frame(text, "go"))
		c.Want(plain(bin, servertest.Pattern(8000)) + plain(text, "staged") + plain(closing, closeFrame(1000, "")))
		c.Send(frame(closing, closeFrame(1000, "")))
		c.wantEnd()
	})
}

// TestLostHandler has a handler that comes back after its connection was lost do
// all it can: the connection that has the slot by then has nothing to do with it.
func TestLostHandler(t *testing.T) {
	for _, x := range []struct {
		name, behind string
		late         func(c *websocket.Conn)
	}{
		{"a bad frame behind", "\xff", func(c *websocket.Conn) {}},
		{"a panic", "", func(c *websocket.Conn) { panic("late") }},
		{"close", frame(closing, closeFrame(3333, "")), func(c *websocket.Conn) { c.Close(3000, "") }},
		{"much to send", "", func(c *websocket.Conn) {
			c.Send(ws.OpText, servertest.Pattern(100))
			c.Send(ws.OpText, servertest.Pattern(10000))
			c.Piece(ws.OpText, false, servertest.Pattern(10000))
			c.Ping(nil)
			c.SetValue("of the lost")
			c.Remote()
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			cfg := bobtail.Config{Workers: 2, Spare: 1, Sockets: 1, Timeouts: bobtail.Timeouts{Handler: 2 * time.Second, Drain: time.Second}}
			runVirtual(t, cfg, websocket.Config{}, func(t *testing.T, f *fixture) {
				gate := make(chan struct{})
				var mu sync.Mutex
				var closes []string
				f.evented(websocket.Options{}, websocket.Handler{
					Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
						switch string(p) {
						case "stuck":
							<-gate
							x.late(c)
						case "value":
							return c.SendText(fmt.Sprint(c.Value()))
						}
						return nil
					},
					Close: func(c *websocket.Conn, code ws.Code, reason []byte) {
						mu.Lock()
						defer mu.Unlock()
						closes = append(closes, fmt.Sprint(int(code), " ", c.Remote() != transport.Addr{}))
					},
				})
				c := f.dial()
				c.Send(frame(text, "stuck") + x.behind)
				f.Advance(2500 * time.Millisecond)
				c.wantClose(1011)
				c.Conn.Close()
				f.Await("a free slot", func() bool { return f.Server.Stats().Open == 0 })
				next := f.dial() // in the only slot
				close(gate)
				f.Settle()
				next.wantSilence()
				next.Send(frame(text, "value"))
				next.Want(plain(text, "<nil>"))
				next.Peer.Reset()
				f.Settle()
				mu.Lock()
				defer mu.Unlock()
				if got := strings.Join(closes, ", "); got != "1011 false, 1006 true" && got != "1011 false, 1006 false" {
					t.Errorf("told of %s", got)
				}
			})
		})
	}
}

// TestLostFailed has Target.Failed not return in time; the next connection of its
// slot is told of its end all the same.
func TestLostFailed(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Spare: 1, Sockets: 1, Timeouts: bobtail.Timeouts{Handler: 2 * time.Second, Drain: time.Second}}
	runVirtual(t, cfg, websocket.Config{Rand: rand.Reader}, func(t *testing.T, f *fixture) {
		closed := 0
		f.evented(websocket.Options{}, websocket.Handler{Message: echoMessage, Close: func(*websocket.Conn, ws.Code, []byte) { closed++ }})
		f.Start()
		l, err := f.Net.ListenPeer(f.Addr.WithPort(f.Addr.Port() + 1))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		gate := make(chan struct{})
		if err := f.ws.Dial(websocket.Target{Addr: l.Addr(), Host: "a", Failed: func(any, error) { <-gate }},
			websocket.Options{}, websocket.Handler{Message: echoMessage}); err != nil {
			t.Fatal(err)
		}
		f.Settle()
		p, err := l.TryAccept()
		if err != nil {
			t.Fatal(err)
		}
		p.Write([]byte("SSH\r\n\r\n"))
		f.Advance(2500 * time.Millisecond)
		p.Close()
		f.Await("a free slot", func() bool { return f.Server.Stats().Open == 0 })
		f.dial()
		_, h := f.Server.Engine().Pool().StateAt(0)
		if err := f.Server.Engine().Kill(h); err != nil {
			t.Fatal(err)
		}
		f.Settle()
		close(gate)
		if closed != 1 {
			t.Errorf("Close was called %d times", closed)
		}
	})
}

// TestLostStraight has a straight handler lost that is subscribed, and its slot
// taken by others: its subscription is free again.
func TestLostStraight(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Spare: 1, Sockets: 1, Timeouts: bobtail.Timeouts{Handler: 2 * time.Second, Drain: time.Second}}
	runVirtual(t, cfg, websocket.Config{Subscriptions: 1}, func(t *testing.T, f *fixture) {
		topic := f.ws.NewTopic(websocket.TopicOptions{})
		gate := make(chan struct{})
		f.Handle("GET /straight", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
			if err := topic.Subscribe(c.Socket()); err != nil {
				t.Error(err)
			}
			<-gate
			return nil
		}))
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open, Message: echoMessage})
		c := f.dialPath("/straight")
		f.Advance(2500 * time.Millisecond)
		c.Conn.Close()
		f.Await("a free slot", func() bool { return f.Server.Stats().Open == 0 })
		c = f.dial()
		if err := topic.Subscribe(s.at(0)); err != nil {
			t.Error(err)
		}
		close(gate)
		f.Settle()
		if n := topic.Len(); n != 1 {
			t.Errorf("%d subscribers", n)
		}
		c.Conn.Close()
		f.Settle()
		if n := topic.Len(); n != 0 {
			t.Errorf("%d subscribers at the end", n)
		}
	})
}

// TestStraightClosedElsewhere has a peer not answer the close frame of a Socket.
func TestStraightClosedElsewhere(t *testing.T) {
	for _, wait := range []time.Duration{-1, 30 * time.Second} {
		runVirtual(t, bobtail.Config{}, websocket.Config{Ping: int64(wait), Close: int64(2 * time.Second)}, func(t *testing.T, f *fixture) {
			socks := make(chan websocket.Socket, 1)
			f.Handle("GET /ws", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
				socks <- c.Socket()
				_, err := c.Next()
				return err
			}))
			c := f.dial()
			s := <-socks
			f.Advance(time.Second)
			if err := s.Close(1000, "bye"); err != nil {
				t.Fatal(err)
			}
			c.Want(plain(closing, closeFrame(1000, "bye")))
			f.Advance(4100 * time.Millisecond)
			if n := f.ws.Stats().Open; n != 0 {
				t.Errorf("ping after %v: still open", wait)
			}
		})
	}
}

// TestStraightClosedWithoutRoom has a Socket closed when no block is free for the
// frame.
func TestStraightClosedWithoutRoom(t *testing.T) {
	runVirtual(t, bobtail.Config{OutputBlocks: 8}, websocket.Config{Close: int64(2 * time.Second)}, func(t *testing.T, f *fixture) {
		socks := make(chan websocket.Socket, 1)
		f.Handle("GET /ws", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
			socks <- c.Socket()
			_, err := c.Next()
			return err
		}))
		c := f.dial()
		s := <-socks
		outs := &f.Server.Engine().Pool().Outputs
		for {
			if _, err := outs.Get(); err != nil {
				break
			}
		}
		if err := s.Close(1000, ""); err != nil {
			t.Fatal(err)
		}
		f.Advance(3 * time.Second)
		c.Want(plain(closing, closeFrame(1000, "")))
		f.Advance(3 * time.Second)
		if n := f.ws.Stats().Open; n != 0 {
			t.Error("still open")
		}
	})
}

// TestRateMost holds a peer to the highest rate that can be asked for.
func TestRateMost(t *testing.T) {
	runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{Rate: 65535}, websocket.Handler{Message: func(*websocket.Conn, ws.Opcode, []byte) error { return nil }})
		c := f.dial()
		b := strings.Repeat(frame(bin, ""), 1000)
		for range 65 {
			c.Send(b)
		}
		c.Send(strings.Repeat(frame(bin, ""), 535))
		c.wantSilence()
		c.Send(frame(bin, ""))
		c.wantClose(1008)
	})
}

// TestLongClosed has a peer send a compressed message, for which a worker is lent,
// byte by byte: it ends all the same when others close the connection, and when
// the server shuts down.
func TestLongClosed(t *testing.T) {
	noise := make([]byte, 50000)
	rand.Read(noise)
	in := frame(bin|rsv1, squeeze(noise))
	for _, x := range []struct {
		name string
		end  func(f *fixture, s websocket.Socket)
		code int
	}{
		{"Socket.Close", func(f *fixture, s websocket.Socket) { s.Close(4000, "") }, 4000},
		{"Shutdown", func(f *fixture, s websocket.Socket) { f.Server.Engine().Shutdown() }, 1001},
	} {
		t.Run(x.name, func(t *testing.T) {
			wc := websocket.Config{Close: int64(time.Second), Extension: newDeflate(t, deflate.Config{})}
			runMemory(t, memory.Config{}, bobtail.Config{}, wc, func(t *testing.T, f *fixture) {
				var s sockets
				var j journal
				h := j.noted()
				h.Open, h.Message = s.open, nil
				h.Data = func(*websocket.Conn, ws.Part) error { return nil }
				f.evented(websocket.Options{Compress: true}, h)
				c := f.dialCompressed("/ws")
				c.Send(in[:20000])
				if n := f.Server.Stats().Lent; n != 1 {
					t.Fatalf("%d workers are lent", n)
				}
				x.end(f, s.at(0))
				for i := range 40 {
					if c.TrySend(in[20000+i:20001+i]) != nil {
						break
					}
					f.Advance(50 * time.Millisecond)
				}
				c.Want(plain(closing, closeFrame(x.code, "")))
				if st := f.Server.Stats(); st.Lent != 0 || f.ws.Stats().Open != 0 {
					t.Errorf("%+v", st)
				}
				f.wantJournal(&j, fmt.Sprintf("close %d ", x.code))
			})
		})
	}
}

// once is a source of entropy that dries up.
type once struct{ left int }

func (r *once) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), r.left)
	r.left -= n
	return rand.Read(p[:n])
}

// TestNoKeys has the source of keys dry up: nothing more is sent (RFC 6455 section
// 5.3).
func TestNoKeys(t *testing.T) {
	runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{Rand: &once{256}}, func(t *testing.T, f *fixture) {
		got := 0
		f.evented(websocket.Options{}, websocket.Handler{Message: func(*websocket.Conn, ws.Opcode, []byte) error { got++; return nil }})
		f.Start()
		sent := 0
		var err error
		var s websocket.Socket
		if err := f.ws.Dial(websocket.Target{Addr: f.Addr, Host: "a", Path: "/ws"}, websocket.Options{}, websocket.Handler{
			Open: func(c *websocket.Conn) error {
				s = c.Socket()
				for err = c.SendText("a"); err == nil; err = c.SendText("a") {
					sent++
				}
				return nil
			},
			Message: echoMessage,
		}); err != nil {
			t.Fatal(err)
		}
		f.Settle()
		if err != websocket.ErrNoRand || sent != 60 || got != sent {
			t.Errorf("%d messages sent, then %v; %d arrive", sent, err, got)
		}
		for _, err := range []error{s.SendText("a"), s.Ping(nil), s.Close(1000, "")} {
			if err != websocket.ErrNoRand {
				t.Error(err)
			}
		}
		f.Settle()
		if n := f.ws.Stats().Open; n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestCloseMidway closes a connection from both sides while a message is under
// way that will have no end: what was pushed does not come in its midst.
func TestCloseMidway(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 1 << 16}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open, Data: echoData})
		f.Handle("GET /straight", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
			s.mu.Lock()
			s.list = append(s.list, c.Socket())
			s.mu.Unlock()
			return echoStraight(c)
		}))
		for i, path := range []string{"/ws", "/straight"} {
			c := f.dialPath(path)
			part := "a"
			if i > 0 {
				part = string(servertest.Pattern(30000))
			}
			c.Send(frame(text|more, part))
			for c.next(); !c.Silent(); {
				c.next()
			}
			if err := s.at(i).SendText("pushed"); err != nil {
				t.Fatal(err)
			}
			if err := s.at(i).Close(4000, ""); err != nil {
				t.Fatal(err)
			}
			c.wantSilence()
			c.Send(frame(closing, closeFrame(1000, "")))
			if op, p := c.next(); op != closing {
				t.Errorf("%s: frame %#x %q within a message", path, op, p)
			}
			c.wantEnd()
		}
	})
}
