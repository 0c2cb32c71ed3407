package sse_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport/memory"
)

func newTopic(t *testing.T, f *fixture, o sse.Options) *sse.Topic {
	t.Helper()
	topic, err := sse.New(f.srv, o)
	if err != nil {
		t.Fatal(err)
	}
	f.handle("GET /", topic.Subscribe)
	return topic
}

func publish(t *testing.T, topic *sse.Topic, e sse.Event, reached int) {
	t.Helper()
	if n, err := topic.Publish(e); n != reached || err != nil {
		t.Errorf("Publish: %d, %v, want %d", n, err, reached)
	}
}

// event is an event of a topic that gives IDs.
func event(id int, data string) string { return fmt.Sprintf("id: %d\ndata: %s\n\n", id, data) }

// TestTopic publishes to those who are there, and lets the others catch up.
func TestTopic(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{Replay: 4096, Retry: 2e9, Missed: sse.Event{Name: "missed", Data: []byte{}}})
	const begin, gap = head + "retry: 2000\n\n", "event: missed\ndata: \n\n"
	publish(t, topic, sse.Text("one"), 0)
	a := f.ask(get("/", ""))
	a.want(begin)
	publish(t, topic, sse.Text("two"), 1)
	a.want(event(2, "two"))
	b := f.ask(get("/", "1"))
	b.want(begin + event(2, "two"))
	publish(t, topic, sse.Event{Name: "n", Data: []byte("three")}, 2)
	a.want("id: 3\nevent: n\ndata: three\n\n")
	b.want("id: 3\nevent: n\ndata: three\n\n")
	a.Close()
	f.poll()
	if n := topic.Len(); n != 2 {
		t.Errorf("%d subscribers are known, want 2: nobody has looked", n)
	}
	publish(t, topic, sse.Text("four"), 1)
	b.want(event(4, "four"))
	for _, k := range []struct{ name, id, want string }{
		{"all", "0", event(1, "one") + event(2, "two") + "id: 3\nevent: n\ndata: three\n\n" + event(4, "four")},
		{"the last", "3", event(4, "four")},
		{"none", "4", ""},
		{"of the future", "5", gap},
		{"of nobody's", "x", gap},
		{"too long", strings.Repeat("9", 20), gap},
	} {
		c := f.ask(get("/", k.id))
		t.Run(k.name, func(t *testing.T) { c.want(begin + k.want) })
		c.Close()
		f.poll()
	}
	publish(t, topic, sse.Text("five"), 1)
	if s := topic.Stats(); s != (sse.Stats{Published: 5, Delivered: 5, Subscribers: 1}) {
		t.Errorf("stats %+v", s)
	}
	b.want(event(5, "five"))
	// HEAD subscribes nobody.
	f.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").wantEnd(head)
	publish(t, topic, sse.Text("six"), 1)
	topic.Close()
	topic.Close()
	b.wantEnd(event(6, "six"))
	if _, err := topic.Publish(sse.Text("x")); err != sse.ErrClosed {
		t.Errorf("Publish after Close: %v", err)
	}
	c := f.ask(get("/", "1"))
	if c.read(); !strings.HasPrefix(c.got, "HTTP/1.1 204 ") {
		t.Errorf("after Close: %q", c.got)
	}
	if s := f.srv.Stats(); s.OutputBlocks != 0 || s.OutputNodes != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestTopicEpoch tells the IDs of this run from those of another.
func TestTopicEpoch(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{Replay: 512, Epoch: "e1", Missed: sse.Text("missed")})
	publish(t, topic, sse.Text("a"), 0)
	publish(t, topic, sse.Text("b"), 0)
	for id, want := range map[string]string{
		"e1-1": "id: e1-2\ndata: b\n\n",
		"e0-1": "data: missed\n\n",
		"e1_1": "data: missed\n\n",
		"e1-":  "data: missed\n\n",
		"1":    "data: missed\n\n",
		"e1":   "data: missed\n\n",
	} {
		f.ask(get("/", id)).want(head + want)
	}
}

// TestTopicPlain keeps nothing, and leaves IDs to the program.
func TestTopicPlain(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{})
	a := f.ask(get("/", "7"))
	publish(t, topic, sse.Event{ID: "mine", Data: []byte("x")}, 1)
	a.want(head + "id: mine\ndata: x\n\n")
}

// TestTopicLong has events that fit into no block.
func TestTopicLong(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{OutputBlockSize: 64})
	topic := newTopic(t, f, sse.Options{Largest: 1000, Replay: 4096})
	a, b := f.ask(get("/", "")), f.ask(get("/", ""))
	long := strings.Repeat("long ", 180)
	publish(t, topic, sse.Text(long), 2)
	a.want(head + event(1, long))
	b.want(head + event(1, long))
	f.ask(get("/", "0")).want(head + event(1, long))
	for _, k := range []struct {
		e    sse.Event
		want error
	}{
		{sse.Text(strings.Repeat("x", 1000)), sse.ErrLong},
		{sse.Event{ID: "1", Data: []byte("x")}, sse.ErrTopicID},
		{sse.Event{Name: "\n"}, sse.ErrName},
	} {
		if n, err := topic.Publish(k.e); n != 0 || err != k.want {
			t.Errorf("Publish: %d, %v, want %v", n, err, k.want)
		}
	}
}

// TestTopicRing publishes events of all lengths, and asks for all that is kept
// again and again: what comes is what was published, from some event on.
func TestTopicRing(t *testing.T) {
	for _, k := range []struct{ replay, events int }{{1, 0}, {100, 0}, {1000, 3}, {333, 100}, {1 << 12, 1 << 10}} {
		f := newFixture(t, memory.Config{}, bobtail.Config{WorkerMemory: 1024})
		topic := newTopic(t, f, sse.Options{Replay: k.replay, Events: k.events, Missed: sse.Text("missed")})
		rnd := rand.New(rand.NewPCG(1, uint64(k.replay)))
		var all []string
		most := 0
		for n := range 300 {
			s := strings.Repeat(string(rune('a'+n%26)), rnd.IntN(80))
			if n%50 == 49 {
				s = strings.Repeat("x", 500)
			}
			publish(t, topic, sse.Text(s), 0)
			all = append(all, s)
			p := f.ask(get("/", "0"))
			p.read()
			got := p.events()
			if len(got) > 0 && got[0].data == "missed" {
				got = got[1:]
			} else if len(got) != n+1 {
				t.Fatalf("%+v: %d events of %d, and nobody is told", k, len(got), n+1)
			}
			from := len(all) - len(got)
			bytes := 0
			for i, e := range got {
				if e.data != all[from+i] || e.id != fmt.Sprint(from+i+1) {
					t.Fatalf("%+v: event %d is %q", k, from+i+1, e)
				}
				bytes += len(event(from+i+1, e.data))
			}
			most = max(most, bytes)
			if bytes > k.replay || k.events > 0 && len(got) > k.events {
				t.Fatalf("%+v: %d bytes in %d events are kept", k, bytes, len(got))
			}
			p.Close()
			f.poll()
		}
		if most == 0 && k.replay > 100 {
			t.Errorf("%+v: nothing is kept", k)
		}
	}
}

// TestTopicMissed has a ring that is too short for who was away.
func TestTopicMissed(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{Replay: 4096, Events: 2, Missed: sse.Text("missed")})
	for k := range 5 {
		publish(t, topic, sse.Text(fmt.Sprint(k+1)), 0)
	}
	f.ask(get("/", "2")).want(head + "data: missed\n\n" + event(4, "4") + event(5, "5"))
	f.ask(get("/", "3")).want(head + event(4, "4") + event(5, "5"))
}

// TestTopicSlow has a subscriber that does not read.
func TestTopicSlow(t *testing.T) {
	for _, k := range []struct {
		slow    sse.Slow
		dropped bool
		ends    bool
	}{{sse.SlowClose, true, true}, {sse.SlowNewest, true, false}, {sse.SlowOldest, false, false}} {
		f := newFixture(t, memory.Config{Pipe: 700}, bobtail.Config{})
		topic := newTopic(t, f, sse.Options{Mark: 2, Slow: k.slow, Replay: 1 << 14})
		quick, slow := f.ask(get("/", "")), f.ask(get("/", ""))
		quick.want(head)
		for n := range 20 {
			topic.Publish(sse.Text(strings.Repeat("x", 100)))
			f.poll()
			quick.want(event(n+1, strings.Repeat("x", 100)))
			if n < 3 {
				slow.read()
			}
		}
		ended := slow.read()
		if got := topic.Stats(); ended != k.ends || (got.Dropped > 0) != k.dropped || k.ends != (got.Subscribers == 1) {
			t.Errorf("policy %d: ended %v, stats %+v", k.slow, ended, got)
		}
		if !k.ends {
			events := slow.events()
			if len(events) >= 20 || len(events) < 3 {
				t.Errorf("policy %d: %d events", k.slow, len(events))
			}
			continue
		}
		// It connects again, and has missed nothing.
		events := slow.events()
		// Its handler waits for it to read what it has missed.
		again := f.connect()
		again.TryWrite([]byte(get("/", events[len(events)-1].id)))
		done := make(chan bool)
		go func() {
			defer close(done)
			var b [512]byte
			for len(events)+len(again.events()) < 20 {
				n, err := again.Read(b[:])
				if again.got += string(b[:n]); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		f.poll()
		<-done
		if n := len(events) + len(again.events()); n != 20 {
			t.Errorf("%d events before and after, want 20", n)
		}
	}
}

// TestTopicFull has no place for a subscriber, and finds one when another has
// gone that nobody has missed.
func TestTopicFull(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{Subscribers: 2})
	a, b := f.ask(get("/", "")), f.ask(get("/", ""))
	c := f.ask(get("/", ""))
	if c.read(); !strings.HasPrefix(c.got, "HTTP/1.1 503 ") {
		t.Errorf("the third: %q", c.got)
	}
	a.Close()
	f.poll()
	c = f.ask(get("/", ""))
	publish(t, topic, sse.Text("x"), 2)
	b.want(head + "data: x\n\n")
	c.want(head + "data: x\n\n")
}

// TestTopicNoBlock has no block for an event: nobody gets it, nor later.
func TestTopicNoBlock(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{OutputBlocks: 1})
	topic := newTopic(t, f, sse.Options{Replay: 1000})
	p := f.ask(get("/", ""))
	b, _ := f.srv.Outputs().Get()
	if n, err := topic.Publish(sse.Text("lost")); n != 0 || err != pool.ErrFull {
		t.Errorf("Publish: %d, %v", n, err)
	}
	f.srv.Outputs().Put(b)
	publish(t, topic, sse.Text("found"), 1)
	p.want(head + event(1, "found"))
	f.ask(get("/", "0")).want(head + event(1, "found"))
}

// TestTopicRemove takes subscribers off the list wherever they are.
func TestTopicRemove(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{})
	rnd := rand.New(rand.NewPCG(1, 2))
	var peers []*peer
	for round := range 100 {
		for len(peers) < 20 {
			p := f.ask(get("/", ""))
			p.want(head)
			peers = append(peers, p)
		}
		for range rnd.IntN(20) {
			i := rnd.IntN(len(peers))
			peers[i].Close()
			peers = append(peers[:i], peers[i+1:]...)
		}
		f.poll()
		s := fmt.Sprint(round)
		publish(t, topic, sse.Text(s), len(peers))
		for _, p := range peers {
			p.want("data: " + s + "\n\n")
		}
		if topic.Len() != len(peers) {
			t.Fatalf("%d subscribers are known, want %d", topic.Len(), len(peers))
		}
	}
}

func TestTopicBeat(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	newTopic(t, f, sse.Options{KeepAlive: 5e9})
	p := f.ask(get("/", ""))
	p.want(head)
	f.advance(11 * time.Second)
	p.want(":\n:\n")
}

func TestOptions(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	for name, k := range map[string]struct {
		o    sse.Options
		want error
	}{
		"negative replay":      {sse.Options{Replay: -1}, sse.ErrOptions},
		"negative events":      {sse.Options{Events: -1}, sse.ErrOptions},
		"negative length":      {sse.Options{Largest: -1}, sse.ErrOptions},
		"negative subscribers": {sse.Options{Subscribers: -1}, sse.ErrOptions},
		"mark":                 {sse.Options{Mark: 256}, sse.ErrOptions},
		"policy":               {sse.Options{Slow: 3}, sse.ErrOptions},
		"keep-alive":           {sse.Options{KeepAlive: -2}, sse.ErrOptions},
		"epoch":                {sse.Options{Epoch: "\n"}, sse.ErrID},
		"retry":                {sse.Options{Retry: -1}, sse.ErrRetry},
		"missed":               {sse.Options{Missed: sse.Event{Name: "\r"}}, sse.ErrName},
	} {
		if topic, err := sse.New(f.srv, k.o); topic != nil || err != k.want {
			t.Errorf("%s: %v, want %v", name, err, k.want)
		}
	}
	o := sse.Options{Replay: 1 << 16, Subscribers: 1000}
	var held []*sse.Topic
	before := heap()
	for range 10 {
		topic, _ := sse.New(f.srv, o)
		held = append(held, topic)
	}
	if got, want := (heap()-before)/10, o.Memory(f.srv.Sockets()); got < want*95/100 || got > want*105/100+1024 {
		t.Errorf("a topic holds %d bytes, Memory says %d", got, want)
	}
	runtime.KeepAlive(held)
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestTopicAllocs(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{})
	topic := newTopic(t, f, sse.Options{Replay: 1 << 12})
	long := sse.Text(strings.Repeat("long ", 500))
	var peers [3]*peer
	for i := range peers {
		peers[i] = f.ask(get("/", ""))
	}
	var b [4096]byte
	e := sse.Event{Name: "n", Data: []byte("a\nb")}
	for _, k := range []struct {
		name string
		e    sse.Event
	}{{"Publish", e}, {"Publish, long", long}} {
		alloctest.Zero(t, k.name, func() {
			if n, err := topic.Publish(k.e); n != len(peers) || err != nil {
				t.Error(n, err)
			}
			for _, p := range peers {
				if n, err := p.TryRead(b[:]); n == 0 || err != nil {
					t.Error(n, err)
				}
			}
			f.srv.Poll(f.srv.Now())
		})
	}
}

// TestTopicCrowd has so many subscribers who do not read that no pieces of
// output are left: who reads gets everything all the same.
func TestTopicCrowd(t *testing.T) {
	f := newFixture(t, memory.Config{Pipe: 400}, bobtail.Config{Sockets: 64, OutputBlocks: 64})
	topic := newTopic(t, f, sse.Options{Mark: 64, Replay: 1 << 14})
	var slow []*peer
	for range 40 {
		slow = append(slow, f.ask(get("/", "")))
	}
	quick := f.ask(get("/", ""))
	quick.want(head)
	for n := range 30 {
		if _, err := topic.Publish(sse.Text(strings.Repeat("x", 90))); err != nil {
			t.Fatal(err)
		}
		f.poll()
		quick.want(event(n+1, strings.Repeat("x", 90)))
	}
	if s := topic.Stats(); s.Dropped < uint64(len(slow)) || s.Subscribers != 1 {
		t.Errorf("stats %+v: the slow ones are still there", s)
	}
}

// TestTopicSmall replays to a request that has little memory left.
func TestTopicSmall(t *testing.T) {
	f := newFixture(t, memory.Config{}, bobtail.Config{WorkerMemory: 1024})
	topic, err := sse.New(f.srv, sse.Options{Replay: 1000})
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	f.handle("GET /", func(w bobtail.Response, r *bobtail.Request) error {
		if _, err := r.Alloc(256 - left); err != nil {
			return err
		}
		return topic.Subscribe(w, r)
	})
	text := strings.Repeat("x", 100)
	publish(t, topic, sse.Text(text), 0)
	for left = 256; left >= 16; left -= 60 {
		f.ask(get("/", "0")).want(head + event(1, text))
	}
	left = 8
	p := f.ask(get("/", "0"))
	if p.read(); !strings.HasPrefix(p.got, "HTTP/1.1 500 ") {
		t.Errorf("without memory: %q", p.got)
	}
	publish(t, topic, sse.Text(text), 5) // and it is no subscriber
}
