//go:build !race

package coapudp

import (
	"net"
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/resource"
)

// TestNoAllocs has what a server does for a request, and what a connection does
// for one without a context that can end, allocate nothing.
func TestNoAllocs(t *testing.T) {
	r := echoing()
	r.Observations, r.Tickets = 8, 8
	topic := r.NewTopic(resource.TopicOptions{})
	r.Handle("GET /x", func(w resource.Response, q *resource.Request) error {
		q.Observe(topic)
		return w.Text("state")
	})
	now := []byte("now")
	r.Handle("GET /later", func(w resource.Response, q *resource.Request) error {
		k, err := q.Later(1e9)
		if err != nil {
			return err
		}
		return k.Answer(coap.CodeContent, nil, now)
	})
	for _, listen := range []string{"127.0.0.1:0", ":0"} {
		_, a := onLoopback(t, listen, ServerConfig{Resources: r, Amplification: -1})
		if a.IP.IsUnspecified() {
			a.IP = net.IPv4(127, 0, 0, 1)
		}
		u, err := net.DialUDP("udp", nil, a)
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		in := make([]byte, 1500)
		read := func() coap.Datagram {
			n, err := u.Read(in)
			if err != nil {
				t.Fatal(err)
			}
			d, err := coap.ParseUDP(in[:n])
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		id := uint16(0)
		exchange := func(request []byte, n int) (d coap.Datagram) {
			id++
			request[2], request[3] = byte(id>>8), byte(id)
			if _, err := u.Write(request); err != nil {
				t.Fatal(err)
			}
			for range n {
				d = read()
				if d.Type == coap.Confirmable {
					u.Write([]byte{0x60, 0, in[2], in[3]})
				}
			}
			return d
		}
		wire := func(d coap.Datagram) []byte { return coap.AppendUDP(nil, d) }
		for _, v := range []struct {
			name    string
			request []byte
			answers int
			want    coap.Code
		}{
			{"a GET", wire(con(0, get("hello"))), 1, coap.CodeContent},
			{"a GET, non-confirmable", wire(non(0, get("hello"))), 1, coap.CodeContent},
			{"a POST", wire(con(0, post("echo", "abc"))), 1, coap.CodeContent},
			{"no such resource", wire(con(0, get("nothing"))), 1, coap.CodeNotFound},
			{"a ping", []byte{0x40, 0, 0, 0}, 1, coap.CodeEmpty},
			{"nonsense", []byte{0x40, 1, 0, 0, 0xff}, 1, coap.CodeEmpty},
		} {
			alloctest.Zero(t, v.name, func() {
				if d := exchange(v.request, v.answers); d.Code != v.want {
					t.Fatalf("%s", show(d))
				}
			})
		}
		later := wire(non(0, get("later")))
		alloctest.Zero(t, "an answer that comes later", func() {
			if d := exchange(later, 1); string(d.Payload) != "now" {
				t.Fatalf("%s", show(d))
			}
		})
		same := wire(con(0, post("echo", "abc")))
		exchange(same, 1)
		alloctest.Zero(t, "a duplicate", func() {
			id--
			if d := exchange(same, 1); d.Code != coap.CodeContent {
				t.Fatalf("%s", show(d))
			}
		})
		exchange(wire(con(0, get("x", coap.OptObserve, 0))), 1)
		note := resource.Notification{Payload: []byte("news")}
		alloctest.Zero(t, "a notification", func() {
			if n, err := topic.Publish(note); n != 1 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			if d := read(); d.Type == coap.Confirmable {
				u.Write([]byte{0x60, 0, in[2], in[3]})
			}
		})
		exchange(wire(con(0, get("x", coap.OptObserve, 1))), 1)
		topic.Publish(resource.Notification{Code: coap.CodeNotFound})
		c := dialed(t, a.String(), ClientConfig{})
		into := make([]byte, 100)
		m := get("hello")
		alloctest.Zero(t, "Do", func() {
			if a, err := c.Do(t.Context(), m, into); err != nil || len(a.Payload) != 2 {
				t.Fatal(a, err)
			}
		})
		alloctest.Zero(t, "Ping", func() {
			if err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestMemory holds ServerConfig.Memory to what New takes.
func TestMemory(t *testing.T) {
	for _, c := range []ServerConfig{{}, {Endpoints: 1 << 16}, {Exchanges: 1 << 15}, {Kept: 1 << 24}, {InFlight: 1 << 14}, {Queue: 1 << 12}, {Workers: 500, WorkerMemory: 1 << 14}} {
		c.Resources = &resource.Router{}
		c.Resources.Freeze()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		got := int(after.TotalAlloc - before.TotalAlloc)
		if want := s.Memory(); got < want-want/20 || got > want+want/20+4096 {
			t.Errorf("%+v: %d bytes, Memory says %d", c, got, want)
		}
		runtime.KeepAlive(s)
	}
}
