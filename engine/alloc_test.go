//go:build !race

package engine_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// TestNoGrowth is invariant 1: nothing between readiness and the last byte of
// an answer allocates, on memory in a loop of the test's own, call by call.
func TestNoGrowth(t *testing.T) {
	c := usual()
	c.mem.Pipe = 2000
	f := polls(t, c)
	a, h := f.open()
	buf := make([]byte, 10000)
	g := f.d.gate("open")
	g.pass()
	b, err := f.e.Pool().Outputs.Get()
	if err != nil {
		t.Fatal(err)
	}
	data := f.e.Pool().Outputs.Bytes(b)
	copy(data, "a block\n")
	for _, tt := range []struct {
		name   string
		do     func()
		answer string
	}{
		{"a line", func() { a.write("a line\n") }, "a line\n"},
		{"two lines in three parts", func() { a.write("on"); f.settle(); a.write("e\ntw"); f.settle(); a.write("o\n") }, "one\ntwo\n"},
		{"an answer that must wait", func() { a.write("static 5000\n") }, string(static[:5000])},
		{"an answer that must be copied", func() { a.write("copy 3000\n") }, string(static[:3000])},
		{"a push", func() { f.e.Push(h, nil, data[:8], 0, engine.DropNewest) }, "a block\n"},
		{"a push of a block", func() { f.e.PushBlock(h, data[:8], b, 0, engine.DropOldest) }, "a block\n"},
		{"a wake", func() { f.e.Wake(h) }, ""},
		{"a push of two parts", func() { f.e.Push(h, data[:3], data[3:8], 0, engine.DropNewest) }, "a block\n"},
		{"parts of a message", func() { a.write("piece one\npiece two\nfinal three\n") }, "onetwothree"},
		{"a look at a socket and a worker", func() { f.e.Socket(0); f.e.WorkerAt(0) }, ""},
		{"statistics", func() { f.e.Stats() }, ""},
		{"time", func() { f.net.Advance(millisecond) }, ""},
	} {
		alloctest.Zero(t, tt.name, func() {
			tt.do()
			f.settle()
			n := 0
			for n < len(tt.answer) {
				k, err := a.tryRead(buf[n:])
				if err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				n += k
				f.settle()
			}
			if string(buf[:n]) != tt.answer {
				t.Fatalf("%s: got %.40q", tt.name, buf[:n])
			}
		})
	}
	f.e.Pool().Outputs.Put(b)
}

// TestNoGrowthOfExchanges is the same for whole exchanges with the engine's
// own goroutines, on each network.
func TestNoGrowthOfExchanges(t *testing.T) {
	body := func(f *fixture) {
		a := f.connect()
		line, buf := []byte("a line\n"), make([]byte, 100)
		var r io.Reader = reader{a.conn}
		alloctest.Zero(f.t, "an exchange", func() {
			if _, err := a.conn.Write(line); err != nil {
				f.t.Fatal(err)
			}
			if _, err := io.ReadFull(r, buf[:len(line)]); err != nil || string(buf[:len(line)]) != string(line) {
				f.t.Fatalf("got %q, %v", buf[:len(line)], err)
			}
		})
	}
	c := usual()
	c.mem.Pipe = 1000
	for _, lanes := range []int{1, 2} {
		c.mem.Lanes = lanes
		t.Run(fmt.Sprintf("memory, %d lanes", lanes), func(t *testing.T) {
			f := newFixture(t, c, nil)
			defer f.end()
			if err := f.e.Start(); err != nil {
				t.Fatal(err)
			}
			body(f)
		})
		for _, b := range backends {
			t.Run(fmt.Sprintf("%s, %d lanes", b.Name, lanes), func(t *testing.T) { real(t, c, b, lanes, body) })
		}
	}
}

// write and tryRead are calls of a client in memory that allocate nothing.
func (c *client) write(text string) {
	c.f.t.Helper()
	n := copy(c.line[:], text)
	if k, err := c.conn.(*memory.Peer).TryWrite(c.line[:n]); k != n || err != nil {
		c.f.t.Fatalf("sending %q: %d, %v", text, k, err)
	}
}

func (c *client) tryRead(b []byte) (int, error) {
	n, err := c.conn.(*memory.Peer).TryRead(b)
	if err == transport.ErrWouldBlock {
		err = nil
	}
	return n, err
}

// reader hides what else a connection can do from package io.
type reader struct{ io.Reader }

// TestNoGrowthInTime serves many exchanges and connections, and wants the
// heap to be as large as before.
func TestNoGrowthInTime(t *testing.T) {
	f := polls(t, usual())
	work := func() {
		c := f.connect()
		c.echo("x")
		c.send("body 10\n0123456789static 3000\nhalf")
		c.want("body 10\n" + string(static[:3000]))
		c.conn.Close()
		f.settle()
		f.conns = f.conns[:0]
		f.d.gone.Clear()
	}
	work()
	least := 1 << 30
	for range 5 {
		least = min(least, held(func() {
			for range 300 {
				work()
			}
		}))
		if least < 4096 {
			break
		}
	}
	if least > 4096 {
		t.Errorf("300 connections leave %d bytes", least)
	}
	runtime.KeepAlive(f)
}
