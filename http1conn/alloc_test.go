//go:build !race

package http1conn_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

// again is a stream that sends the same bytes each time, by pieces, and drops
// what is sent to it.
type again struct {
	in, left string
	size     int
	sent     int
}

func (a *again) Read(p []byte) (int, error) {
	if a.left == "" {
		return 0, io.EOF
	}
	n := copy(p, a.left[:min(a.size, len(a.left))])
	a.left = a.left[n:]
	return n, nil
}

func (a *again) Write(p []byte) (int, error) {
	a.sent += len(p)
	return len(p), nil
}

// TestNoAllocs holds whole exchanges to no allocation, by both measures.
func TestNoAllocs(t *testing.T) {
	type C = *http1conn.Conn
	buf := make([]byte, 50)
	content := []byte(much)
	read := func(c C) error {
		for {
			if _, err := c.Read(buf); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	c := newConn(t, middle)
	for _, v := range []struct {
		name, in string
		h        http1conn.Handler
		fails    bool
	}{
		{"GET", strings.Repeat(get("/", "Cookie: a"), 3), ignore, false},
		{"content, chunked answer, trailer", post("/", much) + chunked("/", much, 100), func(c C) error {
			if err := c.Initiate(200, "", http1conn.Field{Name: "A", Value: "b"}); err != nil {
				return err
			}
			if err := read(c); err != nil {
				return err
			}
			if _, err := c.Write(content); err != nil {
				return err
			}
			return c.Trailer("A", "b")
		}, false},
		{"expectation, interim", post("/", "hello", expect), func(c C) error {
			if err := c.Interim(103, http1conn.Field{Name: "A", Value: "b"}); err != nil {
				return err
			}
			return read(c)
		}, false},
		{"content that is left", post("/", much), ignore, false},
		{"much, not copied", get("/"), func(c C) error {
			if err := c.Status(200, ""); err != nil {
				return err
			}
			if err := c.Length(uint64(len(content))); err != nil {
				return err
			}
			if err := c.EndHead(); err != nil {
				return err
			}
			_, err := c.Write(content)
			return err
		}, false},
		{"refusal", "GET /\n", ignore, true},
		{"failure", get("/"), func(C) error { return http1.ErrContentLong }, true},
		{"head that does not fit", get("/"), func(c C) error { return c.Initiate(200, "", http1conn.Field{Name: "A", Value: much}) }, true},
	} {
		for _, size := range []int{1, 1 << 20} {
			rw := &again{in: v.in, size: size}
			exchange := func() {
				rw.left, rw.sent = rw.in, 0
				c.Reset(rw)
				if err := http1conn.ServeStream(c, v.h); (err != nil) != v.fails || rw.sent == 0 {
					t.Fatalf("%s: %v, %d bytes sent", v.name, err, rw.sent)
				}
			}
			alloctest.Zero(t, v.name, exchange)
			if n := testing.AllocsPerRun(20, exchange); n != 0 {
				t.Errorf("%s: %v allocations", v.name, n)
			}
		}
	}
}

// TestNoAllocsFed is TestNoAllocs for a driver.
func TestNoAllocsFed(t *testing.T) {
	c := newConn(t, middle)
	w := &again{}
	stash := make([]byte, http1conn.SaveOverhead()+middle.in)
	in := post("/", "hello", "Cookie: a")
	alloctest.Zero(t, "fed exchange", func() {
		saved := 0
		for i := range len(in) {
			c.Reset(w)
			if saved > 0 {
				c.Load(stash[:saved])
			}
			feed(c, in[i:i+1])
			if c.State() == http1.StateIdle || c.State() == http1.StateHead {
				if _, err := c.Parse(); err != nil {
					t.Fatal(err)
				}
			}
			if c.State() == http1.StateBody {
				if whole, _ := c.Whole(); whole {
					break
				}
			}
			n, ok := c.Save(stash)
			if !ok {
				t.Fatal("Save")
			}
			saved = n
		}
		c.Discard()
		if err := ignore(c); err != nil || c.State() != http1.StateComplete || len(c.Staged()) == 0 {
			t.Fatal(err, c.State())
		}
		c.AnnounceClose()
		c.Unstage()
		if _, _, err := c.Unbind(); err != nil {
			t.Fatal(err)
		}
	})
}
