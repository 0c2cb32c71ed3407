package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

func TestPollEchoes(t *testing.T) {
	for _, mem := range []memory.Config{{}, {Holds: 600}, {Lanes: 2}, {Pipe: 7}} {
		c := usual()
		c.mem = mem
		f := polls(t, c)
		a, b := f.connect(), f.connect()
		a.echo("one")
		b.echo("two")
		a.send("in ")
		b.send("half")
		a.wantNothing()
		a.send("parts\nand two at once\nand half ")
		b.want("")
		a.want("in parts\nand two at once\n")
		a.send("a line\n")
		a.want("and half a line\n")
		b.send("\n")
		b.want("half\n")
		b.conn.CloseWrite()
		b.wantEnd("")
		a.conn.Close()
		f.quiet()
		f.count("closed", uint64(f.e.Stats().Open), 0)
	}
}

// TestHalfClose answers what came before the peer's end.
func TestHalfClose(t *testing.T) {
	c := usual()
	c.mem.Pipe = 100
	f := polls(t, c)
	a := f.connect()
	a.send("one\ntwo\nstatic 1000\nthree\nnever ended")
	a.conn.CloseWrite()
	a.wantEnd("one\ntwo\n" + string(static[:1000]) + "three\n")
}

// phases brings a connection into each phase, in a network whose pipes hold
// few bytes.
var phases = []struct {
	name     string
	phase    engine.Phase
	patience int64
	enter    func(c *client)
	more     func(c *client) // what a peer may send that does not move the deadline
	want     string          // what the peer gets in the end
	reset    bool
}{
	{name: "nothing received yet", phase: engine.PhaseOpen, patience: usual().Patience.Open, enter: func(c *client) {}},
	{name: "between requests", phase: engine.PhaseIdle, patience: usual().Patience.Idle, enter: func(c *client) { c.echo("x") }},
	{name: "a head has begun", phase: engine.PhaseHead, patience: usual().Patience.Head, enter: func(c *client) { c.send("be") },
		more: func(c *client) { c.send("g") }, want: "farewell timeout\n"},
	{name: "a head has begun after a request", phase: engine.PhaseHead, patience: usual().Patience.Head, enter: func(c *client) { c.echo("x"); c.send("be") },
		more: func(c *client) { c.send("g") }, want: "farewell timeout\n"},
	{name: "content is missing", phase: engine.PhaseBody, patience: usual().Patience.Body, enter: func(c *client) { c.send("body 10\nxxx") }, want: "farewell timeout\n"},
	{name: "output is not taken", phase: engine.PhaseWrite, patience: usual().Patience.Write, enter: func(c *client) { c.send("static 5000\n") }, reset: true},
	{name: "the peer does not end", phase: engine.PhaseDrain, patience: usual().Patience.Drain, enter: func(c *client) { c.send("linger\n"); c.f.settle(); c.want("linger\n") }},
	{name: "the peer does not end, and sends on", phase: engine.PhaseDrain, patience: usual().Patience.Drain, enter: func(c *client) { c.send("linger\n"); c.f.settle(); c.want("linger\n") },
		more: func(c *client) { c.send("and on") }},
}

// TestDeadlines lets each phase last: never less than its patience, and at
// most a tick more.
func TestDeadlines(t *testing.T) {
	for _, tt := range phases {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			c.mem.Pipe = 1000
			f := polls(t, c)
			peer, _ := f.open()
			other, _ := f.open() // is not disturbed
			other.echo("other")
			tt.enter(peer)
			f.settle()
			if s := f.e.Stats(); s.Open != 2 || s.Parked != 2 {
				t.Fatalf("%d of %d are parked", s.Parked, s.Open)
			}
			f.advance(tt.patience / 2)
			if tt.more != nil {
				tt.more(peer)
			}
			other.send("par")
			f.settle()
			other.send("t\n")
			other.want("part\n")
			f.advance(tt.patience/2 - 1)
			if n := f.e.Stats().Open; n != 2 {
				t.Fatalf("%d connections are open before the deadline, want 2", n)
			}
			f.advance(poolTick)
			if tt.want != "" {
				peer.wantEnd(tt.want)
				if n := f.e.Stats().Open; n != 2 {
					t.Errorf("%d connections are open, want 2: the peer has not ended yet", n)
				}
				f.advance(f.e.Patience().Drain + poolTick)
			} else if tt.reset {
				peer.wantReset()
			}
			s := f.e.Stats()
			if s.Open != 1 {
				t.Errorf("%d connections are open after the deadline, want the other one", s.Open)
			}
			for ph, n := range s.Timeouts {
				want := uint64(0)
				if engine.Phase(ph) == tt.phase || tt.want != "" && engine.Phase(ph) == engine.PhaseDrain {
					want = 1
				}
				f.count("timeouts of phase "+engine.Phase(ph).String(), n, want)
			}
			other.echo("still here")
		})
	}
}

// TestFarewellReachesWhoSendsOn has a slow sender get its farewell though it
// sends on, since what it sends is read until its end.
func TestFarewellReachesWhoSendsOn(t *testing.T) {
	f := polls(t, usual())
	a := f.connect()
	a.send("half")
	f.advance(f.e.Patience().Head + poolTick)
	a.send(" and more")
	f.settle()
	a.wantEnd("farewell timeout\n")
	a.send(" and more")
	f.settle()
	a.conn.CloseWrite()
	f.quiet()
	f.count("open", uint64(f.e.Stats().Open), 0)
	f.count("timeouts of the drain", f.e.Stats().Timeouts[engine.PhaseDrain], 0)
}

// TestDrainIsBounded resets who sends without end after our end.
func TestDrainIsBounded(t *testing.T) {
	c := usual()
	c.mem.Pipe = 1 << 20
	f := polls(t, c)
	a := f.connect()
	a.send("linger\n")
	a.want("linger\n")
	a.wantEnd("")
	flood := strings.Repeat("x", engine.LingerLimit/2)
	a.send(flood)
	f.settle()
	a.send(flood)
	f.settle()
	f.count("open", uint64(f.e.Stats().Open), 1)
	a.send("x")
	f.settle()
	f.count("open", uint64(f.e.Stats().Open), 0)
}

// TestBodyRate sends a body at some speeds: the deadline moves on with what is
// received, as far as the rate allows.
func TestBodyRate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		size  int   // of the body
		piece int   // bytes at once
		every int64 // nanoseconds
		ok    bool
	}{
		{"twice the rate", 60000, 200, second / 10, true},
		{"just above the rate", 60000, 101, second / 10, true},
		{"half the rate", 60000, 50, second / 10, false},
		{"short enough for the grace", 300, 50, second, true},
		{"byte by byte, prompt", 3000, 1, 10 * millisecond, true},
		{"byte by byte, slow", 3000, 1, second / 10, false},
		{"in one piece after a pause", 5000, 5000, 6 * second, true},
		{"in two pieces with long pauses", 2, 1, 8 * second, false},
	} {
		f := polls(t, usual())
		a := f.connect()
		a.send(fmt.Sprintf("body %d\n", tt.size))
		f.settle()
		sent := 0
		for sent < tt.size && f.e.Stats().Timeouts[engine.PhaseBody] == 0 {
			f.advance(tt.every)
			if f.e.Stats().Timeouts[engine.PhaseBody] == 0 {
				a.send(strings.Repeat("x", min(tt.piece, tt.size-sent)))
			}
			sent += tt.piece
			f.settle()
		}
		if tt.ok {
			a.want(fmt.Sprintf("body %d\n", tt.size))
			a.echo("and on")
		} else {
			a.wantEnd("farewell timeout\n")
			if sent >= tt.size {
				t.Errorf("%s: all was sent", tt.name)
			}
		}
	}
}

// TestWriteRate takes an answer at some speeds.
func TestWriteRate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		size  int
		piece int
		every int64
		ok    bool
	}{
		{"twice the rate", 60000, 200, second / 10, true},
		{"half the rate", 60000, 50, second / 10, false},
		{"not at all", 60000, 0, second, false},
		{"with pauses", 10000, 5000, 4 * second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := usual()
			c.mem.Pipe = 100
			f := polls(t, c)
			a := f.connect()
			p := a.conn.(*memory.Peer)
			a.send(fmt.Sprintf("static %d\nafter\n", tt.size))
			f.settle()
			var got []byte
			for end := f.net.Now() + 200*second; f.net.Now() < end && len(got) < tt.size+6 && f.e.Stats().Timeouts[engine.PhaseWrite] == 0; {
				f.advance(tt.every)
				for left := tt.piece; left > 0; f.settle() {
					b := make([]byte, min(left, 50))
					n, err := p.TryRead(b)
					if got = append(got, b[:n]...); err != nil {
						break
					}
					left -= n
				}
			}
			if tt.ok {
				if string(got) != string(static[:tt.size])+"after\n" {
					t.Errorf("got %d bytes of %d, or others", len(got), tt.size)
				}
				a.echo("and on")
			} else {
				a.wantReset()
				f.count("timeouts", f.e.Stats().Timeouts[engine.PhaseWrite], 1)
			}
		})
	}
}

// TestNothingIsReadBehindOutput is how a peer that never reads cannot fill our
// memory: its requests are not read either.
func TestNothingIsReadBehindOutput(t *testing.T) {
	c := usual()
	c.mem.Pipe = 1000
	f := polls(t, c)
	a := f.connect()
	p := a.conn.(*memory.Peer)
	for range 100 {
		p.TryWrite([]byte("copy 300\n"))
		f.settle()
	}
	if n := p.Unread(); n < 300 {
		t.Errorf("%d bytes wait to be read, want most of what fits", n)
	}
	if n := f.e.Stats().OutputBlocks; n > 4 {
		t.Errorf("%d blocks for one peer", n)
	}
	a.want(string(static[:150]))
}

// TestDeadlineIsNotRenewed by what happens to a connection that is parked
// again in the phase that it was in.
func TestDeadlineIsNotRenewed(t *testing.T) {
	f := polls(t, usual())
	a, h := f.open()
	a.echo("x")
	for range 5 {
		f.advance(f.e.Patience().Idle / 6)
		if err := f.e.Push(h, nil, []byte("push\n"), 0, engine.DropNewest); err != nil {
			t.Fatal(err)
		}
		if err := f.e.Wake(h); err != nil {
			t.Fatal(err)
		}
		a.want("push\n")
	}
	f.advance(f.e.Patience().Idle/6 + poolTick)
	a.wantEnd("")
}

// TestLongHandlerCountsAgainstNobody lets a handler take longer than the peer
// may idle: the phase that follows begins when the handler returns.
func TestLongHandlerCountsAgainstNobody(t *testing.T) {
	c := usual()
	c.Patience.Idle = 2 * second
	f := polls(t, c)
	a, _ := f.open()
	g := f.d.gate("g")
	g.pass()
	f.d.slow = func() { f.net.Advance(10 * second) }
	a.send("block g\n")
	a.want("done g\n")
	f.advance(2*second - poolTick)
	f.d.slow = nil
	a.echo("in time")
}

func TestPollTellsWhen(t *testing.T) {
	f := polls(t, usual())
	next, err := f.e.Poll(f.net.Now())
	if err != nil || next != transport.Forever {
		t.Errorf("Poll of an engine without connections = %d, %v, want Forever", next, err)
	}
	f.open()
	now := f.net.Now()
	next, err = f.e.Poll(now)
	if want := now + f.e.Patience().Open; err != nil || next < want || next >= want+poolTick {
		t.Errorf("Poll = %d, %v, want %d", next, err, want)
	}
	if err := f.e.Start(); err != engine.ErrRunning {
		t.Errorf("Start after Poll = %v", err)
	}
	if _, err := f.e.Poll(now); err != nil {
		t.Errorf("Poll after Start = %v", err)
	}
}

// TestWaitHearsPushes from other goroutines, since nobody else does.
func TestWait(t *testing.T) {
	f := polls(t, usual())
	a, h := f.open()
	if err := f.e.Wait(f.net.Now()); err != nil {
		t.Fatal(err)
	}
	a.send("x\n")
	if err := f.e.Wait(transport.Forever); err != nil { // ends at once
		t.Fatal(err)
	}
	a.want("x\n")
	go f.e.Wake(h)
	before := f.d.served.Load()
	for f.d.served.Load() == before {
		if err := f.e.Wait(transport.Forever); err != nil {
			t.Fatal(err)
		}
		f.e.Poll(f.net.Now())
	}
}

func TestWaitNeedsOneLane(t *testing.T) {
	c := usual()
	c.mem.Lanes = 2
	f := polls(t, c)
	if err := f.e.Wait(f.net.Now()); err != engine.ErrLanes {
		t.Errorf("Wait = %v", err)
	}
}
