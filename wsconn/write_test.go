package wsconn_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// TestVectors are the examples of RFC 6455 section 5.7, sent. The key of the
// masked one is given.
func TestVectors(t *testing.T) {
	big := strings.Repeat("x", 256)
	huge := strings.Repeat("x", 65536)
	for _, v := range []struct {
		name string
		role ws.Role
		do   func(c *wsconn.Conn) error
		want string
	}{
		{"unmasked text", ws.RoleServer, func(c *wsconn.Conn) error { return c.WriteText("Hello") }, "\x81\x05Hello"},
		{"masked text", ws.RoleClient, func(c *wsconn.Conn) error { return c.WriteText("Hello") }, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"fragments", ws.RoleServer, func(c *wsconn.Conn) error {
			w, err := c.Begin(ws.OpText)
			_, e1 := w.WriteString("Hel")
			e2 := w.Flush()
			_, e3 := w.WriteString("lo")
			return errors.Join(err, e1, e2, e3, w.Close())
		}, "\x01\x03Hel\x80\x02lo"},
		{"ping", ws.RoleServer, func(c *wsconn.Conn) error { return c.Ping([]byte("Hello")) }, "\x89\x05Hello"},
		{"masked pong", ws.RoleClient, func(c *wsconn.Conn) error { return c.Pong([]byte("Hello")) }, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"256 bytes", ws.RoleServer, func(c *wsconn.Conn) error { return c.WriteMessage(ws.OpBinary, []byte(big)) }, "\x82\x7e\x01\x00" + big},
		{"64 KB", ws.RoleServer, func(c *wsconn.Conn) error { return c.WriteMessage(ws.OpBinary, []byte(huge)) }, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + huge},
	} {
		c := newConn(t, v.role, 0, 1024, func(c *wsconn.Config) {
			if v.role == ws.RoleClient {
				c.Rand = strings.NewReader("\x37\xfa\x21\x3d" + big)
			}
		})
		w := &wire{}
		must(t, c.Reset(w, nil))
		if err := v.do(c); err != nil || w.out.String() != v.want {
			t.Errorf("%s: %v, %q", v.name, err, w.out.String())
		}
	}
}

// TestWriting sends messages of all lengths, whole and in pieces, through
// buffers of several sizes. They come out whole, in frames that are not longer
// than they may be, and each key serves once.
func TestWriting(t *testing.T) {
	content := make([]byte, 70000)
	new(counter).Read(content)
	for _, r := range roles {
		for _, size := range []int{0, wsconn.MinOut + 1, 512, 4096} {
			for _, fragment := range []int{1, 2, 16, 125, 300, 0} {
				c := newConn(t, r.role, 0, size, func(c *wsconn.Config) { c.Fragment = fragment })
				for _, n := range []int{0, 1, 15, 16, 17, 32, 33, 125, 126, 127, 337, 338, 339, 400, 3951, 3952, 4000, 65535, 65536, 70000} {
					if fragment != 0 && n > 1000*fragment {
						continue
					}
					msg := content[:n]
					for name, write := range map[string]func() error{
						"whole": func() error { return c.WriteMessage(ws.OpBinary, msg) },
						"in one piece": func() error {
							return streamed(c, ws.OpBinary, func(w *wsconn.Writer) error { _, err := w.Write(msg); return err })
						},
						"in pieces of 100": func() error {
							return streamed(c, ws.OpBinary, func(w *wsconn.Writer) error {
								for rest := msg; len(rest) > 0; {
									k := min(len(rest), 100)
									if n, err := w.Write(rest[:k]); n != k || err != nil {
										return err
									}
									rest = rest[k:]
								}
								return nil
							})
						},
						"copied": func() error {
							return streamed(c, ws.OpBinary, func(w *wsconn.Writer) error {
								n, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(msg)})
								if n != int64(len(msg)) {
									t.Error("ReadFrom miscounts")
								}
								return err
							})
						},
					} {
						w := &wire{}
						must(t, c.Reset(w, nil))
						if err := write(); err != nil {
							t.Fatal(err)
						}
						got, ok := unfragmented(r.role, w.out.Bytes(), fragment)
						if !ok || !bytes.Equal(got, msg) {
							t.Fatalf("%s, buffer of %d, fragments of %d, %d bytes %s: %d bytes come, all well: %v", r.name, size, fragment, n, name, len(got), ok)
						}
						if fragment == 0 && n+wsconn.MinOut <= size && w.writes != 1 {
							t.Errorf("%s, buffer of %d, %d bytes %s: %d calls of the stream", r.name, size, n, name, w.writes)
						}
					}
				}
			}
		}
	}
}

func streamed(c *wsconn.Conn, op ws.Opcode, f func(w *wsconn.Writer) error) error {
	w, err := c.Begin(op)
	if err != nil {
		return err
	}
	if err := f(w); err != nil {
		return err
	}
	return w.Close()
}

// unfragmented is the one message that frames are. ok is false if they are no
// message, or longer than most, or two have one key.
func unfragmented(from ws.Role, b []byte, most int) (msg []byte, ok bool) {
	keys := map[ws.Key]bool{}
	for first := true; ; first = false {
		h, n, err := ws.ParseHeader(b)
		if err != nil || n == 0 || uint64(len(b)-n) < h.Length || most > 0 && h.Length > uint64(most) ||
			(h.Op == ws.OpContinuation) == first || h.Masked != (from == ws.RoleClient) || h.Masked && keys[h.Key] && len(keys) < 16 {
			return msg, false
		}
		keys[h.Key] = true
		payload := b[n : n+int(h.Length)]
		if h.Masked {
			ws.Mask(payload, h.Key)
		}
		msg = append(msg, payload...)
		b = b[n+int(h.Length):]
		if h.Fin {
			return msg, len(b) == 0
		}
	}
}

// TestControlBetweenFrames answers a ping in the midst of a message that is
// being sent, and lets pings and the close frame pass.
func TestControlBetweenFrames(t *testing.T) {
	for _, r := range roles {
		c := newConn(t, r.role, 0, 0)
		w := &wire{in: frames(peerOf(r.role), "p=1 t=m x=1000")}
		must(t, c.Reset(w, nil))
		m, err := c.Begin(ws.OpText)
		must(t, err)
		write := func(s string) {
			_, err := m.WriteString(s)
			must(t, err)
		}
		write("a")
		must(t, m.Flush())
		_, err = c.Next()
		must(t, err)
		write("b")
		must(t, c.Ping([]byte("2")))
		must(t, m.Flush())
		must(t, m.Flush()) // nothing to send
		must(t, c.Pong(nil))
		must(t, c.StartClose(1001, "bye"))
		if _, err := m.WriteString("gathered, not sent"); err != wsconn.ErrClosed && err != nil {
			t.Error(err)
		}
		for i, err := range []error{m.Flush(), m.Close(), c.WriteText(""), c.Ping(nil), c.StartClose(1000, "")} {
			if err != wsconn.ErrClosed {
				t.Errorf("%s: call %d behind our close frame: %v", r.name, i, err)
			}
		}
		if c.IsOpen() || c.State() != ws.StateCloseSent {
			t.Errorf("%s: open, or in %v", r.name, c.State())
		}
		if err := c.CloseWith(1000, ""); err != nil {
			t.Error(err)
		}
		if got := script(r.role, w.out.Bytes()); got != "t+=a o=1 p=2 c+=b o x=1001,bye" {
			t.Errorf("%s: sent %s", r.name, got)
		}
	}
}

// TestWriterOrder refuses what has no place.
func TestWriterOrder(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0)
	w := &wire{}
	must(t, c.Reset(w, nil))
	for _, op := range []ws.Opcode{ws.OpContinuation, ws.OpClose, ws.OpPing, 3} {
		if _, err := c.Begin(op); err != wsconn.ErrOpcode {
			t.Errorf("Begin(%d): %v", op, err)
		}
		if err := c.WriteMessage(op, nil); err != wsconn.ErrOpcode {
			t.Errorf("WriteMessage(%d): %v", op, err)
		}
	}
	if err := c.Ping(make([]byte, 126)); err != wsconn.ErrControl {
		t.Error(err)
	}
	for _, code := range []ws.Code{0, 999, 1004, 1006, 1015, 1016, 2999, 5000} {
		if err := c.StartClose(code, ""); err != wsconn.ErrCode {
			t.Errorf("%d: %v", code, err)
		}
		if err := c.CloseWith(code, ""); err != wsconn.ErrCode {
			t.Errorf("%d: %v", code, err)
		}
	}
	m, err := c.Begin(ws.OpText)
	must(t, err)
	must(t, m.Close())
	_, errWrite := m.Write([]byte("x"))
	_, errCopy := m.ReadFrom(strings.NewReader("x"))
	for i, err := range []error{errWrite, errCopy, m.Flush(), m.Close()} {
		if err != wsconn.ErrOrder {
			t.Errorf("call %d behind Close: %v", i, err)
		}
	}
	must(t, c.WriteText("whole"))
	if got := script(ws.RoleServer, w.out.Bytes()); got != "t t=whole" {
		t.Errorf("sent %s", got)
	}
}

// TestSourceFails tells of what a message cannot be copied from; the message
// may go on.
func TestSourceFails(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0)
	w := &wire{}
	must(t, c.Reset(w, nil))
	m, err := c.Begin(ws.OpText)
	must(t, err)
	if n, err := m.ReadFrom(io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(errRead))); n != 5 || err != errRead {
		t.Error(n, err)
	}
	if n, err := m.ReadFrom(nothing{}); n != 0 || err != io.ErrNoProgress {
		t.Error(n, err)
	}
	must(t, m.Close())
	if got := script(ws.RoleServer, w.out.Bytes()); got != "t=hello" {
		t.Errorf("sent %s", got)
	}
}

// TestTorn has the stream fail after each number of bytes: every call from then
// on says so, nothing more is sent, and what was is the beginning of what would
// have been.
func TestTorn(t *testing.T) {
	content := []byte(long)
	for _, r := range roles {
		c := newConn(t, r.role, 0, 0)
		var whole string
		for left := 1 << 20; left >= 0; left-- {
			// Keys come of the same beginning each time.
			c = newConn(t, r.role, 0, 0)
			w := &wire{fails: true, takes: left}
			must(t, c.Reset(w, nil))
			var failed bool
			for i, do := range []func() error{
				func() error { return c.WriteMessage(ws.OpBinary, content) },
				func() error { return c.Ping([]byte("ping")) },
				func() error {
					m, err := c.Begin(ws.OpText)
					if err != nil {
						return err
					}
					if _, err := io.Copy(m, strings.NewReader(long)); err != nil {
						if e := m.Close(); e != err {
							t.Fatalf("Close after %v: %v", err, e)
						}
						return err
					}
					return m.Close()
				},
				func() error { return c.StartClose(1000, "bye") },
			} {
				err := do()
				failed = failed || err != nil
				if failed && err != errWrite || c.IsOpen() == (failed || i == 3) {
					t.Fatalf("%s, %d bytes: call %d: %v", r.name, left, i, err)
				}
			}
			if whole == "" {
				whole = w.out.String()
				left = len(whole)
				continue
			}
			if !failed || w.out.String() != whole[:left] {
				t.Fatalf("%s, %d bytes: failed %v, sent %d", r.name, left, failed, w.out.Len())
			}
			if err := c.CloseWith(1000, ""); err != errWrite || c.State() != ws.StateClosed {
				t.Fatal(err, c.State())
			}
		}
	}
	c := newConn(t, ws.RoleServer, 0, 0, func(c *wsconn.Config) { c.Fragment = 100 })
	must(t, c.Reset(&wire{fails: true, takes: 150}, nil))
	if err := c.WriteText(long); err != errWrite {
		t.Errorf("in the second of three frames: %v", err)
	}
	must(t, c.Reset(nothing{}, nil))
	if err := c.WriteText("x"); err != io.ErrShortWrite {
		t.Errorf("a stream that takes nothing: %v", err)
	}
}

// TestReadBehindTorn reads what has come, although nothing can be sent.
func TestReadBehindTorn(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0)
	w := &wire{in: frames(ws.RoleClient, "p t=one p t=two x=1000"), fails: true}
	must(t, c.Reset(w, nil))
	if got, err := readers[0].do(c); len(got) != 2 || outcome(err) != "closed 1000" {
		t.Errorf("%q, %v", got, err)
	}
	if err := c.WriteText(""); err != errWrite {
		t.Error(err)
	}
}

// TestEntropy fails a client whose source of keys is dry, and refuses one
// without.
func TestEntropy(t *testing.T) {
	for _, v := range []struct {
		name string
		rand io.Reader
	}{
		{"ends", strings.NewReader(long[:70])},
		{"fails", io.MultiReader(strings.NewReader(long[:70]), iotest.ErrReader(errRead))},
		{"gives nothing", io.MultiReader(strings.NewReader(long[:64]), nothing{})},
	} {
		c := newConn(t, ws.RoleClient, 0, 0, func(c *wsconn.Config) { c.Rand = v.rand })
		w := &wire{in: frames(ws.RoleServer, "p=a t=m")}
		must(t, c.Reset(w, nil))
		for range 16 {
			must(t, c.Ping(nil))
		}
		for i, err := range []error{c.WriteText(""), c.Ping(nil), c.StartClose(1000, ""), c.CloseWith(1000, "")} {
			if err != wsconn.ErrRand {
				t.Errorf("%s: call %d: %v", v.name, i, err)
			}
		}
		if got := script(ws.RoleClient, w.out.Bytes()); got != strings.TrimSpace(strings.Repeat("p ", 16)) {
			t.Errorf("%s: sent %s", v.name, got)
		}
	}
	// In small pieces it serves as well.
	c := newConn(t, ws.RoleClient, 0, 0, func(c *wsconn.Config) { c.Rand = iotest.OneByteReader(new(counter)) })
	w := &wire{}
	must(t, c.Reset(w, nil))
	for range 40 {
		must(t, c.WriteText("a"))
	}
	keys := map[string]bool{}
	for b := w.out.Bytes(); len(b) > 0; b = b[7:] {
		keys[string(b[2:6])] = true
	}
	if len(keys) != 40 {
		t.Errorf("40 frames have %d keys", len(keys))
	}
}
