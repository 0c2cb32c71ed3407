package http1_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestChunked(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "0\r\n\r\n", ""},
		{"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
		{"several chunks", "4\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n\r\n", "Wikipedia in \r\n\r\nchunks."},
		{"digits in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"},
		{"greatest digits", "9\r\n012345678\r\nf\r\n0123456789abcde\r\nF\r\n0123456789abcde\r\n0\r\n\r\n",
			"012345678" + "0123456789abcde" + "0123456789abcde"},
		{"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello"},
		{"content that looks like framing", "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n\r\n"},
		{"extension", "1;a\r\nx\r\n0\r\n\r\n", "x"},
		{"extension with a token", "1;abc=def\r\nx\r\n0;c=d\r\n\r\n", "x"},
		{"several extensions", "1;a=b;c;d=e\r\nx\r\n0\r\n\r\n", "x"},
		{"extension with a quoted string", "1;a=\"b; \\\" \\\\ \t\xFF\\\t\"\r\nx\r\n0\r\n\r\n", "x"},
		{"empty quoted string, and more", "1;a=\"\";b=\"\" ;c\r\nx\r\n0\r\n\r\n", "x"},
		{"bad white space, which a recipient parses", "1 \t; \ta \t= \tb \t; \tc \t; d= \"e\"\r\nx\r\n0\r\n\r\n", "x"},
		{"trailer", "0\r\nA: b\r\n\r\n", ""},
		{"trailers", "1\r\nx\r\n0\r\nA:\r\nB: c\td\xFF \r\nLong-Name: " + strings.Repeat("v", 100) + "\r\n\r\n", "x"},
		{"framing in a trailer has no effect", "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		{"longest trailer name", "0\r\n" + strings.Repeat("n", http1.MaxFieldName) + ":\r\n\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) { acceptBody(t, "Transfer-Encoding: chunked", c.in, c.want) })
	}
}

func TestChunkedRefused(t *testing.T) {
	for _, c := range []struct {
		name, in, content string
		want              http1.Error
	}{
		{"no size", "\r", "", http1.ErrChunkSize},
		{"no size, LF", "\n", "", http1.ErrBareLF},
		{"space before the size", " ", "", http1.ErrChunkSize},
		{"sign +", "+", "", http1.ErrChunkSize},
		{"sign -", "-", "", http1.ErrChunkSize},
		{"prefix 0x", "0x", "", http1.ErrChunkSize},
		{"letter", "5g", "", http1.ErrChunkSize},
		{"digit separator", "1_", "", http1.ErrChunkSize},
		{"NUL in the size", "1\x00", "", http1.ErrChunkSize},
		{"extension without size", ";", "", http1.ErrChunkSize},
		{"LF ends the size", "5\n", "", http1.ErrBareLF},
		{"CR ends the size", "5\rh", "", http1.ErrBareCR},
		{"size of 2^63", "8000000000000000", "", http1.ErrChunkSizeRange},
		{"size of 2^64, which wraps to 0", "10000000000000000", "", http1.ErrChunkSizeRange},
		{"size of 2^64-1", "ffffffffffffffff", "", http1.ErrChunkSizeRange},
		{"size of 2^63 with leading zeros", "00008000000000000000", "", http1.ErrChunkSizeRange},

		{"space behind the size", "5 \r", "", http1.ErrChunkExt},
		{"two sizes", "5 5", "", http1.ErrChunkExt},
		{"bare semicolon", "5;\r", "", http1.ErrChunkExt},
		{"bare semicolon, LF", "5;\n", "", http1.ErrBareLF},
		{"two semicolons", "5;;", "", http1.ErrChunkExt},
		{"semicolon and space", "5; \r", "", http1.ErrChunkExt},
		{"extension without name", "5;=", "", http1.ErrChunkExt},
		{"extension without value", "5;a=\r", "", http1.ErrChunkExt},
		{"extension without value, and another", "5;a=;", "", http1.ErrChunkExt},
		{"two equals signs", "5;a==", "", http1.ErrChunkExt},
		{"space behind a name", "5;a \r", "", http1.ErrChunkExt},
		{"two names", "5;a b", "", http1.ErrChunkExt},
		{"space behind a value", "5;a=b \r", "", http1.ErrChunkExt},
		{"two values", "5;a=b c", "", http1.ErrChunkExt},
		{"control in a name", "5;a\x01", "", http1.ErrChunkExt},
		{"LF ends an extension, a hidden line", "5;a\n", "", http1.ErrBareLF},
		{"control in a value", "5;a=b\x7F", "", http1.ErrChunkExt},
		{"CR in a quoted string", "5;a=\"\r", "", http1.ErrChunkExt},
		{"LF in a quoted string", "5;a=\"\n", "", http1.ErrBareLF},
		{"escaped CR in a quoted string", "5;a=\"\\\r", "", http1.ErrChunkExt},
		{"escaped LF in a quoted string", "5;a=\"\\\n", "", http1.ErrBareLF},
		{"NUL in a quoted string", "5;a=\"\x00", "", http1.ErrChunkExt},
		{"quotes within a token", "5;a=b\"", "", http1.ErrChunkExt},
		{"text behind the quotes", "5;a=\"b\"c", "", http1.ErrChunkExt},

		{"content longer than its size", "1\r\nxy", "x", http1.ErrChunkEnd},
		{"content ended by LF", "1\r\nx\n", "x", http1.ErrChunkEnd},
		{"content ended by CR", "1\r\nx\r0", "x", http1.ErrChunkEnd},

		{"folding in the trailer", "0\r\n ", "", http1.ErrFold},
		{"folding behind a trailer", "0\r\nA: b\r\n\t", "", http1.ErrFold},
		{"empty trailer name", "0\r\n:", "", http1.ErrNameEmpty},
		{"space before the colon of a trailer", "0\r\nA ", "", http1.ErrNameSpace},
		{"trailer without colon", "0\r\nA\r", "", http1.ErrNameByte},
		{"trailer that begins with a control", "0\r\n\x00", "", http1.ErrNameByte},
		{"NUL in a trailer value", "0\r\nA: b\x00", "", http1.ErrValueByte},
		{"DEL in a trailer value", "0\r\nA: b\x7F", "", http1.ErrValueByte},
		{"LF ends a trailer", "0\r\nA: b\n", "", http1.ErrBareLF},
		{"CR ends a trailer", "0\r\nA: b\rc", "", http1.ErrBareCR},
		{"LF ends the content", "0\r\n\n", "", http1.ErrBareLF},
		{"CR ends the content", "0\r\n\rG", "", http1.ErrBareCR},
		{"trailer name too long", "0\r\n" + strings.Repeat("n", http1.MaxFieldName+1), "", http1.ErrNameLong},
	} {
		t.Run(c.name, func(t *testing.T) { refuseBody(t, &http1.Limits{}, c.in, c.content, c.want) })
	}
}

func TestChunkedLimits(t *testing.T) {
	// A chunk of one byte earns 18 bytes of framing, itself not counted.
	fair := "1;" + strings.Repeat("e", 14) + "\r\nx\r\n"
	for _, c := range []struct {
		name         string
		l            http1.Limits
		in, content  string
		want         http1.Error
		wholeRefused bool
	}{
		{"a line within the limit and what a chunk earns", http1.Limits{ChunkOverhead: 10}, "0;" + strings.Repeat("e", 22) + "\r\n\r\n", "", 0, false},
		{"a line beyond it", http1.Limits{ChunkOverhead: 10}, "0;" + strings.Repeat("e", 25), "", http1.ErrChunkOverhead, true},
		{"leading zeros are framing too", http1.Limits{ChunkOverhead: 10}, strings.Repeat("0", 27), "", http1.ErrChunkOverhead, true},
		{"fair chunks for ever", http1.Limits{ChunkOverhead: 10}, strings.Repeat(fair, 50) + "0\r\n\r\n", strings.Repeat("x", 50), 0, false},
		{"small chunks without extensions for ever", http1.Limits{ChunkOverhead: 10}, strings.Repeat("1\r\nx\r\n", 100) + "0\r\n\r\n", strings.Repeat("x", 100), 0, false},
		{"trailer section within the limit", http1.Limits{Trailer: 8}, "0\r\nA: b\r\n\r\n", "", 0, false},
		{"trailer section beyond it", http1.Limits{Trailer: 7}, "0\r\nA: b\r\n\r\n", "", http1.ErrTrailerLong, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.wholeRefused {
				refuseBody(t, &c.l, c.in, c.content, c.want)
				return
			}
			y := bodyOf(t, "Transfer-Encoding: chunked")
			got, n, err := drain(t, &y, &c.l, c.in, []int{len(c.in)})
			if got != c.content || err != nil || n != len(c.in) || !y.Done() {
				t.Errorf("content = %q, %v after %d of %d", got, err, n, len(c.in))
			}
		})
	}
}

// A flood of one-byte chunks with fat extensions ends after a bounded surplus.
func TestChunkFlood(t *testing.T) {
	chunk := "1;" + strings.Repeat("e", 100) + "\r\nx\r\n"
	y := bodyOf(t, "Transfer-Encoding: chunked")
	for i := range 1000 {
		_, _, err := drain(t, &y, &http1.Limits{}, chunk, []int{len(chunk)})
		if err == http1.ErrChunkOverhead {
			if i < 16<<10/104 || i > 16<<10/80 {
				t.Errorf("refused at chunk %d", i)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("the flood is not refused")
}

func TestTrailerFlood(t *testing.T) {
	y := bodyOf(t, "Transfer-Encoding: chunked")
	n := 0
	for in := "0\r\n"; ; in = "A: b\r\n" {
		_, k, err := drain(t, &y, &http1.Limits{}, in, []int{len(in)})
		n += k
		if err == http1.ErrTrailerLong && n == 3+http1.DefaultTrailer {
			return
		}
		if err != nil || n > 3+http1.DefaultTrailer {
			t.Fatalf("%v after %d bytes", err, n)
		}
	}
}

func TestPutChunkHeader(t *testing.T) {
	for _, c := range []struct {
		n    int
		want string
	}{{1, "000001\r\n"}, {0xabc, "000abc\r\n"}, {http1.MaxChunk, "ffffff\r\n"}} {
		b := []byte(strings.Repeat("-", http1.ChunkHeaderSize+1))
		if err := http1.PutChunkHeader(b, c.n); err != nil || string(b) != c.want+"-" {
			t.Errorf("PutChunkHeader(%d) = %q, %v, want %q", c.n, b, err, c.want)
		}
	}
	for _, n := range []int{0, -1, http1.MaxChunk + 1} {
		b := []byte("--------")
		if err := http1.PutChunkHeader(b, n); err != http1.ErrChunkLong || string(b) != "--------" {
			t.Errorf("PutChunkHeader(%d) = %q, %v", n, b, err)
		}
	}
	// A reader takes what it writes.
	b := make([]byte, http1.ChunkHeaderSize)
	if err := http1.PutChunkHeader(b, 5); err != nil {
		t.Fatal(err)
	}
	acceptBody(t, "Transfer-Encoding: chunked", string(b)+"hello"+http1.ChunkEnd+"0\r\n\r\n", "hello")
}

func TestAppendHex(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 9: "9", 0xa: "a", 0x10: "10", 0xfff: "fff", 1<<64 - 1: "ffffffffffffffff"} {
		if got := string(http1.AppendHex(nil, n)); got != want {
			t.Errorf("appendHex(%#x) = %s", n, got)
		}
	}
}
