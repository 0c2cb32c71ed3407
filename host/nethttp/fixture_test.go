package nethttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// kinds are the backends that a server runs on, memory among them.
var kinds = append([]servertest.Kind{{Name: "memory"}}, servertest.Real()...)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// peer is a client's end of a connection.
type peer interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// fixture is a server of Bobtail.
type fixture struct {
	srv  *bobtail.Server
	dial func(t *testing.T) peer
}

// serve runs a server until the test ends.
func serve(t *testing.T, k servertest.Kind, cfg bobtail.Config, add func(*bobtail.Server) error) *fixture {
	t.Helper()
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	var mem *memory.Network
	if k.Open == nil {
		mem = memory.New(memory.Config{})
		cfg.Backend = mem
		passTime(t, mem)
	} else {
		b, err := k.Open(min(cfg.Workers, 2))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Backend = b
	}
	srv, err := bobtail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := add(srv); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	f := &fixture{srv: srv}
	f.dial = func(t *testing.T) peer {
		t.Helper()
		if mem == nil {
			return dialTCP(t, addr.String())
		}
		p, err := mem.Connect(addr)
		if err == nil {
			err = p.AwaitConnected()
		}
		if err != nil {
			t.Fatal(err)
		}
		limit := time.AfterFunc(patience, func() { p.Reset() })
		t.Cleanup(func() { limit.Stop(); p.Close() })
		return p
	}
	return f
}

// passTime has the time of a network in memory pass.
func passTime(t *testing.T, mem *memory.Network) {
	stop := make(chan bool)
	var g sync.WaitGroup
	g.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				mem.Advance(int64(time.Millisecond))
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); g.Wait() })
}

func dialTCP(t *testing.T, addr string) peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// standard runs package net/http's own server.
func standard(t *testing.T, h http.Handler) func(t *testing.T) peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return func(t *testing.T) peer { return dialTCP(t, l.Addr().String()) }
}

// on runs a test with handlers mounted on every backend.
func on(t *testing.T, cfg bobtail.Config, handlers map[string]http.HandlerFunc, body func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			body(t, serve(t, k, cfg, mounting(handlers)))
		})
	}
}

func mounting(handlers map[string]http.HandlerFunc) func(*bobtail.Server) error {
	return func(srv *bobtail.Server) error {
		for path, h := range handlers {
			if err := srv.Add(nethttp.Route(path, h)); err != nil {
				return err
			}
		}
		return nil
	}
}

// exchange sends requests and describes the answers to them: one line for
// each status and field, in order, without Date; then content and trailers.
func exchange(t *testing.T, p peer, requests string, methods ...string) string {
	t.Helper()
	if _, err := io.WriteString(p, requests); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(p)
	var b strings.Builder
	for _, m := range methods {
		for again := true; again; {
			var d string
			d, again = answer(r, m)
			b.WriteString(d)
		}
	}
	return b.String()
}

// answer describes one answer, and reports whether it was an interim one.
func answer(r *bufio.Reader, method string) (string, bool) {
	var b strings.Builder
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return "cut off\n", false
	}
	fmt.Fprintf(&b, "%s\n", resp.Status) // the version is always ours, RFC 9110 section 6.2
	fields := resp.Header.Clone()
	fields.Del("Date")
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		for _, v := range fields[k] {
			fmt.Fprintf(&b, "%s: %s\n", k, v)
		}
	}
	if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != 101 {
		return b.String(), true
	}
	if resp.StatusCode == 101 {
		return b.String(), false
	}
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return "cut off\n", false // by a reset, which may overtake what was sent
	}
	fmt.Fprintf(&b, "length %d coding %v close %v\n%d bytes %.300q\n", resp.ContentLength, resp.TransferEncoding, resp.Close, len(content), content)
	for _, k := range slices.Sorted(maps.Keys(resp.Trailer)) {
		fmt.Fprintf(&b, "trailer %s: %q\n", k, resp.Trailer[k])
	}
	return b.String(), false
}

// within waits for something that must happen.
func within[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it does not happen", what)
	}
	return v
}

// isDone waits for the end of a context.
func isDone(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	within(t, ctx.Done(), what)
}

// wantEchoes sends pieces of one request's content and wants each to be
// answered before the next is sent.
func wantEchoes(t *testing.T, p peer) {
	t.Helper()
	send(t, p, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	var resp *http.Response
	for _, piece := range []string{"one", "two", "three"} {
		send(t, p, fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece))
		if resp == nil {
			var err error
			if resp, err = http.ReadResponse(bufio.NewReader(p), nil); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, len(piece))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != piece {
			t.Fatalf("echo %q, %v, want %q", got, err, piece)
		}
	}
	send(t, p, "0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("at the end %q, %v", rest, err)
	}
}
