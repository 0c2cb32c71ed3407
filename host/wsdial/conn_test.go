package wsdial_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

var _ net.Conn = wsdial.NetConn(nil, ws.OpText)

// TestMessages sends messages of all sizes, whole and in pieces, and reads
// them whole and in pieces.
func TestMessages(t *testing.T) {
	c := dial(t, serve(t, echo), wsdial.Config{})
	for _, n := range []int{0, 1, 125, 126, 4000, 4096, 65535, 65536, 1 << 20, 3<<20 + 1, 10} {
		text := strings.Repeat("0123456789abcdef", n/16+1)[:n]
		for _, op := range []ws.Opcode{ws.OpText, ws.OpBinary} {
			// The echo comes while the message is sent: somebody must read it.
			sent := make(chan error, 1)
			go func() { sent <- c.WriteMessage(op, []byte(text)) }()
			if got, p, err := c.Receive(); err != nil || got != op || string(p) != text {
				t.Fatalf("%d bytes: %v, %d bytes, %v", n, got, len(p), err)
			}
			if err := within(t, sent, "sent"); err != nil {
				t.Fatal(err)
			}
			go func() {
				w, err := c.Begin(op)
				if err == nil {
					_, err = io.Copy(w, strings.NewReader(text))
				}
				if err == nil {
					err = w.Close()
				}
				sent <- err
			}()
			got, err := c.Next()
			if err != nil || got != op {
				t.Fatal(got, err)
			}
			p, err := io.ReadAll(c)
			if err != nil || string(p) != text {
				t.Fatalf("%d bytes in pieces: %d bytes, %v", n, len(p), err)
			}
			if err := within(t, sent, "sent"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := c.CloseNow(); err != net.ErrClosed {
		t.Errorf("and again: %v", err)
	}
	if err := c.WriteText("late"); err == nil {
		t.Error("sent after the end")
	}
	if _, _, err := c.Receive(); err == nil {
		t.Error("received after the end")
	}
}

// TestLimits has messages come that are too long.
func TestLimits(t *testing.T) {
	for _, v := range []struct {
		name   string
		config wsdial.Config
		n      int
		want   error
	}{
		{"message", wsdial.Config{MaxMessage: 999}, 1000, ws.ErrMessageTooBig},
		{"message that fits", wsdial.Config{MaxMessage: 1000}, 1000, nil},
		{"frame", wsdial.Config{MaxFrame: 999}, 1000, ws.ErrFrameTooBig},
		{"default", wsdial.Config{}, 32<<20 + 1, ws.ErrMessageTooBig},
		{"default that fits", wsdial.Config{}, 32 << 20, nil},
	} {
		t.Run(v.name, func(t *testing.T) {
			told := make(chan error, 1)
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				s, c := upgrade(w, r, answer{})
				defer c.Close()
				s.WriteMessage(ws.OpBinary, make([]byte, v.n)) // all of it, before it reads
				_, err := s.Next()
				told <- err
			})
			c := dial(t, base, v.config)
			_, p, err := c.Receive()
			if !errors.Is(err, v.want) || v.want == nil && len(p) != v.n {
				t.Errorf("%d bytes, %v, want %v", len(p), err, v.want)
			}
			c.Close()
			if v.want == nil {
				<-told
				return
			}
			var closed *wsconn.CloseError
			if err := within(t, told, "the server"); !errors.As(err, &closed) || closed.Code != ws.CodeTooBig {
				t.Errorf("the server was told %v", err)
			}
		})
	}
}

// TestClose ends connections in every way.
func TestClose(t *testing.T) {
	told := make(chan error, 1)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		s, c := upgrade(w, r, answer{})
		defer c.Close()
		if r.URL.Path == "/bye" {
			told <- s.CloseWith(4000, "bye")
			return
		}
		told <- echoOn(s)
	})
	t.Run("by us", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		if err := c.CloseWith(4001, "enough"); err != nil {
			t.Error(err)
		}
		var closed *wsconn.CloseError
		if err := within(t, told, "the server"); !errors.As(err, &closed) || closed.Code != 4001 || string(closed.Reason) != "enough" {
			t.Errorf("the server was told %v", err)
		}
	})
	t.Run("by us, while another reads", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		read := make(chan error, 1)
		go func() {
			_, _, err := c.Receive()
			read <- err
		}()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		var closed *wsconn.CloseError
		if err := within(t, read, "the reader"); !errors.As(err, &closed) || closed.Code != ws.CodeNormal {
			t.Errorf("the reader was told %v", err)
		}
		within(t, told, "the server")
	})
	t.Run("by many", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		var g sync.WaitGroup
		for range 8 {
			g.Go(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		within(t, told, "the server")
	})
	t.Run("by the server", func(t *testing.T) {
		c := dial(t, base+"bye", wsdial.Config{})
		_, _, err := c.Receive()
		var closed *wsconn.CloseError
		if !errors.As(err, &closed) || closed.Code != 4000 || string(closed.Reason) != "bye" {
			t.Errorf("%v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := within(t, told, "the server"); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	t.Run("with a code that may not be sent", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		if err := c.CloseWith(ws.CodeAbnormal, ""); !errors.Is(err, wsconn.ErrCode) {
			t.Error(err)
		}
		if err := within(t, told, "the server"); !errors.Is(err, wsconn.ErrAbnormal) {
			t.Errorf("the server was told %v", err)
		}
	})
	t.Run("after a rule was broken", func(t *testing.T) {
		sent := make(chan error, 1)
		config := wsdial.Config{Proxy: wsdial.Direct, Connect: pipe(t, shake(func(c net.Conn, in *bufio.Reader) {
			c.Write(ws.AppendFrame(nil, ws.Header{Op: ws.OpText, Fin: true, Masked: true}, []byte("x")))
			in.ReadByte()
			_, err := c.Write(make([]byte, 1000)) // which nobody reads who has closed his end
			sent <- err
		}))}
		c := dial(t, "ws://a.test/", config)
		if _, _, err := c.Receive(); err != ws.ErrMasked {
			t.Error(err)
		}
		if err := c.Close(); err != ws.ErrMasked {
			t.Error(err)
		}
		if err := within(t, sent, "the peer"); err != nil {
			t.Errorf("the peer: %v", err)
		}
	})
	t.Run("at once", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		read := make(chan error, 1)
		go func() {
			_, _, err := c.Receive()
			read <- err
		}()
		if err := c.CloseNow(); err != nil {
			t.Error(err)
		}
		if err := within(t, read, "the reader"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the reader was told %v", err)
		}
		if err := within(t, told, "the server"); !errors.Is(err, wsconn.ErrAbnormal) {
			t.Errorf("the server was told %v", err)
		}
	})
	t.Run("by a context", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		defer context.AfterFunc(ctx, func() { c.CloseNow() })()
		cancel()
		if _, _, err := c.Receive(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		within(t, told, "the server")
	})
	t.Run("after a deadline", func(t *testing.T) {
		c := dial(t, base, wsdial.Config{})
		c.SetReadDeadline(time.Now())
		if _, _, err := c.Receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		c.CloseNow()
		within(t, told, "the server")
	})
}

// shake is a script for a pipe: the server's handshake, then f.
func shake(f func(c net.Conn, in *bufio.Reader)) func(c net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
			string(ws.AppendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key"))))+"\r\n\r\n")
		f(c, in)
	}
}

// TestCloseTime wants CloseWith to end in time, whatever the peer does.
func TestCloseTime(t *testing.T) {
	closeFrame := ws.AppendFrame(nil, ws.Header{Op: ws.OpClose, Fin: true}, []byte("\x03\xe8"))
	for _, v := range []struct {
		name   string
		config wsdial.Config
		peer   func(c net.Conn, in *bufio.Reader)
		after  time.Duration
		want   error
	}{
		{"silent", wsdial.Config{}, func(c net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) }, 5 * time.Second, wsdial.ErrCloseTimeout},
		{"deaf", wsdial.Config{}, func(c net.Conn, in *bufio.Reader) { <-time.After(time.Hour) }, 5 * time.Second, wsdial.ErrCloseTimeout},
		{"as configured", wsdial.Config{Close: time.Minute}, func(c net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) }, time.Minute, wsdial.ErrCloseTimeout},
		{"in order, but stays", wsdial.Config{}, func(c net.Conn, in *bufio.Reader) { in.ReadByte(); c.Write(closeFrame); io.Copy(io.Discard, in) }, time.Second, nil},
		{"in order", wsdial.Config{}, func(c net.Conn, in *bufio.Reader) { in.ReadByte(); c.Write(closeFrame) }, 0, nil},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v.config.Proxy, v.config.Connect = wsdial.Direct, pipe(t, shake(v.peer))
				c, err := wsdial.Dial(t.Context(), "ws://a.test/", v.config)
				if err != nil {
					t.Fatal(err)
				}
				before := time.Now()
				err = c.Close()
				if took := time.Since(before); !errors.Is(err, v.want) || took != v.after {
					t.Errorf("%v after %v, want %v after %v", err, took, v.want, v.after)
				}
			})
		})
	}
}

// TestPing keeps connections alive, and ends those that are dead.
func TestPing(t *testing.T) {
	dialPipe := func(t *testing.T, c wsdial.Config, peer func(s *wsconn.Conn, c net.Conn)) *wsdial.Conn {
		t.Helper()
		c.Proxy = wsdial.Direct
		c.Connect = pipe(t, shake(func(c net.Conn, in *bufio.Reader) {
			s, err := wsconn.New(wsconn.Config{Role: ws.RoleServer, In: make([]byte, 4096), Out: make([]byte, 4096)})
			if err == nil {
				err = s.Reset(c, nil)
			}
			if err != nil {
				t.Error(err)
				return
			}
			peer(s, c)
		}))
		conn, err := wsdial.Dial(t.Context(), "ws://a.test/", c)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	t.Run("answered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pongs := 0
			c := dialPipe(t, wsdial.Config{PingEvery: 10 * time.Second, Pong: func([]byte) { pongs++ }}, func(s *wsconn.Conn, _ net.Conn) { echoOn(s) })
			time.AfterFunc(time.Hour, func() { c.CloseNow() })
			if _, _, err := c.Receive(); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if pongs < 300 || pongs > 361 {
				t.Errorf("%d pongs in an hour", pongs)
			}
		})
	})
	t.Run("not needed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pongs := 0
			c := dialPipe(t, wsdial.Config{PingEvery: 10 * time.Second, Pong: func([]byte) { pongs++ }}, func(s *wsconn.Conn, _ net.Conn) {
				for range 100 {
					time.Sleep(5 * time.Second)
					s.WriteText("here I am")
				}
			})
			for {
				if _, _, err := c.Receive(); err != nil {
					break
				}
			}
			if pongs != 0 {
				t.Errorf("%d pongs", pongs)
			}
			c.CloseNow()
		})
	})
	t.Run("not answered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			before := time.Now()
			c := dialPipe(t, wsdial.Config{PingEvery: 10 * time.Second, PongWithin: 3 * time.Second}, func(_ *wsconn.Conn, c net.Conn) { io.Copy(io.Discard, c) })
			_, _, err := c.Receive()
			if took := time.Since(before); !errors.Is(err, wsdial.ErrUnanswered) || took != 13*time.Second {
				t.Errorf("%v after %v", err, took)
			}
			var n net.Error
			if !errors.As(err, &n) || !n.Timeout() {
				t.Errorf("%v is no timeout", err)
			}
			c.CloseNow()
		})
	})
	t.Run("not even taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			before := time.Now()
			c := dialPipe(t, wsdial.Config{PingEvery: 10 * time.Second}, func(_ *wsconn.Conn, c net.Conn) { <-t.Context().Done() })
			_, _, err := c.Receive()
			if took := time.Since(before); !errors.Is(err, wsdial.ErrUnanswered) || took != 20*time.Second {
				t.Errorf("%v after %v", err, took)
			}
			c.CloseNow()
		})
	})
	t.Run("nobody reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := dialPipe(t, wsdial.Config{PingEvery: 10 * time.Second}, func(_ *wsconn.Conn, c net.Conn) { io.Copy(io.Discard, c) })
			time.Sleep(time.Hour + time.Second)
			if err := c.WriteText("still here"); err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			_, _, err := c.Receive()
			if took := time.Since(before); !errors.Is(err, wsdial.ErrUnanswered) || took < 10*time.Second || took > 20*time.Second {
				t.Errorf("%v after %v", err, took)
			}
			c.CloseNow()
		})
	})
	t.Run("waiting for a frame", func(t *testing.T) {
		// The peer takes nothing, but talks. The ping that waits for the frame
		// under way must be the only one: another would wait for a lock, for
		// which synctest's clock stands still.
		synctest.Test(t, func(t *testing.T) {
			c := dialPipe(t, wsdial.Config{PingEvery: 10 * time.Second}, func(s *wsconn.Conn, _ net.Conn) {
				for s.WriteText("here I am") == nil {
					time.Sleep(15 * time.Second)
				}
			})
			time.AfterFunc(time.Hour, func() { c.CloseNow() })
			for {
				if _, _, err := c.Receive(); err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Error(err)
					}
					break
				}
			}
		})
	})
	t.Run("by hand", func(t *testing.T) {
		got := make(chan string, 2)
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			s, c := upgrade(w, r, answer{})
			defer c.Close()
			s.Ping([]byte("theirs"))
			echoOn(s)
		})
		c := dial(t, base, wsdial.Config{
			Ping: func(p []byte) { got <- "ping " + string(p) },
			Pong: func(p []byte) { got <- "pong " + string(p) },
		})
		if err := c.Ping([]byte("ours")); err != nil {
			t.Error(err)
		}
		wantEcho(t, c, "x")
		if a, b := <-got, <-got; a != "ping theirs" || b != "pong ours" {
			t.Errorf("%q, %q", a, b)
		}
	})
}

// TestNetConn uses a connection as a stream.
func TestNetConn(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		s, c := upgrade(w, r, answer{})
		defer c.Close()
		switch r.URL.Path {
		case "/text":
			s.WriteText("x")
			s.CloseWith(ws.CodeNormal, "")
		case "/end":
			for _, p := range []string{"a", "", "bc"} {
				s.WriteMessage(ws.OpBinary, []byte(p))
			}
			s.CloseWith(ws.CodeNormal, "")
		case "/bad":
			s.CloseWith(ws.CodeInternalError, "")
		default:
			echoOn(s)
		}
	})
	t.Run("both ways", func(t *testing.T) {
		c := wsdial.NetConn(dial(t, base, wsdial.Config{}), ws.OpBinary)
		const n = 3 << 20
		go func() {
			for range n / 1024 {
				if m, err := c.Write(make([]byte, 1024)); m != 1024 || err != nil {
					t.Errorf("%d, %v", m, err)
					return
				}
			}
		}()
		if got, err := io.Copy(io.Discard, io.LimitReader(c, n)); got != n || err != nil {
			t.Errorf("%d bytes, %v", got, err)
		}
		if m, err := c.Write(nil); m != 0 || err != nil {
			t.Errorf("nothing: %d, %v", m, err)
		}
		if m, err := c.Read(nil); m != 0 || err != nil {
			t.Errorf("nothing: %d, %v", m, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("to the end", func(t *testing.T) {
		c := wsdial.NetConn(dial(t, base+"end", wsdial.Config{}), ws.OpBinary)
		var b strings.Builder
		if _, err := io.Copy(&b, c); err != nil || b.String() != "abc" {
			t.Errorf("%q, %v", b.String(), err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("again: %d, %v", n, err)
		}
		c.Close()
	})
	t.Run("to another end", func(t *testing.T) {
		c := wsdial.NetConn(dial(t, base+"bad", wsdial.Config{}), ws.OpBinary)
		var closed *wsconn.CloseError
		if _, err := io.Copy(io.Discard, c); !errors.As(err, &closed) || closed.Code != ws.CodeInternalError {
			t.Errorf("%v", err)
		}
		c.Close()
	})
	t.Run("another kind", func(t *testing.T) {
		c := wsdial.NetConn(dial(t, base+"text", wsdial.Config{}), ws.OpBinary)
		for range 2 { // the peer has answered 1000, which is no end of a stream here
			if n, err := c.Read(make([]byte, 10)); n != 0 || err != wsdial.ErrWrongKind {
				t.Errorf("%d, %v", n, err)
			}
		}
		c.Close()
	})
	t.Run("HTTP over it", func(t *testing.T) {
		// A listener whose one connection is the server's end of a WebSocket.
		inner := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.URL.Path) })}
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			s, c := upgrade(w, r, answer{})
			l := &once{c: &served{Conn: c, s: s}, closed: make(chan bool)}
			inner.Serve(l)
		})
		client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := wsdial.Dial(ctx, base, wsdial.Config{})
			if err != nil {
				return nil, err
			}
			return wsdial.NetConn(c, ws.OpBinary), nil
		}}}
		for range 3 {
			r, err := client.Get("http://inner.test/x")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r.Body); err != nil || string(b) != "hello /x" {
				t.Errorf("%q, %v", b, err)
			}
			r.Body.Close()
		}
		client.CloseIdleConnections()
		inner.Close()
	})
}

// once is a listener with one connection.
type once struct {
	c      net.Conn
	given  bool
	closed chan bool
	over   sync.Once
}

func (l *once) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return l.c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *once) Close() error   { l.over.Do(func() { close(l.closed) }); return nil }
func (l *once) Addr() net.Addr { return l.c.LocalAddr() }

// served is the stream of a server's end.
type served struct {
	net.Conn
	s  *wsconn.Conn
	in bool
}

func (c *served) Read(p []byte) (int, error) {
	for {
		if !c.in {
			if _, err := c.s.Next(); err != nil {
				return 0, err
			}
			c.in = true
		}
		n, err := c.s.Read(p)
		if err != io.EOF {
			return n, err
		}
		c.in = false
	}
}

func (c *served) Write(p []byte) (int, error) { return len(p), c.s.WriteMessage(ws.OpBinary, p) }
