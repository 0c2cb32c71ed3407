package micro

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/valyala/fasthttp"
)

const (
	contentType = "text/plain; charset=utf-8"
	unix        = 784111777 // the time of RFC 9110's examples
)

// responseOf is a response in words. Whoever has a clock of his own gives
// another Date, so that it only must be there.
func responseOf(b []byte) (string, error) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return "", fmt.Errorf("%w in %q", err, b)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	if _, err := http.ParseTime(r.Header.Get("Date")); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %d %s %v %q", r.StatusCode, r.ContentLength, r.Header.Get("Content-Type"), r.Close, body), nil
}

func responses(testing.TB) (all []comparison) {
	for _, size := range []int{13, 1024} {
		body := bytes.Repeat([]byte("x"), size)
		date := http1.AppendDate(nil, unix)

		var r http1.Response
		ours := make([]byte, 0, 2048)

		var f fasthttp.Response
		var fast bytes.Buffer
		fastOut := bufio.NewWriter(&fast)

		var std bytes.Buffer
		stdOut := bufio.NewWriter(&std)
		all = append(all, comparison{"body=" + strconv.Itoa(size), size, []side{{
			by: "bobtail",
			loop: func(n int) error {
				for range n {
					r.Init(http1.GET, http1.Version11, true)
					w, _ := r.AppendStatus(ours[:0], 200, "")
					w, _ = r.AppendField(w, "Content-Type", contentType)
					w, _ = r.AppendLength(w, uint64(len(body)))
					w, _ = r.AppendEnd(w, date)
					w, _ = r.AppendContent(w, body)
					w, err := r.AppendFinish(w)
					if err != nil {
						return err
					}
					ours = w
				}
				return nil
			},
			gave: func() (string, error) { return responseOf(ours) },
		}, {
			by: "fasthttp",
			loop: func(n int) error {
				for range n {
					fast.Reset()
					f.Reset()
					f.SetStatusCode(200)
					f.Header.SetContentType(contentType)
					f.SetBodyRaw(body)
					if err := f.Write(fastOut); err != nil {
						return err
					}
					if err := fastOut.Flush(); err != nil {
						return err
					}
				}
				return nil
			},
			gave: func() (string, error) { return responseOf(fast.Bytes()) },
		}, {
			by: "net-http",
			loop: func(n int) error {
				for range n {
					std.Reset()
					r := http.Response{
						StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
						Header: http.Header{"Content-Type": {contentType}, "Date": {string(date)}},
					}
					if err := r.Write(stdOut); err != nil {
						return err
					}
					if err := stdOut.Flush(); err != nil {
						return err
					}
				}
				return nil
			},
			gave: func() (string, error) { return responseOf(std.Bytes()) },
		}}})
	}
	return all
}

func TestResponses(t *testing.T)      { same(t, responses(t)) }
func BenchmarkResponses(b *testing.B) { measure(b, responses(b)) }

func dates(testing.TB) []comparison {
	out := make([]byte, 0, 64)
	at := time.Unix(unix, 0).UTC()
	by := func(name string, do func()) side {
		return side{by: name, loop: func(n int) error {
			for range n {
				do()
			}
			return nil
		}, gave: func() (string, error) { return string(out), nil }}
	}
	return []comparison{{"in=" + strconv.Itoa(unix), http1.DateSize, []side{
		by("bobtail", func() { out = http1.AppendDate(out[:0], unix) }),
		by("fasthttp", func() { out = fasthttp.AppendHTTPDate(out[:0], at) }),
		by("time", func() { out = at.AppendFormat(out[:0], http.TimeFormat) }),
	}}}
}

func TestDates(t *testing.T)      { same(t, dates(t)) }
func BenchmarkDates(b *testing.B) { measure(b, dates(b)) }
