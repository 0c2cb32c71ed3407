package http1conn_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// TestOutline forgets a request and answers it, on the same Conn and on
// another, with and without bytes behind it.
func TestOutline(t *testing.T) {
	const next = "GET /next HTTP/1.1\r\nHost: b\r\n\r\n"
	for _, k := range []struct{ name, in, head string }{
		{"1.1", "GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: c\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"},
		{"1.0", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n"},
		{"content", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"},
	} {
		for _, way := range []string{"kept", "saved", "word"} {
			c := newOutlineConn(t)
			in := k.in
			if way != "word" {
				in += next
			}
			c.Feed(copy(c.Space(), in))
			if done, err := c.Parse(); !done || err != nil {
				t.Fatal(done, err)
			}
			if _, err := c.Outline(); k.name == "content" && err != http1.ErrState {
				t.Errorf("%s: Outline with content unread: %v", k.name, err)
			}
			if !c.Discard() {
				t.Fatal("content is missing")
			}
			o, err := c.Outline()
			if err != nil {
				t.Fatal(err)
			}
			switch way {
			case "saved":
				block := make([]byte, http1conn.SaveOverhead()+512)
				if _, ok := c.Save(block); !ok {
					t.Fatal("not saved")
				}
				c = newOutlineConn(t)
				c.Load(block)
			case "word":
				c = newOutlineConn(t)
				c.SetOutline(o)
			}
			if err := c.Initiate(200, "", http1conn.Field{Name: "Content-Length", Value: "2"}); err != nil {
				t.Fatal(err)
			}
			c.WriteString("ok")
			if err := c.Complete(); err != nil || string(c.Staged()) != k.head+"ok" {
				t.Errorf("%s, %s: %q, %v", k.name, way, c.Staged(), err)
			}
			if _, err := c.Outline(); err != http1.ErrState {
				t.Errorf("%s: Outline after the response: %v", k.name, err)
			}
			if way == "word" {
				c.Feed(copy(c.Space(), next))
			}
			if done, err := c.Parse(); !done || err != nil || string(c.Head().Path(c.Bytes())) != "/next" {
				t.Errorf("%s, %s: the next request: %v, %v", k.name, way, done, err)
			}
		}
	}
}

// TestUnframed stages a head whose content ends with the connection.
func TestUnframed(t *testing.T) {
	c := newOutlineConn(t)
	if err := c.Unframed(); err != http1.ErrState {
		t.Errorf("without a request: %v", err)
	}
	c.Feed(copy(c.Space(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	c.Parse()
	c.Status(200, "")
	if err := c.Unframed(); err != nil {
		t.Fatal(err)
	}
	c.EndHead()
	c.WriteString("content")
	if err := c.Complete(); err != nil || !c.NeedsClose() ||
		string(c.Staged()) != "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ncontent" {
		t.Errorf("%q, %v, closes %v", c.Staged(), err, c.NeedsClose())
	}
}

func newOutlineConn(t *testing.T) *http1conn.Conn {
	t.Helper()
	c, err := http1conn.New(http1conn.Config{
		Parser: &http1.Parser{Keep: http1.DefaultFields()}, In: make([]byte, 512), Out: make([]byte, 512),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Reset(nil)
	return c
}
