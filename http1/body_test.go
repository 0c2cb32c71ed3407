package http1_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// bodyOf is the content's framing that some field lines ask for.
func bodyOf(t testing.TB, lines string) http1.Body {
	t.Helper()
	var h http1.Head
	if done, err := (&http1.Parser{}).Parse(&h, []byte(withFields(lines))); !done || err != nil {
		t.Fatalf("Parse with %q = %v, %v", lines, done, err)
	}
	return h.Body()
}

// drain takes all that there is, each time with nothing behind the bytes at
// hand. It returns the content, how much of the input was consumed when the
// content was complete or refused, and the error.
func drain(t testing.TB, y *http1.Body, l *http1.Limits, in string, ends []int) (content string, n int, err error) {
	t.Helper()
	for _, end := range ends {
		for !y.Done() {
			g := splittest.Guard(in[n:end])
			piece, k, err := y.Next(g.Bytes, l)
			if string(g.Bytes) != in[n:end] || !g.Intact() {
				t.Fatalf("Next(%q) has written to its input", in[n:end])
			}
			if k < len(piece) || k > len(g.Bytes) || cap(piece) != len(piece) {
				t.Fatalf("Next(%q) = %q, %d", in[n:end], piece, k)
			}
			n += k
			if err != nil {
				if len(piece) != 0 {
					t.Fatalf("Next(%q) = %q with %v", in[n-k:end], piece, err)
				}
				return content, n, err
			}
			content += string(piece)
			if k == 0 {
				break
			}
		}
		if n != end && !y.Done() {
			t.Fatalf("Next(%q) needs more but has consumed only %d of %d", in, n, end)
		}
	}
	return content, n, nil
}

func acceptBody(t *testing.T, lines, in, want string) {
	t.Helper()
	l := &http1.Limits{}
	for _, w := range splittest.Ways(len(in)) {
		y := bodyOf(t, lines)
		got, n, err := drain(t, &y, l, in, w.Ends)
		if err != nil || got != want || n != len(in) || !y.Done() {
			t.Fatalf("%s: content of %q = %q, %v after %d, done %v, want %q after %d", w.Name, in, got, err, n, y.Done(), want, len(in))
		}
		if piece, n, err := y.Next([]byte("more"), l); piece != nil || n != 0 || err != nil {
			t.Fatalf("%s: Next after the end of %q = %q, %d, %v", w.Name, in, piece, n, err)
		}
	}
	for _, tail := range splittest.Trailing {
		y := bodyOf(t, lines)
		got, n, err := drain(t, &y, l, in+tail, []int{len(in) + len(tail)})
		if err != nil || got != want || n != len(in) || !y.Done() {
			t.Fatalf("trailing %q: content of %q = %q, %v after %d, done %v, want %q after %d", tail, in, got, err, n, y.Done(), want, len(in))
		}
	}
}

// refuseBody runs chunked content whose last byte breaks a rule in all ways.
func refuseBody(t *testing.T, l *http1.Limits, in, content string, want http1.Error) {
	t.Helper()
	for _, w := range splittest.Ways(len(in)) {
		y := bodyOf(t, "Transfer-Encoding: chunked")
		got, n, err := drain(t, &y, l, in, w.Ends)
		if err != want || got != content || n != len(in)-1 || y.Done() {
			t.Fatalf("%s: content of %q = %q, %v after %d, want %q, %v after %d", w.Name, in, got, err, n, content, want, len(in)-1)
		}
		if piece, n, err := y.Next([]byte("0\r\n\r\n"), l); piece != nil || n != 0 || err != want {
			t.Fatalf("%s: Next after the refusal of %q = %q, %d, %v", w.Name, in, piece, n, err)
		}
		if _, known := y.Remaining(); known {
			t.Fatalf("%s: what remains after the refusal of %q is known", w.Name, in)
		}
	}
}

func TestFixed(t *testing.T) {
	acceptBody(t, "Content-Length: 11", "hello\r\n\r\n\x00!", "hello\r\n\r\n\x00!")
	acceptBody(t, "Content-Length: 1", "0", "0")
	acceptBody(t, "Content-Length: 0", "", "")
	acceptBody(t, "A: b", "", "")
}

func TestRemaining(t *testing.T) {
	y := bodyOf(t, "Content-Length: 9223372036854775807")
	b := make([]byte, 1000)
	for i := range 3 {
		want := uint64(1<<63-1) - 1000*uint64(i)
		if n, known := y.Remaining(); n != want || !known {
			t.Errorf("Remaining = %d, %v, want %d", n, known, want)
		}
		if piece, n, err := y.Next(b, &http1.Limits{}); len(piece) != 1000 || n != 1000 || err != nil {
			t.Errorf("Next = %d bytes, %d, %v", len(piece), n, err)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	for _, c := range []struct {
		name, lines, in string
		limit           uint64
		content         string
		want            error
	}{
		{"fixed within", "Content-Length: 5", "12345", 5, "12345", nil},
		{"fixed beyond, before any of it", "Content-Length: 5", "12345", 4, "", http1.ErrContentLong},
		{"greatest beyond", "Content-Length: 9223372036854775807", "1", 1<<63 - 2, "", http1.ErrContentLong},
		{"chunks within", "Transfer-Encoding: chunked", "2\r\n12\r\n3\r\n345\r\n0\r\n\r\n", 5, "12345", nil},
		{"second chunk beyond, before any of it", "Transfer-Encoding: chunked", "2\r\n12\r\n3\r\n345\r\n0\r\n\r\n", 4, "12", http1.ErrContentLong},
		{"first chunk beyond", "Transfer-Encoding: chunked", "7fffffffffffffff\r\n1", 4, "", http1.ErrContentLong},
		{"sum beyond 2^63", "Transfer-Encoding: chunked", "2\r\n12\r\n7fffffffffffffff\r\n1", 0, "12", http1.ErrContentLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := bodyOf(t, c.lines)
			got, n, err := drain(t, &y, &http1.Limits{Body: c.limit}, c.in, []int{len(c.in)})
			if got != c.content || err != c.want {
				t.Errorf("content = %q, %v, want %q, %v", got, err, c.content, c.want)
			}
			if fixed := strings.HasPrefix(c.lines, "Content-Length"); fixed && n != len(got) {
				t.Errorf("%d bytes are consumed, of them %d of content", n, len(got))
			}
		})
	}
	// A limit that was lowered below what came, and one raised.
	y := bodyOf(t, "Transfer-Encoding: chunked")
	if got, _, err := drain(t, &y, &http1.Limits{}, "5\r\n12345\r\n", []int{10}); got != "12345" || err != nil {
		t.Fatal(got, err)
	}
	if _, _, err := drain(t, &y, &http1.Limits{Body: 1}, "1\r\n1", []int{4}); err != http1.ErrContentLong {
		t.Errorf("with a lowered limit: %v", err)
	}
}

// A zero Body, for a request that was not parsed.
func TestZeroBody(t *testing.T) {
	var y http1.Body
	if !y.Done() {
		t.Error("the zero Body is not done")
	}
	if piece, n, err := y.Next([]byte(strings.Repeat("a", 10)), &http1.Limits{}); piece != nil || n != 0 || err != nil {
		t.Errorf("Next of the zero Body = %q, %d, %v", piece, n, err)
	}
}
