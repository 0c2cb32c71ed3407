package bobtail_test

import (
	"errors"
	"testing"

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
