package http1conn_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// TestRepeatForgotten has requests whose fields are those of one before, but not
// of the last one whose head is here: what is remembered must be forgotten when a
// connection is begun, the buffer is emptied, and its bytes are moved.
func TestRepeatForgotten(t *testing.T) {
	a := "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	last := "GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
	b := "GET /b HTTP/1.1\r\nAuthorization: Basic YTpi\r\nHost: b\r\n\r\n"
	post := "POST /p HTTP/1.1\r\nAccept: */*\r\nHost: p\r\nContent-Length: 8\r\n\r\ncont"
	for _, v := range []struct {
		name  string
		conns [][]string // what comes at once on each connection
	}{
		{"another connection", [][]string{{a + last}, {b + a}}},
		{"an empty buffer", [][]string{{a + a, b + a}}},
		{"bytes that were moved", [][]string{{post, "rest" + post + "rest"}}},
	} {
		t.Run(v.name, func(t *testing.T) {
			c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{Keep: http1.DefaultFields()}, In: make([]byte, 256), Out: make([]byte, 4096)})
			if err != nil {
				t.Fatal(err)
			}
			for _, pieces := range v.conns {
				var got, want strings.Builder
				serve := func(out *strings.Builder) http1conn.Handler {
					return func(c *http1conn.Conn) error {
						h, in := c.Head(), c.Bytes()
						out.Write(h.Target(in))
						for i := range h.NumFields() {
							name, value := h.Field(in, i)
							out.WriteString(" " + string(name) + "=" + string(value))
						}
						for {
							piece, err := c.NextPiece()
							if err == io.EOF {
								break
							}
							if err != nil {
								return err
							}
							out.Write(piece)
						}
						out.WriteByte('\n')
						if string(h.Target(c.Bytes())) == "/last" {
							return errMine
						}
						return nil
					}
				}
				in := strings.Join(pieces, "")
				k := 0
				c.Reset(&wire{in: in, size: func(int) int { k++; return len(pieces[min(k, len(pieces))-1]) }})
				if err := http1conn.ServeStream(c, serve(&got)); err != nil && err != errMine {
					t.Fatal(err)
				}
				alone, _ := http1conn.New(http1conn.Config{Parser: &http1.Parser{Keep: http1.DefaultFields()}, In: make([]byte, 256), Out: make([]byte, 4096)})
				alone.Reset(&wire{in: in, size: byOne})
				if err := http1conn.ServeStream(alone, serve(&want)); err != nil && err != errMine {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					t.Errorf("handlers see\n%swant\n%s", got.String(), want.String())
				}
			}
		})
	}
}

// TestRepeatPutAway puts away what is here of a request, has others served
// meanwhile, and takes it up again: neither is taken for the other.
func TestRepeatPutAway(t *testing.T) {
	a := "GET /a/path HTTP/1.1\r\nHost: a\r\n\r\n"
	b := "GET /other HTTP/1.1\r\nHost: b\r\nAccept: */*\r\n\r\n"
	c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{Keep: http1.DefaultFields()}, In: make([]byte, 256), Out: make([]byte, 4096)})
	if err != nil {
		t.Fatal(err)
	}
	feed := func(s string) { c.Feed(copy(c.Space(), s)) }
	serve := func(target, host string) {
		t.Helper()
		if done, err := c.Parse(); !done {
			t.Fatalf("%s: %v", target, err)
		}
		h, in := c.Head(), c.Bytes()
		if string(h.Target(in)) != target || string(h.Host(in)) != host {
			t.Fatalf("%q of %q, want %q of %q", h.Target(in), h.Host(in), target, host)
		}
		if err := c.Complete(); err != nil {
			t.Fatal(err)
		}
		c.Unstage()
	}
	for n := 1; n < len(b); n++ {
		block := make([]byte, http1conn.SaveOverhead()+256)
		c.Reset(nil)
		// A part of b, which was looked at or not, behind a request.
		feed(a + b[:n])
		serve("/a/path", "a")
		if n%2 == 0 {
			if done, err := c.Parse(); done || err != nil {
				t.Fatal(done, err)
			}
		}
		if _, ok := c.Save(block); !ok {
			t.Fatal("not saved")
		}
		c.Reset(nil)
		feed(a)
		serve("/a/path", "a")
		c.Reset(nil)
		c.Load(block)
		feed(b[n:] + a)
		serve("/other", "b")
		serve("/a/path", "a")
		if c.Repeated() {
			t.Fatalf("%d bytes: the same as that before the last", n)
		}
	}
}
