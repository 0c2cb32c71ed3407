package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/web"
)

// rw is a stream from a reader, with what was sent to it.
type rw struct {
	io.Reader
	out strings.Builder
}

func (s *rw) Write(p []byte) (int, error) { return s.out.Write(p) }

// again is a stream that sends the same bytes each time, and drops what is
// sent to it.
type again struct {
	in, left string
	sent     int
}

func (a *again) Read(p []byte) (int, error) {
	if a.left == "" {
		return 0, io.EOF
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

func (a *again) Write(p []byte) (int, error) {
	a.sent += len(p)
	return len(p), nil
}

// chance cuts a reader by chance.
type chance struct {
	r io.Reader
	*rand.Rand
}

func (c chance) Read(p []byte) (int, error) { return c.r.Read(p[:1+c.IntN(min(len(p), 40))]) }

const wallSeconds = 784111777

func wall() int64 { return wallSeconds * 1e9 }

// memorySize is what a worker has.
const memorySize = 2048

func newExchange(t testing.TB) *web.Exchange {
	t.Helper()
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, memorySize), wall)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

var errMine = errors.New("mine")

// coded is an error with a status.
type coded int

func (c coded) Error() string { return "coded" }
func (c coded) Status() int   { return int(c) }

var page = []byte(strings.Repeat("0123456789abcdef", 500))

// site is handlers of all kinds, by path.
var site = map[string]web.Handler{
	"/text":   func(w web.Response, r *web.Request) error { return w.Text("hello, ", "world") },
	"/bytes":  func(w web.Response, r *web.Request) error { return w.Bytes("application/json", []byte("{}")) },
	"/empty":  func(w web.Response, r *web.Request) error { return w.Status(404).Empty() },
	"/none":   func(w web.Response, r *web.Request) error { return w.Status(204).Empty() },
	"/static": func(w web.Response, r *web.Request) error { return w.Status(200).Static(page) },
	"/page":   func(w web.Response, r *web.Request) error { return w.Status(200).Bytes(page) },
	"/silent": func(w web.Response, r *web.Request) error { return nil },
	"/fields": func(w web.Response, r *web.Request) error {
		return w.StatusReason(299, "Fine").Header("A", "b").HeaderBytes("content-TYPE", []byte("text/x")).Text("typed")
	},
	"/close": func(w web.Response, r *web.Request) error {
		return w.Status(200).Header("Connection", "close").Text("bye")
	},
	"/hints": func(w web.Response, r *web.Request) error {
		if err := w.Interim(103, http1conn.Field{Name: "Link", Value: "</a>"}); err != nil {
			return err
		}
		return w.Text("hinted")
	},
	"/stream": func(w web.Response, r *web.Request) error {
		b, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		if _, err := b.Write(page); err != nil {
			return err
		}
		if err := b.WriteString("end"); err != nil {
			return err
		}
		if err := b.Flush(); err != nil {
			return err
		}
		if r.Version() == http1.Version10 {
			return nil // which has no trailers
		}
		return b.Trailer("Sum", "1")
	},
	"/streamn": func(w web.Response, r *web.Request) error {
		b, err := w.Status(200).StreamN(uint64(len(page)))
		if err != nil {
			return err
		}
		if _, err := b.Write(page); err != nil {
			return err
		}
		return b.Close()
	},
	"/echo": func(w web.Response, r *web.Request) error {
		kind := r.Header("Content-Type")
		b, err := w.Status(200).HeaderBytes("Content-Type", kind).Stream()
		if err != nil {
			return err
		}
		for {
			p, err := r.NextPiece()
			if err == io.EOF {
				return b.WriteString(string(kind))
			}
			if err != nil {
				return err
			}
			if _, err := b.Write(p); err != nil {
				return err
			}
		}
	},
	"/read": func(w web.Response, r *web.Request) error {
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		n, ok := r.ContentLength()
		p, err := r.Alloc(10)
		if err != nil || !ok || int(n) != len(content) || string(p) != strings.Repeat("\x00", 10) {
			return errMine
		}
		copy(p, "used")
		return w.Text(string(r.MethodName()), " ", string(r.Target()), " ", string(r.Host()), " ", string(content))
	},
	"/about": func(w web.Response, r *web.Request) error {
		h, b := r.Head()
		if r.Method() != h.Method() || r.Version() != http1.Version11 || h.Get(b, "Accept-Encoding") == nil {
			return errMine
		}
		return w.Text(string(r.Path()), "|", string(r.Query()), "|", string(r.Header("accept-encoding")), "|", string(r.Header("X")))
	},
	"/arena": func(w web.Response, r *web.Request) error {
		if _, err := r.Alloc(-1); err != web.ErrArena {
			return errMine
		}
		if _, err := r.Alloc(memorySize); err != web.ErrArena {
			return errMine
		}
		a, _ := r.Alloc(memorySize / 8)
		b, err := r.Alloc(memorySize / 8)
		if err != nil || len(a) != len(b) || cap(a) != len(a) {
			return errMine
		}
		if _, err := r.Alloc(1); err != web.ErrArena {
			return errMine
		}
		return w.Text("arena")
	},
	"/error": func(w web.Response, r *web.Request) error { return errMine },
	"/coded": func(w web.Response, r *web.Request) error { return coded(429) },
	"/abort": func(w web.Response, r *web.Request) error { return web.ErrAbort },
	"/late": func(w web.Response, r *web.Request) error {
		w.Text("answered")
		return errMine
	},
	"/abort/late": func(w web.Response, r *web.Request) error {
		b, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		b.WriteString("half")
		b.Flush()
		return web.ErrAbort
	},
	"/short": func(w web.Response, r *web.Request) error {
		b, err := w.Status(200).StreamN(10)
		if err != nil {
			return err
		}
		return errors.Join(b.WriteString("half"), b.Flush())
	},
	"/twice": func(w web.Response, r *web.Request) error {
		w.Text("once")
		if err := w.Status(404).Text("twice"); err != web.ErrMisuse {
			return coded(502)
		}
		return nil
	},
	"/misuse": func(w web.Response, r *web.Request) error {
		w.Status(200)
		return w.Status(200).Text("x")
	},
	"/split": func(w web.Response, r *web.Request) error {
		if err := w.Status(200).Header("A", "b\r\nInjected: c").Text("x"); err != http1.ErrFieldValue {
			return coded(502)
		}
		return nil
	},
	"/large": func(w web.Response, r *web.Request) error {
		return w.Status(200).Header("A", string(page)).Text("x")
	},
	"/trailer": func(w web.Response, r *web.Request) error {
		b, err := w.Status(200).StreamN(0)
		if err != nil {
			return err
		}
		return b.Trailer("A", "b")
	},
}

// route is what a server does with its patterns.
func route(w web.Response, r *web.Request) error {
	h, ok := site[string(r.Path())]
	if !ok {
		return w.Status(404).Text("Not Found\n")
	}
	return h(w, r)
}

func request(method, path, content string) string {
	s := method + " " + path + " HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nContent-Type: text/y\r\nX: not kept\r\n"
	if content != "" {
		s += "Transfer-Encoding: chunked\r\n\r\n"
		for len(content) > 0 {
			n := min(15, len(content))
			s += string("0123456789abcdef"[n]) + "\r\n" + content[:n] + "\r\n"
			content = content[n:]
		}
		return s + "0\r\n\r\n"
	}
	return s + "\r\n"
}

// last ends the connection.
const last = "GET /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// asked is what both are asked.
func asked() map[string]string {
	in := map[string]string{
		"refused":       "GET /\n",
		"cut off":       strings.TrimSuffix(request("POST", "/read", "hello"), "o\r\n0\r\n\r\n"),
		"HTTP/1.0":      "GET /stream HTTP/1.0\r\n\r\n",
		"length":        "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + last,
		"query":         request("GET", "/about?b=c", "") + last,
		"not found":     request("GET", "/nowhere", "") + last,
		"HEAD":          request("HEAD", "/stream", "") + request("HEAD", "/static", "") + last,
		"bad chunk":     strings.Replace(request("POST", "/read", "hello"), "5\r\nhello", "z\r\nhello", 1),
		"pipelined":     strings.Repeat(request("GET", "/text", ""), 20) + last,
		"long content":  request("POST", "/echo", string(page)) + last,
		"expectation":   "POST /read HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + last,
		"unexpected":    "POST /text HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + last,
		"unread length": "POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + last,
	}
	for path := range site {
		switch path {
		case "/abort/late", "/short":
			continue // the server resets the connection: who knows what arrives
		case "/late", "/twice":
			// A server goes on after a complete answer whatever the handler
			// then returns; a caller is told, and decides.
			in["GET "+path] = strings.Replace(request("GET", path, ""), "Host:", "Connection: close\r\nHost:", 1)
			continue
		}
		if path != "/read" && path != "/about" {
			in["GET "+path] = request("GET", path, "") + last
		}
		in["POST "+path] = request("POST", path, "hello, world") + last
	}
	return in
}

// onServer is what a server answers, driven by this goroutine.
func onServer(t *testing.T, in string) string {
	t.Helper()
	net := memory.New(memory.Config{Lanes: 1, Pipe: 1 << 20})
	srv, err := bobtail.New(bobtail.Config{Sockets: 8, Workers: 2, WorkerMemory: memorySize, Backend: net, Wall: wall})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for path, h := range site {
		if err := srv.Handle(path, h); err != nil {
			t.Fatal(err)
		}
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := net.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.TryWrite([]byte(in)); err != nil {
		t.Fatal(err)
	}
	p.CloseWrite()
	var out strings.Builder
	buf := make([]byte, 4096)
	for {
		if _, err := srv.Poll(srv.Now()); err != nil {
			t.Fatal(err)
		}
		n, err := p.TryRead(buf)
		out.Write(buf[:n])
		switch err {
		case nil:
		case transport.ErrWouldBlock:
			net.Advance(1e6)
			if net.Now() > 100e9 {
				t.Fatalf("%q: no end after %q", in, out.String())
			}
		default:
			return out.String()
		}
	}
}

// meaning is what answers say to a client: all but where chunks are cut, and
// whether it was told to go on, which depend on how the request came.
func meaning(sent, in string) string {
	requests := bufio.NewReader(strings.NewReader(in))
	src := bufio.NewReader(strings.NewReader(sent))
	var b strings.Builder
	method := ""
	for {
		if method == "" {
			method = "GET"
			if r, err := http.ReadRequest(requests); err == nil {
				method = r.Method
				io.Copy(io.Discard, r.Body)
			}
		}
		resp, err := http.ReadResponse(src, &http.Request{Method: method})
		if err != nil {
			rest, _ := io.ReadAll(src)
			return b.String() + string(rest)
		}
		if resp.StatusCode == 100 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		fmt.Fprintln(&b, resp.Proto, resp.Status, resp.Header, resp.TransferEncoding, resp.Close, string(body), err, resp.Trailer)
		if resp.StatusCode >= 200 {
			method = "" // of the next
		}
	}
}

// TestSameAsServer serves each request on a stream of its own, in every cut,
// and wants the answers of a server.
func TestSameAsServer(t *testing.T) {
	for name, in := range asked() {
		want := meaning(onServer(t, in), in)
		if aborts := strings.Contains(name, "/abort") || strings.Contains(name, "/trailer"); strings.HasPrefix(want, "HTTP/1.1 ") == aborts {
			t.Errorf("%s: the server answers %q", name, want)
		}
		for _, cut := range []struct {
			name string
			r    io.Reader
		}{
			{"at once", strings.NewReader(in)},
			{"byte by byte", iotest.OneByteReader(strings.NewReader(in))},
			{"with the end behind the last byte", iotest.DataErrReader(strings.NewReader(in))},
			{"by chance", chance{strings.NewReader(in), rand.New(rand.NewPCG(1, 2))}},
		} {
			s := &rw{Reader: cut.r}
			err := newExchange(t).ServeStream(s, route)
			if got := meaning(s.out.String(), in); got != want {
				t.Errorf("%s, %s (%v):\n got %.400q\nwant %.400q", name, cut.name, err, got, want)
			}
		}
	}
}

// TestServeRequest serves one request at a time, and sends its answer, also
// when bytes of the next are here.
func TestServeRequest(t *testing.T) {
	x := newExchange(t)
	for range 2 { // the exchange is used again
		s := &rw{Reader: strings.NewReader(request("GET", "/text", "") + request("POST", "/echo", "hello") + "\r\n" + last + last)}
		again, err := x.ServeRequest(s, route)
		for i, want := range []struct {
			again bool
			text  string
		}{{true, "hello, world"}, {true, "5\r\nhello\r\n6\r\ntext/y\r\n0\r\n\r\n"}, {false, "hello, world"}} {
			if i > 0 {
				again, err = x.Again()
			}
			if again != want.again || err != nil || !strings.HasSuffix(s.out.String(), want.text) {
				t.Errorf("request %d: %v, %v, %q", i, again, err, s.out.String())
			}
			s.out.Reset()
		}
		if again, err := x.Again(); again || err != http1.ErrState || s.out.Len() != 0 {
			t.Errorf("after the last: %v, %v, %q", again, err, s.out.String())
		}
	}
	if again, err := x.ServeRequest(&rw{Reader: strings.NewReader("")}, route); again || err != io.EOF {
		t.Errorf("at the end: %v, %v", again, err)
	}
}

// TestServeStreamErrors are what the handler or the stream has failed with.
func TestServeStreamErrors(t *testing.T) {
	for path, want := range map[string]error{
		"/text": nil, "/error": errMine, "/coded": coded(429), "/abort": web.ErrAbort, "/abort/late": web.ErrAbort, "/late": errMine,
		"/short": http1.ErrLengthShort, "/misuse": web.ErrMisuse, "/split": http1.ErrFieldValue, "/large": http1conn.ErrHeadFull,
	} {
		s := &rw{Reader: strings.NewReader(request("GET", path, ""))}
		if err := newExchange(t).ServeStream(s, route); err != want {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	s := &rw{Reader: iotest.ErrReader(errMine)}
	if err := newExchange(t).ServeStream(s, route); err != errMine {
		t.Error(err)
	}
}

// TestPanicIsTheCallers leaves panics to the caller, and the exchange in
// order.
func TestPanicIsTheCallers(t *testing.T) {
	x := newExchange(t)
	func() {
		defer func() {
			if v := recover(); v != "boom" {
				t.Errorf("recovered %v", v)
			}
		}()
		x.ServeStream(&rw{Reader: strings.NewReader(last)}, func(w web.Response, r *web.Request) error {
			w.Status(200)
			panic("boom")
		})
	}()
	s := &rw{Reader: strings.NewReader(last)}
	if err := x.ServeStream(s, route); err != nil || !strings.HasSuffix(s.out.String(), "\r\n\r\nhello, world") {
		t.Errorf("%v, %q", err, s.out.String())
	}
}

// TestOutsideOfAServer has no worker and no connection to name.
func TestOutsideOfAServer(t *testing.T) {
	s := &rw{Reader: strings.NewReader(last)}
	err := newExchange(t).ServeStream(s, func(w web.Response, r *web.Request) error {
		if r.Worker() != 0 || r.Handle() != 0 || r.Remote() != (transport.Addr{}) {
			t.Errorf("%v, %v, %v", r.Worker(), r.Handle(), r.Remote())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNewExchange refuses what a server would.
func TestNewExchange(t *testing.T) {
	for _, v := range []struct {
		name   string
		p      http1.Parser
		memory int
		err    error
	}{
		{"least", http1.Parser{}, web.MinMemory, nil},
		{"less", http1.Parser{}, web.MinMemory - 1, web.ErrMemory},
		{"most of In", http1.Parser{}, 4 * http1.MaxHeadBuffer, nil},
		{"limit", http1.Parser{Limits: http1.Limits{Fields: -1}}, 4096, http1.ErrLimitFields},
	} {
		x, err := web.NewExchange(&v.p, make([]byte, v.memory), nil)
		if err != v.err || (x == nil) != (err != nil) {
			t.Errorf("%s: %v", v.name, err)
		}
		if err != nil {
			continue
		}
		s := &rw{Reader: strings.NewReader(last)}
		if err := x.ServeStream(s, route); err != nil || strings.Contains(s.out.String(), "Date:") || !strings.HasSuffix(s.out.String(), "hello, world") {
			t.Errorf("%s: %v, %q", v.name, err, s.out.String())
		}
	}
}

// TestDates are right from the first second of a clock on, and follow it.
func TestDates(t *testing.T) {
	now := int64(0)
	x, err := web.NewExchange(&http1.Parser{}, make([]byte, memorySize), func() int64 { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		now  int64
		want string
	}{
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"}, {999_999_999, "Thu, 01 Jan 1970 00:00:00 GMT"}, {1e9, "Thu, 01 Jan 1970 00:00:01 GMT"},
		{wall(), "Sun, 06 Nov 1994 08:49:37 GMT"}, {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
	} {
		now = v.now
		s := &rw{Reader: strings.NewReader(last)}
		if err := x.ServeStream(s, route); err != nil || !strings.Contains(s.out.String(), "\r\nDate: "+v.want+"\r\n") {
			t.Errorf("at %d: %v, %q", v.now, err, s.out.String())
		}
	}
}

// TestNothingAside serves a stream after one whose handler has failed: the
// fields that it has set aside are not for this one.
func TestNothingAside(t *testing.T) {
	x := newExchange(t)
	fails := func(w web.Response, r *web.Request) error {
		if err := w.With("Set-Cookie", "id=secret"); err != nil {
			return err
		}
		return errors.New("failed")
	}
	s := &rw{Reader: strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}
	x.ServeStream(s, fails)
	if !strings.Contains(s.out.String(), "id=secret") {
		t.Errorf("the answer to a failure is %q", s.out.String())
	}
	s = &rw{Reader: strings.NewReader("GET /\n")}
	x.ServeStream(s, fails)
	if !strings.Contains(s.out.String(), "400") || strings.Contains(s.out.String(), "secret") {
		t.Errorf("a request that cannot be understood is answered %q", s.out.String())
	}
}
