//go:build linux && (amd64 || arm64)

// Change is a server whose connections leave HTTP, for a protocol of the
// program's or for a handler, for TinyGo to compile. See the tests of the folder
// above.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// echoes sends back what it gets, by a push of two parts and a message of two.
type echoes struct {
	number int
	e      *engine.Engine
}

func (d *echoes) Number() int { return d.number }

func (d *echoes) Begin(w *engine.Worker, s *pool.Slot, rest []byte, value any) engine.Verdict {
	if value != d {
		return engine.Abort
	}
	if !d.echo(w, s, rest) {
		return engine.Abort
	}
	return d.Serve(w, s)
}

func (d *echoes) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	n, err := w.Receive(s, w.Memory)
	if err != nil && err != transport.ErrWouldBlock {
		return engine.Finish
	}
	if !d.echo(w, s, w.Memory[:n]) {
		return engine.Abort
	}
	w.Enter(s, engine.PhaseIdle)
	return engine.Park
}

func (d *echoes) echo(w *engine.Worker, s *pool.Slot, p []byte) bool {
	if len(p) == 0 {
		return true
	}
	w.Hold(s, true)
	if d.e.Push(d.e.Pool().Handle(s), tail[:1], tail[1:], 8, engine.DropOldest) != nil {
		return false
	}
	n, err := w.Send(s, p, nil, false)
	w.Hold(s, false)
	return n == 0 && err == nil
}

func (d *echoes) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte { return dst }
func (d *echoes) Gone(s *pool.Slot, h pool.Handle)                         {}

var tail = []byte("|\n")

func head(w bobtail.Response) bobtail.Head {
	return w.Status(101).Header("Upgrade", "echoes").Header("Connection", "Upgrade")
}

// hold echoes on a worker that it holds.
func hold(w bobtail.Response, r *bobtail.Request) error {
	held, err := head(w).Hold()
	if err != nil {
		return err
	}
	t := held.Stream
	n := copy(held.Memory, held.Rest)
	for {
		if n > 0 {
			if err = t.Hold(true); err != nil {
				return err
			}
			if _, err = t.Write(held.Memory[:n]); err != nil {
				return err
			}
			if _, err = t.Write(tail); err != nil {
				return err
			}
			if err = t.Hold(false); err != nil {
				return err
			}
		}
		if err = t.Extend(3600_000_000_000); err != nil {
			return err
		}
		if n, err = t.ReadWithin(held.Memory, 3600_000_000_000); err != nil {
			return err
		}
	}
}

func main() {
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 20, Workers: 2, Lanes: 1, Spare: -1, WorkerMemory: 4096, Stash: 4, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	d := &echoes{e: srv.Engine()}
	d.number = d.e.AddDriver(d)
	check(srv.Handle("GET /switch", func(w bobtail.Response, r *bobtail.Request) error {
		r.SetValue(d)
		return head(w).Switch(d)
	}))
	check(srv.Handle("GET /hold", hold))
	a, err := srv.Listen("127.0.0.1:0")
	check(err)
	check(srv.Start())
	var text [transport.MaxAddrText]byte
	println(string(a.AppendTo(text[:0])))
	select {}
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
