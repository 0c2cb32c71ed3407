package websocket_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// TestLong has peers send more at once than a worker's buffer takes, short
// messages and long ones, whole and in fragments, with enough blocks for that,
// with one for all, and without.
func TestLong(t *testing.T) {
	for _, x := range []struct{ long, memory int }{{0, 0}, {1, 0}, {-1, 0}, {4, 256 << 10}} {
		for _, e := range echoes {
			t.Run(fmt.Sprintf("%d, %d, %s", x.long, x.memory, e.name), func(t *testing.T) {
				run(t, bobtail.Config{WorkerMemory: x.memory}, websocket.Config{Long: x.long}, func(t *testing.T, f *fixture) {
					f.evented(websocket.Options{}, e.h)
					rng := rand.New(rand.NewPCG(7, 7))
					const clients, each = 3, 15
					var cs [clients]*client
					var sizes [clients][each]int
					for i := range cs {
						c := f.dial()
						cs[i] = c
						var in strings.Builder
						for k := range each {
							n := rng.IntN(1 << rng.IntN(17))
							if e.h.Message != nil {
								n = min(n, f.ws.MaxWhole())
							}
							sizes[i][k] = n
							if m := servertest.Pattern(n); n > 0 && rng.IntN(3) == 0 {
								cut := rng.IntN(n)
								in.WriteString(frame(bin|more, m[:cut]) + frame(cont, m[cut:]))
							} else {
								in.WriteString(frame(bin, m))
							}
						}
						go c.Conn.Write([]byte(in.String()))
					}
					for i, c := range cs {
						for k, n := range sizes[i] {
							if op, p := c.message(); op != bin || string(p) != string(servertest.Pattern(n)) {
								t.Fatalf("client %d, message %d of %d bytes: got %#x %s", i, k, n, op, servertest.Brief(p))
							}
						}
						c.Send(frame(ping, "x"))
						c.Want(plain(pong, "x"))
					}
					f.Await("all blocks to be given back", func() bool { return f.ws.LongsLent() == 0 })
				})
			})
		}
	}
}

// crowd are messages that do not fit into a worker's buffer together.
var crowd = strings.Repeat(frame(bin, servertest.Pattern(500)), 120)

// TestLongKept has peers not read what they are answered: those who were lent a
// block keep it until they do, or are given up, and others are served without.
func TestLongKept(t *testing.T) {
	cfg := bobtail.Config{Timeouts: bobtail.Timeouts{Write: 10 * time.Second}}
	runMemory(t, memory.Config{Pipe: 20000}, cfg, websocket.Config{Long: 2}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[0].h)
		var cs [4]*client
		var sent [4]int
		for i := range cs {
			cs[i] = f.dial()
			for n := 1; n > 0; f.Settle() {
				n, _ = cs[i].Peer.TryWrite([]byte(crowd[sent[i]:]))
				sent[i] += n
			}
		}
		if n := f.ws.LongsLent(); n != 2 {
			t.Fatalf("%d blocks are lent", n)
		}
		other := f.dial()
		other.Send(frame(text, "quick"))
		other.Want(plain(text, "quick"))
		for i := range cs[1:] {
			c := cs[i+1]
			go c.Conn.Write([]byte(crowd[sent[i+1]:]))
			for range 120 {
				c.Want(plain(bin, servertest.Pattern(500)))
			}
		}
		f.Settle()
		if n := f.ws.LongsLent(); n != 1 {
			t.Errorf("%d blocks are lent, 1 kept", n)
		}
		f.Advance(11 * time.Second)
		f.Settle()
		if n := f.ws.LongsLent(); n != 0 || f.ws.Stats().Open != 4 {
			t.Errorf("%d blocks are lent, of nobody", n)
		}
	})
}

// TestLongLost has a handler lose its connection while it looks at what is in a
// block, which is nobody else's before it returns.
func TestLongLost(t *testing.T) {
	cfg := bobtail.Config{Workers: 2, Spare: 1, Timeouts: bobtail.Timeouts{Handler: 2 * time.Second}}
	runMemory(t, memory.Config{Pipe: 70000}, cfg, websocket.Config{Long: 1}, func(t *testing.T, f *fixture) {
		gate, stuck := make(chan struct{}), make(chan struct{}, 1)
		seen := ""
		f.evented(websocket.Options{}, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			if strings.HasPrefix(string(p), "stuck") {
				stuck <- struct{}{}
				<-gate
				seen = string(p)
				return nil
			}
			return c.Send(op, p)
		}})
		c := f.dial()
		c.Send(crowd)
		for range 120 {
			c.Want(plain(bin, servertest.Pattern(500)))
		}
		c.Send(frame(text, "stuck in the middle of nowhere") + crowd)
		<-stuck
		if n := f.ws.LongsLent(); n != 1 {
			t.Fatalf("%d blocks are lent", n)
		}
		f.Advance(3 * time.Second)
		f.Settle()
		if f.ws.Stats().Open != 0 || f.ws.LongsLent() != 1 {
			t.Fatalf("%d connections, %d blocks are lent", f.ws.Stats().Open, f.ws.LongsLent())
		}
		other := f.dial()
		for range 3 {
			other.Send(crowd)
			for range 120 {
				other.Want(plain(bin, servertest.Pattern(500)))
			}
		}
		close(gate)
		f.Await("the block to be given back", func() bool { return f.ws.LongsLent() == 0 })
		f.Settle()
		if seen != "stuck in the middle of nowhere" {
			t.Errorf("a message has become %q", seen)
		}
	})
}
