package http1conn_test

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// driver drives connections as a server does: it never waits, and puts away
// what does not make a request yet. Two connections take turns, so that nothing
// can be left behind in one.
type driver struct {
	t     *testing.T
	conns [2]*http1conn.Conn
	turn  int
	w     *wire
	stash []byte
	saved int
	mode  string

	// What of content was taken before its end, in mode "pieces".
	content string
	over    bool
}

func newDriver(t *testing.T, s sizes, mode string) *driver {
	return &driver{
		t: t, conns: [2]*http1conn.Conn{newConn(t, s), newConn(t, s)}, w: &wire{},
		stash: make([]byte, http1conn.SaveOverhead()+s.in), mode: mode,
	}
}

// take gives the next bytes that came.
func (d *driver) take(in string) {
	if d.over {
		return
	}
	c := d.conns[d.turn]
	d.turn ^= 1
	c.Reset(d.w)
	if d.saved > 0 {
		c.Load(d.stash[:d.saved])
		for i := range d.stash {
			d.stash[i] = splittest.Rubbish
		}
	}
	for {
		for d.step(c) {
		}
		if d.over || in == "" {
			break
		}
		n := copy(c.Space(), in)
		if n == 0 {
			d.t.Fatalf("no space in %v", c.State())
		}
		c.Feed(n)
		in = in[n:]
	}
	must(d.t, c.Flush())
	if d.over {
		return
	}
	if d.saved = 0; c.Resting() {
		return
	}
	n, ok := c.Save(d.stash)
	if !ok {
		d.t.Fatalf("Save in %v does not fit", c.State())
	}
	if state := c.State(); n > 1 {
		// With one byte less it does not fit, and nothing has changed.
		if _, ok := c.Save(make([]byte, n-1)); ok || c.State() != state {
			d.t.Fatalf("Save to %d bytes of %d: %v, state %v, was %v", n-1, n, ok, c.State(), state)
		}
		if m, ok := c.Save(d.stash); !ok || m != n {
			d.t.Fatalf("Save again: %d, %v, first %d", m, ok, n)
		}
	}
	d.saved = n
}

// step does what can be done, and reports whether there may be more.
func (d *driver) step(c *http1conn.Conn) bool {
	switch c.State() {
	case http1.StateComplete:
		if c.NeedsClose() {
			d.over = true
			return false
		}
		fallthrough
	case http1.StateIdle, http1.StateHead:
		done, err := c.Parse()
		if err != nil {
			return d.refuse(c, err)
		}
		return done
	case http1.StateBody, http1.StateRespond:
		return d.request(c)
	case http1.StateDrain:
		if !c.KeepAlive() {
			d.over = true
			return false
		}
		c.Discard()
		return c.State() != http1.StateDrain
	case http1.StateLinger:
		d.over = true
		return false
	}
	d.t.Fatalf("state %v", c.State())
	return false
}

func (d *driver) refuse(c *http1conn.Conn, err error) bool {
	must(d.t, c.CompleteErr(err))
	d.over = true
	return false
}

func (d *driver) request(c *http1conn.Conn) bool {
	var err error
	switch d.mode {
	case "ignore":
		err = ignore(c)
	case "whole":
		whole, fits := c.Whole()
		again, _ := c.Whole()
		if again != whole {
			d.t.Fatal("Whole says another thing the second time")
		}
		if !whole && fits {
			return false
		}
		if !whole {
			d.t.Fatalf("content does not fit")
		}
		err = tell(c)
	case "pieces":
		for {
			var p []byte
			if p, err = c.TryPiece(); len(p) == 0 {
				break
			}
			d.content += string(p)
		}
		switch err {
		case nil:
			return false
		case io.EOF:
			h, b := c.Head(), c.Bytes()
			text := string(h.MethodName(b)) + " " + string(h.Target(b)) + " " + string(h.Host(b)) + " " + string(h.Get(b, "Cookie")) + " [" + d.content + "]"
			d.content = ""
			if len(text) > 150 {
				text = text[:100] + "..." + strconv.Itoa(len(text))
			}
			err = say(c, text)
		}
	}
	if err != nil {
		return d.refuse(c, err)
	}
	return true
}

// inputs are what a driver is given: requests one behind the other.
func inputs() []string {
	end := get("/end", "Connection: close")
	in := []string{
		get("/a", "Cookie: b") + get("/c") + end,
		"\r\n" + get("/a") + "\r\n" + post("/b", "hello", "Cookie: c") + end,
		chunked("/a", "hello, world", 5, "Cookie: b", "X: dropped") + chunked("/b", "", 1) + end,
		strings.Replace(chunked("/a", "hello", 5), "0\r\n\r\n", "0;x=\"y\"\r\nA: b\r\n\r\n", 1) + end,
		post("/a", get("/b")) + end,
		get("/a", "Cookie: b") + post("/b", "content that is cut off")[:70],
		get("/a") + "GET /b HTTP/1.1\r\nHost: a\r\nBad Field: x\r\n\r\n",
		chunked("/a", "hello", 2) + strings.Replace(chunked("/b", "hello", 2), "2\r\n", "z\r\n", 1),
		post("/a", "hello", expect) + end,
	}
	return in
}

// TestSaveAtEverySplit cuts inputs everywhere, puts the connection away in
// between, and wants what comes of the whole.
func TestSaveAtEverySplit(t *testing.T) {
	for _, mode := range []string{"whole", "pieces", "ignore"} {
		for _, in := range inputs() {
			want := ""
			for i, way := range splittest.Ways(len(in)) {
				d := newDriver(t, small, mode)
				from := 0
				for _, to := range way.Ends {
					d.take(in[from:to])
					from = to
				}
				got := d.w.out.String()
				if i == 0 {
					want = got
					if !strings.HasPrefix(got, "HTTP/1.1 ") {
						t.Fatalf("%s of %q: %q", mode, in, got)
					}
				}
				if got != want {
					t.Fatalf("%s, %s of %q\n got %q\nwant %q", mode, way.Name, in, got, want)
				}
			}
		}
	}
}

// TestSaveOfMuch puts connections away in the midst of heads and content that
// are larger than their buffers.
func TestSaveOfMuch(t *testing.T) {
	head := get("/a", strings.TrimSuffix(lines, "\r\n"), "Cookie: b")
	in := head + post("/b", strings.Repeat(long, 20), strings.TrimSuffix(lines, "\r\n"), "Cookie: c") + chunked("/d", strings.Repeat(long, 20), 33) + get("/end", "Connection: close")
	for _, mode := range []string{"pieces", "ignore"} {
		want := ""
		for i, step := range []int{len(in), 1, 2, 3, 7, 100, 255, 256, 257, 1000} {
			d := newDriver(t, small, mode)
			for from := 0; from < len(in); from += step {
				d.take(in[from:min(from+step, len(in))])
			}
			if i == 0 {
				want = d.w.out.String()
			}
			if got := d.w.out.String(); got != want || strings.Count(got, "HTTP/1.1 200 OK") != 4 {
				t.Errorf("%s, by %d:\n got %q\nwant %q", mode, step, got, want)
			}
		}
	}
}

// TestSaveMaximum fills a stash block to what SaveOverhead promises.
func TestSaveMaximum(t *testing.T) {
	p := &http1.Parser{Keep: http1.AllFields()}
	for _, size := range []int{256, 1024, http1.MaxHeadBuffer} {
		c, err := http1conn.New(http1conn.Config{Parser: p, In: make([]byte, size), Out: make([]byte, 256)})
		must(t, err)
		c.Reset(&wire{})
		in := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", min(http1.MaxKept-1, (size-40)/6)) + "B: "
		for {
			n := copy(c.Space(), in)
			c.Feed(n)
			in = strings.Repeat("b", len(c.Space())-1)
			if _, err := c.Parse(); err != nil {
				t.Fatal(err)
			}
			if len(c.Space()) <= 1 {
				break
			}
		}
		n, ok := c.Save(make([]byte, http1conn.SaveOverhead()+size))
		if !ok || n < size {
			t.Errorf("%d: %d, %v", size, n, ok)
		}
	}
}

// TestSaveKeepsExpectation asks for content that is expected after a Load,
// once.
func TestSaveKeepsExpectation(t *testing.T) {
	c, d := newConn(t, small), newConn(t, small)
	w := &wire{}
	c.Reset(w)
	parse(t, c, strings.TrimSuffix(post("/", "hello", expect), "hello"))
	stash := make([]byte, 1024)
	n, ok := c.Save(stash)
	if !ok {
		t.Fatal("Save")
	}
	d.Reset(w)
	d.Load(stash[:n])
	if !d.Expects() {
		t.Error("expects no more")
	}
	must(t, d.Continue())
	if n, ok = d.Save(stash); !ok {
		t.Fatal("Save")
	}
	c.Reset(w)
	c.Load(stash[:n])
	if c.Expects() {
		t.Error("expects still")
	}
	w.in = "hello"
	must(t, tell(c))
	must(t, c.Flush())
	if got, want := w.out.String(), http1.Continue+told("POST / a  [hello]"); got != want {
		t.Errorf("%q", got)
	}
}

// TestWhole says of content of every shape whether it is here, and whether it
// could be.
func TestWhole(t *testing.T) {
	head := func(in string) int { return strings.Index(in, "\r\n\r\n") + 4 }
	for _, v := range []struct {
		name string
		in   string
		fits bool
	}{
		{"length", post("/", "hello"), true},
		{"nothing", get("/"), true},
		{"chunks", chunked("/", "hello, world", 5), true},
		{"chunks with extensions and trailer", get("/", "Transfer-Encoding: chunked") + "5;a=b\r\nhello\r\n0;c\r\nA: b\r\nC: d\r\n\r\n", true},
		{"no chunks", chunked("/", "", 1), true},
		{"length beyond the buffer", post("/", much), false},
	} {
		// pipelined: the head is not at the front of the buffer
		for _, before := range []string{"", get("/before")} {
			for split := head(v.in); split <= len(v.in) && split < 200; split++ {
				c := newConn(t, small)
				c.Reset(&wire{})
				feed(c, before+v.in[:split])
				if before != "" {
					if done, err := c.Parse(); !done || err != nil {
						t.Fatal(done, err)
					}
					must(t, ignore(c))
				}
				if done, err := c.Parse(); !done || err != nil {
					t.Fatal(done, err)
				}
				want := split == len(v.in)
				for range 2 {
					whole, fits := c.Whole()
					if whole != want || fits != (v.fits || want) {
						t.Errorf("%s, %d of %d: %v, %v", v.name, split, len(v.in), whole, fits)
					}
				}
				if !v.fits {
					continue
				}
				// Then it comes, with more behind it.
				rest := v.in[split:] + "GET"
				for rest != "" {
					n := copy(c.Space()[:1], rest)
					c.Feed(n)
					rest = rest[n:]
					if whole, fits := c.Whole(); whole != (len(rest) <= 3) || !fits {
						t.Errorf("%s, %d left: %v, %v", v.name, len(rest), whole, fits)
					}
				}
				must(t, tell(c))
				if c.Buffered() != 3 {
					t.Errorf("%s: %d bytes behind", v.name, c.Buffered())
				}
			}
		}
	}
}

// TestWholeOfWhatIsBroken leaves errors to the reader, who finds them without
// waiting.
func TestWholeOfWhatIsBroken(t *testing.T) {
	c := newConn(t, small)
	c.Reset(&wire{})
	parse(t, c, get("/", "Transfer-Encoding: chunked")+"1\r\na\r\nx")
	if whole, fits := c.Whole(); !whole || !fits {
		t.Error(whole, fits)
	}
	if err := tell(c); err != http1.ErrChunkSize {
		t.Error(err)
	}
	c.Reset(&wire{})
	parse(t, c, post("/", "hello", "X: y")[:56])
	if whole, _ := c.Whole(); whole {
		t.Error("content that is cut off is whole")
	}
	c.FeedEOF()
	if whole, fits := c.Whole(); !whole || !fits || !c.EOF() {
		t.Error(whole, fits)
	}
	if err := tell(c); err != http1conn.ErrTruncated {
		t.Error(err)
	}
}

// TestWholeAfterReading goes on from where the reader is.
func TestWholeAfterReading(t *testing.T) {
	content := strings.Repeat(long, 10)
	c := newConn(t, small)
	w := &wire{in: chunked("/", content, 20), size: byOne}
	c.Reset(w)
	must(t, c.Next())
	got := ""
	for {
		p, err := c.NextPiece()
		got += string(p)
		if err == io.EOF {
			break
		}
		must(t, err)
		if whole, _ := c.Whole(); whole != (w.in == "") {
			t.Fatalf("%d bytes are to come: whole is %v", len(w.in), whole)
		}
	}
	if got != content {
		t.Errorf("%q", got)
	}
}

// TestDiscard uses up what is here.
func TestDiscard(t *testing.T) {
	c := newConn(t, small)
	c.Reset(&wire{})
	parse(t, c, chunked("/", "hello", 2)[:66])
	if c.Discard() || c.Buffered() != 0 {
		t.Errorf("%d bytes left", c.Buffered())
	}
	feed(c, chunked("/", "hello", 2)[66:]+"GET")
	if !c.Discard() || c.Buffered() != 3 || c.State() != http1.StateRespond {
		t.Errorf("%d bytes left in %v", c.Buffered(), c.State())
	}
	if !c.Discard() {
		t.Error("Discard of nothing")
	}
}

// TestDrains says what is worth reading behind the answer.
func TestDrains(t *testing.T) {
	for _, v := range []struct {
		name, in string
		want     bool
	}{
		{"a little", post("/", "hello")[:50], true},
		{"the most", get("/", "Content-Length: 65536"), true},
		{"more", get("/", "Content-Length: 65537"), false},
		{"a little, to close", get("/", "Content-Length: 5", "Connection: close"), false},
	} {
		c := newConn(t, small)
		c.Reset(&wire{})
		parse(t, c, v.in)
		must(t, ignore(c))
		if c.State() != http1.StateDrain || c.Drains() != v.want {
			t.Errorf("%s: %v in %v", v.name, c.Drains(), c.State())
		}
	}
}
