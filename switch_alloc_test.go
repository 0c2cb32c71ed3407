//go:build !race

package bobtail_test

import (
	"io"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// thereAndBack is a protocol that sends what it gets, holds its queue meanwhile,
// and gives the connection back to HTTP.
type thereAndBack struct {
	number int
	e      *engine.Engine
}

var thereText = []byte("<there>")

func (d *thereAndBack) Number() int { return d.number }

func (d *thereAndBack) Begin(w *engine.Worker, s *pool.Slot, rest []byte, value any) engine.Verdict {
	if value != d || string(rest) != "rest" {
		return engine.Abort
	}
	w.Hold(s, true)
	if d.e.Push(d.e.Pool().Handle(s), thereText[:3], thereText[3:], 4, engine.DropOldest) != nil {
		return engine.Abort
	}
	if n, err := w.Send(s, rest, nil, false); n != 0 || err != nil {
		return engine.Abort
	}
	w.Hold(s, false)
	w.Switch(s, 0)
	w.Enter(s, engine.PhaseIdle)
	return engine.Again
}

func (d *thereAndBack) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict { return engine.Abort }
func (d *thereAndBack) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	return dst
}
func (d *thereAndBack) Gone(s *pool.Slot, h pool.Handle) {}

// TestNoAllocsOfSwitch changes the protocol of a connection there and back.
func TestNoAllocsOfSwitch(t *testing.T) {
	n := memory.New(memory.Config{})
	srv, err := bobtail.New(bobtail.Config{Sockets: 10, Workers: 2, WorkerMemory: 4096, Lanes: 1, Backend: n, Wall: func() int64 { return wall * 1e9 }})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	d := &thereAndBack{e: srv.Engine()}
	d.number = d.e.AddDriver(d)
	srv.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
		r.SetValue(d)
		return switchHead(w).Switch(d)
	})
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	peer, err := n.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	in, want := []byte(upgrade+"rest"), switching+"rest<there>"
	buf := make([]byte, 1000)
	alloctest.Zero(t, "a switch there and back", func() {
		if _, err := peer.TryWrite(in); err != nil {
			t.Fatal(err)
		}
		for k := 0; k < len(want); {
			if _, err := srv.Poll(srv.Now()); err != nil {
				t.Fatal(err)
			}
			n, err := peer.TryRead(buf[k:])
			if k += n; err != nil && err != transport.ErrWouldBlock {
				t.Fatalf("got %q, %v", buf[:k], err)
			}
			if string(buf[:k]) != want[:k] {
				t.Fatalf("got %q", buf[:k])
			}
		}
	})
}

// TestNoAllocsOfHold is for a handler that holds its connection, on the backend
// of this system.
func TestNoAllocsOfHold(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 10, Workers: 2, WorkerMemory: 4096, Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	srv.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
		held, err := switchHead(w).Hold()
		if err != nil {
			return err
		}
		t := held.Stream
		for err == nil {
			var n int
			if err = t.Extend(int64(time.Hour)); err != nil {
				break
			}
			if _, err = t.ReadWithin(held.Memory[:0], 0); err != nil {
				break
			}
			if n, err = t.ReadWithin(held.Memory, int64(time.Hour)); err != nil {
				break
			}
			t.Hold(true)
			d := srv.Engine()
			d.Push(r.Handle(), thereText, nil, 0, engine.DropNewest)
			_, err = t.Write(held.Memory[:n])
			t.Hold(false)
		}
		return err
	})
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := servertest.Dial(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 1000)
	read := func(want string) {
		if n, err := io.ReadFull(c, buf[:len(want)]); err != nil || string(buf[:n]) != want {
			t.Fatalf("got %q, %v", buf[:n], err)
		}
	}
	io.WriteString(c, upgrade)
	head := len("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echoes\r\nConnection: Upgrade\r\n") + len(date) + 2
	if _, err := io.ReadFull(c, buf[:head]); err != nil {
		t.Fatal(err)
	}
	in := []byte("echo")
	alloctest.Zero(t, "an echo of a held connection", func() {
		if _, err := c.Write(in); err != nil {
			t.Fatal(err)
		}
		read("echo<there>")
	})
}
