package coapconn_test

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/resource"
)

// seen is what comes to a Notify.
type seen chan string

func (s seen) notify(m coap.Message, err error) {
	if err != nil {
		s <- err.Error()
		return
	}
	v, ok := m.Options.Uint(coap.OptObserve)
	s <- fmt.Sprintf("%s %d %v %s", m.Code, v, ok, m.Payload)
}

func (s seen) want(t testing.TB, text string) {
	t.Helper()
	if got := within(t, s, text); got != text {
		t.Errorf("%q, want %q", got, text)
	}
}

// registration is options with an Observe among them.
func registration(observe string) []string {
	return []string{"Uri-Host=a.host.of.some.length.example", "ETag=1", "Observe=" + observe, "Uri-Path=a", "Uri-Path=b", "Accept="}
}

// observed is a call that observes, answered once.
func observed(t testing.TB, c *coapconn.Conn, p *peer) (*coapconn.Call, seen, []byte) {
	t.Helper()
	s := make(seen, 10)
	a := &coapconn.Call{
		Code: coap.CodeGET, Options: options(registration("")...),
		Into: make([]byte, 100), Notify: s.notify,
	}
	must(t, c.Start(a, nil))
	m := p.next()
	token := bytes.Clone(m.Token)
	p.send(coap.CodeContent, token, options("Observe=\x05"), "one")
	must(t, a.Wait())
	if outcome(a) != `2.05 "one"` {
		t.Error(outcome(a))
	}
	return a, s, token
}

// TestObserve is observations, and each way in which one ends.
func TestObserve(t *testing.T) {
	for _, v := range []struct {
		name string
		end  func(c *coapconn.Conn, p *peer, a *coapconn.Call, s seen, token []byte)
	}{
		{"the program ends it", func(c *coapconn.Conn, p *peer, a *coapconn.Call, s seen, token []byte) {
			must(t, c.Cancel(a, nil))
			m := p.next()
			if !bytes.Equal(m.Token, token) || m.Code != coap.CodeGET ||
				!bytes.Equal(m.Options, options(registration("\x01")...)) {
				t.Errorf("deregistered by %s %x %x", m.Code, m.Token, m.Options)
			}
			p.send(coap.CodeContent, token, options("Observe=\x07"), "on its way")
			if len(s) != 0 {
				t.Error(<-s)
			}
			// The token is free only behind the answer.
			free, other := newCall(coap.CodeGET, "x", ""), newCall(coap.CodeGET, "y", "")
			stop := make(chan struct{})
			pong(t, c, p)
			close(stop)
			must(t, c.Start(other, nil))
			p.next()
			if err := c.Start(free, stop); err != coapconn.ErrCancelled {
				t.Error(err)
			}
			p.send(coap.CodeContent, token, nil, "the end")
			must(t, c.Start(free, nil))
			p.send(coap.CodeContent, p.next().Token, nil, "x")
			must(t, free.Wait())
		}},
		{"the server ends it", func(c *coapconn.Conn, p *peer, a *coapconn.Call, s seen, token []byte) {
			p.send(coap.CodeContent, token, nil, "last")
			s.want(t, "2.05 0 false last")
			p.send(coap.CodeContent, token, options("Observe=\x08"), "behind it")
			must(t, c.Cancel(a, nil)) // nothing to do
			pong(t, c, p)
		}},
		{"an error", func(c *coapconn.Conn, p *peer, a *coapconn.Call, s seen, token []byte) {
			p.send(coap.CodeNotFound, token, options("Observe=\x08"), "gone")
			s.want(t, "4.04 8 true gone")
			must(t, c.Start(a, nil)) // it can be used again
			p.send(coap.CodeContent, p.next().Token, nil, "x")
			must(t, a.Wait())
		}},
		{"the connection ends", func(c *coapconn.Conn, p *peer, a *coapconn.Call, s seen, token []byte) {
			p.rw.(io.Closer).Close()
			s.want(t, "coapconn: peer has closed the stream")
		}},
		{"Notify ends it", func(c *coapconn.Conn, p *peer, a *coapconn.Call, s seen, token []byte) {
			a.Notify = func(m coap.Message, err error) { s <- fmt.Sprint(c.Cancel(a, nil)) }
			p.send(coap.CodeContent, token, options("Observe=\x08"), "enough")
			s.want(t, "<nil>")
			m := p.next()
			p.send(coap.CodeContent, m.Token, nil, "")
		}},
	} {
		t.Run(v.name, func(t *testing.T) {
			c, p, _ := live(t, background, func(c *coapconn.Config) { c.Exchanges = 2 })
			a, s, token := observed(t, c, p)
			p.send(coap.CodeContent, token, options("Observe=\x06"), "two")
			s.want(t, "2.05 6 true two")
			v.end(c, p, a, s, token)
			if len(s) != 0 {
				t.Errorf("and then %q", <-s)
			}
		})
	}
}

// TestObserveNot is a resource that is not observed, and a registration that
// nobody waits for.
func TestObserveNot(t *testing.T) {
	c, p, _ := live(t, background, func(c *coapconn.Config) { c.Exchanges = 2 })
	s := make(seen, 10)
	a := &coapconn.Call{Code: coap.CodeFETCH, Options: options("Observe=", "Uri-Path=a"), Payload: []byte("what"), Into: make([]byte, 100), Notify: s.notify}
	must(t, c.Start(a, nil))
	token := bytes.Clone(p.next().Token)
	p.send(coap.CodeContent, token, nil, "just that")
	must(t, a.Wait())
	p.send(coap.CodeContent, token, options("Observe=\x01"), "and more")

	must(t, c.Start(a, nil))
	token = bytes.Clone(p.next().Token)
	must(t, c.Cancel(a, nil))
	if err := a.Wait(); err != coapconn.ErrCancelled {
		t.Error(err)
	}
	m := p.next()
	if !bytes.Equal(m.Token, token) || !bytes.Equal(m.Options, options("Observe=\x01", "Uri-Path=a")) || string(m.Payload) != "what" {
		t.Errorf("%x %x %s", m.Token, m.Options, m.Payload)
	}
	p.send(coap.CodeContent, token, options("Observe=\x01"), "one")
	p.send(coap.CodeContent, token, nil, "over")
	pong(t, c, p)
	for range 2 { // both exchanges are free
		must(t, c.Start(a, nil))
		p.send(coap.CodeContent, p.next().Token, nil, "x")
		must(t, a.Wait())
	}

	// An answer that does not fit: it observes all the same, and can be left.
	a.Into = a.Into[:5]
	must(t, c.Start(a, nil))
	m = p.next()
	p.send(coap.CodeContent, m.Token, options("Observe=\x01"), "too long for that")
	if err := a.Wait(); err != coapconn.ErrAnswer {
		t.Error(err)
	}
	must(t, c.Cancel(a, nil))
	m = p.next()
	if v, _ := m.Options.Uint(coap.OptObserve); v != 1 {
		t.Error("not deregistered")
	}
	if len(s) != 0 {
		t.Error(<-s)
	}
}

// TestCallHome has the end that was connected to ask the other, which serves.
func TestCallHome(t *testing.T) {
	s := newSite(t)
	var now atomic.Int64
	c, p, over := live(t, background, func(c *coapconn.Config) {
		c.Resources, c.Answers, c.Pushes, c.Arena = &s.router, splittest.Memory(t, 3*1300), splittest.Memory(t, 2*1200), make([]byte, 500)
		c.Now = now.Load
	})
	next := func(want string) coap.Message {
		t.Helper()
		m := p.next()
		if got := words(t, coap.AppendTCP(nil, coap.Message{Code: m.Code, Token: m.Token, Payload: m.Payload}))[0]; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		return m
	}
	p.write(request(coap.CodeGET, "a", "", "Uri-Path=hello", "Uri-Path=you"))
	next("2.05 a hello you")
	p.write(request(coap.CodeGET, "a", "", "Uri-Path=nowhere"))
	next("4.04 a")

	// While a call of ours is under way.
	a := newCall(coap.CodeGET, "x", "")
	must(t, c.Start(a, nil))
	m := p.next()
	p.write(request(coap.CodePOST, string(m.Token), "same token", "Uri-Path=echo"))
	p.send(coap.CodeContent, m.Token, nil, "answer")
	next("2.04 " + string(m.Token) + " same token")
	must(t, a.Wait())

	// What is published while the state is answered comes behind the answer.
	p.write(request(coap.CodeGET, "r", "", "Observe=", "Uri-Path=racing"))
	next("2.05 r older")
	next("2.05 r newer")
	if n, err := s.topic.Publish(resource.Notification{Payload: []byte("newest")}); n != 1 || err != nil {
		t.Error(n, err)
	}
	next("2.05 r newest")

	p.write(request(coap.CodeGET, "l", "", "Uri-Path=later"))
	p.write(request(coap.CodeGET, "n", "", "Uri-Path=nowhere"))
	next("4.04 n")
	must(t, s.ticket.Answer(coap.CodeContent, nil, []byte("at last")))
	next("2.05 l at last")
	p.write(request(coap.CodeGET, "l", "", "Uri-Path=later"))
	p.write(request(coap.CodeGET, "n", "", "Uri-Path=nowhere"))
	next("4.04 n")
	now.Store(5e9)
	p.write(request(coap.CodeGET, "n", "", "Uri-Path=nowhere")) // before it is served, the other is due
	if m, n := p.next(), p.next(); min(m.Code, n.Code) != coap.CodeNotFound || max(m.Code, n.Code) != coap.CodeServiceUnavailable {
		t.Errorf("%s, %s", m.Code, n.Code)
	}

	// The peer says that he takes little: the answer is cut.
	p.csm(200)
	p.write(request(coap.CodeGET, "b", "", "Uri-Path=large"))
	m = p.next()
	if v, ok := m.Options.Get(coap.OptBlock2); !ok || len(m.Payload) != 128 {
		t.Errorf("%x, %d bytes", v, len(m.Payload))
	}

	p.rw.(io.Closer).Close()
	over.wait(t)
	if s.topic.Len() != 0 {
		t.Error("who has gone is still observing")
	}
}

// TestAnswerFirst has what is published while a state is answered sent behind
// the answer, also where nobody writes in the background.
func TestAnswerFirst(t *testing.T) {
	s := newSite(t)
	c := newConn(t, func(c *coapconn.Config) {
		c.Resources, c.Answers, c.Pushes = &s.router, splittest.Memory(t, coapconn.MinAnswers), splittest.Memory(t, coapconn.MinPushes)
	})
	w := &wire{in: request(coap.CodeGET, "r", "", "Observe=", "Uri-Path=racing")}
	must(t, c.Reset(w))
	c.Run()
	if got := words(t, w.out.Bytes()); fmt.Sprint(got) != "[7.01  2.05 r older 2.05 r newer]" {
		t.Errorf("%q", got)
	}
}

// TestSlowObserver has a peer take nothing: the newest state is what he finds.
func TestSlowObserver(t *testing.T) {
	s := newSite(t)
	a, b := pipetest.Narrow(1)
	c := newConn(t, background, func(c *coapconn.Config) {
		c.Resources, c.Answers, c.Pushes = &s.router, splittest.Memory(t, coapconn.MinAnswers), splittest.Memory(t, coapconn.MinPushes)
	})
	must(t, c.Reset(a))
	over := run(c)
	p := newPeer(t, b)
	p.next()
	p.write(request(coap.CodeGET, "o", "", "Observe=", "Uri-Path=state"))
	p.next()
	for i := range 200 {
		if n, err := s.topic.Publish(resource.Notification{Payload: fmt.Appendf(nil, "%d %s", i, make([]byte, 500))}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	last, count := coap.Message{}, 0
	for count++; ; count++ {
		last = p.next()
		if bytes.HasPrefix(last.Payload, []byte("199 ")) {
			break
		}
	}
	if count > 30 {
		t.Errorf("%d notifications had room", count)
	}
	b.Close()
	over.wait(t)
	a.Close()
}

// TestEnds is each way of this end to end a connection.
func TestEnds(t *testing.T) {
	for _, v := range []struct {
		name string
		end  func(c *coapconn.Conn)
		err  error // of calls
		run  error
		sent string
	}{
		{"Abort", func(c *coapconn.Conn) { c.Abort("no more") }, coapconn.ErrAborted, coapconn.ErrAborted, "7.05  no more"},
		{"Close", func(c *coapconn.Conn) { c.Close() }, coapconn.ErrClosed, coapconn.ErrClosed, ""},
		{"Release", func(c *coapconn.Conn) { must(t, c.Release("other", 4)) }, coapconn.ErrEnded, coapconn.ErrEnded, "7.04 "},
	} {
		c, p, over := live(t, background)
		a := newCall(coap.CodeGET, "x", "")
		must(t, c.Start(a, nil))
		p.next()
		v.end(c)
		if v.sent != "" {
			m := p.next()
			if got := words(t, coap.AppendTCP(nil, coap.Message{Code: m.Code, Payload: m.Payload}))[0]; got != v.sent {
				t.Errorf("%s: %q", v.name, got)
			}
		}
		b := newCall(coap.CodeGET, "x", "")
		if err := c.Start(b, nil); err != v.err && err != coapconn.ErrReleased {
			t.Errorf("%s: %v", v.name, err)
		}
		if err := c.Release("", 0); err == nil {
			t.Errorf("%s: and released", v.name)
		}
		p.rw.(io.Closer).Close()
		if err := over.wait(t); err != v.run {
			t.Errorf("%s: Run: %v", v.name, err)
		}
		if err := a.Wait(); err != v.err {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	// With the answer, it is in order.
	c, p, over := live(t, background)
	a := newCall(coap.CodeGET, "x", "")
	must(t, c.Start(a, nil))
	m := p.next()
	token := bytes.Clone(m.Token)
	must(t, c.Release("other", 4))
	m = p.next()
	r := coap.ParseRelease(m.Options)
	if address, _ := r.Addresses.Next(); string(address) != "other" || r.HoldOff != 4 {
		t.Errorf("%q %d", address, r.HoldOff)
	}
	p.send(coap.CodeContent, token, nil, "x")
	must(t, a.Wait())
	p.rw.(io.Closer).Close()
	must(t, over.wait(t))
}

// TestAgain uses one Conn for connections one after the other.
func TestAgain(t *testing.T) {
	c := newConn(t)
	var last []byte
	for range 5 {
		w := &wire{in: coap.AppendCSM(nil, coap.Settings{MaxMessage: 3000})}
		must(t, c.Reset(w))
		if c.Peer().MaxMessage != 0 {
			t.Error("the old peer's word holds")
		}
		a := newCall(coap.CodeGET, "x", "")
		must(t, c.Start(a, nil))
		m, _, _ := coap.ParseTCP(w.out.Bytes()[len(coap.AppendCSM(nil, c.Settings())):])
		if bytes.Equal(m.Token, last) {
			t.Error("the token of another connection")
		}
		last = bytes.Clone(m.Token)
		if err := c.Run(); err != coapconn.ErrEnded || a.Wait() != err {
			t.Error(err, a.Err)
		}
	}
}
