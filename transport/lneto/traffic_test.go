package lneto_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// An end is one side of a transfer: it sends a pattern, and compares what it
// receives with the other side's.
type end struct {
	m          *machine
	s          transport.Stream
	send, want int // bytes in all
	sent, got  int
	closed     bool // our end is sent
	eof        bool
	slow       int // of 100 turns, how many it looks at nothing
}

func pattern(seed, i int) byte { return byte(i*7 + i>>8*13 + i>>16*31 + seed) }

// turn moves what can be moved, in pieces by chance.
func (e *end) turn(rng *rand.Rand, seed int) error {
	if rng.IntN(100) < e.slow {
		return nil
	}
	var buf [5000]byte
	if e.sent < e.send {
		n := min(e.send-e.sent, 1+rng.IntN(3000))
		for i := range n {
			buf[i] = pattern(seed, e.sent+i)
		}
		k := rng.IntN(n + 1)
		n, err := e.m.Send(e.s, [][]byte{buf[:k], buf[k:n]})
		if err != nil && err != transport.ErrWouldBlock {
			return fmt.Errorf("Send after %d of %d bytes: %v", e.sent, e.send, err)
		}
		e.sent += n
	} else if !e.closed {
		e.closed = true
		if err := e.m.CloseWrite(e.s); err != nil {
			return fmt.Errorf("CloseWrite: %v", err)
		}
	}
	if !e.eof {
		v, err := e.m.Receive(e.s, buf[:1+rng.IntN(len(buf))])
		switch err {
		case transport.ErrWouldBlock:
		case transport.EOF:
			e.eof = true
			if e.got != e.want {
				return fmt.Errorf("EOF after %d bytes, want %d", e.got, e.want)
			}
		case nil:
			for i, c := range v {
				if c != pattern(seed^1, e.got+i) {
					return fmt.Errorf("byte %d is %#x, want %#x", e.got+i, c, pattern(seed^1, e.got+i))
				}
			}
			n := len(v)
			if rng.IntN(3) == 0 {
				n = rng.IntN(n + 1) // the rest is looked at again
			}
			e.m.Consume(e.s, n)
			e.got += n
		default:
			return fmt.Errorf("Receive after %d of %d bytes: %v", e.got, e.want, err)
		}
	}
	return nil
}

func (e *end) done() bool { return e.closed && e.eof }

// TestLossyWire transfers bytes both ways over wires that lose, double and
// reorder frames, until both have ended: all bytes come once and in order, and
// nothing is left over.
func TestLossyWire(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { lossy(t, seed) })
	}
}

func lossy(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	sizes := []int{256, 300, 700, 1460, 2048, 5000, 20000, 65535}
	size := func() int { return sizes[rng.IntN(len(sizes))] }
	faults := lnetotest.Faults{Seed: seed}
	if seed > 0 {
		faults.Lose, faults.Double, faults.Reorder = rng.IntN(120), rng.IntN(200), rng.IntN(300)
	}
	l := newLab(t, lneto.Config{RxSize: size(), TxSize: size(), Seed: seed, MTU: 576 + rng.IntN(925)},
		lneto.Config{RxSize: size(), TxSize: size(), Seed: seed}, faults)
	id, a := l.listen()
	var ends []*end
	for range 1 + rng.IntN(3) {
		d, p := l.pair(id, a)
		up, down := rng.IntN(100_000), rng.IntN(100_000)
		ends = append(ends, &end{m: l.device, s: d, send: down, want: up, slow: rng.IntN(100)},
			&end{m: l.peer, s: p, send: up, want: down, slow: rng.IntN(100)})
	}
	l.until(3600*second, "both sides have all", func() bool {
		done := true
		for i, e := range ends {
			if err := e.turn(rng, i); err != nil {
				t.Fatalf("end %d at %d ms: %v\ndevice:\n%speer:\n%s", i, l.clock/1_000_000, err, l.device.Dump(), l.peer.Dump())
			}
			done = done && e.done()
		}
		return done
	})
	took := l.clock
	for _, e := range ends {
		e.m.CloseStream(e.s)
	}
	l.until(120*second, "no stream is left", func() bool {
		return l.device.Stats().Open == 0 && l.peer.Stats().Open == 0
	})
	t.Logf("%.1f s, device %+v", float64(took)/second, l.device.Stats())
}

// TestEcho has the device send back what comes, whose buffers are then full on
// both sides: a peer whose window is closed still has to be heard. Memory is
// small, and the wire loses, doubles and reorders frames by seed.
func TestEcho(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 3))
		sizes := []int{256, 600, 2048, 2048, 8000, 32768}
		size := func() int { return sizes[rng.IntN(len(sizes))] }
		faults := lnetotest.Faults{Seed: seed, Lose: rng.IntN(60), Double: rng.IntN(100), Reorder: rng.IntN(200)}
		l := newLab(t, lneto.Config{Seed: seed, RxSize: size(), TxSize: size(), KeepAlive: -1},
			lneto.Config{Seed: seed, RxSize: size(), TxSize: size(), KeepAlive: -1}, faults)
		id, a := l.listen()
		d, p := l.pair(id, a)
		const total = 40_000
		sent, got := 0, 0
		var back []byte
		into := make([]byte, 4000)
		l.until(1800*second, fmt.Sprint("all has come back, seed ", seed), func() bool {
			check := func(err error) {
				if err != nil && err != transport.ErrWouldBlock {
					t.Fatalf("seed %d: after %d bytes: %v", seed, got, err)
				}
			}
			if sent < total && rng.IntN(3) == 0 {
				b := make([]byte, min(total-sent, 1+rng.IntN(5000)))
				for i := range b {
					b[i] = pattern(3, sent+i)
				}
				n, err := l.peer.Send(p, [][]byte{b})
				check(err)
				sent += n
			}
			if len(back) == 0 {
				v, err := l.device.Receive(d, into[:777])
				check(err)
				back = append(back, v...)
				l.device.Consume(d, len(v))
			}
			n, err := l.device.Send(d, [][]byte{back})
			check(err)
			back = back[n:]
			if rng.IntN(4) == 0 {
				v, err := l.peer.Receive(p, into[:1+rng.IntN(len(into))])
				check(err)
				for i, c := range v {
					if c != pattern(3, got+i) {
						t.Fatalf("seed %d: byte %d differs", seed, got+i)
					}
				}
				l.peer.Consume(p, len(v))
				got += len(v)
			}
			return got == total
		})
	}
}
