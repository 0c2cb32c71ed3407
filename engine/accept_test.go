package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// crowded is a configuration with few slots.
func crowded(slots int, a engine.Admission) config {
	c := usual()
	c.Pool.Slots, c.Admission = slots, a
	if a == engine.AdmitRefuse {
		c.Pool.Slots++
		c.Reserve = 1
	}
	return c
}

// idleFor makes a client idle, a second after the last.
func (f *fixture) idleFor() *client {
	f.t.Helper()
	c, _ := f.open()
	c.echo("x")
	f.advance(second)
	return c
}

// TestEvictLongestIdle closes the connections that are idle for longest, one
// for each client, and no other.
func TestEvictLongestIdle(t *testing.T) {
	f := polls(t, crowded(4, engine.AdmitEvict))
	var cs []*client
	for range 4 {
		cs = append(cs, f.idleFor())
	}
	cs[0].echo("used again")
	f.advance(second)
	order := []int{1, 2, 3, 0}
	for i, k := range order {
		c := f.connect()
		c.echo("new")
		cs[k].wantEnd("")
		f.count("evicted", f.e.Stats().Evicted, uint64(i+1))
		f.count("open", uint64(f.e.Stats().Open), 4)
		f.advance(second)
		cs = append(cs, c)
	}
}

// TestEvictNobodyForNobody evicts only when a client waits.
func TestEvictNobodyForNobody(t *testing.T) {
	f := polls(t, crowded(4, engine.AdmitEvict))
	for range 4 {
		f.idleFor()
	}
	f.e.AcceptNow(0) // as upon an event that is spurious
	f.settle()
	f.count("evicted", f.e.Stats().Evicted, 0)
	f.count("open", uint64(f.e.Stats().Open), 4)
	c := f.connect()
	c.conn.Reset() // gone before it is accepted
	f.settle()
	f.count("evicted", f.e.Stats().Evicted, 0)
}

// TestEvictOnlyIdle has clients wait outside while nobody is idle, and lets
// them in as soon as somebody is, or leaves.
func TestEvictOnlyIdle(t *testing.T) {
	for _, tt := range []struct {
		name string
		busy func(c *client)
		free func(f *fixture, c *client)
	}{
		{"one goes idle", func(c *client) { c.send("half") }, func(f *fixture, c *client) { c.send("\n") }},
		{"one leaves", func(c *client) { c.send("half") }, func(f *fixture, c *client) { c.conn.Close() }},
		{"one is too slow", func(c *client) { c.send("half") }, func(f *fixture, c *client) {
			f.advance(f.e.Patience().Head + f.e.Patience().Drain + 2*poolTick)
		}},
		{"one has received nothing, and does", func(c *client) {}, func(f *fixture, c *client) { c.send("x\n") }},
		{"one takes its output", func(c *client) { c.send("static 100000\n") }, func(f *fixture, c *client) { c.want(string(static[:100000])) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := polls(t, crowded(2, engine.AdmitEvict))
			var cs []*client
			for range 2 {
				c, _ := f.open()
				tt.busy(c)
				f.settle()
				cs = append(cs, c)
			}
			late := f.connect()
			late.send("late\n")
			late.wantNothing()
			if n := f.e.Armed(); n != 0 {
				t.Errorf("%d listeners are armed while nobody can be let in", n)
			}
			f.count("open", uint64(f.e.Stats().Open), 2)
			tt.free(f, cs[1])
			late.want("late\n")
		})
	}
}

// TestEvictWhilePushed has somebody push to the only idle connection just when
// a client looks for a place: when the push is done, the client is let in.
func TestEvictWhilePushed(t *testing.T) {
	c := crowded(1, engine.AdmitEvict)
	net := memory.New(memory.Config{})
	b := &hooked{Network: net}
	f := newFixture(t, c, b)
	f.net, f.polled = net, true
	f.dial = func() (conn, error) { return net.Connect(f.addr) }
	defer f.end()
	a, h := f.open()
	a.echo("x")
	late := f.connect()
	late.send("late\n")
	b.send = func() {
		b.send = nil
		f.e.AcceptNow(0)
	}
	if err := f.e.Push(h, nil, []byte("push\n"), 0, engine.DropNewest); err != nil {
		t.Fatal(err)
	}
	late.want("late\n")
	a.wantEnd("push\n")
}

// hooked is a network that tells of each Send before it is made.
type hooked struct {
	*memory.Network
	send func()
}

func (b *hooked) Send(s transport.Stream, bufs [][]byte) (int, error) {
	if b.send != nil {
		b.send()
	}
	return b.Network.Send(s, bufs)
}

// TestWait leaves clients outside until a slot is free.
func TestAdmitWait(t *testing.T) {
	f := polls(t, crowded(2, engine.AdmitWait))
	a, b := f.idleFor(), f.idleFor()
	late := f.connect()
	late.send("late\n")
	later := f.connect()
	later.send("later\n")
	f.advance(10 * second)
	late.wantNothing()
	if n := f.e.Armed(); n != 0 {
		t.Errorf("%d listeners are armed while nobody can be let in", n)
	}
	f.count("open", uint64(f.e.Stats().Open), 2)
	a.conn.Close()
	late.want("late\n")
	later.wantNothing()
	b.send("bye\n")
	b.wantEnd("bye\n")
	later.want("later\n")
	f.count("evicted", f.e.Stats().Evicted, 0)
	f.count("refused", f.e.Stats().Refused, 0)
}

// TestRefuse tells clients to come back later, and keeps the places of the
// others for others.
func TestAdmitRefuse(t *testing.T) {
	f := polls(t, crowded(2, engine.AdmitRefuse))
	a, b := f.idleFor(), f.idleFor()
	no := f.connect()
	no.send("let me in\n")
	no.wantEnd("farewell refused\n")
	f.count("refused", f.e.Stats().Refused, 1)
	// The reserve is taken, as long as its client does not end: the next waits.
	next := f.connect()
	next.wantNothing()
	a.conn.Close()
	next.echo("in a place that was free")
	third := f.connect()
	third.wantNothing()
	no.conn.Close()
	third.wantEnd("farewell refused\n")
	b.echo("not disturbed")
	// One that stays is closed in the end.
	f.advance(f.e.Patience().Drain + poolTick)
	f.count("open", uint64(f.e.Stats().Open), 2)
	fourth := f.connect()
	fourth.wantEnd("farewell refused\n")
	// Refused clients never have more than the reserve.
	b.conn.Close()
	f.settle()
	fifth := f.connect()
	fifth.echo("in")
}

// TestRefuseKeepsNothing refuses many, one after the other.
func TestRefuseKeepsNothing(t *testing.T) {
	f := polls(t, crowded(1, engine.AdmitRefuse))
	a := f.idleFor()
	for range 50 {
		no := f.connect()
		no.send("some bytes\n")
		no.wantEnd("farewell refused\n")
		no.conn.Close()
		f.settle()
	}
	f.count("open", uint64(f.e.Stats().Open), 1)
	f.count("refused", f.e.Stats().Refused, 50)
	a.echo("not disturbed")
}

// TestPerAddress caps the connections of one address.
func TestPerAddress(t *testing.T) {
	c := usual()
	c.Pool.PerAddress = 2
	f := polls(t, c)
	from := func(a, b byte) *client {
		n, err := f.net.ConnectFrom(transport.IPv4(192, 0, a, b, 1000), f.addr)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{f: f, conn: n}
		f.conns = append(f.conns, c)
		return c
	}
	one, two, three := from(2, 1), from(2, 1), from(2, 1)
	one.echo("x")
	two.echo("x")
	three.wantEnd("farewell refused\n")
	other := from(2, 2)
	other.echo("x")
	f.count("over address", f.e.Stats().OverAddress, 1)
	one.conn.Close()
	f.settle()
	from(2, 1).echo("x")
	from(2, 1).wantEnd("farewell refused\n")
	f.count("over address", f.e.Stats().OverAddress, 2)
}

// TestAcceptInBatches accepts more clients than there are in a batch.
func TestAcceptInBatches(t *testing.T) {
	c := usual()
	c.Pool.Slots = 3 * engine.AcceptBatch
	c.mem.Backlog = 3 * engine.AcceptBatch
	everywhere(t, c, func(f *fixture) {
		var cs []*client
		for range c.Pool.Slots {
			cs = append(cs, f.connect())
		}
		for i, c := range cs {
			c.echo(fmt.Sprint(i))
		}
		f.count("accepted", f.e.Stats().Accepted, uint64(c.Pool.Slots))
	})
}

// TestOutOfDescriptors rests until a stream is closed, or somebody else frees
// one, and does not spin.
func TestOutOfDescriptors(t *testing.T) {
	c := usual()
	c.mem.Streams = 2
	f := polls(t, c)
	var events []engine.EventKind
	f.log = func(ev engine.Event) { events = append(events, ev.Kind) }
	a, b := f.idleFor(), f.idleFor()
	late := f.connect()
	late.send("late\n")
	late.wantNothing()
	if n := f.e.Armed(); n != 0 {
		t.Errorf("%d listeners are armed though there is no descriptor", n)
	}
	f.advance(second)
	n := 0
	for _, k := range events {
		if k == engine.EventAccept {
			n++
		}
	}
	if most := int(second/engine.StarvedTime) + 1; n < 2 || n > most {
		t.Errorf("in a second accepting was tried %d times, want at most %d", n, most)
	}
	a.conn.Close()
	late.want("late\n")
	b.echo("not disturbed")
}

func TestListeners(t *testing.T) {
	c := usual()
	c.Pool.Slots = 40
	f := polls(t, c)
	addrs := []transport.Addr{f.addr}
	for range engine.MaxListeners - 1 {
		a, err := f.e.Listen(transport.IPv4(127, 0, 0, 1, 0), f.d.number)
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, a)
	}
	if _, err := f.e.Listen(transport.IPv4(127, 0, 0, 1, 0), f.d.number); err != engine.ErrFull {
		t.Errorf("Listen on too many: %v", err)
	}
	if _, err := f.e.Listen(addrs[0], f.d.number); err == nil {
		t.Error("Listen on an address that is taken succeeds")
	}
	for i, a := range addrs {
		f.addr = a
		c, h := f.open()
		c.echo("x")
		if got := int(f.e.Pool().Slot(h.Index()).Listener); got != i {
			t.Errorf("listener %d, want %d", got, i)
		}
	}
}

// TestDial adopts streams that we open, and serves them as the others.
func TestDial(t *testing.T) {
	f := polls(t, usual())
	l, err := f.net.ListenPeer(transport.IPv4(127, 0, 0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	h, err := f.e.Dial(l.Addr(), f.d.number)
	if err != nil {
		t.Fatal(err)
	}
	f.settle()
	p, err := l.TryAccept()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{f: f, conn: p}
	f.conns = append(f.conns, c)
	c.echo("hello")
	if err := f.e.Push(h, nil, []byte("push\n"), 0, engine.DropNewest); err != nil {
		t.Fatal(err)
	}
	c.want("push\n")
	f.count("dialled", f.e.Stats().Dialled, 1)
	f.count("accepted", f.e.Stats().Accepted, 0)
	c.conn.Close()
	f.settle()
	if err := f.e.Push(h, nil, []byte("push\n"), 0, engine.DropNewest); err != pool.ErrStale {
		t.Errorf("Push to a connection that is over = %v", err)
	}
}

// TestDialBeforeConnected pushes and wakes before the stream is connected.
func TestDialBeforeConnected(t *testing.T) {
	c := usual()
	c.mem.Backlog = 1
	f := polls(t, c)
	l, err := f.net.ListenPeer(transport.IPv4(127, 0, 0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := f.net.Connect(l.Addr()) // takes the place in the backlog
	h, err := f.e.Dial(l.Addr(), f.d.number)
	if err != nil {
		t.Fatal(err)
	}
	f.settle()
	for i := range 3 {
		if err := f.e.Push(h, nil, fmt.Appendf(nil, "push %d\n", i), 0, engine.DropNewest); err != nil {
			t.Fatal(err)
		}
		f.e.Wake(h)
		f.settle()
	}
	l.TryAccept()
	f.settle()
	p, err := l.TryAccept()
	if err != nil {
		t.Fatal(err)
	}
	c2 := &client{f: f, conn: p}
	f.conns = append(f.conns, c2, &client{f: f, conn: first})
	c2.want("push 0\npush 1\npush 2\n")
	c2.echo("hello")
}

func TestDialErrors(t *testing.T) {
	c := usual()
	c.Pool.Slots, c.Reserve, c.Admission = 3, 1, engine.AdmitRefuse
	f := polls(t, c)
	// Refused: the driver finds out by its first Receive.
	free := transport.IPv4(127, 0, 0, 1, 9)
	h, err := f.e.Dial(free, f.d.number)
	if err == nil {
		f.settle()
		if st, now := f.e.Pool().StateAt(h.Index()); now == h && st != pool.Free {
			t.Errorf("a stream that was refused is %v", st)
		}
	}
	f.count("open", uint64(f.e.Stats().Open), 0)
	l, _ := f.net.ListenPeer(transport.IPv4(127, 0, 0, 1, 0))
	for range 2 {
		if _, err := f.e.Dial(l.Addr(), f.d.number); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.e.Dial(l.Addr(), f.d.number); err != engine.ErrFull {
		t.Errorf("Dial into the reserve = %v, want %v", err, engine.ErrFull)
	}
	f.e.Shutdown()
	if _, err := f.e.Dial(l.Addr(), f.d.number); err != engine.ErrClosing {
		t.Errorf("Dial after Shutdown = %v, want %v", err, engine.ErrClosing)
	}
	if _, err := f.e.Listen(transport.IPv4(127, 0, 0, 1, 0), f.d.number); err != engine.ErrClosing {
		t.Errorf("Listen after Shutdown = %v, want %v", err, engine.ErrClosing)
	}
}

// TestDialTimeout is how long a peer may take to answer.
func TestDialTimeout(t *testing.T) {
	c := usual()
	c.mem.Backlog = 1
	f := polls(t, c)
	l, _ := f.net.ListenPeer(transport.IPv4(127, 0, 0, 1, 0))
	first, _ := f.net.Connect(l.Addr())
	defer first.Close()
	if _, err := f.e.Dial(l.Addr(), f.d.number); err != nil {
		t.Fatal(err)
	}
	f.advance(f.e.Patience().Open - 1)
	f.count("open", uint64(f.e.Stats().Open), 1)
	f.advance(poolTick)
	f.count("open", uint64(f.e.Stats().Open), 0)
	f.count("timeouts", f.e.Stats().Timeouts[engine.PhaseOpen], 1)
}

// TestStashVictim has the sender that has stalled longest pay for a block.
func TestStashVictim(t *testing.T) {
	c := usual()
	c.Pool.Stash = 2
	f := polls(t, c)
	half := func(text string) *client {
		c, _ := f.open()
		c.send(text)
		f.advance(second)
		return c
	}
	body := half("body 1000\n")
	a, b := half("a"), half("b")
	body.send("x") // needs no block
	f.settle()
	d := half("d")
	a.wantEnd("farewell stalled\n")
	f.count("stalled", f.e.Stats().Stalled, 1)
	b.send("b\n")
	b.want("bb\n")
	d.send("\n")
	d.want("d\n")
	body.send(strings.Repeat("x", 999))
	body.want("body 1000\n")
}

// TestLingeringKeepsNoStash gives the block of one that is told to go to
// others at once.
func TestLingeringKeepsNoStash(t *testing.T) {
	c := usual()
	c.Pool.Stash = 1
	f := polls(t, c)
	a, _ := f.open()
	a.send("half")
	f.advance(f.e.Patience().Head + poolTick)
	a.wantEnd("farewell timeout\n") // and drains
	b, _ := f.open()
	b.send("half")
	f.settle()
	b.send(" a line\n")
	b.want("half a line\n")
	f.count("stalled", f.e.Stats().Stalled, 0)
}

// TestEventsAreLogged tells the hook what happens.
func TestEventsAreLogged(t *testing.T) {
	f := polls(t, crowded(1, engine.AdmitEvict))
	var got []string
	f.log = func(ev engine.Event) { got = append(got, ev.Kind.String()) }
	a := f.idleFor()
	b := f.idleFor()
	a.wantEnd("")
	b.send("half")
	f.advance(f.e.Patience().Head + poolTick)
	b.wantEnd("farewell timeout\n")
	b.conn.Close()
	f.settle()
	c, h := f.open()
	f.e.Kill(h)
	f.settle()
	c.wantReset()
	want := []string{"accepted", "evicted", "accepted", "timeout", "closed", "accepted", "aborted"}
	if !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}
