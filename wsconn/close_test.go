package wsconn_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// TestCloseWith waits for the peer's close frame, and discards what he sent
// before he saw ours.
func TestCloseWith(t *testing.T) {
	for _, v := range []struct {
		name, in string
		err      error
		end      string
		sent     string
		state    ws.State
	}{
		{"answered", "x=1000", nil, "closed 1000", "x=1000,bye", ws.StateFinished},
		{"another code", "x=3001,why_not", nil, "closed 3001 why not", "x=1000,bye", ws.StateFinished},
		{"no code", "x", nil, "closed 1005", "x=1000,bye", ws.StateFinished},
		{"data before it", "t=drop b+=x p c=y o t+= x=1000", nil, "closed 1000", "x=1000,bye", ws.StateFinished},
		{"end of the stream", "t=drop", wsconn.ErrAbnormal, "wsconn: stream ended without a close frame", "x=1000,bye", ws.StateClosed},
		{"a rule broken", "t=drop c=x", ws.ErrContinuation, "ws: continuation of no message", "x=1000,bye", ws.StateFailed},
	} {
		for _, r := range roles {
			in := frames(peerOf(r.role), v.in)
			for _, way := range splittest.Ways(len(in)) {
				c := newConn(t, r.role, 0, 0)
				w := &wire{in: in, ends: way.Ends}
				must(t, c.Reset(w, nil))
				err := c.CloseWith(1000, "bye")
				_, end := c.Next()
				if err != v.err || outcome(end) != v.end || script(r.role, w.out.Bytes()) != v.sent || c.State() != v.state {
					t.Errorf("%s, %s, %s: %v, %v, sent %s, %v", r.name, v.name, way.Name, err, end, script(r.role, w.out.Bytes()), c.State())
				}
				if err := c.CloseWith(1000, ""); err != v.err || w.out.Len() != len(w.out.Bytes()) {
					t.Errorf("%s, %s: again %v", r.name, v.name, err)
				}
			}
		}
	}
}

// TestCloseWithinMessage drops the rest of a message that is half read.
func TestCloseWithinMessage(t *testing.T) {
	in := frames(ws.RoleClient, "t+=one c+=two p c=three b=four x=1000")
	for n := range 12 {
		for _, packed := range []bool{false, true} {
			c := newConn(t, ws.RoleServer, 0, 0)
			in := in
			if packed {
				c = newConn(t, ws.RoleServer, 0, 0, squeezed)
				in = frames(ws.RoleClient, `tz+=\x14 c+=a\x00 c= x=1000`)
			}
			must(t, c.Reset(&wire{in: in, size: byOne}, nil))
			_, err := c.Next()
			must(t, err)
			if n > 0 {
				_, err := io.ReadFull(c, make([]byte, n))
				if err != nil && err != io.ErrUnexpectedEOF {
					t.Fatal(err)
				}
			}
			must(t, c.StartClose(1000, ""))
			if k, err := c.Read(make([]byte, 5)); k != 0 || outcome(err) != "closed 1000" {
				t.Errorf("behind %d bytes: %d, %v", n, k, err)
			}
		}
	}
}

// TestReason cuts a reason that is too long, between characters, and sends none
// without a code.
func TestReason(t *testing.T) {
	for _, v := range []struct {
		code         ws.Code
		reason, sent string
	}{
		{1000, "", "x=1000"},
		{4999, "why", "x=4999,why"},
		{1000, long, "x=1000," + long[:123]},
		{1000, long[:122] + "é", "x=1000," + long[:122]},
		{ws.CodeNoStatus, "not sent", "x"},
	} {
		for _, r := range roles {
			c := newConn(t, r.role, 0, 0)
			w := &wire{}
			must(t, c.Reset(w, nil))
			must(t, c.StartClose(v.code, v.reason))
			if got := script(r.role, w.out.Bytes()); got != v.sent {
				t.Errorf("%d %q: sent %s", v.code, v.reason, got)
			}
		}
	}
}

// TestBothClose has both ends close at once, with a reader beside or without.
func TestBothClose(t *testing.T) {
	for range 50 {
		for _, reads := range []bool{false, true} {
			a, b := pipetest.Of(1000, 3)
			p := newPair(t, a, b, 0, 0)
			errs := make(chan error, 4)
			for i, e := range p.ends() {
				if reads {
					go func() {
						_, err := e[0].Next()
						var closed *wsconn.CloseError
						if !errors.As(err, &closed) || closed.Code != ws.Code(4001-i) && closed.Code != ws.Code(4000+i) {
							errs <- err
							return
						}
						errs <- nil
					}()
				}
				go func() { errs <- e[0].CloseWith(ws.Code(4000+i), "") }()
			}
			n := 2
			if reads {
				n = 4
			}
			for range n {
				if err := <-errs; err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestCloseBesideReader closes while another goroutine waits for a message, or
// for the rest of one.
func TestCloseBesideReader(t *testing.T) {
	for _, within := range []bool{false, true} {
		for _, pipe := range pipetest.Pipes() {
			a, b := pipe.Open(1)
			p := newPair(t, a, b, 0, 0)
			waits := make(chan struct{})
			done := make(chan error)
			go func() {
				if within {
					if _, err := p.server.Next(); err != nil {
						t.Error(err)
					}
					io.ReadFull(p.server, make([]byte, 4))
				}
				close(waits)
				var err error
				if within {
					_, err = p.server.Read(make([]byte, 1))
				} else {
					_, err = p.server.Next()
				}
				done <- err
			}()
			m, err := p.client.Begin(ws.OpText)
			must(t, err)
			if within {
				_, err = m.WriteString("half")
				must(t, err)
				must(t, m.Flush())
			}
			<-waits
			go func() {
				_, err := p.client.Next()
				m.Close()
				done <- err
			}()
			if err := p.server.CloseWith(4000, "enough"); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := <-done; outcome(err) != "closed 4000" && outcome(err) != "closed 4000 enough" {
					t.Error(err)
				}
			}
			p.close()
		}
	}
}

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := wsconn.ErrAbnormal; e <= wsconn.ErrTruncated; e++ {
		if !strings.HasPrefix(e.Error(), "wsconn: ") || seen[e.Error()] || strings.Contains(e.Error(), "unknown") {
			t.Errorf("%d is %q", e, e.Error())
		}
		seen[e.Error()] = true
		if c := e.Code(); !c.MayBeSent() && c != ws.CodeAbnormal || wsconn.CodeOf(e) != c {
			t.Errorf("%v: code %d", e, c)
		}
	}
	for _, e := range []wsconn.Error{0, 200} {
		if e.Error() != "wsconn: unknown error" || e.Code() != ws.CodeInternalError {
			t.Errorf("%d: %q %d", e, e.Error(), e.Code())
		}
	}
	for _, v := range []struct {
		e    *wsconn.CloseError
		text string
	}{
		{&wsconn.CloseError{Code: 1000}, "wsconn: peer has closed: 1000 normal closure"},
		{&wsconn.CloseError{Code: 4321, Reason: []byte("é\x00\n\x7fx")}, "wsconn: peer has closed: 4321 of the program: é???x"},
	} {
		if v.e.Error() != v.text || wsconn.CodeOf(v.e) != v.e.Code {
			t.Errorf("%q, %d", v.e.Error(), wsconn.CodeOf(v.e))
		}
	}
	for err, code := range map[error]ws.Code{io.EOF: 1006, errRead: 1006, ws.ErrUTF8: 1007, wsconn.ErrTooLong: 1009} {
		if c := wsconn.CodeOf(err); c != code {
			t.Errorf("%v: %d", err, c)
		}
	}
}

func TestNew(t *testing.T) {
	for _, v := range []struct {
		name string
		c    wsconn.Config
		err  error
	}{
		{"least", wsconn.Config{In: make([]byte, wsconn.MinIn), Out: make([]byte, wsconn.MinOut)}, nil},
		{"small In", wsconn.Config{In: make([]byte, wsconn.MinIn-1), Out: make([]byte, wsconn.MinOut)}, wsconn.ErrBuffer},
		{"small Out", wsconn.Config{In: make([]byte, wsconn.MinIn), Out: make([]byte, wsconn.MinOut-1)}, wsconn.ErrBuffer},
		{"client without entropy", wsconn.Config{Role: ws.RoleClient, In: make([]byte, wsconn.MinIn), Out: make([]byte, wsconn.MinOut)}, wsconn.ErrRand},
		{"no role", wsconn.Config{Role: 2, In: make([]byte, wsconn.MinIn), Out: make([]byte, wsconn.MinOut)}, wsconn.ErrConfig},
		{"fragments of less than nothing", wsconn.Config{Fragment: -1, In: make([]byte, wsconn.MinIn), Out: make([]byte, wsconn.MinOut)}, wsconn.ErrConfig},
	} {
		c, err := wsconn.New(v.c)
		if err != v.err || (c == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", v.name, c, err)
		}
	}
}

// TestSize holds a Conn to what the documentation says of it.
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(wsconn.Conn{}); n >= 1024 {
		t.Errorf("a Conn has %d bytes", n)
	}
}

// TestReset begins anew wherever the connection was, as if nothing had been.
func TestReset(t *testing.T) {
	for _, v := range []struct {
		name string
		do   func(c *wsconn.Conn)
	}{
		{"fresh", func(c *wsconn.Conn) {}},
		{"within a message that is read", func(c *wsconn.Conn) { c.Next(); c.Read(make([]byte, 1)) }},
		{"within a message that is sent", func(c *wsconn.Conn) {
			m, _ := c.Begin(ws.OpText)
			m.WriteString("xyz")
			m.Flush()
			m.WriteString("xyz")
			c.StartClose(1000, "")
			m.Close()
		}},
		{"within a message that is left behind", func(c *wsconn.Conn) {
			m, _ := c.Begin(ws.OpText)
			m.WriteString("xyz")
			m.Flush()
			m.WriteString("xyz")
		}},
		{"at the end", func(c *wsconn.Conn) { readers[0].do(c) }},
		{"failed", func(c *wsconn.Conn) { c.ReadMessage(nil) }},
		{"released", func(c *wsconn.Conn) { c.Release() }},
	} {
		for _, packed := range []bool{false, true} {
			for _, r := range roles {
				c := newConn(t, r.role, 0, 0, func(c *wsconn.Config) {
					if packed {
						squeezed(c)
					}
				})
				in := "t+=hello c=x p x=1000"
				if packed {
					in = `tz+=\x05a c=\x00 p x=1000`
				}
				must(t, c.Reset(&wire{in: frames(peerOf(r.role), in), size: byOne}, nil))
				v.do(c)
				w := &wire{in: frames(peerOf(r.role), "t=first p x=1001")}
				must(t, c.Reset(w, nil))
				if !c.IsOpen() || c.State() != ws.StateOpen {
					t.Errorf("%s: not open", v.name)
				}
				m, err := c.Begin(ws.OpBinary)
				must(t, err)
				_, err = m.WriteString("ab")
				must(t, err)
				must(t, m.Close())
				got, err := readers[0].do(c)
				if strings.Join(got, " ") != "t=first" || outcome(err) != "closed 1001" {
					t.Errorf("%s: %q, %v", v.name, got, err)
				}
				if got := script(r.role, w.out.Bytes()); !packed && got != "b=ab o x=1001" {
					t.Errorf("%s: sent %s", v.name, got)
				}
			}
		}
	}
}
