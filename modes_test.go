package bobtail_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
)

// TestLaterGoneBehindAnswers has the end of the peer come behind a request that
// waits: answers to those before it are sent, whether they were staged or not.
func TestLaterGoneBehindAnswers(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		f.fast()
		f.Handle("/poll", q.poll(time.Hour))
		for k, atOnce := range []bool{true, false} {
			c := f.dial()
			f.Settle()
			in := get("/fast") + get("/poll")
			if c.Peer != nil {
				c.Peer.TryWrite([]byte(in))
			} else {
				io.WriteString(c.Conn, in)
			}
			if !atOnce {
				f.oneWaits(&q, k+1)
			}
			c.Conn.CloseWrite()
			c.wantEnd(ok("fast\n"))
			f.wantStale(f.oneWaits(&q, k+1))
			c.Conn.Close()
			f.Await("free", func() bool { return f.Server.Stats().Open == 0 })
		}
	})
}

// TestLaterAtTheEnd has the answer that is given at the limit put itself off
// again, when the server shuts down: that ends.
func TestLaterAtTheEnd(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		var q waiters
		var poll bobtail.Handler
		poll = func(w bobtail.Response, r *bobtail.Request) error {
			ticket, err := r.LaterOr(int64(time.Minute), poll)
			q.add(ticket)
			return err
		}
		f.Handle("/poll", poll)
		c := f.dial()
		c.Send(get("/poll"))
		f.oneWaits(&q, 1)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go f.Server.Shutdown(ctx)
		c.want("GET", 503, "Service Unavailable\n")
		c.wantEnd("")
		c.Conn.Close()
		f.Await("free", func() bool { return f.Server.Stats().Open == 0 })
		for _, ticket := range q.all() {
			f.wantStale(ticket)
		}
	})
}

// badFile is a Source whose descriptor panics.
type badFile struct{ *blob }

func (badFile) File() uintptr { panic("no descriptor") }

// TestSourceFilePanics loses a connection, and nothing else, to a Source that
// panics when it is asked for its descriptor.
func TestSourceFilePanics(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		f.fast()
		f.Handle("/source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(badFile{b.new(1 << 20)}, 0, 1<<20)
		})
		c := f.dial()
		c.Send(get("/source"))
		a := c.answer("GET")
		if a.err == nil && a.body != blobText(0, 1<<20) {
			t.Errorf("content of %d bytes", len(a.body))
		}
		b.wantClosed()
		f.wantFast(time.Second)
	})
}

// TestLaterThenLong has long content lie behind a request that waits. Once the
// answer is given it is read to its end, though no event tells of it.
func TestLaterThenLong(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		var q waiters
		f.Handle("/poll", q.poll(time.Hour))
		f.sink("PUT /sink", &sink{})
		c := f.dial()
		in := get("/poll") + put("/sink", strings.Repeat("x", 5000))
		n := len(in)
		if c.Peer != nil {
			n, _ = c.Peer.TryWrite([]byte(in)) // what fits between us
		} else {
			c.Send(in)
		}
		f.answer(f.oneWaits(&q, 1), say("now"))
		c.want("GET", 200, "now")
		c.Send(in[n:])
		c.want("PUT", 200, "sink 5000")
	})
}
