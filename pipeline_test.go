package bobtail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/web"
)

// TestPipelineFails has the last handler of a pipeline fail when it can answer
// nothing else: the answers before it, which wait to be sent with its own,
// arrive all the same.
func TestPipelineFails(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.fast()
		stream := func(w bobtail.Response) bobtail.Body {
			b, err := w.Status(200).Stream()
			if err == nil {
				_, err = b.Write([]byte("half"))
			}
			if err != nil {
				t.Error(err)
			}
			return b
		}
		f.Handle("GET /abort", func(w bobtail.Response, r *bobtail.Request) error { return web.ErrAbort })
		f.Handle("GET /behind", func(w bobtail.Response, r *bobtail.Request) error {
			stream(w)
			return errors.New("behind the head")
		})
		f.Handle("GET /panic", func(w bobtail.Response, r *bobtail.Request) error {
			stream(w)
			panic("behind the head")
		})
		f.Handle("GET /short", func(w bobtail.Response, r *bobtail.Request) error {
			_, err := w.Status(200).StreamN(5)
			return err
		})
		for _, path := range []string{"/abort", "/behind", "/panic", "/short"} {
			for _, before := range []int{0, 1, 3} {
				c := f.dial()
				in, want := "", ""
				for range before {
					in, want = in+get("/fast"), want+ok("fast\n")
				}
				c.Send(in + get(path) + get("/fast"))
				if before == 0 {
					if got := c.wantAbort(); got != "" {
						t.Errorf("%s: got %q", path, got)
					}
				} else {
					c.wantEnd(want)
				}
				c.Conn.Close()
			}
		}
	})
}

// TestPipelineStatic has more clients than there are stash blocks ask for a page
// that they do not read at once, and for more behind it. Nobody's request is in
// parts, so nobody pays for blocks.
func TestPipelineStatic(t *testing.T) {
	page := strings.Repeat("page", 20_000)
	runVirtual(t, bobtail.Config{Stash: 2, Workers: 2, OutputBlocks: 64}, func(t *testing.T, f *fixture) {
		f.fast()
		f.Handle("GET /page", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).StaticString(page)
		})
		var clients []*client
		for range 6 {
			c := f.dial()
			c.Send(get("/page") + get("/page") + get("/fast"))
			clients = append(clients, c)
		}
		f.Advance(time.Second)
		if s := f.Server.Stats(); s.Stalled != 0 || s.Stash != 0 {
			t.Errorf("%d stalled, %d stash blocks", s.Stalled, s.Stash)
		}
		for _, c := range clients {
			for range 2 {
				c.Want(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(page), date, page))
			}
			c.Want(ok("fast\n"))
		}
	})
}
