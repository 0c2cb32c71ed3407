package coapudp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// way1 is a way to the i-th address.
func way1(i int) way { return way{addr: addr(i)} }

// TestEndpoints holds the table against a map, through what happens at random.
func TestEndpoints(t *testing.T) {
	const size = 50
	r := rand.New(rand.NewPCG(1, 2))
	e := newEndpoints(size)
	model := map[netip.AddrPort]int32{}
	peers := map[uint64]bool{}
	for range 20000 {
		a := way1(r.IntN(200))
		i := e.find(a.addr)
		if want, ok := model[a.addr]; ok != (i != none) || ok && want != i {
			t.Fatalf("%v at %d, want %d, %v", a.addr, i, want, ok)
		}
		if i == none {
			if i = e.fresh(); i == none {
				if i = e.victim(); i == none {
					t.Fatal("all are busy")
				}
				old := e.peer(i)
				delete(model, e.list[i].addr)
				e.drop(i)
				if e.of(old) != none {
					t.Fatal("a name of one that is gone is good")
				}
			}
			e.set(i, a)
			model[a.addr] = i
			if peers[e.peer(i)] {
				t.Fatal("a name is given twice")
			}
			peers[e.peer(i)] = true
		}
		if e.of(e.peer(i)) != i {
			t.Fatal("a name is not good")
		}
		p := &e.list[i]
		p.seen, p.observer = r.IntN(2) == 0, r.IntN(4) == 0
		p.jobs = 0
		if r.IntN(10) == 0 && len(e.busy()) < size/2 {
			p.jobs = 1
		}
		e.settle(i)
		n := 0
		for rank := range numRanks {
			last := int32(none)
			for i := e.heads[rank]; i != none; i = e.list[i].next {
				if e.list[i].prev != last || e.list[i].listed != rank {
					t.Fatal("a list is broken")
				}
				last = i
				n++
			}
			if e.tails[rank] != last {
				t.Fatal("a list has another end")
			}
		}
		if n+len(e.busy()) != e.used {
			t.Fatalf("%d in lists and %d busy of %d", n, len(e.busy()), e.used)
		}
	}
}

func (e *endpoints) busy() (all []int32) {
	for i := range e.used {
		if e.list[i].listed == rankBusy {
			all = append(all, int32(i))
		}
	}
	return all
}

// TestVictim has the order in which endpoints give way.
func TestVictim(t *testing.T) {
	e := newEndpoints(8)
	add := func(seen, observer bool, jobs int) {
		i := e.fresh()
		p := e.set(i, way1(int(i)))
		p.seen, p.observer, p.jobs = seen, observer, jobs
		e.settle(i)
	}
	add(true, true, 0)   // 0: an observer
	add(true, false, 0)  // 1
	add(false, false, 0) // 2: not seen
	add(false, false, 1) // 3: busy
	add(true, false, 0)  // 4
	add(false, false, 0) // 5: not seen, later
	add(true, true, 0)   // 6: an observer, later
	add(true, false, 1)  // 7: busy
	e.settle(1)          // heard of after 4
	for _, want := range []int32{2, 5, 4, 1, 0, 6, none} {
		got := e.victim()
		if got != want {
			t.Errorf("%d gives way, want %d", got, want)
		}
		if got != none {
			e.drop(got)
		}
	}
}

// TestWindow holds the memory of requests against a model.
func TestWindow(t *testing.T) {
	type key struct {
		ep  int32
		mid uint16
	}
	type value struct {
		answer string
	}
	r := rand.New(rand.NewPCG(3, 4))
	const size, kept = 32, 1000
	w := newWindow(size, kept)
	model := map[key]value{}
	var ring []key // the keys in the order of their entries
	for n := range 20000 {
		k := key{int32(r.IntN(3)), uint16(r.IntN(40))}
		i := w.find(k.ep, 7, k.mid, 0)
		v, ok := model[k]
		if ok != (i != none) {
			t.Fatalf("%v is found: %v, want %v", k, i != none, ok)
		}
		if ok {
			if a := w.answer(i); a != nil && string(a) != v.answer {
				t.Fatalf("%q, want %q", a, v.answer)
			}
			continue
		}
		i = w.add(k.ep, 7, k.mid, int64(n+1))
		if len(ring) == size {
			delete(model, ring[0])
			ring = ring[1:]
		}
		ring = append(ring, k)
		answer := fmt.Sprint(n) + string(make([]byte, r.IntN(100)))
		w.keep(i, []byte(answer))
		if string(w.answer(i)) != answer {
			t.Fatal("what was just kept is not there")
		}
		model[k] = value{answer: answer}
		// What was kept lately is kept.
		total := 0
		for j := len(ring) - 1; j >= 0; j-- {
			a := model[ring[j]].answer
			if total += len(a); total > kept-200 {
				break
			}
			if got := w.answer(w.find(ring[j].ep, 7, ring[j].mid, 0)); string(got) != a {
				t.Fatalf("%q, want %q", got, a)
			}
		}
	}
	if w.find(model0(model).ep, 8, model0(model).mid, 0) != none {
		t.Error("an exchange of another generation is found")
	}
	w = newWindow(4, 100)
	i := w.add(0, 1, 1, 1)
	w.keep(i, make([]byte, 101))
	if w.answer(i) != nil {
		t.Error("kept what does not fit")
	}
	for mid := range 3 {
		w.add(0, 1, uint16(10+mid), 1) // which are being worked on
	}
	w.list[i].state = progressWorking
	w.list[2].state = progressAnswered
	if j := w.add(0, 1, 99, 1); j != 2 {
		t.Errorf("place %d was given away, want the one that nobody works on", j)
	}
	if j := w.add(0, 1, 100, 1); j != 3 {
		t.Errorf("place %d was given away, want the oldest", j)
	}
}

func model0[K comparable, V any](m map[K]V) (k K) {
	for k := range m {
		return k
	}
	return k
}

// TestForgotten has duplicates of requests of which not everything is known any
// more.
func TestForgotten(t *testing.T) {
	method := func(c coap.Code) coap.Message {
		m := get("count")
		m.Code = c
		return m
	}
	for _, v := range []struct {
		name   string
		config ServerConfig
		script func(s *site, p *script)
	}{
		{"an answer, but the request may be done again", ServerConfig{Kept: 40}, func(s *site, p *script) {
			for i := range 3 {
				p.send(con(uint16(i), get("count")))
				p.want(i, fmt.Sprintf(`ACK 2.05 Content-Format=0 "call %d"`, i+1))
			}
			p.send(con(2, get("count")))
			p.want(2, `ACK 2.05 Content-Format=0 "call 3"`)
			p.send(con(0, get("count")))
			p.want(0, `ACK 2.05 Content-Format=0 "call 4"`)
			p.send(con(0, get("count"))) // which is known again
			p.want(0, `ACK 2.05 Content-Format=0 "call 4"`)
		}},
		{"an answer, and the request must not be done again", ServerConfig{Kept: 40}, func(s *site, p *script) {
			for i := range 3 {
				p.send(con(uint16(i), post("count", "")))
				p.want(i, fmt.Sprintf(`ACK 2.05 Content-Format=0 "call %d"`, i+1))
			}
			p.send(con(0, post("count", "")))
			p.want(0, `ACK 5.00`)
			if s.called("POST /count") != 3 {
				p.t.Error("done again")
			}
		}},
		{"a PATCH is no iPATCH, RFC 8132 3", ServerConfig{Kept: 40}, func(s *site, p *script) {
			for i := range 3 {
				p.send(con(uint16(i), method(coap.CodePATCH)))
				p.take()
				p.send(con(uint16(10+i), method(coap.CodeIPATCH)))
				p.take()
			}
			p.send(con(0, method(coap.CodePATCH)))
			p.want(0, `ACK 5.00`)
			p.send(con(10, method(coap.CodeIPATCH)))
			p.want(10, `ACK 2.05 Content-Format=0 "call 4"`)
		}},
		{"any number of other requests", ServerConfig{Exchanges: 4}, func(s *site, p *script) {
			p.send(con(0, post("count", "")))
			p.want(0, `ACK 2.05 Content-Format=0 "call 1"`)
			for i := range 20 {
				p.send(con(uint16(10+i), get("count")))
				p.take()
			}
			p.send(con(0, post("count", "")))
			p.want(0, `ACK 2.05 Content-Format=0 "call 1"`)
			for i := range 4 {
				p.send(con(uint16(50+i), post("count", "")))
				p.take()
			}
			p.send(con(0, post("count", ""))) // known by nobody any more
			p.want(0, `ACK 2.05 Content-Format=0 "call 6"`)
		}},
		{"one that is being worked on is not forgotten", ServerConfig{Exchanges: 2, Workers: 4}, func(s *site, p *script) {
			p.send(con(0, post("slow", "")))
			for i := range 5 {
				p.send(con(uint16(10+i), post("count", "")))
				p.take()
			}
			p.send(con(0, post("slow", "")))
			p.want(0, "ACK")
			p.send(con(0, post("slow", "")))
			p.want(0, "ACK")
			p.send(ack(p.want(-1, `CON 2.05 Content-Format=0 "call 1"`).ID))
		}},
		{"the endpoint", ServerConfig{Endpoints: 1}, func(s *site, p *script) {
			p.send(con(0, post("count", "")))
			p.want(0, `ACK 2.05 Content-Format=0 "call 1"`)
			s.guest(p.t, 2).send(con(0, get("hello")))
			time.Sleep(time.Second)
			p.send(con(0, post("count", "")))
			p.want(0, `ACK 2.05 Content-Format=0 "call 2"`)
		}},
		{"no endpoint that is busy", ServerConfig{Endpoints: 1}, func(s *site, p *script) {
			p.send(con(0, post("slow", "")))
			o := s.guest(p.t, 2)
			time.Sleep(time.Millisecond)
			o.send(con(5, get("hello")))
			o.want(5, "ACK 5.03 Max-Age=5")
			o.send(non(6, get("hello")))
			o.want(-1, "NON 5.03 Max-Age=5")
			p.want(0, "ACK")
			d := p.want(-1, `CON 2.05 Content-Format=0 "call 1"`)
			o.send(con(7, get("hello"))) // its answer is not acknowledged yet
			o.want(7, "ACK 5.03 Max-Age=5")
			p.send(ack(d.ID))
			time.Sleep(time.Millisecond)
			o.send(con(8, get("hello")))
			o.want(8, `ACK 2.05 Content-Format=0 "hi"`)
		}},
		{"an observer, of whom the Router knows", ServerConfig{Endpoints: 1}, func(s *site, p *script) {
			p.send(con(1, get("x", coap.OptObserve, 0)))
			p.wantNote(coap.Acknowledgement, "state")
			o := s.guest(p.t, 2)
			o.send(con(5, get("hello")))
			o.want(5, `ACK 2.05 Content-Format=0 "hi"`)
			time.Sleep(time.Second)
			if n := s.publish("news"); n != 0 || s.topic.Len() != 0 {
				p.t.Errorf("%d were reached, %d observe", n, s.topic.Len())
			}
		}},
		{"a ticket's peer", ServerConfig{Endpoints: 1}, func(s *site, p *script) {
			p.send(con(1, get("later")))
			p.want(1, "ACK")
			o := s.guest(p.t, 2)
			o.send(con(5, get("hello")))
			o.want(5, `ACK 2.05 Content-Format=0 "hi"`)
			time.Sleep(time.Second)
			if n := s.router.Stats().Tickets; n != 0 {
				p.t.Errorf("%d tickets", n)
			}
		}},
	} {
		t.Run(v.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v.config.Amplification = -1
				s := siteOf(t, newLAN(), v.config)
				v.script(s, s.guest(t, 1))
			})
		})
	}
}
