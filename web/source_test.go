package web_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

// pages is a Source of n bytes and some more, of which ReadAt gives at most
// some at a time.
type pages struct {
	n, most int64
	err     error // at the end, instead of io.EOF
	closed  int
}

func (p *pages) ReadAt(b []byte, off int64) (int, error) {
	if p.most > 0 && int64(len(b)) > p.most {
		b = b[:p.most]
	}
	n := 0
	for ; n < len(b) && off+int64(n) < p.n+10; n++ {
		b[n] = "0123456789abcdef"[(off+int64(n))%16]
	}
	if n == 0 && p.err != nil {
		return 0, p.err
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (p *pages) Close() error {
	p.closed++
	return nil
}

// TestSourceAlone sends Sources on a stream of the caller's: straight away, in
// pieces that fit into the worker's memory.
func TestSourceAlone(t *testing.T) {
	x := newExchange(t)
	text := strings.Repeat("0123456789abcdef", 2000)
	for _, c := range []struct {
		name   string
		method string
		src    pages
		off, n int64
		status int
		want   string
		err    error
	}{
		{name: "empty", method: "GET", status: 200},
		{name: "short", method: "GET", src: pages{n: 5}, n: 5, status: 200, want: text[:5]},
		{name: "long", method: "GET", src: pages{n: 20_000}, n: 20_000, status: 200, want: text[:20_000]},
		{name: "in the midst", method: "GET", src: pages{n: 20_000}, off: 7, n: 9000, status: 200, want: text[7:9007]},
		{name: "in small pieces", method: "GET", src: pages{n: 9000, most: 7}, off: 1, n: 9000, status: 200, want: text[1:9001]},
		{name: "HEAD", method: "HEAD", src: pages{n: 20_000}, n: 20_000, status: 200},
		{name: "no content", method: "GET", src: pages{n: 20_000}, n: 20_000, status: 204},
		{name: "not modified", method: "GET", src: pages{n: 20_000}, n: 20_000, status: 304},
		{name: "ends early", method: "GET", src: pages{n: 3000}, n: 4000, status: 200, err: web.ErrSource},
		{name: "fails", method: "GET", src: pages{n: 3000, err: errMine}, n: 4000, status: 200, err: errMine},
		{name: "negative offset", method: "GET", off: -1, status: 200, err: web.ErrMisuse},
		{name: "negative length", method: "GET", n: -1, status: 200, err: web.ErrMisuse},
		{name: "end beyond all offsets", method: "GET", off: 1<<63 - 1, n: 1, status: 200, err: web.ErrMisuse},
		{name: "content of a 205", method: "GET", src: pages{n: 5}, n: 5, status: 205, err: http1.ErrLengthExceeded},
	} {
		s := &rw{Reader: strings.NewReader(request(c.method, "/", "") + last)}
		var told error
		err := x.ServeStream(s, func(w web.Response, r *web.Request) error {
			if c.src.closed > 0 {
				return w.Text("next")
			}
			told = w.Status(c.status).Source(&c.src, c.off, c.n)
			return told
		})
		if c.src.closed != 1 {
			t.Errorf("%s: closed %d times", c.name, c.src.closed)
		}
		if !errors.Is(told, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: Source fails with %v, and the connection with %v; want %v", c.name, told, err, c.err)
		}
		got := s.out.String()
		head, content, _ := strings.Cut(got, "\r\n\r\n")
		if c.err != nil {
			continue
		}
		if c.status != 204 && !strings.Contains(head, fmt.Sprintf("\r\nContent-Length: %d", c.n)) {
			t.Errorf("%s: %q", c.name, head)
		}
		if !strings.HasPrefix(content, c.want+"HTTP/1.1 200") {
			t.Errorf("%s: %d bytes of content: %.100q", c.name, len(content), content)
		}
	}
}
