package websocket_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// TestLeaveMessage has a handler publish who has left, while others are lost by
// the hundred: nobody waits for anybody in a circle.
func TestLeaveMessage(t *testing.T) {
	const conns = 200
	mem := memory.Config{Pipe: 2000, Streams: conns + 8, Backlog: conns}
	runMemory(t, mem, bobtail.Config{Sockets: conns}, websocket.Config{}, func(t *testing.T, f *fixture) {
		topic := f.ws.NewTopic(websocket.TopicOptions{})
		f.evented(websocket.Options{}, websocket.Handler{
			Open: func(c *websocket.Conn) error { return topic.Subscribe(c.Socket()) },
			Close: func(c *websocket.Conn, code ws.Code, _ []byte) {
				topic.Publish(ws.OpText, []byte("somebody has left"))
			},
		})
		clients := make([]*client, conns)
		for i := range clients {
			clients[i] = f.dial()
		}
		for _, c := range clients[1:] {
			c.Peer.Reset()
		}
		topic.Publish(ws.OpText, []byte("go"))
		f.Await("all but one gone", func() bool { return topic.Len() == 1 })
		for n := 0; !clients[0].Silent(); n++ {
			clients[0].next()
		}
		topic.Publish(ws.OpText, []byte("the last"))
		clients[0].Want(plain(text, "the last"))
	})
}

// TestHandlerDeadline has a handler not return in time: its connection is closed
// with 1011, and nobody else waits for it.
func TestHandlerDeadline(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2, Spare: 1, Timeouts: bobtail.Timeouts{Handler: 2 * time.Second}}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var j journal
		h := j.noted()
		gate := make(chan struct{})
		var late error
		h.Message = func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			if string(p) == "stuck" {
				<-gate
				late = c.Send(op, servertest.Pattern(10000))
				c.SetValue(1)
				return nil
			}
			return c.Send(op, p)
		}
		f.evented(websocket.Options{}, h)
		c, other := f.dial(), f.dial()
		c.Send(frame(text, "stuck") + frame(text, "more"))
		for range 10 {
			f.Advance(250 * time.Millisecond)
			other.Send(frame(text, "a"))
			other.Want(plain(text, "a"))
		}
		c.wantClose(1011)
		c.Conn.Close()
		f.Settle()
		if f.ws.Stats().Open != 1 {
			t.Errorf("%+v", f.ws.Stats())
		}
		next := f.dial() // perhaps in the slot that was lost
		next.Send(frame(text, "b"))
		next.Want(plain(text, "b"))
		close(gate)
		f.Settle()
		if late == nil {
			t.Error("a late answer is taken")
		}
		next.Send(frame(text, "c"))
		next.Want(plain(text, "c"))
		f.wantJournal(&j, "open, open, open, close 1011 ")
	})
}

// TestStalledSenders has more senders stall in the midst of a message than there
// are places for what they have sent: the first of them pay, and not the prompt.
func TestStalledSenders(t *testing.T) {
	runVirtual(t, bobtail.Config{Stash: 3}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var j journal
		f.evented(websocket.Options{}, j.noted())
		var stalled []*client
		for range 5 {
			c := f.dial()
			c.Send(frame(text, "half")[:8])
			stalled = append(stalled, c)
			f.Advance(100 * time.Millisecond)
		}
		for _, c := range stalled[:2] {
			c.wantClose(1008)
			c.Conn.Close()
		}
		for _, c := range stalled[2:] {
			c.Send(frame(text, "half")[8:])
			c.Want(plain(text, "half"))
		}
		f.Settle()
		if s := j.String(); strings.Count(s, "close 1008") != 2 || strings.Count(s, "text half") != 3 {
			t.Error(s)
		}
	})
}

// TestReset has peers vanish in all phases: the handler is told once, and nothing
// is left behind.
func TestReset(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		var j journal
		f.evented(websocket.Options{}, j.noted())
		for _, in := range []string{"", frame(text, "a"), frame(text, "half")[:8], frame(text|more, "a"), frame(closing, "")} {
			j.reset()
			c := f.dial()
			if in != "" {
				c.Send(in)
			}
			f.Settle()
			c.Peer.Reset()
			f.Settle()
			if s := j.String(); strings.Count(s, "open") != 1 || strings.Count(s, "close") != 1 {
				t.Errorf("%q: %s", in, s)
			}
		}
		if st := f.Server.Stats(); st.Open != 0 || st.Stash != 0 || st.OutputBlocks != 0 {
			t.Errorf("%+v", st)
		}
	})
}
