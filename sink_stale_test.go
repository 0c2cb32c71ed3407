package bobtail_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// curious is a sink that notes what its pieces see of the request.
type curious struct {
	sink
	seen []string
}

func (s *curious) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	if v := r.Value(); v != nil {
		s.seen = append(s.seen, v.(string))
	}
	if v := r.PathValue("name"); string(v) != "a b" {
		s.seen = append(s.seen, "name is "+string(v))
	}
	return s.sink.Piece(r, st, p)
}

// TestNothingOfOthers serves a request after others, of other connections, on
// the only worker, which has all of them in the same memory.
func TestNothingOfOthers(t *testing.T) {
	run(t, bobtail.Config{Workers: 1}, func(t *testing.T, f *fixture) {
		s := &curious{sink: sink{fail: true}}
		f.Server.Use(func(h bobtail.Handler) bobtail.Handler {
			return func(w bobtail.Response, r *bobtail.Request) error {
				if err := w.With("Set-Cookie", "id=secret"); err != nil {
					return err
				}
				return h(w, r)
			}
		})
		f.Handle("GET /value", func(w bobtail.Response, r *bobtail.Request) error {
			r.SetValue("somebody")
			for {
				if _, err := r.Alloc(1); err != nil {
					return nil // all is taken
				}
			}
		})
		f.Handle("GET /fail", func(w bobtail.Response, r *bobtail.Request) error { return errors.New("failed") })
		f.sink("PUT /sink/{name}", s)
		others := func() {
			c := f.dial()
			c.Send("GET /fail HTTP/1.1\r\nHost: a\r\n\r\n")
			if a := c.want("GET", 500, "Internal Server Error\n"); a.Header.Get("Set-Cookie") != "id=secret" {
				t.Errorf("the answer to a failure lacks what was set aside: %v", a.Header)
			}
		}

		others()
		c := f.dial()
		c.Send("GET /\n")
		if got, _ := c.All(); strings.Contains(got, "secret") {
			t.Errorf("a request that cannot be understood is answered %q", got)
		}

		others()
		c = f.dial()
		c.Send(put("/sink/a%20b", "!"))
		if a := c.want("PUT", 500, "Internal Server Error\n"); a.Header.Get("Set-Cookie") != "" {
			t.Errorf("a piece that fails is answered %v", a.Header)
		}
		c.wantEnd("")

		for range 3 {
			c = f.dial()
			c.Send("GET /value HTTP/1.1\r\nHost: a\r\n\r\n")
			c.want("GET", 200, "")
			c = f.dial()
			c.Send(put("/sink/a%20b", strings.Repeat("x", 30000)))
			c.want("PUT", 200, "sink 30000")
		}
		for _, v := range s.seen {
			t.Errorf("a piece sees %q", v)
		}
	})
}

// TestSinkBehindAround has a handler around a sink answer itself, or let it
// end twice: what its pieces have begun is ended or abandoned once.
func TestSinkBehindAround(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		s := &sink{}
		f.Server.Use(func(h bobtail.Handler) bobtail.Handler {
			return func(w bobtail.Response, r *bobtail.Request) error {
				switch string(r.Query()) {
				case "refuse":
					return w.Status(401).Text("who are you\n")
				case "panic":
					panic("around")
				case "twice":
					if err := h(w, r); err != nil {
						return err
					}
				}
				return h(w, r)
			}
		})
		f.sink("PUT /sink", s)
		c := f.dial()
		c.Send(put("/sink?refuse", "abc"))
		c.want("PUT", 401, "who are you\n")
		s.want(f, 1, 0, 1)
		c.Send(put("/sink?panic", "abc"))
		c.want("PUT", 500, "Internal Server Error\n")
		s.want(f, 2, 0, 2)
		c = f.dial()
		c.Send(put("/sink?twice", "abc"))
		c.want("PUT", 200, "sink 3")
		s.want(f, 3, 1, 2)
		c = f.dial()
		c.Send(put("/sink", "abc"))
		c.want("PUT", 200, "sink 3")
		s.want(f, 4, 2, 2)
	})
}

// slowEnd is a sink whose End takes long if it is told to.
type slowEnd struct {
	sink
	wait chan bool
}

func (s *slowEnd) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	if r.Query() != nil {
		<-s.wait
	}
	return s.sink.End(w, r, st)
}

// TestSinkWaitsForOutput has the End of a sink that is known to be slow wait
// until the answers before it are sent: its state is what it was. There are more
// of them than the pipe holds.
func TestSinkWaitsForOutput(t *testing.T) {
	for _, mem := range []memory.Config{{Pipe: 300}, {Pipe: 300, Lanes: 2, Holds: 512}} {
		runMemory(t, mem, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
			s := &slowEnd{wait: make(chan bool)}
			f.site()
			f.sink("PUT /sink", s)
			for range 3 { // until it is known to be slow
				c := f.dial()
				c.Send(put("/sink?", "abc"))
				f.Advance(time.Second)
				s.wait <- true
				c.want("PUT", 200, "sink 3")
			}
			const before = 4
			pipeline := strings.Repeat(get("/fast"), before) + put("/sink", "abc")
			c := f.dial()
			c.Send(pipeline)
			f.Advance(10 * time.Millisecond)
			if begun, ended := s.begun.Load(), s.ended.Load(); begun != 4 || ended != 3 {
				t.Errorf("%d begun and %d ended, want 4 and 3", begun, ended)
			}
			for range before {
				c.want("GET", 200, "fast\n")
			}
			c.want("PUT", 200, "sink 3")
			s.want(f, 4, 4, 0)

			// And if the peer does not wait for it, it is abandoned.
			c = f.dial()
			c.Send(pipeline)
			f.Advance(10 * time.Millisecond)
			c.reset()
			s.want(f, 5, 4, 1)
		})
	}
}
