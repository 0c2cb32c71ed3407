package coapconn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// wire is a stream for tests: a peer that has said all that it has to say, which
// comes in pieces, and whom nobody hears.
type wire struct {
	in   []byte
	ends []int // after each read, how many bytes of in have come
	read int
	end  error // behind the last, nil for io.EOF
	out  bytes.Buffer
	fail error // of Write
}

func (w *wire) Read(p []byte) (int, error) {
	if w.read == len(w.in) {
		if w.end != nil {
			return 0, w.end
		}
		return 0, io.EOF
	}
	n := len(w.in) - w.read
	for _, e := range w.ends {
		if e > w.read {
			n = e - w.read
			break
		}
	}
	n = copy(p, w.in[w.read:w.read+n])
	w.read += n
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	if w.fail != nil {
		return 0, w.fail
	}
	return w.out.Write(p)
}

// outcome is how a call has ended, in short.
func outcome(a *coapconn.Call) string {
	if a.Err != nil {
		return a.Err.Error()
	}
	return fmt.Sprintf("%s %q", a.Answer.Code, a.Answer.Payload)
}

// answer is a whole answer.
func answer(token, payload string, opts ...string) []byte {
	return coap.AppendTCP(nil, coap.Message{Code: coap.CodeContent, Token: []byte(token), Options: options(opts...), Payload: []byte(payload)})
}

// TestEverySplit has three calls wait for what the peer says, which comes in
// every way. The tokens of a Conn with four exchanges are 4, 5, 6 and 7.
func TestEverySplit(t *testing.T) {
	csm := coap.AppendCSM(nil, coap.Settings{MaxMessage: 2000, BlockWise: true})
	long := string(blobOf(300))
	for _, v := range []struct {
		name  string
		in    [][]byte
		calls [3]string
		run   string
		sent  string // behind our CSM and the requests
	}{
		{"answers out of order", [][]byte{csm, answer("\x06", "third"), answer("\x04", "first"), answer("\x05", long)},
			[3]string{`2.05 "first"`, fmt.Sprintf("2.05 %q", long), `2.05 "third"`}, "coapconn: peer has closed the stream", ""},
		{"a CSM that is late, empty messages, and answers to nobody", [][]byte{
			answer("\x04", "first"), {0, 0}, csm, answer("\x07", "?"), answer("\x04", "twice"), answer("", "?"), answer("\x00\x05", "?"), answer("\x01\x05", "?"),
			answer("\x05", "second"), {0, 0}, answer("\x06", "")},
			[3]string{`2.05 "first"`, `2.05 "second"`, `2.05 ""`}, "coapconn: peer has closed the stream", ""},
		{"an end without answers", [][]byte{csm, answer("\x05", "second")},
			[3]string{"coapconn: peer has closed the stream", `2.05 "second"`, "coapconn: peer has closed the stream"}, "coapconn: peer has closed the stream", ""},
		{"an end within a message", [][]byte{csm, answer("\x05", "second"), answer("\x04", "first")[:4]},
			[3]string{"coapconn: stream ended within a message", `2.05 "second"`, "coapconn: stream ended within a message"}, "coapconn: stream ended within a message", ""},
		{"an Abort", [][]byte{csm, answer("\x05", "second"), coap.AppendAbort(nil, 0, "tired"), answer("\x04", "first")},
			[3]string{"coapconn: peer has aborted the connection: tired", `2.05 "second"`, "coapconn: peer has aborted the connection: tired"}, "coapconn: peer has aborted the connection: tired", ""},
		{"a Release, and the answers behind it", [][]byte{csm, coap.AppendRelease(nil, "b.example:5683", 3), answer("\x05", "second"), answer("\x04", "first"), answer("\x06", "third"), answer("\x06", "?")},
			[3]string{`2.05 "first"`, `2.05 "second"`, `2.05 "third"`}, "coapconn: peer has released the connection: b.example:5683", ""},
		{"a Release without the answers", [][]byte{csm, coap.AppendRelease(nil, "", 0), answer("\x05", "second")},
			[3]string{"coapconn: peer has released the connection", `2.05 "second"`, "coapconn: peer has released the connection"}, "coapconn: peer has released the connection", ""},
		{"an answer that does not fit, and one that is not understood", [][]byte{csm, answer("\x04", string(blobOf(600))), answer("\x05", "?", "65001=x"), answer("\x06", "third")},
			[3]string{"coapconn: answer does not fit", "coapconn: answer with an unknown critical option", `2.05 "third"`}, "coapconn: peer has closed the stream", ""},
		{"an error with an option that is not understood, as libcoap's 4.02 has it", [][]byte{csm, request(coap.CodeBadOption, "\x04", "no", "65001=x")},
			[3]string{`4.02 "no"`, "coapconn: peer has closed the stream", "coapconn: peer has closed the stream"}, "coapconn: peer has closed the stream", ""},
		{"pings, and requests to who serves nothing", [][]byte{csm, coap.AppendPing(nil, []byte("p"), false), request(coap.CodeGET, "r", "", "Uri-Path=x"), coap.AppendPing(nil, nil, true), answer("\x04", "first")},
			[3]string{`2.05 "first"`, "coapconn: peer has closed the stream", "coapconn: peer has closed the stream"}, "coapconn: peer has closed the stream", "7.03 p, 4.04 r, 7.03 "},
		{"a reserved token length", [][]byte{csm, {0x0F, 0x45}},
			[3]string{"coap: reserved token length", "coap: reserved token length", "coap: reserved token length"}, "coap: reserved token length", "7.05  coap: reserved token length"},
		{"a message over our limit", [][]byte{csm, answer("\x04", "first"), {0xE1, 0x7F, 0, 0, 0x45}},
			[3]string{`2.05 "first"`, "coap: message too big", "coap: message too big"}, "coap: message too big", "7.05  coap: message too big"},
		{"a code that is none", [][]byte{csm, {0x01, 0x3F, 4}, answer("\x04", "first")},
			[3]string{"coap: code of a reserved class", "coap: code of a reserved class", "coap: code of a reserved class"}, "coap: code of a reserved class", "7.05  coap: code of a reserved class"},
		{"a signal that is none", [][]byte{csm, {0x00, 0xFF}},
			[3]string{"coap: unknown signaling code", "coap: unknown signaling code", "coap: unknown signaling code"}, "coap: unknown signaling code", "7.05  coap: unknown signaling code"},
	} {
		in := bytes.Join(v.in, nil)
		for _, way := range splittest.Ways(len(in)) {
			c := newConn(t, func(c *coapconn.Config) { c.Exchanges = 4 })
			w := &wire{in: in, ends: way.Ends}
			must(t, c.Reset(w))
			var calls [3]*coapconn.Call
			for i := range calls {
				calls[i] = &coapconn.Call{Code: coap.CodeGET, Into: splittest.Memory(t, 500)}
				must(t, c.Start(calls[i], nil))
			}
			sent := len(words(t, w.out.Bytes()))
			if err := c.Run(); err == nil || err.Error() != v.run {
				t.Fatalf("%s, %s: Run: %v", v.name, way.Name, err)
			}
			for i, a := range calls {
				a.Wait()
				if got := outcome(a); got != v.calls[i] {
					t.Fatalf("%s, %s: call %d: %s", v.name, way.Name, i, got)
				}
			}
			got := ""
			for i, s := range words(t, w.out.Bytes())[sent:] {
				if i > 0 {
					got += ", "
				}
				got += s
			}
			if got != v.sent {
				t.Fatalf("%s, %s: sent %q", v.name, way.Name, got)
			}
			if err := c.Start(calls[0], nil); err == nil {
				t.Fatalf("%s: a call after the end", v.name)
			}
		}
	}
}

// TestPeerLimit is the longest message that may be sent: the base value, what
// the peer says, and what he says then (RFC 8323 section 5.3.1).
func TestPeerLimit(t *testing.T) {
	c, p, _ := live(t, background)
	send := func(n int) error {
		// Header, token and marker take 8 bytes with a token of one byte.
		a := &coapconn.Call{Code: coap.CodePOST, Payload: make([]byte, n), Into: make([]byte, 10)}
		err := c.Start(a, nil)
		if err == nil {
			m := p.next()
			if len(m.Payload) != n {
				t.Errorf("%d bytes come as %d", n, len(m.Payload))
			}
			p.send(coap.CodeChanged, m.Token, nil, "")
			err = a.Wait()
		}
		return err
	}
	settle := func(n int) {
		p.csm(n)
		if m := pong(t, c, p); m.Code != coap.CodePong {
			t.Error(m.Code)
		}
	}
	// 1 + 2 of length + 1 of code + 1 of token + 1 of the marker.
	for _, v := range []struct{ says, fits int }{{0, 1146}, {100, 95}, {5000, 4994}, {70000, 69992}, {1152, 1146}} {
		if v.says != 0 {
			settle(v.says)
		}
		must(t, send(v.fits))
		if err := send(v.fits + 1); err != coapconn.ErrTooLong {
			t.Errorf("%d bytes, where the peer takes %d: %v", v.fits+1, v.says, err)
		}
	}
}

// pong pings and answers the ping: when it is over, all that the peer said
// before is processed.
func pong(t testing.TB, c *coapconn.Conn, p *peer) coap.Message {
	t.Helper()
	a := &coapconn.Call{Code: coap.CodePing, Into: make([]byte, 10)}
	must(t, c.Start(a, nil))
	m := p.next()
	if m.Code != coap.CodePing {
		t.Fatalf("%s instead of a ping", m.Code)
	}
	p.write(coap.AppendPong(nil, m.Token, true))
	must(t, a.Wait())
	return a.Answer
}

// TestPing has pings answered by their token, and by a peer that forgets it.
func TestPing(t *testing.T) {
	c, p, _ := live(t, background)
	m := pong(t, c, p)
	if m.Code != coap.CodePong || !coap.Custody(m.Options) {
		t.Errorf("%s %x", m.Code, m.Options)
	}
	for _, custody := range []bool{true, false} {
		p.write(coap.AppendPing(nil, []byte("token"), custody))
		if m := p.next(); m.Code != coap.CodePong || string(m.Token) != "token" || coap.Custody(m.Options) != custody {
			t.Errorf("%s %x %x", m.Code, m.Token, m.Options)
		}
	}
	a, get := &coapconn.Call{Code: coap.CodePing}, newCall(coap.CodeGET, "x", "")
	must(t, c.Start(get, nil))
	must(t, c.Start(a, nil))
	m = p.next()
	token := bytes.Clone(m.Token)
	p.write(coap.AppendPong(nil, token, false)) // for a GET: it is no answer to that
	p.next()
	p.write(coap.AppendPong(nil, nil, true))
	must(t, a.Wait())
	p.send(coap.CodeContent, token, nil, "x")
	must(t, get.Wait())
	if outcome(get) != `2.05 "x"` {
		t.Error(outcome(get))
	}
}

// TestKeep uses one token for a transfer, and then it is free.
func TestKeep(t *testing.T) {
	c, p, over := live(t, background, func(c *coapconn.Config) { c.Exchanges = 1 })
	a, b := newCall(coap.CodePUT, "x", "block"), newCall(coap.CodeGET, "y", "")
	a.Keep = true
	stop := make(chan struct{})
	close(stop)
	var token []byte
	for i := range 3 {
		must(t, c.Start(a, nil))
		m := p.next()
		if i > 0 && !bytes.Equal(m.Token, token) {
			t.Errorf("token %x, and then %x", token, m.Token)
		}
		token = bytes.Clone(m.Token)
		p.send(coap.CodeContinue, token, nil, "")
		must(t, a.Wait())
		p.send(coap.CodeContinue, token, nil, "and again, which nobody waits for")
		if err := c.Start(b, stop); err != coapconn.ErrCancelled {
			t.Fatal(err)
		}
	}
	must(t, c.Cancel(a, nil))
	must(t, c.Cancel(a, nil))
	must(t, c.Start(b, nil))
	m := p.next()
	if bytes.Equal(m.Token, token) {
		t.Error("the token is used again")
	}
	p.send(coap.CodeContent, m.Token, nil, "")
	must(t, b.Wait())
	// The end takes what is kept.
	must(t, c.Start(a, nil))
	p.send(coap.CodeContinue, p.next().Token, nil, "")
	must(t, a.Wait())
	p.rw.(io.Closer).Close()
	over.wait(t)
	must(t, c.Reset(&wire{}))
	if err := c.Run(); err != coapconn.ErrEnded {
		t.Error(err)
	}
	must(t, c.Cancel(a, nil))
}

// TestCancel holds a token until its answer has come, and drops that.
func TestCancel(t *testing.T) {
	c, p, _ := live(t, background, func(c *coapconn.Config) { c.Exchanges = 2 })
	stop := make(chan struct{})
	close(stop)
	var tokens [][]byte
	for range 2 {
		a := newCall(coap.CodeGET, "slow", "")
		must(t, c.Start(a, nil))
		tokens = append(tokens, bytes.Clone(p.next().Token))
		must(t, c.Cancel(a, nil))
		if err := a.Wait(); err != coapconn.ErrCancelled {
			t.Error(err)
		}
		must(t, c.Cancel(a, nil)) // again
	}
	// No exchange is free.
	a := newCall(coap.CodeGET, "next", "")
	if err := c.Do(a, stop); err != coapconn.ErrCancelled {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Do(a, nil) }()
	p.send(coap.CodeContent, tokens[1], nil, "late")
	m := p.next()
	if bytes.Equal(m.Token, tokens[0]) || bytes.Equal(m.Token, tokens[1]) {
		t.Error("a token is used again")
	}
	p.send(coap.CodeContent, tokens[1], nil, "late, and twice")
	p.send(coap.CodeContent, tokens[0], nil, "late")
	p.send(coap.CodeContent, m.Token, nil, "in time")
	must(t, within(t, done, "answer"))
	if outcome(a) != `2.05 "in time"` {
		t.Error(outcome(a))
	}
	// A Do that is stopped while it waits.
	stop = make(chan struct{})
	go func() { done <- c.Do(a, stop) }()
	m = p.next()
	close(stop)
	if err := within(t, done, "end of a stopped call"); err != coapconn.ErrCancelled {
		t.Error(err)
	}
	p.send(coap.CodeContent, m.Token, nil, "late")
	pong(t, c, p)
}

// TestMisuse is calls that cannot be.
func TestMisuse(t *testing.T) {
	c, p, _ := live(t, background)
	first := newCall(coap.CodeGET, "x", "")
	must(t, c.Start(first, nil))
	p.send(coap.CodeContent, p.next().Token, nil, "x")
	must(t, first.Wait()) // Run has begun
	a := newCall(coap.CodeGET, "x", "")
	must(t, c.Start(a, nil))
	m := p.next()
	for _, v := range []struct {
		name string
		a    *coapconn.Call
		err  error
	}{
		{"a call in use", a, coapconn.ErrInUse},
		{"an answer", &coapconn.Call{Code: coap.CodeContent}, coapconn.ErrCall},
		{"a signal", &coapconn.Call{Code: coap.CodeRelease}, coapconn.ErrCall},
		{"nothing", &coapconn.Call{}, coapconn.ErrCall},
		{"a ping with a payload", &coapconn.Call{Code: coap.CodePing, Payload: []byte("x")}, coapconn.ErrCall},
		{"an observation that nobody sees", &coapconn.Call{Code: coap.CodeGET, Options: options("Observe=")}, coapconn.ErrCall},
	} {
		if err := c.Start(v.a, nil); err != v.err {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	if err := c.Run(); err != coapconn.ErrInUse {
		t.Error(err)
	}
	if err := c.Reset(&wire{}); err != coapconn.ErrInUse {
		t.Error(err)
	}
	p.send(coap.CodeContent, m.Token, nil, "x")
	must(t, a.Wait())
	must(t, a.Wait())
	if err := c.Reset(&wire{}); err != coapconn.ErrInUse {
		t.Error(err) // Run has not returned
	}
	for _, v := range []struct {
		name   string
		change func(*coapconn.Config)
		err    error
	}{
		{"In", func(c *coapconn.Config) { c.In = c.In[:len(c.In)-1] }, coapconn.ErrBuffer},
		{"Out", func(c *coapconn.Config) { c.Out = c.Out[:len(c.Out)-1] }, coapconn.ErrBuffer},
		{"Answers", func(c *coapconn.Config) { c.Resources = &newSite(t).router }, coapconn.ErrBuffer},
		{"Pushes", func(c *coapconn.Config) { c.Pushes = make([]byte, 10) }, coapconn.ErrBuffer},
		{"Exchanges", func(c *coapconn.Config) { c.Exchanges = -1 }, coapconn.ErrConfig},
		{"more Exchanges", func(c *coapconn.Config) { c.Exchanges = 1<<16 + 1 }, coapconn.ErrConfig},
	} {
		config := coapconn.Config{In: make([]byte, coapconn.MinIn), Out: make([]byte, coapconn.MinOut)}
		v.change(&config)
		if _, err := coapconn.New(config); err != v.err {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	fresh := newConn(t)
	if err := fresh.Start(newCall(coap.CodeGET, "x", ""), nil); err != coapconn.ErrClosed {
		t.Error(err)
	}
	if err := fresh.Run(); err != coapconn.ErrInUse {
		t.Error(err)
	}
}

// TestPieces sends a request that is much longer than the buffer, while others
// send, and while pings are answered.
func TestPieces(t *testing.T) {
	for _, how := range []func(*coapconn.Config){background, func(*coapconn.Config) {}} {
		c, p, _ := live(t, how)
		p.csm(1 << 20)
		pinged := make(chan struct{})
		long := blobOf(100_000)
		var wait sync.WaitGroup
		calls := make([]*coapconn.Call, 8)
		settled := func() bool { return c.Peer().MaxMessage == 1<<20 }
		for !settled() {
			runtime.Gosched()
		}
		for i := range calls {
			calls[i] = newCall(coap.CodePOST, "x", string(long[:1+i*14000]))
			wait.Go(func() {
				if err := c.Do(calls[i], nil); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Go(func() {
			<-pinged
		})
		for i := range calls {
			p.write(coap.AppendPing(nil, []byte{byte(i)}, false))
		}
		pongs := 0
		for n := 0; n < len(calls) || pongs < len(calls); {
			m := p.next()
			if m.Code == coap.CodePong {
				pongs++
				continue
			}
			n++
			if !bytes.Equal(m.Payload, long[:len(m.Payload)]) {
				t.Fatalf("%d bytes are not what was sent", len(m.Payload))
			}
			p.send(coap.CodeChanged, m.Token, nil, fmt.Sprint(len(m.Payload)))
		}
		close(pinged)
		wait.Wait()
		for _, a := range calls {
			if string(a.Answer.Payload) != fmt.Sprint(len(a.Payload)) {
				t.Errorf("%d bytes are answered as %s", len(a.Payload), a.Answer.Payload)
			}
		}
	}
}

// TestManyBothWays has many goroutines at both ends ask the other, over every
// kind of stream, while some give up.
func TestManyBothWays(t *testing.T) {
	const askers, each = 50, 20
	for _, pipe := range pipetest.Pipes() {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s %d", pipe.Name, seed), func(t *testing.T) {
				a, b := pipe.Open(seed)
				var ends [2]*coapconn.Conn
				var overs [2]*ending
				for i, rw := range []io.ReadWriter{a, b} {
					s := newSite(t)
					ends[i] = newConn(t, background, func(c *coapconn.Config) {
						c.Resources, c.Answers, c.Exchanges = &s.router, splittest.Memory(t, 3*2048), 7
					})
					must(t, ends[i].Reset(rw))
					overs[i] = run(ends[i])
				}
				var wait sync.WaitGroup
				for _, c := range ends {
					for i := range askers {
						wait.Go(func() {
							r := rand.New(rand.NewPCG(seed, uint64(i)))
							call := &coapconn.Call{Into: make([]byte, 2000)}
							for range each {
								n := r.IntN(900)
								*call = coapconn.Call{Code: coap.CodePOST, Options: options("Uri-Path=echo"), Payload: blobOf(n + 1), Into: call.Into}
								var stop chan struct{}
								if r.IntN(4) == 0 {
									stop = make(chan struct{})
									go func() {
										for range n % 10 {
											runtime.Gosched()
										}
										close(stop)
									}()
								}
								err := c.Do(call, stop)
								if stop != nil && err == coapconn.ErrCancelled {
									continue
								}
								if err != nil || call.Answer.Code != coap.CodeChanged || !bytes.Equal(call.Answer.Payload, call.Payload) {
									t.Errorf("%d bytes: %v, %s", n, err, call.Answer.Code)
									return
								}
							}
						})
					}
				}
				wait.Wait()
				must(t, ends[0].Release("", 0))
				if err := overs[1].wait(t); err == nil || err.Error() != "coapconn: peer has released the connection" {
					t.Error(err)
				}
				b.Close()
				must(t, overs[0].wait(t))
				a.Close()
			})
		}
	}
}

// TestReleasedWithAnswersLeft has a peer that closes after a Release, as it was
// asked to, while an answer is to be written that it does not wait for any more.
func TestReleasedWithAnswersLeft(t *testing.T) {
	ours, theirs := pipetest.Wide()
	written := make(chan struct{}, 10)
	c := newConn(t, func(c *coapconn.Config) {
		c.Resources, c.Answers = &newSite(t).router, splittest.Memory(t, coapconn.MinAnswers)
		c.Background = func(f func()) {
			go func() {
				f()
				written <- struct{}{}
			}()
		}
	})
	must(t, c.Reset(ours))
	within(t, written, "CSM")
	over := run(c)
	must(t, c.Release("", 0))
	within(t, written, "Release")
	theirs.CloseRead()
	newPeer(t, theirs).send(coap.CodePOST, []byte("e"), options("Uri-Path=echo"), "never answered")
	within(t, written, "failing write")
	theirs.CloseWrite()
	must(t, over.wait(t))
}

// TestWriteFails has who sends, and who waits, told why.
func TestWriteFails(t *testing.T) {
	broken := errors.New("broken")
	c := newConn(t)
	w := &wire{fail: broken}
	if err := c.Reset(w); err != broken {
		t.Fatal(err)
	}
	if err := c.Start(newCall(coap.CodeGET, "x", ""), nil); err != broken {
		t.Error(err)
	}
	w.fail = nil
	w.in = coap.AppendAbort(nil, 0, "I told you why")
	must(t, c.Reset(w))
	a := newCall(coap.CodeGET, "x", "")
	must(t, c.Start(a, nil))
	err := c.Run()
	if e, ok := err.(*coapconn.EndError); !ok || string(e.Diagnostic) != "I told you why" || a.Wait() != err {
		t.Error(err, a.Err)
	}
}

// gate is a stream that gives what the test says, when it says so.
type gate struct {
	wire
	reads chan []byte
}

func (g *gate) Read(p []byte) (int, error) {
	b, ok := <-g.reads
	if !ok {
		return 0, io.EOF
	}
	return copy(p, b), nil
}

// TestReasonBehind has a write fail while the peer says why.
func TestReasonBehind(t *testing.T) {
	broken := errors.New("broken")
	for _, v := range []struct {
		name string
		in   []byte
		want string
	}{
		{"an Abort", coap.AppendAbort(nil, 0, "why"), "coapconn: peer has aborted the connection: why"},
		{"nothing", nil, "broken"},
	} {
		c := newConn(t)
		g := &gate{reads: make(chan []byte)}
		must(t, c.Reset(g))
		over := run(c)
		g.reads <- coap.AppendCSM(nil, coap.Settings{})
		g.fail = broken
		a := newCall(coap.CodeGET, "x", "")
		must(t, c.Start(a, nil))
		if err := c.Start(newCall(coap.CodeGET, "x", ""), nil); err != broken {
			t.Error(err)
		}
		if v.in != nil {
			g.reads <- v.in
		}
		close(g.reads)
		if err := over.wait(t); err == nil || err.Error() != v.want || a.Wait() != err {
			t.Errorf("%s: %v, %v", v.name, err, a.Err)
		}
	}
}

// TestAbortIsSent has Run return only when its Abort is written.
func TestAbortIsSent(t *testing.T) {
	c := newConn(t, func(c *coapconn.Config) {
		c.Background = func(f func()) {
			go func() {
				for range 100 {
					runtime.Gosched()
				}
				f()
			}()
		}
	})
	w := &wire{in: []byte{0x0F, 1}}
	must(t, c.Reset(w))
	if err := c.Run(); err != coap.ErrTokenLength {
		t.Error(err)
	}
	if got := words(t, w.out.Bytes()); len(got) != 2 || got[1] != "7.05  coap: reserved token length" {
		t.Errorf("%q", got)
	}
}

// short is a stream that takes half, and says nothing of it.
type short struct{ wire }

func (s *short) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestShortWrite(t *testing.T) {
	if err := newConn(t).Reset(&short{}); err != io.ErrShortWrite {
		t.Error(err)
	}
}

// stuck is a gate whose writes wait until they may pass.
type stuck struct {
	gate
	pass chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.pass
	return len(p), nil
}

// TestNoRoom has a stream that takes nothing: who waits for room, or for his
// turn, can stop, and the end of the connection reaches all.
func TestNoRoom(t *testing.T) {
	c := newConn(t, background)
	s := &stuck{gate{reads: make(chan []byte)}, make(chan struct{})}
	must(t, c.Reset(s))
	over := run(c)
	s.reads <- coap.AppendCSM(nil, coap.Settings{MaxMessage: 10_000})
	s.reads <- []byte{0, 0} // the first is processed
	stopped := make(chan struct{})
	close(stopped)
	// Until the buffer is full.
	var calls []*coapconn.Call
	for {
		a := newCall(coap.CodeGET, "0123456789", "")
		if err := c.Start(a, stopped); err != nil {
			if err != coapconn.ErrCancelled || len(calls) == 0 {
				t.Error(len(calls), err)
			}
			break
		}
		calls = append(calls, a)
	}
	// One waits for room, which has the turn, and one for that.
	waits := make(chan error, 2)
	stop := make(chan struct{})
	go func() { waits <- c.Start(newCall(coap.CodePOST, "x", string(blobOf(1000))), stop) }()
	go func() { waits <- c.Start(newCall(coap.CodePOST, "x", string(blobOf(1000))), stop) }()
	close(stop)
	for range 2 {
		if err := within(t, waits, "stop"); err != coapconn.ErrCancelled {
			t.Error(err)
		}
	}
	// One whose message has begun does not stop, but ends.
	long := newCall(coap.CodePOST, "x", string(blobOf(1000)))
	stop = make(chan struct{})
	must(t, c.Cancel(calls[0], nil))
	go func() { waits <- c.Start(long, stop) }()
	s.pass <- struct{}{} // the CSM
	s.pass <- struct{}{} // the small ones
	for c.Waiting() != len(calls) {
		runtime.Gosched()
	}
	close(stop)
	c.Close()
	must(t, within(t, waits, "end"))
	if err := long.Wait(); err != coapconn.ErrClosed || c.Err() != err {
		t.Error(err)
	}
	close(s.pass)
	close(s.reads)
	if err := over.wait(t); err != coapconn.ErrClosed {
		t.Error(err)
	}
}
