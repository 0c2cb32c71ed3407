package coapconn_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// TestMain wants every goroutine to end.
func TestMain(m *testing.M) { leaktest.Main(m) }

// goes has what is written written by a goroutine.
func goes(f func()) { go f() }

// newConn makes a connection with buffers of the least sizes, unless changed.
func newConn(t testing.TB, change ...func(*coapconn.Config)) *coapconn.Conn {
	t.Helper()
	config := coapconn.Config{In: splittest.Memory(t, coapconn.MinIn), Out: splittest.Memory(t, coapconn.MinOut)}
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
		t.Fatalf("%s: it does not happen\n%s", what, leaktest.Stacks())
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
	a, b := pipetest.Wide()
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
