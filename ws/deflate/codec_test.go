package deflate_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// examples are those of RFC 7692 section 7.2.3, payloads without their headers.
// https://www.rfc-editor.org/rfc/rfc7692#section-7.2.3
var examples = []struct {
	name    string
	payload string
	want    string
}{
	{"7.2.3.1 a message compressed using one compressed DEFLATE block", "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"},
	{"7.2.3.3 a DEFLATE block with no compression", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello"},
	{"7.2.3.4 a DEFLATE block with BFINAL set to 1", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"},
	{"7.2.3.5 two DEFLATE blocks in one message", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"},
	{"7.2.3.6 an empty fragment", "\x00", ""},

	// Not there, but the same with BFINAL set on the block whose end is removed.
	{"one compressed DEFLATE block, the empty one is the last", "\xf2\x48\xcd\xc9\xc9\x07\x04", "Hello"},
	{"the empty block is the last, with padding that is not 0", "\x31", ""},
	{"nothing but last blocks", "\x01\x00\x00\xff\xff\x03\x00\x01", ""},
}

func TestExamples(t *testing.T) {
	c := extension(t, deflate.Config{}).Codec()
	for _, test := range examples {
		for step := 1; step <= len(test.payload); step++ {
			for _, with := range []bool{false, true} {
				for _, read := range []int{1, 2, 5, 100} {
					c.Decompress(&pieces{b: []byte(test.payload), step: step, with: with})
					got, err := readAll(c, read)
					if err != nil || string(got) != test.want {
						t.Errorf("%s: pieces of %d, reads of %d: %q, %v, want %q", test.name, step, read, got, err, test.want)
					}
				}
			}
		}
	}
}

// TestExampleOfTakeover is RFC 7692 section 7.2.3.2.
func TestExampleOfTakeover(t *testing.T) {
	e := extension(t, deflate.Config{ClientTakeover: true, Contexts: 1})
	c := e.Take(ws.RoleServer, e.Accept([]byte("permessage-deflate")))
	for _, payload := range []string{"\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00"} {
		if got, err := inflate(c, []byte(payload)); err != nil || string(got) != "Hello" {
			t.Errorf("%x: %q, %v", payload, got, err)
		}
	}
	// A codec that keeps nothing cannot know the first Hello.
	alone := e.Codec()
	for _, payload := range []string{"\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00"} {
		got, err := inflate(alone, []byte(payload))
		if bad := payload[1] == 0; bad != (err == ws.ErrCompressed) || !bad && string(got) != "Hello" {
			t.Errorf("%x without takeover: %q, %v", payload, got, err)
		}
	}
}

func TestEmptyMessage(t *testing.T) {
	e := extension(t, deflate.Config{ServerTakeover: true, Contexts: 1})
	for _, params := range []string{"", "; server_no_context_takeover", "; server_max_window_bits=8"} {
		p := e.Accept([]byte("permessage-deflate" + params))
		c := connection(e, ws.RoleServer, p)
		for range 2 { // RFC 7692 section 7.2.3.6
			if got := compress(t, c, nil, 1); string(got) != "\x00" {
				t.Errorf("%q: an empty message is %x, want 00", params, got)
			}
		}
		compress(t, c, []byte("Hello"), 2)
		if got := compress(t, c, nil, 1); string(got) != "\x00" {
			t.Errorf("%q: an empty message after another is %x, want 00", params, got)
		}
		e.Release(p)
	}
}

// TestLastBlocksInside has payloads as another end may send them, whose blocks
// with BFINAL set are followed by others (RFC 7692 section 7.2.1).
func TestLastBlocksInside(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	content := text(r, 90_000)
	for _, size := range []int{1, 7, 1000, 30_000, 40_000} {
		// Each piece refers to those before, and ends its stream.
		var payload bytes.Buffer
		for at := 0; at < len(content); at += size {
			w, err := flate.NewWriterDict(&payload, 6, content[max(0, at-32768):at])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(content[at:min(at+size, len(content))]); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if size < 1000 && at > 500 {
				content = content[:at+size]
			}
		}
		payload.WriteByte(0)
		for _, params := range []string{"", "; client_no_context_takeover"} {
			e := extension(t, deflate.Config{ClientTakeover: true, Contexts: 1})
			c := connection(e, ws.RoleServer, e.Accept([]byte("permessage-deflate"+params)))
			for _, step := range []int{1, 1023, 1 << 20} {
				c.Decompress(&pieces{b: payload.Bytes(), step: step})
				if got, err := readAll(c, 1+step/3); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%q: streams of %d bytes, pieces of %d: %d bytes, %v", params, size, step, len(got), err)
				}
			}
		}
		content = text(r, 90_000)
	}
}

func TestMalformed(t *testing.T) {
	hello := "\xf2\x48\xcd\xc9\xc9\x07\x00"
	long := func(n int) string {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 6)
		_, _ = w.Write(text(rand.New(rand.NewPCG(3, 4)), n))
		_ = w.Flush()
		return b.String()[:b.Len()-4]
	}(50_000)
	for _, test := range []struct{ name, payload string }{
		{"no byte", ""},
		{"reserved type of block", "\x06"},
		{"reserved type of block behind a message", hello[:6] + "\x06\x00"},
		{"cut before the header of the last block", "\xf2\x48\xcd\xc9\xc9\x07"},
		{"cut in a symbol", hello[:3]},
		{"cut in the end of a last block", "\xf3\x48\xcd\xc9\xc9\x07"},
		{"cut in a long message", long[:len(long)/2]},
		{"tail not removed", hello + "\x00\x00\xff\xff"},
		{"half of the tail not removed", hello + "\x00\x00"},
		{"another byte behind the header of the last block", hello + "\x00"},
		{"last block without the header of an empty one behind", "\xf3\x48\xcd\xc9\xc9\x07\x00"},
		{"distance before the beginning", "\xf2\x00\x11\x00\x00"},
		{"length that is not its complement", "\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00"},
		{"block without compression longer than the payload", "\x00\x09\x00\xf6\xff\x48\x65\x6c\x6c\x6f\x00"},
		{"block without compression as long as the payload and its ending", "\x00\x0f\x00\xf0\xff\x48\x65\x6c\x6c\x6f\x00"},
		{"text", "Hello, Hello, Hello"},
		{"code with too many symbols", "\x04\xff\xff\xff\xff\xff\xff\xff\xff"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := extension(t, deflate.Config{ClientTakeover: true, Contexts: 1})
			alone := e.Codec()
			kept := e.Take(ws.RoleServer, e.Accept([]byte("permessage-deflate")))
			for step := 1; step <= min(len(test.payload)+1, 20); step++ {
				for _, c := range []wsconn.Codec{alone, kept} {
					c.Decompress(&pieces{b: []byte(test.payload), step: step})
					got, err := readAll(c, 10)
					if err != ws.ErrCompressed {
						t.Fatalf("pieces of %d: %q, %v, want %v", step, got, err, ws.ErrCompressed)
					}
					if _, again := c.Read(make([]byte, 1)); again != err {
						t.Errorf("the error then becomes %v", again)
					}
				}
			}
			if got, err := inflate(alone, []byte(hello)); err != nil || string(got) != "Hello" {
				t.Errorf("the next message: %q, %v", got, err)
			}
			// With takeover nobody knows what the next message refers to.
			if got, err := inflate(kept, []byte(hello)); err != ws.ErrCompressed {
				t.Errorf("the next message with takeover: %q, %v", got, err)
			}
		})
	}
	if ws.ErrCompressed.Code() != ws.CodeInvalidPayload || ws.ErrInflatedTooBig.Code() != ws.CodeTooBig {
		t.Error("close codes are not 1007 and 1009")
	}
}

var errReader = errors.New("reader")

func TestErrorsOfReader(t *testing.T) {
	c := extension(t, deflate.Config{}).Codec()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("before any message: %d, %v, want EOF", n, err)
	}
	whole := "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"
	for n := range len(whole) + 1 {
		for _, with := range []bool{false, true} {
			if n == 0 && with {
				continue
			}
			c.Decompress(&pieces{b: []byte(whole[:n]), step: 100, with: with, err: errReader})
			if got, err := readAll(c, 100); err != errReader {
				t.Errorf("after %d bytes: %q, %v, want the reader's error", n, got, err)
			}
		}
	}
	c.Decompress(&pieces{b: []byte(whole[:3]), step: 100, err: io.ErrUnexpectedEOF})
	if _, err := readAll(c, 100); err != io.ErrUnexpectedEOF {
		t.Errorf("%v, want the reader's unexpected EOF", err)
	}
	c.Decompress(iotest.ErrReader(nil)) // gives 0, nil for ever
	if _, err := readAll(c, 100); err != io.ErrNoProgress {
		t.Errorf("%v, want no progress", err)
	}
	c.Decompress(&pieces{b: []byte(whole), step: 100})
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of no bytes: %d, %v", n, err)
	}
}

func TestUnfinished(t *testing.T) {
	e := extension(t, deflate.Config{ClientTakeover: true, Contexts: 1})
	alone, kept := e.Codec(), e.Take(ws.RoleServer, e.Accept([]byte("permessage-deflate")))
	hello := []byte("\xf2\x48\xcd\xc9\xc9\x07\x00")
	for _, c := range []wsconn.Codec{alone, kept} {
		c.Decompress(&pieces{b: hello, step: 1})
		if n, err := c.Read(make([]byte, 2)); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got, err := inflate(alone, hello); err != nil || string(got) != "Hello" {
		t.Errorf("without takeover: %q, %v", got, err)
	}
	for range 2 {
		if got, err := inflate(kept, hello); err != deflate.ErrUnfinished {
			t.Errorf("with takeover: %q, %v, want %v", got, err, deflate.ErrUnfinished)
		}
	}
	e.Put(kept)
	if got, err := inflate(e.Take(ws.RoleServer, e.Accept([]byte("permessage-deflate"))), hello); err != nil || string(got) != "Hello" {
		t.Errorf("the next connection: %q, %v", got, err)
	}
}

// TestNothingOfOthers wants no byte of another connection's message to be had
// by a reference to what was before.
func TestNothingOfOthers(t *testing.T) {
	e := extension(t, deflate.Config{ClientTakeover: true, Contexts: 1, Idle: 1})
	offer := []byte("permessage-deflate")
	hello, again := []byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), []byte("\xf2\x00\x11\x00\x00")
	c, p := e.Codec(), e.Accept(offer)
	kept := e.Take(ws.RoleServer, p)
	for _, first := range []wsconn.Codec{c, kept} {
		if _, err := inflate(first, hello); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := inflate(c, again); err != ws.ErrCompressed {
		t.Errorf("%q, %v", got, err)
	}
	e.Put(kept)
	e.Release(p)
	kept = e.Take(ws.RoleServer, e.Accept(offer))
	if got, err := inflate(kept, again); err != ws.ErrCompressed {
		t.Errorf("a context taken again: %q, %v", got, err)
	}
	c.Bind(ws.RoleServer, p)
	_, _ = inflate(c, hello)
	c.Bind(ws.RoleServer, p)
	if got, err := inflate(c, again); err != ws.ErrCompressed {
		t.Errorf("a codec bound again: %q, %v", got, err)
	}
}

// bomb is a payload that inflates to n zeros.
func bomb(n int) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	for zeros := make([]byte, 1<<16); n > 0; n -= len(zeros) {
		_, _ = w.Write(zeros[:min(n, len(zeros))])
	}
	_ = w.Flush()
	return b.Bytes()[:b.Len()-4]
}

func TestMaxInflated(t *testing.T) {
	for _, test := range []struct {
		limit int64
		size  int
		ok    bool
	}{
		{0, deflate.DefaultMaxInflated, true},
		{0, deflate.DefaultMaxInflated + 1, false},
		{-1, 5 << 20, true},
		{1, 0, true},
		{1, 1, true},
		{1, 2, false},
		{1000, 1000, true},
		{1000, 1001, false},
		{1000, 5 << 20, false},
		{32768, 32768, true},
		{32768, 32769, false},
	} {
		c := extension(t, deflate.Config{MaxInflated: test.limit}).Codec()
		for _, step := range []int{1, 999, 1000, 1001, 40_000} {
			if step == 1 && test.size > 1<<16 {
				continue
			}
			c.Decompress(&pieces{b: bomb(test.size), step: 100})
			got, err := readAll(c, step)
			if test.ok && (err != nil || len(got) != test.size) {
				t.Errorf("limit %d: %d bytes: %d, %v", test.limit, test.size, len(got), err)
			}
			limit := int(test.limit)
			if limit == 0 {
				limit = deflate.DefaultMaxInflated
			}
			if !test.ok && (err != ws.ErrInflatedTooBig || len(got) != limit) {
				t.Errorf("limit %d: %d bytes: %d, %v, want too big", test.limit, test.size, len(got), err)
			}
			// The limit is one of each message.
			if got, err := inflate(c, bomb(1)); err != nil || len(got) != 1 {
				t.Errorf("limit %d: the next message: %d, %v", test.limit, len(got), err)
			}
		}
	}
}

// TestMaxStreams has a message that asks for work without an end, and inflates
// to nothing: last blocks, of two bytes each.
func TestMaxStreams(t *testing.T) {
	for _, test := range []struct {
		limit   int64
		streams int
		ok      bool
	}{
		{1000, 16, true},
		{1000, 17, false},
		{10 << 10, 26, true},
		{10 << 10, 27, false},
		{0, 100_000, false},
		{math.MaxInt64, 2000, true},
		{-1, 2000, true},
	} {
		e := extension(t, deflate.Config{ClientTakeover: true, Contexts: 1, MaxInflated: test.limit})
		for _, c := range []wsconn.Codec{e.Codec(), e.Take(ws.RoleServer, e.Accept([]byte("permessage-deflate")))} {
			from := strings.NewReader(strings.Repeat("\x03\x00", test.streams) + "\x00")
			c.Decompress(from)
			got, err := readAll(c, 100)
			if test.ok && err != nil || !test.ok && err != ws.ErrInflatedTooBig || len(got) != 0 {
				t.Errorf("limit %d, %d streams: %q, %v", test.limit, test.streams, got, err)
			}
			if !test.ok && test.streams > 10_000 && from.Len() < test.streams {
				t.Errorf("%d bytes of %d were looked at", int(from.Size())-from.Len(), from.Size())
			}
		}
	}
}

// failing takes n bytes.
type failing struct{ n int }

func (w *failing) Write(p []byte) (int, error) {
	if len(p) > w.n {
		n := w.n
		w.n = 0
		return n, errReader
	}
	w.n -= len(p)
	return len(p), nil
}

// short says that it wrote less, without an error.
type short struct{}

func (short) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestErrorsOfWriter(t *testing.T) {
	e := extension(t, deflate.Config{ServerTakeover: true, Contexts: 1})
	r := rand.New(rand.NewPCG(5, 6))
	b := noise(r, 10_000)
	for _, n := range []int{0, 1, 1023, 5000, 9999} {
		p := e.Accept([]byte("permessage-deflate"))
		kept, alone := e.Take(ws.RoleServer, p), e.Codec()
		if err := kept.Compress(&failing{n}, b, true); err != errReader {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if err := kept.Compress(io.Discard, nil, true); err != errReader {
			t.Errorf("after %d bytes: the next message with takeover: %v", n, err)
		}
		if err := alone.Compress(&failing{n}, b, true); err != errReader {
			t.Errorf("after %d bytes: %v without takeover", n, err)
		}
		if got, err := inflate(alone, compress(t, alone, b, 3000)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("after %d bytes: the next message: %v", n, err)
		}
		e.Put(kept)
		e.Release(p)
	}
	if err := e.Codec().Compress(short{}, b, true); err != io.ErrShortWrite {
		t.Errorf("a writer that takes half: %v", err)
	}
}

// TestPlaceOfTail has messages whose compressed form is of every size around
// that of the buffer that cuts the tail off.
func TestPlaceOfTail(t *testing.T) {
	e := extension(t, deflate.Config{Level: flate.HuffmanOnly})
	c := e.Codec()
	r := rand.New(rand.NewPCG(7, 8))
	for n := range 2200 {
		b := noise(r, n)
		for _, step := range []int{1 << 20, 1000} {
			payload := compress(t, c, b, step)
			var k checker
			if err := k.inflate(append(payload, "\x00\x00\xff\xff"...)); err != nil || !bytes.Equal(k.out, b) {
				t.Fatalf("%d bytes in pieces of %d: %v", n, step, err)
			}
		}
	}
}

// TestRoundTrips sends messages of every size both ways between two ends that
// negotiate, and holds what is sent to the window that was agreed on.
func TestRoundTrips(t *testing.T) {
	for _, level := range []int{0, 6, flate.HuffmanOnly} {
		for bits := 8; bits <= 15; bits++ {
			for _, takeover := range []bool{false, true} {
				t.Run(fmt.Sprintf("level %d, %d bits, takeover %v", level, bits, takeover), func(t *testing.T) {
					config := deflate.Config{Level: level, ServerTakeover: takeover, ClientTakeover: takeover,
						ServerWindowBits: bits, ClientWindowBits: bits, Contexts: 1}
					client, server := extension(t, config), extension(t, config)
					p := server.Accept(client.AppendOffer(nil))
					q, err := client.Agree(server.AppendAccept(nil, p))
					if err != nil {
						t.Fatal(err)
					}
					if carries := takeover && bits >= 12 && level != flate.HuffmanOnly; carries && !client.Stateful(ws.RoleClient, q) {
						t.Error("no takeover was agreed on")
					}
					s, c := connection(server, ws.RoleServer, p), connection(client, ws.RoleClient, q)
					roundTrips(t, s, c, bits, client.Stateful(ws.RoleClient, q))
					roundTrips(t, c, s, bits, client.Stateful(ws.RoleClient, q))
				})
			}
		}
	}
}

func roundTrips(t *testing.T, from, to wsconn.Codec, bits int, takeover bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(bits), 9))
	var k checker
	for i, n := range []int{0, 1, 2, 5, 100, 127, 128, 129, 255, 256, 257, 1000, 5000, 0, 33_000, 100, 65_535, 100, 200_000, 50} {
		if n > 100_000 && bits%7 != 1 {
			continue // of 8 and 15
		}
		b := text(r, n)
		if i%4 == 3 {
			b = noise(r, n)
		}
		payload := compress(t, from, b, []int{1 << 20, 1, 100, 4096, 65_537}[r.IntN(5)])
		to.Decompress(&pieces{b: payload, step: []int{1, 7, 1024, 1 << 20}[r.IntN(4)], with: r.IntN(2) == 0})
		got, err := readAll(to, []int{1, 100, 4096, 50_000}[r.IntN(4)])
		if err != nil || !bytes.Equal(got, b) {
			t.Fatalf("message %d of %d bytes: %d bytes, %v", i, n, len(got), err)
		}
		if !takeover {
			k.out = k.out[:0]
		}
		at := len(k.out)
		if err := k.inflate(append(payload[:len(payload):len(payload)], "\x00\x00\xff\xff"...)); err != nil || !bytes.Equal(k.out[at:], b) {
			t.Fatalf("message %d of %d bytes: the oracle: %d bytes, %v", i, n, len(k.out)-at, err)
		}
	}
	if k.most > 1<<bits {
		t.Errorf("something refers %d bytes back, farther than the window of %d", k.most, 1<<bits)
	}
}

// TestTakeoverPays wants the second of two equal messages to be shorter with
// context takeover, and not without.
func TestTakeoverPays(t *testing.T) {
	for _, level := range []int{0, 1, 2, 6} {
		e := extension(t, deflate.Config{Level: level, ServerTakeover: true, Contexts: 1})
		r := rand.New(rand.NewPCG(1, 1))
		for _, n := range []int{60, 100, 1000} {
			b := text(r, n)
			p := e.Accept([]byte("permessage-deflate"))
			kept, alone := e.Take(ws.RoleServer, p), e.Codec()
			first, second := len(compress(t, kept, b, n)), len(compress(t, kept, b, n))
			if second > first/2 {
				t.Errorf("level %d: %d bytes: %d, then with takeover %d", level, n, first, second)
			}
			first, second = len(compress(t, alone, b, n)), len(compress(t, alone, b, n))
			if second != first {
				t.Errorf("level %d: %d bytes: %d, then without takeover %d", level, n, first, second)
			}
			e.Put(kept)
			e.Release(p)
		}
	}
}

// TestConcurrent has both directions of many connections share an Extension.
func TestConcurrent(t *testing.T) {
	e := extension(t, deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 3, Idle: 2})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range 5 {
				p := e.Accept([]byte("permessage-deflate; server_max_window_bits=13"))
				c, peer := connection(e, ws.RoleServer, p), connection(e, ws.RoleClient, p)
				payloads := make(chan []byte)
				contents := make(chan []byte, 100)
				all.Go(func() {
					for payload := range payloads {
						if got, err := inflate(peer, payload); err != nil || !bytes.Equal(got, <-contents) {
							t.Errorf("%d bytes, %v", len(got), err)
						}
					}
					if e.Stateful(ws.RoleClient, p) {
						e.Put(c)
						e.Put(peer)
					}
					e.Release(p)
				})
				for range 20 {
					b := text(r, r.IntN(2000))
					contents <- b
					payloads <- compress(t, c, b, 700)
				}
				close(payloads)
			}
		})
	}
	all.Wait()
}

// TestWindowOfHistory sends messages that refer to what is as far back as the
// agreed window, across messages and reads of every size.
func TestWindowOfHistory(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		window := max(1<<bits, 512) // zlib takes 9 bits where 8 are asked for
		r := rand.New(rand.NewPCG(uint64(bits), 3))
		e := extension(t, deflate.Config{ClientTakeover: true, ClientWindowBits: bits, Contexts: 1})
		c := e.Take(ws.RoleServer, e.Accept([]byte("permessage-deflate; client_max_window_bits")))
		var sent []byte
		for range 60 {
			// What is behind the window at the beginning of the message, then noise.
			n := 1 + r.IntN(window)
			b := noise(r, r.IntN(300))
			if len(sent) >= window {
				b = append(sent[len(sent)-window:][:n:n], b...)
			} else {
				b = noise(r, n)
			}
			var out bytes.Buffer
			w, _ := flate.NewWriterDict(&out, 6, sent[max(0, len(sent)-window):])
			_, _ = w.Write(b)
			_ = w.Flush()
			payload := out.Bytes()[:out.Len()-4]
			c.Decompress(&pieces{b: payload, step: 500})
			got, err := readAll(c, 1+r.IntN(2*window))
			if err != nil || !bytes.Equal(got, b) {
				t.Fatalf("%d bits: after %d bytes: %d of %d bytes, %v", bits, len(sent), len(got), len(b), err)
			}
			sent = append(sent, b...)
		}
	}
}
