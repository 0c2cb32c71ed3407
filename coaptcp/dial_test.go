package coaptcp_test

import (
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// TestDial has a server connect to itself, and both ends ask each other.
func TestDial(t *testing.T) {
	run(t, homeWorld, func(t *testing.T, f *fixture) {
		f.Start()
		type opened struct {
			h   pool.Handle
			err error
		}
		told := make(chan opened, 1)
		if err := f.coap.Dial(f.Addr, func(h pool.Handle, err error) { told <- opened{h, err} }); err != nil {
			t.Fatal(err)
		}
		o := <-told
		if o.err != nil {
			t.Fatal(o.err)
		}
		answers := make(chan string, 1)
		register := coap.Message{Code: coap.CodePOST, Options: asking("register").Options}
		if err := f.coap.Request(o.h, register, int64(10*time.Second), got(answers)); err != nil {
			t.Fatal(err)
		}
		if s := <-answers; s != "2.04 " {
			t.Errorf("answered %s", s)
		}
		if err := f.coap.Request(<-f.peers, asking("hello"), int64(10*time.Second), got(answers)); err != nil {
			t.Fatal(err)
		}
		if s := <-answers; s != "2.05 Hello, world" {
			t.Errorf("answered %s", s)
		}
		if s := f.coap.Stats(); s.Open != 2 {
			t.Errorf("%+v", s)
		}
		f.coap.Release(o.h, 0)
		f.Await("the end of both", func() bool { return f.coap.Stats().Open == 0 })
	})
}

// TestDialFails has the program told that there will be no connection.
func TestDialFails(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		f.Start()
		told := make(chan error, 1)
		err := f.coap.Dial(transport.IPv4(127, 0, 0, 1, 1), func(_ pool.Handle, err error) { told <- err })
		if err == nil {
			err = <-told
		}
		if err != transport.ErrRefused {
			t.Errorf("told %v", err)
		}
		if s := f.coap.Stats(); s.Open != 0 {
			f.Await("the end", func() bool { return f.coap.Stats().Open == 0 })
		}
	})
}

// TestDialTimesOut has one who does not answer given up, and nothing dialled by a
// server that is closed.
func TestDialTimesOut(t *testing.T) {
	x := plain
	x.cfg.Timeouts.Open = 5 * time.Second
	x.mem.Backlog = 1
	runMemory(t, x, func(t *testing.T, f *fixture) {
		f.Start()
		l, err := f.Net.ListenPeer(transport.IPv4(127, 0, 0, 1, 7))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		told := make(chan error, 2)
		opened := func(_ pool.Handle, err error) { told <- err }
		for range 2 {
			if err := f.coap.Dial(l.Addr(), opened); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-told; err != nil {
			t.Errorf("the first: %v", err)
		}
		f.Advance(6 * time.Second)
		if err := <-told; err != transport.ErrTimedOut {
			t.Errorf("the second: %v", err)
		}
		if s := f.coap.Stats(); s.Open != 1 || s.Opened != 1 {
			t.Errorf("%+v", s)
		}
		f.Server.Close()
		if err := f.coap.Dial(f.Addr, opened); err != engine.ErrClosing {
			t.Errorf("a server that is closed: %v", err)
		}
	})
}
