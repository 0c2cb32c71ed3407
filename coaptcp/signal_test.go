package coaptcp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// TestFaults has each rule of RFC 8323 that a peer can break answered by an Abort
// that says which, and the connection end. What was asked before is answered.
func TestFaults(t *testing.T) {
	long := message(coap.CodePOST, "big", coap.OptURIPath, "echo", strings.Repeat("x", 20000))
	for _, x := range []struct {
		name, in string
		says     string
		bad      coap.Option
		answer   bool // 4.13 comes before it
		token    string
	}{
		{"a token length that is reserved", "\x0f\x01", "token", 0, false, ""},
		{"an option that is reserved", "\x10\x01\xf1", "option", 0, false, ""},
		{"an option that goes on behind its message", "\x10\x01\xb5", "option", 0, false, ""},
		{"a payload marker without a payload", "\x10\x01\xff", "payload", 0, false, ""},
		{"a code of a class that is reserved", message(1<<5, ""), "reserved", 0, false, ""},
		{"a signal that nobody knows", message(7<<5|20, ""), "signaling", 0, false, ""},
		{"a critical option in a Ping", message(coap.CodePing, "", coap.Option(9), ""), "critical", 0, false, ""},
		{"a critical option in a CSM", message(coap.CodeCSM, "", coap.Option(9), ""), "", 9, false, ""},
		{"a Max-Message-Size of five bytes", message(coap.CodeCSM, "", coap.OptMaxMessageSize, "12345"), "", coap.OptMaxMessageSize, false, ""},
		{"a message that is too long, whole", long, "too big", 0, true, "big"},
		{"the header of one that is too long", long[:7], "too big", 0, true, "big"},
		{"one of four gigabytes", "\xf0\xff\xff\xff\xff\x02", "too big", 0, true, ""},
		{"a token that is too long", message(coap.CodeGET, strings.Repeat("t", 9), coap.OptURIPath, "hello"), "oken", 0, false, ""},
		{"a token of 300 bytes", message(coap.CodeGET, strings.Repeat("t", 300), coap.OptURIPath, "hello")[:6], "oken", 0, false, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			run(t, plain, func(t *testing.T, f *fixture) {
				c := f.dial()
				k := len(x.in)
				if x.answer {
					k = 5 // before the token
				}
				c.Send(get("t", "hello") + x.in[:k])
				c.wantMessage(coap.CodeContent, "t", "Hello, world")
				c.Send(x.in[k:])
				if x.answer {
					c.wantMessage(coap.CodeRequestEntityTooLarge, x.token, "")
				}
				m := c.wantAbort(x.says)
				if bad := coap.ParseAbort(m.Options); bad != x.bad {
					t.Errorf("it names option %d, want %d", bad, x.bad)
				}
				if n := f.coap.Stats().Aborts; n != 1 {
					t.Errorf("%d aborts counted", n)
				}
			})
		})
	}
}

// TestNoDiagnostic has a peer that takes short messages only get a short Abort.
func TestNoDiagnostic(t *testing.T) {
	runMemory(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(csm(coap.Settings{MaxMessage: 20}) + "\x0f\x01")
		if m := c.wantAbort(""); len(m.Payload) != 0 {
			t.Errorf("got %s", show(m))
		}
	})
}

// TestStrict has a peer whose first message is no CSM refused where that is
// wanted, and else served.
func TestStrict(t *testing.T) {
	x := plain
	x.coap.Strict = true
	run(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("t", "hello"))
		c.wantAbort("CSM")
		c = f.dial()
		c.Send("\x00\x00" + csm(coap.Settings{}) + get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
	})
}

// TestLateCSM has base values hold until the peer's CSM is here, and what that
// says from then on.
func TestLateCSM(t *testing.T) {
	x := plain
	x.cfg.WorkerMemory = 32 << 10
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		big := strings.Repeat("x", 2000)
		c.Send(post("a", "echo", big))
		if m := c.next(); len(m.Payload) > 1152 {
			t.Errorf("a peer that has said nothing is sent %d bytes", len(m.Payload))
		}
		c.Send(get("l", "long"))
		if m := c.next(); len(m.Payload) != 1024 {
			t.Errorf("a peer that has said nothing is sent %d bytes of a long answer", len(m.Payload))
		}
		c.Send(csm(coap.Settings{MaxMessage: 4000, BlockWise: true}) + post("b", "echo", big))
		c.wantMessage(coap.CodeContent, "b", big)
		c.Send(get("l", "long"))
		if m := c.next(); len(m.Payload) != 3072 {
			t.Errorf("a peer that speaks BERT is sent %d bytes of a long answer", len(m.Payload))
		}
	})
	// Both ends must say that they do.
	x.coap.MaxMessage = 1152
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(csm(coap.Settings{MaxMessage: 4000, BlockWise: true}) + get("l", "long"))
		if m := c.next(); len(m.Payload) > 3500 || m.Options.Has(coap.OptBlock2) && len(m.Payload) != 1024 {
			t.Errorf("a peer that may not speak BERT is sent %s", show(m))
		}
	})
}

// TestNothingBehind has nothing go behind an Abort, and whoever pushes to a
// connection that is over be told so.
func TestNothingBehind(t *testing.T) {
	x := world{site: func(f *fixture, r *resource.Router) {
		observeSite(resource.TopicOptions{})(f, r)
		handle(f.T, r, "POST /publish", func(_ resource.Response, r *resource.Request) error {
			f.publish("news", 1)
			f.peers <- pool.Handle(r.Peer())
			return nil
		})
	}}
	run(t, x, func(t *testing.T, f *fixture) {
		f.peers = make(chan pool.Handle, 1)
		for _, end := range []string{"\x0f", message(coap.CodeRelease, "")} {
			c := f.dial()
			c.Send(observe("o"))
			c.wantMessage(coap.CodeContent, "o", "first")
			c.Send(post("p", "publish", "x") + end)
			c.wantMessage(coap.CodeChanged, "p", "")
			h := <-f.peers
			if end == "\x0f" {
				c.wantAbort("token")
			} else {
				c.wantMessage(coap.CodeContent, "o", "news")
				c.wantEnd()
			}
			m := coap.Message{Code: coap.CodeContent, Token: []byte("o")}
			if err := f.coap.Push(uint64(h), m, 0, engine.DropNewest); err != pool.ErrSealed && err != pool.ErrStale {
				t.Errorf("a push behind the end: %v", err)
			}
			c.Conn.Close()
			f.Await("the end", func() bool { return f.coap.Stats().Open == 0 })
		}
	})
}

// TestLongTokens has tokens of more than 8 bytes taken where that is announced.
func TestLongTokens(t *testing.T) {
	x := plain
	x.coap.MaxToken = 40
	run(t, x, func(t *testing.T, f *fixture) {
		c := f.connect()
		var s coap.Settings
		if s.Update(c.next().Options); s.ExtendedToken != 40 {
			t.Errorf("the CSM says %+v", s)
		}
		token := strings.Repeat("t", 40)
		c.Send(get(token, "hello") + message(coap.CodePing, token))
		c.wantMessage(coap.CodeContent, token, "Hello, world")
		c.wantMessage(coap.CodePong, token, "")
	})
}

// TestHalfClose has what a peer asked before it closed its end answered, also if
// its last message is cut off.
func TestHalfClose(t *testing.T) {
	for _, tail := range []string{"", get("x", "hello")[:4]} {
		run(t, plain, func(t *testing.T, f *fixture) {
			c := f.dial()
			c.Send(get("t", "hello") + tail)
			c.Conn.CloseWrite()
			c.wantMessage(coap.CodeContent, "t", "Hello, world")
			c.wantEnd()
		})
	}
}

// TestPeersRelease has what was asked before a Release answered, and not what is
// behind it, and the connection closed by us (RFC 8323 section 5.5).
func TestPeersRelease(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("t", "hello") + message(coap.CodeRelease, "", coap.OptHoldOff, 3) + get("u", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		c.wantEnd()
	})
}

// TestPeersAbort has a connection end at once, with nothing behind the Abort looked
// at.
func TestPeersAbort(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("t", "hello") + message(coap.CodeAbort, "", "no more") + get("u", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		c.wantEnd()
		if n := f.coap.Stats().Aborted; n != 1 {
			t.Errorf("%d counted", n)
		}
	})
}

// TestIdle has a peer that is silent pinged, kept if it says anything, and dropped
// if it does not.
func TestIdle(t *testing.T) {
	x := plain
	x.coap.Ping, x.coap.Pong = int64(10*time.Second), int64(5*time.Second)
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		f.Advance(9 * time.Second)
		c.wantSilence()
		f.Advance(1500 * time.Millisecond)
		c.wantMessage(coap.CodePing, "", "")
		f.Advance(4 * time.Second)
		c.Send(message(coap.CodePong, ""))
		f.Advance(9 * time.Second)
		c.wantSilence()
		c.Send(get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		f.Advance(9 * time.Second)
		c.wantSilence()
		f.Advance(2 * time.Second)
		c.wantMessage(coap.CodePing, "", "")
		if s := f.coap.Stats(); s.Pings != 2 || s.Dead != 0 || s.Open != 1 {
			t.Errorf("%+v", s)
		}
		f.Advance(6 * time.Second)
		if s := f.coap.Stats(); s.Dead != 1 || s.Open != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestNoPing has peers left alone where that is wanted.
func TestNoPing(t *testing.T) {
	x := plain
	x.coap.Ping = -1
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		f.Advance(time.Hour)
		c.wantSilence()
		c.Send(get("t", "hello"))
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
	})
}

// TestTooSlow has a peer that does not go on with its message told so, and the
// connection end.
func TestTooSlow(t *testing.T) {
	x := plain
	x.cfg.Timeouts.Body = 5 * time.Second
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		for _, n := range []int{1, 2, 10} {
			c := f.dial()
			c.Send(post("t", "echo", strings.Repeat("x", 300))[:n])
			f.Advance(4 * time.Second)
			c.wantSilence()
			f.Advance(1100 * time.Millisecond)
			c.wantAbort("slow")
		}
		// One that sends a byte now and then is not, as long as it keeps the rate.
		c := f.dial()
		in := post("t", "echo", strings.Repeat("x", 300))
		for i := range in {
			c.Send(in[i : i+1])
			f.Advance(20 * time.Millisecond)
		}
		c.wantMessage(coap.CodeContent, "t", strings.Repeat("x", 300))
		if n := f.Server.Engine().Pool().Stash.Used(); n != 0 {
			t.Errorf("%d stash blocks are taken for nothing", n)
		}
	})
}

// TestShutdown has peers asked to go, with a Hold-Off, what they have asked
// answered, and those who stay closed.
func TestShutdown(t *testing.T) {
	x := plain
	x.coap.HoldOff = 7
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		idle, partial, asks, leaves := f.dial(), f.dial(), f.dial(), f.dial()
		partial.Send(get("p", "hello")[:4])
		f.Settle()
		over := f.Server.Engine().Shutdown()
		for _, c := range []*client{idle, partial, asks, leaves} {
			if m := c.next(); m.Code != coap.CodeRelease || coap.ParseRelease(m.Options).HoldOff != 7 {
				t.Fatalf("got %s", show(m))
			}
		}
		partial.Send(get("p", "hello")[4:])
		partial.wantMessage(coap.CodeContent, "p", "Hello, world")
		asks.Send(get("a", "hello"))
		asks.wantMessage(coap.CodeContent, "a", "Hello, world")
		leaves.Conn.CloseWrite()
		leaves.wantEnd()
		select {
		case <-over:
			t.Error("it is over with connections open")
		default:
		}
		f.Advance(time.Second)
		for _, c := range []*client{idle, partial, asks} {
			c.wantEnd()
			c.Conn.Close()
		}
		f.Advance(2 * time.Second)
		<-over
	})
}

// TestRelease has the program ask a peer to go.
func TestRelease(t *testing.T) {
	runVirtual(t, plain, func(t *testing.T, f *fixture) {
		stays, goes := f.dial(), f.dial()
		f.Settle()
		h, ok := f.only(func(h pool.Handle) bool { return f.coap.Release(h, 9) == nil })
		if !ok {
			t.Fatal("no connection to release")
		}
		if m := goes.next(); m.Code != coap.CodeRelease || coap.ParseRelease(m.Options).HoldOff != 9 {
			t.Fatalf("got %s", show(m))
		}
		goes.Send(get("t", "hello"))
		goes.wantMessage(coap.CodeContent, "t", "Hello, world")
		f.Advance(6 * time.Second)
		goes.wantEnd()
		goes.Conn.Close()
		stays.Send(get("t", "hello"))
		stays.wantMessage(coap.CodeContent, "t", "Hello, world")
		f.Await("the end", func() bool { return f.coap.Stats().Open == 1 })
		if err := f.coap.Release(h, 1); err != pool.ErrStale {
			t.Errorf("another Release: %v", err)
		}
		if err := f.coap.Release(1<<32-1, 1); err != pool.ErrStale {
			t.Errorf("Release of nobody: %v", err)
		}
	})
}

// only does something for the connection that came last.
func (f *fixture) only(do func(h pool.Handle) bool) (pool.Handle, bool) {
	p := f.Server.Engine().Pool()
	last := pool.Handle(0)
	for i := range p.High() {
		if st, h := p.StateAt(i); st != pool.Free && i >= last.Index() {
			last = h
		}
	}
	return last, last != 0 && do(last)
}

// TestRefused has clients for whom there is no place told when to come again.
func TestRefused(t *testing.T) {
	x := plain
	x.cfg = bobtail.Config{Sockets: 1, Workers: 1, Admission: bobtail.AdmitRefuse}
	run(t, x, func(t *testing.T, f *fixture) {
		f.dial()
		c := f.dial()
		if m := c.next(); m.Code != coap.CodeRelease || coap.ParseRelease(m.Options).HoldOff != 5 {
			t.Errorf("got %s", show(m))
		}
		c.wantEnd()
	})
}

// TestConfig has what cannot be refused.
func TestConfig(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Backend: noNetwork{}, WorkerMemory: 4096, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []coaptcp.Config{
		{MaxMessage: 63}, {MaxMessage: 1 << 20}, {MaxToken: 7}, {MaxToken: 65}, {InFlight: -1}, {InFlight: 1 << 16},
		{Handlers: -1}, {Busy: -1}, {Ping: -2}, {Pong: -1}, {Ping: 1 << 62}, {HoldOff: -2}, {HoldOff: 1 << 24}, {Requests: -1},
	} {
		if _, err := coaptcp.New(srv, c); err != coaptcp.ErrConfig {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// noNetwork is a backend that is never used.
type noNetwork struct{ transport.Backend }

func (noNetwork) Lanes() int { return 1 }
func (noNetwork) Holds() int { return 0 }

// TestReuse has nothing of a connection hold for the next one in its slot: neither
// what its peer takes, nor that it was released, nor what has begun.
func TestReuse(t *testing.T) {
	x := homeWorld
	x.cfg.Sockets = 1
	runVirtual(t, x, func(t *testing.T, f *fixture) {
		c, h := f.register()
		c.Send(csm(coap.Settings{MaxMessage: 50}))
		f.Settle()
		if err := f.coap.Release(h, 3); err != nil {
			t.Fatal(err)
		}
		if m := c.next(); m.Code != coap.CodeRelease {
			t.Fatalf("got %s", show(m))
		}
		c.Send(post("t", "echo", "xxxxxxxx")[:12])
		c.Conn.Close()
		f.Await("the end", func() bool { return f.Server.Stats().Open == 0 })

		c, next := f.register()
		if next.Index() != h.Index() {
			t.Fatal("another slot")
		}
		f.Advance(10 * time.Second)
		c.wantSilence()
		m := coap.Message{Code: coap.CodeContent, Token: []byte("t"), Payload: servertest.Pattern(500)}
		if err := f.coap.Push(uint64(next), m, 0, engine.DropNewest); err != nil {
			t.Error(err)
		}
		c.wantMessage(coap.CodeContent, "t", string(servertest.Pattern(500)))
		if err := f.coap.Release(h, 3); err != pool.ErrStale {
			t.Errorf("a Release of the one before: %v", err)
		}
		if err := f.coap.Release(next, 4); err != nil {
			t.Error(err)
		}
		if m := c.next(); m.Code != coap.CodeRelease {
			t.Errorf("got %s", show(m))
		}
	})
}
