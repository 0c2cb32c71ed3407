package websocket_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// TestDial has a server dial itself: both ends are in its pool.
func TestDial(t *testing.T) {
	wc := websocket.Config{Rand: rand.Reader, Extension: newDeflate(t, deflate.Config{})}
	run(t, bobtail.Config{OutputBlocks: 128}, wc, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{Protocols: []string{"one", "two"}, Compress: true, MaxMessage: 1 << 20}, echoes[1].h)
		topic := f.ws.NewTopic(websocket.TopicOptions{})
		f.Start()
		for _, compress := range []bool{false, true} {
			var mu sync.Mutex
			var got []byte
			var socks sockets
			closed := ws.Code(0)
			messages := [][]byte{[]byte("small"), servertest.Pattern(300), servertest.Pattern(600), nil}
			err := f.ws.Dial(websocket.Target{Addr: f.Addr, Host: "a", Path: "/ws", Value: 7, Fields: []ws.Field{{Name: "Authorization", Value: "b"}}},
				websocket.Options{Protocols: []string{"two", "three"}, Compress: compress},
				websocket.Handler{
					Open: func(c *websocket.Conn) error {
						if c.Protocol() != "two" || c.Value() != 7 {
							t.Errorf("protocol %q, value %v", c.Protocol(), c.Value())
						}
						for _, m := range messages {
							if err := c.Send(ws.OpBinary, m); err != nil {
								return err
							}
						}
						topic.Subscribe(c.Socket())
						return socks.open(c)
					},
					Data: func(c *websocket.Conn, p ws.Part) error {
						mu.Lock()
						defer mu.Unlock()
						got = append(got, p.Payload...)
						return nil
					},
					Close: func(c *websocket.Conn, code ws.Code, _ []byte) { closed = code; socks.open(c) },
				})
			if err != nil {
				t.Fatal(err)
			}
			all := bytes.Join(messages, nil)
			have := func(n int) func() bool {
				return func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= n }
			}
			f.Await("the echo", have(len(all)))
			f.Await("the socket", func() bool { return socks.len() == 1 })
			s := socks.at(0)
			if err := s.Send(ws.OpText, servertest.Pattern(500)); err != nil {
				t.Fatal(err)
			}
			if n, err := topic.Publish(ws.OpText, []byte("published")); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			all = append(append(all, servertest.Pattern(500)...), "published"...)
			f.Await("the echo of what was pushed", have(len(all)))
			if !bytes.Equal(got, all) {
				t.Errorf("got %s", servertest.Brief(got))
			}
			if err := s.Close(4000, "bye"); err != nil {
				t.Fatal(err)
			}
			f.Await("the end", func() bool { return socks.len() == 2 && f.ws.Stats().Open == 0 })
			if closed != 4000 {
				t.Errorf("closed with %d", closed)
			}
		}
	})
}

// TestDialFails has servers that do not do as they should.
func TestDialFails(t *testing.T) {
	const ok = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	for _, x := range []struct {
		name, answer string
		want         error
	}{
		{"nobody listens", "", transport.ErrRefused},
		{"refused", "HTTP/1.1 403 Forbidden\r\n\r\n", ws.ErrRefused},
		{"redirected", "HTTP/1.1 301 Moved\r\nLocation: /b\r\n\r\n", ws.ErrRedirect},
		{"the key of another", ok + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", ws.ErrAccept},
		{"not HTTP", "SSH-2.0-x\r\n", ws.ErrAnswerLine},
		{"the end", "HTTP/1.1 101", transport.EOF},
		{"silence", "HTTP/1.1 101 ", transport.ErrTimedOut},
	} {
		t.Run(x.name, func(t *testing.T) {
			runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{Rand: rand.Reader}, func(t *testing.T, f *fixture) {
				f.Start()
				addr := f.Addr.WithPort(f.Addr.Port() + 1)
				var l *memory.PeerListener
				if x.answer != "" {
					var err error
					if l, err = f.Net.ListenPeer(addr); err != nil {
						t.Fatal(err)
					}
					defer l.Close()
				}
				var failed error
				err := f.ws.Dial(websocket.Target{Addr: addr, Host: "a", Value: 1, Failed: func(v any, err error) {
					if failed != nil || v != 1 {
						t.Errorf("failed twice, or with %v", v)
					}
					failed = err
				}}, websocket.Options{}, websocket.Handler{
					Open:    func(c *websocket.Conn) error { t.Error("open"); return nil },
					Message: echoMessage,
					Close:   func(*websocket.Conn, ws.Code, []byte) { t.Error("closed") },
				})
				f.Settle()
				if l != nil {
					p, e := l.TryAccept()
					if e != nil {
						t.Fatal(e)
					}
					f.Adopt(p)
					for i := range x.answer {
						p.Write([]byte(x.answer[i : i+1]))
						f.Settle()
					}
					if x.name == "the end" {
						p.CloseWrite()
					}
				}
				if err == nil {
					f.Advance(31 * time.Second)
					err = failed
				}
				if err != x.want {
					t.Errorf("%v, want %v", err, x.want)
				}
				if n := f.Server.Stats().Open; n != 0 {
					t.Errorf("%d slots are taken", n)
				}
			})
		})
	}
}

// TestDialErrors has programs dial what cannot be dialled.
func TestDialErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, x := range []struct {
		rand io.Reader
		t    websocket.Target
		o    websocket.Options
		want error
	}{
		{nil, websocket.Target{Host: "a"}, websocket.Options{}, websocket.ErrNoRand},
		{io.MultiReader(failing{broken}), websocket.Target{Host: "a"}, websocket.Options{}, websocket.ErrNoRand},
		{rand.Reader, websocket.Target{}, websocket.Options{}, ws.ErrRequestHost},
		{rand.Reader, websocket.Target{Host: "a", Path: "b"}, websocket.Options{}, ws.ErrRequestTarget},
		{rand.Reader, websocket.Target{Host: "a"}, websocket.Options{Protocols: []string{"a b"}}, ws.ErrRequestProtocol},
		{rand.Reader, websocket.Target{Host: "a", Path: "/" + strings.Repeat("x", 1<<16)}, websocket.Options{}, websocket.ErrLong},
	} {
		runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{Rand: x.rand}, func(t *testing.T, f *fixture) {
			if err := f.ws.Dial(x.t, x.o, websocket.Handler{Message: echoMessage}); err != x.want {
				t.Errorf("%+v: %v, want %v", x.t, err, x.want)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestDialShutdown ends a connection that is dialled when the engine ends.
func TestDialShutdown(t *testing.T) {
	runMemory(t, memory.Config{}, bobtail.Config{}, websocket.Config{Rand: rand.Reader}, func(t *testing.T, f *fixture) {
		f.Start()
		addr := f.Addr.WithPort(f.Addr.Port() + 1)
		l, err := f.Net.ListenPeer(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var failed error
		if err := f.ws.Dial(websocket.Target{Addr: addr, Host: "a", Failed: func(_ any, err error) { failed = err }},
			websocket.Options{}, websocket.Handler{Message: echoMessage}); err != nil {
			t.Fatal(err)
		}
		f.Settle()
		if p, err := l.TryAccept(); err == nil {
			f.Adopt(p)
		}
		f.Server.Engine().Shutdown()
		f.Settle()
		if failed != engine.ErrClosing {
			t.Errorf("failed with %v", failed)
		}
	})
}
