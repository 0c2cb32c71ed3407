//go:build !race

package form_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

func TestNoAllocs(t *testing.T) {
	must := func(ok bool) {
		if !ok {
			t.Fatal("a call has failed")
		}
	}
	query := []byte("a=%C3%A9+b&b=2&c")
	buf := make([]byte, 100)
	content := make([]byte, len(query))
	parts := []byte(strings.Repeat(part("Content-Type: text/plain\r\n")+"\r\n--data\r\n", 3) + "--b--\r\n")
	bad := []byte("--b\r\n\r\n")
	contentType := []byte(typeB)
	mem := make([]byte, 200)
	var m form.Multipart
	for name, f := range map[string]func(){
		"Decode": func() {
			_, err := form.Decode(buf, query)
			must(err == nil)
			_, err = form.DecodeForm(buf, query)
			must(err == nil)
		},
		"Query": func() {
			q := form.NewQuery(query)
			must(q.Find("b") && q.Plain())
			for q = form.NewQuery(query); q.Next(); {
				_, err := q.Name(buf)
				must(err == nil)
				_, err = q.Value(buf)
				must(err == nil)
			}
			must(q.Err() == nil)
		},
		"Parse": func() {
			copy(content, query)
			v, err := form.Parse(content)
			must(err == nil && len(v.Get("a")) == 4 && v.Has("c"))
			n := 0
			for p := v.Pairs(); p.Next(); {
				n += len(p.Name())
			}
			must(n == 3)
		},
		"Multipart": func() {
			for _, step := range []int{7, len(parts)} {
				must(m.Init(contentType, mem, form.Limits{}) == nil)
				events := 0
				for b := parts; len(b) > 0; {
					ev, _, n, err := m.Next(b[:min(step, len(b))])
					must(err == nil)
					b = b[n:]
					if ev == form.EventPart {
						must(len(m.Name()) == 1 && m.Filename() == nil && form.BaseName(m.ContentType()) != nil)
						events++
					}
				}
				must(events == 3 && m.Finish() == nil)
			}
			must(m.Init(contentType, mem, form.Limits{}) == nil)
			_, _, _, err := m.Next(bad)
			must(err == form.ErrDisposition && m.Finish() == err)
		},
	} {
		alloctest.Zero(t, name, f)
	}
}
