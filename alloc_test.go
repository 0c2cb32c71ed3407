//go:build !race

package bobtail_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// exchanges are requests on one connection that persists, and what the answers
// end with.
var exchanges = []struct{ name, in, end string }{
	{"Text", get("/fast"), "fast\n"},
	{"Bytes", get("/bytes"), `{"a":1}`},
	{"Static", get("/page"), "a page\n"},
	{"stream", get("/stream"), "0\r\n\r\n"},
	{"HEAD", "HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n"},
	{"fields", "GET /host?q HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\nCookie: c=d\r\nAuthorization: e\r\n\r\n", "HTTP/1.1\r\n0\r\n\r\n"},
	{"echo", post("/echo", "hello"), "hello"},
	{"chunked echo", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n"},
	{"sink", put("/quiet", "hello"), "quiet"},
	{"not found", get("/nowhere"), "Not Found\n"},
	{"no such method", post("/fast", ""), "Method Not Allowed\n"},
	{"handler's status", get("/none"), "\r\n\r\n"},
	{"interim", get("/hints"), "hinted"},
	{"Source", get("/source"), "end of source"},
	{"Source from a file", get("/file"), "end of source"},
	{"Source between others", get("/fast") + get("/source") + get("/file") + get("/bytes"), `{"a":1}`},
	{"16 pipelined", strings.Repeat(get("/fast"), 15) + get("/bytes"), `{"a":1}`},
	{"pipelined with content", strings.Repeat(post("/echo", "hello"), 5) + get("/bytes"), `{"a":1}`},
}

// quiet is a sink that allocates nothing.
type quiet struct{}

func (quiet) Piece(*bobtail.Request, *bobtail.State, []byte) error { return nil }
func (quiet) End(w bobtail.Response, _ *bobtail.Request, _ *bobtail.State) error {
	return w.Text("quiet")
}
func (quiet) Abandon(*bobtail.State) {}

// hostText is site's handler, which makes strings, without doing so.
func hostText(w bobtail.Response, r *bobtail.Request) error {
	b, err := w.Status(200).Stream()
	if err != nil {
		return err
	}
	for _, p := range [...][]byte{r.Host(), bar, r.Path(), bar, r.Query(), bar} {
		if _, err = b.Write(p); err != nil {
			return err
		}
	}
	return b.WriteString(r.Version().String())
}

var bar = []byte("|")

// quietFile is a Source that allocates nothing. Its length is more than a
// worker's memory, and its bytes are also those of a file.
type quietFile struct{ fd uintptr }

const (
	quietSize = 30_000
	quietEnd  = "end of source"
)

func (*quietFile) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = '.'
		if k := off + int64(i) - (quietSize - int64(len(quietEnd))); k >= 0 && k < int64(len(quietEnd)) {
			p[i] = quietEnd[k]
		}
	}
	return len(p), nil
}

func (*quietFile) Close() error    { return nil }
func (f *quietFile) File() uintptr { return f.fd }

// quietSource is one without a descriptor.
type quietSource struct{ *quietFile }

func (quietSource) File() int { return 0 } // not the method that is looked for

// quietSite are handlers that allocate nothing themselves.
func quietSite(t *testing.T, srv *bobtail.Server, fd uintptr) {
	f := &fixture{Fixture: &servertest.Fixture{T: t, Server: srv}}
	f.fast()
	f.Handle("POST /echo", echo)
	f.sink("PUT /quiet", quiet{})
	json := []byte(`{"a":1}`)
	f.Handle("GET /bytes", func(w bobtail.Response, r *bobtail.Request) error { return w.Bytes("application/json", json) })
	f.Handle("GET /page", func(w bobtail.Response, r *bobtail.Request) error { return w.Status(200).Static(page) })
	f.Handle("GET /none", func(w bobtail.Response, r *bobtail.Request) error { return w.Status(204).Empty() })
	f.Handle("GET /stream", func(w bobtail.Response, r *bobtail.Request) error {
		b, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		return b.WriteString("one")
	})
	f.Handle("GET /hints", func(w bobtail.Response, r *bobtail.Request) error {
		if err := w.Interim(103); err != nil {
			return err
		}
		return w.Text("hinted")
	})
	f.Handle("GET /host", hostText)
	file := &quietFile{fd: fd}
	source := &quietSource{file}
	f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error { return w.Status(200).Source(source, 0, quietSize) })
	f.Handle("GET /file", func(w bobtail.Response, r *bobtail.Request) error { return w.Status(200).Source(file, 0, quietSize) })
}

// quietFD is the file of quietFile in the system.
func quietFD(t *testing.T) uintptr {
	t.Helper()
	text := make([]byte, quietSize)
	(*quietFile)(nil).ReadAt(text, 0)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file.Fd()
}

// ender reads answers until one ends as it should.
type ender struct {
	buf [128 << 10]byte
	n   int
}

func (e *ender) ended(end []byte, count int) bool {
	got := e.buf[:e.n]
	return bytes.HasSuffix(got, end) && bytes.Count(got, statusLine) >= count
}

var statusLine = []byte("HTTP/1.1 ")

// TestNoAllocs runs whole exchanges on a connection that persists, on memory
// and on the backend of this system: nothing of it allocates, in the server
// or below it.
func TestNoAllocs(t *testing.T) {
	cfg := bobtail.Config{Sockets: 10, Workers: 2, WorkerMemory: 4096, Lanes: 1}
	access := 0
	cfg.Access = func(r *bobtail.Request, code int, bytes, took int64) { access++ }
	t.Run("memory, by Poll", func(t *testing.T) {
		n := memory.New(memory.Config{})
		cfg := cfg
		cfg.Backend = n
		srv, addr := quietServer(t, cfg)
		peer, err := n.Connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		var e ender
		measure(t, func(in, end []byte, count int) {
			e.n = 0
			for tries := 0; !e.ended(end, count); tries++ {
				k, _ := peer.TryWrite(in)
				in = in[k:]
				if _, err := srv.Poll(srv.Now()); err != nil || tries == 100 {
					t.Fatalf("%v after %q", err, e.buf[:e.n])
				}
				k, err := peer.TryRead(e.buf[e.n:])
				if e.n += k; err != nil && err != transport.ErrWouldBlock {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("this system, by Poll", func(t *testing.T) {
		srv, addr := quietServer(t, cfg)
		c := connect(t, addr)
		var e ender
		measure(t, func(in, end []byte, count int) {
			e.n = 0
			if _, err := c.Write(in); err != nil {
				t.Fatal(err)
			}
			// What has been sent is there when it was read: the loop knows by
			// its count.
			want := answered(srv) + count
			if bytes.HasPrefix(in, hints) {
				want--
			}
			for answered(srv) < want {
				if err := srv.Wait(srv.Now() + int64(time.Second)); err != nil {
					t.Fatal(err)
				}
				if _, err := srv.Poll(srv.Now()); err != nil {
					t.Fatal(err)
				}
			}
			e.readFrom(t, c, end, count)
		})
	})
	t.Run("this system", func(t *testing.T) {
		srv, addr := quietServer(t, cfg)
		if err := srv.Start(); err != nil {
			t.Fatal(err)
		}
		c := connect(t, addr)
		var e ender
		measure(t, func(in, end []byte, count int) {
			e.n = 0
			if _, err := c.Write(in); err != nil {
				t.Fatal(err)
			}
			e.readFrom(t, c, end, count)
		})
	})
	if access == 0 {
		t.Error("no request was told to Access")
	}
}

func answered(srv *bobtail.Server) int {
	s := srv.Stats()
	return int(s.Requests.Total())
}

var hints = []byte("GET /hints")

func quietServer(t *testing.T, cfg bobtail.Config) (*bobtail.Server, transport.Addr) {
	t.Helper()
	srv, err := bobtail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	fd := uintptr(0)
	if n, ok := cfg.Backend.(*memory.Network); ok {
		fd = n.AddFile(&quietFile{})
	} else {
		fd = quietFD(t)
	}
	quietSite(t, srv, fd)
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return srv, addr
}

func connect(t *testing.T, addr transport.Addr) net.Conn {
	t.Helper()
	c, err := servertest.Dial(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (e *ender) readFrom(t *testing.T, c net.Conn, end []byte, count int) {
	for !e.ended(end, count) {
		k, err := c.Read(e.buf[e.n:])
		if e.n += k; err != nil {
			t.Fatalf("%v after %q", err, e.buf[:e.n])
		}
	}
}

// measure measures every exchange, each by itself and then thousands of all
// kinds together.
func measure(t *testing.T, exchange func(in, end []byte, count int)) {
	t.Helper()
	run := make([]func(), len(exchanges))
	for i, x := range exchanges {
		in, end, count := []byte(x.in), []byte(x.end), strings.Count(x.in, " HTTP/1.1\r\n")
		if x.name == "interim" {
			count++
		}
		run[i] = func() { exchange(in, end, count) }
		alloctest.Zero(t, x.name, run[i])
	}
	// The runtime keeps what it parks goroutines with by processor: on one, what
	// a goroutine of package net took it finds again. On several it may wander,
	// on a busy machine in every measurement. Epoll has no such goroutines, and
	// would hold a single processor for a millisecond in each exchange.
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	const rounds = 200
	var least uint64 = 1 << 63
	for range 5 { // another goroutine of the test may allocate now and then
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			for _, f := range run {
				f()
			}
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	if least != 0 {
		t.Errorf("%d objects were allocated in %d exchanges", least, rounds*len(run))
	}
}
