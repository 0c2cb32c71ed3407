package bobtail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/web"
)

// echoes is a protocol that sends back what it gets, and ends with "closing" when
// the server does. It says "<value>" first.
type echoes struct {
	number int
	e      *engine.Engine
	began  atomic.Int64
	gone   atomic.Int64
	alive  atomic.Int64
	sent   atomic.Int64 // bytes given to it by Begin
	hello  string       // before the value
	polite bool         // it receives only what it is told of
}

// echoState is what it keeps in a slot.
type echoState struct{ begun bool }

// echoes adds the protocol to the server.
func (f *fixture) echoes() *echoes {
	d := &echoes{e: f.Server.Engine(), hello: "<"}
	d.number = d.e.AddDriver(d)
	return d
}

func (d *echoes) Number() int { return d.number }

func (d *echoes) Begin(w *engine.Worker, s *pool.Slot, rest []byte, value any) engine.Verdict {
	st := pool.StateOf[echoState](s)
	if *st != (echoState{}) || int(s.Driver) != d.number || engine.Phase(s.Phase) != engine.PhaseBusy || s.Stashed() {
		panic("the slot is not as it should be")
	}
	st.begun = true
	d.began.Add(1)
	d.alive.Add(1)
	d.sent.Add(int64(len(rest)))
	text, _ := value.(string)
	if n, err := w.Send(s, []byte(d.hello+text+">"), rest, false); n != 0 || err != nil {
		return engine.Abort
	}
	return d.read(w, s)
}

func (d *echoes) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	if !pool.StateOf[echoState](s).begun {
		panic("Serve before Begin")
	}
	if d.e.Closing() {
		if n, err := w.Send(s, []byte("closing"), nil, false); n != 0 || err != nil {
			return engine.Abort
		}
		return engine.Linger
	}
	return d.read(w, s)
}

func (d *echoes) read(w *engine.Worker, s *pool.Slot) engine.Verdict {
	for !w.Pending(s) && (!d.polite || w.Unread(s)) {
		n, err := w.Receive(s, w.Memory)
		if n > 0 {
			s.Phase = uint8(engine.PhaseBusy)
			if rest, err := w.Send(s, w.Memory[:n], nil, false); rest != 0 || err != nil {
				return engine.Abort
			}
			if !w.Unread(s) {
				break
			}
		}
		switch err {
		case nil:
			continue
		case transport.EOF:
			return engine.Finish
		case transport.ErrWouldBlock:
		default:
			return engine.Abort
		}
		break
	}
	if !w.Pending(s) {
		w.Enter(s, engine.PhaseIdle)
	}
	return engine.Park
}

func (d *echoes) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	return append(dst, "farewell of echoes"...)
}

func (d *echoes) Gone(s *pool.Slot, h pool.Handle) {
	if !pool.StateOf[echoState](s).begun {
		panic("Gone of a slot that it never had")
	}
	d.gone.Add(1)
	d.alive.Add(-1)
}

// over wants the protocol to have let go of all that it has begun.
func (d *echoes) over(f *fixture, began int64) {
	f.T.Helper()
	f.Await("the end of all", func() bool { s := f.Server.Stats(); return s.Open == 0 && s.Busy == 0 })
	if d.began.Load() != began || d.gone.Load() != began {
		f.T.Errorf("%d connections have begun, %d are gone, want %d", d.began.Load(), d.gone.Load(), began)
	}
	s := f.Server.Stats()
	if s.Stash != 0 || s.OutputBlocks != 0 || s.OutputNodes != 0 || s.Lent != 0 || s.Busy != 0 {
		f.T.Errorf("stats %+v", s)
	}
}

const (
	// upgrade asks for the protocol; switching is the answer.
	upgrade   = "GET /echoes HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echoes\r\n\r\n"
	switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echoes\r\nConnection: Upgrade\r\n" + date + "\r\n"
)

func switchHead(w bobtail.Response) bobtail.Head {
	return w.Status(101).Header("Upgrade", "echoes").Header("Connection", "Upgrade")
}

// handler switches to the protocol, and gives it a value.
func (d *echoes) handler(w bobtail.Response, r *bobtail.Request) error {
	r.SetValue("hello")
	return switchHead(w).Switch(d)
}

// TestSwitch speaks another protocol from the byte behind the request on.
func TestSwitch(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		f.fast()
		f.Handle("GET /echoes", d.handler)
		long := strings.Repeat("0123456789", 60)
		for _, k := range []struct{ name, in, out string }{
			{"nothing behind it", upgrade, switching + "<hello>"},
			{"bytes behind it", upgrade + "and more", switching + "<hello>and more"},
			{"a request behind it is none", upgrade + get("/fast"), switching + "<hello>" + get("/fast")},
			{"requests before it", get("/fast") + get("/fast") + upgrade + "x", ok("fast\n") + ok("fast\n") + switching + "<hello>x"},
			{"a body of no length", strings.Replace(upgrade, "\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n", 1) + "x", switching + "<hello>x"},
			{"more behind it", upgrade + long, switching + "<hello>" + long},
		} {
			c := f.dial()
			c.Pour(k.in)
			if got := make([]byte, len(k.out)); true {
				if c.ReadFull(got); string(got) != k.out {
					t.Errorf("%s: got %s, want %s", k.name, servertest.Brief(string(got)), servertest.Brief(k.out))
				}
			}
			for range 3 {
				c.Send("echo")
				c.wantNext("echo")
			}
			f.wantFast(time.Second)
			c.Conn.CloseWrite()
			c.wantEnd("")
			c.Conn.Close()
		}
		d.over(f, 6)
		if n := f.Server.Stats().Requests[1]; n != 6 {
			t.Errorf("%d answers of class 1 are counted", n)
		}
	})
}

// TestSwitchInPieces sends the request byte by byte, so that it was stashed.
func TestSwitchInPieces(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		f.Handle("GET /echoes", d.handler)
		c := f.dial()
		for i := range upgrade {
			c.Send(upgrade[i : i+1])
		}
		c.wantNext(switching + "<hello>")
		if n := f.Server.Stats().Stash; n != 0 {
			t.Errorf("%d stash blocks are kept", n)
		}
		for i := range "bytes" {
			c.Send("bytes"[i : i+1])
			c.wantNext("bytes"[i : i+1])
		}
		c.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchRefused leaves the connection with HTTP, and answers.
func TestSwitchRefused(t *testing.T) {
	const fields = " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echoes\r\n"
	bad := errors.New("no")
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		var noted atomic.Pointer[error]
		note := func(err error) error {
			noted.Store(&err)
			return err
		}
		taken := func() error {
			if err := noted.Swap(nil); err != nil {
				return *err
			}
			return nil
		}
		then := func(w bobtail.Response, r *bobtail.Request) error {
			return note(switchHead(w).Switch(d))
		}
		f.Handle("/echoes", then)
		f.Handle("/200", func(w bobtail.Response, r *bobtail.Request) error {
			return note(w.Status(200).Switch(d))
		})
		f.Handle("/twice", func(w bobtail.Response, r *bobtail.Request) error {
			h := switchHead(w)
			if err := h.Switch(d); err != nil {
				return err
			}
			return note(h.Switch(d))
		})
		f.Handle("/after", func(w bobtail.Response, r *bobtail.Request) error {
			h := switchHead(w)
			h.Empty()
			return note(h.Switch(d))
		})
		f.Handle("/bad", func(w bobtail.Response, r *bobtail.Request) error {
			return note(switchHead(w).Header("Bad\r\n", "x").Switch(d))
		})
		f.Handle("/fails", func(w bobtail.Response, r *bobtail.Request) error {
			if err := switchHead(w).Switch(d); err != nil {
				t.Error(err)
			}
			return note(bad)
		})
		f.Handle("/panics", func(w bobtail.Response, r *bobtail.Request) error {
			if err := switchHead(w).Switch(d); err != nil {
				t.Error(err)
			}
			note(web.ErrPanic)
			panic("no")
		})
		f.Handle("/long", func(w bobtail.Response, r *bobtail.Request) error {
			h := switchHead(w)
			for range 200 {
				h = h.Header("X-Long", strings.Repeat("x", 100))
			}
			return note(h.Switch(d))
		})
		for _, k := range []struct {
			name, in string
			err      error // nil is any
			status   int
		}{
			{"a request without Upgrade", get("/echoes"), web.ErrMisuse, 500},
			{"HEAD", "HEAD /echoes" + fields + "\r\n", web.ErrMisuse, 500},
			{"HTTP/1.0", "GET /echoes" + strings.Replace(fields, "1.1", "1.0", 1) + "\r\n", nil, 500},
			{"content that nobody has read", "POST /echoes" + fields + "Content-Length: 3\r\n\r\nabc", web.ErrMisuse, 500},
			{"content in chunks", "POST /echoes" + fields + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", web.ErrMisuse, 500},
			{"another status", "GET /200" + fields + "\r\n", web.ErrMisuse, 500},
			{"twice", "GET /twice" + fields + "\r\n", web.ErrMisuse, 500},
			{"a bad field", "GET /bad" + fields + "\r\n", nil, 500},
			{"an error after all", "GET /fails" + fields + "\r\n", bad, 500},
			{"a panic after all", "GET /panics" + fields + "\r\n", web.ErrPanic, 500},
			{"a head that does not fit", "GET /long" + fields + "\r\n", nil, 500},
		} {
			c := f.dial()
			c.Send(k.in)
			method, _, _ := strings.Cut(k.in, " ")
			a := c.answer(method)
			got := taken()
			if a.StatusCode != k.status || got == nil || k.err != nil && got != k.err {
				t.Errorf("%s: answer %d, Switch returns %v", k.name, a.StatusCode, got)
			}
			if n := f.Server.Stats().Requests; n[1] != 0 {
				t.Errorf("%s: counts %v", k.name, n)
			}
			c.Conn.Close()
		}
		c := f.dial()
		c.Send("GET /after" + fields + "\r\n")
		if s, _ := c.All(); !strings.HasPrefix(s, "HTTP/1.1 101") && s != "" {
			t.Errorf("Switch behind the response: %q", s)
		} else if got := taken(); got != web.ErrMisuse {
			t.Errorf("Switch behind the response: %v", got)
		}
		c.Conn.Close()
		d.over(f, 0)
	})
}

// TestSwitchAfterContent is for a request whose content was read.
func TestSwitchAfterContent(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		f.Handle("POST /echoes", func(w bobtail.Response, r *bobtail.Request) error {
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			r.SetValue(string(b))
			return switchHead(w).Switch(d)
		})
		for _, content := range []string{"Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"} {
			c := f.dial()
			c.Send("POST /echoes HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echoes\r\n" + content + "behind")
			c.wantNext(switching + "<abc>behind")
			c.Conn.Close()
		}
		d.over(f, 2)
	})
}

// switchSink switches when it has all content.
type switchSink struct{ d *echoes }

func (k switchSink) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	st[0], st[1] = ^uint64(0), ^uint64(0)
	return nil
}

func (k switchSink) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	return switchHead(w).Switch(k.d)
}

func (k switchSink) Abandon(st *bobtail.State) {}

// TestSwitchAfterLater is for a request that has waited behind one that was
// answered later, while bytes came that nobody has looked at.
func TestSwitchAfterLater(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		d.polite = true
		f.fast()
		tickets := make(chan bobtail.Ticket, 1)
		f.Handle("GET /later", func(w bobtail.Response, r *bobtail.Request) error {
			ticket, err := r.Later(int64(time.Minute))
			tickets <- ticket
			return err
		})
		f.Handle("GET /echoes", d.handler)
		c := f.dial()
		c.Send(get("/later") + upgrade)
		ticket := <-tickets
		f.Await("rest", func() bool { return f.Server.Stats().Busy == 0 })
		c.Send("rest")
		f.wantFast(time.Second)
		if err := f.Server.Answer(ticket, func(w bobtail.Response, r *bobtail.Request) error { return w.Text("late") }); err != nil {
			t.Fatal(err)
		}
		c.wantNext(ok("late") + switching + "<hello>rest")
		c.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchFromSink leaves nothing of the Sink in the slot.
func TestSwitchFromSink(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		f.sink("/echoes", switchSink{d})
		c := f.dial()
		c.Send("POST /echoes HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echoes\r\nContent-Length: 3\r\n\r\n")
		c.Send("abc")
		c.Send("behind")
		c.wantNext(switching + "<>behind")
		c.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchBehindMiddleware has what stands around the handler keep its say.
func TestSwitchBehindMiddleware(t *testing.T) {
	var access []string
	cfg := bobtail.Config{Workers: 1, Access: func(r *bobtail.Request, code int, n, took int64) {
		access = append(access, fmt.Sprint(string(r.Path()), " ", code, " ", n))
	}}
	runVirtual(t, cfg, func(t *testing.T, f *fixture) {
		access = nil
		d := f.echoes()
		refuse, after := false, 0
		f.Server.Use(func(next bobtail.Handler) bobtail.Handler {
			return func(w bobtail.Response, r *bobtail.Request) error {
				if refuse {
					return w.Status(403).Text("no\n")
				}
				w.With("X-Around", "1")
				err := next(w, r)
				after++
				return err
			}
		})
		f.Handle("GET /echoes", d.handler)
		c := f.dial()
		c.Send(upgrade + "x")
		c.wantNext(strings.Replace(switching, "Upgrade: e", "X-Around: 1\r\nUpgrade: e", 1) + "<hello>x")
		refuse = true
		b := f.dial()
		b.Send(upgrade)
		b.want("GET", 403, "no\n")
		if want := "[/echoes 101 0 /echoes 403 3]"; fmt.Sprint(access) != want || after != 1 {
			t.Errorf("Access was told of %v, want %v", access, want)
		}
		c.Conn.Close()
		b.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchSlowPeer has a peer that reads nothing of the answers before, the
// 101 among them: the protocol begins at once all the same, and what it says
// comes behind.
func TestSwitchSlowPeer(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 300}, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		f.Handle("GET /page", func(w bobtail.Response, r *bobtail.Request) error { return w.Text(strings.Repeat("p", 200)) })
		f.Handle("GET /echoes", d.handler)
		c := f.dial()
		c.Send(get("/page") + upgrade + "rest")
		f.Await("begin", func() bool { return d.began.Load() == 1 })
		f.wantBlocked(1)
		c.Pour("more")
		f.Settle()
		c.wantNext(ok(strings.Repeat("p", 200)) + switching + "<hello>restmore")
		c.Send("x")
		c.wantNext("x")
		c.Conn.Close()
		d.over(f, 1)
		// One who never reads is aborted, as the new protocol's.
		c = f.dial()
		c.Send(get("/page") + upgrade + "rest")
		f.Await("begin", func() bool { return d.began.Load() == 2 })
		f.Advance(2 * time.Minute)
		if n := f.Server.Stats().Timeouts[engine.PhaseWrite]; n != 1 {
			t.Errorf("%d timeouts of writing", n)
		}
		c.Conn.Close()
		d.over(f, 2)
	})
}

// wantBlocked wants so many connections to wait for their peers to read.
func (f *fixture) wantBlocked(n int) {
	f.T.Helper()
	f.Settle()
	got := 0
	for i := range f.Server.Engine().Pool().Size() {
		if f.Server.Engine().Socket(i).State == pool.Blocked {
			got++
		}
	}
	if got != n {
		f.T.Errorf("%d connections are blocked, want %d", got, n)
	}
}

// TestSwitchNoBlocks has no output block for what a slow peer does not take: the
// worker waits, and the protocol begins after.
func TestSwitchNoBlocks(t *testing.T) {
	runMemory(t, memory.Config{Pipe: 64}, bobtail.Config{Workers: 2, OutputBlocks: 1, OutputBlockSize: 64}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		d.hello = ""
		long := strings.Repeat("x", 200)
		f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
			return switchHead(w).Header("X-Long", long).Switch(d)
		})
		c := f.dial()
		c.Pour(upgrade)
		f.Settle()
		if n := d.began.Load(); n != 0 {
			t.Errorf("%d have begun", n)
		}
		c.wantNext(strings.Replace(switching, "Date", "X-Long: "+long+"\r\nDate", 1) + ">")
		c.Send("x")
		c.wantNext("x")
		c.Conn.Close()
		d.over(f, 1)
		// One who takes nothing is aborted; the connection never was the
		// protocol's.
		c = f.dial()
		c.Pour(upgrade)
		f.Advance(2 * time.Minute)
		c.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchFarewell says the last words of the new protocol.
func TestSwitchFarewell(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2, Sockets: 4}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		f.Handle("GET /echoes", d.handler)
		c := f.dial()
		c.Send(upgrade)
		c.wantNext(switching + "<hello>")
		f.Settle()
		v := f.Server.Engine().Socket(0)
		if v != (engine.SlotView{State: pool.Parked, Phase: engine.PhaseIdle, Driver: uint8(d.number), Idle: true}) {
			t.Errorf("the socket is seen as %+v", v)
		}
		f.Advance(2 * time.Hour) // of idleness
		c.wantEnd("")
		c.Conn.Close()
		d.over(f, 1)
	})
}

// staller is a protocol whose connections wait for a body that never comes.
type staller struct {
	*echoes
	number int
}

func (d *staller) Number() int { return d.number }
func (d *staller) Begin(w *engine.Worker, s *pool.Slot, rest []byte, value any) engine.Verdict {
	pool.StateOf[echoState](s).begun = true
	d.began.Add(1)
	w.Enter(s, engine.PhaseBody)
	return engine.Park
}

// TestSwitchTimeout ends one that stalls in the words of its protocol.
func TestSwitchTimeout(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := &staller{echoes: f.echoes()}
		d.number = d.e.AddDriver(d)
		f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error { return switchHead(w).Switch(d) })
		c := f.dial()
		c.Send(upgrade)
		c.wantNext(switching)
		f.Advance(2 * time.Minute)
		c.wantEnd("farewell of echoes")
		c.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchShutdown has the new protocol end its connections, those that wait,
// those whose peers are slow, and those that come while the server closes.
func TestSwitchShutdown(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		entered, gate := make(chan bool, 1), make(chan bool)
		f.Handle("GET /echoes", d.handler)
		f.Handle("GET /late", func(w bobtail.Response, r *bobtail.Request) error {
			entered <- true
			<-gate
			return d.handler(w, r)
		})
		c, late, half := f.dial(), f.dial(), f.dial()
		half.Send(upgrade[:20])
		f.Await("half a head", func() bool { return f.Server.Stats().Stash == 1 })
		c.Send(upgrade)
		c.wantNext(switching + "<hello>")
		late.Pour(strings.Replace(upgrade, "/echoes", "/late", 1))
		<-entered
		done := make(chan error, 1)
		go func() { done <- f.Server.Shutdown(context.Background()) }()
		c.wantEnd("closing")
		c.Conn.Close()
		close(gate)
		late.wantEnd(switching + "<hello>closing")
		late.Conn.Close()
		half.Send(upgrade[20:])
		half.wantEnd(switching + "<hello>closing")
		half.Conn.Close()
		if f.Net != nil {
			f.Settle()
			f.Advance(time.Second)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if d.began.Load() != 3 || d.gone.Load() != 3 {
			t.Errorf("%d have begun, %d are gone", d.began.Load(), d.gone.Load())
		}
	})
}

// TestSwitchPush pushes to a connection that has switched.
func TestSwitchPush(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		d := f.echoes()
		handle := make(chan bobtail.Handle, 1)
		f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
			handle <- r.Handle()
			return d.handler(w, r)
		})
		c := f.dial()
		c.Send(upgrade)
		c.wantNext(switching + "<hello>")
		h := <-handle
		if err := f.Server.Engine().Push(h, []byte("pu"), []byte("sh"), 0, bobtail.DropNewest); err != nil {
			t.Fatal(err)
		}
		c.wantNext("push")
		c.Conn.Close()
		d.over(f, 1)
	})
}

// TestSwitchWithoutServer says that it cannot.
func TestSwitchWithoutServer(t *testing.T) {
	var got error
	out := serveAlone(t, upgrade, func(w bobtail.Response, r *bobtail.Request) error {
		got = switchHead(w).Switch(&echoes{})
		return got
	})
	if got != web.ErrNoServer || !strings.HasPrefix(out, "HTTP/1.1 500 ") {
		t.Errorf("Switch: %v; %q", got, out)
	}
}

// serveAlone serves what is in with a handler, outside of a server, and returns
// what is sent.
func serveAlone(t *testing.T, in string, h bobtail.Handler) string {
	t.Helper()
	x, err := web.NewExchange(&http1.Parser{}, make([]byte, 2048), func() int64 { return wall * 1e9 })
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	x.ServeStream(struct {
		io.Reader
		io.Writer
	}{strings.NewReader(in), &out}, h)
	return out.String()
}
