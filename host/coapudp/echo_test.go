package coapudp

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// challenged waits for a challenge, and returns the Echo option's value.
func (s *script) challenged(t coap.Type) string {
	s.t.Helper()
	d := s.want(-1, t.String()+" 4.01 Echo")
	v, _ := d.Options.Get(coap.OptEcho)
	return string(v)
}

// TestAmplification has the rules for peers that may not be where they say they
// are (RFC 7252 section 11.3, RFC 9175 section 2.4).
func TestAmplification(t *testing.T) {
	for _, v := range []struct {
		name   string
		config ServerConfig
		script func(s *site, p *script)
		want   Stats
	}{
		{"a short answer needs no proof", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("hello")))
			p.want(1, `ACK 2.05 Content-Format=0 "hi"`)
		}, Stats{Requests: 1}},
		{"a long answer does", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("long")))
			v := p.challenged(coap.Acknowledgement)
			p.send(con(1, get("long"))) // a duplicate is challenged again
			if p.challenged(coap.Acknowledgement) != v {
				p.t.Error("another answer to a duplicate")
			}
			p.send(con(2, get("long", coap.OptEcho, v)))
			p.want(2, "ACK 2.05 Content-Format=0 (1000)")
			p.send(con(3, get("long"))) // it is known now
			p.want(3, "ACK 2.05 Content-Format=0 (1000)")
		}, Stats{Requests: 3, Duplicates: 1, Challenged: 1}},
		{"in vain with what is not from us", ServerConfig{}, func(s *site, p *script) {
			for i, v := range []string{"", "x", "12345678", "123456789"} {
				p.send(con(uint16(i), get("long", coap.OptEcho, v)))
				p.challenged(coap.Acknowledgement)
			}
		}, Stats{Requests: 4, Challenged: 4}},
		{"in vain with what another was given", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("long")))
			v := p.challenged(coap.Acknowledgement)
			o := s.guest(p.t, 2)
			o.send(con(1, get("long", coap.OptEcho, v)))
			if o.challenged(coap.Acknowledgement) == v {
				p.t.Error("the same value for two peers")
			}
		}, Stats{Requests: 2, Challenged: 2}},
		{"in vain when it is too late", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("long")))
			v := p.challenged(coap.Acknowledgement)
			time.Sleep(2*echoTime + time.Second)
			p.send(con(2, get("long", coap.OptEcho, v)))
			v = p.challenged(coap.Acknowledgement)
			time.Sleep(echoTime - 10*time.Millisecond)
			p.send(con(3, get("long", coap.OptEcho, v)))
			p.want(3, "ACK 2.05 Content-Format=0 (1000)")
		}, Stats{Requests: 3, Challenged: 2}},
		{"non-confirmable", ServerConfig{}, func(s *site, p *script) {
			p.send(non(1, get("long")))
			v := p.challenged(coap.NonConfirmable)
			p.send(non(2, get("long", coap.OptEcho, v)))
			p.want(-1, "NON 2.05 Content-Format=0 (1000)")
		}, Stats{Requests: 2, Challenged: 1}},
		{"to observe is to ask for any number of answers", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			v := p.challenged(coap.Acknowledgement)
			if s.topic.Len() != 0 || s.called("GET /x") != 0 {
				p.t.Error("it observes")
			}
			p.send(con(2, get("x", coap.OptObserve, 1))) // to end it is not
			p.want(2, `ACK 2.05 Content-Format=0 "state"`)
			p.send(con(3, get("x", coap.OptObserve, 0, coap.OptEcho, v)))
			p.wantNote(coap.Acknowledgement, "state")
			if s.topic.Len() != 1 {
				p.t.Error("it does not observe")
			}
		}, Stats{Requests: 2, Challenged: 1}},
		{"what is done is not denied", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, post("long", "")))
			p.want(1, "ACK 2.04 Content-Format=42 (1000)")
			if n := s.called("POST /long"); n != 1 {
				p.t.Errorf("%d calls", n)
			}
			p.send(con(1, post("long", ""))) // once
			p.idle(time.Second)
			p.send(con(2, get("long"))) // which gives nothing to others
			v := p.challenged(coap.Acknowledgement)
			p.send(con(3, get("hello", coap.OptEcho, v)))
			p.want(3, `ACK 2.05 Content-Format=0 "hi"`)
			p.send(con(1, post("long", "")))
			p.want(1, "ACK 2.04 Content-Format=42 (1000)")
		}, Stats{Requests: 3, Duplicates: 2, Excess: 976, Challenged: 1}},
		{"but not done for ever", ServerConfig{}, func(s *site, p *script) {
			done := 0
			for i := range 200 { // each from somebody else
				o := s.guest(p.t, 10+i)
				o.send(con(1, post("long", "")))
				switch d, _ := o.take(); {
				case d.Code == coap.CodeChanged && len(d.Payload) == 1000:
					done++
				case d.Code == coap.CodeUnauthorized:
					v, _ := d.Options.Get(coap.OptEcho)
					m := post("long", "")
					m.Options = options(coap.OptURIPath, "long", coap.OptEcho, string(v))
					if i == 199 {
						before := s.called("POST /long")
						o.send(con(2, m))
						o.want(2, "ACK 2.04 Content-Format=42 (1000)")
						if before != done {
							p.t.Errorf("%d were done, %d answered", before, done)
						}
					}
				default:
					p.t.Fatalf("%s", show(d))
				}
			}
			if done < excessMost/baseMessage || done > 80 {
				p.t.Errorf("%d of 200 were answered at once", done)
			}
			time.Sleep(time.Minute)
			p.send(con(1, post("long", "")))
			p.want(1, "ACK 2.04 Content-Format=42 (1000)")
			s.mu2()
			s.Server.counts = Stats{}
			s.Server.mu.Unlock()
		}, Stats{}},
		{"the limit is of all that was sent", ServerConfig{}, func(s *site, p *script) {
			for i := range 20 { // each is answered by less than it may be
				p.send(con(uint16(i), get("hello")))
				p.want(i, `ACK 2.05 Content-Format=0 "hi"`)
			}
			s.mu2()
			left := s.ends.list[0].budget
			s.Server.mu.Unlock()
			if want := 20 * (3*12 - 10); left != want {
				p.t.Errorf("%d bytes may be sent, want %d", left, want)
			}
		}, Stats{Requests: 20}},
		{"an answer that comes later", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("later")))
			p.want(1, "ACK")
			p.send(con(2, post("later", "")))
			p.want(2, "ACK")
			s.answerLate(p.t, string(make([]byte, 500)), nil)
			d := p.want(-1, "CON 4.01 Echo")
			p.send(ack(d.ID))
			d = p.want(-1, "CON 2.05 (500)")
			p.send(ack(d.ID))
		}, Stats{Requests: 2, Separate: 2, Challenged: 1, Excess: 451}},
		{"attempts to send again", ServerConfig{}, func(s *site, p *script) {
			p.send(con(1, get("slow")))
			p.want(1, "ACK")
			for range 2 { // 15 bytes each, of 33
				p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			}
			p.idle(time.Hour)
		}, Stats{Requests: 1, Separate: 1, Retransmits: 1, Unanswered: 1}},
		{"one that has taken long", ServerConfig{Separate: time.Nanosecond}, func(s *site, p *script) {
			p.send(con(1, get("long")))
			d, _ := p.take()
			if d.Code == coap.CodeEmpty {
				d, _ = p.take()
			}
			if d.Code != coap.CodeUnauthorized {
				p.t.Errorf("%s", show(d))
			}
		}, Stats{Requests: 1, Challenged: 1}},
		{"the limit is as configured", ServerConfig{Amplification: 100}, func(s *site, p *script) {
			p.send(con(1, get("long")))
			p.want(1, "ACK 2.05 Content-Format=0 (1000)")
			p.send(con(2, get("long")))
			p.want(2, "ACK 2.05 Content-Format=0 (1000)")
			p.send(con(3, get("x", coap.OptObserve, 0)))
			p.challenged(coap.Acknowledgement)
		}, Stats{Requests: 2, Challenged: 1}},
		{"there is none", ServerConfig{Amplification: -1}, func(s *site, p *script) {
			p.send(con(1, get("long")))
			p.want(1, "ACK 2.05 Content-Format=0 (1000)")
		}, Stats{Requests: 1}},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := siteOf(t, newLAN(), v.config)
				v.script(s, s.guest(t, 1))
				synctest.Wait()
				got := s.Stats()
				got.Received, got.Endpoints, got.Answers, got.Notified = 0, 0, [6]uint64{}, 0
				if v.config.Separate != 0 {
					got.Separate, got.Retransmits = 0, 0
				}
				if got != v.want {
					t.Errorf("%+v, want %+v", got, v.want)
				}
			})
		})
	}
}

// TestExcess has what may go beyond the limits after any time, and bit by bit.
func TestExcess(t *testing.T) {
	for _, v := range []struct {
		name  string
		idle  time.Duration
		times int
		want  int // excess, of nothing
	}{
		{"a second", time.Second, 1, excessRate},
		{"a week", 7 * 24 * time.Hour, 1, excessMost},
		{"ten years", 10 * 366 * 24 * time.Hour, 1, excessMost},
		{"a second of many requests", 10 * time.Microsecond, 100_000, excessRate},
	} {
		t.Run(v.name, func(t *testing.T) {
			s, err := New(ServerConfig{Resources: &resource.Router{}})
			if err != nil {
				t.Fatal(err)
			}
			s.excess = 0
			for i := range v.times {
				s.refill(int64(i+1) * int64(v.idle))
			}
			if s.excess < v.want-1 || s.excess > v.want {
				t.Errorf("%d bytes, want %d", s.excess, v.want)
			}
		})
	}
}

// TestAmplificationOfLater has answers that wait for their turn: they are in the
// limit too.
func TestAmplificationOfLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := siteOf(t, newLAN(), ServerConfig{})
		p := s.guest(t, 1)
		received, sent := 0, 0
		s.l.log = func(from, to netip.AddrPort, b []byte) {
			if from == addr(0) {
				sent += len(b)
			} else {
				received += len(b)
			}
		}
		for i := range 20 {
			p.send(con(uint16(i), get("later")))
			p.want(i, "ACK")
		}
		s.answerLate(t, strings.Repeat("later", 20), nil)
		for {
			d, ok := p.take()
			if !ok {
				break
			}
			p.send(ack(d.ID)) // which proves nothing
		}
		if sent > 3*received {
			t.Errorf("%d bytes sent for %d", sent, received)
		}
	})
}

// TestAmplificationAtAll has a liar ask for all there is, and counts.
func TestAmplificationAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		s := siteOf(t, l, ServerConfig{})
		p := s.guest(t, 1)
		asked, answered := 0, 0
		l.log = func(from, _ netip.AddrPort, b []byte) {
			if from == addr(0) {
				answered += len(b)
			} else {
				asked += len(b)
			}
		}
		id := uint16(0)
		for _, path := range []string{"hello", "long", "x", "later", "slow", "nothing", "panic"} {
			for _, m := range []coap.Message{get(path), post(path, "x"), get(path, coap.OptObserve, 0), get(path, coap.OptBlock2, 6)} {
				for _, d := range []coap.Datagram{con(id, m), non(id+1, m), con(id, m)} {
					p.send(d)
					p.send(d)
				}
				id += 2
			}
			time.Sleep(time.Second)
			s.publish("news")
			s.answerLate(t, string(make([]byte, 500)), nil)
			time.Sleep(time.Second)
		}
		p.raw("\x40\x01\x00\x00\xff")
		time.Sleep(15 * time.Second)
		l.mu.Lock()
		defer l.mu.Unlock()
		// What may go beyond the limit is an Echo, and the excess.
		t.Logf("asked in %d bytes, answered in %d", asked, answered)
		if answered-int(s.Stats().Excess) > 3*asked {
			t.Errorf("asked in %d bytes, answered in %d", asked, answered)
		}
	})
}
