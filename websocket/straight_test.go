package websocket_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// echoStraight echoes messages of any length, as a program has it that loops.
func echoStraight(c *websocket.Straight) error {
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
}

// TestStraightEcho holds the echo of a straight handler to the messages of the
// evented one.
func TestStraightEcho(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.Handle("GET /ws", f.ws.Straight(websocket.Options{}, echoStraight))
		for _, x := range exchanges {
			if x.name == "ping between fragments" {
				continue // the pong comes after the frame that is gathered
			}
			ways := splittest.Ways(len(x.in))
			if f.Net == nil || len(ways) > 30 {
				ways = ways[:2]
			}
			c := f.dial()
			for _, way := range ways {
				from := 0
				for _, to := range way.Ends {
					c.Send(x.in[from:to])
					from = to
				}
				c.Want(x.out)
			}
			c.wantSilence()
			c.Conn.Close()
			f.Await("the end", func() bool { return f.ws.Stats().Open == 0 })
		}
		c := f.dial()
		go c.Conn.Write([]byte(frame(bin, servertest.Pattern(100000)) + frame(closing, closeFrame(1000, ""))))
		if op, p := c.message(); op != bin || string(p) != string(servertest.Pattern(100000)) {
			t.Errorf("got %s", servertest.Brief(p))
		}
		c.Want(plain(closing, closeFrame(1000, "")))
		c.wantEnd()
	})
}

// TestStraightEnds ends straight handlers in all ways.
func TestStraightEnds(t *testing.T) {
	runVirtual(t, bobtail.Config{}, websocket.Config{Ping: int64(10 * time.Second), Pong: int64(5 * time.Second)}, func(t *testing.T, f *fixture) {
		var last error
		f.Handle("GET /ws", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
			var b [100]byte
			_, p, err := c.ReadMessage(b[:])
			last = err
			if err != nil {
				return err
			}
			switch string(p) {
			case "error":
				return errors.New("of the program")
			case "code":
				return ws.ErrUTF8
			case "panic":
				panic("of the program")
			case "close":
				return c.CloseWith(4000, "bye")
			}
			return nil
		}))
		for _, x := range []struct {
			in, reply string
			code      int
			reason    string
		}{
			{"", "", 1000, ""}, {"error", "", 1011, ""}, {"code", "", 1007, ""}, {"panic", "", 1011, ""},
			{"close", frame(closing, closeFrame(4000, "")), 4000, "bye"},
		} {
			c := f.dial()
			c.Send(frame(text, x.in))
			c.Want(plain(closing, closeFrame(x.code, x.reason)))
			c.Send(x.reply)
			c.wantEnd()
			c.Conn.Close()
			f.Settle()
		}
		c := f.dial()
		f.Advance(10100 * time.Millisecond)
		c.Want(plain(ping, ""))
		c.Send(frame(pong, ""))
		f.Advance(10100 * time.Millisecond)
		c.Want(plain(ping, ""))
		f.Advance(5100 * time.Millisecond)
		if last != websocket.ErrDead || f.ws.Stats().Open != 0 {
			t.Errorf("%v, %+v", last, f.ws.Stats())
		}
		c.Conn.Close()
		c = f.dial()
		f.Server.Engine().Shutdown()
		c.Want(plain(closing, closeFrame(1001, "")))
		c.Send(frame(closing, closeFrame(1001, "")))
		c.wantEnd()
	})
}

// TestStraightPush pushes to a straight handler that waits, and that is in the
// midst of a message.
func TestStraightPush(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		socks := make(chan websocket.Socket, 1)
		f.Handle("GET /ws", f.ws.Straight(websocket.Options{}, func(c *websocket.Straight) error {
			socks <- c.Socket()
			var b [100]byte
			if _, _, err := c.ReadMessage(b[:]); err != nil {
				return err
			}
			w, err := c.Begin(ws.OpText)
			if err != nil {
				return err
			}
			w.WriteString("begin ")
			if err := w.Flush(); err != nil {
				return err
			}
			socks <- c.Socket()
			if _, _, err := c.ReadMessage(b[:]); err != nil {
				return err
			}
			w.WriteString("end")
			if err := w.Close(); err != nil {
				return err
			}
			_, err = c.Next()
			return err
		}))
		topic := f.ws.NewTopic(websocket.TopicOptions{})
		c := f.dial()
		s := <-socks
		if err := topic.Subscribe(s); err != nil {
			t.Fatal(err)
		}
		if n, err := topic.Publish(ws.OpText, []byte("published")); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		c.Want(plain(text, "published"))
		c.Send(frame(text, "go"))
		c.Want(plain(text|more, "begin "))
		<-socks
		if err := s.SendText("pushed"); err != nil {
			t.Fatal(err)
		}
		c.wantSilence()
		c.Send(frame(text, "go"))
		c.Want(plain(cont, "end") + plain(text, "pushed"))
		if err := s.Close(1000, ""); err != nil {
			t.Fatal(err)
		}
		c.Want(plain(closing, closeFrame(1000, "")))
		c.Send(frame(closing, closeFrame(1000, "")))
		c.wantEnd()
		f.Await("the end", func() bool { return topic.Len() == 0 })
	})
}

// TestStraightBusy has more straight handlers than may be: others are served all
// the same.
func TestStraightBusy(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.Handle("GET /ws", f.ws.Straight(websocket.Options{}, echoStraight))
		f.Handle("GET /evented", f.ws.Upgrade(websocket.Options{}, echoes[0].h))
		a := f.dial()
		b := f.connect()
		b.Send(hello("/ws"))
		b.Want("HTTP/1.1 503 Service Unavailable\r\n")
		for range 10 {
			e := f.dialPath("/evented")
			e.Send(frame(text, "a"))
			e.Want(plain(text, "a"))
		}
		a.Send(frame(text, "still"))
		a.Want(plain(text, "still"))
	})
}
