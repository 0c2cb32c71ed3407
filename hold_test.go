package bobtail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// holder is a handler that holds its connection and echoes until the peer says
// "." (it returns nil), "!" (an error) or "?" (it panics).
func holder(w bobtail.Response, r *bobtail.Request) error {
	held, err := switchHead(w).Hold()
	if err != nil {
		return err
	}
	if held.RW != io.ReadWriter(held.Stream) {
		panic("two streams")
	}
	if _, err := held.Stream.Write(append([]byte("<"), '>')); err != nil {
		return err
	}
	b := append(held.Memory[:0], held.Rest...)
	for {
		if _, err := held.Stream.Write(b); err != nil {
			return err
		}
		switch b := string(b); {
		case strings.HasSuffix(b, "."):
			return nil
		case strings.HasSuffix(b, "!"):
			return errors.New("no")
		case strings.HasSuffix(b, "?"):
			panic("no")
		}
		if err := held.Stream.Extend(int64(time.Hour)); err != nil {
			return err
		}
		n, err := held.Stream.ReadWithin(held.Memory, int64(time.Hour))
		b = held.Memory[:n]
		if err == engine.ErrClosing {
			b, err = append(held.Memory[:0], "closing."...), nil
		}
		if err != nil {
			return err
		}
	}
}

// TestHold holds a connection, of which others do not take notice.
func TestHold(t *testing.T) {
	run(t, bobtail.Config{Workers: 2, Spare: -1}, func(t *testing.T, f *fixture) {
		f.fast()
		f.Handle("GET /echoes", holder)
		for _, k := range []struct {
			in, out string
			abort   bool
		}{
			{in: upgrade + ".", out: switching + "<>."},
			{in: upgrade, out: switching + "<>"},
			{in: get("/fast") + upgrade + "rest", out: ok("fast\n") + switching + "<>rest"},
			{in: upgrade + "!", out: switching + "<>", abort: true},
			{in: upgrade + "?", out: switching + "<>", abort: true},
		} {
			f.Await("a free worker", func() bool { return f.Server.Stats().Busy == 0 })
			c := f.dial()
			c.Send(k.in)
			if !k.abort {
				c.wantNext(k.out)
			}
			if k.abort {
				c.wantAbort()
			} else {
				if !strings.HasSuffix(k.out, ".") {
					for range 3 {
						c.Send("echo")
						c.wantNext("echo")
						f.wantFast(time.Second)
					}
					c.Send(".")
					c.wantNext(".")
				}
				c.wantEnd("")
			}
			c.Conn.Close()
		}
		f.Await("the end of all", func() bool { s := f.Server.Stats(); return s.Open == 0 && s.Busy == 0 })
		s := f.Server.Stats()
		if s.Requests[1] != 5 || s.Panics != 1 || s.Stash != 0 || s.Lent != 0 || s.Busy != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestHoldRefused leaves the connection with HTTP.
func TestHoldRefused(t *testing.T) {
	run(t, bobtail.Config{Workers: 2, Spare: -1}, func(t *testing.T, f *fixture) {
		f.fast()
		f.Handle("/echoes", holder)
		for _, in := range []string{get("/echoes"), strings.Replace(upgrade, "GET", "HEAD", 1), strings.Replace(upgrade, "1.1", "1.0", 1)} {
			c := f.dial()
			c.Send(in)
			method, _, _ := strings.Cut(in, " ")
			if a := c.answer(method); a.StatusCode != 500 {
				t.Errorf("%q: answer %d", in, a.StatusCode)
			}
			c.Conn.Close()
		}
		// One worker is always kept from being held.
		a, b := f.dial(), f.dial()
		a.Send(upgrade)
		a.wantNext(switching + "<>")
		b.Send(upgrade)
		if a := b.answer("GET"); a.StatusCode != 503 {
			t.Errorf("another is answered %d", a.StatusCode)
		}
		f.wantFast(time.Second)
		a.Send(".")
		a.wantNext(".")
		a.wantEnd("")
		a.Conn.Close()
		b.Conn.Close()
		f.Await("the end of the first", func() bool { return f.Server.Stats().Busy == 0 && f.Server.Stats().Open == 0 })
		c := f.dial()
		c.Send(upgrade + ".")
		c.wantNext(switching + "<>.")
		c.Conn.Close()
	})
}

// TestHoldKeepsRequest gives the handler memory that is not the request's.
func TestHoldKeepsRequest(t *testing.T) {
	var access atomic.Value
	cfg := bobtail.Config{Workers: 2, WorkerMemory: 2048, Access: func(r *bobtail.Request, code int, n, took int64) {
		access.Store(fmt.Sprint(string(r.Path()), " ", code, " ", n, " ", took))
	}}
	runVirtual(t, cfg, func(t *testing.T, f *fixture) {
		access.Store("")
		least := 0
		f.Handle("GET /{name}", func(w bobtail.Response, r *bobtail.Request) error {
			var mine []byte
			if string(r.Query()) == "a" {
				mine, _ = r.Alloc(100)
				for i := range mine {
					mine[i] = 'm'
				}
			}
			held, err := switchHead(w).Hold()
			if err != nil {
				return err
			}
			least = len(held.Memory)
			for i := range held.Memory {
				held.Memory[i] = '#'
			}
			if name := r.PathValue("name"); string(name) != "echoes" {
				t.Errorf("the name is %q", name)
			}
			if n := bytes.Count(held.Memory, []byte("#")); n != len(held.Memory) {
				t.Errorf("the request has written to %d bytes", len(held.Memory)-n)
			}
			if string(held.Rest) != "rest" || cap(held.Rest) != 4 || len(mine) != strings.Count(string(mine), "m") {
				t.Errorf("rest %q, path %q, arena %q", held.Rest, r.Path(), mine)
			}
			_, err = held.RW.Read(held.Memory)
			return err
		})
		for _, k := range []struct {
			target string
			least  int
		}{{"/echoes", 2048 - 200}, {"/echoes?a", 3*2048/4 - 200}, {"/ech%6fes", 2048 - 200}, {"/ech%6fes?a", 3*2048/4 - 200}} {
			c := f.dial()
			c.Send(strings.Replace(upgrade, "/echoes", k.target, 1) + "rest")
			c.wantNext(switching)
			f.Advance(time.Second)
			if access.Load() != "" {
				t.Error("Access was told while the connection is held")
			}
			c.Send("x")
			c.wantEnd("")
			c.Conn.Close()
			f.Settle()
			if s := access.Swap("").(string); !strings.HasPrefix(s, "/ech") || !strings.Contains(s, " 101 0 10") {
				t.Errorf("Access was told %q", s)
			}
			if least < k.least {
				t.Errorf("%d bytes are free, want %d", least, k.least)
			}
		}
	})
}

// TestHoldDeadline ends a handler that does not extend its own.
func TestHoldDeadline(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2, Timeouts: bobtail.Timeouts{Handler: 5 * time.Second}}, func(t *testing.T, f *fixture) {
		f.fast()
		got := make(chan error, 1)
		f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
			held, err := switchHead(w).Hold()
			if err == nil {
				_, err = held.Stream.ReadWithin(held.Memory, int64(time.Hour))
			}
			got <- err
			return err
		})
		c := f.dial()
		c.Send(upgrade)
		c.wantNext(switching)
		f.Advance(6 * time.Second)
		if err := <-got; err != engine.ErrDeadline {
			t.Errorf("the handler got %v", err)
		}
		c.wantAbort()
		c.Conn.Close()
		f.wantFast(time.Second)
	})
}

// TestHoldSlowPeer has a peer that does not read the 101.
func TestHoldSlowPeer(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 64}, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		got := make(chan error, 1)
		f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
			_, err := switchHead(w).Hold()
			got <- err
			return nil // all the same
		})
		c := f.dial()
		c.Pour(upgrade)
		f.Advance(2 * time.Minute)
		if err := <-got; err == nil {
			t.Error("Hold succeeds")
		}
		c.wantAbort()
		c.Conn.Close()
	})
}

// TestHoldShutdown tells a handler that waits, at once.
func TestHoldShutdown(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		f.Handle("GET /echoes", holder)
		c := f.dial()
		c.Send(upgrade)
		c.wantNext(switching + "<>")
		done := make(chan error, 1)
		go func() { done <- f.Server.Shutdown(context.Background()) }()
		c.wantEnd("closing.")
		c.Conn.Close()
		if f.Net != nil {
			f.Settle()
			f.Advance(time.Second)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestHoldWithoutServer gives the stream that the caller has.
func TestHoldWithoutServer(t *testing.T) {
	for _, fails := range []bool{false, true} {
		out := serveAlone(t, get("/")+upgrade+"rest", func(w bobtail.Response, r *bobtail.Request) error {
			if string(r.Path()) == "/" {
				return w.Text("first")
			}
			held, err := switchHead(w).Hold()
			if err != nil || held.Stream != nil || len(held.Memory) < 256 {
				t.Errorf("%+v, %v", held, err)
				return err
			}
			b := append([]byte(nil), held.Rest...)
			if n, err := held.RW.Read(held.Memory); err != io.EOF {
				b = append(b, held.Memory[:n]...)
			}
			held.RW.Write(b)
			if fails {
				return errors.New("no")
			}
			return nil
		})
		if want := ok("first") + switching + "rest"; out != want {
			t.Errorf("got %q, want %q", out, want)
		}
	}
}

// TestHoldPeerGoes gives the handler the stream's end.
func TestHoldPeerGoes(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		got := make(chan error, 1)
		f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
			held, err := switchHead(w).Hold()
			if err != nil {
				return err
			}
			_, err = held.Stream.Read(held.Memory)
			got <- err
			return err
		})
		c := f.dial()
		c.Send(upgrade)
		c.wantNext(switching)
		c.Conn.CloseWrite()
		f.Await("the end", func() bool { return len(got) == 1 })
		if err := <-got; err != transport.EOF {
			t.Errorf("the handler got %v", err)
		}
		c.wantAbort()
		c.Conn.Close()
	})
}
