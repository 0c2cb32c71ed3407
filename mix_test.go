package bobtail_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// mix is a server that answers in every way, and whoever pushes to it. Each
// answer says which request it is for, so that one that is given to another
// peer, or in another order, is found.
type mix struct {
	f     *fixture
	blobs *blobs
	mu    sync.Mutex
	waits []mixWait
	outs  []mixOut

	panics atomic.Int32
}

type mixWait struct {
	ticket bobtail.Ticket
	id     string
}

type mixOut struct {
	outlet bobtail.Outlet
	id     string
}

// The kinds of requests of the mix. Behind the last five no answer comes any
// more.
var mixKinds = []string{"plain", "static", "stream", "source", "file", "later", "slow", "at-once", "ask-twice", "later-source",
	"sink", "sink-later", "failing", "outlet", "pushed", "detach", "later-outlet"}

const mixText = "this text never changes. "

func mixSize(id string) int64 {
	n, _ := strconv.Atoi(id)
	return int64(n*7919) % 150_000
}

func newMix(f *fixture) *mix {
	m := &mix{f: f, blobs: f.blobs()}
	static := strings.Repeat(mixText, 300)
	text := func(id string) bobtail.Handler {
		return func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Header("X-Id", id).Text(id)
		}
	}
	source := func(id string, file bool) bobtail.Handler {
		return func(w bobtail.Response, r *bobtail.Request) error {
			var s bobtail.Source
			n := mixSize(id)
			if file {
				s = m.blobs.newFile(n)
			} else {
				s = m.blobs.new(n)
			}
			return w.Status(200).Header("X-Id", id).Source(s, 0, n)
		}
	}
	outlet := func(id string, pushes int) bobtail.Handler {
		return func(w bobtail.Response, r *bobtail.Request) error {
			_, o, err := w.Status(200).Header("X-Id", id).Open(int64(20*time.Millisecond), "\n")
			if err != nil {
				return err
			}
			for range pushes {
				o.Push([]byte(id+"\n"), 0, bobtail.DropNewest)
			}
			m.mu.Lock()
			m.outs = append(m.outs, mixOut{o, id})
			m.mu.Unlock()
			return nil
		}
	}
	// later puts off and leaves the ticket to give.
	later := func(w bobtail.Response, r *bobtail.Request, limit time.Duration, give func(bobtail.Ticket)) error {
		ticket, err := r.LaterOr(int64(limit), text("late"))
		if err == nil {
			give(ticket)
		}
		return err
	}
	keep := func(id string) func(bobtail.Ticket) {
		return func(ticket bobtail.Ticket) {
			m.mu.Lock()
			m.waits = append(m.waits, mixWait{ticket, id})
			m.mu.Unlock()
		}
	}
	answer := func(h bobtail.Handler) func(bobtail.Ticket) {
		return func(ticket bobtail.Ticket) { f.Server.Answer(ticket, h) }
	}
	handle := func(kind string, h func(w bobtail.Response, r *bobtail.Request, id string) error) {
		f.Handle("/"+kind, func(w bobtail.Response, r *bobtail.Request) error {
			return h(w, r, string(r.QueryValue("id")))
		})
	}
	handle("plain", func(w bobtail.Response, r *bobtail.Request, id string) error { return text(id)(w, r) })
	handle("static", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return w.Status(200).Header("X-Id", id).StaticString(static)
	})
	handle("stream", func(w bobtail.Response, r *bobtail.Request, id string) error {
		body, err := w.Status(200).Header("X-Id", id).Stream()
		for k := 0; k < 30 && err == nil; k++ {
			err = body.WriteString(strings.Repeat(id+"\n", 100))
		}
		return err
	})
	handle("source", func(w bobtail.Response, r *bobtail.Request, id string) error { return source(id, false)(w, r) })
	handle("file", func(w bobtail.Response, r *bobtail.Request, id string) error { return source(id, true)(w, r) })
	handle("later", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return later(w, r, 15*time.Millisecond, keep(id))
	})
	handle("slow", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return later(w, r, time.Minute, keep(id))
	})
	handle("at-once", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return later(w, r, time.Minute, answer(text(id)))
	})
	handle("ask-twice", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return later(w, r, time.Minute, answer(func(w bobtail.Response, r *bobtail.Request) error {
			return later(w, r, time.Minute, keep(id))
		}))
	})
	handle("later-source", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return later(w, r, time.Minute, answer(source(id, true)))
	})
	handle("later-outlet", func(w bobtail.Response, r *bobtail.Request, id string) error {
		return later(w, r, time.Minute, answer(outlet(id, 1)))
	})
	handle("failing", func(w bobtail.Response, r *bobtail.Request, id string) error {
		m.panics.Add(1)
		if mixSize(id)%2 == 0 {
			r.Later(int64(time.Minute))
		} else {
			w.Status(200).Header("X-Id", id).Source(m.blobs.new(-1), -1, 1)
		}
		panic("failing")
	})
	handle("outlet", func(w bobtail.Response, r *bobtail.Request, id string) error { return outlet(id, 0)(w, r) })
	handle("pushed", func(w bobtail.Response, r *bobtail.Request, id string) error { return outlet(id, 5)(w, r) })
	handle("detach", func(w bobtail.Response, r *bobtail.Request, id string) error {
		if mixSize(id)%2 == 0 {
			r.Later(int64(time.Minute)) // which is then over
		}
		v, _, err := r.Detach()
		if err != nil {
			return err
		}
		end, ok := v.(io.WriteCloser)
		if fd, is := v.(transport.Descriptor); is {
			end, ok = os.NewFile(uintptr(fd), "stream"), true
		}
		if !ok {
			panic(fmt.Sprintf("detached: %T", v))
		}
		said := []byte("HTTP/1.1 200 OK\r\nX-Id: " + id + "\r\n\r\n" + id)
		if p, is := v.(*memory.Peer); is {
			p.TryWrite(said) // to wait would be to wait for the test
		} else {
			end.Write(said)
		}
		end.Close()
		return nil
	})
	f.sink("/sink", mixSink(text))
	f.sink("/sink-later", mixSink(func(id string) bobtail.Handler {
		return func(w bobtail.Response, r *bobtail.Request) error { return later(w, r, time.Minute, keep(id)) }
	}))
	return m
}

// mixSink answers by a handler that is made with the id of the request.
type mixSink func(id string) bobtail.Handler

func (mixSink) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	st[0] += uint64(len(p))
	return nil
}
func (s mixSink) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	id := string(r.QueryValue("id"))
	if st[0] != uint64(mixSize(id)%5000) {
		return fmt.Errorf("%d bytes of content", st[0])
	}
	return s(id)(w, r)
}
func (mixSink) Abandon(*bobtail.State) {}

// act does something with the tickets and the outlets that there are.
func (m *mix) act(rnd *rand.Rand) {
	m.mu.Lock()
	var wait mixWait
	var out mixOut
	if n := len(m.waits); n > 0 {
		wait = m.waits[rnd.IntN(n)] // also one that was answered
	}
	if n := len(m.outs); n > 0 {
		if out = m.outs[rnd.IntN(n)]; rnd.IntN(2) == 0 {
			out = m.outs[max(0, n-1-rnd.IntN(10))]
		}
	}
	m.mu.Unlock()
	switch rnd.IntN(5) {
	case 0, 1:
		id := wait.id
		m.f.Server.Answer(wait.ticket, func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Header("X-Id", id).Text(id)
		})
	case 2, 3:
		line := strings.Repeat(out.id+"\n", 1+rnd.IntN(60))
		out.outlet.Push([]byte(line), rnd.IntN(9), engine.Overflow(rnd.IntN(3)))
	case 4:
		if rnd.IntN(3) == 0 {
			out.outlet.Close()
		}
	}
}

// answerAll answers those who still wait, and closes what is open.
func (m *mix) answerAll() {
	m.mu.Lock()
	waits, outs := m.waits, m.outs
	m.mu.Unlock()
	for _, q := range waits {
		m.f.Server.Answer(q.ticket, say("too late to matter"))
	}
	for _, o := range outs {
		o.outlet.Close()
	}
}

// mixRequest is one of a script.
type mixRequest struct{ kind, id string }

// script is some requests, as one peer sends them.
func mixScript(rnd *rand.Rand, next *atomic.Int64) (script []mixRequest, text string) {
	for n := 1 + rnd.IntN(5); len(script) < n; {
		q := mixRequest{mixKinds[rnd.IntN(len(mixKinds))], strconv.FormatInt(next.Add(1), 10)}
		script = append(script, q)
		more := ""
		if len(script) == n {
			more = "Connection: close\r\n"
		}
		target := " /" + q.kind + "?id=" + q.id + " HTTP/1.1\r\nHost: a\r\n" + more
		if strings.HasPrefix(q.kind, "sink") {
			size := int(mixSize(q.id) % 5000)
			text += fmt.Sprintf("POST%sContent-Length: %d\r\n\r\n%s", target, size, strings.Repeat("x", size))
		} else {
			text += "GET" + target + "\r\n"
		}
	}
	return script, text
}

// verify wants what a peer has got to be the answers to its script, in order,
// as far as they came.
func (m *mix) verify(script []mixRequest, got []byte) (answered int) {
	t := m.f.T
	in := bufio.NewReader(bytes.NewReader(got))
	over := false
	for _, q := range script {
		if _, err := in.Peek(1); err == io.EOF {
			return answered
		}
		if over {
			t.Errorf("after the last answer came more, before %v", q)
			return answered
		}
		a, err := http.ReadResponse(in, &http.Request{Method: "GET"})
		if err != nil && !bytes.HasSuffix(got, []byte("\r\n\r\n")) && in.Buffered() == 0 {
			return answered // cut off within a head
		}
		if err != nil {
			t.Errorf("%v: %v in %s", q, err, servertest.Brief(string(got)))
			return answered
		}
		b, err := io.ReadAll(a.Body)
		body := string(b)
		over = a.Close
		id := a.Header.Get("X-Id")
		switch {
		case a.StatusCode == 503 || a.StatusCode == 408 || a.StatusCode == 400 && a.Close:
			// There was no room, or no time, or the peer has ended its bytes too
			// early.
			if id != "" {
				t.Errorf("%v: %d for %q", q, a.StatusCode, id)
			}
			over = true
			continue
		case q.kind == "failing":
			if a.StatusCode != 500 {
				t.Errorf("%v: %d", q, a.StatusCode)
			}
			over = true
			continue
		case id == "late" && q.kind == "later":
			id, body = q.id, q.id
		}
		if a.StatusCode != 200 || id != q.id {
			t.Errorf("%v was answered %d for %q: %s", q, a.StatusCode, id, servertest.Brief(body))
			return answered
		}
		want := q.id
		switch q.kind {
		case "static":
			want = strings.Repeat(mixText, 300)
		case "stream":
			want = strings.Repeat(q.id+"\n", 3000)
		case "source", "file", "later-source":
			want = blobText(0, mixSize(q.id))
		case "outlet", "pushed", "later-outlet":
			// All whole lines are this one's, or beats.
			lines := strings.Split(body, "\n")
			for _, line := range lines[:len(lines)-1] {
				if line != "" && line != q.id {
					t.Errorf("%v was pushed %q", q, line)
				}
			}
			over = true
			answered++
			continue
		case "detach":
			over = true
		}
		if err == nil && body != want && !(over && strings.HasPrefix(want, body)) || err != nil && !strings.HasPrefix(want, body) {
			t.Errorf("%v: %v, content %s, want %s", q, err, servertest.Brief(body), servertest.Brief(want))
		}
		if err != nil {
			over = true
		}
		answered++
	}
	if n, _ := io.Copy(io.Discard, in); n > 0 {
		t.Errorf("%d bytes behind the last answer", n)
	}
	return answered
}

// wantNothingLeft wants all that was taken for connections to be given back.
func (m *mix) wantNothingLeft() {
	m.f.T.Helper()
	m.answerAll()
	m.f.Await("all free", func() bool {
		s := m.f.Server.Stats()
		return s.Open == 0 && s.Stash == 0 && s.OutputBlocks == 0 && s.OutputNodes == 0 && s.Sources == 0
	})
	m.blobs.wantClosed()
	for _, o := range m.outs {
		if o.outlet.IsOpen() {
			m.f.T.Error("an outlet is open")
		}
	}
	for _, q := range m.waits {
		m.f.wantStale(q.ticket)
	}
	if s := m.f.Server.Stats(); s.Panics != uint64(m.panics.Load()) {
		m.f.T.Errorf("%d panics, want %d", s.Panics, m.panics.Load())
	}
}

var mixConfig = bobtail.Config{Sockets: 40, Workers: 3, Spare: 1, WorkerMemory: 4096, Sources: 4, Stash: 8, OutputBlocks: 24, OutputBlockSize: 256}

// TestMix has peers send pipelines of every kind of request, read slowly, and
// leave in every way.
func TestMix(t *testing.T) {
	runReal(t, mixConfig, func(t *testing.T, f *fixture) {
		m := newMix(f)
		f.Start()
		var next atomic.Int64
		var stop atomic.Bool
		var publishers, peers sync.WaitGroup
		for k := range uint64(2) {
			publishers.Go(func() {
				rnd := rand.New(rand.NewPCG(k, 1))
				for !stop.Load() {
					for range 20 {
						m.act(rnd)
					}
					<-time.After(time.Millisecond)
				}
			})
		}
		rounds, all := 25, atomic.Int64{}
		if testing.Short() {
			rounds = 8
		}
		for k := range uint64(8) {
			peers.Go(func() {
				rnd := rand.New(rand.NewPCG(k, 2))
				for range rounds {
					c, err := f.tryDial()
					if err != nil {
						t.Error(err)
						return
					}
					script, text := mixScript(rnd, &next)
					c.TrySend(text)
					if rnd.IntN(4) == 0 {
						c.Conn.CloseWrite()
					}
					var got bytes.Buffer
					most := int64(1) << 30
					if last := script[len(script)-1].kind; rnd.IntN(3) == 0 || last == "outlet" || last == "pushed" || last == "later-outlet" {
						most = rnd.Int64N(3000)
					}
					io.CopyN(&got, c.In, most)
					c.Conn.Close()
					all.Add(int64(m.verify(script, got.Bytes())))
				}
			})
		}
		f.AwaitAll("peers", &peers)
		stop.Store(true)
		f.AwaitAll("publishers", &publishers)
		m.wantNothingLeft()
		t.Logf("%d of %d requests were answered; %+v", all.Load(), next.Load(), f.Server.Stats().Stats)
	})
}

// TestMixFaults is the same on networks that fail, in an order that a seed
// determines as far as goroutines let it.
func TestMixFaults(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		mem := memory.Config{Seed: seed + 1, Lanes: 1 + int(seed%2), Pipe: 400 << (seed % 6),
			Faults: memory.Faults{ShortReads: 200, ShortWrites: 200, WouldBlock: 200, Spurious: 200}}
		if seed%3 == 1 {
			mem.Faults.Reset = 5
		}
		if seed%3 == 2 {
			mem.Faults.Delay = int64(5 * time.Millisecond)
		}
		answered := 0
		runMemory(t, mem, mixConfig, func(t *testing.T, f *fixture) {
			m := newMix(f)
			rnd := rand.New(rand.NewPCG(seed, 3))
			var next atomic.Int64
			type peer struct {
				c      *client
				script []mixRequest
				rest   string
				got    []byte
			}
			peers := make([]*peer, 0, 10)
			leave := func(k int) {
				p := peers[k]
				p.c.Conn.Close()
				answered += m.verify(p.script, p.got)
				peers[k] = peers[len(peers)-1]
				peers = peers[:len(peers)-1]
			}
			buf := make([]byte, 4096)
			for range 3000 {
				if len(peers) == 0 || len(peers) < cap(peers) && rnd.IntN(4) == 0 {
					p := &peer{c: f.dial()}
					p.script, p.rest = mixScript(rnd, &next)
					peers = append(peers, p)
				}
				k := rnd.IntN(len(peers))
				p := peers[k]
				switch rnd.IntN(12) {
				case 0, 1, 2:
					if n, err := p.c.Peer.TryWrite([]byte(p.rest[:rnd.IntN(len(p.rest)+1)])); err == nil {
						p.rest = p.rest[n:]
					}
				case 3, 4, 5, 6, 7:
					n, err := p.c.Peer.TryRead(buf[:1+rnd.IntN(len(buf))])
					p.got = append(p.got, buf[:n]...)
					if err != nil && err != transport.ErrWouldBlock {
						leave(k)
					}
				case 8:
					m.act(rnd)
					m.act(rnd)
				case 9:
					f.Net.Advance(int64(time.Millisecond) << rnd.IntN(8))
				case 10:
					if rnd.IntN(20) == 0 {
						p.c.Conn.CloseWrite()
						p.rest = ""
					}
				case 11:
					if rnd.IntN(30) == 0 {
						leave(k)
					}
				}
				if rnd.IntN(2) == 0 {
					f.Settle()
				}
			}
			for len(peers) > 0 {
				leave(0)
			}
			m.wantNothingLeft()
		})
		if answered == 0 {
			t.Error("nothing was answered")
		}
		if t.Failed() {
			t.Fatal("seed ", seed)
		}
	}
}
