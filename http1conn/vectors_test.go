package http1conn_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// vector is a request, what tell answers, and the error that ends the
// connection, if any.
type vector struct {
	name, in string
	want     string
	err      error
}

const long = "long content that does not fit into the smallest of the buffers, "

// lines are many fields that nobody wants.
var lines = strings.Repeat("X-Unwanted: "+long+"\r\n", 20)

var vectors = []vector{
	{name: "GET", in: get("/a"), want: told("GET /a a  []")},
	{name: "HEAD", in: request("HEAD", "/a", ""), want: strings.TrimSuffix(told("HEAD /a a  []"), "HEAD /a a  []")},
	{name: "empty lines before", in: "\r\n\r\n" + get("/a"), want: told("GET /a a  []")},
	{name: "field that is kept", in: get("/a", "Cookie: b=c"), want: told("GET /a a b=c []")},
	{name: "fields that are not kept", in: get("/a", "Accept: */*", "Cookie: b", "X: y"), want: told("GET /a a b []")},
	{name: "head larger than the buffer", in: get("/a", strings.TrimSuffix(lines, "\r\n"), "Cookie: b"), want: told("GET /a a b []")},
	{name: "length 0", in: get("/a", "Content-Length: 0"), want: told("GET /a a  []")},
	{name: "content", in: post("/a", "hello"), want: told("POST /a a  [hello]")},
	{name: "content that looks like a request", in: post("/a", get("/b")), want: told("POST /a a  [" + get("/b") + "]")},
	{name: "content larger than the buffer", in: post("/a", strings.Repeat(long, 40), "Cookie: b"), want: told("POST /a a b [" + strings.Repeat(long, 40) + "]")},
	{name: "content behind a head larger than the buffer", in: post("/a", strings.Repeat(long, 10), strings.TrimSuffix(lines, "\r\n")), want: told("POST /a a  [" + strings.Repeat(long, 10) + "]")},
	{name: "chunks", in: chunked("/a", "hello", 2), want: told("POST /a a  [hello]")},
	{name: "no chunk", in: chunked("/a", "", 1), want: told("POST /a a  []")},
	{name: "chunks with extensions and a trailer", in: strings.Replace(strings.Replace(chunked("/a", "hello", 5), "5\r\n", "5;x=\"\\\"\"\r\n", 1), "0\r\n\r\n", "0;y\r\nSum: 5\r\nTransfer-Encoding: x\r\n\r\n", 1), want: told("POST /a a  [hello]")},
	{name: "many small chunks", in: chunked("/a", strings.Repeat(long, 8), 1), want: told("POST /a a  [" + strings.Repeat(long, 8) + "]")},
	{name: "large chunks", in: chunked("/a", strings.Repeat(long, 40), 1000, "Cookie: b"), want: told("POST /a a b [" + strings.Repeat(long, 40) + "]")},
	{name: "HTTP/1.0 that persists", in: "GET /a HTTP/1.0\r\nConnection: keep-alive\r\nHost: b\r\n\r\n", want: strings.Replace(told("GET /a b  []"), dateLine, dateLine+"Connection: keep-alive\r\n", 1)},

	{name: "close", in: get("/a", "Connection: close"), want: strings.Replace(told("GET /a a  []"), dateLine, dateLine+closes, 1)},
	{name: "HTTP/1.0", in: "GET /a HTTP/1.0\r\n\r\n", want: strings.Replace(told("GET /a   []"), dateLine, dateLine+closes, 1)},

	{name: "TLS hello", in: "\x16\x03\x01\x02", want: refusal(400), err: http1.ErrMethodByte},
	{name: "bare LF", in: "GET /a HTTP/1.1\nHost: a\n\n", want: refusal(400), err: http1.ErrBareLF},
	{name: "no Host", in: "GET /a HTTP/1.1\r\n\r\n", want: refusal(400), err: http1.ErrHostMissing},
	{name: "length beside chunks", in: get("/a", "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n", want: refusal(400), err: http1.ErrLengthWithCoding},
	{name: "target that does not fit", in: get("/" + strings.Repeat("a", 9000)), want: refusal(414), err: http1.ErrTargetLong},
	{name: "kept field that does not fit", in: get("/a", "Cookie: "+strings.Repeat("a", 9000)), want: refusal(431), err: http1.ErrHeadLong},
	{name: "unknown coding", in: get("/a", "Transfer-Encoding: gzip"), want: refusal(501), err: http1.ErrCoding},
	{name: "chunk size that is none", in: strings.TrimSuffix(chunked("/a", "hello", 5), "0\r\n\r\n") + "x\r\n", want: refusal(400), err: http1.ErrChunkSize},
	{name: "chunk longer than its size", in: strings.Replace(chunked("/a", "hello", 5), "5\r\n", "4\r\n", 1), want: refusal(400), err: http1.ErrChunkEnd},
}

// TestVectors sends each request in each way, with a request before it and one
// behind it, to buffers of two sizes, and wants the same answers.
func TestVectors(t *testing.T) {
	before, behind := get("/before"), get("/behind", "Connection: close")
	for _, v := range vectors {
		want := told("GET /before a  []") + v.want
		if !strings.Contains(v.want, closes) {
			want += strings.Replace(told("GET /behind a  []"), dateLine, dateLine+closes, 1)
		}
		for _, s := range []sizes{small, middle} {
			for _, way := range ways {
				w := &wire{in: before + v.in + behind, size: way.size()}
				c, got, err := serve(t, s, w, tell)
				if got != want || err != v.err {
					t.Errorf("%s, %s, buffers %v: %v\n got %q\nwant %q", v.name, way.name, s, err, got, want)
				}
				if !c.NeedsClose() || !c.Finished() {
					t.Errorf("%s, %s: it ends in %v", v.name, way.name, c.State())
				}
			}
		}
	}
}

// TestEverySplit is TestVectors cut in two at every byte.
func TestEverySplit(t *testing.T) {
	for _, v := range vectors {
		if len(v.in) > 400 {
			continue
		}
		in := v.in + get("/behind", "Connection: close")
		want := v.want
		if !strings.Contains(v.want, closes) {
			want += strings.Replace(told("GET /behind a  []"), dateLine, dateLine+closes, 1)
		}
		for _, way := range splittest.Ways(len(in)) {
			ends := way.Ends
			w := &wire{in: in, size: func(left int) int {
				at := len(in) - left
				for _, e := range ends {
					if e > at {
						return e - at
					}
				}
				return left
			}}
			if _, got, err := serve(t, small, w, tell); got != want || err != v.err {
				t.Errorf("%s, %s: %v\n got %q\nwant %q", v.name, way.Name, err, got, want)
			}
		}
	}
}
