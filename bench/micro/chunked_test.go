package micro

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net/http/httputil"
	"strconv"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// chunkedContents are of 16 chunks each. Bobtail gives views of the pieces, the
// standard library copies them into a buffer of 64 KB.
func chunkedContents(tb testing.TB) (all []comparison) {
	const chunks = 16
	request := []byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	var h http1.Head
	if done, err := new(http1.Parser).Parse(&h, request); err != nil || !done {
		tb.Fatal("the head is not whole", err)
	}
	for _, size := range []int{16, 1024} {
		var in, content []byte
		for i := range chunks {
			piece := bytes.Repeat([]byte{byte('a' + i)}, size)
			content = append(content, piece...)
			in = fmt.Appendf(in, "%x\r\n%s\r\n", size, piece)
		}
		in = append(in, "0\r\n\r\n"...)

		pieces := make([][]byte, 0, chunks)
		limits := new(http1.Limits)

		src := bytes.NewReader(nil)
		buffered := bufio.NewReader(src)
		buf, n := make([]byte, 65536), 0
		sum := func(b []byte) (string, error) { return fmt.Sprint(len(b), " ", crc32.ChecksumIEEE(b)), nil }
		all = append(all, comparison{"chunk=" + strconv.Itoa(size), len(content), []side{{
			by: "bobtail",
			loop: func(n int) error {
				for range n {
					y, rest := h.Body(), in
					pieces = pieces[:0]
					for !y.Done() {
						piece, k, err := y.Next(rest, limits)
						if err != nil || k == 0 {
							return fmt.Errorf("not done: %v", err)
						}
						if len(piece) > 0 {
							pieces = append(pieces, piece)
						}
						rest = rest[k:]
					}
				}
				return nil
			},
			gave: func() (string, error) { return sum(bytes.Join(pieces, nil)) },
		}, {
			by: "net-http",
			loop: func(times int) error {
				for range times {
					src.Reset(in)
					buffered.Reset(src)
					r := httputil.NewChunkedReader(buffered)
					for n = 0; ; {
						k, err := r.Read(buf[n:])
						if n += k; err == io.EOF {
							break
						} else if err != nil {
							return err
						}
					}
				}
				return nil
			},
			gave: func() (string, error) { return sum(buf[:n]) },
		}}})
	}
	return all
}

func TestChunked(t *testing.T)      { same(t, chunkedContents(t)) }
func BenchmarkChunked(b *testing.B) { measure(b, chunkedContents(b)) }
