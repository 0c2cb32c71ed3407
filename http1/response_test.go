package http1_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

const date = "Sun, 06 Nov 1994 08:49:37 GMT"

// writer plays a script of calls to a Response. A call that fails must neither
// append nor change anything.
type writer struct {
	t *testing.T
	r http1.Response
	b []byte
}

func newWriter(t *testing.T, m http1.Method, v http1.Version, keepAlive bool) *writer {
	w := &writer{t: t}
	w.r.Init(m, v, keepAlive)
	return w
}

// do is one call; want is the error that it must give.
func (w *writer) do(name string, want error, call func(dst []byte) ([]byte, error)) *writer {
	w.t.Helper()
	before, n := w.r, len(w.b)
	b, err := call(w.b)
	if err != want {
		w.t.Fatalf("%s = %v, want %v", name, err, want)
	}
	if err != nil {
		if err == http1.ErrLengthShort {
			before = w.r // which alone turns persistence off
		}
		if len(b) != n || w.r != before {
			w.t.Fatalf("%s failed, but appended %q, state %+v, was %+v", name, b[n:], w.r, before)
		}
	}
	w.b = b
	return w
}

func (w *writer) status(code int, reason string, want error) *writer {
	w.t.Helper()
	return w.do("AppendStatus", want, func(b []byte) ([]byte, error) { return w.r.AppendStatus(b, code, reason) })
}

func (w *writer) interim(code int, want error) *writer {
	w.t.Helper()
	return w.do("AppendInformational", want, func(b []byte) ([]byte, error) { return w.r.AppendInformational(b, code, "") })
}

func (w *writer) field(name, value string, want error) *writer {
	w.t.Helper()
	c := writer{t: w.t, r: w.r, b: append([]byte(nil), w.b...)}
	c.do("AppendFieldBytes", want, func(b []byte) ([]byte, error) { return c.r.AppendFieldBytes(b, name, []byte(value)) })
	w.do("AppendField", want, func(b []byte) ([]byte, error) { return w.r.AppendField(b, name, value) })
	if string(c.b) != string(w.b) || c.r != w.r {
		w.t.Fatalf("AppendFieldBytes and AppendField differ: %q, %q", c.b, w.b)
	}
	return w
}

func (w *writer) length(n uint64, want error) *writer {
	w.t.Helper()
	return w.do("AppendLength", want, func(b []byte) ([]byte, error) { return w.r.AppendLength(b, n) })
}

func (w *writer) end(date string, want error) *writer {
	w.t.Helper()
	var d []byte
	if date != "" {
		d = []byte(date)
	}
	return w.do("AppendEnd", want, func(b []byte) ([]byte, error) { return w.r.AppendEnd(b, d) })
}

func (w *writer) content(p string, want error) *writer {
	w.t.Helper()
	return w.do("AppendContent", want, func(b []byte) ([]byte, error) { return w.r.AppendContent(b, []byte(p)) })
}

func (w *writer) count(n uint64, want error) *writer {
	w.t.Helper()
	return w.do("Content", want, func(b []byte) ([]byte, error) { return b, w.r.Content(n) })
}

func (w *writer) lastChunk(want error) *writer {
	w.t.Helper()
	return w.do("AppendLastChunk", want, w.r.AppendLastChunk)
}

func (w *writer) trailer(name, value string, want error) *writer {
	w.t.Helper()
	return w.do("AppendTrailer", want, func(b []byte) ([]byte, error) { return w.r.AppendTrailer(b, name, value) })
}

func (w *writer) finish(want error) *writer {
	w.t.Helper()
	return w.do("AppendFinish", want, w.r.AppendFinish)
}

func TestResponses(t *testing.T) {
	const m11, m10 = http1.Version11, http1.Version10
	for _, c := range []struct {
		name      string
		m         http1.Method
		v         http1.Version
		keepAlive bool
		script    func(w *writer)
		want      string
		persists  bool
	}{
		{"declared length", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("Content-Type", "text/plain", nil).length(5, nil).end(date, nil).content("hello", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nDate: " + date + "\r\n\r\nhello", true},
		{"length given as a field", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("content-length", "5", nil).end("", nil).content("he", nil).content("llo", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true},
		{"length 0", http1.GET, m11, true, func(w *writer) {
			w.status(404, "", nil).length(0, nil).end("", nil).content("", nil).finish(nil)
		}, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", true},
		{"chunked", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).content("hello", nil).content("", nil).content("world, hello wor", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\nworld, hello wor\r\n0\r\n\r\n", true},
		{"chunked without content", http1.POST, m11, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
		{"chunked with trailers", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("Trailer", "Checksum", nil).end("", nil).content("hello", nil).
				lastChunk(nil).trailer("Checksum", "abc", nil).trailer("X", "", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nTrailer: Checksum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nChecksum: abc\r\nX: \r\n\r\n", true},
		{"last chunk without trailers", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).lastChunk(nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
		{"close", http1.GET, m11, false, func(w *writer) {
			w.status(200, "", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
		{"close by the program", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("Connection", "Close", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
		{"options of the program are kept, ours are merged", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("connection", "\tkeep-alive ,, X-Foo ,close, upgrade\t", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nConnection: X-Foo,upgrade\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
		{"empty Connection of the program", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("Connection", " , ", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},

		{"HTTP/1.0 that persists", http1.GET, m10, true, func(w *writer) {
			w.status(200, "", nil).length(2, nil).end("", nil).content("ab", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab", true},
		{"HTTP/1.0 that does not", http1.GET, m10, false, func(w *writer) {
			w.status(200, "", nil).length(2, nil).end("", nil).content("ab", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", false},
		{"HTTP/1.0 without length ends with the connection", http1.GET, m10, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).content("a", nil).content("b", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab", false},
		{"HEAD of HTTP/1.0 without length persists", http1.HEAD, m10, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", true},

		{"HEAD with length", http1.HEAD, m11, true, func(w *writer) {
			w.status(200, "", nil).length(5, nil).end("", nil).content("hello", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true},
		{"HEAD with length and without content", http1.HEAD, m11, true, func(w *writer) {
			w.status(200, "", nil).length(5, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true},
		{"HEAD without length", http1.HEAD, m11, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).content("hello", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\n\r\n", true},
		{"HEAD with trailers", http1.HEAD, m11, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).content("hello", nil).lastChunk(nil).trailer("A", "b", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\n\r\n", true},
		{"204", http1.DELETE, m11, true, func(w *writer) {
			w.status(204, "", nil).end("", nil).finish(nil)
		}, "HTTP/1.1 204 No Content\r\n\r\n", true},
		{"204 with length", http1.DELETE, m11, true, func(w *writer) {
			w.status(204, "", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 204 No Content\r\n\r\n", true},
		{"205", http1.POST, m11, true, func(w *writer) {
			w.status(205, "", nil).end("", nil).content("a", http1.ErrLengthExceeded).finish(nil)
		}, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", true},
		{"205 with length", http1.POST, m11, true, func(w *writer) {
			w.status(205, "", nil).length(1, http1.ErrLengthExceeded).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", true},
		{"304 may tell the length", http1.GET, m11, true, func(w *writer) {
			w.status(304, "", nil).length(5, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true},
		{"304 without length", http1.GET, m11, true, func(w *writer) {
			w.status(304, "", nil).field("ETag", `"a"`, nil).end("", nil).content("a", nil).finish(nil)
		}, "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", true},
		{"101", http1.GET, m11, true, func(w *writer) {
			w.status(101, "", nil).field("Connection", "Upgrade", nil).field("Upgrade", "websocket", nil).end("", nil).finish(nil)
		}, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true},
		{"2xx to CONNECT has no length", http1.CONNECT, m11, false, func(w *writer) {
			w.status(200, "", nil).length(5, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\n\r\n", false},
		{"refusal of CONNECT", http1.CONNECT, m11, true, func(w *writer) {
			w.status(405, "", nil).length(1, nil).end("", nil).content("a", nil).finish(nil)
		}, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 1\r\n\r\na", true},

		{"interim responses", http1.POST, m11, true, func(w *writer) {
			w.interim(100, nil).end(date, nil).interim(103, nil).field("Link", "</a.css>", nil).field("Date", "now", nil).length(5, nil).end("", nil).
				status(200, "", nil).length(0, nil).end(date, nil).finish(nil)
		}, http1.Continue + "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nDate: now\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: " + date + "\r\n\r\n", true},
		{"reason of the program", http1.GET, m11, true, func(w *writer) {
			w.status(200, "Fine, \tthank \xFFyou", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 200 Fine, \tthank \xFFyou\r\nContent-Length: 0\r\n\r\n", true},
		{"code without a standard reason", http1.GET, m11, true, func(w *writer) {
			w.status(999, "", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", true},
		{"date of the program", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).field("DATE", "today", nil).length(0, nil).end(date, nil).finish(nil)
		}, "HTTP/1.1 200 OK\r\nDATE: today\r\nContent-Length: 0\r\n\r\n", true},
		{"request that was not parsed", http1.MethodUnset, http1.VersionUnset, false, func(w *writer) {
			w.status(400, "", nil).length(0, nil).end("", nil).finish(nil)
		}, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
		{"content that the program sends itself", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).length(1<<63-1, nil).end("", nil).count(1<<63-1, nil).count(0, nil).count(1, http1.ErrLengthExceeded).finish(nil)
		}, "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", true},
		{"same in chunks", http1.GET, m11, true, func(w *writer) {
			w.status(200, "", nil).end("", nil).count(1<<63-1, nil).count(1, http1.ErrLengthExceeded).finish(nil)
		}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWriter(t, c.m, c.v, c.keepAlive)
			c.script(w)
			if string(w.b) != c.want {
				t.Fatalf("wrote %q\nwant  %q", w.b, c.want)
			}
			if !w.r.Done() || w.r.KeepAlive() != c.persists {
				t.Errorf("done %v, persists %v", w.r.Done(), w.r.KeepAlive())
			}
			if strings.Contains(c.want, "chunked") != w.r.Chunked() {
				t.Errorf("Chunked = %v", w.r.Chunked())
			}
			roundTrip(t, c.m, w)
		})
	}
}

// roundTrip reads a response with net/http: nothing may be left of it.
func roundTrip(t *testing.T, m http1.Method, w *writer) {
	t.Helper()
	if n, ok := w.r.Length(); ok && n > 100 || w.r.Sent() > 100 {
		return // the script has only counted it
	}
	src := bufio.NewReader(strings.NewReader(string(w.b)))
	for {
		resp, err := http.ReadResponse(src, &http.Request{Method: m.String()})
		if err != nil {
			t.Fatalf("net/http reads %q: %v", w.b, err)
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != w.r.Final() {
			t.Fatalf("net/http reads %q: %d, %q, %v", w.b, resp.StatusCode, body, err)
		}
		if w.r.HasBody() && uint64(len(body)) != w.r.Sent() {
			t.Errorf("net/http reads %d bytes of content, want %d", len(body), w.r.Sent())
		}
		if rest, _ := io.ReadAll(src); len(rest) != 0 {
			t.Errorf("net/http leaves %q", rest)
		}
		if !w.r.Tunnel() && resp.Close == w.r.KeepAlive() {
			t.Errorf("net/http closes: %v, KeepAlive %v", resp.Close, w.r.KeepAlive())
		}
		return
	}
}

func TestResponseRefused(t *testing.T) {
	w := newWriter(t, http1.GET, http1.Version11, true)
	w.interim(99, http1.ErrStatusCode).interim(101, http1.ErrStatusCode).interim(200, http1.ErrStatusCode)
	w.status(0, "", http1.ErrStatusCode).status(-1, "", http1.ErrStatusCode).status(100, "", http1.ErrStatusCode)
	w.status(103, "", http1.ErrStatusCode).status(1000, "", http1.ErrStatusCode).status(99, "", http1.ErrStatusCode)
	for _, reason := range []string{"a\r\nb", "a\n", "\x00", "a\x7F", "long enough for a word\r"} {
		w.status(200, reason, http1.ErrReason)
	}
	if w.r.Begun() || w.r.Final() != 0 {
		t.Error("a refused status has begun the response")
	}
	w.status(200, "", nil)
	if !w.r.Begun() || w.r.Final() != 200 || !w.r.HasBody() || w.r.Chunked() || !w.r.KeepAlive() || w.r.Tunnel() {
		t.Error("state after the status line")
	}
	for _, name := range []string{"", "a b", "a:", "a\r\nb", "\x00", "\xC3\xA9", "a\t", "Content-Length "} {
		w.field(name, "v", http1.ErrFieldName)
	}
	for _, value := range []string{"\r", "\n", "a\r\nSet-Cookie: b", "a\x00", "\x7F", "\x1B[0m", "long enough for a word\n"} {
		w.field("A", value, http1.ErrFieldValue).field("Connection", value, http1.ErrFieldValue)
		w.field("Content-Length", value, http1.ErrFieldValue).field("Date", value, http1.ErrFieldValue)
	}
	for _, value := range []string{"", "+5", "5 ", "5, 5", "x", "9223372036854775808"} {
		w.field("Content-Length", value, http1.ErrLengthDeclared)
	}
	w.field("transfer-encoding", "chunked", http1.ErrFieldFraming)
	w.length(1<<63, http1.ErrLengthDeclared).length(3, nil).length(3, http1.ErrLengthDeclared).field("Content-Length", "3", http1.ErrLengthDeclared)
	w.end("Sun", http1.ErrDate).end(strings.Repeat("\n", 29), http1.ErrDate).end(date+" ", http1.ErrDate).end("\n"+date[1:], http1.ErrDate)
	w.end(date, nil)
	w.content("abcd", http1.ErrLengthExceeded).count(4, http1.ErrLengthExceeded).content("ab", nil).content("cd", http1.ErrLengthExceeded)
	w.lastChunk(http1.ErrTrailerFraming).finish(http1.ErrLengthShort)
	if w.r.KeepAlive() || w.r.Done() {
		t.Error("a response that is short persists")
	}
	w.content("c", nil).finish(nil)
}

// HTTP/1.0 knows neither interim responses nor 101.
func TestInterim10(t *testing.T) {
	newWriter(t, http1.GET, http1.Version10, true).interim(100, http1.ErrStatusCode).interim(103, http1.ErrStatusCode).status(101, "", http1.ErrStatusCode)
}

// Every call in every state but the ones where it belongs.
func TestResponseOrder(t *testing.T) {
	start := func() *writer { return newWriter(t, http1.GET, http1.Version11, true) }
	states := []struct {
		name    string
		w       func() *writer
		allowed string
	}{
		{"unset", func() *writer { return &writer{t: t} }, ""},
		{"start", start, "status interim"},
		{"interim", func() *writer { return start().interim(103, nil) }, "field length end"},
		{"fields", func() *writer { return start().status(200, "", nil) }, "field length end"},
		{"content", func() *writer { return start().status(200, "", nil).end("", nil) }, "content count lastChunk finish"},
		{"trailers", func() *writer { return start().status(200, "", nil).end("", nil).lastChunk(nil) }, "trailer finish"},
		{"done", func() *writer { return start().status(200, "", nil).end("", nil).finish(nil) }, ""},
	}
	calls := map[string]func(w *writer, want error) *writer{
		"status":    func(w *writer, want error) *writer { return w.status(200, "", want) },
		"interim":   func(w *writer, want error) *writer { return w.interim(103, want) },
		"field":     func(w *writer, want error) *writer { return w.field("A", "b", want) },
		"length":    func(w *writer, want error) *writer { return w.length(5, want) },
		"end":       func(w *writer, want error) *writer { return w.end(date, want) },
		"content":   func(w *writer, want error) *writer { return w.content("a", want) },
		"count":     func(w *writer, want error) *writer { return w.count(1, want) },
		"lastChunk": func(w *writer, want error) *writer { return w.lastChunk(want) },
		"trailer":   func(w *writer, want error) *writer { return w.trailer("A", "b", want) },
		"finish":    func(w *writer, want error) *writer { return w.finish(want) },
	}
	for _, s := range states {
		for name, call := range calls {
			var want error = http1.ErrState
			for _, a := range strings.Fields(s.allowed) {
				if a == name {
					want = nil
				}
			}
			t.Run(s.name+"/"+name, func(t *testing.T) {
				w := s.w()
				w.t = t
				call(w, want)
			})
		}
	}
}

// The constants that tell how much room a call needs are exact.
func TestSizes(t *testing.T) {
	w := newWriter(t, http1.GET, http1.Version10, true)
	w.status(200, "reason", nil)
	if n := len(w.b) - len("reason"); n != http1.StatusOverhead {
		t.Errorf("StatusOverhead is %d", n)
	}
	w.b = nil
	w.field("A", "b", nil)
	if n := len(w.b) - 2; n != http1.FieldOverhead {
		t.Errorf("FieldOverhead is %d", n)
	}
	var r http1.Response
	r.Init(http1.GET, http1.Version11, true)
	r.AppendStatus(nil, 200, "")
	b, _ := r.AppendLength(nil, 1<<63-1)
	if n := len(b) + 1; n != http1.MaxLengthSize { // 2^63-1 has one digit less than 2^64-1
		t.Errorf("MaxLengthSize is %d", n)
	}
	r.Init(http1.GET, http1.Version11, false)
	r.AppendStatus(nil, 200, "")
	b, _ = r.AppendEnd(nil, []byte(date))
	if n := len(b) + len("keep-alive") - len("close"); n != http1.MaxEndSize {
		t.Errorf("MaxEndSize is %d", n)
	}
	b, _ = r.AppendContent(nil, make([]byte, 0x1000))
	if n := len(b) - 0x1000 + 12; n != http1.ChunkOverhead {
		t.Errorf("ChunkOverhead is %d", n)
	}
	b, _ = r.AppendFinish(nil)
	if n := len(b); n != http1.MaxFinishSize {
		t.Errorf("MaxFinishSize is %d", n)
	}
}
