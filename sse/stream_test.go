package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// TestStream sends events to one peer, long after its handler has returned.
func TestStream(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{OutputBlockSize: 128})
	var s sse.Stream
	var last string
	f.handle("/", func(w bobtail.Response, r *bobtail.Request) (err error) {
		last = string(sse.LastEventID(r))
		if s, err = sse.Open(w, 0); err != nil {
			return err
		}
		return s.Send(sse.Text("first")) // while the handler is at work
	})
	p := f.ask(get("/", "a b"))
	p.want(head + "data: first\n\n")
	if last != "a b" {
		t.Errorf("last event %q", last)
	}
	if err := s.Send(sse.Event{ID: "7", Name: "n", Data: []byte("d")}); err != nil {
		t.Error(err)
	}
	p.want("id: 7\nevent: n\ndata: d\n\n")
	for _, k := range []struct {
		e    sse.Event
		want error
	}{
		{sse.Event{ID: "\n"}, sse.ErrID},
		{sse.Text(strings.Repeat("x", 128-8)), nil},
		{sse.Text(strings.Repeat("x", 128-7)), sse.ErrLong},
	} {
		if err := s.Send(k.e); err != k.want {
			t.Errorf("Send: %v, want %v", err, k.want)
		}
	}
	p.want("data: " + strings.Repeat("x", 120) + "\n\n")
	f.advance(16 * time.Second)
	p.want(":\n")
	if n := f.srv.Stats().OutputBlocks; n != 0 {
		t.Errorf("%d blocks are left", n)
	}
	s.Send(sse.Text("last"))
	s.Close()
	if err := s.Send(sse.Text("x")); err != pool.ErrStale {
		t.Errorf("Send after Close: %v", err)
	}
	p.wantEnd("data: last\n\n")
	if err := (sse.Stream{}).Send(sse.Text("x")); err != pool.ErrStale {
		t.Errorf("Send to nobody: %v", err)
	}
	f.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").wantEnd(head)
	if s.IsOpen() {
		t.Error("the stream of a HEAD is open")
	}
}

// TestStreamFull has no block left for an event: that is said, and nothing
// sent.
func TestStreamFull(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{OutputBlocks: 1})
	var s sse.Stream
	f.handle("/", func(w bobtail.Response, r *bobtail.Request) (err error) {
		s, err = sse.Open(w, -1)
		return err
	})
	p := f.ask(get("/", ""))
	b, _ := f.srv.Outputs().Get()
	if err := s.Send(sse.Text("x")); err != pool.ErrFull {
		t.Errorf("Send: %v", err)
	}
	f.srv.Outputs().Put(b)
	f.advance(time.Minute)
	p.want(head)
}

func TestStreamAllocs(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	var s sse.Stream
	f.handle("/", func(w bobtail.Response, r *bobtail.Request) (err error) {
		s, err = sse.Open(w, 0)
		return err
	})
	p := f.ask(get("/", ""))
	e := sse.Event{ID: "1", Name: "n", Data: []byte("a\nb")}
	var b [512]byte
	alloctest.Zero(t, "Send", func() {
		if err := s.Send(e); err != nil {
			t.Error(err)
		}
		if n, err := p.TryRead(b[:]); n == 0 || err != nil {
			t.Error(n, err)
		}
		f.srv.Poll(f.srv.Now())
	})
}
