//go:build !race

package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

func TestNoAllocs(t *testing.T) {
	must := func(ok bool, err error) {
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	p := &http1.Parser{Keep: http1.DefaultFields()}
	must(true, p.Keep.Add("Cookie", "X-Token"))
	plain := []byte(plaintext)
	full := []byte(browser(100))
	small := make([]byte, 512)
	save := make([]byte, 512)
	chunked := []byte("5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n")
	dst := make([]byte, 0, 512)
	content := []byte("hello")
	limits := &http1.Limits{}
	var h, h2 http1.Head

	for _, c := range []struct {
		name string
		f    func()
	}{
		{"Parse", func() {
			h.Reset()
			must(p.Parse(&h, plain))
		}},
		{"views", func() {
			h.Reset()
			must(p.Parse(&h, full))
			must(h.Get(full, "upgrade") != nil && h.Host(full) != nil && h.Query(full) != nil && h.Path(full) != nil, nil)
		}},
		{"Parse through a small buffer, with Save and Load", func() {
			h.Reset()
			in, n := full, 0
			for {
				m := copy(small[n:], in)
				in, n = in[m:], n+m
				done, err := p.Parse(&h, small[:n])
				if done {
					return
				}
				must(m > 0, err)
				n = h.Compact(small[:n])
				h.Save(save)
				h2.Load(save)
				h = h2
			}
		}},
		{"refusal", func() {
			h.Reset()
			_, err := p.Parse(&h, full[1:2])
			must(err == nil, nil)
			h.Reset()
			_, err = p.Parse(&h, []byte{0x16})
			must(err == http1.ErrMethodByte, nil)
		}},
		{"Next", func() {
			b := chunked
			y := chunkedBody
			for !y.Done() {
				_, n, err := y.Next(b, limits)
				must(n > 0, err)
				b = b[n:]
			}
		}},
		{"response", func() {
			var r http1.Response
			var err error
			r.Init(http1.GET, http1.Version11, true)
			b, _ := r.AppendStatus(dst, 200, "")
			b, _ = r.AppendField(b, "Content-Type", "text/plain")
			b, _ = r.AppendFieldBytes(b, "Connection", content)
			b, _ = r.AppendEnd(b, []byte(date))
			b, _ = r.AppendContent(b, content)
			b, _ = r.AppendLastChunk(b)
			b, _ = r.AppendTrailer(b, "A", "b")
			_, err = r.AppendFinish(b)
			must(r.Done(), err)
		}},
		{"AppendDate", func() { must(len(http1.AppendDate(dst, 784111777)) == 29, nil) }},
		{"error as an error value", func() {
			var r http1.Response
			_, err := r.AppendStatus(dst, 200, "")
			must(err == http1.ErrState && err.Error() != "", nil)
		}},
	} {
		alloctest.Zero(t, c.name, c.f)
	}
}
