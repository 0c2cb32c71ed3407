package bobtail_test

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// sink counts the bytes of content, and how its requests have ended.
type sink struct {
	begun, ended, abandoned atomic.Int64
	fail                    bool // Piece fails at a "!"
	panics                  bool // and at a "?" it panics
}

var errPiece = errors.New("the piece is not wanted")

func (s *sink) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	if st[0] == 0 {
		s.begun.Add(1)
	}
	st[0] += uint64(len(p))
	if s.fail && strings.Contains(string(p), "!") {
		return errPiece
	}
	if s.panics && strings.Contains(string(p), "?") {
		panic("the piece is not wanted")
	}
	return nil
}

func (s *sink) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	if st[0] > 0 {
		s.ended.Add(1)
	}
	return w.Text("sink ", strconv.FormatUint(st[0], 10))
}

func (s *sink) Abandon(st *bobtail.State) {
	if st[0] > 0 {
		s.abandoned.Add(1)
	}
}

// want wants the requests to have ended so.
func (s *sink) want(f *fixture, begun, ended, abandoned int64) {
	f.T.Helper()
	f.Await("the ends of requests", func() bool { return s.begun.Load() == begun && s.ended.Load()+s.abandoned.Load() >= begun })
	if e, a := s.ended.Load(), s.abandoned.Load(); e != ended || a != abandoned {
		f.T.Errorf("of %d requests %d were ended and %d abandoned, want %d and %d", s.begun.Load(), e, a, ended, abandoned)
	}
}

func put(path, body string) string { return strings.Replace(post(path, body), "POST", "PUT", 1) }

func head(path string, n int) string {
	return "PUT " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + strconv.Itoa(n) + "\r\n\r\n"
}

// TestSinkEnds ends requests in every way: End or Abandon is called once.
func TestSinkEnds(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		s := &sink{fail: true, panics: true}
		f.sink("PUT /sink", s)
		f.site()

		c := f.dial()
		c.Send(put("/sink", "abc") + put("/sink", strings.Repeat("x", 10000)) + put("/sink", ""))
		for _, want := range []string{"sink 3", "sink 10000", "sink 0"} {
			c.want("PUT", 200, want)
		}
		s.want(f, 2, 2, 0)

		c.Send(put("/sink", "a!")) // fails in the last piece
		c.want("PUT", 500, "Internal Server Error\n")
		c.wantEnd("")
		s.want(f, 3, 2, 1)

		c = f.dial() // and in one before
		c.Send(head("/sink", 5) + "a!")
		c.want("PUT", 500, "Internal Server Error\n")
		s.want(f, 4, 2, 2)
		c.Conn.Close()

		c = f.dial()
		c.Send(put("/sink", "a?"))
		c.want("PUT", 500, "Internal Server Error\n")
		s.want(f, 5, 2, 3)

		c = f.dial()
		c.Send("PUT /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx")
		c.want("PUT", 400, "Bad Request\n")
		s.want(f, 6, 2, 4)

		c = f.dial() // the peer goes away
		c.Send(head("/sink", 5) + "abc")
		s.await(f, 7)
		c.reset()
		s.want(f, 7, 2, 5)

		c = f.dial() // the peer has no more to say
		c.Send(head("/sink", 5) + "abc")
		s.await(f, 8)
		c.Conn.CloseWrite()
		c.want("PUT", 400, "Bad Request\n")
		s.want(f, 8, 2, 6)

		c = f.dial() // the server ends
		c.Send(head("/sink", 5) + "abc")
		s.await(f, 9)
		f.close()
		s.want(f, 9, 2, 7)
	})
}

// await waits until a request has begun.
func (s *sink) await(f *fixture, begun int64) {
	f.T.Helper()
	f.Await("the beginning of a request", func() bool { return s.begun.Load() == begun })
}

// reset ends the connection at once.
func (c *client) reset() {
	if c.Peer != nil {
		c.Peer.Reset()
		return
	}
	c.Conn.(interface{ SetLinger(int) error }).SetLinger(0)
	c.Conn.Close()
}

// TestSinkHoldsNoWorker sends to more sinks than there are workers, a byte now
// and then, and others are served meanwhile.
func TestSinkHoldsNoWorker(t *testing.T) {
	slow := bobtail.Timeouts{Body: 2 * time.Minute} // else they are too slow in the end
	runVirtual(t, bobtail.Config{Workers: 1, Sockets: 20, Stash: 12, Timeouts: slow}, func(t *testing.T, f *fixture) {
		s := &sink{}
		f.sink("PUT /sink", s)
		f.fast()
		const n, size = 10, 50
		var cs []*client
		for range n {
			c := f.dial()
			c.Send(head("/sink", size))
			cs = append(cs, c)
		}
		for range size {
			for _, c := range cs {
				c.Send("x")
			}
			f.Advance(time.Second)
			f.wantFast(0)
			if st := f.Server.Stats(); st.Lent != 0 || st.Busy != 0 {
				t.Fatalf("%d lent and %d busy workers", st.Lent, st.Busy)
			}
		}
		for _, c := range cs {
			c.want("PUT", 200, "sink "+strconv.Itoa(size))
		}
		s.want(f, n, n, 0)
	})
}

// TestSinkTimeout lets senders stall.
func TestSinkTimeout(t *testing.T) {
	runVirtual(t, bobtail.Config{Workers: 1}, func(t *testing.T, f *fixture) {
		s := &sink{}
		f.sink("PUT /sink", s)
		c := f.dial()
		c.Send(head("/sink", 5) + "abc")
		f.Advance(29 * time.Second)
		c.wantSilence()
		f.Advance(2 * time.Second)
		c.want("PUT", 408, "")
		c.wantEnd("")
		s.want(f, 1, 0, 1)

		c = f.dial() // and be pushed out of the stash
		c.Send(head("/sink", 5) + "abc")
		f.Advance(time.Second)
		for range 8 {
			f.dial().Send("GET /")
		}
		c.want("PUT", 408, "")
		s.want(f, 2, 0, 2)
	})
}

// TestSinkFaults sends to sinks over a network with faults: each request that
// has begun is ended or abandoned, once.
func TestSinkFaults(t *testing.T) {
	for seed := range uint64(20) {
		mem := memory.Config{Seed: seed, Lanes: 1 + int(seed%3), Faults: memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 100, Reset: 30, HalfClose: 10}}
		runMemory(t, mem, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
			s := &sink{}
			f.sink("PUT /sink", s)
			for range 30 {
				c := f.dial()
				for range 3 {
					if c.TrySend(put("/sink", strings.Repeat("x", 3000))) != nil {
						break
					}
					if _, err := c.tryAnswer("PUT"); err != nil {
						break
					}
				}
				c.Conn.Close()
			}
			f.Await("the end of all", func() bool { return f.Server.Stats().Open == 0 })
			begun := s.begun.Load()
			if got := s.ended.Load() + s.abandoned.Load(); begun == 0 || got != begun {
				t.Errorf("seed %d: of %d requests %d were ended and %d abandoned", seed, begun, s.ended.Load(), s.abandoned.Load())
			}
		})
	}
}
