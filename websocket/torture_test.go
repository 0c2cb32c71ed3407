package websocket_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// TestTorture has many connections do legal and illegal things at random, end in
// all ways, and be pushed to, published to and closed by others, over networks
// with and without faults. Those that are honest are answered as if they were
// alone, Handler.Close comes once after each Open, and nothing is left at the end.
func TestTorture(t *testing.T) {
	seeds := 2
	if testing.Short() {
		seeds = 1
	}
	cfg := bobtail.Config{
		Sockets: 24, Spare: 2, Stash: 20, OutputBlocks: 200, OutputBlockSize: 512,
		Timeouts: bobtail.Timeouts{Handler: 300 * time.Millisecond, Write: 2 * time.Second, Body: 5 * time.Second, Drain: 500 * time.Millisecond},
	}
	gentle := memory.Faults{ShortReads: 200, ShortWrites: 200, WouldBlock: 100, Spurious: 50, Delay: int64(time.Millisecond)}
	harsh := gentle
	harsh.Reset, harsh.HalfClose = 3, 3
	for seed := range uint64(seeds) {
		for _, workers := range []int{2, 4} {
			cfg := cfg
			cfg.Workers = workers
			for name, faults := range map[string]memory.Faults{"gentle": gentle, "harsh": harsh} {
				t.Run(fmt.Sprintf("memory, %s, %d workers, seed %d", name, workers, seed), func(t *testing.T) {
					mem := memory.Config{Seed: seed, Lanes: 1 + int(seed%2), Faults: faults, Pipe: []int{20000, 3000}[seed%2], Holds: int(seed%2) * 700}
					x := newTorture(t, servertest.Kind{Memory: mem}, cfg, seed)
					x.mayReset = faults.Reset > 0
					stop := make(chan struct{})
					var clock sync.WaitGroup
					clock.Go(func() { // time passes
						for {
							select {
							case <-stop:
								return
							default:
								x.f.Net.Advance(int64(50 * time.Microsecond))
								runtime.Gosched()
							}
						}
					})
					x.run()
					x.end()
					close(stop)
					clock.Wait()
				})
			}
			for _, k := range servertest.Real() {
				t.Run(fmt.Sprintf("%s, %d workers, seed %d", k.Name, workers, seed), func(t *testing.T) {
					x := newTorture(t, k, cfg, seed)
					x.run()
					x.end()
				})
			}
		}
	}
}

// torture is a server under it.
type torture struct {
	t        *testing.T
	f        *fixture
	seed     uint64
	topic    *websocket.Topic
	mayReset bool // also honest clients

	mu    sync.Mutex
	socks []websocket.Socket // of hostile clients
	lives []*life
	done  atomic.Int64
	ended atomic.Int64 // honest clients that were cut off
}

// life is what is known of a connection: it is its value.
type life struct {
	closed atomic.Int32
	busy   atomic.Int32
	s      websocket.Socket
}

func newTorture(t *testing.T, k servertest.Kind, cfg bobtail.Config, seed uint64) *torture {
	wc := websocket.Config{Ping: int64(700 * time.Millisecond), Pong: int64(20 * time.Second), Close: int64(300 * time.Millisecond),
		Subscriptions: 15, Extension: newDeflate(t, deflate.Config{})}
	x := &torture{t: t, seed: seed}
	x.f = newFixture(t, k, cfg, wc)
	x.f.Free = true
	x.topic = x.f.ws.NewTopic(websocket.TopicOptions{Mark: 3, Slow: engine.CloseSlow})
	honest := func(o websocket.Options, h websocket.Handler) bobtail.Handler {
		return x.f.ws.Upgrade(o, x.watched(h, false))
	}
	x.f.Handle("GET /message", honest(websocket.Options{Compress: true}, echoes[0].h))
	x.f.Handle("GET /data", honest(websocket.Options{Compress: true}, echoes[1].h))
	x.f.Handle("GET /hostile/message", x.f.ws.Upgrade(websocket.Options{Compress: true, Mark: 2}, x.watched(websocket.Handler{Message: x.obey, Pong: func(c *websocket.Conn, p []byte) error { return c.Ping(p) }}, true)))
	x.f.Handle("GET /hostile/data", x.f.ws.Upgrade(websocket.Options{Compress: true}, x.watched(websocket.Handler{Data: echoData}, true)))
	x.f.Handle("GET /hostile/straight", x.f.ws.Straight(websocket.Options{Compress: true}, echoStraight))
	x.f.Start()
	return x
}

// watched is a handler whose calls are counted.
func (x *torture) watched(h websocket.Handler, hostile bool) websocket.Handler {
	in := func(c *websocket.Conn) (*life, bool) {
		l, ok := c.Value().(*life)
		if !ok {
			x.t.Errorf("value %v", c.Value())
			return nil, false
		}
		if l.s != c.Socket() {
			x.t.Error("the value of another connection")
		}
		if l.closed.Load() != 0 {
			x.t.Error("called after Close")
		}
		if l.busy.Add(1) != 1 {
			x.t.Error("called twice at the same time")
		}
		return l, true
	}
	w := h
	w.Open = func(c *websocket.Conn) error {
		l := &life{s: c.Socket()}
		c.SetValue(l)
		x.mu.Lock()
		x.lives = append(x.lives, l)
		if hostile {
			x.socks = append(x.socks, l.s)
		}
		x.mu.Unlock()
		if hostile {
			x.topic.Subscribe(l.s)
		}
		return nil
	}
	if h.Message != nil {
		w.Message = func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			if l, ok := in(c); ok {
				defer l.busy.Add(-1)
			}
			return h.Message(c, op, p)
		}
	}
	if h.Data != nil {
		w.Data = func(c *websocket.Conn, p ws.Part) error {
			if l, ok := in(c); ok {
				defer l.busy.Add(-1)
			}
			return h.Data(c, p)
		}
	}
	w.Close = func(c *websocket.Conn, code ws.Code, _ []byte) {
		if c.SendText("too late") == nil {
			x.t.Error("sent in Close")
		}
		if l, ok := in(c); ok {
			l.busy.Add(-1)
			if n := l.closed.Add(1); n != 1 {
				x.t.Errorf("closed %d times", n)
			}
		}
		if hostile {
			x.topic.Publish(ws.OpText, []byte("somebody has left"))
		}
	}
	return w
}

// obey does what a message says.
func (x *torture) obey(c *websocket.Conn, op ws.Opcode, p []byte) error {
	word, rest, _ := strings.Cut(string(p), " ")
	switch word {
	case "panic":
		panic("of the program")
	case "error":
		return errors.New("of the program")
	case "close":
		return c.Close(4000, "asked for")
	case "elsewhere":
		return c.Socket().Close(4001, rest)
	case "long":
		for range 20 {
			if err := c.Send(ws.OpBinary, servertest.Pattern(len(rest)*300)); err != nil {
				return err
			}
		}
	case "begin":
		return c.Piece(ws.OpText, false, []byte(rest))
	case "end":
		return c.Piece(ws.OpText, true, []byte(rest))
	case "stuck":
		// Until the deadline has passed, and then as if it had not.
		for at := x.f.Server.Now() + int64(400*time.Millisecond); x.f.Server.Now() < at; {
			runtime.Gosched()
		}
		c.Remote()
		c.Send(ws.OpBinary, servertest.Pattern(10000))
		c.Ping(nil)
		return c.Send(op, p)
	case "publish":
		x.topic.Publish(ws.OpText, []byte(rest))
	case "pushed":
		return c.Socket().SendText(rest)
	}
	return c.Send(op, p)
}

func (x *torture) run() {
	const clients, lives = 10, 12
	var all sync.WaitGroup
	for k := range clients {
		all.Go(func() {
			defer x.done.Add(1)
			rng := rand.New(rand.NewPCG(x.seed, uint64(k)))
			for n := range lives {
				var err error
				if k < clients/2 {
					err = x.honest(rng)
				} else {
					err = x.hostile(rng)
				}
				if err != nil {
					x.t.Errorf("client %d, life %d: %v", k, n, err)
				}
			}
		})
	}
	for rng := rand.New(rand.NewPCG(x.seed, 999)); x.done.Load() < clients; runtime.Gosched() {
		x.mu.Lock()
		var s websocket.Socket
		if n := len(x.socks); n > 0 {
			s = x.socks[n-1-rng.IntN(min(n, 6))]
		}
		x.mu.Unlock()
		switch rng.IntN(400) {
		case 0:
			s.Close(4002, "elsewhere")
		case 1:
			x.topic.Unsubscribe(s)
		case 2:
			x.topic.Subscribe(s)
		case 3:
			x.topic.Publish(ws.OpBinary, servertest.Pattern(rng.IntN(2000)))
		case 4:
			s.Push(ws.OpText, servertest.Pattern(rng.IntN(2000)), 3, engine.Overflow(rng.IntN(3)))
		case 5:
			s.Ping([]byte("p"))
		case 6:
			x.f.Server.Engine().Wake(s.Handle())
		case 7:
			if rng.IntN(10) == 0 {
				x.f.Server.Engine().Kill(s.Handle())
			}
		case 8:
			x.f.ws.Stats()
			x.topic.Stats()
		}
	}
	all.Wait()
}

// end wants nothing left.
func (x *torture) end() {
	f := x.f
	wait := func(what string, cond func() bool) {
		x.t.Helper()
		for at := time.Now().Add(servertest.RealPatience); !cond(); runtime.Gosched() {
			if time.Now().After(at) {
				x.t.Fatalf("never came: %s, stats %+v, %+v\n%s", what, f.Server.Stats(), f.ws.Stats(), leaktest.Stacks())
			}
		}
	}
	wait("the end of all", func() bool { st := f.Server.Stats(); return st.Open == 0 && f.ws.Stats().Open == 0 && st.Busy == 0 })
	st := f.Server.Stats()
	if st.Stash != 0 || st.OutputBlocks != 0 || st.Lent != 0 || x.topic.Len() != 0 || f.ws.LongsLent() != 0 {
		x.t.Errorf("left: %+v, %d subscribers", st, x.topic.Len())
	}
	x.mu.Lock()
	for _, l := range x.lives {
		if l.closed.Load() != 1 {
			x.t.Errorf("Close was called %d times", l.closed.Load())
		}
	}
	x.mu.Unlock()
	if most := int64(st.Reclaimed + st.Lost + st.Stalled); !x.mayReset && x.ended.Load() > most {
		x.t.Errorf("%d honest clients were cut off; %+v", x.ended.Load(), st)
	}
	f.end()
}

type tortureConn struct {
	servertest.Conn
	in    *bufio.Reader
	reset func()
}

// connect does the handshake of a client, if it comes to that.
func (x *torture) connect(path, extra string) (*tortureConn, error) {
	c := &tortureConn{}
	if x.f.Net != nil {
		p, err := x.f.Net.Connect(x.f.Addr)
		if err != nil {
			return nil, err
		}
		c.Conn, c.reset = p, func() { p.Reset() }
	} else {
		n, err := servertest.Dial(x.f.Addr.String())
		if err != nil {
			return nil, err
		}
		c.Conn, c.reset = n, func() { n.SetLinger(0); n.Close() }
	}
	c.in = bufio.NewReader(c)
	if _, err := io.WriteString(c, strings.TrimSuffix(hello(path), "\r\n")+extra+"\r\n"); err != nil {
		c.Close()
		return nil, err
	}
	status := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.Close()
			return nil, err
		}
		if status == 0 {
			fmt.Sscanf(line, "HTTP/1.1 %d", &status)
		}
		if line == "\r\n" {
			break
		}
	}
	if status != 101 {
		c.Close()
		return nil, errBusy
	}
	return c, nil
}

var errBusy = errors.New("no room")

const takeover = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

// honest is the life of a client who keeps to the rules.
func (x *torture) honest(rng *rand.Rand) error {
	extra := ""
	if rng.IntN(3) == 0 {
		extra = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
	}
	path, most := "/message", 13
	if rng.IntN(2) == 0 {
		path, most = "/data", 17
	}
	c, err := x.connect(path, extra)
	if err != nil {
		x.ended.Add(1)
		return nil
	}
	defer c.Close()
	for n := range 1 + rng.IntN(6) {
		m := servertest.Pattern(rng.IntN(1 << rng.IntN(most)))
		if len(m) > 0 {
			m[0] = byte('A' + n)
		}
		var out strings.Builder
		body, bit := m, 0
		if extra != "" && rng.IntN(2) == 0 {
			body, bit = squeeze(m), rsv1
		}
		op := text
		pings := 0
		for {
			k := len(body)
			if rng.IntN(2) == 0 {
				k = rng.IntN(len(body) + 1)
			}
			if k == len(body) {
				out.WriteString(frame(op|bit, body))
				break
			}
			out.WriteString(frame(op|bit|more, body[:k]))
			body, op, bit = body[k:], cont, 0
			if rng.IntN(3) == 0 {
				out.WriteString(frame(ping, "are you there"))
				pings++
			}
		}
		go func(s string, cuts *rand.Rand) {
			for s != "" {
				k := 1 + cuts.IntN(len(s))
				if _, err := io.WriteString(c, s[:k]); err != nil {
					return
				}
				s = s[k:]
			}
		}(out.String(), rand.New(rand.NewPCG(rng.Uint64(), 1)))
		var got []byte
		packed := false
		for over := false; !over || pings > 0; {
			op, p, err := readFrame(c.in)
			switch {
			case err != nil:
				x.ended.Add(1)
				return nil
			case op == ping:
				// The answer would come in the midst of a frame.
			case op == pong:
				if pings--; string(p) != "are you there" || pings < 0 {
					return fmt.Errorf("pong %q", p)
				}
			case op == closing:
				if code := binary.BigEndian.Uint16(p); code != 1008 && code != 1013 && code != 1011 {
					return fmt.Errorf("closed with %d %q, message %d of %d bytes, extra %q, body %d, pings %d, out %d", code, p[2:], n, len(m), extra, len(body), pings, out.Len())
				}
				x.ended.Add(1)
				return nil
			default:
				if over {
					return fmt.Errorf("frame %#x behind the answer", op)
				}
				packed = packed || op&rsv1 != 0
				got = append(got, p...)
				over = op&more == 0
			}
		}
		if packed {
			got = expand(x.t, got)
		}
		if string(got) != string(m) {
			return fmt.Errorf("message %d: got %s, want %s", n, servertest.Brief(got), servertest.Brief(m))
		}
	}
	if rng.IntN(2) == 0 {
		io.WriteString(c, frame(closing, closeFrame(1000, "bye")))
		for {
			op, p, err := readFrame(c.in)
			if err != nil {
				x.ended.Add(1)
				return nil
			}
			if op == closing {
				if string(p) != closeFrame(1000, "") {
					return fmt.Errorf("close frame %q", p)
				}
				break
			}
			if op != ping {
				return fmt.Errorf("frame %#x behind close", op)
			}
		}
		if rest, err := io.ReadAll(c.in); err == nil && len(rest) > 0 {
			return fmt.Errorf("%q behind the close frame", rest)
		}
	}
	return nil
}

// hostile is the life of a client who does not. What it is sent must be frames
// all the same, and nothing behind a close frame.
func (x *torture) hostile(rng *rand.Rand) error {
	extra := ""
	if rng.IntN(2) == 0 {
		extra = takeover
	}
	c, err := x.connect([]string{"/hostile/message", "/hostile/message", "/hostile/data", "/hostile/straight"}[rng.IntN(4)], extra)
	if err != nil {
		return nil
	}
	ended := make(chan error, 1)
	reads := rng.IntN(3) > 0
	go func() {
		if !reads {
			ended <- nil
			return
		}
		ended <- frames(c.in)
	}()
	words := []string{"panic", "error", "close", "elsewhere bye", "long xxxxxxxxxx", "begin a", "begin b", "end c", "publish news", "pushed by himself", "hello", "hello"}
	if rng.IntN(4) == 0 {
		words = append(words, "stuck")
	}
	broken := false
	for range rng.IntN(12) {
		var out string
		switch rng.IntN(12) {
		case 0, 1, 2, 3, 4:
			out = frame(text, words[rng.IntN(len(words))])
		case 5:
			out = frame(bin|more, servertest.Pattern(rng.IntN(30000))) + frame(ping, "p") + frame(cont, "x")
		case 6:
			out = frame(pong, "unasked for")
		case 7:
			out = frame(text|rsv1, squeeze([]byte(words[rng.IntN(len(words))])))
		case 8:
			out = frame(bin|rsv1, squeeze(make([]byte, rng.IntN(1<<18))))
		case 9:
			out = frame(closing, closeFrame(1000+rng.IntN(20), "so"))
		case 10:
			b := make([]byte, rng.IntN(50))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			out = string(b)
		case 11:
			out = frame(bin, servertest.Pattern(1<<rng.IntN(16)))
		}
		if rng.IntN(6) == 0 {
			out = out[:rng.IntN(len(out)+1)]
		}
		if !reads && len(out) > 2000 {
			continue // it would wait for ever for room
		}
		if _, err := io.WriteString(c, out); err != nil {
			broken = true
			break
		}
	}
	how := rng.IntN(3)
	switch {
	case broken:
	case how == 0:
		c.reset()
	case how == 1:
		c.CloseWrite()
	case how == 2 && reads:
		io.WriteString(c, frame(closing, ""))
		c.CloseWrite()
	}
	if !reads {
		c.Close()
	}
	err = <-ended
	c.Close()
	return err
}

// frames wants frames of a server until the end, which may come anywhere.
func frames(r *bufio.Reader) error {
	midway := false
	var hist []string
	for {
		op, p, err := readFrame(r)
		hist = append(hist, fmt.Sprintf("%#x:%s", op, servertest.Brief(p[:min(len(p), 40)])+fmt.Sprint(len(p))))
		if err != nil {
			if strings.Contains(err.Error(), "masked") {
				return err
			}
			return nil
		}
		switch op & 15 {
		case text, bin:
			if midway {
				return fmt.Errorf("frame %#x within a message %q", op, hist)
			}
			midway = op&more != 0
		case cont:
			if !midway {
				return fmt.Errorf("frame %#x within no message", op)
			}
			midway = op&more != 0
		case ping, pong:
		case closing:
			rest, err := io.ReadAll(r)
			if err == nil && len(rest) > 0 {
				return fmt.Errorf("%s behind the close frame", servertest.Brief(rest))
			}
			return nil
		default:
			return fmt.Errorf("frame %#x", op)
		}
	}
}
