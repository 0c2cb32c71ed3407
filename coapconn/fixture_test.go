package coapconn_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// TestMain wants every goroutine to end.
func TestMain(m *testing.M) {
	status := m.Run()
	if status == 0 && !alone() {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s", stacks())
		status = 1
	}
	os.Exit(status)
}

// alone reports whether the goroutines of the tests end.
func alone() bool {
	for overdue := time.Now().Add(5 * time.Second); time.Now().Before(overdue); runtime.Gosched() {
		if list := strings.Split(stacks(), "\n\n"); !slices.ContainsFunc(list[1:], func(s string) bool {
			return strings.Contains(s, "bobtail/")
		}) {
			return true
		}
	}
	return false
}

// stacks are those of all goroutines, of this one first.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// half is one direction of a stream in memory: a buffer with a limit, which
// gives and takes pieces of any size.
type half struct {
	mu     sync.Mutex
	change sync.Cond
	buf    []byte
	limit  int
	most   func() int // of a piece
	closed bool
}

func newHalf(limit int, most func() int) *half {
	h := &half{limit: limit, most: most}
	h.change.L = &h.mu
	return h
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 && !h.closed {
		h.change.Wait()
	}
	if len(h.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.buf[:min(len(h.buf), h.most())])
	h.buf = h.buf[:copy(h.buf, h.buf[n:])]
	h.change.Broadcast()
	return n, nil
}

func (h *half) Write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		for len(h.buf) >= h.limit && !h.closed {
			h.change.Wait()
		}
		if h.closed {
			return n, io.ErrClosedPipe
		}
		k := min(len(p), h.limit-len(h.buf))
		h.buf = append(h.buf, p[:k]...)
		p = p[k:]
		n += k
		h.change.Broadcast()
	}
	return n, nil
}

func (h *half) close() {
	h.mu.Lock()
	h.closed = true
	h.change.Broadcast()
	h.mu.Unlock()
}

// duplex is one end of a stream in memory.
type duplex struct{ in, out *half }

func (d duplex) Read(p []byte) (int, error)  { return d.in.Read(p) }
func (d duplex) Write(p []byte) (int, error) { return d.out.Write(p) }
func (d duplex) Close() error                { d.in.close(); d.out.close(); return nil }

// pipes make both ends of a stream.
var pipes = []struct {
	name string
	open func(seed uint64) (a, b io.ReadWriteCloser)
}{
	{"net.Pipe", func(uint64) (a, b io.ReadWriteCloser) { return net.Pipe() }},
	{"memory", func(seed uint64) (a, b io.ReadWriteCloser) {
		r := rand.New(rand.NewPCG(seed, 1))
		var mu sync.Mutex
		most := func() int {
			mu.Lock()
			defer mu.Unlock()
			return 1 + r.IntN(1<<r.IntN(13))
		}
		x, y := newHalf(1+r.IntN(5000), most), newHalf(1+r.IntN(5000), most)
		return duplex{x, y}, duplex{y, x}
	}},
	{"wide", func(uint64) (a, b io.ReadWriteCloser) {
		most := func() int { return 1 << 20 }
		x, y := newHalf(1<<20, most), newHalf(1<<20, most)
		return duplex{x, y}, duplex{y, x}
	}},
}

// goes has what is written written by a goroutine.
func goes(f func()) { go f() }

const canary = 0xA5

// guarded is memory full of rubbish, around which nothing must change.
func guarded(t testing.TB, n int) []byte {
	b := make([]byte, n+16)
	for i := range b {
		b[i] = canary
	}
	t.Cleanup(func() {
		for i := range 8 {
			if b[i] != canary || b[n+8+i] != canary {
				t.Error("bytes outside of a buffer were written")
				return
			}
		}
	})
	return b[8 : 8+n : 8+n]
}

// newConn makes a connection with buffers of the least sizes, unless changed.
func newConn(t testing.TB, change ...func(*coapconn.Config)) *coapconn.Conn {
	t.Helper()
	config := coapconn.Config{In: guarded(t, coapconn.MinIn), Out: guarded(t, coapconn.MinOut)}
	for _, f := range change {
		f(&config)
	}
	c, err := coapconn.New(config)
	must(t, err)
	return c
}

// background is a change for newConn.
func background(c *coapconn.Config) { c.Background = goes }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits for something that must happen.
func within[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it does not happen\n%s", what, stacks())
	}
	return v
}

// ending is the end of a Run.
type ending struct {
	done chan struct{}
	err  error
}

// run has a connection run.
func run(c *coapconn.Conn) *ending {
	e := &ending{done: make(chan struct{})}
	go func() {
		e.err = c.Run()
		close(e.done)
	}()
	return e
}

// wait is what Run has returned.
func (e *ending) wait(t testing.TB) error {
	t.Helper()
	within(t, e.done, "end of Run")
	return e.err
}

// live is a connection that runs, over a stream whose other end is peer.
func live(t testing.TB, change ...func(*coapconn.Config)) (c *coapconn.Conn, p *peer, over *ending) {
	t.Helper()
	a, b := pipes[2].open(0)
	c = newConn(t, change...)
	must(t, c.Reset(a))
	p = newPeer(t, b)
	over = run(c)
	t.Cleanup(func() { a.Close(); b.Close(); over.wait(t) })
	if m := p.next(); m.Code != coap.CodeCSM {
		t.Fatalf("first comes %s", m.Code)
	}
	return c, p, over
}

// peer is the other end, played by the test.
type peer struct {
	t    testing.TB
	rw   io.ReadWriter
	buf  []byte
	used int
}

func newPeer(t testing.TB, rw io.ReadWriter) *peer { return &peer{t: t, rw: rw} }

// read is the next message, or why there is none.
func (p *peer) read() (coap.Message, error) {
	p.buf = p.buf[p.used:]
	p.used = 0
	for {
		m, n, err := coap.ParseTCP(p.buf)
		if err != nil || n != 0 {
			p.used = n
			return m, err
		}
		b := make([]byte, 4096)
		n, err = p.rw.Read(b)
		if err != nil {
			return m, err
		}
		p.buf = append(p.buf[:len(p.buf):len(p.buf)], b[:n]...)
	}
}

// next is the next message, which must come.
func (p *peer) next() coap.Message {
	p.t.Helper()
	m, err := p.read()
	if err != nil {
		p.t.Errorf("peer: %v", err)
		panic(err)
	}
	return m
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.rw.Write(b); err != nil {
		p.t.Errorf("peer: %v", err)
	}
}

// send sends a message.
func (p *peer) send(code coap.Code, token []byte, options coap.Options, payload string) {
	p.t.Helper()
	p.write(coap.AppendTCP(nil, coap.Message{Code: code, Token: token, Options: options, Payload: []byte(payload)}))
}

// csm says that the peer takes messages of n bytes.
func (p *peer) csm(n int) {
	p.write(coap.AppendCSM(nil, coap.Settings{MaxMessage: uint32(n), BlockWise: true}))
}

// options are options in their order, of "number=value" each.
func options(list ...string) coap.Options {
	var b []byte
	prev := coap.Option(0)
	for _, s := range list {
		name, value, _ := strings.Cut(s, "=")
		n, ok := coap.ParseOptionName(name)
		if !ok {
			panic(s)
		}
		b = coap.AppendOption(b, prev, n, []byte(value))
		prev = n
	}
	return b
}

// newCall is a call of a path.
func newCall(code coap.Code, path string, payload string) *coapconn.Call {
	return &coapconn.Call{Code: code, Options: options("Uri-Path=" + path), Payload: []byte(payload), Into: make([]byte, 2000)}
}
