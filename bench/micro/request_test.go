package micro

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/web"
	"github.com/valyala/fasthttp"
)

const hello = "Hello, World!"

// responsesOf are all responses in b, in words.
func responsesOf(b []byte) (string, error) {
	var words bytes.Buffer
	r := bufio.NewReader(bytes.NewReader(b))
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return words.String(), nil
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return "", fmt.Errorf("%w in %q", err, b)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return "", err
		}
		if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
			return "", err
		}
		fmt.Fprintf(&words, "%d %s %v %q\n", resp.StatusCode, resp.Header.Get("Content-Type"), resp.Close, body)
	}
}

// served are whole requests, of a connection in memory whose every read has one
// or 16 of them: parsed, dispatched by path, and answered. It is what a server
// of each library does but for the system calls. "bobtail" has the dispatch in its
// handler, as fasthttp has; "bobtail-server" is the whole server, with routes,
// slots, deadlines and counters, on transport/memory, whose work is in the
// figure, and whose clock stands.
func served(tb testing.TB) (all []comparison) {
	tb.Helper()
	for _, c := range []struct {
		name, text string
		atOnce     int
	}{
		{"in=short/at-once=1", shortRequest, 1},
		{"in=short/at-once=16", shortRequest, 16},
		{"in=browser/at-once=1", browserRequest, 1},
	} {
		in := bytes.Repeat([]byte(c.text), c.atOnce)
		path := c.text[len("GET "):bytes.Index([]byte(c.text), []byte(" HTTP/"))]
		all = append(all, comparison{c.name, len(in), []side{exchange(tb, in, path), server(tb, in, path, c.atOnce), fast(in, path), standard(in, path)}})
	}
	return all
}

func exchange(tb testing.TB, in []byte, path string) side {
	tb.Helper()
	wall := func() int64 { return unix * 1e9 } // a server reads its clock once a turn
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 16384), wall)
	if err != nil {
		tb.Fatal(err)
	}
	handle := func(w web.Response, r *web.Request) error {
		if string(r.Path()) != path {
			return w.Status(404).Empty()
		}
		return w.Text(hello)
	}
	var out []byte
	return side{by: "bobtail", loop: func(n int) error {
		s := newStream(in, n)
		err := x.ServeStream(s, handle)
		out = s.out
		return err
	}, gave: func() (string, error) { return responsesOf(out) }}
}

func server(tb testing.TB, in []byte, path string, atOnce int) side {
	tb.Helper()
	n := memory.New(memory.Config{})
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 16, Workers: 2, Backend: n, Lanes: 1,
		Wall: func() int64 { return unix * 1e9 },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { srv.Close() })
	if err := srv.Handle("GET "+path, func(w bobtail.Response, r *bobtail.Request) error { return w.Text(hello) }); err != nil {
		tb.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	peer, err := n.Connect(addr)
	if err != nil {
		tb.Fatal(err)
	}
	buf := make([]byte, 16384)
	got, size := 0, 0 // size is that of all answers, once it is known
	end := []byte("\r\n\r\n" + hello)
	return side{by: "bobtail-server", loop: func(times int) error {
		for range times {
			for k := 0; k < len(in); {
				m, err := peer.TryWrite(in[k:])
				if k += m; err != nil {
					return err
				}
			}
			for got = 0; ; {
				if _, err := srv.Poll(srv.Now()); err != nil {
					return err
				}
				m, err := peer.TryRead(buf[got:])
				if got += m; err != nil && err != transport.ErrWouldBlock {
					return err
				}
				if size == 0 && bytes.Count(buf[:got], end) == atOnce {
					size = got
				}
				if size > 0 && got >= size {
					break
				}
			}
		}
		return nil
	}, gave: func() (string, error) { return responsesOf(buf[:got]) }}
}

func fast(in []byte, path string) side {
	var out []byte
	s := &fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) {
		if string(c.Path()) != path {
			c.SetStatusCode(404)
			return
		}
		c.SetContentType(contentType)
		c.SetBodyString(hello)
	}}
	return side{by: "fasthttp", loop: func(n int) error {
		c := newStream(in, n)
		err := s.ServeConn(c)
		out = c.out
		return err
	}, gave: func() (string, error) { return responsesOf(out) }}
}

func standard(in []byte, path string) side {
	var out []byte
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, hello)
	})
	return side{by: "net-http", loop: func(n int) error {
		c := newStream(in, n)
		s := http.Server{Handler: mux}
		l := listenerOf(c)
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(l) }()
		<-c.closed
		out = c.out
		s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, gave: func() (string, error) { return responsesOf(out) }}
}

func TestServed(t *testing.T)      { same(t, served(t)) }
func BenchmarkServed(b *testing.B) { measure(b, served(b)) }
