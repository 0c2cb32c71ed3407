package engine_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// over reports whether a channel is closed.
func over(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestShutdown ends connections in each of their states, in order.
func TestShutdown(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		idle, _ := f.open()
		idle.echo("x")
		head, _ := f.open()
		head.send("half")
		body, _ := f.open()
		body.send("body 10\n01234")
		handler, _ := f.open()
		g := handler.enter("block g")
		blocked, _ := f.open()
		blocked.send(fmt.Sprintf("static %d\n", much))
		f.settle()
		done := f.e.Shutdown()
		if again := f.e.Shutdown(); again != done {
			t.Error("Shutdown again returns another channel")
		}
		idle.wantEnd("")
		if over(done) {
			t.Error("it is over while connections are at work")
		}
		head.send(" a line\n")
		head.wantEnd("half a line\n")
		body.send("56789")
		body.wantEnd("body 10\n")
		g.pass()
		handler.wantEnd("done g\n")
		blocked.wantEnd(string(static))
		f.until("be over", func() bool { return over(done) })
		if _, err := f.dial(); err == nil && f.net != nil {
			t.Error("a client is let in after Shutdown")
		}
		f.count("open", uint64(f.e.Stats().Open), 0)
	})
}

// TestShutdownOfNothing is over at once.
func TestShutdownOfNothing(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		f.until("be over", func() bool { return over(f.e.Shutdown()) })
	})
}

// TestShutdownLosesNobody accepts those who have connected, also when there is
// no room for them yet.
func TestShutdownLosesNobody(t *testing.T) {
	for _, slots := range []int{1, 3, 8} {
		c := crowded(slots, engine.AdmitWait)
		c.mem.Backlog = 10
		f := polls(t, c)
		var cs []*client
		for i := range 8 {
			c := f.connect()
			c.send(fmt.Sprintf("line %d\n", i))
			cs = append(cs, c)
		}
		done := f.e.Shutdown()
		for i, c := range cs {
			c.wantEnd(fmt.Sprintf("line %d\n", i))
		}
		f.settle()
		if !over(done) {
			t.Error("it is not over")
		}
		f.count("accepted", f.e.Stats().Accepted, 8)
	}
}

// TestShutdownOfClientsWhoSayNothing is bounded.
func TestShutdownOfClientsWhoSayNothing(t *testing.T) {
	f := polls(t, usual())
	f.open()
	a, _ := f.open()
	a.send("half")
	b := f.connect() // accepted by Shutdown
	done := f.e.Shutdown()
	f.settle()
	b.wantNothing()
	f.advance(f.e.Patience().Head + f.e.Patience().Drain + 2*poolTick)
	if !over(done) {
		t.Errorf("it is not over: %+v", f.e.Stats())
	}
}

// TestStopAborts what there is, gives everything back, and leaves nothing that
// can be pushed to.
func TestStopAborts(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		var hs []pool.Handle
		var cs []*client
		for _, line := range []string{"x\n", "half", "body 10\n0", "read 10\n", "read 10\n", fmt.Sprintf("static %d\n", much)} {
			c, h := f.open()
			c.send(line)
			f.settle()
			hs, cs = append(hs, h), append(cs, c)
		}
		f.stop()
		if again := f.e.Stop(); !over(again) {
			t.Error("Stop again is not over")
		}
		for _, h := range hs {
			if err := f.e.Push(h, nil, []byte("late"), 0, engine.DropNewest); err != pool.ErrStale {
				t.Errorf("Push after Stop = %v", err)
			}
			if err := f.e.Kill(h); err != pool.ErrStale {
				t.Errorf("Kill after Stop = %v", err)
			}
			if err := f.e.Wake(h); err != pool.ErrStale {
				t.Errorf("Wake after Stop = %v", err)
			}
		}
		if f.net != nil {
			for _, c := range cs {
				c.read()
				if c.err == nil {
					t.Error("a stream is open after Stop")
				}
			}
		}
		if _, err := f.e.Dial(f.addr, 0); err != engine.ErrClosing {
			t.Errorf("Dial after Stop = %v", err)
		}
	})
}

// TestStopRacesPushes has others push while the engine stops.
func TestStopRacesPushes(t *testing.T) {
	for range 30 {
		net := memory.New(memory.Config{Lanes: 2})
		c := usual()
		f := newFixture(t, c, net)
		f.net = net
		f.dial = func() (conn, error) { return net.Connect(f.addr) }
		if err := f.e.Start(); err != nil {
			t.Fatal(err)
		}
		var hs []pool.Handle
		for range 4 {
			n := f.e.Stats().Accepted
			f.connect()
			for f.e.Stats().Accepted == n {
				runtime.Gosched()
			}
			hs = append(hs, f.handle())
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for {
					switch i {
					case 0:
						f.e.Wake(hs[i])
					case 1:
						if f.e.Kill(hs[i]) == pool.ErrStale {
							return
						}
					}
					if f.e.Push(hs[i], nil, []byte("push"), 3, engine.DropOldest) == pool.ErrStale {
						return
					}
				}
			})
		}
		<-f.e.Stop()
		all.Wait()
		f.stopped = true
		f.end()
	}
}

// TestStopDoesNotWaitForAHandler that does not come back; when it does, its
// worker ends too.
func TestStopDoesNotWaitForAHandler(t *testing.T) {
	for _, lost := range []bool{false, true} {
		c := spares(1)
		bubble(t, c, func(f *fixture) {
			a, _ := f.open()
			g := a.enter("block g")
			if lost {
				f.until("pass", func() bool { return f.e.Stats().LostNow == 1 })
			}
			b, _ := f.open()
			b.send("read 10\n")
			f.until("lend", func() bool { return f.e.Stats().Lent == 1 })
			f.stopped = true
			<-f.e.Stop()
			if n := f.e.Pool().Open(); n != 0 {
				t.Errorf("%d slots are open", n)
			}
			g.pass()
			// The bubble wants every goroutine to end.
		})
	}
}

// TestStopWhileClientsCome stops in the midst of everything, many times.
func TestStopWhileClientsCome(t *testing.T) {
	for i := range 40 {
		net := memory.New(memory.Config{Seed: uint64(i), Lanes: 1 + i%2})
		c := usual()
		c.Workers, c.Spare = 2+i%3, i%2
		c.Patience.Handler = 10 * millisecond
		f := newFixture(t, c, net)
		f.net = net
		f.dial = func() (conn, error) { return net.Connect(f.addr) }
		if err := f.e.Start(); err != nil {
			t.Fatal(err)
		}
		var clients sync.WaitGroup
		for k := range 4 {
			clients.Go(func() {
				for {
					p, err := net.Connect(f.addr)
					if err != nil {
						return
					}
					lines := []string{"x\n", "block free\n", "read 5\nabcde", "half", "write 100\n"}
					p.Write([]byte(lines[(i+k)%len(lines)]))
					if k%2 == 0 {
						p.Reset()
					} else {
						p.CloseWrite()
						buf := make([]byte, 1000)
						for {
							if _, err := p.Read(buf); err != nil {
								break
							}
						}
						p.Close()
					}
				}
			})
		}
		f.d.gate("free").pass()
		stopping := make(chan struct{})
		clients.Go(func() { // time passes
			for !over(stopping) {
				net.Advance(engine.TickTime)
				runtime.Gosched()
			}
		})
		for f.e.Stats().Accepted < uint64(i) {
			runtime.Gosched()
		}
		<-f.e.Stop()
		close(stopping)
		clients.Wait()
		f.stopped = true
		f.end()
	}
}

// TestStopWhileStarting stops engines that are just being started: all that has
// begun ends, or nothing begins.
func TestStopWhileStarting(t *testing.T) {
	for range 1000 {
		f := newFixture(t, usual(), nil)
		var both sync.WaitGroup
		both.Go(func() {
			if err := f.e.Start(); err != nil && err != engine.ErrClosing {
				t.Error(err)
			}
		})
		both.Go(func() { <-f.e.Stop() })
		both.Wait()
		f.end()
	}
}
