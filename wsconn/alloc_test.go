//go:build !race

package wsconn_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// again is a stream that sends the same bytes each time, by pieces, and drops
// what is sent to it.
type again struct {
	left string
	size int
	sent int
}

func (a *again) Read(p []byte) (int, error) {
	if a.left == "" {
		return 0, io.EOF
	}
	n := copy(p, a.left[:min(a.size, len(a.left))])
	a.left = a.left[n:]
	return n, nil
}

func (a *again) Write(p []byte) (int, error) {
	a.sent += len(p)
	return len(p), nil
}

// dropped takes what is written, and source gives so many bytes.
type dropped struct{ n int }

func (d *dropped) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }

type source struct{ left int }

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(s.left, len(p))
	s.left -= n
	return n, nil
}

// TestNoAllocs holds whole lives of connections to no allocation, by both
// measures.
func TestNoAllocs(t *testing.T) {
	buf := make([]byte, 1000)
	content := []byte(long + long)
	sink, src := &dropped{}, &source{}
	const script = "t=hello p=ping b+=x o c=y "
	for _, r := range roles {
		for _, v := range []struct {
			name string
			in   string
			do   func(c *wsconn.Conn) error
			want string
		}{
			{"read whole", script + "x=1000,bye", func(c *wsconn.Conn) error {
				for {
					if _, _, err := c.ReadMessage(buf); err != nil {
						return err
					}
				}
			}, "closed 1000 bye"},
			{"echo", script + "x=1000", func(c *wsconn.Conn) error {
				for {
					op, err := c.Next()
					if err != nil {
						return err
					}
					w, err := c.Begin(op)
					if err != nil {
						return err
					}
					if _, err := io.Copy(w, c); err != nil {
						return err
					}
					if err := w.Close(); err != nil {
						return err
					}
				}
			}, "closed 1000"},
			{"copy in and out, skip", script + script + "x=1000", func(c *wsconn.Conn) error {
				if _, err := c.Next(); err != nil {
					return err
				}
				if _, err := io.Copy(sink, c); err != nil {
					return err
				}
				w, err := c.Begin(ws.OpBinary)
				if err != nil {
					return err
				}
				src.left = 5000
				if _, err := io.Copy(w, src); err != nil {
					return err
				}
				if err := w.Close(); err != nil {
					return err
				}
				for {
					if _, err := c.Next(); err != nil {
						return err
					}
				}
			}, "closed 1000"},
			{"send", "x=1000", func(c *wsconn.Conn) error {
				for range 20 {
					if err := c.WriteText("hello"); err != nil {
						return err
					}
					if err := c.WriteMessage(ws.OpBinary, content); err != nil {
						return err
					}
					if err := c.Ping(content[:125]); err != nil {
						return err
					}
				}
				if err := c.CloseWith(1000, "bye"); err != nil {
					return err
				}
				_, err := c.Next()
				return err
			}, "closed 1000"},
			{"a rule broken", "c", func(c *wsconn.Conn) error {
				_, err := c.Next()
				return err
			}, ws.ErrContinuation.Error()},
			{"end", "", func(c *wsconn.Conn) error {
				_, err := c.Next()
				return err
			}, wsconn.ErrAbnormal.Error()},
		} {
			for _, packed := range []bool{false, true} {
				for _, size := range []int{1, 1 << 20} {
					c := newConn(t, r.role, 0, 0, func(c *wsconn.Config) {
						if packed {
							squeezed(c)
						}
					})
					rw := &again{size: size}
					in := frames(peerOf(r.role), v.in)
					life := func() {
						rw.left = in
						if err := c.Reset(rw, nil); err != nil {
							t.Fatal(err)
						}
						err := v.do(c)
						if e, ok := err.(*wsconn.CloseError); ok {
							if !strings.HasPrefix(v.want, "closed ") || e.Code != 1000 {
								t.Fatalf("%s: %v", v.name, err)
							}
						} else if err == nil || err.Error() != v.want {
							t.Fatalf("%s: %v", v.name, err)
						}
					}
					alloctest.Zero(t, r.name+" "+v.name, life)
					if n := testing.AllocsPerRun(20, life); n != 0 {
						t.Errorf("%s %s: %v allocations", r.name, v.name, n)
					}
				}
			}
		}
	}
}

// TestNoAllocsDial is the same for handshakes, and what is refused.
func TestNoAllocsDial(t *testing.T) {
	x := &extension{offer: "runs", agree: 1}
	r := ws.ClientRequest{Host: "a", Target: "/x?y", Protocols: []string{"p"}, Fields: []ws.Field{{Name: "Cookie", Value: "c"}}}
	for _, v := range []struct {
		name, in string
		err      error
	}{
		{"agreed", switching + "Sec-WebSocket-Protocol: p\r\nSec-WebSocket-Extensions: runs\r\n\r\n", nil},
		{"refused", "HTTP/1.1 403 Forbidden\r\n\r\n", ws.ErrRefused},
		{"broken", switching + "Sec-WebSocket-Protocol: q\r\n\r\n", ws.ErrAnswerProtocol},
	} {
		nonce := strings.NewReader("")
		c := newConn(t, ws.RoleClient, 512, 512, func(c *wsconn.Config) { c.Rand, c.Extension = nonce, x })
		rw := &again{size: 100}
		alloctest.Zero(t, v.name, func() {
			nonce.Reset(theNonce)
			rw.left = v.in
			_, _, err := c.Dial(rw, &r)
			if e, ok := err.(*wsconn.RefusedError); ok {
				err = e.Err
			}
			if err != v.err {
				t.Fatalf("%s: %v", v.name, err)
			}
		})
	}
}
