package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// outcome is what a parser says in the end, and where.
type outcome struct {
	done bool
	err  error
	at   int // bytes of the input that were looked at
	head string
}

func (o outcome) same(p outcome) bool {
	return o.done == p.done && o.err == p.err && o.head == p.head && (!o.done || o.at == p.at)
}

// parseWhole parses what there is at once.
func parseWhole(p *http1.Parser, in []byte) outcome {
	var h http1.Head
	g := splittest.Guard(in)
	done, err := p.Parse(&h, g.Bytes)
	o := outcome{done: done, err: err, at: h.Scanned()}
	if done {
		o.head = describe(&h, g.Bytes)
	}
	return o
}

// parseCut parses what there is in pieces of step bytes, with Compact after
// each if it is asked for.
func parseCut(p *http1.Parser, in []byte, step int, compact bool) outcome {
	var h http1.Head
	var b []byte
	for n := 0; ; {
		m := min(n+step, len(in))
		b = append(b, in[n:m]...)
		n = m
		unscanned := len(b)
		done, err := p.Parse(&h, b)
		unscanned -= h.Scanned()
		if done || err != nil || n == len(in) {
			o := outcome{done: done, err: err, at: n - unscanned}
			if done {
				o.head = describe(&h, b)
			}
			return o
		}
		if compact {
			b = b[:h.Compact(b)]
		}
	}
}

func FuzzHead(f *testing.F) {
	for _, in := range []string{
		plaintext, fields20, browser(100), withFields("Content-Length: 5") + "hello",
		withFields("Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n",
		"\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: a\r\n\r\n",
		"CONNECT a:1 HTTP/1.0\r\n\r\n", "GET http://a/b?c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01", "GET / HTTP/1.1\r\nA : b\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n",
		"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
	} {
		f.Add([]byte(in), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		for _, p := range []*http1.Parser{
			{Keep: http1.DefaultFields()},
			{Keep: http1.AllFields(), Limits: http1.Limits{Head: 300, Fields: 5, Target: 20}},
		} {
			whole := parseWhole(p, in)
			for _, s := range []int{1, max(1, int(step))} {
				for _, compact := range []bool{false, true} {
					if cut := parseCut(p, in, s, compact); !cut.same(whole) {
						t.Fatalf("%q\n whole    %+v\n cut by %d %+v (compact %v)", in, whole, s, cut, compact)
					}
				}
			}
			if whole.done {
				agree(t, in)
			}
		}
	})
}

// agree compares what is understood of an accepted head, and of the content
// behind it, with net/http, where that accepts it too. It refuses targets that
// it cannot decode.
func agree(t *testing.T, in []byte) {
	var h http1.Head
	p := &http1.Parser{}
	if done, _ := p.Parse(&h, in); !done {
		return
	}
	src := bufio.NewReader(bytes.NewReader(bytes.TrimLeft(in, "\r\n")))
	r, err := http.ReadRequest(src)
	if err != nil {
		if !strings.Contains(err.Error(), "URL") && !strings.Contains(err.Error(), "URI") && !strings.Contains(err.Error(), "malformed MIME header") {
			t.Fatalf("%q is accepted, net/http says: %v", in, err)
		}
		return
	}
	if r.Method != string(h.MethodName(in)) || r.RequestURI != string(h.Target(in)) {
		t.Fatalf("%q: net/http understands %q %q", in, r.Method, r.RequestURI)
	}
	if h.Form() != http1.Absolute && h.Form() != http1.Authority && r.Host != string(h.Host(in)) {
		t.Fatalf("%q: Host %q, net/http %q", in, h.Host(in), r.Host)
	}
	if chunked := len(r.TransferEncoding) != 0; chunked != h.Chunked() {
		t.Fatalf("%q: chunked %v, net/http %v", in, h.Chunked(), chunked)
	}
	if n, ok := h.ContentLength(); ok && r.ContentLength != int64(n) {
		t.Fatalf("%q: length %d, net/http %d", in, n, r.ContentLength)
	}
	if r.Close == h.KeepAlive() {
		t.Fatalf("%q: keep-alive %v, net/http close %v", in, h.KeepAlive(), r.Close)
	}
	y := h.Body()
	content, rest, err := contentOf(&y, in[h.Scanned():])
	if err != nil || !y.Done() {
		return
	}
	theirs, err := io.ReadAll(r.Body)
	if err != nil && strings.Contains(err.Error(), "chunk length too large") {
		return // more than 16 digits, of which we take zeros
	}
	if err != nil {
		t.Fatalf("%q: content is %q, net/http says %v", in, content, err)
	}
	left, _ := io.ReadAll(src)
	if string(theirs) != content || string(left) != string(rest) {
		t.Fatalf("%q: content %q, rest %q; net/http %q, %q", in, content, rest, theirs, left)
	}
}

// contentOf is the content in b, and what follows it.
func contentOf(y *http1.Body, b []byte) (content string, rest []byte, err error) {
	for !y.Done() {
		piece, n, err := y.Next(b, &http1.Limits{})
		if err != nil {
			return content, b, err
		}
		content += string(piece)
		b = b[n:]
		if n == 0 {
			break
		}
	}
	return content, b, nil
}

func FuzzChunked(f *testing.F) {
	for _, in := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "1;a=\"b\\\"\";c\r\nx\r\n0\r\nA: b\r\n\r\nGET", "1 ; a = b\r\n", "0\r\nA\r\n\r\n", "7fffffffffffffff\r\nx",
		"8000000000000000\r\n", "1\r\nxy", "5;\r\n", "00000000000000000001\r\nx\r\n000\r\n\r\n",
	} {
		f.Add([]byte(in), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		l := &http1.Limits{ChunkOverhead: 100, Trailer: 100, Body: 1000}
		type result struct {
			content string
			n       int
			done    bool
			err     error
		}
		run := func(step int) result {
			y := chunkedBody
			r := result{}
			for end := 0; ; {
				end = min(end+step, len(in))
				for !y.Done() {
					g := splittest.Guard(in[r.n:end])
					piece, n, err := y.Next(g.Bytes, l)
					r.content += string(piece)
					r.n += n
					if err != nil {
						r.err = err
						return r
					}
					if n == 0 {
						break
					}
				}
				if y.Done() || end == len(in) {
					r.done = y.Done()
					return r
				}
			}
		}
		whole := run(max(1, len(in)))
		for _, s := range []int{1, max(1, int(step))} {
			if cut := run(s); cut != whole {
				t.Fatalf("%q\n whole    %+v\n cut by %d %+v", in, whole, s, cut)
			}
		}
		if whole.done {
			agree(t, append([]byte(withFields("Transfer-Encoding: chunked")), in...))
		}
	})
}

// No field of a program splits a response, or adds one to it.
func FuzzResponse(f *testing.F) {
	f.Add("Content-Type", "text/plain", "OK", []byte("hello"), 200, uint8(0))
	f.Add("Set-Cookie", "a\r\nContent-Length: 0\r\n\r\n", "", []byte(""), 204, uint8(1))
	f.Add("Connection", "close, keep-alive, upgrade", "x", []byte("0\r\n\r\n"), 101, uint8(2))
	f.Add("Content-Length", "5", "", []byte("hello"), 304, uint8(3))
	f.Fuzz(func(t *testing.T, name, value, reason string, content []byte, code int, kind uint8) {
		m, v := http1.GET, http1.Version11
		if kind&1 != 0 {
			m = http1.HEAD
		}
		if kind&2 != 0 {
			v = http1.Version10
		}
		var r http1.Response
		r.Init(m, v, kind&4 == 0)
		b, err := r.AppendStatus(nil, code, reason)
		if err != nil {
			if len(b) != 0 {
				t.Fatalf("a refused status appends %q", b)
			}
			return
		}
		n := len(b)
		b, err = r.AppendField(b, name, value)
		if err != nil && len(b) != n {
			t.Fatalf("a refused field appends %q", b[n:])
		}
		lines := 1
		if err == nil && len(b) != n {
			lines = 2
		}
		if k := bytes.Count(b, []byte("\n")); k != lines || bytes.Count(b, []byte("\r")) != lines || !bytes.HasSuffix(b, []byte("\r\n")) {
			t.Fatalf("status and field have %d lines: %q", k, b)
		}
		if b, err = r.AppendEnd(b, nil); err != nil {
			t.Fatal(err)
		}
		head := len(b)
		if bytes.Index(b, []byte("\r\n\r\n")) != head-4 {
			t.Fatalf("the head %q ends early", b)
		}
		b, err = r.AppendContent(b, content)
		if err != nil {
			return // more than the field has declared
		}
		if b, err = r.AppendFinish(b); err != nil {
			return // less
		}
		src := bufio.NewReader(bytes.NewReader(b))
		resp, err := http.ReadResponse(src, &http.Request{Method: m.String()})
		if err != nil {
			t.Fatalf("net/http reads %q: %v", b, err)
		}
		got, err := io.ReadAll(resp.Body)
		if rest, _ := io.ReadAll(src); err != nil || len(rest) != 0 || resp.StatusCode != code || r.HasBody() && !bytes.Equal(got, content) {
			t.Fatalf("net/http reads %q as %d %q, %v, and leaves %q", b, resp.StatusCode, got, err, rest)
		}
	})
}
