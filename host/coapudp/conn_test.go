package coapudp

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// clientOf is a connection to a script.
func clientOf(t *testing.T, l *lan, c ClientConfig) (*Conn, *script) {
	t.Helper()
	s := &script{t, l.open(addr(0), addr(1))}
	k, err := NewConn(l.open(addr(1), addr(0)), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close(); s.p.Close() })
	return k, s
}

// result is what a call has come to.
type result struct {
	m    coap.Message
	err  error
	took time.Duration
}

// doing starts a request.
func doing(ctx context.Context, c *Conn, m coap.Message, into int) <-chan result {
	ch := make(chan result, 1)
	go func() {
		before := time.Now()
		a, err := c.Do(ctx, m, make([]byte, into))
		ch <- result{a, err, time.Since(before)}
	}()
	return ch
}

func (r result) want(t *testing.T, text string, err error) {
	t.Helper()
	got := ""
	if r.err == nil {
		got = show(coap.Datagram{Message: r.m})
		got = got[len("CON "):]
	}
	if got != text || !errors.Is(r.err, err) {
		t.Errorf("%q, %v, want %q, %v", got, r.err, text, err)
	}
}

// reply is an answer to a request.
func reply(to coap.Datagram, t coap.Type, id uint16, c coap.Code, payload string) coap.Datagram {
	d := coap.Datagram{Type: t, ID: id, Message: coap.Message{Code: c, Payload: []byte(payload)}}
	if c != coap.CodeEmpty {
		d.Token = to.Token
	}
	return d
}

// TestClient has the rules of RFC 7252 for who asks, as scripts of the server.
func TestClient(t *testing.T) {
	const hello = "CON GET Uri-Path=hello"
	for _, v := range []struct {
		name   string
		config ClientConfig
		ask    coap.Message
		server func(s *script)
		want   string
		err    error
	}{
		{"piggybacked, 5.2.1", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi"))
		}, `2.05 "hi"`, nil},
		{"an error is an answer, 5.9.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeNotFound, ""))
		}, `4.04`, nil},
		{"separate and confirmable: acknowledged, 5.2.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			s.idle(time.Minute) // it is not asked again
			s.send(reply(d, coap.Confirmable, 77, coap.CodeContent, "hi"))
			s.want(77, "ACK")
		}, `2.05 "hi"`, nil},
		{"separate and non-confirmable, 5.2.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			s.send(reply(d, coap.NonConfirmable, 77, coap.CodeContent, "hi"))
			s.idle(time.Minute)
		}, `2.05 "hi"`, nil},
		{"separate before its acknowledgement, 4.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Confirmable, 77, coap.CodeContent, "hi"))
			s.want(77, "ACK")
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			s.idle(time.Minute)
		}, `2.05 "hi"`, nil},
		{"separate, twice: acknowledged twice, 4.5", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			for range 3 {
				s.send(reply(d, coap.Confirmable, 77, coap.CodeContent, "hi"))
				s.want(77, "ACK")
			}
		}, `2.05 "hi"`, nil},
		{"for another token: rejected, 4.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(coap.Datagram{Type: coap.Confirmable, ID: 9, Message: coap.Message{Code: coap.CodeContent, Token: []byte("other")}})
			s.want(9, "RST")
			s.send(coap.Datagram{Type: coap.NonConfirmable, ID: 10, Message: coap.Message{Code: coap.CodeContent, Token: []byte("01234567")}})
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi"))
			s.idle(time.Minute)
		}, `2.05 "hi"`, nil},
		{"piggybacked with another token: ignored, 5.3.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(coap.Datagram{Type: coap.Acknowledgement, ID: d.ID, Message: coap.Message{Code: coap.CodeContent, Token: []byte("01234567")}})
			d = s.want(int(d.ID), hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi"))
		}, `2.05 "hi"`, nil},
		{"piggybacked with another ID: ignored, 5.3.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID+1, coap.CodeContent, "no"))
			d = s.want(int(d.ID), hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi"))
		}, `2.05 "hi"`, nil},
		{"rejected, 4.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(coap.Datagram{Type: coap.Reset, ID: d.ID + 1})
			s.send(coap.Datagram{Type: coap.Reset, ID: d.ID})
		}, "", ErrReset},
		{"sent again with the same ID and token, 4.2", ClientConfig{}, get("hello"), func(s *script) {
			first := s.want(-1, hello)
			for range 4 {
				if d := s.want(int(first.ID), hello); string(d.Token) != string(first.Token) {
					s.t.Errorf("another token")
				}
			}
			s.send(reply(first, coap.Acknowledgement, first.ID, coap.CodeContent, "hi"))
		}, `2.05 "hi"`, nil},
		{"given up after MAX_RETRANSMIT, 4.2", ClientConfig{}, get("hello"), func(s *script) {
			for range 5 {
				s.want(-1, hello)
			}
			s.idle(time.Hour)
		}, "", ErrUnanswered},
		{"never sent again", ClientConfig{Transmission: Transmission{MaxRetransmit: -1}}, get("hello"), func(s *script) {
			s.want(-1, hello)
			s.idle(time.Hour)
		}, "", ErrUnanswered},
		{"acknowledged, and never answered", ClientConfig{Patience: time.Minute}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
			s.idle(time.Hour)
		}, "", ErrUnanswered},
		{"non-confirmable: once, 4.3", ClientConfig{NonConfirmable: true}, get("hello"), func(s *script) {
			d := s.want(-1, "NON GET Uri-Path=hello")
			s.idle(time.Minute)
			s.send(reply(d, coap.NonConfirmable, 5, coap.CodeContent, "hi"))
		}, `2.05 "hi"`, nil},
		{"a confirmable answer to a non-confirmable request, 5.2.3", ClientConfig{NonConfirmable: true}, get("hello"), func(s *script) {
			d := s.want(-1, "NON GET Uri-Path=hello")
			s.send(reply(d, coap.Confirmable, 5, coap.CodeContent, "hi"))
			s.want(5, "ACK")
		}, `2.05 "hi"`, nil},
		{"non-confirmable, rejected, 4.3", ClientConfig{NonConfirmable: true}, get("hello"), func(s *script) {
			d := s.want(-1, "NON GET Uri-Path=hello")
			s.send(coap.Datagram{Type: coap.Reset, ID: d.ID})
		}, "", ErrReset},
		{"pinged, and asked, 4.3", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(coap.Datagram{Type: coap.Confirmable, ID: 3})
			s.want(3, "RST")
			s.send(coap.Datagram{Type: coap.Confirmable, ID: 4, Message: get("hello")})
			s.want(4, "RST")
			s.send(coap.Datagram{Type: coap.NonConfirmable, ID: 5, Message: get("hello")})
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi"))
			s.idle(time.Minute)
		}, `2.05 "hi"`, nil},
		{"malformed, 3 and 4.2", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			for _, b := range []string{"", "\x40", "\x80\x45\x00\x01", "\x60\x45\x00\x01\xff", "\x70\x45\x00\x01", "\x50\x45\x00\x01\xff"} {
				s.raw(b)
			}
			s.raw("\x40\x45\x00\x09\xff")
			s.want(9, "RST")
			s.raw("\x40\xe1\x00\x0a")
			s.want(10, "RST")
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi"))
			s.idle(time.Minute)
		}, `2.05 "hi"`, nil},
		{"longer than what was given", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, string(make([]byte, 101))))
		}, "", ErrTooLong},
		{"longer than a datagram may be", ClientConfig{MaxMessage: 80}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, string(make([]byte, 90))))
		}, "", ErrTooLong},
		{"a critical option, 5.4.1", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			a := reply(d, coap.Confirmable, 8, coap.CodeContent, "hi")
			a.Options = options(coap.Option(2049), "x")
			s.send(a)
			s.want(8, "RST")
		}, "", ErrOption},
		{"a critical option of an error", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			a := reply(d, coap.Acknowledgement, d.ID, coap.CodeBadOption, "")
			a.Options = options(coap.Option(2049), "x")
			s.send(a)
		}, `4.02 unregistered=x`, nil},
		{"an elective option, 5.4.1", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			a := reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "hi")
			a.Options = options(coap.Option(2048), "x")
			s.send(a)
		}, `2.05 unregistered=x "hi"`, nil},
		{"an Echo is repeated, RFC 9175 2.3", ClientConfig{}, get("hello"), func(s *script) {
			d := s.want(-1, hello)
			a := reply(d, coap.Acknowledgement, d.ID, coap.CodeUnauthorized, "")
			a.Options = options(coap.OptEcho, "12345678")
			s.send(a)
			e := s.want(-1, hello+" Echo")
			if e.ID == d.ID || string(e.Token) == string(d.Token) {
				s.t.Error("the same request")
			}
			if v, _ := e.Options.Get(coap.OptEcho); string(v) != "12345678" {
				s.t.Errorf("Echo %q", v)
			}
			s.send(reply(e, coap.Acknowledgement, e.ID, coap.CodeContent, "hi"))
		}, `2.05 "hi"`, nil},
		{"an Echo is repeated once", ClientConfig{}, get("hello"), func(s *script) {
			for _, e := range []string{"", " Echo"} {
				d := s.want(-1, hello+e)
				a := reply(d, coap.Acknowledgement, d.ID, coap.CodeUnauthorized, "")
				a.Options = options(coap.OptEcho, "12345678")
				s.send(a)
			}
			s.idle(time.Minute)
		}, "4.01 Echo", nil},
		{"no request", ClientConfig{}, coap.Message{Code: coap.CodeContent}, func(s *script) { s.idle(time.Minute) }, "", ErrRequest},
		{"too long a request", ClientConfig{}, coap.Message{Code: coap.CodePUT, Payload: make([]byte, 65507)}, func(s *script) { s.idle(time.Minute) }, "", ErrTooLong},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := clientOf(t, newLAN(), v.config)
				r := doing(t.Context(), c, v.ask, 100)
				v.server(s)
				(<-r).want(t, v.want, v.err)
				c.mu.Lock()
				if len(c.byID)+len(c.byToken) != 0 || len(c.places) != 0 {
					t.Error("something is left of the call")
				}
				c.mu.Unlock()
			})
		})
	}
}

// TestRetransmissionTimes holds the times between attempts to RFC 7252 section
// 4.2, and the whole to MAX_TRANSMIT_WAIT, section 4.8.2.
func TestRetransmissionTimes(t *testing.T) {
	different := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c, s := clientOf(t, newLAN(), ClientConfig{})
			begun := time.Now()
			r := doing(t.Context(), c, get("hello"), 100)
			var at []time.Duration
			for range 5 {
				s.want(-1, "CON GET Uri-Path=hello")
				at = append(at, time.Since(begun))
			}
			first := at[1] - at[0]
			different[first] = true
			if first < 2*time.Second || first > 3*time.Second {
				t.Errorf("the second attempt after %v", first)
			}
			for i := 2; i < 5; i++ {
				if wait := at[i] - at[i-1]; wait != first<<(i-1) {
					t.Errorf("attempt %d after %v, the second after %v", i+1, wait, first)
				}
			}
			x := <-r
			if x.took < 62*time.Second || x.took > 93*time.Second {
				t.Errorf("given up after %v", x.took)
			}
			x.want(t, "", ErrUnanswered)
		})
	}
	if len(different) < 10 {
		t.Errorf("%d different times in 20 tries", len(different))
	}
}

// TestDerived holds derived times to RFC 7252 section 4.8.2.
func TestDerived(t *testing.T) {
	var p Transmission
	p.setDefaults()
	for _, v := range []struct {
		name      string
		got, want time.Duration
	}{
		{"MAX_TRANSMIT_SPAN", p.span(), 45 * time.Second},
		{"EXCHANGE_LIFETIME", p.exchangeLifetime(), 247 * time.Second},
		{"NON_LIFETIME", p.nonLifetime(), 145 * time.Second},
	} {
		if v.got != v.want {
			t.Errorf("%s: %v, want %v", v.name, v.got, v.want)
		}
	}
}

// TestIDsAgain has a server use a message ID again (RFC 7252 section 4.4).
func TestIDsAgain(t *testing.T) {
	for _, v := range []struct {
		kind  coap.Type
		after time.Duration
		taken bool
	}{
		{coap.Confirmable, 240 * time.Second, false}, {coap.Confirmable, 248 * time.Second, true},
		{coap.NonConfirmable, 140 * time.Second, false}, {coap.NonConfirmable, 146 * time.Second, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := clientOf(t, newLAN(), ClientConfig{Patience: time.Minute})
			answer := func() {
				d := s.want(-1, "CON GET Uri-Path=a")
				s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
				s.send(reply(d, v.kind, 77, coap.CodeContent, "a"))
				if v.kind == coap.Confirmable {
					s.want(77, "ACK")
				}
			}
			r := doing(t.Context(), c, get("a"), 100)
			answer()
			(<-r).want(t, `2.05 "a"`, nil)
			time.Sleep(v.after)
			r = doing(t.Context(), c, get("a"), 100)
			answer()
			if x := <-r; v.taken != (x.err == nil) {
				t.Errorf("%v after %v: %v", v.kind, v.after, x.err)
			}
		})
	}
}

// TestTokens has tokens that are given, and such that are not.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := clientOf(t, newLAN(), ClientConfig{Transmission: Transmission{NStart: 4}})
		m := get("a")
		for _, v := range []string{"12345678", "", "1234", "123456789"} {
			m.Token = []byte(v)
			r := doing(t.Context(), c, m, 100)
			d := s.want(-1, "CON GET Uri-Path=a")
			if len(d.Token) != 8 || (string(d.Token) == v) != (len(v) == 8) {
				t.Errorf("%q is sent as %q", v, d.Token)
			}
			if len(v) == 8 {
				(<-doing(t.Context(), c, m, 100)).want(t, "", ErrToken)
			}
			s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeContent, "a"))
			(<-r).want(t, `2.05 "a"`, nil)
		}
	})
}

// TestNStart has more requests than may be outstanding (RFC 7252 section 4.7).
func TestNStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := clientOf(t, newLAN(), ClientConfig{})
		a := doing(t.Context(), c, get("a"), 100)
		synctest.Wait()
		b := doing(t.Context(), c, get("b"), 100)
		d := s.want(-1, "CON GET Uri-Path=a")
		s.idle(time.Second)
		// What is acknowledged is not outstanding, though it is not answered.
		s.send(reply(d, coap.Acknowledgement, d.ID, coap.CodeEmpty, ""))
		e := s.want(-1, "CON GET Uri-Path=b")
		s.send(reply(e, coap.Acknowledgement, e.ID, coap.CodeContent, "b"))
		(<-b).want(t, `2.05 "b"`, nil)
		s.send(reply(d, coap.NonConfirmable, 1, coap.CodeContent, "a"))
		(<-a).want(t, `2.05 "a"`, nil)
	})
	synctest.Test(t, func(t *testing.T) {
		c, s := clientOf(t, newLAN(), ClientConfig{Transmission: Transmission{NStart: 2}})
		for range 3 {
			doing(t.Context(), c, get("a"), 100)
		}
		d, e := s.want(-1, "CON GET Uri-Path=a"), s.want(-1, "CON GET Uri-Path=a")
		if d.ID == e.ID || string(d.Token) == string(e.Token) {
			t.Error("two requests with the same ID or token")
		}
		s.idle(time.Second)
	})
}

// TestClientContext ends calls by their context, wherever they wait.
func TestClientContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("why")
		c, s := clientOf(t, newLAN(), ClientConfig{})
		ctx, cancel := context.WithCancelCause(t.Context())
		a := doing(ctx, c, get("a"), 100)
		synctest.Wait()
		b := doing(ctx, c, get("b"), 100) // for which there is no place
		d := s.want(-1, "CON GET Uri-Path=a")
		cancel(why)
		(<-a).want(t, "", why)
		(<-b).want(t, "", why)
		s.send(reply(d, coap.Confirmable, 7, coap.CodeContent, "late"))
		s.want(7, "RST")
		s.idle(time.Hour)
		wantErr(t, c.Ping(ctx), why)
	})
}

// TestPing is RFC 7252 section 4.3: an empty message provokes a Reset.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := clientOf(t, newLAN(), ClientConfig{})
		for _, answer := range []coap.Type{coap.Reset, coap.Acknowledgement} {
			r := make(chan error)
			go func() { r <- c.Ping(t.Context()) }()
			d := s.want(-1, "CON")
			d = s.want(int(d.ID), "CON")
			s.send(coap.Datagram{Type: answer, ID: d.ID})
			wantErr(t, <-r, nil)
		}
		wantErr(t, c.Ping(t.Context()), ErrUnanswered)
		wantErr(t, c.Release(t.Context()), nil)
	})
}

// TestClientClose ends what waits, and what comes later.
func TestClientClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := clientOf(t, newLAN(), ClientConfig{})
		a, b := doing(t.Context(), c, get("a"), 9), doing(t.Context(), c, get("a"), 9)
		s.want(-1, "CON GET Uri-Path=a")
		o := make(chan error)
		go func() {
			o <- c.Observe(t.Context(), get("a", coap.OptObserve, 0), func(coap.Message) error { return nil })
		}()
		synctest.Wait()
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		(<-a).want(t, "", ErrClosed)
		(<-b).want(t, "", ErrClosed)
		wantErr(t, <-o, ErrClosed)
		wantErr(t, c.Ping(t.Context()), ErrClosed)
		if _, err := c.Do(t.Context(), get("a"), nil); err != ErrClosed {
			t.Error(err)
		}
	})
}
