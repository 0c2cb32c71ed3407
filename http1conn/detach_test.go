package http1conn_test

import (
	"io"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// TestDetach gives the stream up in each state of a request.
func TestDetach(t *testing.T) {
	const text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabcdefbehind"
	for _, test := range []struct {
		name       string
		before     func(c *http1conn.Conn) error
		rest, sent string
	}{
		{"nothing done", func(c *http1conn.Conn) error { return nil }, "abcdefbehind", ""},
		{"content read in part", func(c *http1conn.Conn) error {
			_, err := io.ReadFull(c, make([]byte, 2))
			return err
		}, "cdefbehind", ""},
		{"content read", func(c *http1conn.Conn) error {
			_, err := io.ReadAll(c)
			return err
		}, "behind", ""},
		{"head not complete", func(c *http1conn.Conn) error { return c.Status(200, "") }, "abcdefbehind", ""},
		{"head complete", func(c *http1conn.Conn) error { return c.Initiate(101, "") }, "abcdefbehind", "HTTP/1.1 101 Switching Protocols\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"},
	} {
		w := &wire{in: text}
		c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{}, In: make([]byte, 512), Out: make([]byte, 512), Date: func() []byte { return []byte("Sun, 06 Nov 1994 08:49:37 GMT") }})
		must(t, err)
		if _, err := c.Detach(); err != http1.ErrState {
			t.Errorf("Detach without a stream: %v", err)
		}
		c.Reset(w)
		if _, err := c.Detach(); err != http1.ErrState {
			t.Errorf("Detach without a request: %v", err)
		}
		must(t, c.Next())
		must(t, test.before(c))
		rest, err := c.Detach()
		if string(rest) != test.rest || err != nil || w.out.String() != test.sent {
			t.Errorf("%s: Detach = %q, %v, sent %q, want %q, sent %q", test.name, rest, err, w.out.String(), test.rest, test.sent)
		}
		if c.State() != http1.StateClosed {
			t.Errorf("%s: the connection is %v", test.name, c.State())
		}
		if _, err := c.Detach(); err != http1.ErrState {
			t.Errorf("%s: second Detach: %v", test.name, err)
		}
	}
}

// TestDetachThatCannotSend keeps the stream.
func TestDetachThatCannotSend(t *testing.T) {
	w := &wire{in: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", fails: true}
	c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{}, In: make([]byte, 512), Out: make([]byte, 512)})
	must(t, err)
	c.Reset(w)
	must(t, c.Next())
	must(t, c.Initiate(200, ""))
	if _, err := c.Detach(); err != errWrite || c.State() != http1.StateContent {
		t.Errorf("Detach: %v, then %v", err, c.State())
	}
}

// TestDetachWithoutStream has a request at hand that was fed.
func TestDetachWithoutStream(t *testing.T) {
	c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{}, In: make([]byte, 512), Out: make([]byte, 512)})
	must(t, err)
	c.Reset(nil)
	parse(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if _, err := c.Detach(); err != http1.ErrState {
		t.Errorf("Detach: %v", err)
	}
}

// TestKeepAll decides by the path what is kept of each request of a
// connection.
func TestKeepAll(t *testing.T) {
	for _, keep := range []func(h *http1.Head, b []byte) bool{nil, func(h *http1.Head, b []byte) bool { return string(h.Path(b)) == "/all" }} {
		for _, size := range []func(int) int{nil, byOne} {
			w := &wire{in: get("/all", "A: 1") + get("/some", "A: 2") + get("/all", "A: 3"), size: size}
			c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{Ask: true}, In: make([]byte, 512), Out: make([]byte, 512), KeepAll: keep})
			must(t, err)
			c.Reset(w)
			got := ""
			for range 3 {
				must(t, c.Next())
				got += string(c.Head().Get(c.Bytes(), "a")) + ";"
				must(t, c.Complete())
			}
			want := "1;;3;"
			if keep == nil {
				want = ";;;"
			}
			if got != want {
				t.Errorf("kept %q, want %q", got, want)
			}
		}
	}
}
