package bobtail_test

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// vector is a request and what is to come of it. A request whose connection
// persists is followed by another, which ends it.
type vector struct {
	name   string
	in     string
	want   string // what the answer begins with, all of it if it ends in "$"
	closes bool   // the server ends the connection after the answer
}

// refused is the answer to a request that cannot be served.
func refused(status int, reason string) string {
	return "HTTP/1.1 " + strconv.Itoa(status) + " " + reason + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
		strconv.Itoa(len(reason)+1) + "\r\n" + date + "Connection: close\r\n\r\n" + reason + "\n"
}

var bad = refused(400, "Bad Request")

func text(status, fields, body string) string {
	return "HTTP/1.1 " + status + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\n" + date + fields + "\r\n" + body
}

var vectors = []vector{
	{name: "GET", in: get("/fast"), want: ok("fast\n")},
	{name: "GET with a query", in: get("/host?a=b?c"), want: ok("a|/host|a=b?c|HTTP/1.1")},
	{name: "absolute target", in: "GET http://b:80/host?q HTTP/1.1\r\nHost: a\r\n\r\n", want: ok("b:80|/host|q|HTTP/1.1")},
	{name: "an empty line before", in: "\r\n" + get("/fast"), want: ok("fast\n")},
	{name: "two empty lines before", in: "\r\n\r\n" + get("/fast"), want: ok("fast\n")},
	{name: "GET with content", in: "GET /fast HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", want: ok("fast\n")},
	{name: "unknown fields", in: "GET /fast HTTP/1.1\r\nX-A: b\r\nHost: a\r\nCookie: c=d\r\nY: \r\n\r\n", want: ok("fast\n")},
	{name: "HEAD", in: "HEAD /fast HTTP/1.1\r\nHost: a\r\n\r\n", want: strings.TrimSuffix(ok("fast\n"), "fast\n")},
	{name: "HEAD of static content", in: "HEAD /huge HTTP/1.1\r\nHost: a\r\n\r\n", want: "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n" + date + "\r\n"},
	{name: "HEAD of a stream", in: "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n", want: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + date + "\r\n"},
	{name: "no route", in: get("/nowhere"), want: text("404 Not Found", "", "Not Found\n")},
	{name: "no method", in: post("/fast", "abc"), want: "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, OPTIONS\r\n"},
	{name: "any method", in: "PURGE /ignore HTTP/1.1\r\nHost: a\r\n\r\n", want: ok("ignored")},
	{name: "nothing answered", in: get("/empty"), want: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + date + "\r\n"},
	{name: "204", in: get("/none"), want: "HTTP/1.1 204 No Content\r\n" + date + "\r\n"},
	{name: "204 whose handler gives text", in: get("/none/text"), want: "HTTP/1.1 204 No Content\r\nContent-Type: text/plain; charset=utf-8\r\n" + date + "\r\n"},
	{name: "304 whose handler gives text", in: get("/same"), want: "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\n" + date + "\r\n"},
	{name: "bytes", in: get("/bytes"), want: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n" + date + "\r\n{\"a\":1}"},
	{name: "static", in: get("/page"), want: "HTTP/1.1 200 OK\r\nContent-Length: 5600\r\n" + date + "\r\n" + string(page)},
	{name: "chunked answer", in: get("/stream"), want: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"},
	{name: "trailer", in: get("/trailer"), want: "HTTP/1.1 200 OK\r\nTrailer: Sum\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n7\r\ncontent\r\n0\r\nSum: 7\r\n\r\n"},
	{name: "stream of known length", in: get("/streamn"), want: "HTTP/1.1 200 OK\r\nContent-Length: 5600\r\n" + date + "\r\n" + string(page)},
	{name: "interim answer", in: get("/hints"), want: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + ok("hinted")},

	{name: "echo of nothing", in: post("/echo", ""), want: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n$none"},
	{name: "echo", in: "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\nhello", want: "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 5\r\n" + date + "\r\nhello"},
	{name: "chunked content", in: "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n", want: ok("5 495")},
	{name: "chunked content with a trailer", in: "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSum: 1\r\n\r\n", want: ok("1 97")},
	{name: "content that is not read", in: post("/ignore", "GET /fast HTTP/1.1\r\n\r\n"), want: ok("ignored")},
	{name: "chunked content that is not read", in: "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", want: ok("ignored")},
	{name: "content without a route", in: post("/nowhere", "abc"), want: text("404 Not Found", "", "Not Found\n")},

	{name: "close", in: closeAt("/fast"), want: text("200 OK", "Connection: close\r\n", "fast\n") + "$", closes: true},
	{name: "close in a list", in: "GET /fast HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", want: text("200 OK", "Connection: close\r\n", "fast\n") + "$", closes: true},
	{name: "close by the handler", in: get("/close"), want: text("200 OK", "Connection: close\r\n", "bye") + "$", closes: true},
	{name: "HTTP/1.0", in: "GET /fast HTTP/1.0\r\n\r\n", want: text("200 OK", "Connection: close\r\n", "fast\n") + "$", closes: true},
	{name: "HTTP/1.0 keep-alive", in: "GET /fast HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", want: text("200 OK", "Connection: keep-alive\r\n", "fast\n")},
	{name: "HTTP/1.0 keep-alive in a list", in: "GET /fast HTTP/1.0\r\nConnection: Keep-Alive, Upgrade\r\n\r\n", want: text("200 OK", "Connection: keep-alive\r\n", "fast\n")},
	{name: "HTTP/1.0 keep-alive, and close", in: "GET /fast HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", want: text("200 OK", "Connection: close\r\n", "fast\n") + "$", closes: true},
	{name: "HTTP/1.0 keep-alive, length not known", in: "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", want: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + date + "Connection: close\r\n\r\none two$", closes: true},
	{name: "HTTP/1.0 gets no interim answer", in: "GET /hints HTTP/1.0\r\n\r\n", want: text("200 OK", "Connection: close\r\n", "hinted") + "$", closes: true},

	{name: "handler fails", in: get("/error"), want: refused(500, "Internal Server Error") + "$", closes: true},
	{name: "handler fails with a status", in: get("/coded"), want: refused(429, "Too Many Requests") + "$", closes: true},
	{name: "handler panics", in: get("/panic"), want: refused(500, "Internal Server Error") + "$", closes: true},

	{name: "TLS hello", in: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", want: bad + "$", closes: true},
	{name: "HTTP/2 preface", in: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: refused(505, "HTTP Version Not Supported") + "$", closes: true},
	{name: "no version", in: "GET /\r\n", want: bad + "$", closes: true},
	{name: "bare LF", in: "GET /fast HTTP/1.1\nHost: a\n\n", want: bad + "$", closes: true},
	{name: "NUL in a value", in: "GET /fast HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", want: bad + "$", closes: true},
	{name: "folded field", in: "GET /fast HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", want: bad + "$", closes: true},
	{name: "space before the colon", in: "GET /fast HTTP/1.1\r\nHost : a\r\n\r\n", want: bad + "$", closes: true},
	{name: "no Host", in: "GET /fast HTTP/1.1\r\n\r\n", want: bad + "$", closes: true},
	{name: "two Hosts", in: "GET /fast HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", want: bad + "$", closes: true},
	{name: "length and coding", in: "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: bad + "$", closes: true},
	{name: "two lengths", in: "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", want: bad + "$", closes: true},
	{name: "length with a sign", in: "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", want: bad + "$", closes: true},
	{name: "length of 2^63", in: "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nabc", want: refused(413, "Content Too Large") + "$", closes: true},
	{name: "unknown coding", in: "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabc", want: refused(501, "Not Implemented") + "$", closes: true},
	{name: "coding in HTTP/1.0", in: "POST /len HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: bad + "$", closes: true},
	{name: "expectation that is not known", in: "POST /len HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: tea\r\n\r\na", want: refused(417, "Expectation Failed") + "$", closes: true},
	{name: "chunk size that is none", in: "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", want: bad + "$", closes: true},
	{name: "chunk longer than its size", in: "POST /len HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", want: bad + "$", closes: true},
	{name: "three empty lines before", in: "\r\n\r\n\r\n" + get("/fast"), want: bad + "$", closes: true},
	{name: "HEAD that cannot be served", in: "HEAD /fast HTTP/1.1\r\n\r\n", want: "HTTP/1.1 400 Bad Request\r\n", closes: true},
}

// behind is what follows a vector: the end of a connection that persists.
var behind = closeAt("/fast")

var answerBehind = text("200 OK", "Connection: close\r\n", "fast\n")

func init() {
	for i := range vectors {
		if v := &vectors[i]; v.name == "echo of nothing" {
			v.want = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + date + "\r\n"
		}
	}
}

// TestVectors sends each request whole, byte by byte, and in two reads cut
// everywhere, with more behind it, and wants the same bytes for an answer. The
// system's networks share the cuts: each is made on one of them.
func TestVectors(t *testing.T) {
	real := servertest.Real()
	run(t, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		f.site()
		number := slices.IndexFunc(real, func(k servertest.Kind) bool { return k.Name == f.Kind })
		for _, v := range vectors {
			in := v.in + behind
			ways := splittest.Ways(len(in))
			if f.Net == nil && testing.Short() {
				ways = ways[:2]
			}
			whole := ""
			for i, way := range ways {
				if f.Net == nil && i > 1 && i%len(real) != number {
					continue
				}
				got := f.exchange(in, way.Ends)
				if i == 0 {
					whole = got
					v.check(t, got)
				} else if got != whole {
					t.Errorf("%s: %s gives another answer than whole:\n%q\n%q", v.name, way.Name, got, whole)
					break
				}
			}
		}
	})
}

func (v *vector) check(t *testing.T, got string) {
	want, all := strings.CutSuffix(v.want, "$")
	rest, begins := strings.CutPrefix(got, want)
	switch {
	case !begins, all && rest != "":
		t.Errorf("%s: got %q\nwant %q", v.name, got, v.want)
	case v.closes && strings.Contains(rest, "HTTP/1.1"):
		t.Errorf("%s: the connection goes on: %q", v.name, rest)
	case !v.closes && !strings.HasSuffix(got, answerBehind):
		t.Errorf("%s: the connection does not go on: %q", v.name, got)
	}
}

// exchange sends input on a new connection, in reads that end as ends says,
// and returns all that is answered. The server must end in order.
func (f *fixture) exchange(in string, ends []int) string {
	f.T.Helper()
	f.Await("the end of the last connection", func() bool { return f.Server.Stats().Open == 0 })
	before := f.Server.Stats()
	c, err := f.TryConnect() // closed here
	if err != nil {
		f.T.Fatal(err)
	}
	defer c.Conn.Close()
	from := 0
	for _, to := range ends {
		if c.TrySend(in[from:to]) != nil {
			break // the server has closed
		}
		if from = to; to < len(in) {
			f.took(before.Received+uint64(to), before.Accepted+1)
		}
	}
	got, err := c.All()
	if err != nil {
		f.T.Errorf("%q in %v: got %q, and %v", in, cuts(ends), got, err)
	}
	return got
}

// took waits until the server has received n bytes, or has ended all of its
// connections, of which it has accepted some.
func (f *fixture) took(n, accepted uint64) {
	f.T.Helper()
	if f.Net != nil {
		f.Settle()
		return
	}
	f.Await("bytes at the server", func() bool {
		s := f.Server.Stats()
		return s.Received >= n || s.Accepted >= accepted && s.Open == 0
	})
}

func cuts(ends []int) string {
	if len(ends) == 2 {
		return "two reads cut at " + strconv.Itoa(ends[0])
	}
	return strconv.Itoa(len(ends)) + " reads"
}

// TestPipelined sends many requests in one write, and in two reads cut
// anywhere.
func TestPipelined(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 2048}, func(t *testing.T, f *fixture) {
		f.site()
		for _, n := range []int{2, 16, 100} {
			for _, mixed := range []bool{false, true} {
				var in, want strings.Builder
				for i := range n {
					switch k := i % 5; {
					case !mixed || k == 0:
						in.WriteString(get("/fast"))
						want.WriteString(ok("fast\n"))
					case k == 1:
						in.WriteString(post("/len", "abc"))
						want.WriteString(ok("3 294"))
					case k == 2:
						in.WriteString("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
						want.WriteString("HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
					case k == 3:
						in.WriteString(post("/ignore", strings.Repeat("x", 300)))
						want.WriteString(ok("ignored"))
					case k == 4:
						in.WriteString(get("/page"))
						want.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 5600\r\n" + date + "\r\n" + string(page))
					}
				}
				in.WriteString(behind)
				want.WriteString(answerBehind)
				cuts := []int{in.Len()}
				every := 1
				if n > 16 || mixed || f.Net == nil {
					every = 37
				}
				for at := 1; at < in.Len(); at += every {
					cuts = append(cuts, at)
				}
				for _, at := range cuts {
					ends := []int{at, in.Len()}
					if at == in.Len() {
						ends = ends[1:]
					}
					if got := f.flood(in.String(), ends); got != want.String() {
						t.Fatalf("%d requests, mixed %v, cut at %d: got %s\nwant %s", n, mixed, at, diff(got, want.String()), servertest.Brief(want.String()))
					}
				}
			}
		}
	})
}

func diff(got, want string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	from := max(i-50, 0)
	return strconv.Itoa(len(got)) + " bytes of " + strconv.Itoa(len(want)) + ", another from " + strconv.Itoa(i) + " on: " + strconv.Quote(got[from:min(i+100, len(got))])
}

// flood is exchange for an input that the server may not take before its
// answers are read.
func (f *fixture) flood(in string, ends []int) string {
	f.T.Helper()
	f.Await("the end of the last connection", func() bool { return f.Server.Stats().Open == 0 })
	before := f.Server.Stats()
	c, err := f.TryConnect() // closed here
	if err != nil {
		f.T.Fatal(err)
	}
	defer c.Conn.Close()
	sent := make(chan error, 1)
	go func() {
		from := 0
		for i, to := range ends {
			if i > 0 && f.Net == nil {
				f.took(before.Received+uint64(from), before.Accepted+1)
			}
			if _, err := io.WriteString(c.Conn, in[from:to]); err != nil {
				sent <- err
				return
			}
			from = to
		}
		sent <- nil
	}()
	got, err := c.All()
	if err != nil {
		f.T.Errorf("got %s, and %v", servertest.Brief(got), err)
	}
	if err := <-sent; err != nil {
		f.T.Errorf("send: %v", err)
	}
	return got
}
