package http1conn_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

const expect = "Expect: 100-continue"

// TestExpect says when a peer that waits for 100 is told to go on.
func TestExpect(t *testing.T) {
	type C = *http1conn.Conn
	read := func(c C) error {
		b, err := io.ReadAll(c)
		if err != nil {
			return err
		}
		return say(c, string(b))
	}
	for _, v := range []struct {
		name  string
		in    string
		waits bool // for the first bytes of an answer before it sends content
		h     http1conn.Handler
		want  string
	}{
		{"reads", post("/", "hello", expect), true, read, http1.Continue + answer("200 OK", "", "hello")},
		{"reads chunks", chunked("/", "hello", 2, expect), true, read, http1.Continue + answer("200 OK", "", "hello")},
		{"reads what came unasked", post("/", "hello", expect), false, read, answer("200 OK", "", "hello")},
		{"Continue, then reads", post("/", "hello", expect), true, func(c C) error {
			if !c.Expects() {
				t.Error("does not expect")
			}
			return all(c.Continue, c.Continue, func() error {
				if c.Expects() {
					t.Error("expects still")
				}
				return read(c)
			})
		}, http1.Continue + answer("200 OK", "", "hello")},
		{"Interim(100), then reads", post("/", "hello", expect), true, func(c C) error {
			return all(func() error { return c.Interim(100) }, func() error { return read(c) })
		}, http1.Continue + answer("200 OK", "", "hello")},
		{"Interim(103), then reads", post("/", "hello", expect), true, func(c C) error {
			return all(func() error { return c.Interim(103) }, func() error { return read(c) })
		}, "HTTP/1.1 103 Early Hints\r\n\r\n" + http1.Continue + answer("200 OK", "", "hello")},
		{"answers instead", post("/", "hello", expect), true, ignore, answer("200 OK", closes, "ignored")},
		{"answers instead of taking what came unasked", post("/", "hello", expect), false, ignore, answer("200 OK", closes, "ignored")},
		{"fails", post("/", "hello", expect), true, func(c C) error { return coded(403) }, refusal(403)},
		{"no content", get("/", expect), false, read, answer("200 OK", "", "")},
		{"HTTP/1.0 does not expect", "POST / HTTP/1.0\r\nContent-Length: 5\r\n" + expect + "\r\n\r\nhello", false, read, answer("200 OK", closes, "hello")},
		{"unknown expectation", get("/", "Expect: tea"), false, read, refusal(417)},
	} {
		head := strings.Index(v.in, "\r\n\r\n") + 4
		w := &wire{in: v.in}
		if v.waits {
			w.size = func(left int) int {
				return max(left-(len(v.in)-head), 0)
			}
			w.ask = func(sent string) {
				if len(w.in) == len(v.in)-head && !strings.HasPrefix(sent, "HTTP/1.1 ") {
					t.Errorf("%s: content is waited for, and not asked for", v.name)
				}
				if len(w.in) <= len(v.in)-head {
					w.size = nil
				}
			}
		}
		_, got, _ := serve(t, small, w, v.h)
		if got != v.want {
			t.Errorf("%s:\n got %q\nwant %q", v.name, got, v.want)
		}
	}
}

// TestStatusThatFailsAsksOn leaves a peer that waits as it is when a response
// was not begun after all.
func TestStatusThatFailsAsksOn(t *testing.T) {
	for _, spoil := range []func(c *http1conn.Conn) bool{
		func(c *http1conn.Conn) bool { return c.Status(1000, "") == http1.ErrStatusCode },
		func(c *http1conn.Conn) bool { return c.Status(200, "\r\n") == http1.ErrReason },
		func(c *http1conn.Conn) bool { return c.Status(200, "") == nil && c.Rollback() },
	} {
		head := strings.TrimSuffix(post("/", "hello", expect), "hello")
		w := &wire{in: head + "hello", size: func(left int) int { return max(left-5, 0) }}
		w.ask = func(string) {
			if len(w.in) == 5 {
				w.size = nil
			}
		}
		_, got, err := serve(t, small, w, func(c *http1conn.Conn) error {
			if !spoil(c) {
				t.Error("the status is taken")
			}
			return tell(c)
		})
		if want := http1.Continue + told("POST / a  [hello]"); got != want || err != nil {
			t.Errorf("%v\n got %q\nwant %q", err, got, want)
		}
	}
}

// TestWaitingFlushes wants all that was answered on its way before content is
// waited for: the peer may wait for it.
func TestWaitingFlushes(t *testing.T) {
	type C = *http1conn.Conn
	first := answer("200 OK", "", "first")
	for _, v := range []struct {
		name string
		h    http1conn.Handler
		want string // sent before the content is waited for
	}{
		{"before the response", tell, first},
		{"with half a head", func(c C) error {
			must(t, c.Status(200, ""))
			_, err := io.ReadAll(c)
			return err
		}, first},
		{"with a head", func(c C) error {
			must(t, c.Initiate(200, "", http1conn.Field{Name: "Content-Length", Value: "0"}))
			_, err := io.ReadAll(c)
			return err
		}, first + answer("200 OK", "", "")},
		{"with content", func(c C) error {
			must(t, c.Initiate(200, "", http1conn.Field{Name: "Content-Length", Value: "1"}))
			must(t, write(c, "x"))
			_, err := io.ReadAll(c)
			return err
		}, first + answer("200 OK", "", "x")},
		{"behind the response", func(c C) error {
			must(t, say(c, "x"))
			_, err := io.ReadAll(c)
			return err
		}, first + answer("200 OK", "", "x")},
		{"left unread", func(c C) error { return say(c, "x") }, first + answer("200 OK", "", "x")},
	} {
		const content = "content"
		in := get("/first") + post("/a", content) + get("/behind", "Connection: close")
		split := strings.Index(in, content) + 3
		asked := false
		w := &wire{in: in}
		w.size = func(left int) int {
			if at := len(in) - left; at < split {
				return split - at
			}
			return left
		}
		w.ask = func(sent string) {
			if len(in)-len(w.in) == split {
				asked = true
				if sent != v.want {
					t.Errorf("%s: when content is waited for, %q is sent, want %q", v.name, sent, v.want)
				}
			}
		}
		c, got, err := serve(t, middle, w, func(c C) error {
			switch string(c.Head().Path(c.Bytes())) {
			case "/first":
				return say(c, "first")
			case "/behind":
				return say(c, "behind")
			}
			return v.h(c)
		})
		if !asked || err != nil || !strings.HasSuffix(got, answer("200 OK", closes, "behind")) {
			t.Errorf("%s: asked %v, %v, in %v, %q", v.name, asked, err, c.State(), got)
		}
	}
}

// TestUnreadContent reads content that nobody wants if it is little, however
// it comes, and else says that the connection ends.
func TestUnreadContent(t *testing.T) {
	huge := strings.Repeat(much, 200)
	for _, v := range []struct {
		name, in string
		want     string
	}{
		{"a little", post("/", "hello"), answer("200 OK", "", "ignored")},
		{"more than fits", post("/", much), answer("200 OK", "", "ignored")},
		{"little chunks", chunked("/", "hello", 2), answer("200 OK", "", "ignored")},
		{"much", post("/", huge), answer("200 OK", closes, "ignored")},
		{"close", post("/", "hello", "Connection: close"), answer("200 OK", closes, "ignored")},
	} {
		for _, way := range ways {
			want := v.want
			if !strings.Contains(want, closes) {
				want += answer("200 OK", closes, "ignored")
			}
			w := &wire{in: v.in + get("/", "Connection: close"), size: way.size()}
			if _, got, err := serve(t, small, w, ignore); got != want || err != nil {
				t.Errorf("%s, %s: %v\n got %q\nwant %q", v.name, way.name, err, got, want)
			}
		}
	}
}

// TestReadSizes reads content by pieces of every size, through compactions
// with a piece half read.
func TestReadSizes(t *testing.T) {
	content := strings.Repeat(long, 30)
	for _, in := range []string{
		post("/", content, "Cookie: kept", "X: "+long), chunked("/", content, 7, "Cookie: kept", "X: "+long), chunked("/", content, 300, "X: "+long, "Cookie: kept"),
	} {
		for _, size := range []int{1, 2, 7, 30, 100, 255, 256, 4000} {
			for _, way := range ways {
				buf := make([]byte, size)
				got := ""
				_, _, err := serve(t, small, &wire{in: in, size: way.size()}, func(c *http1conn.Conn) error {
					for {
						if n, err := c.Read(nil); n != 0 || err != nil {
							t.Fatalf("Read of nothing: %d, %v", n, err)
						}
						n, err := c.Read(buf)
						got += string(buf[:n])
						if err == io.EOF {
							break
						}
						if err != nil {
							return err
						}
						c.Space() // compacts, if it must
					}
					if v := c.Head().Get(c.Bytes(), "cookie"); string(v) != "kept" {
						t.Errorf("the head has %q", v)
					}
					return nil
				})
				if got != content || err != nil {
					t.Errorf("reads of %d, %s: %v, %d bytes of %d", size, way.name, err, len(got), len(content))
				}
			}
		}
	}
}

// TestPiecesAndReads takes content by turns as views and as copies.
func TestPiecesAndReads(t *testing.T) {
	content := strings.Repeat(long, 10)
	for _, way := range ways {
		got := ""
		_, _, err := serve(t, small, &wire{in: chunked("/", content, 50), size: way.size()}, func(c *http1conn.Conn) error {
			buf := make([]byte, 5)
			for {
				n, err := c.Read(buf)
				got += string(buf[:n])
				if err == nil {
					var p []byte
					p, err = c.NextPiece()
					got += string(p)
				}
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
		if got != content || err != nil {
			t.Errorf("%s: %v, %q", way.name, err, got)
		}
	}
}

// TestHeadStaysWhileContentIsRead holds on to views of the head as long as
// the content lasts.
func TestHeadStaysWhileContentIsRead(t *testing.T) {
	for _, in := range []string{
		post("/target", much, "X-Dropped: "+long, "Cookie: kept", "Y: z"), chunked("/target", much, 100, "X-Dropped: "+long, "Cookie: kept", "Y: z"),
	} {
		for _, way := range ways {
			_, _, err := serve(t, small, &wire{in: get("/", "X: y") + in, size: way.size()}, func(c *http1conn.Conn) error {
				target, cookie := c.Head().Target(c.Bytes()), c.Head().Get(c.Bytes(), "Cookie")
				before := string(target) + " " + string(cookie)
				n := 0
				for {
					p, err := c.NextPiece()
					if n += len(p); err == io.EOF {
						break
					}
					if err != nil {
						return err
					}
					if now := string(target) + " " + string(cookie); now != before {
						t.Fatalf("%s: after %d bytes of content the head is %q, was %q", way.name, n, now, before)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestBrokenStaysBroken wants the first error again from every call that
// reads, and the request to be answered all the same.
func TestBrokenStaysBroken(t *testing.T) {
	cut := post("/", "hello")[:len(post("/", "hello"))-2]
	for _, v := range []struct {
		name string
		in   string
		end  error
		err  error
		want string
	}{
		{"content ends early", cut, nil, http1conn.ErrTruncated, refusal(400)},
		{"stream fails", cut, errRead, errRead, refusal(500)},
		{"malformed chunk", get("/", "Transfer-Encoding: chunked") + "x", nil, http1.ErrChunkSize, refusal(400)},
		{"chunks end early", get("/", "Transfer-Encoding: chunked") + "3\r\nab", nil, http1conn.ErrTruncated, refusal(400)},
	} {
		for _, early := range []bool{false, true} {
			w := &wire{in: v.in, end: v.end, size: byOne}
			c, got, err := serve(t, small, w, func(c *http1conn.Conn) error {
				if early {
					must(t, c.Status(200, ""))
				}
				_, err := io.ReadAll(c)
				for range 3 {
					if _, again := c.Read(make([]byte, 5)); again != err {
						t.Errorf("%s: Read says %v, and then %v", v.name, err, again)
					}
					if _, again := c.NextPiece(); again != err {
						t.Errorf("%s: Read says %v, and NextPiece %v", v.name, err, again)
					}
					if _, again := c.TryPiece(); again != err {
						t.Errorf("%s: Read says %v, and TryPiece %v", v.name, err, again)
					}
					if c.Err() != err || c.Discard() {
						t.Errorf("%s: Err %v, want %v", v.name, c.Err(), err)
					}
				}
				return err
			})
			if got != v.want || err != v.err || c.State() != http1.StateLinger || !c.NeedsClose() {
				t.Errorf("%s: %v in %v\n got %q\nwant %q", v.name, err, c.State(), got, v.want)
			}
			if err := c.Next(); err != http1.ErrState {
				t.Errorf("%s: Next says %v", v.name, err)
			}
		}
	}
}

// TestErrorThatTheHandlerKeepsToItself is not answered by 200.
func TestErrorThatTheHandlerKeepsToItself(t *testing.T) {
	for _, in := range []string{get("/", "Transfer-Encoding: chunked") + "x", post("/", "hello")[:50]} {
		_, got, _ := serve(t, small, &wire{in: in}, func(c *http1conn.Conn) error {
			io.ReadAll(c)
			return nil
		})
		if got != refusal(400) {
			t.Errorf("%q", got)
		}
	}
}

// TestNextErrors are those of the stream and its end, before and in a head.
func TestNextErrors(t *testing.T) {
	for _, v := range []struct {
		name, in string
		end, err error
	}{
		{"nothing", "", nil, io.EOF},
		{"an empty line", "\r\n", nil, io.EOF},
		{"half an empty line", "\r", nil, io.EOF},
		{"half a head", "GET / HT", nil, http1conn.ErrTruncated},
		{"stream fails", "", errRead, errRead},
		{"stream fails in a head", "GET / HT", errRead, errRead},
	} {
		w := &wire{in: v.in, end: v.end, size: byOne}
		c := newConn(t, small)
		c.Reset(w)
		for range 3 {
			if err := c.Next(); err != v.err {
				t.Errorf("%s: %v, want %v", v.name, err, v.err)
			}
		}
		if w.out.Len() != 0 {
			t.Errorf("%s: %q is sent", v.name, w.out.String())
		}
		err := http1conn.ServeStream(c, ignore)
		if want := v.err; want != io.EOF && err != want || want == io.EOF && err != nil {
			t.Errorf("%s: ServeStream says %v", v.name, err)
		}
	}
}

// TestFailInAHead answers half a request, as one that came too slowly.
func TestFailInAHead(t *testing.T) {
	w := &wire{in: "GET / HT", end: errRead}
	c := newConn(t, small)
	c.Reset(w)
	if err := c.Next(); err != errRead {
		t.Fatal(err)
	}
	must(t, c.Fail(408, nil))
	must(t, c.Flush())
	if got := w.out.String(); got != refusal(408) || c.State() != http1.StateLinger {
		t.Errorf("%v, %q", c.State(), got)
	}
}

// lazy is a stream that gives nothing now and then, without an error.
type lazy struct {
	wire
	idle int
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.idle++; l.idle%3 != 0 {
		return 0, nil
	}
	return l.wire.Read(p)
}

// TestLazyStream takes no offence at reads of nothing, and does not wait for
// ever.
func TestLazyStream(t *testing.T) {
	l := &lazy{wire: wire{in: post("/", "hello"), size: byOne}}
	c := newConn(t, small)
	c.Reset(l)
	if err := http1conn.ServeStream(c, tell); err != nil || l.out.String() != told("POST / a  [hello]") {
		t.Errorf("%v, %q", err, l.out.String())
	}
	c.Reset(never{})
	if err := c.Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

// never is a stream that gives nothing, and takes nothing without saying so.
type never struct{}

func (never) Read([]byte) (int, error)  { return 0, nil }
func (never) Write([]byte) (int, error) { return 0, nil }

// TestShortWrite finds a stream out that breaks the rules of io.Writer.
func TestShortWrite(t *testing.T) {
	c := newConn(t, small)
	c.Reset(never{})
	parse(t, c, get("/"))
	must(t, ignore(c))
	if err := c.Flush(); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

// TestWriteErrors lets the stream fail after every number of bytes, in
// handlers of all kinds, and wants no byte sent twice and the error kept.
func TestWriteErrors(t *testing.T) {
	type C = *http1conn.Conn
	for _, v := range []struct {
		name, in string
		h        http1conn.Handler
	}{
		{"answer", get("/"), ignore},
		{"two answers", get("/") + get("/"), ignore},
		{"refusal", "GET /\n", ignore},
		{"failure", get("/"), func(c C) error { return errMine }},
		{"much", get("/"), func(c C) error { return say(c, much) }},
		{"chunks", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(200, "") }, func() error { return c.WriteString(much) }, func() error { return c.Trailer("A", "b") })
		}},
		{"interim", get("/"), func(c C) error {
			return all(func() error { return c.Interim(103) }, func() error { return ignore(c) })
		}},
		{"continue", post("/", "", expect, "Content-Length: 5"), tell},
		{"broken content", get("/") + get("/", "Transfer-Encoding: chunked") + "x", tell},
	} {
		w := &wire{in: v.in}
		_, whole, _ := serve(t, small, w, v.h)
		for n := range len(whole) {
			w := &wire{in: v.in, takes: n, fails: true}
			c, _, err := serve(t, small, w, v.h)
			for range 3 {
				c.Flush()
				c.CompleteErr(errMine)
				c.Flush()
			}
			if got := w.out.String(); got != whole[:n] {
				t.Errorf("%s: stream that takes %d bytes got %q", v.name, n, got)
				break
			}
			if err == nil || !c.NeedsClose() {
				t.Errorf("%s: stream that takes %d bytes: %v in %v", v.name, n, err, c.State())
				break
			}
		}
	}
}

// TestBodyLimit refuses content that is too long, as soon as that is known.
func TestBodyLimit(t *testing.T) {
	for _, in := range []string{post("/", "hello!"), chunked("/", "hello!", 2), chunked("/", "hello!", 6)} {
		for _, way := range ways {
			c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{Limits: http1.Limits{Body: 5}}, In: make([]byte, 256), Out: make([]byte, 256), Date: testDate})
			must(t, err)
			w := &wire{in: in, size: way.size()}
			c.Reset(w)
			if err := http1conn.ServeStream(c, tell); err != http1.ErrContentLong || w.out.String() != refusal(413) {
				t.Errorf("%q %s: %v %q", in, way.name, err, w.out.String())
			}
		}
	}
}

// TestRoomForContent has heads that leave every number of bytes in the buffer,
// and wants the same of each however it comes: what cannot be read is refused.
func TestRoomForContent(t *testing.T) {
	for _, content := range []string{"c", "content", "some content that is longer than thirty-two bytes"} {
		for n := range 230 {
			in := post("/", content, "Cookie: "+strings.Repeat("c", n))
			whole := ""
			for i, way := range append(ways,
				way{"head, then content", func() func(int) int { return func(left int) int { return max(left-len(content), 1) } }},
				way{"head and some content", func() func(int) int { return func(left int) int { return max(left-len(content)/2, 1) } }},
			) {
				_, got, _ := serve(t, small, &wire{in: in, size: way.size()}, tell)
				if i == 0 {
					whole = got
				}
				if got != whole {
					t.Fatalf("%d bytes of Cookie, content %q, %s: %q, at once %q", n, content, way.name, got, whole)
				}
			}
			if whole != refusal(431) && !strings.Contains(whole, "HTTP/1.1 200 OK\r\n") {
				t.Errorf("%d bytes of Cookie: %q", n, whole)
			}
		}
	}
}
