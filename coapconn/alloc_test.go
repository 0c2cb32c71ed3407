//go:build !race

package coapconn_test

import (
	"io"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/resource"
)

// loop is a stream that answers what is written to it, in one read, and then
// waits until it is written to again.
type loop struct {
	more chan struct{}
	mu   sync.Mutex // of buf and n
	buf  [4096]byte
	n    int
	out  [4096]byte
	left []byte
}

func (l *loop) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for b := p; len(b) != 0; {
		m, n, err := coap.ParseTCP(b)
		if err != nil || n == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		b = b[n:]
		switch {
		case m.Code.IsRequest():
			l.n += len(coap.AppendTCP(l.buf[l.n:l.n], coap.Message{Code: coap.CodeContent, Token: m.Token, Options: m.Options[:0], Payload: m.Payload}))
		case m.Code == coap.CodePing:
			l.n += len(coap.AppendPong(l.buf[l.n:l.n], m.Token, false))
		}
	}
	if l.n != 0 {
		select {
		case l.more <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

func (l *loop) Read(p []byte) (int, error) {
	for len(l.left) == 0 {
		if _, ok := <-l.more; !ok {
			return 0, io.EOF
		}
		l.mu.Lock()
		l.left = l.out[:copy(l.out[:], l.buf[:l.n])]
		l.n = 0
		l.mu.Unlock()
	}
	n := copy(p, l.left)
	l.left = l.left[n:]
	return n, nil
}

// TestNoAllocs holds calls, pings and whole connections to no allocation.
func TestNoAllocs(t *testing.T) {
	c := newConn(t)
	l := &loop{more: make(chan struct{}, 1)}
	must(t, c.Reset(l))
	over := run(c)
	get, ping := newCall(coap.CodeGET, "x", "payload"), &coapconn.Call{Code: coap.CodePing}
	kept := newCall(coap.CodePUT, "x", "block")
	kept.Keep = true
	stop := make(chan struct{})
	for _, v := range []struct {
		name string
		do   func() error
	}{
		{"a call", func() error { return c.Do(get, stop) }},
		{"a ping", func() error { return c.Do(ping, nil) }},
		{"a call that is kept", func() error { return c.Do(kept, nil) }},
		{"a call that is cancelled", func() error {
			must(t, c.Start(get, nil))
			must(t, c.Cancel(get, nil))
			if err := get.Wait(); err != nil && err != coapconn.ErrCancelled {
				return err
			}
			return c.Do(ping, nil) // so that its exchange is free
		}},
	} {
		alloctest.Zero(t, v.name, func() { must(t, v.do()) })
	}
	close(l.more)
	over.wait(t)

	s := newSite(t)
	var script []byte
	script = append(script, request(coap.CodeGET, "o", "", "Observe=", "Uri-Path=racing")...)
	script = append(script, request(coap.CodeGET, "l", "", "Uri-Path=large")...)
	script = append(script, request(coap.CodePUT, "u", "", "Uri-Path=upload")...)
	script = append(script, request(coap.CodePOST, "e", "payload", "Uri-Path=echo")...)
	script = append(script, request(coap.CodeGET, "n", "", "Uri-Path=nowhere")...)
	script = append(script, coap.AppendPing(nil, []byte("p"), true)...)
	home := newConn(t, func(c *coapconn.Config) {
		c.Resources, c.Answers, c.Pushes = &s.router, splittest.Memory(t, coapconn.MinAnswers), splittest.Memory(t, coapconn.MinPushes)
	})
	w := &wire{in: script}
	alloctest.Zero(t, "a connection that serves", func() {
		w.read = 0
		w.out.Reset()
		must(t, home.Reset(w))
		if err := home.Run(); err != coapconn.ErrEnded {
			t.Fatal(err)
		}
	})
	if got := words(t, w.out.Bytes()); len(got) != 8 {
		t.Errorf("%.100q", got)
	}

	var v coapconn.Served
	config := coapconn.ServedConfig{Resources: &s.router, Exchange: resource.NewExchange(&s.router, 0, nil), Keep: splittest.Memory(t, 4000)}
	buf := splittest.Memory(t, 1152)
	p := &polled{}
	alloctest.Zero(t, "a connection that is polled", func() {
		must(t, v.Reset(config))
		p.in, p.over = script, false
		for len(p.in) != 0 || v.Waits() {
			p.takes = 500
			must(t, v.Poll(p, buf, 0))
		}
		p.out.Reset()
		p.over = true
		if err := v.Poll(p, buf, 0); err != coapconn.ErrEnded {
			t.Fatal(err)
		}
	})
}
