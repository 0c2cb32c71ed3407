package http1_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// browser is the head that a browser sends, with 8 KB of cookies.
func browser(cookies int) string {
	return "GET /index.html?lang=en HTTP/1.1\r\n" +
		"Host: device.local:8080\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n" +
		"Cookie: " + strings.Repeat("session=0123456789abcdef; ", cookies/26) + "\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Accept-Language: en-US,en;q=0.9\r\n" +
		"Sec-Fetch-Dest: document\r\n" +
		"Sec-Fetch-Mode: navigate\r\n" +
		"Sec-Fetch-Site: none\r\n" +
		"Sec-Fetch-User: ?1\r\n" +
		"Connection: keep-alive, Upgrade\r\n" +
		"Upgrade: websocket\r\n" +
		"If-None-Match: \"abc\"\r\n" +
		"Content-Length: 3\r\n\r\n"
}

const browserWant = `GET HTTP/1.1 origin "/index.html?lang=en" path "/index.html" query "lang=en" host "device.local:8080" length 3 keep-alive upgrade` +
	`|Host=device.local:8080|Accept-Encoding=gzip, deflate, br, zstd|Upgrade=websocket|If-None-Match="abc"`

// through feeds a head through a buffer of a fixed size, reading at most step
// bytes at a time, as a driver does: Compact when it is full.
func through(t *testing.T, p *http1.Parser, in string, size, step int) (h *http1.Head, b []byte, err error) {
	t.Helper()
	h = new(http1.Head)
	g := splittest.Guard(make([]byte, size))
	n := 0
	for {
		m := copy(g.Bytes[n:min(n+step, size)], in)
		in = in[m:]
		n += m
		done, err := p.Parse(h, g.Bytes[:n])
		if !g.Intact() {
			t.Fatal("canary damaged")
		}
		if done || err != nil {
			return h, g.Bytes[:n], err
		}
		if n == size {
			if n = h.Compact(g.Bytes[:n]); n == size {
				return h, g.Bytes, h.Overflow()
			}
		}
		if m == 0 {
			t.Fatalf("Parse needs more than the whole")
		}
	}
}

func TestCookiesInSmallBuffer(t *testing.T) {
	p := &http1.Parser{Keep: http1.DefaultFields()}
	in := browser(8 << 10)
	for _, size := range []int{512, 256} {
		for _, step := range []int{1, 7, 64, 511, 512} {
			h, b, err := through(t, p, in+"abc", size, step)
			if err != nil {
				t.Fatalf("buffer of %d in steps of %d: %v", size, step, err)
			}
			if got := describe(h, b); got != browserWant {
				t.Fatalf("buffer of %d in steps of %d:\n got %s\nwant %s", size, step, got, browserWant)
			}
			if got := string(b[h.Scanned():]); !strings.HasPrefix("abc", got) {
				t.Fatalf("content begins %q", got)
			}
		}
	}
}

func TestSmallestBuffer(t *testing.T) {
	p := &http1.Parser{Keep: http1.DefaultFields()}
	in := browser(1 << 10)
	smallest := 0
	for size := 512; size > 0; size-- {
		h, b, err := through(t, p, in, size, size)
		if err == nil {
			if got := describe(h, b); got != browserWant {
				t.Fatalf("buffer of %d:\n got %s\nwant %s", size, got, browserWant)
			}
			if smallest != 0 {
				t.Fatalf("a buffer of %d works, one of %d does not", size, smallest)
			}
			continue
		}
		if smallest == 0 {
			smallest = size + 1
		}
		if want := http1.ErrHeadLong; err != want && size >= len("GET /index.html?lang=en ") {
			t.Fatalf("buffer of %d: %v, want %v", size, err, want)
		} else if size < len("GET /index.html?lang=en") && err != http1.ErrTargetLong {
			t.Fatalf("buffer of %d: %v, want %v", size, err, http1.ErrTargetLong)
		}
	}
	// The method, the target and the kept fields, and the line that is acted on behind
	// all of them, with the byte that ends it.
	want := len("GET /index.html?lang=en" + "Hostdevice.local:8080" + "Accept-Encodinggzip, deflate, br, zstd" +
		"Upgradewebsocket" + "If-None-Match\"abc\"" + "Content-Length3\r")
	if smallest != want {
		t.Errorf("the smallest buffer is %d, want %d", smallest, want)
	}
}

func TestWhiteSpaceFloodIsDropped(t *testing.T) {
	p := &http1.Parser{Keep: http1.DefaultFields()}
	in := "GET / HTTP/1.1\r\nHost:" + strings.Repeat(" \t", 4000) + "x\r\n\r\n"
	h, b, err := through(t, p, in, 64, 64)
	if err != nil || string(h.Host(b)) != "x" {
		t.Errorf("Parse = %v, Host %q", err, h.Host(b))
	}
}

func TestOverflow(t *testing.T) {
	p := &http1.Parser{Keep: http1.DefaultFields()}
	for _, c := range []struct {
		name, in string
		want     http1.Error
	}{
		{"target", "GET /" + strings.Repeat("a", 100), http1.ErrTargetLong},
		{"kept value", "GET / HTTP/1.1\r\nOrigin: " + strings.Repeat("a", 100), http1.ErrHeadLong},
		{"value that is acted on", "GET / HTTP/1.1\r\nTransfer-Encoding: " + strings.Repeat("a", 100), http1.ErrHeadLong},
		{"name", "GET / HTTP/1.1\r\n" + strings.Repeat("a", 100), http1.ErrHeadLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _, err := through(t, p, c.in, 80, 80)
			if err != c.want {
				t.Errorf("%v, want %v", err, c.want)
			}
			if h.Empty() {
				t.Error("the head is empty")
			}
		})
	}
}

// Compact moves what is not yet scanned as well, and content behind the head.
func TestCompactMovesTheRest(t *testing.T) {
	p := &http1.Parser{}
	in := "\r\nPOST /a HTTP/1.1\r\nHost: x\r\nCookie: abcdefgh\r\nContent-Length: 7\r\n\r\n"
	for i := range len(in) + 1 {
		var h http1.Head
		if _, err := p.Parse(&h, []byte(in[:i])); err != nil {
			t.Fatal(err)
		}
		g := splittest.Guard(in + "content")
		n := h.Compact(g.Bytes)
		if !g.Intact() {
			t.Fatalf("Compact at %d has damaged a canary", i)
		}
		done, err := p.Parse(&h, g.Bytes[:n])
		if !done || err != nil {
			t.Fatalf("compacted at %d: Parse = %v, %v", i, done, err)
		}
		if got := string(g.Bytes[h.Scanned():n]); got != "content" {
			t.Fatalf("compacted at %d: content %q", i, got)
		}
		// Done as well: with the content, and without.
		c := h
		b := append([]byte(nil), g.Bytes[:n]...)
		n = c.Compact(b)
		if got := string(b[:n]); got != "POST /aHostxcontent" {
			t.Fatalf("compacted at %d and at the end: %q", i, got)
		}
		if k := h.Compact(g.Bytes[:h.Scanned()]); k != len("POST /aHostx") || k != h.Scanned() {
			t.Fatalf("compacted at %d and at the end, without content: %d", i, k)
		}
		if string(h.Host(g.Bytes)) != "x" || string(h.Path(g.Bytes)) != "/a" || h.Method() != http1.POST {
			t.Fatalf("compacted at %d: %s", i, describe(&h, g.Bytes))
		}
	}
}

func TestCompactAfterFailure(t *testing.T) {
	for _, in := range []string{"\x00", "\r\nGET\x00", "GET /\x00", "GET / HTTP/2", "GET / HTTP/1.1\r\nHost: x\r\nA: \x00"} {
		for i := range len(in) {
			var h http1.Head
			p := keepAll()
			p.Parse(&h, []byte(in[:i]))
			b := []byte(in)
			_, err := p.Parse(&h, b)
			n := h.Compact(b)
			if _, again := p.Parse(&h, b[:n]); err == nil || again != err {
				t.Errorf("%q: %v, after Compact %v", in, err, again)
			}
		}
	}
}

func TestSavedSize(t *testing.T) {
	h := rubbish()
	if n, want := h.SavedSize(), 50+8*h.NumFields(); n != want {
		t.Errorf("SavedSize = %d, want %d", n, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("Save into too small a block does not panic")
		}
	}()
	h.Save(make([]byte, h.SavedSize()-1))
}

// The figure is part of a slot's or a worker's budget.
func TestHeadSize(t *testing.T) {
	if n := unsafe.Sizeof(http1.Head{}); n > 56+8*http1.MaxKept {
		t.Errorf("a Head has %d bytes", n)
	}
	if n := unsafe.Sizeof(http1.Body{}); n > 32 {
		t.Errorf("a Body has %d bytes", n)
	}
	if n := unsafe.Sizeof(http1.Response{}); n > 24 {
		t.Errorf("a Response has %d bytes", n)
	}
}
