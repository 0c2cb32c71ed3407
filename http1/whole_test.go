//go:build !tinygo

package http1_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestOutlinesOfNames(t *testing.T) {
	word := func(s string) (w uint64) {
		for i := range min(len(s), 8) {
			w |= uint64(s[i]) << (8 * i)
		}
		return w
	}
	for id, name := range http1.KnownNames {
		last := uint64(0)
		if len(name) > 8 {
			last = word(name[len(name)-8:])
		}
		if o := http1.Outlines[id]; o.N != len(name) || o.First != word(name) || o.Last != last {
			t.Errorf("%q: {%d, %#x, %#x}, want {%d, %#x, %#x}", name, o.N, o.First, o.Last, len(name), word(name), last)
		}
	}
}

// repeated are parts of heads, of which pairs are made that differ in one.
var repeated = struct{ lines, fields []string }{
	[]string{
		"GET / HTTP/1.1\r\n", "GET /a HTTP/1.1\r\n", "GET /a?b HTTP/1.1\r\n", "POST /long/target HTTP/1.1\r\n", "PUT /a HTTP/1.1\r\n", "HEAD /a HTTP/1.1\r\n",
		"GET /a HTTP/1.0\r\n", "GET http://h/a HTTP/1.1\r\n", "GET /a HTTP/1.2\r\n", "GET /a  HTTP/1.1\r\n", "GET /\x01 HTTP/1.1\r\n", "GET /" + strings.Repeat("a", 40) + " HTTP/1.1\r\n",
		"OPTIONS * HTTP/1.1\r\n", "\r\nGET /a HTTP/1.1\r\n", "GET /a#b HTTP/1.1\r\n", "GET /a HTTP/2.0\r\n", "GET /a HTTP/1.1\n", "",
	},
	[]string{
		"Host: h\r\n\r\n", "Host: g\r\n\r\n", "Host:h\r\n\r\n", "Host: \th\r\n\r\n", "Host: h\r\nAccept: */*\r\n\r\n", "Host: h\r\nAuthorization: Basic YTpi\r\nOrigin: o\r\n\r\n",
		"Host: h\r\nContent-Length: 3\r\n\r\nabc", "Host: h\r\nContent-Length: 4\r\n\r\nabcd", "Host: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Host: h\r\nConnection: close\r\n\r\n", "Host: h\r\nContent\rLength: 3\r\n\r\n", "Host: h\r\nNo Token: 3\r\n\r\n", "Host: h\r\n: 3\r\n\r\n", "Host: h\r\nX: \x01\r\n\r\n",
		"Host: h\r\nX: 1\n\r\n", "Host: h\r\n a: b\r\n\r\n", "X: y\r\n\r\n", "\r\n", "Host: h\r\nX-Own: 1\r\nUpgrade: a\r\n\r\n", "Host: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
		"Host: h\r\n" + strings.Repeat("Accept: */*\r\n", 8) + "\r\n", "Host: h\r\nCookie: " + strings.Repeat("c", 600) + "\r\n\r\n", "Host: h\r\nHost: h\r\n\r\n",
		"Host: h", "Host: h\r\n", "Host: h\r\n\r",
	},
}

// TestParseNext holds what is learnt of a head behind another to what is learnt
// of it alone, for all pairs, within limits that some of them exceed, whole and
// cut short.
func TestParseNext(t *testing.T) {
	for _, keep := range []http1.FieldSet{{}, http1.DefaultFields(), http1.AllFields()} {
		for _, limits := range []http1.Limits{{}, {Target: 20}, {Fields: 2}, {Head: 40}} {
			p := &http1.Parser{Keep: keep, Limits: limits}
			for _, line := range repeated.lines {
				for _, fields := range repeated.fields {
					for _, nextLine := range repeated.lines {
						for _, nextFields := range repeated.fields {
							first, next := []byte(line+fields), []byte(nextLine+nextFields)
							var h http1.Head
							var r http1.Repeat
							if done, _ := p.Parse(&h, first); !done {
								continue
							}
							r.Note(&h, first)
							compareNext(t, p, &h, &r, next)
						}
					}
				}
			}
		}
	}
}

func compareNext(t *testing.T, p *http1.Parser, h *http1.Head, r *http1.Repeat, next []byte) {
	t.Helper()
	var alone http1.Head
	done, err := p.ParseNext(h, r, next)
	wantDone, want := p.Parse(&alone, next)
	if done != wantDone || err != want {
		t.Fatalf("%q: %v %v, want %v %v", next, done, err, wantDone, want)
	}
	if done && !sameHead(h, &alone, next) {
		t.Fatalf("%q: not what it is alone", next)
	}
	if !done && err == nil && (h.Scanned() != alone.Scanned() || h.Empty() != alone.Empty()) {
		t.Fatalf("%q: the parser is not where it would be", next)
	}
}

// sameHead compares what programs see of complete heads.
func sameHead(a, b *http1.Head, in []byte) bool {
	if a.Scanned() != b.Scanned() || a.NumFields() != b.NumFields() || a.Body() != b.Body() || a.Outline() != b.Outline() || a.Form() != b.Form() ||
		a.Upgrade() != b.Upgrade() || a.Expect100() != b.Expect100() || a.KeepAlive() != b.KeepAlive() {
		return false
	}
	for i := range a.NumFields() {
		n, v := a.Field(in, i)
		m, w := b.Field(in, i)
		if !bytes.Equal(n, m) || !bytes.Equal(v, w) {
			return false
		}
	}
	return bytes.Equal(a.Target(in), b.Target(in)) && bytes.Equal(a.Path(in), b.Path(in)) && bytes.Equal(a.Query(in), b.Query(in)) &&
		bytes.Equal(a.Host(in), b.Host(in)) && bytes.Equal(a.MethodName(in), b.MethodName(in))
}

// TestParseNextAgain has many requests behind each other, of which the program has
// changed the bytes when it was done with them.
func TestParseNextAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := &http1.Parser{Keep: http1.AllFields()}
	for range 2000 {
		var h http1.Head
		var r http1.Repeat
		first := true
		for range 6 {
			next := []byte(repeated.lines[rng.IntN(4)] + repeated.fields[rng.IntN(6)])
			if first {
				if done, err := p.Parse(&h, next); !done {
					t.Fatalf("%q: %v", next, err)
				}
				first = false
			} else {
				compareNext(t, p, &h, &r, next)
			}
			r.Note(&h, next)
			for i := range next {
				next[i] = 'x'
			}
		}
	}
}

// TestWholeNameLong has names about the longest in lines that come whole.
func TestWholeNameLong(t *testing.T) {
	for n := http1.MaxFieldName - 9; n <= http1.MaxFieldName+9; n++ {
		var h http1.Head
		done, err := new(http1.Parser).Parse(&h, []byte("GET / HTTP/1.1\r\nHost: h\r\n"+strings.Repeat("n", n)+": v\r\n\r\n"))
		want := error(nil)
		if n > http1.MaxFieldName {
			want = http1.ErrNameLong
		}
		if done != (want == nil) || err != want {
			t.Errorf("a name of %d bytes: %v %v, want %v", n, done, err, want)
		}
	}
}

// FuzzParseNext holds a head behind another to the same head alone.
func FuzzParseNext(f *testing.F) {
	f.Add([]byte(plaintext), []byte(plaintext))
	f.Add([]byte(plaintext), []byte(fields20))
	f.Add([]byte(fields20), []byte(strings.Replace(fields20, "pink", "black-and-white", 1)))
	f.Fuzz(func(t *testing.T, first, next []byte) {
		p := &http1.Parser{Keep: http1.DefaultFields()}
		var h http1.Head
		var r http1.Repeat
		if done, _ := p.Parse(&h, first); !done {
			return
		}
		r.Note(&h, first)
		compareNext(t, p, &h, &r, next)
		// The same line before the fields of the first.
		if i := bytes.IndexByte(next, '\n'); i >= 0 {
			h.Reset()
			p.Parse(&h, first)
			r.Forget()
			r.Note(&h, first)
			k := bytes.IndexByte(first, '\n')
			compareNext(t, p, &h, &r, append(append([]byte(nil), next[:i+1]...), first[k+1:]...))
		}
	})
}

func BenchmarkParseNext(b *testing.B) {
	for _, c := range []struct{ name, in string }{{"plaintext", plaintext}, {"browser", fields20}} {
		b.Run(c.name, func(b *testing.B) {
			p := &http1.Parser{Keep: http1.DefaultFields()}
			in := []byte(c.in)
			var h http1.Head
			var r http1.Repeat
			p.Parse(&h, in)
			r.Note(&h, in)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if done, _ := p.ParseNext(&h, &r, in); !done {
					b.Fatal("not done")
				}
			}
		})
	}
}
