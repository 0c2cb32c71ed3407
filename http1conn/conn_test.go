package http1conn_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

func TestNew(t *testing.T) {
	for _, v := range []struct {
		name    string
		in, out int
		p       http1.Parser
		err     error
	}{
		{"least", http1conn.MinBuffer, http1conn.MinBuffer, http1.Parser{}, nil},
		{"most", http1.MaxHeadBuffer, 1 << 20, http1.Parser{}, nil},
		{"small In", http1conn.MinBuffer - 1, http1conn.MinBuffer, http1.Parser{}, http1conn.ErrBuffer},
		{"small Out", http1conn.MinBuffer, http1conn.MinBuffer - 1, http1.Parser{}, http1conn.ErrBuffer},
		{"large In", http1.MaxHeadBuffer + 1, http1conn.MinBuffer, http1.Parser{}, http1conn.ErrBuffer},
		{"limit out of range", 256, 256, http1.Parser{Limits: http1.Limits{Head: -1}}, http1.ErrLimitHead},
	} {
		c, err := http1conn.New(http1conn.Config{Parser: &v.p, In: make([]byte, v.in), Out: make([]byte, v.out)})
		if err != v.err || (c == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", v.name, c, err)
		}
	}
}

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := http1conn.ErrBuffer; e <= http1conn.ErrTruncated; e++ {
		if !strings.HasPrefix(e.Error(), "http1conn: ") || seen[e.Error()] || strings.Contains(e.Error(), "unknown") {
			t.Errorf("%d is %q", e, e.Error())
		}
		seen[e.Error()] = true
		if want := map[bool]int{true: 400, false: 500}[e == http1conn.ErrTruncated]; e.Status() != want {
			t.Errorf("%v: status %d", e, e.Status())
		}
	}
	for _, e := range []http1conn.Error{0, 200} {
		if e.Error() != "http1conn: unknown error" || e.Status() != 500 {
			t.Errorf("%d: %q %d", e, e.Error(), e.Status())
		}
	}
}

// TestReset begins anew in every place, as if nothing had been.
func TestReset(t *testing.T) {
	for _, p := range places {
		c := newConn(t, middle)
		p.reach(t, c, &wire{})
		w := &wire{in: post("/", "hello") + get("/", "Connection: close")}
		c.Reset(w)
		fresh := newConn(t, middle)
		fresh.Reset(w)
		if got, want := lookAt(c, w), lookAt(fresh, w); got != want {
			t.Errorf("%s: %+v, want %+v", p.name, got, want)
		}
		c.AnnounceClose()
		c.Unstage()
		if _, err := c.Write([]byte("x")); err != http1.ErrState {
			t.Errorf("%s: Write: %v", p.name, err)
		}
		if err := c.Complete(); err != http1.ErrState {
			t.Errorf("%s: Complete: %v", p.name, err)
		}
		err := http1conn.ServeStream(c, tell)
		if want := told("POST / a  [hello]") + strings.Replace(told("GET / a  []"), dateLine, dateLine+closes, 1); err != nil || w.out.String() != want {
			t.Errorf("%s: %v, %q", p.name, err, w.out.String())
		}
	}
}

// TestUnbind gives the stream back with what lies behind the head, between
// requests and after a change of the protocol.
func TestUnbind(t *testing.T) {
	type C = *http1conn.Conn
	upgrade := http1conn.Field{Name: "Upgrade", Value: "echo"}
	connection := http1conn.Field{Name: "Connection", Value: "upgrade"}
	const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n" + dateLine + "\r\n"
	for _, v := range []struct {
		name, in string
		do       func(c C) error
		want     string
		state    http1.State
	}{
		{"101", get("/", "Upgrade: echo", "Connection: upgrade"), func(c C) error {
			if !c.Head().Upgrade() {
				t.Error("no upgrade is asked for")
			}
			return all(func() error { return c.Initiate(101, "", upgrade, connection) }, c.Complete)
		}, switching, http1.StateUpgraded},
		{"101 behind content", post("/", "hello", "Upgrade: echo", "Connection: upgrade"), func(c C) error {
			return all(func() error { return c.Initiate(101, "", upgrade, connection) }, c.Complete)
		}, switching, http1.StateUpgraded},
		{"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", func(c C) error {
			return all(func() error { return c.Initiate(200, "") }, c.Complete)
		}, "HTTP/1.1 200 OK\r\n" + dateLine + "\r\n", http1.StateUpgraded},
		{"between requests", get("/"), ignore, answer("200 OK", "", "ignored"), http1.StateClosed},
		{"close", get("/", "Connection: close"), ignore, answer("200 OK", closes, "ignored"), http1.StateClosed},
	} {
		const rest = "\x00\x01GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
		w := &wire{in: v.in + rest}
		c := newConn(t, small)
		c.Reset(w)
		must(t, c.Next())
		must(t, v.do(c))
		if strings.Contains(v.want, "101") && !c.NeedsClose() {
			t.Errorf("%s: not NeedsClose", v.name)
		}
		rw, got, err := c.Unbind()
		if rw != io.ReadWriter(w) || string(got)+w.in != rest || err != nil || w.out.String() != v.want || c.State() != v.state {
			t.Errorf("%s: %v %q %v in %v, sent %q", v.name, rw, got, err, c.State(), w.out.String())
		}
		if _, _, err := c.Unbind(); err != http1.ErrState {
			t.Errorf("%s: the second time %v", v.name, err)
		}
		if err := c.Next(); err != http1.ErrState {
			t.Errorf("%s: Next says %v", v.name, err)
		}
		c.Reset(&wire{in: get("/")})
		if err := http1conn.ServeStream(c, ignore); err != nil {
			t.Errorf("%s: after Reset: %v", v.name, err)
		}
	}
}

// TestUnbindThatCannotSend keeps the stream.
func TestUnbindThatCannotSend(t *testing.T) {
	c := newConn(t, small)
	c.Reset(&wire{fails: true})
	parse(t, c, get("/"))
	must(t, c.Initiate(101, ""))
	must(t, c.Complete())
	if rw, _, err := c.Unbind(); err != errWrite || rw != nil {
		t.Error(rw, err)
	}
}

// TestUpgradeInServe leaves a handler its stream, and reads no request from
// one that has changed its protocol.
func TestUpgradeInServe(t *testing.T) {
	for _, unbinds := range []bool{false, true} {
		w := &wire{in: get("/", "Upgrade: x", "Connection: upgrade") + get("/smuggled")}
		n := 0
		c, got, err := serve(t, small, w, func(c *http1conn.Conn) error {
			if n++; n > 1 {
				t.Fatal("bytes of another protocol are taken for a request")
			}
			if err := c.Initiate(101, ""); err != nil || !unbinds {
				return err
			}
			must(t, c.Complete())
			rw, rest, err := c.Unbind()
			must(t, err)
			_, err = rw.Write(rest)
			return err
		})
		want := "HTTP/1.1 101 Switching Protocols\r\n" + dateLine + "\r\n"
		if unbinds {
			want += get("/smuggled")
		}
		if err != nil || got != want {
			t.Errorf("%v in %v, %q", err, c.State(), got)
		}
		if !unbinds {
			if _, rest, err := c.Unbind(); string(rest) != get("/smuggled") || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		}
	}
}

// TestAnnounceClose puts the field into a head that is staged, once, and then
// the connection ends.
func TestAnnounceClose(t *testing.T) {
	for _, v := range []struct {
		name, in string
		do       func(c *http1conn.Conn)
		want     string
	}{
		{"staged", post("/", "hello")[:50], func(c *http1conn.Conn) {}, answer("200 OK", closes, "ignored")},
		{"twice", post("/", "hello")[:50], func(c *http1conn.Conn) { c.AnnounceClose() }, answer("200 OK", closes, "ignored")},
		{"sent", post("/", "hello")[:50], func(c *http1conn.Conn) { c.Flush() }, answer("200 OK", "", "ignored")},
		{"taken by a driver", post("/", "hello")[:50], func(c *http1conn.Conn) { c.Unstage() }, ""},
		{"said already", post("/", "hello", "Connection: close")[:67], func(c *http1conn.Conn) {}, answer("200 OK", closes, "ignored")},
		{"HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", func(c *http1conn.Conn) {}, answer("200 OK", "Connection: keep-alive\r\n", "ignored")},
	} {
		w := &wire{}
		c := newConn(t, small)
		c.Reset(w)
		first := answer("200 OK", "", "first")
		feed(c, get("/first")+v.in)
		if done, err := c.Parse(); !done || err != nil {
			t.Fatal(err)
		}
		must(t, say(c, "first"))
		if done, err := c.Parse(); !done || err != nil {
			t.Fatal(err)
		}
		must(t, ignore(c))
		if v.name == "taken by a driver" {
			first = ""
		}
		v.do(c)
		c.AnnounceClose()
		must(t, c.Flush())
		if w.out.String() != first+v.want {
			t.Errorf("%s: %q, want %q", v.name, w.out.String(), first+v.want)
		}
		feed(c, "hello")
		c.Discard()
		if strings.Contains(v.want, closes) && !c.NeedsClose() {
			t.Errorf("%s: close was announced, and the connection goes on", v.name)
		}
	}
	// Where there is no room, nothing is said.
	for n := 60; n < 200; n++ {
		w := &wire{}
		c := newConn(t, small)
		c.Reset(w)
		parse(t, c, get("/", "Content-Length: 5"))
		must(t, say(c, strings.Repeat("x", n)))
		c.AnnounceClose()
		must(t, c.Flush())
		if got := w.out.String(); got != answer("200 OK", "", strings.Repeat("x", n)) && got != answer("200 OK", closes, strings.Repeat("x", n)) {
			t.Errorf("%q", got)
		}
	}
}

// TestEOFBehindRequests answers all that came before the end.
func TestEOFBehindRequests(t *testing.T) {
	c := newConn(t, small)
	w := &wire{}
	c.Reset(w)
	feed(c, get("/a")+get("/b"))
	c.FeedEOF()
	for _, want := range []bool{false, true} {
		if done, err := c.Parse(); !done || err != nil {
			t.Fatal(done, err)
		}
		must(t, ignore(c))
		if c.NeedsClose() != want {
			t.Errorf("NeedsClose is %v", c.NeedsClose())
		}
	}
	must(t, c.Flush())
	if got, want := w.out.String(), answer("200 OK", "", "ignored")+answer("200 OK", closes, "ignored"); got != want {
		t.Errorf("%q", got)
	}
}

// abort is an error that asks for the connection to be aborted.
type abort struct{}

func (abort) Error() string { return "abort" }
func (abort) Abort() bool   { return true }

// TestServeRequest serves one request at a time, and sends the answer each
// time.
func TestServeRequest(t *testing.T) {
	w := &wire{in: get("/a") + get("/b") + get("/c", "Connection: close") + get("/d")}
	c := newConn(t, middle)
	c.Reset(w)
	for _, want := range []bool{true, true, false} {
		before := w.out.Len()
		again, err := http1conn.ServeRequest(c, ignore)
		if again != want || err != nil || w.out.Len() == before || len(c.Staged()) != 0 {
			t.Errorf("%v, %v, %q", again, err, w.out.String()[before:])
		}
	}
	sent := w.out.Len()
	if again, err := http1conn.ServeRequest(c, ignore); again || err != http1.ErrState || w.out.Len() != sent {
		t.Errorf("after the last: %v, %v, %q", again, err, w.out.String()[sent:])
	}

	c.Reset(&wire{})
	if again, err := http1conn.ServeRequest(c, ignore); again || err != io.EOF {
		t.Errorf("at the end: %v, %v", again, err)
	}

	w = &wire{in: get("/a")}
	c.Reset(w)
	if again, err := http1conn.ServeRequest(c, func(*http1conn.Conn) error { return abort{} }); again || !errors.Is(err, abort{}) || w.out.Len() != 0 || c.Finished() {
		t.Errorf("abort: %v, %v, %q", again, err, w.out.String())
	}
}

// TestServeStreamGathers sends the answers of requests that came together
// together.
func TestServeStreamGathers(t *testing.T) {
	w := &wire{in: strings.Repeat(get("/"), 5)}
	c := newConn(t, sizes{4096, 4096})
	c.Reset(w)
	if err := http1conn.ServeStream(c, ignore); err != nil || w.writes != 1 || strings.Count(w.out.String(), "200 OK") != 5 {
		t.Errorf("%v, %d writes of %q", err, w.writes, w.out.String())
	}
	// What was answered before a request that cannot be served, or is not
	// complete, is sent in any case.
	for _, last := range []string{"GET / HTTP/1.1\r\nHo", "GET /\n", post("/", "hello")[:50]} {
		w := &wire{in: get("/") + last}
		c.Reset(w)
		http1conn.ServeStream(c, tell)
		if !strings.HasPrefix(w.out.String(), told("GET / a  []")) {
			t.Errorf("%q: %q", last, w.out.String())
		}
	}
}

// TestLateFailure has the last handler of a pipeline fail when no other answer
// can be given any more: what was answered before is sent all the same, and of
// the answer that is cut off nothing more.
func TestLateFailure(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(c *http1conn.Conn) error
		left string // of the failing answer
	}{
		{"before the head", func(c *http1conn.Conn) error { return abort{} }, ""},
		{"in the head", func(c *http1conn.Conn) error {
			c.Status(200, "")
			return abort{}
		}, ""},
		{"behind the head", func(c *http1conn.Conn) error {
			c.Initiate(200, "")
			return errMine
		}, ""},
		{"in the content", func(c *http1conn.Conn) error {
			c.Initiate(200, "")
			c.WriteString("half")
			return errMine
		}, ""},
		{"behind an interim response", func(c *http1conn.Conn) error {
			c.Interim(103)
			c.Initiate(200, "")
			return errMine
		}, "HTTP/1.1 103 Early Hints\r\n\r\n"},
		{"behind what was sent", func(c *http1conn.Conn) error {
			c.Initiate(200, "")
			c.WriteString("half")
			c.Flush()
			c.WriteString("other half")
			return errMine
		}, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
		{"too few bytes", func(c *http1conn.Conn) error {
			return c.Initiate(200, "", http1conn.Field{Name: "Content-Length", Value: "5"})
		}, ""},
	} {
		fail := c.fail
		for _, before := range []int{0, 1, 3} {
			w := &wire{in: strings.Repeat(get("/"), before) + get("/fail") + get("/")}
			conn := newConn(t, sizes{4096, 4096})
			conn.Reset(w)
			err := http1conn.ServeStream(conn, func(c *http1conn.Conn) error {
				if string(c.Head().Path(c.Bytes())) == "/fail" {
					return fail(c)
				}
				return tell(c)
			})
			want := strings.Repeat(told("GET / a  []"), before) + c.left
			if got := w.out.String(); got != want || err == nil || conn.Finished() {
				t.Errorf("%s, %d before: %v, %q, want %q", c.name, before, err, got, want)
			}
		}
	}
}

// TestRoom puts content where it is sent from.
func TestRoom(t *testing.T) {
	w := &wire{in: get("/")}
	conn := newConn(t, sizes{512, 256})
	conn.Reset(w)
	text := strings.Repeat("0123456789", 50)
	err := http1conn.ServeStream(conn, func(c *http1conn.Conn) error {
		if _, err := c.Room(); err != http1.ErrState {
			t.Errorf("room before the head: %v", err)
		}
		if err := c.Initiate(200, "", http1conn.Field{Name: "Content-Length", Value: "500"}); err != nil {
			return err
		}
		for left := text; left != ""; {
			b, err := c.Room()
			if err != nil || len(b) < 128 {
				t.Fatalf("room for %d bytes, %v", len(b), err)
			}
			n := copy(b, left)
			left = left[n:]
			if err := c.Put(n); err != nil {
				return err
			}
		}
		if err := c.Put(1); err != http1.ErrLengthExceeded {
			t.Errorf("more than was declared: %v", err)
		}
		return nil
	})
	if want := "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n" + text; err != nil || w.out.String() != want {
		t.Errorf("%v, %q, want %q", err, w.out.String(), want)
	}
	w = &wire{in: get("/")}
	conn.Reset(w)
	http1conn.ServeStream(conn, func(c *http1conn.Conn) error {
		c.Initiate(200, "")
		if _, err := c.Room(); err != http1.ErrState {
			t.Errorf("room for chunks: %v", err)
		}
		return nil
	})
}

// TestBrokenBehindTheAnswer is the same however it comes.
func TestBrokenBehindTheAnswer(t *testing.T) {
	for _, way := range ways {
		w := &wire{in: get("/", "Transfer-Encoding: chunked") + "1\r\na\r\nx", size: way.size()}
		c, got, err := serve(t, small, w, ignore)
		if err != http1.ErrChunkSize || got != answer("200 OK", "", "ignored") || c.State() != http1.StateLinger {
			t.Errorf("%s: %v in %v, %q", way.name, err, c.State(), got)
		}
	}
}
