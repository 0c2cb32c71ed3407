package coaptcp_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// countingSite counts the calls of its handlers.
func countingSite(f *fixture, r *resource.Router) {
	site(f, r)
	handle(f.T, r, "GET /count", func(w resource.Response, _ *resource.Request) error {
		f.calls.Add(1)
		return w.Text(strings.Repeat("c", 500))
	})
	handle(f.T, r, "GET /wait", func(w resource.Response, _ *resource.Request) error {
		f.calls.Add(1)
		<-f.hold
		return w.Text("waited")
	})
}

// hoard takes all output blocks that are free, as slow peers do, and returns a
// function that gives them back.
func (f *fixture) hoard() (free func()) {
	o := &f.Server.Engine().Pool().Outputs
	var taken []pool.Block
	for {
		b, err := o.Get()
		if err != nil {
			break
		}
		taken = append(taken, b)
	}
	return func() {
		for _, b := range taken {
			o.Put(b)
		}
		taken = nil
	}
}

// TestRoomFirst has a request not looked at while there is no room for its answer,
// and be answered as soon as there is.
func TestRoomFirst(t *testing.T) {
	runVirtual(t, world{site: countingSite, cfg: bobtail.Config{Workers: 1, Stash: 1}}, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("0", "hello"))
		c.wantMessage(coap.CodeContent, "0", "Hello, world")
		free := f.hoard()
		// They do not count as slow, however many there are.
		others := make([]*client, 3)
		for i := range others {
			others[i] = f.dial()
			others[i].Send(get("o", "hello"))
		}
		c.Send(get("a", "count") + get("b", "count") + message(coap.CodePing, "p"))
		f.Advance(10 * time.Second)
		if n := f.calls.Load(); n != 0 {
			t.Errorf("%d requests were looked at", n)
		}
		c.wantSilence()
		free()
		f.Advance(50 * time.Millisecond)
		c.wantMessage(coap.CodeContent, "a", strings.Repeat("c", 500))
		c.wantMessage(coap.CodeContent, "b", strings.Repeat("c", 500))
		c.wantMessage(coap.CodePong, "p", "")
		for _, o := range others {
			o.wantMessage(coap.CodeContent, "o", "Hello, world")
		}
	})
}

// TestShares has all workers together not set all blocks aside, so that those of
// the smallest server answer at the same time.
func TestShares(t *testing.T) {
	x := world{site: countingSite, cfg: bobtail.Config{Workers: 8, OutputBlocks: 16, Stash: 1}}
	run(t, x, func(t *testing.T, f *fixture) {
		f.hold = make(chan bool)
		var clients [8]*client
		for i := range clients {
			clients[i] = f.dial()
			clients[i].Send(get("w", "wait"))
		}
		f.Await("all handlers", func() bool { return f.calls.Load() == 8 })
		close(f.hold)
		for _, c := range clients {
			c.wantMessage(coap.CodeContent, "w", "waited")
		}
	})
}

// TestNoRoom has requests answered 5.03 if there is no room for too long, and no
// handler run for them.
func TestNoRoom(t *testing.T) {
	x := world{site: countingSite}
	x.cfg.Timeouts.Held = 5 * time.Second
	x.coap.Busy = 9
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		free := f.hoard()
		defer free()
		c.Send(get("a", "count") + get("b", "count"))
		f.Advance(4900 * time.Millisecond)
		c.wantSilence()
		f.Advance(200 * time.Millisecond)
		for _, token := range []string{"a", "b"} {
			m := c.next()
			if age, _ := m.Options.Uint(coap.OptMaxAge); m.Code != coap.CodeServiceUnavailable || string(m.Token) != token || age != 9 {
				t.Errorf("got %s", show(m))
			}
		}
		if n := f.calls.Load(); n != 0 {
			t.Errorf("%d handlers were called", n)
		}
		if n := f.coap.Stats().Busy; n != 2 {
			t.Errorf("%d counted", n)
		}
	})
}

// TestNotEvenRoom has the connection end if there is no room even for a 5.03, as
// there is none in the network.
func TestNotEvenRoom(t *testing.T) {
	x := world{site: countingSite}
	x.cfg.Timeouts.Held = 5 * time.Second
	x.cfg.OutputBlocks, x.cfg.OutputBlockSize = 8, 2048
	x.mem.Pipe = 100
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		// The pipe is full, and nobody reads.
		c.Send(get("a", "count"))
		f.Settle()
		free := f.hoard()
		defer free()
		for range 20 {
			if err := c.TrySend(get("b", "count")); err != nil {
				break
			}
		}
		f.Advance(40 * time.Second)
		if n := f.coap.Stats().Open; n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}

// TestPartly503 has the connection end if a 5.03 that is tried without room is
// taken in part.
func TestPartly503(t *testing.T) {
	x := world{site: countingSite}
	x.cfg.Timeouts.Held = 5 * time.Second
	x.mem.Pipe = 10
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.connect()
		f.Settle() // the CSM is in the pipe, and nobody reads it
		free := f.hoard()
		defer free()
		c.Send(get("a", "hello"))
		f.Advance(4900 * time.Millisecond)
		if n := f.coap.Stats().Open; n != 1 {
			t.Errorf("%d connections are open before", n)
		}
		f.Advance(200 * time.Millisecond)
		if n := f.coap.Stats().Open; n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}

// TestSlowRoute has what was answered before not wait for a handler that was found
// stuck before, and the handler not run without room.
func TestSlowRoute(t *testing.T) {
	x := world{site: countingSite}
	x.mem.Pipe = 100
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		for i := range 4 {
			f.hold = make(chan bool)
			c.Send(get("w", "wait"))
			f.Await("the handler", func() bool { return f.calls.Load() == int32(i+1) })
			f.Advance(50 * time.Millisecond)
			close(f.hold)
			c.wantMessage(coap.CodeContent, "w", "waited")
		}
		f.hold = make(chan bool)
		c.Send(get("h", "hello") + get("w", "wait"))
		f.Await("the handler", func() bool { return f.calls.Load() == 5 })
		c.wantMessage(coap.CodeContent, "h", "Hello, world")
		close(f.hold)
		c.wantMessage(coap.CodeContent, "w", "waited")

		f.hold = make(chan bool)
		c.Send(get("c", "count") + get("w", "wait"))
		f.Settle()
		if n := f.calls.Load(); n != 6 {
			t.Errorf("%d handlers were called while an answer waits", n)
		}
		c.wantMessage(coap.CodeContent, "c", strings.Repeat("c", 500))
		close(f.hold)
		c.wantMessage(coap.CodeContent, "w", "waited")
	})
}

// TestBusy has requests answered 5.03 with Max-Age while as many handlers run as
// may, and served again when they do not.
func TestBusy(t *testing.T) {
	x := world{site: countingSite}
	x.coap.Handlers, x.coap.Busy = 2, 3
	x.cfg.Workers = 4
	run(t, x, func(t *testing.T, f *fixture) {
		f.hold = make(chan bool)
		var waiting [2]*client
		for i := range waiting {
			waiting[i] = f.dial()
			waiting[i].Send(get("w", "wait"))
		}
		f.Await("both handlers", func() bool { return f.calls.Load() == 2 })
		c := f.dial()
		for range 5 {
			c.Send(get("b", "count"))
			if m := c.next(); m.Code != coap.CodeServiceUnavailable {
				t.Errorf("got %s", show(m))
			}
		}
		c.Send(get("a", "count") + get("n", "nothing"))
		m := c.next()
		if age, _ := m.Options.Uint(coap.OptMaxAge); m.Code != coap.CodeServiceUnavailable || string(m.Token) != "a" || age != 3 {
			t.Errorf("got %s", show(m))
		}
		// What needs no handler is answered.
		if m := c.next(); m.Code != coap.CodeNotFound {
			t.Errorf("got %s", show(m))
		}
		close(f.hold)
		for _, w := range waiting {
			w.wantMessage(coap.CodeContent, "w", "waited")
		}
		c.Send(get("a", "count"))
		c.wantMessage(coap.CodeContent, "a", strings.Repeat("c", 500))
		if n := f.coap.Stats().Busy; n != 6 {
			t.Errorf("%d counted", n)
		}
	})
}

// TestSlowReader has a peer that asks and does not read be asked nothing more of
// our memory than its share, others be served, and nothing of its answers be lost
// when it reads at last.
func TestSlowReader(t *testing.T) {
	x := world{site: countingSite}
	x.mem.Pipe = 600
	const n = 200
	runMemory(t, x, func(t *testing.T, f *fixture) {
		slow, other := f.dial(), f.dial()
		var in strings.Builder
		for i := range n {
			in.WriteString(message(coap.CodeGET, fmt.Sprint(i), coap.OptURIPath, "count"))
		}
		left := in.String()
		f.Settle()
		for {
			k, err := slow.Peer.TryWrite([]byte(left))
			left = left[k:]
			f.Settle()
			if k == 0 || err != nil {
				break
			}
		}
		if k := f.calls.Load(); k > 40 {
			t.Errorf("%d requests were looked at of a peer that does not read", k)
		}
		other.Send(get("o", "hello"))
		other.wantMessage(coap.CodeContent, "o", "Hello, world")
		for i := range n {
			k, _ := slow.Peer.TryWrite([]byte(left))
			left = left[k:]
			slow.wantMessage(coap.CodeContent, fmt.Sprint(i), strings.Repeat("c", 500))
		}
	})
}

// TestNeverReads has a peer that never reads be dropped after its patience.
func TestNeverReads(t *testing.T) {
	x := world{site: countingSite}
	x.mem.Pipe = 600
	x.cfg.Timeouts.Write = 3 * time.Second
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Peer.TryWrite([]byte(strings.Repeat(get("t", "count"), 50)))
		f.Advance(10 * time.Second)
		if n := f.coap.Stats().Open; n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}

// TestSlowReadersGiveWay has those who keep all output blocks and do not read end
// one by one, the one that has stalled longest first, when others find no room;
// who reads, if slowly, stays.
func TestSlowReadersGiveWay(t *testing.T) {
	x := world{site: countingSite}
	x.cfg.OutputBlocks, x.cfg.Stash = 16, 64
	x.mem.Pipe = 2000
	runMemory(t, x, func(t *testing.T, f *fixture) {
		other, reads := f.dial(), f.dial()
		reads.Peer.TryWrite([]byte(strings.Repeat(get("r", "count"), 20)))
		f.Settle()
		for range 20 {
			c := f.dial()
			c.Peer.TryWrite([]byte(strings.Repeat(get("t", "count"), 5)))
			f.Settle()
		}
		if f.Server.Engine().Pool().Outputs.Reserve(1, 0) {
			t.Fatal("there is room left")
		}
		other.Send(get("o", "hello"))
		other.wantSilence()
		for range 4 {
			f.Advance(500 * time.Millisecond)
			reads.wantMessage(coap.CodeContent, "r", strings.Repeat("c", 500))
			reads.wantMessage(coap.CodeContent, "r", strings.Repeat("c", 500))
		}
		f.Advance(300 * time.Millisecond)
		other.wantMessage(coap.CodeContent, "o", "Hello, world")
		if n := f.coap.Stats().Open; n < 10 || n > 21 {
			t.Errorf("%d of 22 connections are open", n)
		}
		reads.wantMessage(coap.CodeContent, "r", strings.Repeat("c", 500))
	})
}

// TestStashFull has the sender that has stalled longest pay when the stash is
// full, and a prompt one be served.
func TestStashFull(t *testing.T) {
	x := plain
	x.cfg.Stash = 3
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		part := post("t", "echo", strings.Repeat("x", 300))[:100]
		stalled := make([]*client, 5)
		for i := range stalled {
			stalled[i] = f.dial()
			stalled[i].Send(part)
			f.Advance(50 * time.Millisecond)
		}
		for _, c := range stalled[:2] {
			c.wantAbort("slow senders")
		}
		for _, c := range stalled[2:] {
			c.Send(post("t", "echo", strings.Repeat("x", 300))[100:])
			c.wantMessage(coap.CodeContent, "t", strings.Repeat("x", 300))
		}
	})
}

// TestNotStalled has a sender not pay whose message is half in the stash, and whom
// we do not read from for want of room for an answer, but one who could go on.
func TestNotStalled(t *testing.T) {
	x := plain
	x.cfg.Stash = 2
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		in := post("t", "echo", strings.Repeat("x", 300))
		waits, slow, c := f.dial(), f.dial(), f.dial()
		for _, o := range []*client{waits, slow} {
			o.Send(in[:100])
			f.Advance(50 * time.Millisecond)
		}
		free := f.hoard()
		waits.Send(in[100:200])
		f.Advance(time.Second)
		free()
		c.Send(in[:100])
		slow.wantAbort("slow senders")
		for o, from := range map[*client]int{waits: 200, c: 100} {
			o.Send(in[from:])
			o.wantMessage(coap.CodeContent, "t", strings.Repeat("x", 300))
		}
	})
}

// TestStuckHandler has a handler that does not come back by its deadline cost its
// connection, by an Abort, and no more; what it does when it comes back is for
// nobody.
func TestStuckHandler(t *testing.T) {
	x := world{site: countingSite}
	x.cfg.Timeouts.Handler = 2 * time.Second
	x.cfg.Workers, x.cfg.Spare, x.cfg.Sockets = 1, 1, 2
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		f.hold = make(chan bool)
		c, other := f.dial(), f.dial()
		c.Send(get("w", "wait"))
		f.Await("the handler", func() bool { return f.calls.Load() == 1 })
		f.Advance(2500 * time.Millisecond)
		c.wantAbort("out of time")
		c.Conn.Close()
		other.Send(get("o", "hello"))
		other.wantMessage(coap.CodeContent, "o", "Hello, world")
		next := f.dial() // it has the slot now
		in := post("n", "echo", strings.Repeat("x", 300))
		next.Send(in[:100])
		f.Settle()
		close(f.hold)
		f.Await("the worker", func() bool { return f.Server.Stats().LostNow == 0 })
		next.Send(in[100:])
		next.wantMessage(coap.CodeContent, "n", strings.Repeat("x", 300))
		other.Send(get("o", "hello"))
		other.wantMessage(coap.CodeContent, "o", "Hello, world")
	})
}

// TestLostRegistrations has nothing be left of what a handler registers for a peer
// who is gone.
func TestLostRegistrations(t *testing.T) {
	x := world{site: func(f *fixture, r *resource.Router) {
		f.topic = r.NewTopic(resource.TopicOptions{})
		site(f, r)
		handle(f.T, r, "GET /topic", func(w resource.Response, r *resource.Request) error {
			f.calls.Add(1)
			<-f.hold
			r.Observe(f.topic)
			r.Later(int64(time.Hour))
			return nil
		})
	}}
	x.cfg.Timeouts.Handler = 2 * time.Second
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		f.hold = make(chan bool)
		c := f.dial()
		c.Send(observe("w"))
		f.Await("the handler", func() bool { return f.calls.Load() == 1 })
		f.Advance(2500 * time.Millisecond)
		c.wantAbort("out of time")
		close(f.hold)
		f.Await("the worker", func() bool { return f.Server.Stats().LostNow == 0 })
		if n := f.topic.Len(); n != 0 {
			t.Errorf("%d observe", n)
		}
	})
}

// TestTwoConnections has two that pipeline at the same time get what is theirs.
func TestTwoConnections(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		var clients [2]*client
		for i := range clients {
			clients[i] = f.dial()
		}
		for round := range 30 {
			for i, c := range clients {
				in := ""
				for k := range 10 {
					in += post(fmt.Sprint(k), "echo", fmt.Sprint("client ", i, " round ", round, " ", k))
				}
				c.Send(in)
			}
			for i, c := range clients {
				for k := range 10 {
					c.wantMessage(coap.CodeContent, fmt.Sprint(k), fmt.Sprint("client ", i, " round ", round, " ", k))
				}
			}
		}
	})
}

// TestFaultyNetwork has exchanges work over a network that does all that it may.
func TestFaultyNetwork(t *testing.T) {
	for seed := range uint64(20) {
		x := plain
		x.mem = memory.Config{Seed: seed, Pipe: 200 + int(seed)*50, Lanes: 1 + int(seed%2), Holds: int(seed%3) * 300}
		x.mem.Faults = memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 100}
		runMemory(t, x, func(t *testing.T, f *fixture) {
			c := f.dial()
			for round := range 5 {
				payload := strings.Repeat(fmt.Sprint(round), 400)
				c.Send(post("a", "echo", payload))
				c.wantMessage(coap.CodeContent, "a", payload)
				c.Send(get("b", "hello") + post("c", "echo", payload))
				c.wantMessage(coap.CodeContent, "b", "Hello, world")
				c.wantMessage(coap.CodeContent, "c", payload)
			}
		})
	}
}

// TestBlocks has 1 MB go up and down with 4 KB for the only worker.
func TestBlocks(t *testing.T) {
	large := servertest.Pattern(1 << 20)
	var sum atomic.Uint64
	x := world{cfg: bobtail.Config{Workers: 1, WorkerMemory: 4096, Stash: 4, OutputBlocks: 16, OutputBlockSize: 512}}
	x.site = func(f *fixture, r *resource.Router) {
		site(f, r)
		handle(f.T, r, "GET /large", func(w resource.Response, _ *resource.Request) error {
			return w.Source(coap.FormatOctets, source(large))
		})
		if err := r.Add(resource.Route{Pattern: "PUT /large", Data: func(w resource.Response, _ *resource.Request, p resource.Part) error {
			for i, c := range p.P {
				if c != large[p.Offset+uint64(i)] {
					return resource.ErrBadRequest
				}
			}
			sum.Add(uint64(len(p.P)))
			return nil
		}}); err != nil {
			f.T.Fatal(err)
		}
	}
	run(t, x, func(t *testing.T, f *fixture) {
		sum.Store(0)
		c := f.dial()
		c.Send(csm(coap.Settings{MaxMessage: 1 << 20, BlockWise: true}))
		var down []byte
		for more := true; more; {
			b := coap.Block{Num: uint32(len(down) >> 10), SZX: 6}
			c.Send(message(coap.CodeGET, "d", coap.OptURIPath, "large", coap.OptBlock2, int(b.Uint())))
			m := c.next()
			v, _ := m.Options.Get(coap.OptBlock2)
			got, err := coap.ParseBlock(v)
			if m.Code != coap.CodeContent || err != nil || got.Offset() != uint64(len(down)) {
				t.Fatalf("got %s", show(m))
			}
			down = append(down, m.Payload...)
			more = got.More
		}
		if string(down) != string(large) {
			t.Errorf("%d bytes came", len(down))
		}
		for off := 0; off < len(large); off += 1024 {
			b := coap.Block{Num: uint32(off >> 10), SZX: 6, More: off+1024 < len(large)}
			c.Send(message(coap.CodePUT, "u", coap.OptURIPath, "large", coap.OptBlock1, int(b.Uint()), string(large[off:off+1024])))
			want := coap.CodeContinue
			if !b.More {
				want = coap.CodeChanged
			}
			if m := c.next(); m.Code != want {
				t.Fatalf("at %d: %s", off, show(m))
			}
		}
		if n := sum.Load(); n != 1<<20 {
			t.Errorf("%d bytes went", n)
		}
	})
}

type source []byte

func (s source) Size() int64 { return int64(len(s)) }

func (s source) ReadAt(p []byte, off int64) (int, error) { return copy(p, s[off:]), nil }
