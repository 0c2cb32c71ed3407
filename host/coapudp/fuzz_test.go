package coapudp

import (
	"net"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// tape is a socket that keeps what is sent.
type tape struct {
	t    *testing.T
	sent int
	all  []coap.Datagram
}

func (p *tape) read([]byte) (int, way, error) { return 0, way{}, net.ErrClosed }

func (p *tape) write(b []byte, _ way) (int, error) {
	d, err := coap.ParseUDP(append([]byte(nil), b...))
	if err != nil {
		p.t.Fatalf("% x is sent: %v", b, err)
	}
	if len(b) > baseMessage {
		p.t.Fatalf("%d bytes are sent", len(b))
	}
	p.sent += len(b)
	p.all = append(p.all, d)
	return len(b), nil
}

func (p *tape) LocalAddr() net.Addr { return nil }
func (p *tape) Close() error        { return nil }

// FuzzServer has any datagrams come from a few endpoints: each is a byte of
// length, a byte that says from where and what else happens, and its bytes. The
// server runs without goroutines.
func FuzzServer(f *testing.F) {
	seed := func(all ...coap.Datagram) {
		var b []byte
		for i, d := range all {
			p := coap.AppendUDP(nil, d)
			b = append(append(b, byte(len(p)), byte(i)), p...)
		}
		f.Add(b)
	}
	seed(con(1, get("hello")), con(1, get("hello")), non(2, get("hello")))
	seed(con(1, get("x", coap.OptObserve, 0)), con(1, get("x", coap.OptObserve, 0, coap.OptEcho, "12345678")), rst(1), ack(1))
	seed(con(1, post("echo", "abc")), con(2, get("later")), con(3, get("long", coap.OptBlock2, 6)), coap.Datagram{ID: 7})
	f.Add([]byte("\x04\x00\x40\x01\x00\x01\x05\x01\x40\x01\x00\x01\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := echoing()
		r.Observations, r.Tickets, r.Gather = 4, 4, 256
		topic := r.NewTopic(resource.TopicOptions{})
		var late []resource.Ticket
		r.Handle("GET /x", func(w resource.Response, q *resource.Request) error {
			q.Observe(topic)
			return w.Text("state")
		})
		r.Handle("/later", func(w resource.Response, q *resource.Request) error {
			k, err := q.Later(1e9)
			late = append(late, k)
			return err
		})
		r.Handle("GET /long", func(w resource.Response, q *resource.Request) error {
			return w.Bytes(coap.FormatOctets, make([]byte, 1000))
		})
		s, err := New(ServerConfig{Resources: r, Workers: 1, Queue: 2, Endpoints: 3, Exchanges: 4, Kept: 200, InFlight: 3, MaxMessage: 200})
		if err != nil {
			t.Fatal(err)
		}
		p := &tape{t: t}
		s.conn, s.state = p, stateServing
		got := 0
		for len(b) >= 2 {
			n, op := int(b[0]), b[1]
			b = b[2:]
			n = min(n, len(b))
			before := len(p.all)
			j := s.takeJob()
			from := way1(1 + int(op&7))
			took := s.receive(j, copy(j.buf, b[:n]), from)
			if took {
				s.serve(&s.workers[0], j)
			} else {
				s.free = append(s.free, j)
			}
			got += n
			if d, err := coap.ParseUDP(b[:n]); (err != nil || d.Code == coap.CodeEmpty) && d.Type != coap.Confirmable {
				for _, a := range p.all[before:] {
					// Only a message of our own may have waited for this.
					if a.Type == coap.Acknowledgement || a.Type == coap.Reset {
						t.Fatalf("%s is an answer to % x (%v)", show(a), b[:n], err)
					}
				}
			}
			b = b[n:]
			switch op >> 3 & 3 {
			case 1:
				topic.Publish(resource.Notification{Payload: []byte("news")})
			case 2:
				for _, k := range late {
					k.Answer(coap.CodeContent, nil, []byte("late"))
				}
				late = nil
			case 3:
				s.start = s.start.Add(-time.Duration(op) * time.Second)
				s.sweep(s.now())
				s.tellGone()
			}
		}
		// Each challenge may be two bytes longer than it should.
		if c := s.Stats(); p.sent > 3*got+2*int(c.Challenged)+int(c.Excess) && seenNone(s) && c.WithoutPlace+c.Forgotten == 0 {
			t.Errorf("%d bytes are sent for %d, %+v", p.sent, got, c)
		}
		if s.busy != 0 || len(s.free) != len(s.jobs) {
			t.Error("a job is lost")
		}
		waiting := 0
		for i := range s.ends.used {
			for o := s.ends.list[i].first; o != none; o = s.outs[o].next {
				waiting++
			}
		}
		if waiting+len(s.spare) != len(s.outs) {
			t.Error("a message is lost")
		}
	})
}

func seenNone(s *Server) bool {
	for i := range s.ends.used {
		if s.ends.list[i].seen {
			return false
		}
	}
	return true
}

// FuzzClient has any datagrams come to a connection with a request, an
// observation and a ping under way.
func FuzzClient(f *testing.F) {
	f.Add([]byte("\x04\x70\x00\x00\x01\x04\x60\x00\x00\x02\x0f\x68\x45\x00\x01TOKEN..1\xffhi"))
	f.Add([]byte("\x0e\x48\x45\x00\x07TOKEN..2\x60\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Conn{cfg: ClientConfig{MaxMessage: 64}, byToken: map[[tokenLength]byte]*call{}, byID: map[uint16]*call{}, closed: make(chan struct{})}
		c.cfg.setDefaults()
		for i := range 3 {
			m := get("x", coap.OptObserve, 0)
			if i == 2 {
				m = coap.Message{}
			}
			k, err := c.begin(m, coap.Confirmable, make([]byte, 20))
			if err != nil {
				t.Fatal(err)
			}
			copy(k.token[:], "TOKEN..1")
			if i == 1 {
				k.token[7] = '2'
				k.watch = &watch{ring: make([]held, 2)}
			}
			c.mid = uint16(i)
			c.enter(k)
		}
		var small [4]byte
		for len(b) >= 1 {
			n := min(int(b[0]), len(b)-1)
			p := b[1 : 1+n]
			b = b[1+n:]
			d, err := coap.ParseUDP(p)
			c.mu.Lock()
			a := c.receive(p, small[:0])
			c.mu.Unlock()
			if a == nil {
				continue
			}
			got, perr := coap.ParseUDP(a)
			if perr != nil || got.ID != d.ID || got.Type != coap.Acknowledgement && got.Type != coap.Reset {
				t.Fatalf("% x is answered by % x", p, a)
			}
			if d.Type != coap.Confirmable && (got.Type != coap.Reset || d.Type != coap.NonConfirmable || err != nil) {
				t.Fatalf("% x is answered by % x", p, a)
			}
		}
	})
}
