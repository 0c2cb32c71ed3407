package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// client has connections of its own, which end with the test.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patient}
}

// want sends a request and compares the answer. A type or content of "*" is
// not compared. It returns the content.
func want(t *testing.T, c *http.Client, method, url string, code int, kind, content string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	if resp.StatusCode != code || kind != "*" && resp.Header.Get("Content-Type") != kind || content != "*" && string(b) != content {
		t.Errorf("%s %s = %d, %q, %q, want %d, %q, %q", method, url, resp.StatusCode, resp.Header.Get("Content-Type"), b, code, kind, content)
	}
	return string(b)
}

func TestEndpoints(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		c := client(t)
		page := want(t, c, "GET", p.url, 200, "text/html; charset=utf-8", "*")
		if !strings.Contains(page, "curl -d 'squid' "+p.url+"echo") || !strings.Contains(page, "bobtail ws ws"+strings.TrimPrefix(p.url, "http")+"ws") {
			t.Errorf("the page does not have its own address:\n%s", page)
		}
		want(t, c, "HEAD", p.url, 200, "text/html; charset=utf-8", "")
		want(t, c, "GET", p.url+"plaintext", 200, "text/plain", "Hello, World!")
		want(t, c, "GET", p.url+"json", 200, "application/json", `{"message":"Hello, World!"}`)
		want(t, c, "GET", p.url+"sleep?ms=1", 200, "*", "Slept.\n")
		want(t, c, "GET", p.url+"sleep?a=b&ms=0", 200, "*", "Slept.\n")
		for _, nonsense := range []string{"", "?", "?ms", "?ms=", "?ms=x", "?ms=-1", "?ms=60001", "?ms=99999999999999999999", "?xms=1"} {
			want(t, c, "GET", p.url+"sleep"+nonsense, 400, "*", "*")
		}
		if text := want(t, c, "GET", p.url+"metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "*"); !strings.Contains(text, "# TYPE bobtail_") {
			t.Errorf("/metrics says\n%s", text)
		}
		want(t, c, "GET", p.url+"nothing", 404, "*", "*")
		want(t, c, "GET", p.url+"echo", 405, "*", "*")
		want(t, c, "DELETE", p.url+"plaintext", 405, "*", "*")
		var stats struct {
			Backend  string
			Requests map[string]int
			Now      map[string]int
		}
		text := want(t, c, "GET", p.url+"stats", 200, "application/json", "*")
		if err := json.Unmarshal([]byte(text), &stats); err != nil {
			t.Fatalf("/stats: %v in %s", err, text)
		}
		if stats.Backend != backend || stats.Requests["2xx"] != 7 || stats.Requests["4xx"] != 12 || stats.Now["busy"] < 1 {
			t.Errorf("/stats = %s, want backend %s, 7 answers 2xx, 12 4xx, somebody busy", text, backend)
		}
		if got := p.stop(); got.status != 0 || got.stderr != "" {
			t.Errorf("the end = %+v, want status 0", got)
		}
	})
}

func TestLeastMemory(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-worker-memory", "1k", "-workers", "1", "-spare", "0", "-sockets", "2", "-stash", "1")
		c := client(t)
		want(t, c, "GET", p.url, 200, "*", "*")
		want(t, c, "GET", p.url+"stats", 200, "*", "*")
		echoes(t, c, p.url, 100_000, false)
		if got := p.stop(); !strings.Contains(got.stdout, "1, and 0 spare") {
			t.Errorf("without spare workers it says\n%s", got.stdout)
		}
	})
}

// echoes has n bytes echoed, with a length or in chunks.
func echoes(t *testing.T, c *http.Client, url string, n int, chunked bool) {
	t.Helper()
	sent := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(sent)
	req, err := http.NewRequest("POST", url+"echo", bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	if chunked {
		req.ContentLength = -1
	}
	req.Header.Set("Content-Type", "image/x-squid")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("an echo of %d bytes (chunked %v) has %d bytes, which are not the same: %v", n, chunked, len(got), err)
	}
	length := int64(n)
	if chunked {
		length = -1
	}
	if resp.ContentLength != length || resp.Header.Get("Content-Type") != "image/x-squid" {
		t.Errorf("an echo of %d bytes (chunked %v) has Content-Length %d and type %q", n, chunked, resp.ContentLength, resp.Header.Get("Content-Type"))
	}
}

func TestEcho(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		c := client(t)
		for _, n := range []int{1, 1000, 20_000, 5_000_000} {
			echoes(t, c, p.url, n, false)
			echoes(t, c, p.url, n, true)
		}
		for _, x := range []struct{ name, send, want string }{
			{"nothing", "\r\n", "Content-Length: 0\r\n"},
			{"no bytes", "Content-Length: 0\r\n\r\n", "Content-Length: 0\r\n"},
			{"no chunks", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Content-Length: 0\r\n"},
			{"no type", "Content-Length: 1\r\n\r\nx", "Content-Type: application/octet-stream\r\n"},
			{"asks first", "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n"},
		} {
			conn := dial(t, p)
			io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: a\r\n"+x.send)
			if !strings.Contains(head(t, conn), x.want) {
				t.Errorf("echo of %s has no %q", x.name, x.want)
			}
		}
	})
}

// dial opens a connection that ends with the test.
func dial(t *testing.T, p *program) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.addr, patient)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patient))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// head reads a head, byte by byte so that nothing behind it is lost.
func head(t *testing.T, conn net.Conn) string {
	t.Helper()
	var b []byte
	for !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		var one [1]byte
		if _, err := conn.Read(one[:]); err != nil {
			t.Fatalf("after %q: %v", b, err)
		}
		b = append(b, one[0])
	}
	return string(b)
}

func TestBusyPort(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		for _, other := range backendNames() {
			got := runToEnd(t, "serve", "-addr", p.addr, "-backend", other)
			if got.status != 2 || got.stdout != "" || !strings.Contains(got.stderr, p.addr+" is in use") || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("bobtail serve -backend %s at a busy port = %+v, want status 2 and one line", other, got)
			}
		}
	})
}

func TestTooManySockets(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		got := runToEnd(t, "serve", "-addr", "127.0.0.1:0", "-backend", backend, "-sockets", "10000000")
		if got.status != 2 || got.stdout != "" || !regexp.MustCompile(`^bobtail: -sockets must be at most \d+, .*\n$`).MatchString(got.stderr) {
			t.Errorf("bobtail serve -sockets 10000000 = %+v, want status 2 and one line", got)
		}
	})
}

func TestHostName(t *testing.T) {
	p := start(t, "-addr", "localhost:0")
	want(t, client(t), "GET", p.url+"plaintext", 200, "*", hello)
}

func TestGreeting(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-workers", "3", "-sockets", "77")
		if !regexp.MustCompile(`^serving http://127\.0\.0\.1:[1-9]\d*/ over ` + backend + `\b`).MatchString(p.greets) {
			t.Errorf("the first line is %q", p.greets)
		}
		got := p.stop()
		for _, want := range []string{"77, ", "3, and 2 spare", "stash", "output", "memory"} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%q is not in %s", want, got.stdout)
			}
		}
	})
	p := start(t)
	p.signal(os.Interrupt)
	if got := p.end(); got.status != 0 {
		t.Errorf("interrupted at once = %+v, want status 0", got)
	}
}

func TestFarewell(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		for _, s := range []os.Signal{os.Interrupt, terminate} {
			p := start(t, "-backend", backend)
			c := client(t)
			want(t, c, "GET", p.url+"plaintext", 200, "*", "*")
			want(t, c, "GET", p.url+"json", 200, "*", "*")
			want(t, c, "GET", p.url+"nothing", 404, "*", "*")
			p.signal(s)
			got := p.end()
			for _, want := range []string{`served for \d.*, received \d+ B, sent \d+ B\n`, `requests +3  2 2xx, 1 4xx\n`, `connections +1\n`, `timeouts +0\n`} {
				if got.status != 0 || !regexp.MustCompile(want).MatchString(got.stdout) {
					t.Errorf("after %v: %+v, want status 0 and %s", s, got, want)
				}
			}
		}
	})
}

func TestQuiet(t *testing.T) {
	// Without its first line nobody knows the port, so it is given one that
	// was free just now.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	p := &program{t: t}
	p.collect(p.launch("serve", "-quiet", "-addr", addr))
	overdue := time.Now().Add(patient)
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.SetDeadline(overdue)
			io.WriteString(conn, "GET /plaintext HTTP/1.0\r\n\r\n")
			b, _ := io.ReadAll(conn)
			conn.Close()
			if !strings.HasSuffix(string(b), hello) {
				t.Errorf("the answer is %q", b)
			}
			break
		}
		if time.Now().After(overdue) {
			t.Fatal(err)
		}
	}
	if got := p.stop(); got != (result{}) {
		t.Errorf("the end of a quiet one = %+v, want nothing", got)
	}
}

func TestLog(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-log")
		c := client(t)
		want(t, c, "GET", p.url+"plaintext?a=b", 200, "*", "*")
		echoes(t, c, p.url, 50_000, true)
		want(t, c, "GET", p.url+"nothing", 404, "*", "*")
		want(t, c, "HEAD", p.url, 200, "*", "")
		conn := dial(t, p)
		io.WriteString(conn, "GET / HTTP/1.1\nHost: a\r\n\r\n")
		head(t, conn)
		conn.Close()
		got := p.stop()
		const when, from = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S* `, `127\.0\.0\.1:\d+ `
		pattern := `^` +
			when + from + `GET /plaintext\?a=b 200 13 \d+\.\d{3}ms\n` +
			when + from + `POST /echo 200 50000 \d+\.\d{3}ms\n` +
			when + from + `GET /nothing 404 10 \d+\.\d{3}ms\n` +
			when + from + `HEAD / 200 0 \d+\.\d{3}ms\n` +
			when + `#\d+\.\d+ bad input: http1: .*, answered 400, worker \d+\n$`
		if !regexp.MustCompile(pattern).MatchString(got.stderr) {
			t.Errorf("-log says\n%s", got.stderr)
		}

		p = start(t, "-backend", backend, "-log=all")
		conn = dial(t, p)
		io.WriteString(conn, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01")
		head(t, conn)
		io.Copy(io.Discard, conn)
		conn.Close()
		got = p.stop()
		for _, want := range []string{`#0\.1 accepted`, `#0\.1 127\S+ GET /plaintext 200 13 `, `#0\.1 bad input: http1: `, `#0\.1 closed`} {
			if !regexp.MustCompile(want).MatchString(got.stderr) {
				t.Errorf("-log=all does not say %q:\n%s", want, got.stderr)
			}
		}
	})
}

// TestRequestsAreFinished has the program end while it works on a request and
// while another connection is idle.
func TestRequestsAreFinished(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		idle, busy := dial(t, p), dial(t, p)
		io.WriteString(idle, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
		head(t, idle)
		io.WriteString(busy, "GET /sleep?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n")
		p.until(func(now map[string]int) bool { return now["busy"] == 2 })
		p.signal(os.Interrupt)
		resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "Slept.\n" || !resp.Close {
			t.Errorf("the request under way is answered %q, %v, close %v, want Slept. and Connection: close", b, err, resp.Close)
		}
		if b, err := io.ReadAll(idle); err != nil || string(b) != hello {
			t.Errorf("the idle connection gets %q, %v, want what was left and the end", b, err)
		}
		busy.Close()
		if got := p.end(); got.status != 0 || !strings.Contains(got.stdout, "finishing 1 connection,") {
			t.Errorf("the end = %+v, want status 0", got)
		}
	})
}

func TestSecondInterrupt(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		conn := dial(t, p)
		io.WriteString(conn, "GET /sleep?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
		p.until(func(now map[string]int) bool { return now["busy"] == 2 })
		p.signal(os.Interrupt)
		// It lets nobody in any more when it has taken the first.
		for {
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				break
			}
			c.Close()
		}
		p.signal(os.Interrupt)
		// What has lasted for as long as its grace is cut off in other words.
		got := p.end()
		if got.status != 1 || !strings.Contains(got.stdout, "served for") || got.stderr != "bobtail: cut off what was not finished\n" {
			t.Errorf("the end = %+v, want status 1 and one line", got)
		}
	})
}
