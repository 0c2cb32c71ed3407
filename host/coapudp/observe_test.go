package coapudp

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// watching is an observation of a test.
type watching struct {
	got  []string // what f was given
	err  chan error
	stop context.CancelCauseFunc
}

func observe(t *testing.T, c *Conn, f func(n int) error) *watching {
	ctx, stop := context.WithCancelCause(t.Context())
	w := &watching{err: make(chan error, 1), stop: stop}
	go func() {
		w.err <- c.Observe(ctx, get("x", coap.OptObserve, 0), func(m coap.Message) error {
			w.got = append(w.got, m.Code.String()+" "+string(m.Payload))
			if f == nil {
				return nil
			}
			return f(len(w.got))
		})
	}()
	return w
}

// note is a notification.
func note(to coap.Datagram, t coap.Type, id uint16, order int, payload string, pairs ...any) coap.Datagram {
	d := reply(to, t, id, coap.CodeContent, payload)
	d.Options = options(append([]any{coap.OptObserve, order}, pairs...)...)
	return d
}

// TestClientObserve has the rules of RFC 7641 for who observes, as scripts of the
// server.
func TestClientObserve(t *testing.T) {
	const register, deregister = "CON GET Observe=0 Uri-Path=x", "CON GET Observe=1 Uri-Path=x"
	why := errors.New("why")
	for _, v := range []struct {
		name   string
		f      func(n int) error
		server func(s *script, w *watching, d coap.Datagram)
		want   []string
		err    error
	}{
		{"notifications of both types, until an error, 3.2", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a"))
			s.send(note(d, coap.Confirmable, 1, 6, "b"))
			s.want(1, "ACK")
			s.send(note(d, coap.NonConfirmable, 2, 7, "c"))
			synctest.Wait()
			time.Sleep(time.Second)
			s.send(reply(d, coap.Confirmable, 3, coap.CodeNotFound, "gone"))
			s.want(3, "ACK")
		}, []string{"2.05 a", "2.05 b", "2.05 c", "4.04 gone"}, nil},
		{"not observable, 4.1", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "once"))
		}, []string{"2.05 once"}, nil},
		{"no such resource", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeNotFound, ""))
		}, []string{"4.04 "}, nil},
		{"a separate answer first, 4.2", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			time.Sleep(time.Minute)
			s.send(note(d, coap.Confirmable, 1, 5, "a"))
			s.want(1, "ACK")
			s.send(reply(d, coap.NonConfirmable, 2, coap.CodeContent, "last"))
		}, []string{"2.05 a", "2.05 last"}, nil},
		{"reordered and doubled, 3.4", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a"))
			time.Sleep(time.Second)
			for i, order := range []int{8, 7, 8, 9, 1 << 23, 9} {
				// Good for long, so that nothing is renewed in vain meanwhile.
				s.send(note(d, coap.NonConfirmable, uint16(10+i), order, string('0'+rune(order%10)), coap.OptMaxAge, 1000))
				time.Sleep(time.Second)
			}
			s.send(note(d, coap.NonConfirmable, 13, 10, "same ID")) // RFC 7252 section 4.5
			time.Sleep(128 * time.Second)
			s.send(note(d, coap.NonConfirmable, 20, 2, "old")) // RFC 7641 section 3.4
			time.Sleep(time.Second)
			s.send(reply(d, coap.NonConfirmable, 30, coap.CodeContent, "last"))
		}, []string{"2.05 a", "2.05 8", "2.05 9", "2.05 8", "2.05 old", "2.05 last"}, nil},
		{"renewed when it is stale, 3.3.1", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a", coap.OptMaxAge, 10))
			before := time.Now()
			e := s.want(-1, register)
			if took := time.Since(before); took < 15*time.Second || took > 26*time.Second {
				s.t.Errorf("after %v", took)
			}
			if string(e.Token) != string(d.Token) || e.ID == d.ID {
				s.t.Error("not the same token, or the same ID")
			}
			e = s.want(int(e.ID), register)
			s.send(note(e, coap.Acknowledgement, e.ID, 6, "b"))
			before = time.Now()
			e = s.want(-1, register)
			if took := time.Since(before); took < 65*time.Second || took > 76*time.Second {
				s.t.Errorf("after %v", took)
			}
			s.send(reply(e, coap.Acknowledgement, e.ID, coap.CodeContent, "last"))
		}, []string{"2.05 a", "2.05 b", "2.05 last"}, nil},
		{"renewed, and the server begins its order anew, 3.3.1", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5000, "a"))
			e := s.want(-1, register) // well before 128 s
			s.send(note(e, coap.Acknowledgement, e.ID, 2, "b"))
			<-time.After(time.Second)
			s.send(note(d, coap.NonConfirmable, 1, 3, "c"))
			<-time.After(time.Second)
			s.send(note(d, coap.NonConfirmable, 2, 2, "reordered"))
			<-time.After(time.Second)
			s.send(reply(e, coap.NonConfirmable, 3, coap.CodeContent, "last"))
		}, []string{"2.05 a", "2.05 b", "2.05 c", "2.05 last"}, nil},
		{"renewed in vain", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a"))
			for range 5 {
				s.want(-1, register)
			}
		}, []string{"2.05 a"}, ErrUnanswered},
		{"cancelled, 3.6", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a"))
			time.Sleep(time.Second)
			w.stop(why)
			e := s.want(-1, deregister)
			if string(e.Token) != string(d.Token) || e.ID == d.ID {
				s.t.Error("not the same token, or the same ID")
			}
			s.send(reply(e, coap.Acknowledgement, e.ID, coap.CodeContent, ""))
			s.send(note(d, coap.NonConfirmable, 9, 6, "too late"))
			s.want(9, "RST")
			s.send(note(d, coap.Confirmable, 10, 7, "too late"))
			s.want(10, "RST")
		}, []string{"2.05 a"}, why},
		{"cancelled by the program", func(n int) error {
			if n == 2 {
				return why
			}
			return nil
		}, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a"))
			time.Sleep(time.Second)
			s.send(note(d, coap.NonConfirmable, 1, 6, "b"))
			s.want(-1, deregister)
			time.Sleep(1900 * time.Millisecond)
			s.idle(time.Second) // nobody waits for an answer for long
		}, []string{"2.05 a", "2.05 b"}, why},
		{"cancelled before it began", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			time.Sleep(time.Second)
			w.stop(why)
			s.want(-1, deregister)
		}, nil, why},
		{"slower than the notifications: the last state counts, 1.3", func(int) error { time.Sleep(time.Minute); return nil }, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, "a"))
			time.Sleep(time.Second)
			for i := range 10 {
				s.send(note(d, coap.NonConfirmable, uint16(10+i), 10+i, string('0'+rune(i))))
				time.Sleep(time.Second)
			}
			s.send(reply(d, coap.NonConfirmable, 30, coap.CodeContent, "last"))
		}, []string{"2.05 a", "2.05 7", "2.05 8", "2.05 9", "2.05 last"}, nil},
		{"rejected", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(coap.Datagram{Type: coap.Reset, ID: d.ID})
		}, nil, ErrReset},
		{"an Echo is repeated, RFC 9175 2.3", nil, func(s *script, w *watching, d coap.Datagram) {
			a := reply(d, coap.Acknowledgement, d.ID, coap.CodeUnauthorized, "")
			a.Options = options(coap.OptEcho, "12345678")
			s.send(a)
			e := s.want(-1, register+" Echo")
			s.send(reply(e, coap.Acknowledgement, e.ID, coap.CodeContent, "once"))
		}, []string{"2.05 once"}, nil},
		{"too long a notification", nil, func(s *script, w *watching, d coap.Datagram) {
			s.send(note(d, coap.Acknowledgement, d.ID, 5, string(make([]byte, 1300))))
		}, nil, ErrTooLong},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := clientOf(t, newLAN(), ClientConfig{Waiting: 4})
				w := observe(t, c, v.f)
				d := s.want(-1, register)
				v.server(s, w, d)
				wantErr(t, <-w.err, v.err)
				if !slices.Equal(w.got, v.want) {
					t.Errorf("%q, want %q", w.got, v.want)
				}
				c.mu.Lock()
				if len(c.byID)+len(c.byToken) != 0 || len(c.places) != 0 {
					t.Error("something is left of the observation")
				}
				c.mu.Unlock()
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := clientOf(t, newLAN(), ClientConfig{})
		wantErr(t, c.Observe(t.Context(), get("x"), nil), ErrRequest)
	})
}

// TestFreshness has how long an observation waits before it is renewed.
func TestFreshness(t *testing.T) {
	for _, v := range []struct {
		name string
		o    coap.Options
		age  time.Duration
	}{
		{"Max-Age", options(coap.OptMaxAge, 10), 10 * time.Second},
		{"none", nil, time.Minute},
		{"the longest", options(coap.OptMaxAge, "\xff\xff\xff\xff"), (1<<32 - 1) * time.Second},
	} {
		least, longest := time.Duration(1<<62), time.Duration(0)
		for range 1000 {
			f := freshness(coap.Message{Options: v.o})
			least, longest = min(least, f), max(longest, f)
		}
		if least < v.age+5*time.Second || longest > v.age+15*time.Second || longest-least < 9*time.Second {
			t.Errorf("%s: from %v to %v", v.name, least, longest)
		}
	}
}
