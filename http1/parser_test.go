package http1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// describe says all that a complete head tells.
func describe(h *http1.Head, b []byte) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s %s %q path %q", h.MethodName(b), h.Version(), h.Form(), h.Target(b), h.Path(b))
	if q := h.Query(b); q != nil {
		fmt.Fprintf(&s, " query %q", q)
	}
	if v := h.Host(b); v != nil {
		fmt.Fprintf(&s, " host %q", v)
	}
	if n, ok := h.ContentLength(); ok {
		fmt.Fprintf(&s, " length %d", n)
	}
	for _, f := range []struct {
		name string
		is   bool
	}{
		{"chunked", h.Chunked()}, {"keep-alive", h.KeepAlive()}, {"close", h.Close()},
		{"upgrade", h.Upgrade()}, {"expect", h.Expect100()},
	} {
		if f.is {
			s.WriteString(" " + f.name)
		}
	}
	for i := range h.NumFields() {
		n, v := h.Field(b, i)
		fmt.Fprintf(&s, "|%s=%s", n, v)
	}
	return s.String()
}

// feed gives a parser the input in a way, each time in a buffer of its own
// that ends where the bytes at hand end. It returns how much was there when it
// came to a result.
func feed(t *testing.T, p *http1.Parser, h *http1.Head, in string, ends []int) (b []byte, n int, done bool, err error) {
	t.Helper()
	for _, n = range ends {
		g := splittest.Guard(in[:n])
		before := h.Scanned()
		done, err = p.Parse(h, g.Bytes)
		if string(g.Bytes) != in[:n] || !g.Intact() {
			t.Fatalf("Parse(%q) has written to its input", in[:n])
		}
		if h.Scanned() < before || h.Scanned() > n {
			t.Fatalf("Parse(%q) has scanned %d, %d before", in[:n], h.Scanned(), before)
		}
		if b = g.Bytes; done || err != nil {
			return b, n, done, err
		}
		if h.Scanned() != n {
			t.Fatalf("Parse(%q) needs more but has scanned only %d", in[:n], h.Scanned())
		}
	}
	return b, n, false, nil
}

// accept runs a whole head in all ways.
func accept(t *testing.T, p *http1.Parser, in, want string) {
	t.Helper()
	for _, w := range splittest.Ways(len(in)) {
		var h http1.Head
		b, n, done, err := feed(t, p, &h, in, w.Ends)
		if !done || err != nil || n != len(in) || h.Scanned() != len(in) {
			t.Fatalf("%s: Parse(%q) = %v, %v at %d, scanned %d, want done at %d", w.Name, in, done, err, n, h.Scanned(), len(in))
		}
		if got := describe(&h, b); got != want {
			t.Fatalf("%s: Parse(%q)\n got %s\nwant %s", w.Name, in, got, want)
		}
		if done, err := p.Parse(&h, b); !done || err != nil {
			t.Fatalf("%s: Parse(%q) again = %v, %v", w.Name, in, done, err)
		}
	}
	for _, tail := range splittest.Trailing {
		var h http1.Head
		g := splittest.Guard(in + tail)
		done, err := p.Parse(&h, g.Bytes)
		if !done || err != nil || h.Scanned() != len(in) {
			t.Fatalf("trailing %q: Parse(%q) = %v, %v, scanned %d, want done at %d", tail, in, done, err, h.Scanned(), len(in))
		}
		if got := describe(&h, g.Bytes); got != want {
			t.Fatalf("trailing %q: Parse(%q)\n got %s\nwant %s", tail, in, got, want)
		}
	}
	for _, step := range []int{1, 2, 3, 7, 100000} {
		compacted(t, p, in, want, step)
	}
}

// compacted runs a whole head in pieces of step bytes, with Compact after each,
// through Save and Load into a Head full of rubbish.
func compacted(t *testing.T, p *http1.Parser, in, want string, step int) {
	t.Helper()
	var h http1.Head
	var b []byte
	for n := 0; n < len(in); {
		m := min(n+step, len(in))
		g := splittest.Guard(string(b) + in[n:m])
		n = m
		done, err := p.Parse(&h, g.Bytes)
		if err != nil || done != (n == len(in)) {
			t.Fatalf("steps of %d: Parse(%q) = %v, %v at %d", step, in, done, err, n)
		}
		k := h.Compact(g.Bytes)
		if k != h.Scanned() || !g.Intact() {
			t.Fatalf("steps of %d: Parse(%q) at %d: Compact = %d, scanned %d, intact %v", step, in, n, k, h.Scanned(), g.Intact())
		}
		b = append([]byte(nil), g.Bytes[:k]...)
		if again := h.Compact(b); again != k {
			t.Fatalf("steps of %d: Parse(%q) at %d: Compact again = %d, want %d", step, in, n, again, k)
		}
		h = *saved(t, &h)
	}
	if got := describe(&h, b); got != want {
		t.Fatalf("steps of %d: Parse(%q)\n got %s\nwant %s", step, in, got, want)
	}
}

// saved is a copy of h by way of Save and Load.
func saved(t *testing.T, h *http1.Head) *http1.Head {
	t.Helper()
	g := splittest.Guard(make([]byte, h.SavedSize()))
	if n := h.Save(g.Bytes); n != h.SavedSize() || !g.Intact() {
		t.Fatalf("Save = %d, want %d; intact %v", n, h.SavedSize(), g.Intact())
	}
	c := rubbish()
	if n := c.Load(g.Bytes); n != len(g.Bytes) {
		t.Fatalf("Load = %d, want %d", n, len(g.Bytes))
	}
	return c
}

// rubbish is a Head in which every field is set.
func rubbish() *http1.Head {
	var h http1.Head
	p := http1.Parser{Keep: http1.AllFields()}
	b := []byte("\r\nPUT http://a/b?c HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nA: b\r\nConnection: close\r\nB: ")
	if _, err := p.Parse(&h, b); err != nil {
		panic(err)
	}
	return &h
}

// refuse runs an input whose last byte breaks a rule in all ways: every part of
// it needs more, and the whole is refused.
func refuse(t *testing.T, p *http1.Parser, in string, want http1.Error) {
	t.Helper()
	for _, w := range splittest.Ways(len(in)) {
		var h http1.Head
		b, n, done, err := feed(t, p, &h, in, w.Ends)
		if done || err != want || n != len(in) {
			t.Fatalf("%s: Parse(%q) = %v, %v at %d, want %v at %d", w.Name, in, done, err, n, want, len(in))
		}
		if done, err := p.Parse(&h, append(b, "\r\n\r\n"...)); done || err != want {
			t.Fatalf("%s: Parse(%q) again = %v, %v, want %v", w.Name, in, done, err, want)
		}
	}
	for _, tail := range splittest.Trailing {
		var h http1.Head
		if done, err := p.Parse(&h, []byte(in+tail)); done || err != want {
			t.Fatalf("trailing %q: Parse(%q) = %v, %v, want %v", tail, in, done, err, want)
		}
	}
	var h http1.Head
	var b []byte
	for i := range len(in) {
		b = append(b, in[i])
		_, err := p.Parse(&h, b)
		if (err != nil) != (i == len(in)-1) {
			t.Fatalf("compacted: Parse(%q) = %v at %d", in, err, i+1)
		}
		b = b[:h.Compact(b)]
		h = *saved(t, &h)
	}
	if _, err := p.Parse(&h, b); err != want {
		t.Fatalf("compacted: Parse(%q) = %v, want %v", in, err, want)
	}
}

func keepAll() *http1.Parser { return &http1.Parser{Keep: http1.AllFields()} }

func TestAccepted(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"shortest of 1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			`GET HTTP/1.1 origin "/" path "/" host "x" keep-alive|Host=x`},
		{"shortest of 1.0, which needs no Host", "A / HTTP/1.0\r\n\r\n",
			`A HTTP/1.0 origin "/" path "/"`},
		{"RFC 9112 section 3.2.1", "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
			`GET HTTP/1.1 origin "/where?q=now" path "/where" query "q=now" host "www.example.org" keep-alive|Host=www.example.org`},
		{"an empty line before", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
			`GET HTTP/1.1 origin "/" path "/" host "x" keep-alive|Host=x`},
		{"as many empty lines before as are ignored", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
			`GET HTTP/1.1 origin "/" path "/" host "x" keep-alive|Host=x`},
		{"higher minor version is treated as 1.1", "GET / HTTP/1.9\r\nHost: x\r\n\r\n",
			`GET HTTP/1.1 origin "/" path "/" host "x" keep-alive|Host=x`},
		{"longest method", "ABCDEFGHIJKLMNOPQRSTUVWX / HTTP/1.0\r\n\r\n",
			`ABCDEFGHIJKLMNOPQRSTUVWX HTTP/1.0 origin "/" path "/"`},
		{"methods are case-sensitive", "get / HTTP/1.0\r\n\r\n", `get HTTP/1.0 origin "/" path "/"`},
		{"method of all token characters", "!#$%&'*+-.^_`|~09AZaz / HTTP/1.0\r\n\r\n",
			"!#$%&'*+-.^_`|~09AZaz HTTP/1.0 origin \"/\" path \"/\""},
		{"empty query", "GET /? HTTP/1.0\r\n\r\n", `GET HTTP/1.0 origin "/?" path "/" query ""`},
		{"query with a question mark", "GET /a?b?c HTTP/1.0\r\n\r\n", `GET HTTP/1.0 origin "/a?b?c" path "/a" query "b?c"`},
		{"question mark on a word's edge", "GET /234567?abcdefgh HTTP/1.0\r\n\r\n",
			`GET HTTP/1.0 origin "/234567?abcdefgh" path "/234567" query "abcdefgh"`},
		{"path that begins with two slashes is a path", "GET //a HTTP/1.0\r\n\r\n", `GET HTTP/1.0 origin "//a" path "//a"`},
		{"what browsers do not encode in a query", "GET /?|^{}[]`\\\"<> HTTP/1.0\r\n\r\n",
			"GET HTTP/1.0 origin \"/?|^{}[]`\\\\\\\"<>\" path \"/\" query \"|^{}[]`\\\\\\\"<>\""},
		{"no white space around a value", "GET / HTTP/1.1\r\nHost:x\r\nA:b\r\n\r\n",
			`GET HTTP/1.1 origin "/" path "/" host "x" keep-alive|Host=x|A=b`},
		{"white space around a value is not part of it", "GET / HTTP/1.0\r\nA: \t b c\t d \t \r\n\r\n",
			"GET HTTP/1.0 origin \"/\" path \"/\"|A=b c\t d"},
		{"empty values", "GET / HTTP/1.0\r\nA:\r\nB: \t\r\nC:\r\n\r\n",
			`GET HTTP/1.0 origin "/" path "/"|A=|B=|C=`},
		{"tabs at all places of a word", "GET / HTTP/1.0\r\nA: \tb\t\t\tbbbb\tbbbbbb\tbb\tb\r\n\r\n",
			"GET HTTP/1.0 origin \"/\" path \"/\"|A=b\t\t\tbbbb\tbbbbbb\tbb\tb"},
		{"bytes above ASCII in a value", "GET / HTTP/1.0\r\nA: \x80\xFF\xC3\xA9\xFE\xA0\x81\x82\x83\x9F\r\n\r\n",
			"GET HTTP/1.0 origin \"/\" path \"/\"|A=\x80\xFF\xC3\xA9\xFE\xA0\x81\x82\x83\x9F"},
		{"colon in a value", "GET / HTTP/1.0\r\nA: b: c\r\n\r\n", `GET HTTP/1.0 origin "/" path "/"|A=b: c`},
		{"longest name", "GET / HTTP/1.0\r\n" + strings.Repeat("n", http1.MaxFieldName) + ": v\r\n\r\n",
			`GET HTTP/1.0 origin "/" path "/"|` + strings.Repeat("n", http1.MaxFieldName) + `=v`},
		{"name of all token characters", "GET / HTTP/1.0\r\n!#$%&'*+-.^_`|~09AZaz: v\r\n\r\n",
			"GET HTTP/1.0 origin \"/\" path \"/\"|!#$%&'*+-.^_`|~09AZaz=v"},
		{"as many fields as can be kept", "GET / HTTP/1.0\r\n" + strings.Repeat("A: b\r\n", http1.MaxKept) + "\r\n",
			`GET HTTP/1.0 origin "/" path "/"` + strings.Repeat("|A=b", http1.MaxKept)},
	} {
		t.Run(c.name, func(t *testing.T) { accept(t, keepAll(), c.in, c.want) })
	}
}

func TestRefused(t *testing.T) {
	line := "GET / HTTP/1.1\r\n"
	for _, c := range []struct {
		name, in string
		want     http1.Error
	}{
		{"more empty lines than are ignored", "\r\n\r\n\r", http1.ErrEmptyLines},
		{"CR without LF before the request", "\rG", http1.ErrBareCR},
		{"LF before the request", "\n", http1.ErrBareLF},
		{"TLS hello", "\x16", http1.ErrMethodByte},
		{"SSLv2 hello", "\x80", http1.ErrMethodByte},
		{"NUL", "\x00", http1.ErrMethodByte},
		{"response", "HTTP/", http1.ErrMethodByte},
		{"JSON", "{", http1.ErrMethodByte},
		{"space before the method", " ", http1.ErrMethodByte},
		{"tab behind the method", "GET\t", http1.ErrMethodByte},
		{"method alone on its line", "GET\r", http1.ErrMethodByte},
		{"method alone on its line, ended by LF", "GET\n", http1.ErrBareLF},
		{"method too long", "ABCDEFGHIJKLMNOPQRSTUVWXY", http1.ErrMethodLong},
		{"HTTP/2 preface", "PRI * HTTP/2", http1.ErrVersion},
		{"HTTP/0.9", "GET /\r", http1.ErrVersionSyntax},
		{"HTTP/0.9 ended by LF", "GET /\n", http1.ErrBareLF},
		{"two spaces before the target", "GET  ", http1.ErrTargetEmpty},
		{"no target", "GET \r", http1.ErrTargetEmpty},
		{"no target, ended by LF", "GET \n", http1.ErrBareLF},
		{"tab before the target", "GET \t", http1.ErrTargetByte},
		{"NUL in the target", "GET /\x00", http1.ErrTargetByte},
		{"tab in the target", "GET /a\t", http1.ErrTargetByte},
		{"DEL in the target", "GET /abcdefghijk\x7F", http1.ErrTargetByte},
		{"byte above ASCII in the target", "GET /abcdefghijk\xC3", http1.ErrTargetByte},
		{"byte above ASCII in the query", "GET /abc?defghijk\xC3", http1.ErrTargetByte},
		{"fragment", "GET /#", http1.ErrFragment},
		{"fragment in a query", "GET /abcdefgh?abcdefgh#", http1.ErrFragment},
		{"two spaces before the version", "GET /  ", http1.ErrVersionSyntax},
		{"no version", "GET / \r", http1.ErrVersionSyntax},
		{"no version, ended by LF", "GET / \n", http1.ErrBareLF},
		{"version in lower case", "GET / h", http1.ErrVersionSyntax},
		{"another protocol", "OPTIONS * RTSP/1.0"[:11], http1.ErrVersionSyntax},
		{"version without slash", "GET / HTTP1", http1.ErrVersionSyntax},
		{"version without major", "GET / HTTP/.", http1.ErrVersionSyntax},
		{"HTTP/0.9 spelt out", "GET / HTTP/0", http1.ErrVersion},
		{"HTTP/2.0", "GET / HTTP/2", http1.ErrVersion},
		{"HTTP/9.9", "GET / HTTP/9", http1.ErrVersion},
		{"major version of two digits", "GET / HTTP/11", http1.ErrVersionSyntax},
		{"version with a comma", "GET / HTTP/1,", http1.ErrVersionSyntax},
		{"version without minor", "GET / HTTP/1\r", http1.ErrVersionSyntax},
		{"minor version that is no digit", "GET / HTTP/1.x", http1.ErrVersionSyntax},
		{"minor version of two digits", "GET / HTTP/1.10", http1.ErrVersionSyntax},
		{"space behind the version", "GET / HTTP/1.1 ", http1.ErrVersionSyntax},
		{"request line ended by LF", "GET / HTTP/1.1\n", http1.ErrBareLF},
		{"request line ended by CR", "GET / HTTP/1.1\rH", http1.ErrBareCR},
		{"request line ended by CR CR LF", "GET / HTTP/1.1\r\r", http1.ErrBareCR},

		{"white space before the first field", line + " ", http1.ErrFold},
		{"folding by space", line + "A: b\r\n ", http1.ErrFold},
		{"folding by tab", line + "A: b\r\n\t", http1.ErrFold},
		{"empty name", line + ":", http1.ErrNameEmpty},
		{"space before the colon", line + "Host ", http1.ErrNameSpace},
		{"tab before the colon", line + "Transfer-Encoding\t", http1.ErrNameSpace},
		{"NUL in a name", line + "A\x00", http1.ErrNameByte},
		{"NUL begins a name", line + "\x00", http1.ErrNameByte},
		{"byte above ASCII in a name", line + "A\xE9", http1.ErrNameByte},
		{"parenthesis in a name", line + "A(", http1.ErrNameByte},
		{"line without a colon", line + "Host\r", http1.ErrNameByte},
		{"line without a colon, ended by LF", line + "Host\n", http1.ErrBareLF},
		{"name too long", line + strings.Repeat("n", http1.MaxFieldName+1), http1.ErrNameLong},
		{"NUL in a value", line + "A: b\x00", http1.ErrValueByte},
		{"NUL begins a value", line + "A:\x00", http1.ErrValueByte},
		{"control in a value", line + "A: bcdefghijk\x1F", http1.ErrValueByte},
		{"vertical tab in a value", line + "Transfer-Encoding: \x0B", http1.ErrValueByte},
		{"DEL in a value", line + "A: bcdefghi\x7F", http1.ErrValueByte},
		{"LF ends a value", line + "A: b\n", http1.ErrBareLF},
		{"CR in a value", line + "A: b\rc", http1.ErrBareCR},
		{"CR CR LF ends a value", line + "A: b\r\r", http1.ErrBareCR},
		{"LF ends the head", line + "Host: x\r\n\n", http1.ErrBareLF},
		{"CR ends the head", line + "Host: x\r\n\rX", http1.ErrBareCR},
		{"CR CR LF ends the head", line + "Host: x\r\n\r\r", http1.ErrBareCR},
		{"more fields than can be kept", "GET / HTTP/1.0\r\n" + strings.Repeat("A: b\r\n", http1.MaxKept) + "A: b\r", http1.ErrKept},
	} {
		t.Run(c.name, func(t *testing.T) { refuse(t, keepAll(), c.in, c.want) })
	}
}

// Every byte at every place of a request that it may break.
func TestEveryByte(t *testing.T) {
	const in = "GET /path?query HTTP/1.1\r\nHost: a\r\nAbcdefgh: value, value\r\n\r\n"
	for i := range len(in) {
		for c := range 256 {
			b := []byte(in)
			b[i] = byte(c)
			var h http1.Head
			done, err := keepAll().Parse(&h, b)
			if !done && err == nil {
				// A line break was lost, or the last byte.
				continue
			}
			if done && strings.ContainsAny(string(b[:len(b)-4]), "\x00\x7F\x0B") {
				t.Errorf("Parse(%q) accepts a control", b)
			}
			if done && h.Scanned() != len(b) {
				t.Errorf("Parse(%q) is done at %d", b, h.Scanned())
			}
			if err != nil && err.(http1.Error).Status() < 400 {
				t.Errorf("Parse(%q) = %v without a status", b, err)
			}
		}
	}
}

func TestParseLimits(t *testing.T) {
	head := "GET /abcdef HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"
	for _, c := range []struct {
		name string
		l    http1.Limits
		in   string
		want http1.Error // 0 for accepted
	}{
		{"head as long as allowed", http1.Limits{Head: len(head)}, head, 0},
		{"head one longer than allowed", http1.Limits{Head: len(head) - 1}, head[:len(head)-1], http1.ErrHeadLong},
		{"head limit within the target", http1.Limits{Head: 8}, head[:8], http1.ErrTargetLong},
		{"target as long as allowed", http1.Limits{Target: 7}, head, 0},
		{"target one longer than allowed", http1.Limits{Target: 6}, head[:11], http1.ErrTargetLong},
		{"query counts as target", http1.Limits{Target: 4}, "GET /?bcd", http1.ErrTargetLong},
		{"what is wrong within the target limit comes first", http1.Limits{Target: 6}, "GET /abcde\x00", http1.ErrTargetByte},
		{"as many fields as allowed", http1.Limits{Fields: 2}, head, 0},
		{"one field more than allowed", http1.Limits{Fields: 1}, head[:32], http1.ErrFields},
		{"the default for fields", http1.Limits{}, "GET / HTTP/1.0\r\n" + strings.Repeat("A:\r\n", http1.DefaultFieldCount) + "A", http1.ErrFields},
		{"the default for targets", http1.Limits{}, "GET /" + strings.Repeat("a", http1.DefaultTarget), http1.ErrTargetLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &http1.Parser{Limits: c.l}
			if c.want != 0 {
				if len(c.in) < 1000 {
					refuse(t, p, c.in, c.want)
					return
				}
				var h http1.Head
				for n, want := range map[int]error{len(c.in) - 1: nil, len(c.in): c.want} {
					h.Reset()
					if done, err := p.Parse(&h, []byte(c.in[:n])); done || err != want {
						t.Errorf("Parse of %d bytes = %v, %v, want %v", n, done, err, want)
					}
				}
				return
			}
			accept(t, p, c.in, `GET HTTP/1.1 origin "/abcdef" path "/abcdef" host "x" keep-alive|Host=x`)
		})
	}
}

func TestHeadLimitCountsWhatIsDropped(t *testing.T) {
	p := &http1.Parser{}
	var h http1.Head
	b := []byte("GET / HTTP/1.1\r\nHost: x\r\nCookie: ")
	total := len(b)
	for {
		done, err := p.Parse(&h, b)
		if err == http1.ErrHeadLong && total == http1.DefaultHead {
			return
		}
		if done || err != nil || total > http1.DefaultHead {
			t.Fatalf("after %d bytes Parse = %v, %v", total, done, err)
		}
		b = append(b[:h.Compact(b)], 'c')
		total++
	}
}

func TestBufferBeyondOffsets(t *testing.T) {
	p := &http1.Parser{Limits: http1.Limits{Head: http1.MaxHead}, Keep: http1.AllFields()}
	b := []byte("GET / HTTP/1.0\r\nA: " + strings.Repeat("a", http1.MaxHeadBuffer))
	var h http1.Head
	if done, err := p.Parse(&h, b[:http1.MaxHeadBuffer]); done || err != nil || h.Scanned() != http1.MaxHeadBuffer {
		t.Errorf("Parse of MaxHeadBuffer bytes = %v, %v", done, err)
	}
	if done, err := p.Parse(&h, b); done || err != http1.ErrHeadLong {
		t.Errorf("Parse of more = %v, %v, want %v", done, err, http1.ErrHeadLong)
	}
	// A buffer that has content behind the head may be of any size.
	b = append([]byte("GET / HTTP/1.0\r\n\r\n"), make([]byte, 100000)...)
	h.Reset()
	if done, err := p.Parse(&h, b); !done || err != nil {
		t.Errorf("Parse with content behind = %v, %v", done, err)
	}
}

func TestParserValidate(t *testing.T) {
	if err := (&http1.Parser{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (&http1.Parser{Limits: http1.Limits{Head: -1}}).Validate(); err != http1.ErrLimitHead {
		t.Error(err)
	}
}
