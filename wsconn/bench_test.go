package wsconn_test

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// endless is a stream that gives the same bytes for ever, a message a read.
type endless struct{ in string }

func (e *endless) Read(p []byte) (int, error)  { return copy(p, e.in), nil }
func (e *endless) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkEcho reads a message and sends it back, whole and as it comes.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 1024, 65536} {
		in := frames(ws.RoleClient, "b="+strings.Repeat("x", size))
		for _, way := range []struct {
			name string
			do   func(c *wsconn.Conn, buf []byte) error
		}{
			{"whole", func(c *wsconn.Conn, buf []byte) error {
				op, msg, err := c.ReadMessage(buf)
				if err != nil {
					return err
				}
				return c.WriteMessage(op, msg)
			}},
			{"streamed", func(c *wsconn.Conn, _ []byte) error {
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
				return w.Close()
			}},
		} {
			b.Run(way.name+"/"+strconv.Itoa(size), func(b *testing.B) {
				c := newConn(b, ws.RoleServer, size+100, 4096)
				must(b, c.Reset(&endless{in}, nil))
				buf := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := way.do(c, buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
