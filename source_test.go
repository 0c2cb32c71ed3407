package bobtail_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// blob is a Source whose bytes tell their place.
type blob struct {
	size   int64
	failAt int64        // from here on ReadAt fails with err, if that is not nil
	err    error        // or panics, if it is errPanic
	closed atomic.Int32 // how often Close was called
	reads  atomic.Int32
}

var errPanic = errors.New("panic")

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	b.reads.Add(1)
	if b.err != nil && off+int64(len(p)) > b.failAt {
		if p = p[:max(0, b.failAt-off)]; len(p) == 0 {
			if b.err == errPanic {
				panic(b.err)
			}
			return 0, b.err
		}
	}
	n := 0
	for ; n < len(p) && off+int64(n) < b.size; n++ {
		p[n] = blobAt(off + int64(n))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *blob) Close() error {
	if b.closed.Add(1) == 1 && b.err == errPanic {
		panic(b.err)
	}
	return nil
}

func blobAt(off int64) byte { return byte(off*167>>3 ^ off>>11) }

// blobText is n bytes of a blob.
func blobText(off, n int64) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = blobAt(off + int64(i))
	}
	return string(b)
}

// filed is a Source that can be sent from a descriptor.
type filed struct {
	*blob
	fd uintptr
}

func (f filed) File() uintptr { return f.fd }

// blobs makes Sources for a test, and wants each to be closed once.
type blobs struct {
	f    *fixture
	mu   sync.Mutex
	all  []*blob
	file *os.File
}

// made is all of them.
func (b *blobs) made() []*blob {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}

// last is the one that was made last.
func (b *blobs) last() *blob {
	all := b.made()
	return all[len(all)-1]
}

func (f *fixture) blobs() *blobs {
	b := &blobs{f: f}
	f.T.Cleanup(func() {
		if b.file != nil {
			b.file.Close()
		}
	})
	return b
}

func (b *blobs) new(size int64) *blob {
	s := &blob{size: size}
	b.mu.Lock()
	b.all = append(b.all, s)
	b.mu.Unlock()
	return s
}

// newFile makes one of which the backend can have a descriptor.
func (b *blobs) newFile(size int64) filed {
	s := b.new(size)
	if b.f.Net != nil {
		return filed{s, b.f.Net.AddFile(s)}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		file, err := os.Create(filepath.Join(b.f.T.TempDir(), "blob"))
		if err == nil {
			_, err = file.WriteString(blobText(0, 3<<20))
		}
		if err != nil {
			b.f.T.Fatal(err)
		}
		b.file = file
	}
	return filed{s, b.file.Fd()}
}

// answer answers with one of so many bytes, which is a file or not.
func (b *blobs) answer(w bobtail.Response, size int64, asFile bool) error {
	if asFile {
		return w.Status(200).Source(b.newFile(size), 0, size)
	}
	return w.Status(200).Source(b.new(size), 0, size)
}

// wantClosed wants every Source to have been closed once, and none to have a
// place any more.
func (b *blobs) wantClosed() {
	b.f.T.Helper()
	b.f.Await("each Source is closed", func() bool {
		for _, s := range b.made() {
			if s.closed.Load() == 0 {
				return false
			}
		}
		return b.f.Server.Stats().Sources == 0
	})
	b.f.Settle()
	for i, s := range b.made() {
		if n := s.closed.Load(); n != 1 {
			b.f.T.Errorf("Source %d was closed %d times", i, n)
		}
	}
}

// TestSource sends content of all sizes by all ways, on connections that
// persist.
func TestSource(t *testing.T) {
	sizes := []int64{0, 1, 3000, 4096, 8000, 16000, 16200, 16384, 100_000, 1_500_000}
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		var mu sync.Mutex // the test's and the handler's goroutine share these
		var next bobtail.Source
		var off, n int64
		f.Handle("/source", func(w bobtail.Response, r *bobtail.Request) error {
			mu.Lock()
			defer mu.Unlock()
			return w.Status(200).Header("Content-Type", "x/y").Source(next, off, n)
		})
		f.Handle("GET /304", func(w bobtail.Response, r *bobtail.Request) error {
			mu.Lock()
			defer mu.Unlock()
			return w.Status(304).Source(next, off, n)
		})
		f.fast()
		pipe, to, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer pipe.Close()
		defer to.Close()
		c := f.dial()
		for _, size := range sizes {
			for _, way := range []string{"read", "file", "no such file"} {
				for _, from := range []int64{0, 1, 4097} {
					mu.Lock()
					off = from
					switch way {
					case "read":
						next = b.new(size + off)
					case "file":
						next = b.newFile(size + off)
					case "no such file":
						// A pipe is none that can be sent from an offset.
						next = filed{b.new(size + off), pipe.Fd()}
					}
					n = size
					mu.Unlock()
					c.Send(get("/source"))
					a := c.answer("GET")
					if a.err != nil || a.StatusCode != 200 || a.body != blobText(off, n) || a.ContentLength != n {
						t.Fatalf("%s, %d bytes from %d: status %d, %d bytes of %d, error %v", way, n, off, a.StatusCode, len(a.body), a.ContentLength, a.err)
					}
					s := b.last()
					if way == "file" && f.Net != nil && size > 16384 && s.reads.Load() == 0 {
						t.Errorf("%d bytes were not read", n)
					}
					if runtime.GOOS == "linux" && (f.Kind == "epoll" || f.Kind == "net") && way == "file" && size > 16384 && s.reads.Load() != 0 {
						t.Errorf("%d bytes were read, not sent from the file", n)
					}
				}
				mu.Lock()
				next, off, n = b.new(size), 0, size
				mu.Unlock()
				c.Send("HEAD /source HTTP/1.1\r\nHost: a\r\n\r\n")
				if a := c.want("HEAD", 200, ""); a.ContentLength != size || b.last().reads.Load() != 0 {
					t.Errorf("HEAD: Content-Length %d", a.ContentLength)
				}
				mu.Lock()
				next = b.new(size)
				mu.Unlock()
				c.Send(get("/304"))
				c.want("GET", 304, "")
			}
		}
		c.Send(get("/fast"))
		c.want("GET", 200, "fast\n")
		b.wantClosed()
	})
}

// TestSourcePark has more slow readers than workers, none of which keeps one.
func TestSourcePark(t *testing.T) {
	const slow = 8
	run(t, bobtail.Config{Workers: 1, Stash: 4}, func(t *testing.T, f *fixture) {
		if f.Kind == "net, buffered" {
			t.Skip("it has buffers for all")
		}
		b := f.blobs()
		const size = 20 << 20
		f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), 0, size)
		})
		f.fast()
		var clients []*client
		for i := range slow {
			c := f.dial()
			c.Send(get("/source"))
			f.Await("the driver waits for the peer", func() bool { return f.Server.Stats().Sources == i+1 })
			clients = append(clients, c)
		}
		f.wantFast(0)
		if s := f.Server.Stats(); s.Lent != 0 || s.Stash != 0 || s.OutputBlocks > slow {
			t.Errorf("slow readers keep %d workers, %d stash blocks and %d output blocks", s.Lent, s.Stash, s.OutputBlocks)
		}
		clients[0].want("GET", 200, blobText(0, size))
		clients[0].Send(get("/fast"))
		clients[0].want("GET", 200, "fast\n")
		for _, c := range clients[1:] {
			c.Conn.Close()
		}
		b.wantClosed()
	})
}

// sender reads answers for a client, and sends in the meantime what is left to
// be sent, since a server that waits for its peer to read does not read itself.
type sender struct {
	c    *client
	left string
}

func (c *client) sender() *sender {
	s := &sender{c: c}
	if c.Peer != nil {
		c.In = bufio.NewReader(s)
	}
	return s
}

func (s *sender) send(in string) {
	if s.c.Peer == nil {
		go io.WriteString(s.c.Conn, in)
		return
	}
	s.left += in
}

func (s *sender) Read(b []byte) (int, error) {
	for range servertest.VirtualPatience / step {
		s.c.f.Settle()
		n, _ := s.c.Peer.TryWrite([]byte(s.left))
		s.left = s.left[n:]
		if n, err := s.c.Peer.TryRead(b); err != transport.ErrWouldBlock {
			return n, err
		}
		s.c.f.Net.Advance(int64(step))
	}
	return 0, servertest.ErrPatience
}

// TestSourceThen follows a Source by everything that may come after it on the
// connection, while the peer is slow and while it is not.
func TestSourceThen(t *testing.T) {
	const size = 300_000
	body := blobText(0, size)
	long := strings.Repeat("z", 100_000)
	for _, c := range []struct {
		name string
		in   string
		want []string // contents of the answers
		then string   // what is sent after
		end  bool     // the connection is closed after
	}{
		{name: "nothing", in: get("/source"), want: []string{body}},
		{name: "a request", in: get("/source"), want: []string{body}, then: get("/fast")},
		{name: "a pipelined request", in: get("/source") + get("/fast"), want: []string{body, "fast\n"}},
		{name: "half a request", in: get("/source") + get("/fast")[:20], want: []string{body}, then: get("/fast")[20:]},
		{name: "one staged before", in: get("/fast") + get("/source") + get("/fast"), want: []string{"fast\n", body, "fast\n"}},
		{name: "another", in: get("/source") + get("/source") + get("/fast"), want: []string{body, body, "fast\n"}},
		{name: "content that nobody reads", in: post("/source", "0123456789") + get("/fast"), want: []string{body, "fast\n"}},
		{name: "half of it", in: post("/source", strings.Repeat("z", 20000))[:10000], want: []string{body}, then: strings.Repeat("z", 10000+len(post("/source", strings.Repeat("z", 20000)))-20000) + get("/fast")},
		{name: "too much of it", in: post("/source", long)[:3000], want: []string{body}, end: true},
		{name: "close", in: closeAt("/source"), want: []string{body}, end: true},
		{name: "HTTP/1.0", in: "GET /source HTTP/1.0\r\n\r\n", want: []string{body}, end: true},
		{name: "a broken request", in: get("/source") + "NONSENSE\r\n\r\n", want: []string{body, "Bad Request\n"}, end: true},
	} {
		for _, asFile := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, file %v", c.name, asFile), func(t *testing.T) {
				run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
					early := asFile
					b := f.blobs()
					f.Handle("/source", func(w bobtail.Response, r *bobtail.Request) error {
						return b.answer(w, size, asFile)
					})
					f.fast()
					cl := f.dial()
					out := cl.sender()
					if early {
						out.send(c.in + c.then)
					} else {
						out.send(c.in)
					}
					for i, want := range c.want {
						status := 200
						if strings.HasPrefix(want, "Bad") {
							status = 400
						}
						if a := cl.answer("GET"); a.err != nil || a.StatusCode != status || a.body != want {
							t.Fatalf("answer %d is %d with %d bytes, error %v; want %d with %d", i, a.StatusCode, len(a.body), a.err, status, len(want))
						}
					}
					if c.then != "" {
						if !early {
							out.send(c.then)
						}
						cl.want("GET", 200, "fast\n")
					}
					if c.end {
						cl.wantEnd("")
					}
					b.wantClosed()
				})
			})
		}
	}
}

// TestSourcePatience wants a reader that is slower than the rate to fail in
// the end, one that stalls after the grace, and a prompt one never.
func TestSourcePatience(t *testing.T) {
	const rate, grace = 1000, 10 * time.Second
	cfg := bobtail.Config{Timeouts: bobtail.Timeouts{Write: grace, Rate: rate}}
	for _, c := range []struct {
		name   string
		a      int // bytes read at a time
		every  time.Duration
		least  time.Duration // until it fails
		most   time.Duration // 0 for never
		asFile bool
		turns  bool // the pipe takes more than a turn
	}{
		{name: "stalls", every: time.Second, least: grace, most: grace + time.Second},
		{name: "a fifth of the rate", a: 200, every: time.Second, least: grace, most: 15 * time.Second},
		{name: "a fifth of the rate, rarely", a: 1600, every: 8 * time.Second, least: grace, most: 30 * time.Second},
		{name: "a fifth of the rate, from a file", a: 200, every: time.Second, least: grace, most: 15 * time.Second, asFile: true},
		{name: "half the rate, in turns", a: 200_000, every: 400 * time.Second, least: grace, most: 410 * time.Second, turns: true},
		{name: "twice the rate", a: 2000, every: time.Second},
		{name: "twice the rate, rarely", a: 3900, every: 1950 * time.Millisecond},
		{name: "twice the rate, from a file", a: 2000, every: time.Second, asFile: true},
		{name: "all at once", a: 1 << 20, every: step},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := memory.Config{Pipe: 4000}
			if c.turns {
				mem.Pipe = 300_000
			}
			runMemory(t, mem, cfg, func(t *testing.T, f *fixture) {
				b := f.blobs()
				const size = 1 << 20
				f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
					return b.answer(w, size, c.asFile)
				})
				cl := f.dial()
				cl.Send(get("/source"))
				began := f.Net.Now()
				took := func() time.Duration { return time.Duration(f.Net.Now() - began) }
				total := 0
				buf := make([]byte, 1<<20)
				// The bytes in the pipe are nobody's merit.
				total, _ = cl.Peer.TryRead(buf)
				if total != mem.Pipe {
					t.Fatalf("%d bytes at first", total)
				}
				for total < size && took() < time.Hour {
					f.Advance(c.every)
					n, _ := cl.Peer.TryRead(buf[:c.a])
					if total += n; f.Server.Stats().Open == 0 {
						break
					}
				}
				failed := f.Server.Stats().Timeouts[engine.PhaseWrite] == 1
				switch {
				case c.most == 0 && (failed || total < size):
					t.Errorf("failed after %v and %d bytes", took(), total)
				case c.most != 0 && (!failed || took() < c.least || took() > c.most):
					t.Errorf("failed: %v, after %v and %d bytes, want between %v and %v", failed, took(), total, c.least, c.most)
				}
				if c.most != 0 {
					cl.wantAbort()
				}
				b.wantClosed()
			})
		})
	}
}

// TestSourceFails wants the connection to be aborted when content ends before
// its length, and the Source to be closed however the request ends.
func TestSourceFails(t *testing.T) {
	for _, size := range []int64{5000, 100_000} {
		for _, c := range []struct {
			name string
			at   int64
			err  error
		}{
			{"at once", 0, io.ErrUnexpectedEOF},
			{"ends at once", 0, io.EOF},
			{"in the midst", size / 2, io.ErrUnexpectedEOF},
			{"at the last byte", size - 1, io.EOF},
			{"panics", size / 2, errPanic},
		} {
			t.Run(c.name+" of "+strconv.Itoa(int(size)), func(t *testing.T) {
				run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
					b := f.blobs()
					f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
						s := b.new(size)
						s.failAt, s.err = c.at, c.err
						return w.Status(200).Source(s, 0, size)
					})
					f.fast()
					cl := f.dial()
					cl.Send(get("/fast") + get("/source"))
					if got := cl.wantAbort(); int64(len(got)) > c.at+400 {
						t.Errorf("%d bytes came", len(got))
					}
					panics := uint64(0)
					if c.err == errPanic {
						panics = 2 // in ReadAt and in Close
					}
					b.wantClosed()
					if s := f.Server.Stats(); s.Panics != panics {
						t.Errorf("%d panics", s.Panics)
					}
					f.wantFast(step)
				})
			})
		}
	}
}

// TestSourceCut cuts files short while they are sent from their descriptors.
func TestSourceCut(t *testing.T) {
	const size = 8 << 20
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		if f.Net != nil {
			t.Skip("a file of the system's")
		}
		b := f.blobs()
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(cutFile{file, b.new(0)}, 0, size)
		})
		cl := f.dial()
		cl.Send(get("/source"))
		if f.Kind != "net, buffered" {
			f.Await("the driver waits for the peer", func() bool { return f.Server.Stats().Sources == 1 })
		}
		if err := os.Truncate(name, size/2); err != nil {
			t.Fatal(err)
		}
		if got := cl.wantAbort(); len(got) > size {
			t.Errorf("%d bytes came", len(got))
		}
		b.wantClosed()
	})
}

type cutFile struct {
	f *os.File
	b *blob
}

func (c cutFile) ReadAt(p []byte, off int64) (int, error) { return c.f.ReadAt(p, off) }
func (c cutFile) File() uintptr                           { return c.f.Fd() }
func (c cutFile) Close() error                            { return c.b.Close() }

// TestSourceHandler has handlers that do something else after they have given
// a Source, or before.
func TestSourceHandler(t *testing.T) {
	const size = 50_000
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		body := blobText(0, size)
		f.Handle("GET /error", func(w bobtail.Response, r *bobtail.Request) error {
			w.Status(200).Source(b.new(size), 0, size)
			return errors.New("after")
		})
		f.Handle("GET /panic", func(w bobtail.Response, r *bobtail.Request) error {
			w.Status(200).Source(b.new(size), 0, size)
			panic("after")
		})
		f.Handle("GET /abort", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Header("bad name", "").Source(b.new(size), 0, size)
		})
		f.Handle("GET /twice", func(w bobtail.Response, r *bobtail.Request) error {
			h := w.Status(200)
			if err := h.Source(b.new(size), 0, size); err != nil {
				t.Error(err)
			}
			if err := h.Source(b.new(size), 0, size); err == nil {
				t.Error("a second Source was taken")
			}
			return nil
		})
		f.Handle("GET /negative", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), -1, size)
		})
		f.Handle("GET /nil", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(nil, 0, size)
		})
		f.Handle("GET /205", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(205).Source(b.new(size), 0, size)
		})
		f.Handle("GET /204", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(204).Source(b.new(size), 0, size)
		})
		f.Handle("GET /typed", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), 0, size)
		})
		f.fast()
		for _, c := range []struct {
			path   string
			status int
			body   string
		}{
			{"/error", 200, body}, {"/panic", 200, body}, {"/twice", 200, body}, {"/typed", 200, body},
			{"/abort", 500, "Internal Server Error\n"}, {"/negative", 500, "Internal Server Error\n"}, {"/nil", 500, "Internal Server Error\n"},
			{"/205", 500, "Internal Server Error\n"}, {"/204", 204, ""},
		} {
			cl := f.dial()
			cl.Send(get(c.path))
			if a := cl.answer("GET"); a.StatusCode != c.status || a.body != c.body {
				t.Errorf("%s: %d with %d bytes", c.path, a.StatusCode, len(a.body))
			}
			if c.status < 300 {
				cl.Send(get("/fast"))
				cl.want("GET", 200, "fast\n")
			}
			cl.Conn.Close()
		}
		b.wantClosed()
	})
}

// TestSourceGone ends the connection from outside while a Source is sent.
func TestSourceGone(t *testing.T) {
	const size = 30 << 20
	for _, c := range []struct {
		name string
		end  func(f *fixture, c *client)
	}{
		{"the peer closes", func(f *fixture, c *client) { c.Conn.Close() }},
		{"the peer resets", func(f *fixture, c *client) {
			if c.Peer != nil {
				c.Peer.Reset()
			}
			c.Conn.Close()
		}},
		{"the server closes", func(f *fixture, c *client) { f.close() }},
	} {
		for _, asFile := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, file %v", c.name, asFile), func(t *testing.T) {
				run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
					if f.Kind == "net, buffered" {
						t.Skip()
					}
					b := f.blobs()
					f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
						return b.answer(w, size, asFile && f.Net != nil)
					})
					for range 3 {
						cl := f.dial()
						cl.Send(get("/source"))
						f.Await("the driver waits for the peer", func() bool { return f.Server.Stats().Sources > 0 })
						c.end(f, cl)
						if f.closed {
							break
						}
						b.wantClosed()
					}
					b.wantClosed()
				})
			})
		}
	}
}

// TestSourceLost has a handler that gives a Source and does not come back.
func TestSourceLost(t *testing.T) {
	runVirtual(t, bobtail.Config{Timeouts: bobtail.Timeouts{Handler: time.Second}}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		release := make(chan struct{})
		f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
			err := w.Status(200).Source(b.new(50_000), 0, 50_000)
			<-release
			return err
		})
		f.fast()
		c := f.dial()
		c.Send(get("/source"))
		f.Advance(2 * time.Second)
		c.want("GET", 503, "")
		if n := b.made()[0].closed.Load(); n != 0 {
			t.Error("closed while the handler has it")
		}
		close(release)
		b.wantClosed()
		f.wantFast(step)
	})
}

// TestSourceShutdown shuts the server down while a Source is sent: it is sent
// to its end.
func TestSourceShutdown(t *testing.T) {
	const size = 200_000
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), 0, size)
		})
		c := f.dial()
		c.Send(get("/source"))
		ended := f.shutdown()
		f.Settle()
		if f.Server.Stats().Sources != 1 {
			t.Error("the Source is gone")
		}
		c.want("GET", 200, blobText(0, size))
		c.wantEnd("")
		b.wantClosed()
		f.Await("the server has ended", ended)
		f.closed = true
	})
}

// shutdown begins to shut the server down, and returns what tells whether it
// has ended.
func (f *fixture) shutdown() (ended func() bool) {
	var done atomic.Bool
	go func() {
		f.Server.Shutdown(f.T.Context())
		done.Store(true)
	}()
	return done.Load
}

// TestSourceTable has more slow readers than there are places, for whom workers
// wait then.
func TestSourceTable(t *testing.T) {
	const size = 100_000
	for _, places := range []int{-1, 1} {
		t.Run(strconv.Itoa(places), func(t *testing.T) {
			runVirtual(t, bobtail.Config{Sources: places, Workers: 4}, func(t *testing.T, f *fixture) {
				b := f.blobs()
				f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
					return w.Status(200).Source(b.new(size), 0, size)
				})
				f.fast()
				var clients []*client
				for range 3 {
					c := f.dial()
					c.Send(get("/fast") + get("/source"))
					clients = append(clients, c)
				}
				waiting := max(places, 0)
				if s := f.Server.Stats(); s.Sources != waiting || s.Lent != 3-waiting {
					t.Errorf("%d wait with a place and %d with a worker", s.Sources, s.Lent)
				}
				f.wantFast(0)
				for _, c := range clients {
					c.want("GET", 200, "fast\n")
					c.want("GET", 200, blobText(0, size))
				}
				b.wantClosed()
				for _, c := range clients {
					c.Send(get("/fast"))
					c.want("GET", 200, "fast\n")
				}
			})
		})
	}
}

// TestSourceStalled has a slow reader whose next request is put away, when
// somebody else needs the place for that: it is the slow one who pays.
func TestSourceStalled(t *testing.T) {
	const size = 100_000
	runVirtual(t, bobtail.Config{Stash: 1, Workers: 2}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), 0, size)
		})
		f.fast()
		slow := f.dial()
		slow.Send(get("/source") + get("/fast"))
		if s := f.Server.Stats(); s.Sources != 1 || s.Stash != 1 {
			t.Fatalf("%d Sources, %d stash blocks", s.Sources, s.Stash)
		}
		f.Advance(time.Second)
		other := f.dial()
		other.Send(get("/fast")[:20])
		f.Settle()
		other.Send(get("/fast")[20:])
		other.want("GET", 200, "fast\n")
		if got := slow.wantAbort(); strings.Contains(got, "408") {
			t.Errorf("words in the midst of content: %q", got)
		}
		if n := f.Server.Stats().Stalled; n != 1 {
			t.Errorf("%d stalled", n)
		}
		b.wantClosed()
	})
}

// TestSourcePrompt is the same with a reader who makes progress, beside a
// sender who does not.
func TestSourcePrompt(t *testing.T) {
	const size = 100_000
	runMemory(t, memory.Config{}, bobtail.Config{Stash: 2, Workers: 2}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), 0, size)
		})
		f.fast()
		reader, sender, other := f.dial(), f.dial(), f.dial()
		reader.Send(get("/source") + get("/fast"))
		f.Advance(time.Second)
		sender.Send(get("/fast")[:20])
		f.Advance(time.Second)
		reader.Peer.TryRead(make([]byte, 10_000))
		f.Advance(time.Second)
		other.Send(get("/fast")[:20])
		f.Settle()
		if s := f.Server.Stats(); s.Stalled != 1 || s.Sources != 1 {
			t.Errorf("%d stalled, %d Sources", s.Stalled, s.Sources)
		}
		sender.want("GET", 408, "")
	})
}

// TestSourceAnswered has content come no further behind an answer from a
// Source: there is nothing to say any more.
func TestSourceAnswered(t *testing.T) {
	const size = 100_000
	runVirtual(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		f.Handle("POST /source", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Source(b.new(size), 0, size)
		})
		c := f.dial()
		c.sender().send(post("/source", strings.Repeat("z", 20_000))[:10_000])
		c.want("POST", 200, blobText(0, size))
		f.Advance(31 * time.Second)
		c.wantEnd("")
		b.wantClosed()
	})
}

// TestSourceWindow has real peers whose receive windows are as small as the
// system makes them, and who read a byte at a time now and then.
func TestSourceWindow(t *testing.T) {
	const size = 1 << 20
	for _, asFile := range []bool{false, true} {
		t.Run(fmt.Sprint("file ", asFile), func(t *testing.T) {
			run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
				if f.Net != nil {
					t.Skip("the system's network")
				}
				b := f.blobs()
				f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
					return b.answer(w, size, asFile)
				})
				f.fast()
				f.Start()
				var wg sync.WaitGroup
				for i := range 4 {
					d := net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
						var err error
						rc.Control(func(fd uintptr) { err = smallWindow(fd) })
						return err
					}}
					conn, err := d.Dial("tcp", f.Addr.String())
					if err != nil {
						t.Fatal(err)
					}
					c := f.client(f.Adopt(servertest.Patient(conn.(*net.TCPConn))))
					wg.Go(func() {
						io.WriteString(c.Conn, get("/source")+get("/fast"))
						r := &nibbler{Reader: c.Conn, every: 1000 + 100*i}
						c.In = bufio.NewReaderSize(r, 16)
						for _, want := range []string{blobText(0, size), "fast\n"} {
							if a, err := c.tryAnswer("GET"); err != nil || a.err != nil || a.body != want {
								t.Errorf("%d bytes of %d: %v, %v", len(a.body), len(want), err, a.err)
								return
							}
						}
					})
				}
				f.wantFast(0)
				wg.Wait()
				b.wantClosed()
				if s := f.Server.Stats(); s.Lent != 0 {
					t.Errorf("%d lent", s.Lent)
				}
			})
		})
	}
}

// nibbler reads a byte at a time, at each so many bytes.
type nibbler struct {
	io.Reader
	every, n int
}

func (r *nibbler) Read(p []byte) (int, error) {
	if r.n%r.every < 5 {
		p = p[:1]
	}
	n, err := r.Reader.Read(p)
	r.n += n
	return n, err
}

// TestSourceTurns has one fast peer with much content: others are served in
// between.
func TestSourceTurns(t *testing.T) {
	for _, asFile := range []bool{false, true} {
		t.Run(fmt.Sprint("file ", asFile), func(t *testing.T) {
			const size = 4 << 20
			runMemory(t, memory.Config{Pipe: 2 * size}, bobtail.Config{Workers: 1}, func(t *testing.T, f *fixture) {
				f.Loop = true
				b := f.blobs()
				f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
					return b.answer(w, size, asFile)
				})
				f.fast()
				big, small := f.dial(), f.dial()
				poll := func() {
					if _, err := f.Server.Poll(f.Server.Now()); err != nil {
						t.Fatal(err)
					}
				}
				poll() // which accepts them
				big.Peer.TryWrite([]byte(get("/source")))
				turns := 0
				for was := uint64(0); was < size; turns++ {
					small.Peer.TryWrite([]byte(get("/fast")))
					poll()
					if now := big.Peer.Received(); now-was > 1100<<10 {
						t.Fatalf("%d bytes in one turn", now-was)
					} else {
						was = now
					}
					var buf [512]byte
					if n, err := small.Peer.TryRead(buf[:]); err != nil || !strings.HasSuffix(string(buf[:n]), "fast\n") {
						t.Fatalf("the other got %q, %v", buf[:n], err)
					}
				}
				if turns < 4 {
					t.Errorf("%d turns", turns)
				}
				big.want("GET", 200, blobText(0, size))
				b.wantClosed()
			})
		})
	}
}

// TestSourceFaults sends through networks that take any number of bytes at a
// time, or none, and fail.
func TestSourceFaults(t *testing.T) {
	const size = 40_000
	in := get("/fast") + get("/source") + get("/fast") +
		"PUT /sink HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
	exchange := func(t *testing.T, mem memory.Config, asFile, mayFail bool) {
		cfg := bobtail.Config{WorkerMemory: 2048, OutputBlocks: 2, OutputBlockSize: 64, Workers: 2}
		runMemory(t, mem, cfg, func(t *testing.T, f *fixture) {
			b := f.blobs()
			f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
				return b.answer(w, size, asFile)
			})
			f.fast()
			f.sink("PUT /sink", sourceSink(func() bobtail.Source { return b.new(size) }))
			c := f.dial()
			for range 2 {
				err := c.TrySend(in)
				for i, want := range []string{"fast\n", blobText(0, size), "fast\n", blobText(0, size)} {
					if i == 3 && err == nil {
						err = c.TrySend("abc")
					}
					a, e := c.tryAnswer("GET")
					if e == nil && a.StatusCode == 100 {
						a, e = c.tryAnswer("GET")
					}
					if err == nil {
						err = e
					}
					if err == nil {
						err = a.err
					}
					if err == nil && a.body != want {
						t.Fatalf("seed %d: wrong content", mem.Seed)
					}
				}
				if err != nil && !mayFail {
					t.Fatalf("seed %d: %v", mem.Seed, err)
				}
			}
			c.Conn.Close()
			b.wantClosed()
		})
	}
	for seed := range uint64(20) {
		faults := memory.Faults{ShortWrites: 400, WouldBlock: 300, ShortReads: 300, Spurious: 300}
		exchange(t, memory.Config{Seed: seed, Pipe: 5000, Faults: faults}, seed%2 == 0, false)
		faults.Reset = 20
		exchange(t, memory.Config{Seed: seed, Pipe: 5000, Faults: faults}, seed%2 == 0, true)
	}
}

// sourceSink is a Sink that answers with a Source of 40000 bytes.
type sourceSink func() bobtail.Source

func (sourceSink) Piece(*bobtail.Request, *bobtail.State, []byte) error { return nil }
func (s sourceSink) End(w bobtail.Response, _ *bobtail.Request, _ *bobtail.State) error {
	return w.Status(200).Source(s(), 0, 40_000)
}
func (sourceSink) Abandon(*bobtail.State) {}

// TestSourceEveryByte stops the output after every number of bytes: within
// what was staged before, within the head, and within the content.
func TestSourceEveryByte(t *testing.T) {
	const size = 700
	head := strings.Replace(ok(blobText(0, size)), "Content-Type: text/plain; charset=utf-8\r\n", "", 1)
	want := ok("fast\n") + head + ok("fast\n")
	for _, places := range []int{-1, 1, -16, 16} {
		blocks := max(places, -places) // where the rest of a head fits and where not
		for pipe := 1; pipe < len(want)+50; pipe += 1 + pipe/40 {
			cfg := bobtail.Config{Sources: max(places, -1), WorkerMemory: 2048, OutputBlocks: blocks, OutputBlockSize: 64, Workers: 2}
			runMemory(t, memory.Config{Pipe: pipe}, cfg, func(t *testing.T, f *fixture) {
				b := f.blobs()
				f.Handle("GET /source", func(w bobtail.Response, r *bobtail.Request) error {
					return b.answer(w, size, pipe%2 == 0)
				})
				f.fast()
				c := f.dial()
				c.sender().send(get("/fast") + get("/source") + get("/fast"))
				got := make([]byte, len(want))
				if _, err := io.ReadFull(c.In, got); err != nil || string(got) != want {
					t.Errorf("pipe of %d bytes, %d places and blocks: %v, %q", pipe, places, err, got)
				}
				c.wantSilence()
				b.wantClosed()
			})
		}
	}
}

// TestSourceLater answers a ticket by a Source.
func TestSourceLater(t *testing.T) {
	const size = 100_000
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		b := f.blobs()
		tickets := make(chan bobtail.Ticket, 1)
		f.Handle("GET /later", func(w bobtail.Response, r *bobtail.Request) error {
			ticket, err := r.Later(int64(time.Minute))
			tickets <- ticket
			return err
		})
		f.fast()
		c := f.dial()
		for range 2 {
			c.Send(get("/later") + get("/fast"))
			if err := f.Server.Answer(<-tickets, func(w bobtail.Response, r *bobtail.Request) error {
				return w.Status(200).Source(b.new(size), 0, size)
			}); err != nil {
				t.Fatal(err)
			}
			c.want("GET", 200, blobText(0, size))
			c.want("GET", 200, "fast\n")
		}
		b.wantClosed()
	})
}
