package coapudp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// TestTooLate has handlers that were answered for, since they took too long: what
// they do afterwards does not count.
func TestTooLate(t *testing.T) {
	slow := func(f func(s *site, w resource.Response, q *resource.Request) error) func(s *site) {
		return func(s *site) {
			s.router.Handle("GET /late", func(w resource.Response, q *resource.Request) error {
				<-time.After(10 * time.Second)
				return f(s, w, q)
			})
		}
	}
	text := func(s *site, w resource.Response, q *resource.Request) error { return w.Text("late") }
	for _, v := range []struct {
		name   string
		config ServerConfig
		more   func(s *site)
		script func(s *site, p *script)
	}{
		{"an observation", ServerConfig{Timeout: 5 * time.Second}, slow(func(s *site, w resource.Response, q *resource.Request) error {
			q.Observe(s.topic)
			return w.Text("late")
		}), func(s *site, p *script) {
			p.send(con(1, get("late", coap.OptObserve, 0)))
			p.want(1, "ACK")
			p.send(ack(p.want(-1, "CON 5.03").ID))
			p.idle(time.Minute)
			if n := s.publish("news"); n != 0 {
				p.t.Errorf("%d observers", n)
			}
			p.idle(time.Minute)
		}},
		{"a ticket", ServerConfig{Timeout: 5 * time.Second}, slow(func(s *site, w resource.Response, q *resource.Request) error {
			_, err := q.Later(int64(20 * time.Second))
			return err
		}), func(s *site, p *script) {
			p.send(con(1, get("late")))
			p.want(1, "ACK")
			p.send(ack(p.want(-1, "CON 5.03").ID))
			p.idle(time.Minute) // nor is it answered 5.03 once more
		}},
		{"without room for a message that is sent again", ServerConfig{Timeout: 5 * time.Second, InFlight: 1}, slow(text), func(s *site, p *script) {
			p.send(con(1, get("late")))
			p.send(con(2, get("late")))
			p.want(1, "ACK")
			p.want(2, "ACK")
			d := p.want(-1, "CON 5.03")
			p.want(-1, "NON 5.03")
			p.send(ack(d.ID))
			p.idle(time.Minute)
		}},
		{"before it was acknowledged", ServerConfig{Timeout: 100 * time.Millisecond}, slow(text), func(s *site, p *script) {
			p.send(con(1, get("late")))
			p.want(1, "ACK 5.03")
			p.send(con(1, get("late")))
			p.want(1, "ACK 5.03")
			p.idle(time.Minute)
			p.send(con(1, get("late")))
			p.want(1, "ACK 5.03")
			for i := range s.safe.list {
				if s.safe.list[i].state == progressWorking {
					p.t.Error("its place is taken for ever")
				}
			}
		}},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v.config.Amplification = -1
				s := siteWith(t, newLAN(), v.config, v.more)
				v.script(s, s.guest(t, 1))
			})
		})
	}
}
