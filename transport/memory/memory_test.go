package memory_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// A world is a network with a listener, driven from the test's goroutine.
type world struct {
	t *testing.T
	*memory.Network
	l  transport.Listener
	at transport.Addr
	ev [32]transport.Event
}

const listenTag = 1000

func newWorld(t *testing.T, cfg memory.Config) *world {
	t.Helper()
	w := &world{t: t, Network: memory.New(cfg)}
	l, err := w.Listen(transport.IPv4(127, 0, 0, 1, 0), listenTag)
	w.must(err)
	w.l, w.at = l, w.ListenerAddr(l)
	w.Arm(l, true)
	t.Cleanup(func() { w.Close() })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) connect() *memory.Peer {
	w.t.Helper()
	p, err := w.Connect(w.at)
	w.must(err)
	return p
}

// pair makes a stream that is attached and whose first events are taken.
func (w *world) pair(tag uint64) (transport.Stream, *memory.Peer) {
	w.t.Helper()
	p := w.connect()
	s, err := w.Accept(w.l)
	w.must(err)
	if _, err := w.Accept(w.l); err != transport.ErrWouldBlock {
		w.t.Fatalf("Accept = %v, want ErrWouldBlock", err)
	}
	w.must(w.Attach(s, 0, tag))
	w.events()
	return s, p
}

// events are those that are told now, as text.
func (w *world) events() string {
	w.t.Helper()
	n, err := w.Wait(0, w.ev[:], 0)
	w.must(err)
	var out []string
	for _, e := range w.ev[:n] {
		s := fmt.Sprint(e.Tag, ":")
		for i, c := range "rwha" {
			if e.Ready.Has(1 << i) {
				s += string(c)
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (w *world) wantEvents(want string) {
	w.t.Helper()
	if got := w.events(); got != want {
		w.t.Fatalf("events %q, want %q", got, want)
	}
}

func (w *world) write(p *memory.Peer, text string) {
	w.t.Helper()
	if n, err := p.TryWrite([]byte(text)); n != len(text) || err != nil {
		w.t.Fatalf("TryWrite(%q) = %d, %v", text, n, err)
	}
}

func (w *world) wantReceive(s transport.Stream, size int, want string, wantErr error) {
	w.t.Helper()
	got, err := w.Receive(s, make([]byte, size))
	if string(got) != want || err != wantErr {
		w.t.Fatalf("Receive = %q, %v, want %q, %v", got, err, want, wantErr)
	}
}

func (w *world) wantRead(p *memory.Peer, want string, wantErr error) {
	w.t.Helper()
	buf := make([]byte, 64)
	n, err := p.TryRead(buf)
	if string(buf[:n]) != want || err != wantErr {
		w.t.Fatalf("TryRead = %q, %v, want %q, %v", buf[:n], err, want, wantErr)
	}
}

func TestNoEventBeyondTheContract(t *testing.T) {
	w := newWorld(t, memory.Config{})
	s, p := w.pair(1)
	w.write(p, "abcdef")
	w.wantEvents("1:r")
	w.write(p, "g")
	w.wantEvents("") // nobody has found it empty
	w.wantReceive(s, 4, "abcd", nil)
	w.write(p, "h")
	w.wantEvents("") // the buffer was full: the engine has to look again
	w.wantReceive(s, 4, "efgh", nil)
	w.wantEvents("")
	w.wantReceive(s, 4, "", transport.ErrWouldBlock)
	w.write(p, "ij")
	w.wantEvents("1:r")
	w.wantReceive(s, 4, "ij", nil) // short: it is empty
	w.write(p, "k")
	w.wantEvents("1:r")
}

func TestRoomIsToldOnce(t *testing.T) {
	w := newWorld(t, memory.Config{Pipe: 4})
	s, p := w.pair(1)
	send := func(text string, want int, wantErr error) {
		t.Helper()
		if n, err := w.Send(s, [][]byte{[]byte(text)}); n != want || err != wantErr {
			t.Fatalf("Send(%q) = %d, %v, want %d, %v", text, n, err, want, wantErr)
		}
	}
	send("abcd", 4, nil)
	w.wantRead(p, "abcd", nil)
	w.wantEvents("") // no Send was short
	send("efghi", 4, nil)
	send("i", 0, transport.ErrWouldBlock)
	w.wantRead(p, "efgh", nil)
	w.wantEvents("1:w")
	send("ijkl", 4, nil)
	w.wantRead(p, "ijkl", nil)
	w.wantEvents("")
	if p.Received() != 12 {
		t.Fatalf("Received = %d, want 12", p.Received())
	}
}

func TestSameSeedSameBehaviour(t *testing.T) {
	run := func(seed uint64) string {
		w := newWorld(t, memory.Config{Seed: seed, Pipe: 300, Faults: memory.Faults{
			ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 300, Reset: 3, HalfClose: 5, Delay: 1000,
		}})
		var trace strings.Builder
		var streams []transport.Stream
		var peers []*memory.Peer
		for i := range 4 {
			peers = append(peers, w.connect())
			for {
				s, err := w.Accept(w.l)
				fmt.Fprintln(&trace, "accept", err)
				if err == nil {
					w.must(w.Attach(s, 0, uint64(i)))
					streams = append(streams, s)
					break
				}
			}
		}
		buf := make([]byte, 100)
		for i := range 400 {
			p, s := peers[i%4], streams[i%4]
			n, err := p.TryWrite(buf[:i%100])
			fmt.Fprintln(&trace, "write", n, err)
			fmt.Fprintln(&trace, w.events())
			view, err := w.Receive(s, buf)
			fmt.Fprintln(&trace, "receive", len(view), err)
			n, err = w.Send(s, [][]byte{buf[:i%50], buf[:i%30]})
			fmt.Fprintln(&trace, "send", n, err)
			n, err = p.TryRead(buf)
			fmt.Fprintln(&trace, "read", n, err)
			w.AdvanceTo(min(w.Next(), w.Now()+50))
		}
		return trace.String()
	}
	one := run(1)
	if again := run(1); again != one {
		t.Error("the same seed gave two traces")
	}
	if run(2) == one {
		t.Error("two seeds gave one trace")
	}
}

func TestEachFaultHappens(t *testing.T) {
	tests := []struct {
		name   string
		faults memory.Faults
		seen   func(w *world, s transport.Stream, p *memory.Peer) bool
	}{
		{"short read", memory.Faults{ShortReads: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			p.TryWrite([]byte("abcdef"))
			view, _ := w.Receive(s, make([]byte, 6))
			return len(view) < 6 && w.events() == "1:r"
		}},
		{"short write", memory.Faults{ShortWrites: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			n, _ := w.Send(s, [][]byte{[]byte("abc"), []byte("def")})
			return n > 0 && n < 6 && w.events() == "1:w"
		}},
		{"would block in Receive", memory.Faults{WouldBlock: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			p.TryWrite([]byte("abcdef"))
			w.events()
			_, err := w.Receive(s, make([]byte, 6))
			return err == transport.ErrWouldBlock && w.events() == "1:r"
		}},
		{"would block in Send", memory.Faults{WouldBlock: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			_, err := w.Send(s, [][]byte{[]byte("abcdef")})
			return err == transport.ErrWouldBlock && w.events() == "1:w"
		}},
		{"spurious event", memory.Faults{Spurious: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			return w.events() != ""
		}},
		{"reset", memory.Faults{Reset: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			_, err := w.Receive(s, make([]byte, 6))
			_, sendErr := w.Send(s, [][]byte{[]byte("x")})
			_, readErr := p.TryRead(make([]byte, 6))
			return err == transport.ErrReset && sendErr == transport.ErrReset && readErr == transport.ErrReset
		}},
		{"half-close", memory.Faults{HalfClose: 500}, func(w *world, s transport.Stream, p *memory.Peer) bool {
			p.TryWrite([]byte("a"))
			w.Receive(s, make([]byte, 6))
			_, err := w.Receive(s, make([]byte, 6))
			_, writeErr := p.TryWrite([]byte("b"))
			return err == transport.EOF && writeErr == transport.ErrClosed
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := 0
			for seed := range uint64(64) {
				w := &world{t: t, Network: memory.New(memory.Config{Seed: seed, Faults: tt.faults})}
				l, err := w.Listen(transport.Addr{}, listenTag)
				w.must(err)
				w.l, w.at = l, w.ListenerAddr(l)
				p := w.connect()
				s, err := w.Accept(w.l)
				for err == transport.ErrWouldBlock {
					s, err = w.Accept(w.l)
				}
				w.must(err)
				w.must(w.Attach(s, 0, 1))
				w.Wait(0, w.ev[:], 0)
				if tt.seen(w, s, p) {
					seen++
				}
				w.Close()
			}
			if seen == 0 || seen == 64 {
				t.Errorf("seen with %d of 64 seeds", seen)
			}
		})
	}
}

func TestTimeStandsStill(t *testing.T) {
	w := newWorld(t, memory.Config{Start: 500})
	type result struct {
		n   int
		now int64
	}
	for _, lane := range []int{0, w.Lanes()} {
		done := make(chan result)
		deadline := w.Now() + 100
		go func() {
			n, _ := w.Wait(lane, make([]transport.Event, 1), deadline)
			done <- result{n, w.Now()}
		}()
		w.AwaitSleep(lane)
		w.Advance(99)
		w.AwaitSleep(lane) // it has looked at the time and sleeps again
		w.Advance(1)
		if r := <-done; r != (result{0, deadline}) {
			t.Fatalf("Wait = %+v, want 0 at %d", r, deadline)
		}
	}
	if w.Now() != 700 {
		t.Fatalf("Now = %d, want 700", w.Now())
	}
	w.Advance(transport.Forever)
	if now := w.Now(); now != transport.Forever-1 {
		t.Fatalf("Now = %d, want just before Forever", now)
	}
}

func TestDelay(t *testing.T) {
	w := newWorld(t, memory.Config{Seed: 3, Faults: memory.Faults{Delay: 1000}})
	s, p := w.pair(1)
	w.write(p, "abc")
	w.write(p, "def")
	p.CloseWrite()
	at := w.Next()
	if at <= w.Now() || at > w.Now()+1000 {
		t.Fatalf("Next = %d at %d", at, w.Now())
	}
	w.AdvanceTo(at - 1)
	w.wantEvents("")
	w.wantReceive(s, 16, "", transport.ErrWouldBlock)
	w.AdvanceTo(at)
	w.wantEvents("1:rh")
	w.wantReceive(s, 16, "abcdef", nil)
	w.wantReceive(s, 16, "", transport.EOF)
	if w.Next() != transport.Forever {
		t.Fatalf("Next = %d with nothing under way", w.Next())
	}
	w.Send(s, [][]byte{[]byte("later")})
	w.wantRead(p, "", transport.ErrWouldBlock)
	w.AdvanceTo(w.Next())
	w.wantRead(p, "later", nil)
}

func TestBacklog(t *testing.T) {
	t.Run("waits outside", func(t *testing.T) {
		w := newWorld(t, memory.Config{Backlog: 2})
		var peers []*memory.Peer
		for range 4 {
			peers = append(peers, w.connect())
		}
		for i, p := range peers {
			if p.Connected() != (i < 2) {
				t.Fatalf("peer %d: Connected = %v", i, p.Connected())
			}
		}
		if _, err := peers[3].TryWrite([]byte("x")); err != transport.ErrWouldBlock {
			t.Fatalf("TryWrite from outside = %v", err)
		}
		w.wantEvents("1000:a")
		for _, p := range peers {
			s, err := w.Accept(w.l)
			w.must(err)
			if w.Remote(s) != p.Local() {
				t.Fatal("clients are not accepted in order")
			}
		}
		w.must(peers[3].AwaitConnected())
		if _, err := w.Accept(w.l); err != transport.ErrWouldBlock {
			t.Fatalf("Accept = %v", err)
		}
	})
	t.Run("is refused", func(t *testing.T) {
		w := newWorld(t, memory.Config{Backlog: 1, Refuse: true})
		w.connect()
		if _, err := w.Connect(w.at); err != transport.ErrRefused {
			t.Fatalf("Connect = %v, want ErrRefused", err)
		}
	})
	t.Run("quiet, then closed", func(t *testing.T) {
		w := newWorld(t, memory.Config{})
		before := w.connect()
		w.QuietListener(w.l)
		after := w.connect()
		s, err := w.Accept(w.l)
		if err != nil || w.Remote(s) != before.Local() {
			t.Fatalf("Accept = %v", err)
		}
		if _, err := w.Accept(w.l); err != transport.ErrWouldBlock {
			t.Fatalf("Accept of a client that came later = %v", err)
		}
		w.CloseListener(w.l)
		if err := after.AwaitConnected(); err != transport.ErrRefused {
			t.Fatalf("AwaitConnected = %v, want ErrRefused", err)
		}
		if _, err := w.Connect(w.at); err != transport.ErrRefused {
			t.Fatalf("Connect = %v, want ErrRefused", err)
		}
	})
	t.Run("a client that went away", func(t *testing.T) {
		w := newWorld(t, memory.Config{Backlog: 1})
		gone, outside, stays := w.connect(), w.connect(), w.connect()
		gone.Reset()
		outside.Reset()
		if _, err := w.Accept(w.l); err != transport.ErrAborted {
			t.Fatalf("Accept = %v, want ErrAborted", err)
		}
		s, err := w.Accept(w.l)
		if err != nil || w.Remote(s) != stays.Local() {
			t.Fatalf("Accept = %v", err)
		}
	})
}

func TestNoStreamIsFree(t *testing.T) {
	w := newWorld(t, memory.Config{Streams: 1})
	s, _ := w.pair(1)
	p := w.connect()
	for range 2 {
		if _, err := w.Accept(w.l); err != transport.ErrDescriptors {
			t.Fatalf("Accept = %v, want ErrDescriptors", err)
		}
		w.wantEvents("1000:a") // the client still waits
	}
	if _, err := w.Dial(w.at); err != transport.ErrDescriptors {
		t.Fatalf("Dial = %v, want ErrDescriptors", err)
	}
	w.CloseStream(s)
	if n := w.Open(); n != 0 {
		t.Fatalf("Open = %d", n)
	}
	s, err := w.Accept(w.l)
	if err != nil || w.Remote(s) != p.Local() || w.Open() != 1 {
		t.Fatalf("Accept = %v", err)
	}
}

func TestStaleNamesAreCounted(t *testing.T) {
	w := newWorld(t, memory.Config{Streams: 1})
	old, _ := w.pair(1)
	w.CloseStream(old)
	s, p := w.pair(2)
	w.write(p, "for the new one")
	if old == s {
		t.Fatal("the next stream has the same name")
	}
	w.wantReceive(old, 16, "", transport.ErrClosed)
	w.CloseStream(old)
	w.Abort(old)
	if n := w.Stale(); n != 3 {
		t.Fatalf("Stale = %d, want 3", n)
	}
	w.wantReceive(s, 16, "for the new one", nil)
}

func TestConsumedBytesAreOverwritten(t *testing.T) {
	w := newWorld(t, memory.Config{Holds: 8})
	s, p := w.pair(1)
	w.write(p, "abcdef")
	view, err := w.Receive(s, make([]byte, 8))
	w.must(err)
	if string(view) != "abcdef" {
		t.Fatalf("Receive = %q", view)
	}
	w.Consume(s, 6)
	if strings.ContainsAny(string(view), "abcdef") {
		t.Fatalf("the view still reads %q", view)
	}
	if n, _ := p.TryWrite([]byte("0123456789")); n != 8 {
		t.Fatalf("TryWrite took %d, want what the backend holds", n)
	}
	if p.Unread() != 8 {
		t.Fatalf("Unread = %d", p.Unread())
	}
}

func TestCloseWithBytesUnread(t *testing.T) {
	w := newWorld(t, memory.Config{})
	s, p := w.pair(1)
	w.Send(s, [][]byte{[]byte("answer")})
	w.write(p, "nobody reads this")
	w.CloseStream(s)
	w.wantRead(p, "answer", nil)
	w.wantRead(p, "", transport.ErrReset)

	s, p = w.pair(2)
	w.Send(s, [][]byte{[]byte("answer")})
	w.CloseStream(s)
	w.wantRead(p, "answer", nil)
	w.wantRead(p, "", io.EOF)
	if _, err := p.TryWrite([]byte("too late")); err != transport.ErrReset {
		t.Fatalf("TryWrite = %v, want ErrReset", err)
	}
}

func TestConnectFrom(t *testing.T) {
	w := newWorld(t, memory.Config{})
	from := transport.IPv4(203, 0, 113, 7, 40000)
	p, err := w.ConnectFrom(from, w.at)
	w.must(err)
	s, err := w.Accept(w.l)
	w.must(err)
	if w.Remote(s) != from || p.Local() != from || w.Local(s) != w.at || p.Remote() != w.at {
		t.Fatalf("Remote = %v, want %v", w.Remote(s), from)
	}
}

func TestCloseEndsBlockedPeers(t *testing.T) {
	w := newWorld(t, memory.Config{Backlog: 1, Pipe: 4})
	_, p := w.pair(1)
	waits, outside := w.connect(), w.connect()
	l, err := w.ListenPeer(transport.Addr{})
	w.must(err)
	calls := []func() error{
		func() error { _, err := p.Read(make([]byte, 1)); return err },
		func() error { _, err := p.Write(make([]byte, 100)); return err },
		func() error { _, err := waits.Read(make([]byte, 1)); return err },
		func() error { return outside.AwaitConnected() },
		func() error { _, err := l.Accept(); return err },
	}
	results := make(chan error)
	for _, f := range calls {
		go func() { results <- f() }()
	}
	w.Close()
	for range calls {
		if err := <-results; err == nil {
			t.Error("a peer's call succeeded on a closed network")
		}
	}
	if _, err := w.Connect(w.at); err != transport.ErrClosed {
		t.Errorf("Connect = %v, want ErrClosed", err)
	}
	if _, err := w.Wait(0, nil, 0); err != transport.ErrClosed {
		t.Errorf("Wait = %v, want ErrClosed", err)
	}
}

func TestConfigOutOfBounds(t *testing.T) {
	for _, cfg := range []memory.Config{{Lanes: -1}, {Streams: -1}, {Streams: 1<<20 + 1}, {Pipe: -1}, {Backlog: -1}, {Holds: -1}, {Start: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%+v) did not panic", cfg)
				}
			}()
			memory.New(cfg)
		}()
	}
}
