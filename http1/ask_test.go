package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// TestAsk cuts a head everywhere, with all that was learnt put away and taken
// up again between the parts, and has the program decide at the end of the
// request line what is kept.
func TestAsk(t *testing.T) {
	p := &http1.Parser{Keep: http1.DefaultFields(), Ask: true}
	for _, c := range []struct {
		name, in, want string
		err            error
	}{
		{"all fields of one path", "GET /all?q HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nOrigin: o\r\nCookie: c\r\n\r\n",
			`GET HTTP/1.1 origin "/all?q" path "/all" query "q" host "h" keep-alive|Host=h|X-One=1|Origin=o|Cookie=c`, nil},
		{"some fields of another", "GET /some HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nOrigin: o\r\nCookie: c\r\n\r\n",
			`GET HTTP/1.1 origin "/some" path "/some" host "h" keep-alive|Host=h|Origin=o`, nil},
		{"empty line before", "\r\nGET /all HTTP/1.0\r\nA: b\r\n\r\n", `GET HTTP/1.0 origin "/all" path "/all"|A=b`, nil},
		{"wrong target", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", "", http1.ErrTargetForm},
	} {
		for _, w := range splittest.Ways(len(c.in)) {
			b := []byte(c.in)
			var h http1.Head
			asked := 0
			var done bool
			var err error
			for _, end := range w.Ends {
				for {
					done, err = p.Parse(&h, b[:end])
					if !h.Asks() {
						break
					}
					if done || err != nil {
						t.Fatalf("%s, %s: Parse = %v, %v while it asks", c.name, w.Name, done, err)
					}
					if again, err := p.Parse(&h, b[:end]); again || err != nil || !h.Asks() {
						t.Fatalf("%s, %s: Parse before the answer = %v, %v", c.name, w.Name, again, err)
					}
					asked++
					h = restored(&h) // also while it asks
					h.Answer(string(h.Path(b)) == "/all")
				}
				h.Answer(true) // which nobody has asked for
				h = restored(&h)
			}
			if err != c.err {
				t.Fatalf("%s, %s: error %v, want %v", c.name, w.Name, err, c.err)
			}
			if err == nil && (!done || asked != 1) {
				t.Fatalf("%s, %s: done %v, asked %d times", c.name, w.Name, done, asked)
			}
			if got := describeIf(done, &h, b); got != c.want {
				t.Fatalf("%s, %s:\n got %s\nwant %s", c.name, w.Name, got, c.want)
			}
		}
	}
}

// TestAskedNoMore sees that the next head of a connection does not keep what
// was asked for with the last.
func TestAskedNoMore(t *testing.T) {
	p := &http1.Parser{Ask: true}
	var h http1.Head
	for _, all := range []bool{true, false} {
		b := []byte("GET / HTTP/1.0\r\nA: b\r\n\r\n")
		p.Parse(&h, b)
		h.Answer(all)
		done, err := p.Parse(&h, b)
		if want := 0; !done || err != nil || (h.NumFields() > want) != all {
			t.Errorf("all %v: %v, %v, %d fields", all, done, err, h.NumFields())
		}
		h.Reset()
	}
}

func restored(h *http1.Head) (r http1.Head) {
	b := make([]byte, h.SavedSize())
	h.Save(b)
	r.Load(b)
	return r
}

func describeIf(done bool, h *http1.Head, b []byte) string {
	if !done {
		return ""
	}
	return describe(h, b)
}
