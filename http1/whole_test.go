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
							if done, _ := p.ParseNext(&h, &r, first); !done {
								continue
							}
							compareNext(t, p, &h, &r, next)
						}
					}
				}
			}
		}
	}
}

// compareNext holds a head that is parsed behind h to the same head alone. What has
// come of h at last is compared too.
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

// TestParseNextAgain has many heads behind each other, of which the program has
// changed the bytes when it was done with them, some of which come in two pieces,
// and asks which are the same as those before.
func TestParseNextAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := 0
	for range 3000 {
		p := &http1.Parser{Keep: http1.AllFields(), Ask: rng.IntN(8) == 0}
		var h http1.Head
		var r http1.Repeat
		before := ""
		for range 8 {
			head := repeated.lines[rng.IntN(6)] + repeated.fields[rng.IntN(6)]
			next := []byte(head + "GET")
			if p.Ask {
				if done, err := p.ParseNext(&h, &r, next); done || err != nil || !h.Asks() {
					t.Fatalf("%q: %v %v, want to be asked", next, done, err)
				}
				h.Answer(false)
				if done, err := p.Parse(&h, next); !done || r.Same() {
					t.Fatalf("%q: %v %v, the same %v", next, done, err, r.Same())
				}
				continue
			}
			if rng.IntN(6) == 0 {
				if k := rng.IntN(len(head)); k > 0 {
					compareNext(t, p, &h, &r, next[:k])
				} else {
					r.Forget()
					h.Reset()
				}
				if done, err := p.Parse(&h, next); !done || r.Same() {
					t.Fatalf("%q: %v %v, the same %v", next, done, err, r.Same())
				}
				before = ""
				continue
			}
			compareNext(t, p, &h, &r, next)
			if r.Same() != (head == before) {
				t.Fatalf("%q behind %q: the same %v", head, before, r.Same())
			}
			if r.Same() {
				seen++
			}
			before = head
			for i := range next {
				next[i] = 'x'
			}
		}
	}
	if seen < 300 {
		t.Errorf("%d heads were the same as those before", seen)
	}
}

// TestParseNextDiffers has heads of one length that differ in one byte, each of all.
func TestParseNextDiffers(t *testing.T) {
	p := &http1.Parser{Keep: http1.AllFields()}
	first := []byte("GET /a/long/path?of=the&first=one HTTP/1.1\r\nHost: h.example\r\nAccept: text/html, text/plain, */*\r\nX: 1\r\n\r\n")
	for n := 1; n <= 40; n++ {
		first := append(first[:len(first)-4:len(first)-4], strings.Repeat("y", n)+"\r\n\r\n"...)
		for i := range first {
			for _, c := range []byte{first[i] ^ 1, first[i] ^ 0x20, first[i] ^ 0x80, '\r'} {
				var h http1.Head
				var r http1.Repeat
				if done, err := p.ParseNext(&h, &r, first); !done {
					t.Fatal(err)
				}
				next := bytes.Clone(first)
				next[i] = c
				compareNext(t, p, &h, &r, next)
				if r.Same() != (c == first[i]) {
					t.Fatalf("%q behind %q: the same %v", next, first, r.Same())
				}
			}
		}
	}
}

// TestRepeatLongest has heads about the longest that are remembered.
func TestRepeatLongest(t *testing.T) {
	p := new(http1.Parser)
	const rest = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n"
	for n := http1.MaxRepeat - 3; n <= http1.MaxRepeat+3; n++ {
		in := []byte(strings.Replace(rest, "X: ", "X: "+strings.Repeat("x", n-len(rest)), 1))
		var h http1.Head
		var r http1.Repeat
		for range 2 {
			compareNext(t, p, &h, &r, in)
		}
		if r.Same() != (n <= http1.MaxRepeat) {
			t.Errorf("a head of %d bytes: the same %v", len(in), r.Same())
		}
		// The fields are the same, and the head becomes too long to be remembered.
		longer := []byte(strings.Replace(string(in), "/", "/longer", 1))
		for range 2 {
			compareNext(t, p, &h, &r, longer)
		}
		if r.Same() {
			t.Errorf("a head of %d bytes is remembered", len(longer))
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
		for _, p := range []*http1.Parser{{Keep: http1.DefaultFields()}, {Keep: http1.AllFields(), Limits: http1.Limits{Target: 30, Head: 200, Fields: 4}}} {
			var h http1.Head
			var r http1.Repeat
			for _, in := range [][]byte{first, next, next, first, next} {
				compareNext(t, p, &h, &r, in)
			}
			// The same line before the fields of the first.
			if i, k := bytes.IndexByte(next, '\n'), bytes.IndexByte(first, '\n'); i >= 0 {
				compareNext(t, p, &h, &r, first)
				compareNext(t, p, &h, &r, append(append([]byte(nil), next[:i+1]...), first[k+1:]...))
				compareNext(t, p, &h, &r, append(append([]byte(nil), first[:k+1]...), next[i+1:]...))
			}
		}
	})
}

// BenchmarkParseNext has heads that are the same as those before, or differ from
// them in the target or in all.
func BenchmarkParseNext(b *testing.B) {
	for _, c := range []struct{ name, one, other string }{
		{"plaintext", plaintext, plaintext},
		{"plaintext, other target", plaintext, strings.Replace(plaintext, "text", "page", 1)},
		{"plaintext, other", plaintext, strings.Replace(plaintext, "localhost", "127.0.0.1", 1)},
		{"browser", fields20[:620] + "\r\n\r\n", fields20[:620] + "\r\n\r\n"},
		{"browser, other target", fields20[:620] + "\r\n\r\n", strings.Replace(fields20[:620]+"\r\n\r\n", "kitty-darth", "puppy-death", 1)},
		{"browser, other", fields20[:620] + "\r\n\r\n", strings.Replace(fields20[:620]+"\r\n\r\n", "Linux", "Haiku", 1)},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := &http1.Parser{Keep: http1.DefaultFields()}
			in := [2][]byte{[]byte(c.one), []byte(c.other)}
			var h http1.Head
			var r http1.Repeat
			b.SetBytes(int64(len(in[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if done, err := p.ParseNext(&h, &r, in[i&1]); !done {
					b.Fatal(err)
				}
			}
		})
	}
}
