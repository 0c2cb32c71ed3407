package bobtail_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// fuzzConfig has room for any input of the fuzzers, so that the answers do
// not depend on when the input comes.
var fuzzConfig = bobtail.Config{Workers: 2, Sockets: 4, WorkerMemory: 1 << 15}

// fuzzLimit is the longest input.
const fuzzLimit = 4 << 10

// fuzzSite are handlers whose answers do not depend on how content arrives.
func (f *fixture) fuzzSite() {
	f.site()
	f.sink("PUT /sink", &sink{fail: true, panics: true})
}

// talk is Talk, but for the 100s that the way in which input comes decides on.
func (f *fixture) talk(in string, cut func(left int) int) (string, error) {
	got, err := f.Connect().Talk(in, cut)
	return strings.ReplaceAll(got, continued, ""), err
}

// FuzzServer sends any bytes, whole and cut anywhere, over a network without
// and with faults. The answers must be the same, the server must not hang, and
// serve the next client.
func FuzzServer(f *testing.F) {
	for i, v := range vectors {
		f.Add([]byte(v.in), uint64(i))
		f.Add([]byte(v.in+vectors[(i*7+3)%len(vectors)].in+behind), uint64(i))
	}
	for _, s := range slow {
		f.Add([]byte(s.begin+s.more), uint64(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if len(in) > fuzzLimit || strings.Contains(string(in), "/huge") || strings.Contains(string(in), "/panic") {
			return // larger than the pipes; noise
		}
		whole := ""
		runMemory(t, memory.Config{Pipe: 1 << 20}, fuzzConfig, func(t *testing.T, f *fixture) {
			f.fuzzSite()
			var err error
			if whole, err = f.talk(string(in), func(left int) int { return left }); err == servertest.ErrPatience {
				t.Fatalf("whole: %q, then %v", whole, err)
			}
			f.wantFast(0)
		})
		rng := seed
		mem := memory.Config{Pipe: 1 << 20, Seed: seed, Lanes: 1 + int(seed%2), Holds: int(seed>>1%2) * (1 << 20)}
		mem.Faults = memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 100}
		runMemory(t, mem, fuzzConfig, func(t *testing.T, f *fixture) {
			f.fuzzSite()
			cut, err := f.talk(string(in), func(left int) int {
				rng = rng*6364136223846793005 + 1442695040888963407
				return 1 + int(rng>>33)%min(left, 1<<(rng>>60))
			})
			if cut != whole && !aborted(whole, cut) {
				t.Errorf("in pieces: %q and %v\nwhole: %q", cut, err, whole)
			}
			f.wantFast(10 * step)
		})
		mem.Faults.Reset, mem.Faults.HalfClose = 20, 20
		runMemory(t, mem, fuzzConfig, func(t *testing.T, f *fixture) {
			f.fuzzSite()
			for range 3 {
				if got, err := f.talk(string(in), func(left int) int { return left }); err == servertest.ErrPatience {
					t.Fatalf("with resets: %q, then %v", got, err)
				}
			}
		})
	})
}

// aborted reports whether both are the beginning of an answer that was cut
// short: how much of it was sent before is chance.
func aborted(a, b string) bool {
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// A script is a list of requests made from any bytes, all of them well formed.
type script struct {
	b []byte
}

func (s *script) pick(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	v := int(s.b[0])
	s.b = s.b[1:]
	return v % n
}

// request is one request of a script, and its method.
func (s *script) request() (method, text string) {
	method = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}[s.pick(7)]
	path := []string{"/fast", "/len", "/ignore", "/empty", "/none", "/same", "/bytes", "/stream", "/nowhere", "/long/page", "/close", "/teapot"}[s.pick(12)]
	if s.pick(4) == 1 {
		path += "?a=b"
	}
	version := []string{"1.1", "1.1", "1.1", "1.0"}[s.pick(4)]
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\nHost: example.com\r\n", method, path, version)
	if c := []string{"", "", "", "close", "keep-alive", "Keep-Alive, x", "x, close"}[s.pick(7)]; c != "" {
		b.WriteString("Connection: " + c + "\r\n")
	}
	for range s.pick(3) {
		fmt.Fprintf(&b, "X-%c:  %s \r\n", 'A'+s.pick(26), strings.Repeat("v", s.pick(40)))
	}
	body := strings.Repeat("body", s.pick(30))
	switch kind := s.pick(4); {
	case kind == 1 && method != "GET" && method != "HEAD":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	case kind == 2 && version == "1.1" && method != "GET" && method != "HEAD":
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for rest := body; rest != ""; {
			n := 1 + s.pick(len(rest))
			fmt.Fprintf(&b, "%x%s\r\n%s\r\n", n, []string{"", ";a", ";a=b", `;a="b"`}[s.pick(4)], rest[:n])
			rest = rest[n:]
		}
		b.WriteString("0\r\n")
		if s.pick(3) == 1 {
			b.WriteString("Sum: 1\r\n")
		}
		b.WriteString("\r\n")
	case kind == 3 && method == "POST":
		b.WriteString("Content-Length: 0\r\n\r\n")
	default:
		b.WriteString("\r\n")
	}
	return method, b.String()
}

// said is what an answer says, as far as two servers must agree.
type said struct {
	status  int
	body    string
	length  int64 // declared
	kind    string
	closing bool
}

// hear reads the answers to requests of these methods, until one closes.
func hear(r *bufio.Reader, methods []string) (list []said, err error) {
	for _, m := range methods {
		resp, err := http.ReadResponse(r, &http.Request{Method: m})
		if err != nil {
			return list, fmt.Errorf("after %d answers: %w", len(list), err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return list, fmt.Errorf("in answer %d: %w", len(list), err)
		}
		list = append(list, said{resp.StatusCode, string(body), resp.ContentLength, resp.Header.Get("Content-Type"), resp.Close})
		if resp.Close {
			rest, err := io.ReadAll(r)
			if err != nil || len(rest) != 0 {
				return list, fmt.Errorf("behind the last answer: %q, %v", rest, err)
			}
			break
		}
	}
	return list, nil
}

// differences are where the answers of the two servers may differ, and why.
var differences = []struct {
	why  string
	even func(method, request string, ours, theirs *said)
}{
	{"the texts of errors are each server's own", func(_, _ string, ours, theirs *said) {
		if ours.status == theirs.status && ours.status >= 400 && ours.status != 418 {
			ours.body, ours.kind, ours.length = theirs.body, theirs.kind, theirs.length
		}
	}},
	{"net/http declares no length of an empty answer to HEAD, which it cannot know", func(method, _ string, ours, theirs *said) {
		if method == "HEAD" {
			ours.length, ours.kind = theirs.length, theirs.kind
		}
	}},
	{"net/http guesses a content type, and drops it from 304", func(_, _ string, ours, theirs *said) {
		if ours.kind == "" || ours.status == 304 || ours.status == 204 {
			ours.kind = theirs.kind
		}
	}},
	{"a 304 of ours may say how long the answer would be (RFC 9110 section 8.6)", func(_, _ string, ours, theirs *said) {
		if ours.status == 304 {
			ours.length = theirs.length
		}
	}},
	{"net/http gives short streams a length", func(_, request string, ours, theirs *said) {
		if strings.Contains(request, "/stream") {
			ours.length = theirs.length
		}
	}},
	{"ours answers OPTIONS itself, with the methods that there are", func(method, _ string, ours, theirs *said) {
		if method == "OPTIONS" && ours.status == 204 && theirs.status == 405 {
			ours.status, ours.body, ours.length, ours.kind = theirs.status, theirs.body, theirs.length, theirs.kind
		}
	}},
	{"ours cannot keep a connection of HTTP/1.0 whose answer has no length; net/http gives it one", func(_, request string, ours, theirs *said) {
		if strings.Contains(request, "/stream") && strings.Contains(request, "HTTP/1.0") {
			ours.closing, theirs.closing = true, true
		}
	}},
}

// FuzzOracle sends well-formed requests to this server and to that of net/http
// with the same handlers, and wants the same answers, but for the table.
func FuzzOracle(f *testing.F) {
	for i := range 64 {
		b := binary.LittleEndian.AppendUint64(nil, uint64(i)*0x9e3779b97f4a7c15)
		f.Add(append(b, binary.LittleEndian.AppendUint64(b, uint64(i)*0xbf58476d1ce4e5b9)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := script{b}
		var methods, requests []string
		for range 1 + s.pick(4) {
			m, r := s.request()
			methods, requests = append(methods, m), append(requests, r)
		}
		in := strings.Join(requests, "")
		synctest.Test(t, func(t *testing.T) {
			theirs, err := hear(theirServer(t, in), methods)
			if err != nil {
				t.Fatalf("%q: net/http: %v", in, err)
			}
			fx := newFixture(t, servertest.Kind{Memory: memory.Config{Pipe: 1 << 20}}, fuzzConfig)
			defer fx.end()
			fx.oracleSite()
			c := fx.dial()
			c.Send(in)
			c.Conn.CloseWrite()
			ours, err := hear(c.In, methods)
			if err != nil {
				t.Fatalf("%q: %v", in, err)
			}
			for i := range min(len(ours), len(theirs)) {
				o, th := ours[i], theirs[i]
				for _, d := range differences {
					d.even(methods[i], requests[i], &o, &th)
				}
				if o != th {
					t.Errorf("%q: ours %+v\nnet/http %+v", requests[i], ours[i], theirs[i])
				}
				if o.closing {
					return // also where only one of them really does
				}
			}
			if len(ours) != len(theirs) {
				t.Errorf("%q: %d answers, net/http gives %d", in, len(ours), len(theirs))
			}
		})
	})
}

func (f *fixture) oracleSite() {
	type resp = bobtail.Response
	type req = *bobtail.Request
	f.fast()
	f.Handle("/len", func(w resp, r req) error {
		n, err := io.Copy(io.Discard, r)
		if err != nil {
			return err
		}
		return w.Text(strconv.FormatInt(n, 10))
	})
	f.Handle("/ignore", func(w resp, r req) error { return w.Text("ignored") })
	f.Handle("/empty", func(w resp, r req) error { return nil })
	f.Handle("/none", func(w resp, r req) error { return w.Status(204).Empty() })
	f.Handle("/same", func(w resp, r req) error { return w.Status(304).Header("ETag", `"a"`).Empty() })
	f.Handle("/bytes", func(w resp, r req) error { return w.Bytes("application/json", []byte(`{"a":1}`)) })
	f.Handle("/stream", func(w resp, r req) error {
		b, err := w.Status(200).Header("Content-Type", "text/plain").Stream()
		if err != nil {
			return err
		}
		b.WriteString("one ")
		return b.WriteString("two")
	})
	f.Handle("/long/page", func(w resp, r req) error { return w.Status(200).Header("Content-Type", "text/x").Bytes(page) })
	f.Handle("/close", func(w resp, r req) error { return w.Status(200).Header("Connection", "close").Text("bye") })
	f.Handle("/teapot", func(w resp, r req) error { return w.Status(418).Text("short and stout") })
}

func theirSite() http.Handler {
	mux := http.NewServeMux()
	text := func(w http.ResponseWriter, code int, s string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(s)))
		w.WriteHeader(code)
		io.WriteString(w, s)
	}
	mux.HandleFunc("GET /fast", func(w http.ResponseWriter, r *http.Request) { text(w, 200, "fast\n") })
	mux.HandleFunc("/len", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		text(w, 200, strconv.FormatInt(n, 10))
	})
	mux.HandleFunc("/ignore", func(w http.ResponseWriter, r *http.Request) { text(w, 200, "ignored") })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/none", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/same", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("ETag", `"a"`); w.WriteHeader(304) })
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"a":1}`)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "one ")
		io.WriteString(w, "two")
	})
	mux.HandleFunc("/long/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/x")
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Write(page)
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		text(w, 200, "bye")
	})
	mux.HandleFunc("/teapot", func(w http.ResponseWriter, r *http.Request) { text(w, 418, "short and stout") })
	return mux
}

// theirServer has net/http answer the input, and gives what it says. It is in
// the bubble of the test, and over by its end.
func theirServer(t *testing.T, in string) *bufio.Reader {
	near, far := net.Pipe()
	l := &oneListener{conn: far, closed: make(chan struct{})}
	srv := &http.Server{Handler: theirSite(), ReadTimeout: time.Minute}
	go srv.Serve(l)
	go io.WriteString(near, in)
	t.Cleanup(func() {
		near.Close()
		srv.Close()
	})
	return bufio.NewReader(near)
}

// oneListener has one client.
type oneListener struct {
	mu     sync.Mutex
	conn   net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *oneListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	c := l.conn
	l.conn = nil
	l.mu.Unlock()
	if c != nil {
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneListener) Addr() net.Addr { return &net.TCPAddr{} }
