//go:build amd64 || arm64

package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// head awaits the head of an answer.
func (c *peer) head() *http.Response {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// status awaits an answer, and leaves its content in Body.
func (c *peer) status(code int) *http.Response {
	c.t.Helper()
	r := c.head()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != code {
		c.t.Fatalf("%s with %.100q, %v, want %d", r.Status, b, err, code)
	}
	if date, err := http.ParseTime(r.Header.Get("Date")); err != nil || time.Since(date).Abs() > time.Minute {
		c.t.Errorf("the date is %q, %v", r.Header.Get("Date"), err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return r
}

func content(r *http.Response) string {
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

func TestHTTPRoutes(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		c := p.dial(p.web)
		for _, r := range []struct{ method, path, kind, body string }{
			{"GET", "/plaintext", "text/plain", "Hello, World!"},
			{"GET", "/plaintext?a=b", "text/plain", "Hello, World!"},
			{"GET", "http://b/plaintext", "text/plain", "Hello, World!"},
			{"GET", "/json", "application/json", `{"message":"Hello, World!"}`},
			{"GET", "/", "text/html; charset=utf-8", page},
			{"GET", "http://b", "text/html; charset=utf-8", page},
			{"GET", "/sleep?ms=0", "text/plain", "Slept.\n"},
		} {
			got := c.send(r.method + " " + r.path + " HTTP/1.1\r\nHost: a\r\n\r\n").status(200)
			if kind, body := got.Header.Get("Content-Type"), content(got); kind != r.kind || body != r.body {
				t.Errorf("%s is %q, %q, want %q, %q", r.path, kind, body, r.kind, r.body)
			}
		}
		if len(page) >= 1024 {
			t.Errorf("the page has %d bytes, want less than 1024", len(page))
		}
		for _, r := range []struct {
			request, allow string
			code           int
		}{
			{get("/nothing"), "", 404},
			{get("/plaintext/"), "", 404},
			{get("/sleep"), "", 400},
			{get("/sleep?ms=60001"), "", 400},
			{"POST /plaintext HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "GET, HEAD", 405},
			{"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", "GET, HEAD", 405},
			{get("/echo"), "POST", 405},
			{get("/ws"), "", 426},
			{"POST /ws HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "GET", 405},
		} {
			if got := c.send(r.request).status(r.code); got.Header.Get("Allow") != r.allow {
				t.Errorf("%q allows %q, want %q", r.request, got.Header.Get("Allow"), r.allow)
			}
		}
	})
}

func TestHTTPHead(t *testing.T) {
	c := launch(t, 1).dialWeb().send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/plaintext"))
	var b strings.Builder
	for !strings.HasSuffix(b.String(), "Hello, World!") {
		x, err := c.r.ReadByte()
		if err != nil {
			t.Fatal(err, b.String())
		}
		b.WriteByte(x)
	}
	if s := b.String(); !strings.Contains(s, "Content-Length: "+strconv.Itoa(len(page))+"\r\n") || strings.Contains(s, "<h1>") {
		t.Errorf("HEAD is answered with %q", s)
	}
}

// dialWeb is a connection to the web.
func (p *program) dialWeb() *peer { return p.dial(p.web) }

// refusals are requests that are answered and end the connection.
var refusals = []struct {
	name, request string
	code          int
}{
	{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	{"no version", "GET /\r\n", 400},
	{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400},
	{"folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
	{"space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
	{"length and coding", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"two lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
	{"length of 2^63", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nabc", 413},
	{"unknown coding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabc", 501},
	{"coding in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"expectation that is not known", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: tea\r\n\r\na", 417},
	{"three empty lines before", "\r\n\r\n\r\n" + get("/"), 400},
	{"method too long", strings.Repeat("A", 25) + " / HTTP/1.1\r\n\r\n", 501},
	{"target too long", "GET /" + strings.Repeat("a", 1024) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
	{"more to keep than there is room for", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + strings.Repeat("a", 2100) + "\r\n\r\n", 431},
	{"too many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: a\r\n", 100) + "\r\n", 431},
}

func TestHTTPRefusals(t *testing.T) {
	p := launch(t, 2)
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			for cut := range min(len(r.request), 40) {
				c := p.dial(p.web)
				c.t = t
				c.send(r.request[:cut])
				if cut%8 == 7 { // has the server read it
					p.dial(p.web).send(get("/plaintext")).status(200)
				}
				c.Write([]byte(r.request[cut:]))
				if got := c.status(r.code); !got.Close {
					t.Error("the answer does not say that the connection ends")
				}
				c.end()
			}
		})
	}
}

// TestHTTPPieces sends requests in pieces of every size, and several at once.
func TestHTTPPieces(t *testing.T) {
	p := launch(t, 2)
	all := get("/plaintext") +
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Type: text/x\r\n\r\nhello" +
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n002\r\nde\r\n0\r\nSum: 1\r\n\r\n" +
		"\r\n" + get("/json") + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" +
		"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
		"GET /plaintext HTTP/1.0\r\n\r\n"
	for size := 1; size < len(all)+50; size += 1 + size/3 {
		c := p.dial(p.web)
		go func() {
			for s := all; s != ""; {
				n := min(size, len(s))
				if _, err := io.WriteString(c, s[:n]); err != nil {
					return
				}
				s = s[n:]
			}
		}()
		for _, want := range []string{"Hello, World!", "hello", "abcde", `{"message":"Hello, World!"}`, ""} {
			if got := content(c.status(200)); got != want {
				t.Fatalf("in pieces of %d: %q came, want %q", size, got, want)
			}
		}
		c.status(404)
		if got := content(c.status(200)); got != "Hello, World!" {
			t.Fatalf("in pieces of %d: %q came", size, got)
		}
		c.end()
	}
}

// TestHTTPPipeline has many more answers come than can be gathered.
func TestHTTPPipeline(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		c := p.dial(p.web)
		const n = 2000
		go io.WriteString(c, strings.Repeat(get("/plaintext")+get("/"), n))
		for range n {
			if got := content(c.status(200)); got != "Hello, World!" {
				t.Fatalf("%q came", got)
			}
			if got := content(c.status(200)); got != page {
				t.Fatalf("%q came", got)
			}
		}
	})
}

// TestHTTPLongHead sends more fields than any buffer holds.
func TestHTTPLongHead(t *testing.T) {
	c := launch(t, 1).dialWeb()
	c.send("GET /plaintext HTTP/1.1\r\nHost: a\r\nCookie: " + strings.Repeat("c", 20000) + "\r\nUser-Agent: " + strings.Repeat("u", 9000) + "\r\n\r\n").status(200)
	c.send(get("/plaintext")).status(200)
}

// TestHTTPEcho sends content of many lengths, both ways.
func TestHTTPEcho(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		var client http.Client
		for _, n := range []int{0, 1, 100, 2047, 2048, 2049, 65536, 3 << 20} {
			text := strings.Repeat("squid and chips ", n/16+1)[:n]
			for _, chunked := range []bool{false, true} {
				var body io.Reader = strings.NewReader(text)
				if chunked {
					body = io.MultiReader(body)
				}
				r, err := client.Post("http://"+p.web+"/echo", "text/squid", body)
				if err != nil {
					t.Fatal(err)
				}
				if got := content(r); got != text || r.Header.Get("Content-Type") != "text/squid" {
					t.Fatalf("%d bytes of %d came, of type %q", len(got), n, r.Header.Get("Content-Type"))
				}
				r.Body.Close()
			}
		}
		client.CloseIdleConnections()
	})
}

// TestHTTPTinyChunks has chunks of one byte come in one piece, whose echo is as
// long as they are.
func TestHTTPTinyChunks(t *testing.T) {
	c := launch(t, 1).dialWeb()
	const n = 20000
	go io.WriteString(c, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("1\r\nx\r\n", n)+"0\r\n\r\n")
	if got := content(c.status(200)); got != strings.Repeat("x", n) {
		t.Errorf("%d bytes came", len(got))
	}
}

func TestHTTPContinue(t *testing.T) {
	c := launch(t, 1).dialWeb().send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	c.want("HTTP/1.1 100 Continue\r\n\r\n")
	if got := content(c.send("abc").status(200)); got != "abc" {
		t.Errorf("%q came", got)
	}
}

// TestHTTPSleep sleeps for long enough that a busy machine answers others meanwhile.
func TestHTTPSleep(t *testing.T) {
	const sleep = 3 * time.Second
	p := launch(t, 1)
	c := p.dial(p.web)
	began := time.Now()
	c.send(get("/sleep?ms="+strconv.Itoa(int(sleep/time.Millisecond))) + get("/plaintext"))
	p.dial(p.web).send(get("/plaintext")).status(200) // whom the sleep does not concern
	if took := time.Since(began); took > sleep-10*time.Millisecond {
		t.Errorf("another client waits for %v", took)
	}
	c.status(200)
	if took := time.Since(began); took < sleep-10*time.Millisecond {
		t.Errorf("slept for %v", took)
	}
	if got := content(c.status(200)); got != "Hello, World!" {
		t.Errorf("%q came behind it", got)
	}
}

// TestHTTPSlow has clients be slower than they may.
func TestHTTPSlow(t *testing.T) {
	t.Parallel()
	p := launch(t, 2, "-t", "1")
	silent, slow, half := p.dial(p.web), p.dial(p.web), p.dial(p.web)
	slow.send("GET / HT")
	half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
	go func() { // a byte now and then does not help
		pace := time.NewTicker(200 * time.Millisecond)
		defer pace.Stop()
		for _, c := range []byte("TP/1.1\r\nHost: a") {
			if _, err := slow.Write([]byte{c}); err != nil {
				return
			}
			<-pace.C
		}
	}()
	if got := half.head(); got.StatusCode != 200 {
		t.Errorf("%s", got.Status)
	}
	half.want("abc").end()
	silent.end()
	slow.status(408)
	deaf := p.dial(p.web)
	go io.WriteString(deaf, strings.Repeat(get("/"), 20000)) // and reads nothing
	p.await("open", 1)
}

// await waits until one of the figures of the program is as low as that.
func (p *program) await(name string, n int) {
	p.t.Helper()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	end := time.Now().Add(patient)
	for p.count(name) > n {
		if time.Now().After(end) {
			p.t.Fatalf("%s is still %d", name, p.count(name))
		}
		<-pace.C
	}
}

// count is one of the figures of the program.
func (p *program) count(name string) int {
	p.t.Helper()
	c := p.dial(p.web)
	defer c.Close()
	_, rest, ok := strings.Cut(content(c.send(get("/stats")).status(200)), `"`+name+`":`)
	n, err := strconv.Atoi(rest[:strings.IndexAny(rest, ",}")])
	if !ok || err != nil {
		p.t.Fatalf("%q is not in the figures: %v", name, err)
	}
	return n
}
