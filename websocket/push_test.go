package websocket_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// sockets gathers the sockets of the connections of a handler.
type sockets struct {
	mu   sync.Mutex
	list []websocket.Socket
}

func (s *sockets) open(c *websocket.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, c.Socket())
	return nil
}

func (s *sockets) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list)
}

func (s *sockets) at(i int) websocket.Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[i]
}

// TestPush pushes to a connection of which nothing else is going on.
func TestPush(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open, Message: echoMessage})
		c := f.dial()
		f.Await("the connection", func() bool { return s.len() == 1 })
		a := s.at(0)
		if a != s.at(0) || a == (websocket.Socket{}) || !a.IsOpen() {
			t.Error("the socket is not itself, or not open")
		}
		for _, err := range []error{
			a.SendText("one"), a.Send(ws.OpBinary, servertest.Pattern(200)), a.Ping([]byte("p")), a.Send(ws.OpText, servertest.Pattern(20000)),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		c.Want(plain(text, "one") + plain(bin, servertest.Pattern(200)) + plain(ping, "p") + plain(text, servertest.Pattern(20000)))
		for _, err := range []error{a.Send(ws.OpClose, nil), a.Send(ws.OpContinuation, nil), a.Send(3, nil)} {
			if err != ws.ErrOrder {
				t.Errorf("an opcode that is no message: %v", err)
			}
		}
		if err := a.Ping(servertest.Pattern(126)); err != websocket.ErrLong {
			t.Errorf("a long ping: %v", err)
		}
		c.Send(frame(closing, ""))
		c.Want(plain(closing, ""))
		c.wantEnd()
		c.Conn.Close()
		f.Await("the end", func() bool { return f.ws.Stats().Open == 0 })
		var none websocket.Socket
		for _, x := range []websocket.Socket{a, none} {
			for _, err := range []error{x.SendText("x"), x.Push(ws.OpText, nil, 0, engine.CloseSlow), x.Ping(nil), x.Close(1000, "")} {
				if err != pool.ErrStale && (x == none || err != pool.ErrSealed) {
					t.Errorf("after the end: %v", err)
				}
			}
			if x.IsOpen() {
				t.Error("open after the end")
			}
		}
	})
}

// TestPushBetweenFragments wants what is pushed while a message is under way
// behind that, and control frames of our own in between.
func TestPushBetweenFragments(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open, Data: echoData})
		c := f.dial()
		c.Send(frame(text|more, "a"))
		c.Want(plain(text|more, "a"))
		for i := range 3 {
			if err := s.at(0).SendText(fmt.Sprint("pushed ", i)); err != nil {
				t.Fatal(err)
			}
		}
		c.wantSilence()
		c.Send(frame(ping, "x"))
		c.Want(plain(pong, "x"))
		c.Send(frame(cont|more, "b"))
		c.Want(plain(cont|more, "b"))
		c.Send(frame(cont, "c"))
		c.Want(plain(cont, "c") + plain(text, "pushed 0") + plain(text, "pushed 1") + plain(text, "pushed 2"))
		// And again, closed in the midst of it.
		c.Send(frame(bin|more, "d"))
		c.Want(plain(bin|more, "d"))
		if err := s.at(0).SendText("before"); err != nil {
			t.Fatal(err)
		}
		if err := s.at(0).Close(1000, "bye"); err != nil {
			t.Fatal(err)
		}
		c.wantSilence()
		c.Send(frame(cont, "e") + frame(text, "ignored"))
		c.Want(plain(cont, "e") + plain(text, "before") + plain(closing, closeFrame(1000, "bye")))
		c.Send(frame(closing, closeFrame(1000, "")))
		c.wantEnd()
	})
}

// TestSlowConsumers has peers not read what is pushed to them.
func TestSlowConsumers(t *testing.T) {
	for _, x := range []struct {
		name string
		slow engine.Overflow
		err  error
		want string // of the last bytes that arrive
	}{
		{"drop newest", engine.DropNewest, pool.ErrBacklog, plain(text, "0 "+string(servertest.Pattern(500)))},
		{"drop oldest", engine.DropOldest, nil, plain(text, "99 "+string(servertest.Pattern(500)))},
		{"close", engine.CloseSlow, pool.ErrBacklog, plain(closing, closeFrame(1013, ""))},
	} {
		t.Run(x.name, func(t *testing.T) {
			runMemory(t, memory.Config{Pipe: 1000}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
				var s sockets
				var j journal
				h := j.noted()
				h.Open = s.open
				f.evented(websocket.Options{Mark: 5, Slow: x.slow}, h)
				c := f.dial()
				var last error
				for i := range 100 {
					if err := s.at(0).SendText(fmt.Sprint(i, " ", string(servertest.Pattern(500)))); err != nil {
						last = err
					}
				}
				if last != x.err && (last != pool.ErrSealed || x.slow != engine.CloseSlow) {
					t.Errorf("%v, want %v", last, x.err)
				}
				n := 0
				var op int
				var p []byte
				for {
					var err error
					if op, p, err = c.tryNext(); err != nil {
						break
					}
					if n++; op == closing {
						c.Send(frame(closing, closeFrame(1013, "")))
						break
					}
				}
				if n < 3 || n > 9 {
					t.Errorf("%d messages arrive", n)
				}
				if x.slow == engine.CloseSlow {
					if got := plain(op, p); got != x.want {
						t.Errorf("the last is %q", got)
					}
					f.wantJournal(&j, "close 1013 ")
					if f.ws.Stats().Slow != 1 {
						t.Errorf("%+v", f.ws.Stats())
					}
				}
			})
		})
	}
}

// TestSlowReader echoes a long message to a peer that reads slowly: what waits
// for it stays within bounds, and nobody else is kept waiting.
func TestSlowReader(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 4000}, bobtail.Config{Timeouts: bobtail.Timeouts{Write: 10 * time.Second}}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[1].h)
		c, other := f.dial(), f.dial()
		const size = 1 << 20
		in := frame(bin, servertest.Pattern(size))
		sent := 0
		pour := func() {
			for sent < len(in) {
				n, _ := c.Peer.TryWrite([]byte(in[sent:]))
				if sent += n; n == 0 {
					return
				}
				f.Settle()
			}
		}
		var got []byte
		for last := more; last&more != 0; {
			pour()
			if st := f.Server.Stats(); st.OutputBlocks > 16 || st.Lent > 0 || st.Busy > 1 {
				t.Fatalf("%+v", st)
			}
			other.Send(frame(text, "quick"))
			if op, p := other.message(); op != text || string(p) != "quick" {
				t.Fatalf("other got %q", p)
			}
			var p []byte
			last, p = c.next()
			got = append(got, p...)
		}
		if string(got) != string(servertest.Pattern(size)) {
			t.Errorf("%d bytes are not those that were sent", len(got))
		}
	})
}

// TestAmplifier has small messages answered by large ones, to a peer that does
// not read: its own messages wait then.
func TestAmplifier(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 4000}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		answer := servertest.Pattern(10000)
		f.evented(websocket.Options{}, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			return c.Send(ws.OpBinary, answer)
		}})
		c := f.dial()
		c.Send(strings.Repeat(frame(text, "more"), 100))
		f.Settle()
		if st := f.Server.Stats(); st.OutputBlocks > 12 || st.Lent > 0 {
			t.Errorf("%+v", st)
		}
		for range 100 {
			c.Want(plain(bin, answer))
		}
	})
}

// TestPushOrder has many push to many, while these send and are answered: each
// gets the messages of each pusher whole and in order.
func TestPushOrder(t *testing.T) {
	const pushers, each, conns = 4, 200, 3
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var s sockets
		f.evented(websocket.Options{Mark: 255}, websocket.Handler{Open: s.open, Data: echoData})
		clients := make([]*client, conns)
		for i := range clients {
			clients[i] = f.dial()
		}
		f.Await("all", func() bool { return s.len() == conns })
		var wg sync.WaitGroup
		for p := range pushers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range each {
					for i := range conns {
						m := fmt.Sprintf("push %d %d %s", p, n, servertest.Pattern(n))
						for s.at(i).SendText(m) != nil {
							runtime.Gosched()
						}
					}
				}
			}()
		}
		for _, c := range clients {
			wg.Add(2)
			go func() {
				defer wg.Done()
				for n := range each {
					c.Conn.Write([]byte(frame(text|more, fmt.Sprintf("echo %d ", n)) + frame(cont, servertest.Pattern(n))))
				}
			}()
			go func() {
				defer wg.Done()
				echoed := 0
				var next [pushers]int
				if f.Net != nil {
					c.In.Reset(c.Conn)
				}
				for range pushers*each + each {
					_, m := c.message()
					var p, n int
					var rest string
					if k, _ := fmt.Sscanf(string(m), "push %d %d %s", &p, &n, &rest); k >= 2 {
						if n != next[p] || rest != string(servertest.Pattern(n)) {
							t.Errorf("pusher %d: message %d, want %d", p, n, next[p])
							return
						}
						next[p]++
					} else if want := fmt.Sprintf("echo %d %s", echoed, servertest.Pattern(echoed)); string(m) != want {
						t.Errorf("got %q, want %q", m, want)
						return
					} else {
						echoed++
					}
				}
			}()
		}
		wg.Wait()
	})
}
