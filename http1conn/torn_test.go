package http1conn_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// tornStream takes so many bytes and then fails.
type tornStream struct {
	io.Reader
	left int
	got  strings.Builder
}

var errTorn = errors.New("torn")

func (s *tornStream) Write(p []byte) (int, error) {
	n := min(len(p), s.left)
	s.left -= n
	s.got.Write(p[:n])
	if n < len(p) {
		return n, errTorn
	}
	return n, nil
}

// TestTorn has the stream fail after each number of bytes, while an answer is
// staged behind another. What is left in Out is what was not sent: a driver
// that sends it by other means repeats nothing, and Cut leaves the rest of the
// answer before, or says that this one has begun.
func TestTorn(t *testing.T) {
	const in = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
	answerTo := func(c *http1conn.Conn, size int) {
		if c.Status(200, "") != nil || c.Length(uint64(size)) != nil || c.EndHead() != nil {
			t.Fatal("no head")
		}
	}
	var first, whole string
	for left := 1 << 20; ; {
		s := &tornStream{Reader: strings.NewReader(in), left: left}
		c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{}, In: make([]byte, 512), Out: make([]byte, 256)})
		if err != nil {
			t.Fatal(err)
		}
		c.Reset(s)
		if err := c.Next(); err != nil {
			t.Fatal(err)
		}
		answerTo(c, 50)
		io.WriteString(c, strings.Repeat("a", 50))
		if err := c.Complete(); err != nil {
			t.Fatal(err)
		}
		if whole == "" {
			first = string(c.Staged())
		}
		if err := c.Next(); err != nil {
			t.Fatal(err)
		}
		answerTo(c, 1000)
		_, err = io.WriteString(c, strings.Repeat("b", 1000))
		if whole == "" {
			if c.Complete() != nil || c.Flush() != nil {
				t.Fatal("not complete")
			}
			whole = s.got.String()
			left = len(whole) - 1
			continue
		}
		if err == nil {
			err = c.Complete()
		}
		if err == nil {
			err = c.Flush()
		}
		if err != errTorn {
			t.Fatalf("after %d bytes: error %v", left, err)
		}
		if got := s.got.String() + string(c.Staged()); !strings.HasPrefix(whole, got) {
			t.Fatalf("after %d bytes: sent and staged are\n%q", left, got)
		}
		if c.Cut() {
			if got := s.got.String() + string(c.Staged()); got != first {
				t.Fatalf("after %d bytes: with what is left of the first answer\n%q", left, got)
			}
		} else if left < len(first) && left > 0 {
			t.Fatalf("after %d bytes: the rest of the first answer is lost", left)
		}
		if left--; left < 0 {
			return
		}
	}
}
