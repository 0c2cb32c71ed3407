package bobtail_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// idlers connects n clients that have had their answer.
func (f *fixture) idlers(n int) (cs []*client) {
	f.T.Helper()
	for range n {
		c := f.dial()
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
		cs = append(cs, c)
		if f.Net != nil {
			f.Advance(20 * time.Millisecond) // a tick of the deadlines, which eviction counts in
		}
	}
	return cs
}

// TestAdmitEvict closes the connection that has been idle longest for each new
// client, and none for nobody.
func TestAdmitEvict(t *testing.T) {
	run(t, bobtail.Config{Sockets: 3}, func(t *testing.T, f *fixture) {
		f.fast()
		idle := f.idlers(3)
		c := f.dial()
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
		if s := f.Server.Stats(); s.Evicted != 1 || s.Open != 3 {
			t.Fatalf("%d evicted, %d open", s.Evicted, s.Open)
		}
		if f.Net != nil {
			idle[0].wantEnd("") // the order is known in virtual time alone
			for _, c := range idle[1:] {
				c.Send(get("/fast"))
				c.want("GET", 200, "fast\n")
			}
			if s := f.Server.Stats(); s.Evicted != 1 || s.Open != 3 || s.Accepted != 4 {
				t.Errorf("%d evicted, %d open, %d accepted", s.Evicted, s.Open, s.Accepted)
			}
		}
	})
}

// TestAdmitEvictBusy leaves a client outside while nobody is idle, and lets it
// in when somebody is.
func TestAdmitEvictBusy(t *testing.T) {
	runVirtual(t, bobtail.Config{Sockets: 3, Workers: 2}, func(t *testing.T, f *fixture) {
		f.fast()
		var cs []*client
		for range 3 {
			c := f.dial()
			c.Send("GET /fa")
			cs = append(cs, c)
		}
		late := f.dial()
		late.Send(get("/fast"))
		f.Advance(100 * time.Millisecond)
		late.wantSilence()
		if s := f.Server.Stats(); s.Evicted != 0 || s.Accepted != 3 {
			t.Errorf("%d evicted, %d accepted", s.Evicted, s.Accepted)
		}
		cs[1].Send("st HTTP/1.1\r\nHost: a\r\n\r\n")
		cs[1].want("GET", 200, "fast\n")
		late.want("GET", 200, "fast\n")
		cs[1].wantEnd("")
		for _, i := range []int{0, 2} {
			cs[i].Send("st HTTP/1.1\r\nHost: a\r\n\r\n")
			cs[i].want("GET", 200, "fast\n")
		}
		if s := f.Server.Stats(); s.Evicted != 1 || s.Accepted != 4 {
			t.Errorf("%d evicted, %d accepted", s.Evicted, s.Accepted)
		}
	})
}

// TestAdmitWait leaves clients outside until a socket is free.
func TestAdmitWait(t *testing.T) {
	run(t, bobtail.Config{Sockets: 3, Admission: bobtail.AdmitWait}, func(t *testing.T, f *fixture) {
		f.fast()
		idle := f.idlers(3)
		late := []*client{f.dial(), f.dial()}
		for _, c := range late {
			c.Send(get("/fast"))
		}
		for _, c := range late {
			c.wantSilence()
		}
		if s := f.Server.Stats(); s.Accepted != 3 {
			t.Fatalf("%d accepted", s.Accepted)
		}
		for i, c := range late {
			idle[i].Conn.Close()
			c.want("GET", 200, "fast\n")
		}
		if s := f.Server.Stats(); s.Accepted != 5 || s.Evicted != 0 || s.Refused != 0 {
			t.Errorf("%d accepted, %d evicted, %d refused", s.Accepted, s.Evicted, s.Refused)
		}
	})
}

// TestAdmitRefuse tells clients to come back later, who can read that.
func TestAdmitRefuse(t *testing.T) {
	run(t, bobtail.Config{Sockets: 3, Admission: bobtail.AdmitRefuse}, func(t *testing.T, f *fixture) {
		f.fast()
		idle := f.idlers(3)
		for range 10 {
			c := f.dial()
			c.Send(get("/fast"))
			a := c.want("GET", 503, "")
			if a.Header.Get("Retry-After") == "" || !a.Close {
				t.Errorf("answer %v", a.Response)
			}
			c.wantEnd("")
			c.Conn.Close()
		}
		f.Await("the end of the refused", func() bool { return f.Server.Stats().Open == 3 })
		if s := f.Server.Stats(); s.Refused != 10 || s.Accepted != 3 {
			t.Errorf("%d refused, %d accepted", s.Refused, s.Accepted)
		}
		idle[0].Conn.Close()
		f.Await("a free socket", func() bool { return f.Server.Stats().Open == 2 })
		f.wantFast(0)
	})
}

// TestAdmitRefuseMany has clients be refused at once, and none gets in by the
// door that another leaves by.
func TestAdmitRefuseMany(t *testing.T) {
	runReal(t, bobtail.Config{Sockets: 3, Admission: bobtail.AdmitRefuse}, func(t *testing.T, f *fixture) {
		f.fast()
		f.idlers(3)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 300 {
					c, err := f.tryDial()
					if err != nil {
						t.Error(err)
						return
					}
					c.Conn.CloseWrite()
					c.All()
					c.Conn.Close()
				}
			})
		}
		f.AwaitAll("the end of the clients", &wg)
		if s := f.Server.Stats(); s.Accepted != 3 || s.Refused == 0 {
			t.Errorf("%d refused, %d accepted", s.Refused, s.Accepted)
		}
	})
}

// TestAdmitRefuseHeld has refused clients stay, who take no place from others.
func TestAdmitRefuseHeld(t *testing.T) {
	runVirtual(t, bobtail.Config{Sockets: 3, Admission: bobtail.AdmitRefuse}, func(t *testing.T, f *fixture) {
		f.fast()
		idle := f.idlers(3)
		for range 4 {
			c := f.dial()
			c.want("GET", 503, "")
		}
		late := f.dial() // nobody is left to tell him
		late.Send(closeAt("/fast"))
		late.wantSilence()
		idle[0].Conn.Close()
		late.want("GET", 200, "fast\n")
		late.Conn.Close()
		idle[1].Conn.Close()
		f.Settle()
		f.wantFast(0)
		f.wantFast(0)
	})
}

// TestPerAddress caps the connections of one peer.
func TestPerAddress(t *testing.T) {
	cfg := bobtail.Config{PerAddress: 2}
	run(t, cfg, func(t *testing.T, f *fixture) {
		f.fast()
		idle := f.idlers(2)
		c := f.dial()
		c.Send(get("/fast"))
		if a := c.want("GET", 503, ""); a.Header.Get("Retry-After") == "" {
			t.Errorf("answer %v", a.Response)
		}
		c.wantEnd("")
		c.Conn.Close()
		idle[0].Conn.Close()
		f.Await("room for the address", func() bool { return f.Server.Stats().Open == 1 })
		f.wantFast(0)
		if s := f.Server.Stats(); s.OverAddress != 1 {
			t.Errorf("%d turned away", s.OverAddress)
		}
	})
	runVirtual(t, cfg, func(t *testing.T, f *fixture) {
		f.fast()
		f.Start()
		connect := func(a string) *client {
			from, err := transport.ParseAddr(a)
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Net.ConnectFrom(from, f.Addr)
			if err != nil {
				t.Fatal(err)
			}
			return f.client(f.Adopt(p))
		}
		for _, a := range []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:2", "10.0.0.2:2"} {
			c := connect(a)
			c.Send(get("/fast"))
			c.want("GET", 200, "fast\n")
		}
		connect("10.0.0.1:3").want("GET", 503, "")
		connect("10.0.0.2:3").want("GET", 503, "")
	})
}

// TestOutOfDescriptors lets clients wait while the system has no descriptors.
func TestOutOfDescriptors(t *testing.T) {
	runMemory(t, memory.Config{Streams: 2}, bobtail.Config{Sockets: 10}, func(t *testing.T, f *fixture) {
		f.fast()
		idle := f.idlers(2)
		late := f.dial()
		late.Send(get("/fast"))
		f.Advance(time.Second)
		late.wantSilence()
		idle[0].Conn.Close()
		late.want("GET", 200, "fast\n")
	})
}

// TestShutdown ends a server in order, with clients in every state.
func TestShutdown(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 4, WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		f.site()
		wake := make(chan bool)
		f.Handle("GET /slow", func(w bobtail.Response, r *bobtail.Request) error {
			<-wake
			return w.Text("slow")
		})
		idle := f.dial()
		idle.Send(get("/fast"))
		idle.want("GET", 200, "fast\n")
		running := f.dial()
		running.Send(get("/slow"))
		reading := f.dial()
		reading.Send(get("/huge"))
		inHead := f.dial()
		inHead.Send("GET /fast HT")
		inBody := f.dial()
		inBody.Send(post("/len", "abc")[:len(post("/len", "abc"))-1])
		inLong := f.dial()
		inLong.Send(post("/len", strings.Repeat("x", 5000))[:3000])
		silent := f.dial()
		never := f.dial()
		f.Settle()

		done := make(chan error, 1)
		began := f.Net.Now()
		go func() { done <- f.Server.Shutdown(context.Background()) }()
		f.Settle()
		if c, err := f.tryDial(); err == nil {
			c.f.Settle()
			if err := c.TrySend(get("/fast")); err == nil {
				if _, err := c.tryAnswer("GET"); err == nil {
					t.Error("a new client is served")
				}
			}
			c.Conn.Close()
		}
		idle.wantEnd("")
		wake <- true
		if a := running.want("GET", 200, "slow"); !a.Close {
			t.Error("a handler that was running does not say that the connection ends")
		}
		running.wantEnd("")
		inHead.Send("TP/1.1\r\nHost: a\r\n\r\n")
		if a := inHead.want("GET", 200, "fast\n"); !a.Close {
			t.Error("a head that was under way: the answer does not say that the connection ends")
		}
		inBody.Send("c")
		inBody.want("POST", 200, "3 294")
		inLong.Send(strings.Repeat("x", 2000+len(post("/len", strings.Repeat("x", 5000)))-5000))
		inLong.want("POST", 200, "5000 600000")
		silent.Send(get("/fast"))
		silent.want("GET", 200, "fast\n")
		if a := reading.answer("GET"); a.err != nil || len(a.body) != len(huge) {
			t.Errorf("%d bytes of a large answer, error %v", len(a.body), a.err)
		}
		select {
		case err := <-done:
			t.Fatalf("ended before the last client: %v", err)
		default:
		}
		f.Advance(5100 * time.Millisecond)
		never.wantEnd("")
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Fatalf("%v after the beginning it has not ended, stats %+v", time.Duration(f.Net.Now()-began), f.Server.Stats())
		}
	})
}

// TestShutdownMisuse answers wrongly while the server ends: what was staged of
// the answer must be taken back there too.
func TestShutdownMisuse(t *testing.T) {
	for _, m := range misuses {
		runMemory(t, memory.Config{}, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
			f.Handle("GET /x", m.h)
			c := f.dial()
			done := make(chan error, 1)
			go func() { done <- f.Server.Shutdown(context.Background()) }()
			f.Settle()
			c.Send(get("/x"))
			c.checkMisuse(m.name, "GET", m.status)
			f.Await("the end", func() bool { return len(done) == 1 })
		})
	}
}

// TestShutdownBounded ends a shutdown with its context, though a handler is
// stuck and a client sends on.
func TestShutdownBounded(t *testing.T) {
	run(t, bobtail.Config{Workers: 3}, func(t *testing.T, f *fixture) {
		f.site()
		wake := make(chan bool)
		f.Handle("GET /stuck", func(w bobtail.Response, r *bobtail.Request) error {
			<-wake
			return w.Text("x")
		})
		c := f.dial()
		c.Send(get("/stuck"))
		long := f.dial()
		long.Send(post("/len", strings.Repeat("x", 100000))[:1000])
		f.Await("both", func() bool { return f.Server.Stats().Busy == 2 })
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 2)
		go func() { done <- f.Server.Shutdown(ctx) }()
		go func() { done <- f.Server.Shutdown(ctx) }() // twice at once
		f.Settle()
		cancel()
		f.Await("the end", func() bool { return len(done) == 2 })
		// In real time one of the two may come when all is over.
		if a, b := <-done, <-done; a != context.Canceled && b != context.Canceled || a != nil && a != context.Canceled || b != nil && b != context.Canceled {
			t.Errorf("errors %v and %v", a, b)
		}
		c.wantAbort()
		long.wantAbort()
		if err := f.Server.Shutdown(context.Background()); err != nil { // and again
			t.Error(err)
		}
		close(wake)
	})
}

// TestCloseWithStuckHandlers closes a server under load whose handlers do not
// return: Close does.
func TestCloseWithStuckHandlers(t *testing.T) {
	for range 5 {
		run(t, bobtail.Config{Workers: 4, Sockets: 30}, func(t *testing.T, f *fixture) {
			f.fast()
			wake := make(chan bool)
			defer close(wake)
			f.Handle("GET /stuck", func(w bobtail.Response, r *bobtail.Request) error {
				<-wake
				return nil
			})
			for range 20 {
				f.dial().Send(get("/fast") + get("/stuck"))
			}
			f.close()
			if err := f.Server.Start(); err != engine.ErrClosing && err != engine.ErrRunning {
				t.Errorf("Start after Close: %v", err)
			}
			if _, err := f.Server.Listen("127.0.0.1:0"); err != engine.ErrClosing {
				t.Errorf("Listen after Close: %v", err)
			}
		})
	}
}

// TestListenAndServe runs a server to its end.
func TestListenAndServe(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		f.Started = true
		done := make(chan error, 1)
		go func() { done <- f.Server.ListenAndServe("http://127.0.0.1:0") }()
		f.wantFast(0)
		if err := f.Server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		if err := f.Server.ListenAndServe(f.Addr.String()); err != transport.ErrAddressInUse {
			t.Errorf("a busy port: %v", err)
		}
		if err := f.Server.ListenAndServe("nonsense"); err == nil {
			t.Error("nonsense: no error")
		}
	})
}

// TestShutdownLosesNobody shuts down under a load of short connections. Each
// client that was connected has its answer.
func TestShutdownLosesNobody(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		run(t, bobtail.Config{Workers: 4, Sockets: 8, Admission: bobtail.AdmitWait}, func(t *testing.T, f *fixture) {
			f.fast()
			f.Start()
			const clients = 8
			var wg sync.WaitGroup
			var served, lost, refused atomic.Int64
			var first sync.Once
			for range clients {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for {
						c, err := f.tryDial()
						if err != nil {
							refused.Add(1)
							return
						}
						c.Alone = true
						if !c.Connected() {
							c.Conn.Close()
							refused.Add(1)
							return
						}
						_, err = io.WriteString(c.Conn, closeAt("/fast"))
						if err == nil {
							var a answer
							if a, err = c.tryAnswer("GET"); err == nil && a.StatusCode != 200 {
								err = errors.New(a.Status)
							}
						}
						c.Conn.Close()
						if err != nil {
							lost.Add(1)
							t.Errorf("a client that was connected has no answer: %v", err)
							return
						}
						if served.Add(1) == 50 {
							first.Do(func() {
								wg.Add(1)
								go func() {
									defer wg.Done()
									if err := f.Server.Shutdown(context.Background()); err != nil {
										t.Error(err)
									}
								}()
							})
						}
					}
				}()
			}
			f.AwaitAll("the end of the clients", &wg)
			if served.Load() < 50 {
				t.Errorf("%d served, %d lost, %d refused", served.Load(), lost.Load(), refused.Load())
			}
		})
	}
}
