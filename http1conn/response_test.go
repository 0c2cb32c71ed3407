package http1conn_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// much is content larger than every Out.
var much = strings.Repeat("0123456789abcdef", 400)

func write(c *http1conn.Conn, parts ...string) error {
	for _, p := range parts {
		if n, err := c.Write([]byte(p)); err != nil || n != len(p) {
			return err
		}
	}
	return nil
}

// all runs steps until one fails.
func all(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

const v10 = "GET /a HTTP/1.0\r\n\r\n"

var keepAlive10 = "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

// TestResponses has the bytes of each answer, and whether the connection goes
// on.
func TestResponses(t *testing.T) {
	type C = *http1conn.Conn
	type F = http1conn.Field
	const chunks = dateLine + "Transfer-Encoding: chunked\r\n\r\n"
	for _, v := range []struct {
		name, in string
		h        http1conn.Handler
		want     string
	}{
		{"nothing said", get("/"), func(c C) error { return nil }, answer("200 OK", "", "")},
		{"nothing said, content not read", post("/", "hello"), func(c C) error { return nil }, answer("200 OK", "", "")},
		{"status alone", get("/"), func(c C) error { return c.Status(404, "") }, "HTTP/1.1 404 Not Found\r\n" + chunks + "0\r\n\r\n"},
		{"reason of the program's", get("/"), func(c C) error { return c.Initiate(299, "Fine", F{"Content-Length", "0"}) }, answer("299 Fine", "", "")},
		{"chunks", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(200, "") }, func() error { return write(c, "ab", "", "cde") }, c.Complete)
		}, "HTTP/1.1 200 OK\r\n" + chunks + "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"},
		{"trailer", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(200, "") }, func() error { return write(c, "ab") },
				func() error { return c.Trailer("Sum", "1") }, func() error { return c.Trailer("B", "") })
		}, "HTTP/1.1 200 OK\r\n" + chunks + "2\r\nab\r\n0\r\nSum: 1\r\nB: \r\n\r\n"},
		{"HEAD of chunks, with a trailer", request("HEAD", "/", ""), func(c C) error {
			return all(func() error { return c.Initiate(200, "") }, func() error { return write(c, "ab", much) }, func() error { return c.Trailer("Sum", "1") })
		}, "HTTP/1.1 200 OK\r\n" + dateLine + "\r\n"},
		{"HEAD of much", request("HEAD", "/", ""), func(c C) error { return say(c, much) }, strings.TrimSuffix(answer("200 OK", "", much), much)},
		{"HEAD of another length than written", request("HEAD", "/", ""), func(c C) error { return c.Initiate(200, "", F{"Content-Length", "5"}) }, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + dateLine + "\r\n"},
		{"204 with content", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(204, "", F{"Content-Length", "2"}) }, func() error { return write(c, "ab") })
		}, "HTTP/1.1 204 No Content\r\n" + dateLine + "\r\n"},
		{"304 with a length", get("/"), func(c C) error { return c.Initiate(304, "", F{"Content-Length", "7"}, F{"ETag", "\"x\""}) }, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: \"x\"\r\n" + dateLine + "\r\n"},
		{"304 with much", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(304, "") }, func() error { return write(c, much) })
		}, "HTTP/1.1 304 Not Modified\r\n" + dateLine + "\r\n"},
		{"205", get("/"), func(c C) error { return c.Initiate(205, "") }, "HTTP/1.1 205 Reset Content\r\n" + dateLine + "Content-Length: 0\r\n\r\n"},
		{"Date of the program's", get("/"), func(c C) error {
			return c.Initiate(200, "", F{"Date", "Thu, 01 Jan 1970 00:00:00 GMT"}, F{"Content-Length", "0"})
		}, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"},
		{"field in bytes", get("/"), func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.FieldBytes("A", []byte("b c")) }, func() error { return c.Length(0) }, c.EndHead)
		}, "HTTP/1.1 200 OK\r\nA: b c\r\nContent-Length: 0\r\n" + dateLine + "\r\n"},
		{"head that is not ended", get("/"), func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.Length(0) })
		}, answer("200 OK", "", "")},
		{"interim", get("/"), func(c C) error {
			return all(func() error { return c.Interim(103, F{"Link", "</a>"}) }, func() error { return c.Interim(102) }, func() error { return say(c, "x") })
		}, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + answer("200 OK", "", "x")},
		{"interim that fails", get("/"), func(c C) error {
			if err := c.Interim(103, F{"A", "b"}, F{"Bad", "\r\n"}); err != http1.ErrFieldValue {
				return errors.Join(err, errMine)
			}
			return say(c, "x")
		}, answer("200 OK", "", "x")},
		{"interim 101", get("/"), func(c C) error {
			if err := c.Interim(101); err != http1.ErrStatusCode {
				return errors.Join(err, errMine)
			}
			return say(c, "x")
		}, answer("200 OK", "", "x")},
		{"field that splits", get("/"), func(c C) error {
			if err := c.Initiate(200, "", F{"A", "b"}, F{"Bad", "\r\nInjected: 1"}); err != http1.ErrFieldValue {
				return errors.Join(err, errMine)
			}
			return say(c, "x")
		}, answer("200 OK", "", "x")},
		{"status that there is not", get("/"), func(c C) error {
			for _, code := range []int{-1, 0, 99, 100, 103, 1000, 1 << 30} {
				if err := c.Status(code, ""); err != http1.ErrStatusCode || c.Code() != 0 {
					return errors.Join(err, errMine)
				}
			}
			return say(c, "x")
		}, answer("200 OK", "", "x")},
		{"rollback", get("/"), func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.Field("A", "b") }, func() error { return c.Length(9) }, func() error {
				if !c.Rollback() {
					return errMine
				}
				return nil
			}, func() error { return say(c, "x") })
		}, answer("200 OK", "", "x")},
		{"flush in the midst", get("/"), func(c C) error {
			return all(func() error { return c.Status(200, "") }, c.Flush, func() error { return c.Length(3) }, c.Flush, c.EndHead, c.Flush, func() error { return write(c, "abc") }, c.Flush)
		}, answer("200 OK", "", "abc")},
		{"much with a length", get("/"), func(c C) error { return say(c, much) }, answer("200 OK", "", much)},
		{"content in small writes", get("/"), func(c C) error {
			err := all(func() error { return c.Status(200, "") }, func() error { return c.Length(uint64(len(much))) }, c.EndHead)
			for i := 0; i < len(much) && err == nil; i += 7 {
				err = write(c, much[i:min(i+7, len(much))])
			}
			return err
		}, answer("200 OK", "", much)},
		{"content that the caller sends", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(200, "", F{"Content-Length", "0"}) }, func() error {
				if err := c.Content(1); err != http1.ErrLengthExceeded {
					return errMine
				}
				return nil
			})
		}, answer("200 OK", "", "")},
		{"content larger than declared", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(200, "", F{"Content-Length", "2"}) }, func() error { return write(c, "ab") }, func() error {
				if err := write(c, "c"); err != http1.ErrLengthExceeded {
					return errMine
				}
				return nil
			})
		}, answer("200 OK", "", "ab")},
		{"trailer without chunks", get("/"), func(c C) error {
			return all(func() error { return c.Initiate(200, "", F{"Content-Length", "0"}) }, func() error {
				if err := c.Trailer("A", "b"); err != http1.ErrTrailerFraming {
					return errMine
				}
				return nil
			})
		}, answer("200 OK", "", "")},

		{"close", get("/", "Connection: close"), ignore, answer("200 OK", closes, "ignored")},
		{"close of the program's", get("/"), func(c C) error { return c.Initiate(200, "", F{"Connection", "close"}, F{"Content-Length", "0"}) }, answer("200 OK", closes, "")},
		{"SetClosing", get("/"), func(c C) error { c.SetClosing(); return ignore(c) }, answer("200 OK", closes, "ignored")},
		{"HTTP/1.0", v10, ignore, answer("200 OK", closes, "ignored")},
		{"HTTP/1.0 that persists", keepAlive10, ignore, answer("200 OK", "Connection: keep-alive\r\n", "ignored")},
		{"HTTP/1.0, length not known", keepAlive10, func(c C) error {
			return all(func() error { return c.Initiate(200, "") }, func() error { return write(c, "a", much) })
		}, "HTTP/1.1 200 OK\r\n" + dateLine + closes + "\r\na" + much},
		{"HTTP/1.0 has no interim answer", v10, func(c C) error {
			return all(func() error { return c.Interim(103) }, func() error { return ignore(c) })
		}, answer("200 OK", closes, "ignored")},
		{"HTTP/1.0 has no trailer", keepAlive10, func(c C) error {
			err := c.Initiate(200, "")
			if c.Trailer("A", "b") != http1.ErrTrailerFraming {
				return errMine
			}
			return err
		}, "HTTP/1.1 200 OK\r\n" + dateLine + closes + "\r\n"},
	} {
		for _, s := range []sizes{small, middle} {
			for _, way := range ways[:3] {
				behind := get("/behind", "Connection: close")
				want := v.want
				if !strings.Contains(want, closes) {
					want += answer("200 OK", closes, "behind")
				}
				w := &wire{in: v.in + behind, size: way.size()}
				_, got, err := serve(t, s, w, func(c C) error {
					h, b := c.Head(), c.Bytes()
					if string(h.Target(b)) == "/behind" {
						return say(c, "behind")
					}
					return v.h(c)
				})
				if got != want || err != nil {
					t.Errorf("%s, %s, buffers %v: %v\n got %q\nwant %q", v.name, way.name, s, err, got, want)
				}
			}
		}
	}
}

// TestLargeChunks wants content that is larger than Out back as it was,
// however it was written.
func TestLargeChunks(t *testing.T) {
	for _, size := range []int{1, 60, 200, 235, 236, 237, 255, 256, 257, 1000, len(much)} {
		for _, s := range []sizes{small, middle} {
			_, got, err := serve(t, s, &wire{in: get("/", "Connection: close")}, func(c *http1conn.Conn) error {
				if err := c.Initiate(200, ""); err != nil {
					return err
				}
				for p := much; p != ""; {
					n := min(size, len(p))
					if err := c.WriteString(p[:n]); err != nil {
						return err
					}
					p = p[n:]
				}
				if c.Sent() != int64(len(much)) || !c.HasBody() || c.Code() != 200 || !c.HeadDone() {
					t.Errorf("Sent %d, HasBody %v, Code %d", c.Sent(), c.HasBody(), c.Code())
				}
				return c.Trailer("A", strings.Repeat("b", 200))
			})
			resp, e := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
			if err != nil || e != nil {
				t.Fatalf("writes of %d: %v, %v", size, err, e)
			}
			content, e := io.ReadAll(resp.Body)
			if string(content) != much || e != nil || len(resp.Trailer.Get("A")) != 200 {
				t.Errorf("writes of %d, buffers %v: %d bytes of %d, trailer %v, %v", size, s, len(content), len(much), resp.Trailer, e)
			}
		}
	}
}

// TestHeadThatDoesNotFit fails at every part of a head that is too large, and
// wants the connection to be able to say so.
func TestHeadThatDoesNotFit(t *testing.T) {
	type C = *http1conn.Conn
	big := strings.Repeat("x", 300)
	for _, v := range []struct {
		name string
		h    http1conn.Handler
	}{
		{"reason", func(c C) error { return c.Status(200, big) }},
		{"field", func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.Field("A", big) })
		}},
		{"field in bytes", func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.FieldBytes("A", []byte(big)) })
		}},
		{"several fields", func(c C) error {
			err := c.Status(200, "")
			for err == nil {
				err = c.Field("Name", "value")
			}
			return err
		}},
		{"length", func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.Field("A", big[:210]) }, func() error { return c.Length(1 << 60) })
		}},
		{"end", func(c C) error {
			return all(func() error { return c.Status(200, "") }, func() error { return c.Field("A", big[:200]) }, c.EndHead)
		}},
		{"Initiate", func(c C) error { return c.Initiate(200, "", http1conn.Field{Name: "A", Value: big}) }},
		{"end, in Initiate", func(c C) error { return c.Initiate(200, "", http1conn.Field{Name: "A", Value: big[:200]}) }},
		{"interim", func(c C) error { return c.Interim(103, http1conn.Field{Name: "A", Value: big}) }},
		{"end of an interim", func(c C) error { return c.Interim(103, http1conn.Field{Name: "A", Value: big[:200]}) }},
	} {
		for _, in := range []string{get("/", "Connection: close"), post("/", "hello", "Connection: close")} {
			// What was answered before must not suffer from it.
			before := get("/before")
			want := answer("200 OK", "", "before") + refusal(500)
			handler := func(c C) error {
				if string(c.Head().Target(c.Bytes())) == "/before" {
					return say(c, "before")
				}
				err := v.h(c)
				if err != http1conn.ErrHeadFull {
					t.Errorf("%s: %v", v.name, err)
				}
				return err
			}
			if _, got, err := serve(t, small, &wire{in: before + in}, handler); got != want || err != http1conn.ErrHeadFull {
				t.Errorf("%s: %v\n got %q\nwant %q", v.name, err, got, want)
			}
			// It can also be taken back.
			want = answer("200 OK", "", "before") + answer("200 OK", closes, "short")
			if _, got, err := serve(t, small, &wire{in: before + in}, func(c C) error {
				if handler(c) == nil {
					return nil
				}
				if !c.Rollback() {
					t.Errorf("%s: no Rollback", v.name)
				}
				return say(c, "short")
			}); got != want || err != nil {
				t.Errorf("%s, taken back: %v\n got %q\nwant %q", v.name, err, got, want)
			}
		}
	}
}

// TestTrailerThatDoesNotFit leaves the response to be completed.
func TestTrailerThatDoesNotFit(t *testing.T) {
	_, got, err := serve(t, small, &wire{in: get("/", "Connection: close")}, func(c *http1conn.Conn) error {
		if err := c.Initiate(200, ""); err != nil {
			return err
		}
		if err := c.Trailer("A", strings.Repeat("b", 300)); err != http1conn.ErrHeadFull {
			t.Error(err)
		}
		if _, err := c.Write([]byte("x")); err != http1.ErrState {
			t.Error(err)
		}
		return nil
	})
	if err != nil || !strings.HasSuffix(got, "\r\n\r\n0\r\n\r\n") {
		t.Errorf("%v, %q", err, got)
	}
}

// coded is an error with a status.
type coded int

func (e coded) Error() string { return "coded" }
func (e coded) Status() int   { return int(e) }

// TestErrorsOfHandlers says what is answered for a handler that fails: its
// status, as long as no head is complete.
func TestErrorsOfHandlers(t *testing.T) {
	type C = *http1conn.Conn
	for _, v := range []struct {
		name string
		h    func(c C) error
		err  error
		want string
	}{
		{"at once", nil, errMine, refusal(500)},
		{"with a status", nil, coded(429), refusal(429)},
		{"with a status of no error", nil, coded(200), refusal(500)},
		{"with a status that there is not", nil, coded(1000), refusal(500)},
		{"an error of http1", nil, http1.ErrContentLong, refusal(413)},
		{"an error of http1conn", nil, http1conn.ErrTruncated, refusal(400)},
		{"the end of the stream", nil, io.EOF, refusal(500)},
		{"in the head", func(c C) error { return c.Status(200, "") }, errMine, refusal(500)},
		{"behind a field", func(c C) error { c.Status(200, ""); return c.Field("A", "b") }, coded(503), refusal(503)},
		{"behind the head", func(c C) error { return c.Initiate(200, "") }, errMine, ""},
		{"behind a head that was sent", func(c C) error { c.Initiate(200, ""); return c.Flush() }, errMine, "HTTP/1.1 200 OK\r\n" + dateLine + "Transfer-Encoding: chunked\r\n\r\n"},
		{"less than declared", func(c C) error {
			return c.Initiate(200, "", http1conn.Field{Name: "Content-Length", Value: "5"})
		}, http1.ErrLengthShort, ""},
		{"behind the answer", ignore, errMine, answer("200 OK", "", "ignored")},
	} {
		for _, in := range []string{get("/"), post("/", "hello")} {
			c, got, err := serve(t, small, &wire{in: in}, func(c C) error {
				if v.h != nil {
					must(t, v.h(c))
				}
				if v.err == http1.ErrLengthShort {
					return nil
				}
				return v.err
			})
			if got != v.want || err != v.err {
				t.Errorf("%s: %v\n got %q\nwant %q", v.name, err, got, v.want)
			}
			if c.Finished() != (v.want != "" && !strings.HasSuffix(v.want, "chunked\r\n\r\n")) {
				t.Errorf("%s: Finished is %v", v.name, c.Finished())
			}
		}
	}
}

// TestFailWithoutAnError does not say that what was impossible was done.
func TestFailWithoutAnError(t *testing.T) {
	c := newConn(t, small)
	c.Reset(&wire{})
	parse(t, c, get("/"))
	must(t, c.Initiate(200, ""))
	if err := c.Fail(503, nil); err == nil {
		t.Error("Fail behind a head succeeds")
	}
}

// TestConnectionOptions keeps Out, however the options of Connection are
// written and however much is in it.
func TestConnectionOptions(t *testing.T) {
	for n := range 200 {
		c := newConn(t, small)
		c.Reset(&wire{})
		parse(t, c, get("/"))
		must(t, c.Status(200, ""))
		must(t, c.Field("A", strings.Repeat("b", n)))
		err := c.Field("Connection", "a,b,c,d,e,f,g,h,i,keep-alive,close,k")
		if cap(c.Staged()) != small.out {
			t.Fatalf("Out has grown to %d (%v)", cap(c.Staged()), err)
		}
	}
}

// TestNoDate sends none if the time is not known.
func TestNoDate(t *testing.T) {
	for _, date := range []func() []byte{nil, func() []byte { return nil }, func() []byte { return []byte{} }} {
		c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{}, In: make([]byte, 256), Out: make([]byte, 256), Date: date})
		if err != nil {
			t.Fatal(err)
		}
		w := &wire{in: get("/")}
		c.Reset(w)
		if err := http1conn.ServeStream(c, ignore); err != nil || w.out.String() != "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nignored" {
			t.Errorf("%v, %q", err, w.out.String())
		}
	}
}
