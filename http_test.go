package bobtail_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/web"
)

const continued = "HTTP/1.1 100 Continue\r\n\r\n"

func expecting(path, version string, n int) string {
	return "POST " + path + " HTTP/" + version + "\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " + strconv.Itoa(n) + "\r\n\r\n"
}

// TestExpect follows RFC 9110 section 10.1.1.
func TestExpect(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		f.site()
		f.sink("PUT /sink", &sink{})

		c := f.dial() // the handler reads: 100 is sent, once, and the connection persists
		for range 2 {
			c.Send(expecting("/len", "1.1", 6))
			c.Want(continued)
			c.Send("abc")
			c.arrivedQuietly()
			c.Send("def")
			c.Want(ok("6 597"))
		}
		c.Send(strings.Replace(expecting("/sink", "1.1", 3), "POST", "PUT", 1))
		c.Want(continued)
		c.Send("abc")
		c.Want(ok("sink 3"))

		c.Send(expecting("/len", "1.1", 3) + "abc") // it is here already
		c.Want(ok("3 294"))

		c.Send(expecting("/len", "1.1", 0)) // there is none to wait for
		c.Want(ok("0 0"))

		c.Send(expecting("/refuse", "1.1", 3)) // the handler does not want it
		a := c.want("POST", 403, "no")
		if !a.Close {
			t.Error("the server goes on after a refused expectation, though the client may or may not send the content")
		}
		c.wantEnd("")

		c = f.dial() // HTTP/1.0 does not know it
		c.Send(expecting("/len", "1.0", 3))
		c.wantSilence()
		c.Send("abc")
		c.want("POST", 200, "3 294")
	})
}

// arrivedQuietly lets the server see what was sent as a read of its own, where
// that can be known.
func (c *client) arrivedQuietly() {
	if c.Peer != nil {
		c.f.Settle()
	}
}

// TestContentSizes sends content of sizes around those of the buffers.
func TestContentSizes(t *testing.T) {
	const memory = 1024
	run(t, bobtail.Config{WorkerMemory: memory, Workers: 2, OutputBlocks: 4, OutputBlockSize: 256}, func(t *testing.T, f *fixture) {
		f.site()
		sizes := []int{0, 1, 2, memory/4 - 1, memory / 4, memory/4 + 1, 100 * memory}
		head := len(post("/len", "")) + len("0123")
		for _, n := range []int{memory / 2, memory} {
			for d := -2; d <= 2; d++ {
				sizes = append(sizes, n+d, n-head+d)
			}
		}
		for _, n := range sizes {
			body := strings.Repeat("x", n)
			chunks := "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			for rest := n; rest > 0; {
				k := min(rest, 333)
				chunks += fmt.Sprintf("%x\r\n%s\r\n", k, body[:k])
				rest -= k
			}
			chunks += "0\r\n\r\n"
			in := post("/len", body) + get("/fast") + chunks + post("/echo", body) + behind
			sum := ok(strconv.Itoa(n) + " " + strconv.Itoa(n*'x'))
			want := sum + ok("fast\n") + sum + "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(n) + "\r\n" + date + "\r\n" + body + answerBehind
			if got := f.flood(in, []int{len(in)}); got != want {
				t.Errorf("%d bytes of content: got %s", n, diff(got, want))
			}
		}
	})
}

// TestUnreadContent answers without reading the content.
func TestUnreadContent(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.site()
		for _, n := range []int{1, 500, 5000, 60 << 10} {
			in := post("/ignore", strings.Repeat("x", n)) + behind
			if got, want := f.flood(in, []int{len(in)}), ok("ignored")+answerBehind; got != want {
				t.Errorf("%d bytes that are not read: got %s", n, diff(got, want))
			}
		}
		// More is not read for the sake of the connection, but the client gets
		// his answer.
		for _, n := range []int{65 << 10, 300 << 10} {
			in := post("/ignore", strings.Repeat("x", n)) + behind
			got := f.flood(in, []int{len(in)})
			if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\nignored") {
				t.Errorf("%d bytes that are not read: got %s", n, servertest.Brief(got))
			}
			if !strings.Contains(got, "Connection: close\r\n") {
				t.Errorf("%d bytes that are not read: the answer does not say that the connection ends: %q", n, got)
			}
		}
	})
}

// TestHalfClosed ends the client's bytes in the midst of things.
func TestHalfClosed(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.site()
		f.sink("PUT /sink", &sink{})
		for _, c := range []struct{ name, in, want string }{
			{"before a request", "", ""},
			{"behind a request", get("/fast"), ok("fast\n")},
			{"behind two", get("/fast") + get("/huge"), ok("fast\n") + "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n" + date + "\r\n" + string(huge)},
			{"in a head", get("/fast") + "GET /fa", ok("fast\n")},
			{"in content that is read", "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", bad},
			{"in long content that is read", "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\nabc", bad},
			{"in content that is read as it comes", "PUT /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", bad},
			{"in a chunk", "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", bad},
			{"in content that is not read", "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 200 OK\r\n"},
			{"in long content that is not read", "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\nabc", "HTTP/1.1 200 OK\r\n"},
			{"in too long content that is not read", "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc", "HTTP/1.1 200 OK\r\n"},
		} {
			for _, split := range []bool{false, true} {
				cl := f.dial()
				cl.Send(c.in)
				if split {
					cl.arrivedQuietly()
				}
				cl.Conn.CloseWrite()
				got, err := cl.All()
				if err != nil || !strings.HasPrefix(got, c.want) || strings.Contains(c.want, "\r\n\r\n") && got != c.want || strings.Count(got, "HTTP/1.1 ") != strings.Count(c.want, "HTTP/1.1 ") {
					t.Errorf("%s, split %v: got %s and error %v, want %s", c.name, split, servertest.Brief(got), err, servertest.Brief(c.want))
				}
				cl.Conn.Close()
			}
		}
	})
}

// TestHandlerFailsLate fails after the head of the answer was sent: the
// connection is aborted, and nobody else's.
func TestHandlerFailsLate(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.site()
		other := f.dial()
		other.Send(get("/fast"))
		other.want("GET", 200, "fast\n")
		for _, path := range []string{"/error/late", "/panic/late", "/short", "/long"} {
			c := f.dial()
			c.Send(get(path))
			if got := c.wantAbort(); strings.Contains(got, "500") || strings.HasSuffix(got, "0\r\n\r\n") {
				t.Errorf("%s: got %q", path, got)
			}
			c.Conn.Close()
		}
		other.Send(get("/fast") + closeAt("/fast"))
		other.want("GET", 200, "fast\n")
		other.want("GET", 200, "fast\n")
		other.wantEnd("")
		if s := f.Server.Stats(); s.Panics != 1 {
			t.Errorf("%d panics counted", s.Panics)
		}
	})
}

// misuses are handlers that do what they must not, and the status that comes of it.
var misuses = []struct {
	name   string
	status int
	h      bobtail.Handler
}{
	{"status twice", 500, func(w bobtail.Response, r *bobtail.Request) error {
		w.Status(200)
		return w.Status(404).Text("x")
	}},
	{"status twice, the error ignored", 500, func(w bobtail.Response, r *bobtail.Request) error {
		w.Status(200)
		w.Status(404).Text("x")
		return nil
	}},
	{"two answers", 200, func(w bobtail.Response, r *bobtail.Request) error {
		w.Text("first")
		if w.Text("second") != web.ErrMisuse {
			panic("no error")
		}
		return nil
	}},
	{"field after the answer", 200, func(w bobtail.Response, r *bobtail.Request) error {
		h := w.Status(200)
		h.Text("first")
		if h.Header("A", "b").Empty() != web.ErrMisuse {
			panic("no error")
		}
		return nil
	}},
	{"CR in a value", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).Header("A", "b\rSet-Cookie: c").Text("x")
	}},
	{"CRLF in a value, the error ignored", 500, func(w bobtail.Response, r *bobtail.Request) error {
		w.Status(200).Header("A", "b\r\n\r\nHTTP/1.1 200 OK").Text("x")
		return nil
	}},
	{"LF in a value of bytes", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).HeaderBytes("A", []byte("b\nSet-Cookie: c")).Text("x")
	}},
	{"CRLF in a name", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).Header("A: b\r\nC", "d").Text("x")
	}},
	{"CRLF in a reason", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.StatusReason(200, "OK\r\nA: b").Text("x")
	}},
	{"status code of no meaning", 500, func(w bobtail.Response, r *bobtail.Request) error { return w.Status(99).Text("x") }},
	{"framing field", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).Header("Transfer-Encoding", "chunked").Text("x")
	}},
	{"two lengths", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).Header("Content-Length", "5").Text("x")
	}},
	{"head larger than the buffer", 500, func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).Header("A", strings.Repeat("b", 2000)).Text("x")
	}},
	{"CRLF in an interim answer, the error ignored", 200, func(w bobtail.Response, r *bobtail.Request) error {
		if w.Interim(103, http1conn.Field{Name: "A", Value: "b\r\nC: d"}) == nil {
			panic("no error")
		}
		return w.Text("fine")
	}},
	{"large interim answer, the error ignored", 200, func(w bobtail.Response, r *bobtail.Request) error {
		if w.Interim(103, http1conn.Field{Name: "A", Value: strings.Repeat("b", 2000)}) == nil {
			panic("no error")
		}
		return w.Text("fine")
	}},
	{"interim answer inside of an answer, the error ignored", 200, func(w bobtail.Response, r *bobtail.Request) error {
		h := w.Status(200)
		if w.Interim(103) == nil {
			panic("no error")
		}
		return h.Text("fine")
	}},
	{"status after a stream has begun", 0, func(w bobtail.Response, r *bobtail.Request) error {
		b, _ := w.Status(200).Stream()
		b.WriteString("some")
		return w.Status(404).Text("x")
	}},
	{"trailer without chunks", 200, func(w bobtail.Response, r *bobtail.Request) error {
		b, _ := w.Status(200).StreamN(4)
		b.WriteString("fine")
		if b.Trailer("A", "b") == nil && r.Method() == http1.GET {
			panic("no error")
		}
		return nil
	}},
	{"trailer that splits", 0, func(w bobtail.Response, r *bobtail.Request) error {
		b, _ := w.Status(200).Stream()
		b.WriteString("fine")
		return b.Trailer("A", "b\r\n\r\nHTTP/1.1 200 OK")
	}},
	{"content behind the end", 200, func(w bobtail.Response, r *bobtail.Request) error {
		b, _ := w.Status(200).Stream()
		b.WriteString("fine")
		b.Close()
		if _, err := b.Write([]byte("more")); err == nil {
			panic("no error")
		}
		if b.Close() == nil {
			panic("no error")
		}
		return nil
	}},
	{"answered, then an error", 200, func(w bobtail.Response, r *bobtail.Request) error {
		w.Text("fine")
		return errSite
	}},
}

// TestMisuse stages answers wrongly: nothing of it is sent.
func TestMisuse(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		for i, m := range misuses {
			f.Handle("GET /"+strconv.Itoa(i), m.h)
		}
		for i, m := range misuses {
			for _, method := range []string{"GET", "HEAD"} {
				c := f.dial()
				c.Send(method + " /" + strconv.Itoa(i) + " HTTP/1.1\r\nHost: a\r\n\r\n")
				c.checkMisuse(m.name+", "+method, method, m.status)
			}
		}
		if s := f.Server.Stats(); s.Panics != 0 {
			t.Errorf("%d handlers have panicked", s.Panics)
		}
	})
}

// checkMisuse wants one answer of a status and nothing else, or an abort.
func (c *client) checkMisuse(name, method string, status int) {
	c.f.T.Helper()
	defer c.Conn.Close()
	if status == 0 {
		got, err := c.All()
		if err == nil || err == servertest.ErrPatience || strings.Count(got, "HTTP/") > 1 {
			c.f.T.Errorf("%s: got %q and error %v, want an abort", name, got, err)
		}
		return
	}
	a, err := c.tryAnswer(method)
	if err != nil || a.StatusCode != status || a.err != nil {
		c.f.T.Errorf("%s: got %v, errors %v and %v, want status %d", name, a.Response, err, a.err, status)
		return
	}
	for name := range a.Header {
		if name == "Set-Cookie" || name == "C" || name == "A" {
			c.f.T.Errorf("%s: field %s is in the answer", name, name)
		}
	}
	c.Conn.CloseWrite()
	if got, err := c.All(); got != "" || err != nil {
		c.f.T.Errorf("%s: behind the answer %q, error %v", name, got, err)
	}
}

// TestCookies serves a browser's head of 8 KB in a buffer of 512 bytes.
func TestCookies(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.site()
		cookie := "Cookie: " + strings.Repeat("name=value; ", 700) + "\r\n"
		in := "GET /host?q HTTP/1.1\r\n" + cookie + "Host: a\r\nUser-Agent: b\r\n" + cookie + "\r\n"
		for range 3 {
			if got, want := f.flood(in+behind, []int{len(in) + len(behind)}), ok("a|/host|q|HTTP/1.1")+answerBehind; got != want {
				t.Errorf("got %q", got)
			}
		}
		if testing.Short() && f.Net == nil {
			return
		}
		ends := []int{}
		for i := 100; i < len(in)+len(behind); i += 100 {
			ends = append(ends, i)
		}
		ends = append(ends, len(in)+len(behind))
		if got, want := f.exchange(in+behind, ends), ok("a|/host|q|HTTP/1.1")+answerBehind; got != want {
			t.Errorf("in pieces: got %q", got)
		}
	})
}

// TestTooLarge sends heads that do not fit, and what must be kept of which is
// too much. The client goes on sending, and must be able to read the answer.
func TestTooLarge(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 1024}, func(t *testing.T, f *fixture) {
		f.site()
		f.sink("PUT /sink", &sink{})
		more := strings.Repeat("more", 50<<10)
		long := strings.Repeat("x", 3000)
		for _, c := range []struct {
			name, in string
			status   int
		}{
			{"target", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
			{"method", long, 501},
			{"field to keep", "GET /fast HTTP/1.1\r\nHost: a\r\nAuthorization: " + long + "\r\n\r\n", 431},
			{"host", "GET /fast HTTP/1.1\r\nHost: " + long + "\r\n\r\n", 431},
			{"name", "GET /fast HTTP/1.1\r\nHost: a\r\n" + long + ": b\r\n\r\n", 431},
			{"fields", "GET /fast HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 200) + "\r\n", 431},
			{"head", "GET /fast HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: "+long+"\r\n", 30) + "\r\n", 431},
			{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00", 400},
			{"trailer", "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("A: "+long+"\r\n", 5) + "\r\n", 431},
			{"chunk extensions", "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+long+"\r\na\r\n", 9) + "0\r\n\r\n", 400},
		} {
			in := c.in + more
			got := f.flood(in, []int{len(in)})
			if !strings.HasPrefix(got, "HTTP/1.1 "+strconv.Itoa(c.status)+" ") || strings.Count(got, "HTTP/1.1") != 1 || !strings.Contains(got, "Connection: close") {
				t.Errorf("%s: got %s, want %d", c.name, servertest.Brief(got), c.status)
			}
		}
	})
}

// TestHeadFillsBuffer sends heads whose kept part leaves little or no room for
// content, which must be read or refused, and be no trouble.
func TestHeadFillsBuffer(t *testing.T) {
	const in = 512
	run(t, bobtail.Config{WorkerMemory: 2 * in}, func(t *testing.T, f *fixture) {
		f.site()
		f.sink("PUT /sink", &sink{})
		for _, path := range []string{"/len", "/ignore", "/sink"} {
			for n := in - 60; n <= in+10; n++ {
				method := "POST "
				if path == "/sink" {
					method = "PUT "
				}
				request := method + path + "?"
				request += strings.Repeat("q", max(n-len(request)-1, 0)) // the kept part is Host's name and value more
				request += " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
				c := f.dial()
				c.Send(request + "abc")
				c.arrivedQuietly()
				c.TrySend("de")
				a, err := c.tryAnswer("POST")
				switch {
				case err != nil:
					t.Errorf("%s with a target that ends at %d: %v", path, n, err)
				case a.StatusCode != 200 && a.StatusCode != 414 && a.StatusCode != 431:
					t.Errorf("%s with a target that ends at %d: status %d", path, n, a.StatusCode)
				}
				c.Conn.Close()
			}
		}
	})
}

// TestHeadRoute serves HEAD by its own handler if there is one.
func TestHeadRoute(t *testing.T) {
	for _, order := range [][]string{{"GET /x", "HEAD /x"}, {"HEAD /x", "GET /x"}} {
		run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
			for _, p := range order {
				f.Handle(p, func(w bobtail.Response, r *bobtail.Request) error { return w.Status(200).Header("By", p[:1]).Empty() })
			}
			c := f.dial()
			for _, m := range []string{"GET", "HEAD"} {
				c.Send(m + " /x HTTP/1.1\r\nHost: a\r\n\r\n")
				if by := c.answer(m).Header.Get("By"); by != m[:1] {
					t.Errorf("%v: %s was answered by %s's handler", order, m, by)
				}
			}
		})
	}
}

// TestRequest looks at what else a handler can ask.
func TestRequest(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 2048, Workers: 2, Spare: 1}, func(t *testing.T, f *fixture) {
		made := 0
		err := f.Server.HandleEach("GET /each", func(worker int) bobtail.Handler {
			made++
			return func(w bobtail.Response, r *bobtail.Request) error {
				if r.Worker() != worker {
					t.Errorf("worker %d runs the handler of %d", r.Worker(), worker)
				}
				if r.Handle() == 0 || !r.Remote().Is4() || string(r.Header("authorization")) != "b" || r.Header("Cookie") != nil {
					t.Errorf("handle %v, remote %v, fields %q %q", r.Handle(), r.Remote(), r.Header("authorization"), r.Header("Cookie"))
				}
				a, err := r.Alloc(500)
				if err != nil || len(a) != 500 || cap(a) != 500 || a[0] != 0 || a[499] != 0 {
					t.Errorf("500 bytes of the arena: %v", err)
				}
				for i := range a {
					a[i] = 'a'
				}
				if b, err := r.Alloc(13); err != web.ErrArena || b != nil {
					t.Errorf("13 of the last 12 bytes: %v, %v", b, err)
				}
				if b, err := r.Alloc(12); err != nil || len(b) != 12 {
					t.Errorf("the last 12 bytes: %v", err)
				}
				if _, err := r.Alloc(-1); err != web.ErrArena {
					t.Errorf("-1 bytes: %v", err)
				}
				return w.Text("each")
			}
		})
		if err != nil || made != 3 {
			t.Errorf("%d handlers for 2 workers and a spare one, error %v", made, err)
		}
		c := f.dial()
		for range 3 {
			c.Send("GET /each HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nCookie: c\r\n\r\n")
			c.want("GET", 200, "each")
		}
	})
}

// TestPatterns refuses patterns that are none, or there already.
func TestPatterns(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		h := func(w bobtail.Response, r *bobtail.Request) error { return w.Text("x") }
		f.Handle("GET /x", h)
		f.Handle("/x", h)
		f.wantNothing()
		var first error
		for _, p := range []string{"", "x", "GET", "GET ", " /x", "GET x", "GET /x y"} {
			err := f.Server.Handle(p, h)
			if !errors.Is(err, web.ErrPattern) {
				t.Errorf("%q: %v, want %v", p, err, web.ErrPattern)
			}
			if first == nil {
				first = err
			}
		}
		for _, p := range []string{"GET /x", "/x"} {
			if err := f.Server.Handle(p, h); !errors.Is(err, web.ErrConflict) {
				t.Errorf("%q twice: %v, want %v", p, err, web.ErrConflict)
			}
		}
		if _, err := f.Server.Listen("127.0.0.1:0"); err != first {
			t.Errorf("Listen after routes that were refused: %v, want %v", err, first)
		}
		if err := f.Server.Start(); err != first {
			t.Errorf("Start after routes that were refused: %v, want %v", err, first)
		}
	})
}

// wantNothing wants a path without handlers to be answered with 404.
func (f *fixture) wantNothing() {
	f.T.Helper()
	c := f.dial()
	c.Send(closeAt("/nothing/at/all"))
	c.want("GET", 404, "Not Found\n")
}
