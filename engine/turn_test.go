package engine_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// pourer is a driver that answers each byte with much more than a turn, of
// which it keeps nothing anywhere.
type pourer struct {
	total int // bytes of an answer
	turn  int // bytes of a turn
	fd    uintptr
	order []int // indices of the slots that were served
	gone  int
}

type pourState struct{ left uint32 }

func (d *pourer) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	st := pool.StateOf[pourState](s)
	if st.left == 0 {
		var b [1]byte
		if n, err := w.Receive(s, b[:]); err == transport.ErrWouldBlock {
			return engine.Park
		} else if n == 0 {
			return engine.Finish
		}
		st.left = uint32(d.total)
		s.Phase = uint8(engine.PhaseBusy)
	}
	d.order = append(d.order, w.Engine().Pool().Index(s))
	var n, want int
	var err error
	if want = min(d.turn, int(st.left)); d.fd != 0 {
		n, err = w.SendFile(s, nil, d.fd, int64(d.total)-int64(st.left), want)
	} else {
		at := d.total - int(st.left)
		half := want / 2
		n, err = w.SendNow(s, static[at:at+half], static[at+half:at+want])
	}
	st.left -= uint32(n)
	switch {
	case err != nil:
		return engine.Abort
	case n < want:
		return engine.Await
	case st.left > 0:
		return engine.Again
	}
	s.Phase = uint8(engine.PhaseBusy)
	return engine.Again // to look for more
}

func (d *pourer) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte { return dst }
func (d *pourer) Gone(*pool.Slot, pool.Handle)                             { d.gone++ }

// pours is a fixture with a pourer.
func pours(t *testing.T, c config, d *pourer) (f *fixture, dial func() *memory.Peer) {
	f = polls(t, c)
	number := f.e.AddDriver(d)
	addr, err := f.e.Listen(transport.IPv4(127, 0, 0, 1, 0), number)
	if err != nil {
		t.Fatal(err)
	}
	return f, func() *memory.Peer {
		p, err := f.net.Connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
}

// TestTurns has drivers that have much to send, and stop after a part of it:
// each gets its turn, and none a second before the others.
func TestTurns(t *testing.T) {
	for _, asFile := range []bool{false, true} {
		c := usual()
		c.mem.Pipe = 1 << 20
		d := &pourer{total: 100_000, turn: 10_000}
		f, dial := pours(t, c, d)
		if asFile {
			d.fd = f.net.AddFile(bytes.NewReader(static[:d.total]))
		}
		peers := []*memory.Peer{dial(), dial(), dial()}
		poll := func() int64 {
			next, err := f.e.Poll(f.net.Now())
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		poll()
		d.order = nil
		for _, p := range peers {
			p.TryWrite([]byte("x"))
		}
		for poll() <= f.net.Now() {
		}
		if len(d.order) != 30 {
			t.Fatalf("%d turns: %v", len(d.order), d.order)
		}
		for turn := range slices.Chunk(d.order, 3) {
			slices.Sort(turn)
			if !slices.Equal(turn, []int{0, 1, 2}) {
				t.Errorf("turns: %v", d.order)
				break
			}
		}
		for _, p := range peers {
			got := make([]byte, d.total+1)
			if n, _ := p.TryRead(got); n != d.total || !bytes.Equal(got[:n], static[:n]) {
				t.Errorf("%d bytes", n)
			}
		}
		if s := f.e.Stats(); s.Sent != 300_000 || s.OutputBlocks != 0 {
			t.Errorf("%d bytes sent, %d blocks", s.Sent, s.OutputBlocks)
		}
	}
}

// TestAwait has peers that are slow to take what the driver sends: the deadline
// is moved by what they take, and by nothing else.
func TestAwait(t *testing.T) {
	for _, tt := range []struct {
		name string
		take int // bytes a second; the rate is 1000
		fail bool
	}{
		{"stalls", 0, true}, {"slow", 500, true}, {"prompt", 1500, false},
	} {
		c := usual()
		c.mem.Pipe = 2000
		d := &pourer{total: 100_000, turn: 10_000}
		f, dial := pours(t, c, d)
		p := dial()
		p.TryWrite([]byte("x"))
		buf := make([]byte, 2000)
		poll := func() {
			if _, err := f.e.Poll(f.net.Now()); err != nil {
				t.Fatal(err)
			}
		}
		poll()
		p.TryRead(buf) // what the network holds is nobody's merit
		seconds := 0
		for ; seconds < 60 && d.gone == 0; seconds++ {
			for range 100 {
				f.net.Advance(10 * millisecond)
				poll()
			}
			p.TryRead(buf[:tt.take])
			poll()
		}
		timeouts := f.e.Stats().Timeouts[engine.PhaseWrite]
		if tt.fail != (timeouts == 1) || tt.fail != (d.gone == 1) {
			t.Errorf("%s: %d timeouts, after %d s", tt.name, timeouts, seconds)
		}
		if tt.fail && (seconds < 8 || seconds > 20) {
			t.Errorf("%s: ended after %d s", tt.name, seconds)
		}
	}
}

// TestPostpone moves the deadline of PhaseWrite by whole ticks, and no other.
func TestPostpone(t *testing.T) {
	f := polls(t, usual())
	c := f.connect()
	f.d.during = func(w *engine.Worker, s *pool.Slot) {
		i := f.e.Pool().Index(s)
		deadline := func() uint32 { return f.e.Pool().Deadlines.Get(i) }
		was := s.Phase
		s.Phase = uint8(engine.PhaseBusy)
		w.Enter(s, engine.PhaseWrite)
		at := deadline()
		w.Postpone(s, poolTick-1)
		if deadline() != at {
			t.Error("moved by less than a tick")
		}
		w.Postpone(s, 3*poolTick+1)
		if deadline() != at+3 {
			t.Errorf("moved by %d ticks, want 3", deadline()-at)
		}
		s.Phase = uint8(engine.PhaseIdle)
		w.Postpone(s, 3*poolTick)
		if deadline() != at+3 {
			t.Error("moved in another phase")
		}
		s.Phase = was
	}
	c.send("hello\n")
	f.settle()
}
