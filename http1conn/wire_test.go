package http1conn_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// wire is a stream for tests: a peer that sends what it has in pieces, and
// takes what is sent to it.
type wire struct {
	in    string
	size  func(left int) int // of the next piece, nil for all that there is
	end   error              // after the last, nil for io.EOF
	reads int

	out    strings.Builder
	writes int
	takes  int // bytes until Write fails once with errWrite, if fails
	fails  bool

	// ask, if it is not nil, is called before each Read with what was sent so
	// far.
	ask func(sent string)
}

var (
	errRead  = errors.New("read failed")
	errWrite = errors.New("write failed")
)

func (w *wire) Read(p []byte) (int, error) {
	if w.ask != nil {
		w.ask(w.out.String())
	}
	w.reads++
	if len(p) == 0 {
		return 0, nil
	}
	if w.in == "" {
		if w.end != nil {
			return 0, w.end
		}
		return 0, io.EOF
	}
	n := len(w.in)
	if w.size != nil {
		n = min(n, max(1, w.size(n)))
	}
	n = copy(p, w.in[:min(n, len(p))])
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.writes++
	if w.fails && len(p) > w.takes {
		n := w.takes
		w.fails = false
		w.out.Write(p[:n])
		return n, errWrite
	}
	w.takes -= len(p)
	w.out.Write(p)
	return len(p), nil
}

// way is how a peer's bytes come.
type way struct {
	name string
	size func() func(left int) int
}

func byOne(int) int { return 1 }

// ways are how each input comes: one byte at a time, by chance, all at once.
var ways = []way{
	{"at once", func() func(int) int { return nil }},
	{"byte by byte", func() func(int) int { return byOne }},
	{"seed 1", byChance(1, 8)}, {"seed 2", byChance(2, 50)}, {"seed 3", byChance(3, 200)},
}

func byChance(seed uint64, most int) func() func(int) int {
	return func() func(int) int {
		r := rand.New(rand.NewPCG(seed, seed))
		return func(int) int { return 1 + r.IntN(most) }
	}
}

// sizes are buffers of a connection.
type sizes struct{ in, out int }

var (
	small  = sizes{http1conn.MinBuffer, http1conn.MinBuffer}
	middle = sizes{1024, 512}
)

// newConn is a connection that keeps Content-Type and Cookie. Its buffers are
// full of rubbish, and what is around them must not change.
func newConn(t testing.TB, s sizes) *http1conn.Conn {
	t.Helper()
	p := &http1.Parser{Keep: http1.DefaultFields()}
	if err := p.Keep.Add("Cookie"); err != nil {
		t.Fatal(err)
	}
	c, err := http1conn.New(http1conn.Config{Parser: p, In: splittest.Memory(t, s.in), Out: splittest.Memory(t, s.out), Date: testDate})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const dateLine = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

var dateValue = []byte(dateLine[len("Date: ") : len(dateLine)-2])

func testDate() []byte { return dateValue }

// get and post are requests.
func get(path string, fields ...string) string { return request("GET", path, "", fields...) }
func post(path, content string, fields ...string) string {
	return request("POST", path, content, fields...)
}

func request(method, path, content string, fields ...string) string {
	s := method + " " + path + " HTTP/1.1\r\nHost: a\r\n"
	for _, f := range fields {
		s += f + "\r\n"
	}
	if content != "" {
		s += "Content-Length: " + strconv.Itoa(len(content)) + "\r\n"
	}
	return s + "\r\n" + content
}

// chunked is a request in chunks of size bytes.
func chunked(path, content string, size int, fields ...string) string {
	s := strings.TrimSuffix(request("POST", path, "", append(fields, "Transfer-Encoding: chunked")...), "")
	for len(content) > 0 {
		n := min(size, len(content))
		s += strconv.FormatInt(int64(n), 16) + "\r\n" + content[:n] + "\r\n"
		content = content[n:]
	}
	return s + "0\r\n\r\n"
}

// answer is a complete response with a length.
func answer(status, fields, content string) string {
	return "HTTP/1.1 " + status + "\r\nContent-Length: " + strconv.Itoa(len(content)) + "\r\n" + dateLine + fields + "\r\n" + content
}

const closes = "Connection: close\r\n"

// refusal is the answer to what cannot be served.
func refusal(code int) string {
	text := http1.StatusText(code)
	return "HTTP/1.1 " + strconv.Itoa(code) + " " + text + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
		strconv.Itoa(len(text)+1) + "\r\n" + dateLine + closes + "\r\n" + text + "\n"
}

// say answers with text.
func say(c *http1conn.Conn, text string) error {
	if err := c.Status(200, ""); err != nil {
		return err
	}
	if err := c.Length(uint64(len(text))); err != nil {
		return err
	}
	if err := c.EndHead(); err != nil {
		return err
	}
	if err := c.WriteString(text); err != nil {
		return err
	}
	return c.Complete()
}

// tell reads the content and answers with what was understood. The views of
// the head are taken before the content is read and used after it.
func tell(c *http1conn.Conn) error {
	content, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	h, b := c.Head(), c.Bytes()
	text := string(h.MethodName(b)) + " " + string(h.Target(b)) + " " + string(h.Host(b)) + " " + string(h.Get(b, "Cookie")) + " [" + string(content) + "]"
	if len(text) > 150 {
		text = text[:100] + "..." + strconv.Itoa(len(text))
	}
	return say(c, text)
}

// told is what tell answers with.
func told(text string) string {
	if len(text) > 150 {
		text = text[:100] + "..." + strconv.Itoa(len(text))
	}
	return answer("200 OK", "", text)
}

// ignore answers without reading content.
func ignore(c *http1conn.Conn) error { return say(c, "ignored") }

// serve serves a whole input with a handler, and returns what was sent.
func serve(t testing.TB, s sizes, w *wire, h http1conn.Handler) (c *http1conn.Conn, sent string, err error) {
	t.Helper()
	c = newConn(t, s)
	c.Reset(w)
	err = http1conn.ServeStream(c, h)
	return c, w.out.String(), err
}
