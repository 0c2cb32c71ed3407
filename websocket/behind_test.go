package websocket_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// TestHeaderFirst sends the header of a long compressed frame by itself, and its
// payload while no worker may be lent, with blocks for long messages and without.
func TestHeaderFirst(t *testing.T) {
	for _, long := range []int{-1, 1, 0} {
		cfg := bobtail.Config{Workers: 2, Stash: 16}
		runMemory(t, memory.Config{Pipe: 1 << 20}, cfg, websocket.Config{Long: long, Extension: newDeflate(t, deflate.Config{})}, func(t *testing.T, f *fixture) {
			f.Handle("GET /data", f.ws.Upgrade(websocket.Options{Compress: true}, echoes[1].h))
			m := noise(40000)
			z := frame(bin|rsv1, squeeze(m))
			var cs []*client
			for range 5 {
				c := f.dialCompressed("/data")
				c.Send(z[:8]) // the first frame's header
				f.Settle()
				c.Send(z[8:20000])
				f.Settle()
				cs = append(cs, c)
			}
			for i, c := range cs {
				c.Send(z[20000:])
				if _, p, _ := c.unpacked(); !bytes.Equal(p, m) {
					t.Errorf("%d blocks, client %d: got %d bytes", long, i, len(p))
				}
			}
		})
	}
}

// TestFullThenDrained has a handler fill the connection and wait for its peer in
// the midst of its messages. When all is taken, what is behind is looked at, of
// which no event will tell.
func TestFullThenDrained(t *testing.T) {
	for _, behind := range []int{1, 120} {
		for n := 1; n < 60; n++ {
			runMemory(t, memory.Config{Pipe: 20000}, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
				f.evented(websocket.Options{}, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
					if string(p) != "go" {
						return c.Send(op, p)
					}
					for range n {
						if err := c.Send(op, servertest.Pattern(4000)); err != nil {
							return err
						}
					}
					return nil
				}})
				c := f.dial()
				one, answer := frame(bin, servertest.Pattern(100)), plain(bin, servertest.Pattern(100))
				if behind > 1 {
					c.Send(strings.Repeat(one, 120)) // it sends more than a buffer takes
					c.Want(strings.Repeat(answer, 120))
				}
				c.Send(frame(bin, "go") + strings.Repeat(one, behind))
				for range n {
					c.Want(plain(bin, servertest.Pattern(4000)))
				}
				began := time.Now() // in the bubble
				c.Want(strings.Repeat(answer, behind))
				if d := time.Since(began); d > time.Second {
					t.Errorf("%d messages, %d behind: waited %v", n, behind, d)
				}
			})
		}
	}
}

// TestDrainedAtLeave has the peer take what waits for it before the handler
// returns.
func TestDrainedAtLeave(t *testing.T) {
	for _, long := range []int{-1, 0} {
		runMemory(t, memory.Config{Pipe: 20000}, bobtail.Config{}, websocket.Config{Long: long}, func(t *testing.T, f *fixture) {
			gate := make(chan bool)
			f.evented(websocket.Options{}, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
				if string(p) != "go" {
					return c.Send(op, p)
				}
				err := c.Send(op, servertest.Pattern(30000))
				<-gate
				return err
			}})
			c := f.dial()
			c.Send(frame(bin, "go") + frame(bin, "behind"))
			f.Settle()
			answer := plain(bin, servertest.Pattern(30000))
			c.ReadFull(make([]byte, 15000))
			close(gate)
			f.Settle()
			c.Want(answer[15000:] + plain(bin, "behind"))
		})
	}
}

// TestPartialBehindSlow sends half of a frame behind many that are answered, and
// reads the answers slowly: the time for the other half begins when it has.
func TestPartialBehindSlow(t *testing.T) {
	for _, long := range []int{-1, 0} {
		runMemory(t, memory.Config{Pipe: 12000}, bobtail.Config{}, websocket.Config{Long: long, Ping: -1}, func(t *testing.T, f *fixture) {
			f.evented(websocket.Options{}, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
				return c.Send(op, servertest.Pattern(200))
			}})
			c := f.dial()
			one, answer, last := frame(bin, servertest.Pattern(20)), plain(bin, servertest.Pattern(200)), frame(bin, "last")
			go c.Conn.Write([]byte(strings.Repeat(one, 400) + last[:8]))
			f.Settle()
			all := strings.Repeat(answer, 400)
			for at := range len(all) {
				if at%700 == 0 {
					f.Advance(time.Second)
				}
				if x, err := c.In.ReadByte(); err != nil || x != all[at] {
					t.Fatalf("%d blocks: at %d of %d: %#x, %v", long, at, len(all), x, err)
				}
			}
			if err := c.TrySend(last[8:]); err != nil {
				t.Fatalf("%d blocks: %v", long, err)
			}
			c.Want(answer)
		})
	}
}
