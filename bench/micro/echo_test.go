package micro

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
	coder "github.com/coder/websocket"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// echoed are messages of a connection in memory, which the server of each
// library receives whole and sends back, as its documentation has it.
func echoed(tb testing.TB) (all []comparison) {
	tb.Helper()
	for _, size := range messageSizes {
		in := ws.AppendFrame(nil, ws.Header{Op: ws.OpBinary, Fin: true, Masked: true, Key: 0x12345678}, bytes.Repeat([]byte("a"), size))
		by := func(name string, echo func(c *stream) error) side {
			var out []byte
			return side{by: name, loop: func(n int) error {
				c := newStream(in, n)
				if err := echo(c); c.left > 0 {
					return fmt.Errorf("%d messages are left: %w", c.left, err)
				}
				out = c.out
				return nil
			}, gave: func() (string, error) { return firstFrame(out) }}
		}
		conn, err := wsconn.New(wsconn.Config{Role: ws.RoleServer, In: make([]byte, size+1024), Out: make([]byte, 4096)})
		if err != nil {
			tb.Fatal(err)
		}
		buf := make([]byte, size)
		all = append(all, comparison{"bytes=" + strconv.Itoa(size), size, []side{
			by("bobtail", func(c *stream) error {
				if err := conn.Reset(c, nil); err != nil {
					return err
				}
				for {
					op, msg, err := conn.ReadMessage(buf)
					if err != nil {
						return err
					}
					if err := conn.WriteMessage(op, msg); err != nil {
						return err
					}
				}
			}),
			by("gws", func(c *stream) error {
				conn, err := gws.NewUpgrader(gwsEcho{}, nil).UpgradeFromConn(c, bufio.NewReader(c), handshake())
				if err != nil {
					return err
				}
				conn.ReadLoop()
				return nil
			}),
			by("gorilla", func(c *stream) error {
				var upgrader gorilla.Upgrader
				conn, err := upgrader.Upgrade(hijacker{c}, handshake(), nil)
				if err != nil {
					return err
				}
				for {
					kind, msg, err := conn.ReadMessage()
					if err != nil {
						return err
					}
					if err := conn.WriteMessage(kind, msg); err != nil {
						return err
					}
				}
			}),
			by("coder", func(c *stream) error {
				conn, err := coder.Accept(hijacker{c}, handshake(), nil)
				if err != nil {
					return err
				}
				defer conn.CloseNow()
				conn.SetReadLimit(1 << 20)
				ctx := context.Background()
				for {
					kind, msg, err := conn.Read(ctx)
					if err != nil {
						return err
					}
					if err := conn.Write(ctx, kind, msg); err != nil {
						return err
					}
				}
			}),
			by("gobwas", func(c *stream) error {
				for {
					msg, op, err := wsutil.ReadClientData(c)
					if err != nil {
						return err
					}
					if err := wsutil.WriteServerMessage(c, op, msg); err != nil {
						return err
					}
				}
			}),
		}})
	}
	return all
}

// firstFrame is the frame at the front of b, behind which some have a close frame
// at the end of the stream.
func firstFrame(b []byte) (string, error) {
	h, n, err := ws.ParseHeader(b)
	if err != nil || n == 0 || uint64(len(b)-n) < h.Length {
		return "", fmt.Errorf("%.20q is no frame: %v", b, err)
	}
	return string(b[:n+int(h.Length)]), nil
}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}

func handshake() *http.Request {
	return &http.Request{
		Method: "GET", Host: "h", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		},
	}
}

// hijacker is a ResponseWriter whose connection is to be taken over.
type hijacker struct{ c *stream }

func (hijacker) Header() http.Header         { return http.Header{} }
func (hijacker) Write(p []byte) (int, error) { return 0, errors.New("not hijacked") }
func (hijacker) WriteHeader(int)             {}
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.c, bufio.NewReadWriter(bufio.NewReader(h.c), bufio.NewWriter(h.c)), nil
}

func TestEchoed(t *testing.T)      { same(t, echoed(t)) }
func BenchmarkEchoed(b *testing.B) { measure(b, echoed(b)) }
