package coapudp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// order is the sequence number of a notification.
func order(d coap.Datagram) uint64 {
	v, _ := d.Options.Uint(coap.OptObserve)
	return v
}

// wantNote waits for a notification.
func (s *script) wantNote(t coap.Type, payload string) coap.Datagram {
	s.t.Helper()
	d, ok := s.take()
	if !ok {
		s.t.Fatalf("nothing came, want the notification %q", payload)
	}
	if !d.Options.Has(coap.OptObserve) || d.Type != t || string(d.Payload) != payload {
		s.t.Fatalf("%s, want a %v notification %q", show(d), t, payload)
	}
	return d
}

// register observes, and acknowledges a first notification, so that the server
// knows a round-trip time.
func (s *script) register(v *site) {
	s.t.Helper()
	s.send(con(1, get("x", coap.OptObserve, 0)))
	s.wantNote(coap.Acknowledgement, "state")
	v.publish("first")
	d := s.wantNote(coap.Confirmable, "first")
	s.send(ack(d.ID))
	time.Sleep(10 * time.Millisecond)
}

// TestNotify has the rules of RFC 7641 for who is observed, as scripts of the
// client. Confirm is so high that chance has no say in them.
func TestNotify(t *testing.T) {
	config := ServerConfig{Amplification: -1, Confirm: 100}
	for _, v := range []struct {
		name   string
		config ServerConfig
		script func(s *site, p *script)
		left   int // observations at the end
	}{
		{"in order, and by the token of the registration, 3.2", config, func(s *site, p *script) {
			p.register(s)
			last := uint64(0)
			for i := range 5 {
				s.publish(fmt.Sprint(i))
				d, ok := p.take()
				if !ok || string(d.Payload) != fmt.Sprint(i) || string(d.Token) != "\x01\x01" || order(d) <= last {
					p.t.Errorf("%s, token %x", show(d), d.Token)
				}
				last = order(d)
				if d.Type == coap.Confirmable {
					p.send(ack(d.ID))
				}
				time.Sleep(time.Second)
			}
		}, 1},
		{"always confirmable, if that is wanted, 4.5", ServerConfig{Amplification: -1, Confirm: 1}, func(s *site, p *script) {
			p.register(s)
			for range 5 {
				s.publish("a")
				p.send(ack(p.wantNote(coap.Confirmable, "a").ID))
				time.Sleep(time.Second)
			}
		}, 1},
		{"confirmable after a day, 4.5", config, func(s *site, p *script) {
			p.register(s)
			s.setNons(1000)
			s.publish("a")
			p.wantNote(coap.NonConfirmable, "a")
			time.Sleep(day)
			s.publish("b")
			p.send(ack(p.wantNote(coap.Confirmable, "b").ID))
		}, 1},
		{"not acknowledged: sent again, and the last state, 4.5.2", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.publish("a")
			d := p.wantNote(coap.Confirmable, "a")
			at := time.Now()
			e := p.wantNote(coap.Confirmable, "a")
			if e.ID != d.ID {
				p.t.Error("another ID")
			}
			first := time.Since(at)
			at = time.Now()
			s.publish("b")
			s.publish("c") // the newest wins, 4.5.1
			f := p.wantNote(coap.Confirmable, "c")
			if f.ID == d.ID {
				p.t.Error("another state with the same ID")
			}
			if wait := time.Since(at); wait < 2*first-10*time.Millisecond || wait > 2*first+10*time.Millisecond {
				p.t.Errorf("after %v and %v", first, wait)
			}
			p.wantNote(coap.Confirmable, "c")
			p.wantNote(coap.Confirmable, "c") // the fourth, and last
			p.idle(time.Hour)
		}, 0},
		{"acknowledged: the newest of what has come in the meantime, 4.5.1", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			for _, v := range []string{"a", "b", "c", "d"} {
				s.publish(v)
			}
			d := p.wantNote(coap.Confirmable, "a")
			p.idle(time.Second)
			p.send(ack(d.ID))
			d, _ = p.take()
			if string(d.Payload) != "d" {
				p.t.Errorf("%s, want d", show(d))
			}
			p.send(ack(d.ID))
			p.idle(time.Hour)
		}, 1},
		{"one at a time, of two observations too, 4.5.1", ServerConfig{Amplification: -1, Confirm: 1}, func(s *site, p *script) {
			p.register(s)
			p.send(con(2, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.publish("a")
			d := p.wantNote(coap.Confirmable, "a")
			p.idle(time.Second)
			p.send(ack(d.ID))
			e := p.wantNote(coap.Confirmable, "a")
			if string(d.Token) == string(e.Token) {
				p.t.Error("the same observation")
			}
			p.send(ack(e.ID))
		}, 2},
		{"non-confirmable: one in a round-trip time, and the newest, 4.5.1", config, func(s *site, p *script) {
			p.register(s)
			s.setNons(1000)
			s.publish("a")
			p.wantNote(coap.NonConfirmable, "a")
			at := time.Now()
			for _, v := range []string{"b", "c", "d"} {
				s.publish(v)
			}
			p.wantNote(coap.NonConfirmable, "d")
			if wait := time.Since(at); wait < time.Millisecond || wait > 4*time.Millisecond { // a round trip is 2 ms
				p.t.Errorf("after %v", wait)
			}
			p.idle(time.Hour)
		}, 1},
		{"non-confirmable: one in 3 s without a round-trip time, 4.5.1", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.setNons(1000)
			s.publish("a")
			p.wantNote(coap.NonConfirmable, "a")
			at := time.Now()
			s.publish("b")
			p.wantNote(coap.NonConfirmable, "b")
			if wait := time.Since(at); wait < 2900*time.Millisecond || wait > 3100*time.Millisecond {
				p.t.Errorf("after %v", wait)
			}
		}, 1},
		{"what was sent twice tells no round-trip time", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.publish("a")
			p.wantNote(coap.Confirmable, "a")
			p.send(ack(p.wantNote(coap.Confirmable, "a").ID))
			time.Sleep(time.Second)
			s.setNons(1000)
			s.publish("b")
			p.wantNote(coap.NonConfirmable, "b")
			at := time.Now()
			s.publish("c")
			p.wantNote(coap.NonConfirmable, "c")
			if wait := time.Since(at); wait < 2900*time.Millisecond || wait > 3100*time.Millisecond {
				p.t.Errorf("after %v", wait)
			}
		}, 1},
		{"a Reset of a confirmable one ends it, 3.6", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.publish("a")
			d := p.wantNote(coap.Confirmable, "a")
			s.publish("b")
			p.send(rst(d.ID))
			p.idle(time.Hour)
		}, 0},
		{"a Reset of a non-confirmable one ends it, 3.6", config, func(s *site, p *script) {
			p.register(s)
			s.setNons(1000)
			s.publish("a")
			d := p.wantNote(coap.NonConfirmable, "a")
			s.publish("b")
			p.send(rst(d.ID))
			time.Sleep(time.Second)
			s.publish("c")
			for { // b may have been on its way
				d, ok := p.take()
				if !ok {
					return
				}
				if string(d.Payload) != "b" {
					p.t.Errorf("%s", show(d))
				}
			}
		}, 0},
		{"a Reset ends but the one observation, 3.6", config, func(s *site, p *script) {
			p.register(s)
			p.send(con(2, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.setNons(0)
			s.publish("a")
			p.send(rst(p.wantNote(coap.Confirmable, "a").ID))
			d, _ := p.take()
			if d.Type == coap.Confirmable {
				p.send(ack(d.ID))
			}
		}, 1},
		{"a Reset of something else ends nothing", config, func(s *site, p *script) {
			p.register(s)
			s.setNons(1000)
			s.publish("a")
			d := p.wantNote(coap.NonConfirmable, "a")
			p.send(rst(d.ID + 1))
			o := s.guest(p.t, 2)
			o.send(rst(d.ID))
			o.send(con(1, get("hello")))
			o.take()
			o.send(rst(d.ID))
			time.Sleep(time.Second)
		}, 1},
		{"never acknowledged: the observations end, 4.5", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			p.send(con(2, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			s.publish("a")
			for range 5 {
				p.wantNote(coap.Confirmable, "a")
			}
			p.idle(time.Hour)
			s.publish("b")
			p.idle(time.Hour)
		}, 0},
		{"cancelled by a request, 3.6", config, func(s *site, p *script) {
			p.register(s)
			d := con(2, get("x", coap.OptObserve, 1))
			d.Token = []byte{1, 1}
			p.send(d)
			p.want(2, `ACK 2.05 Content-Format=0 "state"`)
			s.publish("a")
			p.idle(time.Hour)
		}, 0},
		{"an error ends it, 4.2", config, func(s *site, p *script) {
			p.register(s)
			s.topic.Publish(resourceError)
			d, ok := p.take()
			if !ok || d.Code != coap.CodeNotFound || d.Type != coap.Confirmable {
				p.t.Errorf("%s", show(d))
			}
			p.send(ack(d.ID))
			p.idle(time.Hour)
		}, 0},
		{"an answer in between waits for the notification, RFC 7252 4.7", config, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			p.send(con(2, get("later")))
			p.want(2, "ACK")
			s.publish("a")
			d := p.wantNote(coap.Confirmable, "a")
			s.answerLate(p.t, "late", nil)
			p.idle(time.Second)
			p.send(ack(d.ID))
			d = p.want(-1, `CON 2.05 "late"`)
			p.send(ack(d.ID))
		}, 1},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := siteOf(t, newLAN(), v.config)
				p := s.guest(t, 1)
				v.script(s, p)
				time.Sleep(time.Second)
				synctest.Wait()
				if n := s.topic.Len(); n != v.left {
					t.Errorf("%d observations are left, want %d", n, v.left)
				}
				s.mu2()
				defer s.Server.mu.Unlock()
				if p := s.ends.find(addr(1)); s.ends.list[p].first != none || s.ends.list[p].flights != 0 || s.ends.list[p].waiting != 0 || len(s.spare) != len(s.outs) {
					t.Error("something waits for ever")
				}
			})
		})
	}
}

// TestPush has the errors of Push.
func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(t, newLAN(), ServerConfig{Amplification: -1, InFlight: 3})
		p := s.guest(t, 1)
		p.send(con(1, get("hello")))
		p.take()
		s.mu2()
		peer := s.ends.peer(0)
		s.Server.mu.Unlock()
		note := func(token string) coap.Message {
			return coap.Message{Code: coap.CodeContent, Token: []byte(token), Options: options(coap.OptObserve, 9)}
		}
		for _, v := range []struct {
			name string
			peer uint64
			m    coap.Message
			mark int
			o    engine.Overflow
			want error
		}{
			{"no such peer", peer + 1, note("a"), 0, 0, pool.ErrStale},
			{"a former peer", peer + 1<<32, note("a"), 0, 0, pool.ErrStale},
			{"a name that nobody can have", ^uint64(0), note("a"), 0, 0, pool.ErrStale},
			{"too long", peer, coap.Message{Payload: make([]byte, 1200)}, 0, 0, ErrTooLong},
			{"too long a token", peer, note(strings.Repeat("a", 65)), 0, 0, ErrTooLong},
			{"the first flies", peer, note("a"), 1, 0, nil},
			{"the second waits", peer, note("b"), 1, 0, nil},
			{"the third is too much", peer, note("c"), 1, engine.DropNewest, pool.ErrBacklog},
			{"a newer state takes the place of the older, whatever the mark is", peer, note("b"), 1, engine.DropNewest, nil},
			{"the oldest makes room", peer, note("d"), 1, engine.DropOldest, nil},
			{"no mark", peer, note("e"), 0, 0, nil},
			{"no place", peer, note("f"), 0, 0, pool.ErrFull},
			{"no place for an answer", peer, coap.Message{Code: coap.CodeContent, Token: []byte("g")}, 0, 0, pool.ErrFull},
			{"all is over for one who is slow", peer, note("h"), 1, engine.CloseSlow, pool.ErrBacklog},
			{"and there is room again", peer, note("i"), 1, engine.CloseSlow, nil},
		} {
			if err := s.Push(v.peer, v.m, v.mark, v.o); err != v.want {
				t.Errorf("%s: %v, want %v", v.name, err, v.want)
			}
		}
		s.Close()
		if err := s.Push(peer, note("a"), 0, 0); err != pool.ErrStale {
			t.Errorf("closed: %v", err)
		}
	})
}
