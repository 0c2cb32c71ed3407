package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// faults are what real networks do seldom, often.
var faults = memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 300}

// TestFaults drives the engine on a network that fails at random, one seed
// after the other, and wants each client to get what it should.
func TestFaults(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		c := usual()
		c.Pool.Stash = 8
		c.mem = memory.Config{Seed: seed, Pipe: 50 + rng.IntN(2000), Lanes: 1 + rng.IntN(2), Faults: faults}
		if seed%2 == 1 {
			c.mem.Holds = 64 + rng.IntN(500)
		}
		if seed%3 == 1 {
			c.mem.Faults.Delay = 50 * millisecond
		}
		f := polls(t, c)
		type script struct {
			c    *client
			send string
			want string
		}
		var scripts []*script
		for range 6 {
			s := &script{c: f.connect()}
			for range 20 {
				send, want := exchange(rng)
				s.send += send
				s.want += want
			}
			scripts = append(scripts, s)
		}
		for left := len(scripts); left > 0; {
			s := scripts[rng.IntN(len(scripts))]
			p := s.c.conn.(*memory.Peer)
			if n := min(rng.IntN(200), len(s.send)); n > 0 {
				k, err := p.TryWrite([]byte(s.send[:n]))
				if err != nil && err != transport.ErrWouldBlock {
					t.Fatalf("seed %d: sending: %v", seed, err)
				}
				s.send = s.send[k:]
			}
			if _, err := f.e.Poll(f.net.Now()); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 1+rng.IntN(2000))
			n, err := p.TryRead(buf)
			if err != nil && err != transport.ErrWouldBlock {
				t.Fatalf("seed %d: reading: %v, %d bytes are missing", seed, err, len(s.want))
			}
			if n > len(s.want) || string(buf[:n]) != s.want[:n] {
				t.Fatalf("seed %d: got %.60q, want %.60q", seed, buf[:n], s.want)
			}
			s.want = s.want[n:]
			if n > 0 && s.want == "" {
				left--
			}
			f.net.Advance(millisecond)
		}
		f.quiet()
	}
}

// exchange is something that a client may send, and what it then gets.
func exchange(rng *rand.Rand) (send, want string) {
	n := rng.IntN(3000)
	switch rng.IntN(6) {
	case 0:
		return fmt.Sprintf("static %d\n", n), string(static[:n])
	case 1:
		return fmt.Sprintf("copy %d\n", n/3), string(static[:n/3])
	case 2:
		return fmt.Sprintf("body %d\n%s", n, strings.Repeat("b", n)), fmt.Sprintf("body %d\n", n)
	}
	line := fmt.Sprintf("line %d %s\n", rng.Uint32(), strings.Repeat("x", rng.IntN(200)))
	return line, line
}

// TestStress has many clients do everything at once, with handlers that hang,
// pushes, resets and evictions, on each network: no answer is mixed up, nothing
// is lost, nothing is left.
func TestStress(t *testing.T) {
	for i, workers := range []int{1, 2, 8} {
		for _, lanes := range []int{1, 2} {
			if lanes > workers {
				continue
			}
			c := usual()
			c.Workers, c.Spare = workers, 2
			c.Pool = pool.Config{Slots: 12, Stash: 16, StashSize: 512, Blocks: 64, BlockSize: 256, Nodes: 128, PerAddress: 1000}
			c.Admission = []engine.Admission{engine.AdmitEvict, engine.AdmitWait}[i%2]
			c.mem = memory.Config{Seed: uint64(i), Lanes: lanes, Faults: faults, Pipe: 3000}
			t.Run(fmt.Sprintf("memory, %d workers, %d lanes", workers, lanes), func(t *testing.T) {
				f := newFixture(t, c, nil)
				defer f.end()
				if err := f.e.Start(); err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				var clock sync.WaitGroup
				clock.Go(func() { // time passes
					for !over(stop) {
						f.net.Advance(millisecond / 10)
						runtime.Gosched()
					}
				})
				stressed(f)
				close(stop)
				clock.Wait()
			})
			for _, b := range backends {
				t.Run(fmt.Sprintf("%s, %d workers, %d lanes", b.Name, workers, lanes), func(t *testing.T) { real(t, c, b, lanes, stressed) })
			}
		}
	}
}

func stressed(f *fixture) {
	const clients, connections = 8, 25
	f.d.gate("free").pass()
	var all sync.WaitGroup
	var done atomic.Int32
	var ended atomic.Uint64 // connections that the engine ended, which it must own up to
	for k := range clients {
		all.Go(func() {
			defer done.Add(1)
			rng := rand.New(rand.NewPCG(uint64(k), 7))
			for range connections {
				switch err := stressOne(f, rng); {
				case err == errEnded:
					ended.Add(1)
				case err != nil:
					f.t.Errorf("client %d: %v", k, err)
				}
			}
		})
	}
	// Somebody pushes to whoever is there, what nobody else says.
	for rng := rand.New(rand.NewPCG(9, 9)); done.Load() < clients; runtime.Gosched() {
		if _, h := f.e.Pool().StateAt(rng.IntN(f.e.Pool().Size())); rng.IntN(4) == 0 {
			f.e.Push(h, nil, []byte("\x01"), 3, engine.DropOldest)
		} else if rng.IntN(3) == 0 {
			f.e.Wake(h)
		}
		f.e.Stats()
	}
	all.Wait()
	if f.net == nil {
		f.quiet()
	}
	s := f.e.Stats()
	if most := s.Reclaimed + s.Lost + s.Stalled; ended.Load() > most {
		f.t.Errorf("%d connections were ended in the midst of an exchange, but only %d workers reclaimed or lost and %d senders stalled", ended.Load(), s.Reclaimed+s.Lost, s.Stalled)
	}
}

var errEnded = errors.New("the engine has ended the connection")

// stressOne is the life of one connection.
func stressOne(f *fixture, rng *rand.Rand) error {
	n, err := f.dial()
	if err != nil {
		return err
	}
	defer n.Close()
	for i := range 1 + rng.IntN(8) {
		send, want := exchange(rng)
		switch rng.IntN(8) {
		case 0:
			send, want = "block free\n", "done free\n"
		case 1:
			k := rng.IntN(2000)
			send, want = fmt.Sprintf("read %d\n%s", k, strings.Repeat("r", k)), fmt.Sprintf("read %d\n", k)
		case 2:
			k := rng.IntN(9000)
			send, want = fmt.Sprintf("write %d\n", k), string(static[:k])
		}
		if rng.IntN(30) == 0 {
			n.Write([]byte(send[:rng.IntN(len(send))]))
			n.Reset()
			return nil
		}
		if _, err := n.Write([]byte(send)); err != nil {
			if i > 0 {
				return nil // evicted while it was idle
			}
			return errEnded
		}
		var got []byte
		buf := make([]byte, 5000)
		for len(got) < len(want) {
			k, err := n.Read(buf)
			got = append(got, bytes.ReplaceAll(buf[:k], []byte{1}, nil)...)
			if err != nil {
				if i > 0 && len(got) == 0 {
					return nil // evicted
				}
				if !strings.HasPrefix(want, string(got)) && !bytes.HasPrefix(got, []byte("farewell")) {
					return fmt.Errorf("exchange %d: %v after %.60q, want %.60q", i, err, got, want)
				}
				return errEnded
			}
		}
		if string(got) != want {
			return fmt.Errorf("exchange %d: %.40q is answered by %.60q, want %.60q", i, send, got, want)
		}
	}
	if rng.IntN(2) == 0 {
		n.CloseWrite()
		if rest, err := io.ReadAll(n); err == nil && len(bytes.Trim(rest, "\x01")) > 0 {
			return fmt.Errorf("%q comes after the end", rest)
		}
	}
	return nil
}
