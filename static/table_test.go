package static

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/web"
)

// tables are the same files as a table of each kind.
func tables(t testing.TB, o Options) map[string]*Table {
	t.Helper()
	of, err := NewTable(tree(), o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := AppendArchive(nil, tree())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(b, o)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*Table{"files": of, "archive": opened}
}

func TestTable(t *testing.T) {
	js := strings.Repeat("let it be ", 10)
	for kind, tab := range tables(t, Options{CacheControl: "max-age=60"}) {
		for _, v := range []struct {
			name, line string
			fields     []string
			status     int
			content    string
			want       []string
		}{
			{"file", "GET /a.txt", nil, 200, "0123456789", []string{"Content-Type: text/plain; charset=utf-8", `ETag: "abc"`, "Last-Modified: " + imf,
				"Accept-Ranges: bytes", "Cache-Control: max-age=60", "X-Content-Type-Options: nosniff", "Content-Length: 10", "Vary:", "Content-Encoding:"}},
			{"query", "GET /a.txt?v=1", nil, 200, "0123456789", nil},
			{"head", "HEAD /a.txt", nil, 200, "", []string{"Content-Length: 10"}},
			{"index", "GET /", nil, 200, "home", []string{"Content-Type: text/html; charset=utf-8"}},
			{"index by its name", "GET /index.html", nil, 200, "home", nil},
			{"index of a folder", "GET /docs/", nil, 200, "docs", nil},
			{"folder without its slash", "GET /docs", nil, 301, "Moved Permanently\n", []string{"Location: ./docs/"}},
			{"with its query", "GET /docs?a=b", nil, 301, "Moved Permanently\n", []string{"Location: ./docs/?a=b"}},
			{"escaped", "GET /%64ocs", nil, 301, "Moved Permanently\n", []string{"Location: ./%64ocs/"}},
			{"deeper folder without its slash", "GET /noindex/deep", nil, 301, "Moved Permanently\n", []string{"Location: ./deep/"}},
			{"folder without an index", "GET /noindex/", nil, 404, "Not Found\n", nil},
			{"folder without an index or its slash", "GET /noindex", nil, 404, "Not Found\n", nil},
			{"begin of a name that goes on like an index", "GET /zero", nil, 404, "Not Found\n", nil},
			{"begin of a name", "GET /doc", nil, 404, "Not Found\n", nil},
			{"file with a slash", "GET /a.txt/", nil, 404, "Not Found\n", nil},
			{"space", "GET /docs/b%20c.txt", nil, 200, "escaped", nil},
			{"umlaut", "GET /docs/%C3%A4.txt", nil, 200, "umlaut", nil},
			{"another case", "GET /A.txt", nil, 404, "Not Found\n", nil},
			{"own type", "GET /docs-old/x", nil, 200, "x", []string{"Content-Type: text/x-own"}},
			{"empty", "GET /empty", nil, 200, "", []string{"Content-Length: 0", "Content-Type: application/octet-stream", "ETag:", "Last-Modified:"}},
			{"large", "GET /large.bin", nil, 200, large, nil},
			{"identity of three", "GET /app.js", nil, 200, js, []string{"Vary: Accept-Encoding", `ETag: "js"`, "Content-Encoding:"}},
			{"Brotli", "GET /app.js", []string{"Accept-Encoding: gzip, br"}, 200, "brotli", []string{"Content-Encoding: br", "Vary: Accept-Encoding", `ETag: "js-br"`, "Content-Type: text/javascript; charset=utf-8"}},
			{"gzip", "GET /app.js", []string{"Accept-Encoding: gzip"}, 200, "gzipped", []string{"Content-Encoding: gzip", `ETag: "js-gz"`}},
			{"in two lines", "GET /app.js", []string{"Accept-Encoding: br;q=0.1", "Accept-Encoding: gzip"}, 200, "gzipped", nil},
			{"gzip known", "GET /app.js", []string{"Accept-Encoding: gzip", `If-None-Match: "js-gz"`}, 304, "", []string{`ETag: "js-gz"`, "Vary: Accept-Encoding", "Cache-Control: max-age=60", "Last-Modified:", "Content-Type:", "Content-Length:"}},
			{"known in a second line", "GET /a.txt", []string{`If-None-Match: "x"`, `If-None-Match: "abc"`}, 304, "", nil},
			{"known by date", "GET /a.txt", []string{"If-Modified-Since: " + imf}, 304, "", nil},
			{"required", "GET /a.txt", []string{`If-Match: "x"`}, 412, "Precondition Failed\n", nil},
			{"range", "GET /a.txt", []string{"Range: bytes=2-5"}, 206, "2345", []string{"Content-Range: bytes 2-5/10", "Content-Length: 4", `ETag: "abc"`, "Content-Type: text/plain; charset=utf-8"}},
			{"range of gzip", "GET /app.js", []string{"Accept-Encoding: gzip", "Range: bytes=-3"}, 206, "ped", []string{"Content-Range: bytes 4-6/7", "Content-Encoding: gzip"}},
			{"range for HEAD", "HEAD /a.txt", []string{"Range: bytes=2-5"}, 200, "", []string{"Content-Length: 10"}},
			{"beyond", "GET /a.txt", []string{"Range: bytes=10-"}, 416, "Range Not Satisfiable\n", []string{"Content-Range: bytes */10"}},
			{"two Range fields are none", "GET /a.txt", []string{"Range: bytes=1-2", "Range: bytes=3-4"}, 200, "0123456789", nil},
			{"compressed only", "GET /packed.css", []string{"Accept-Encoding: gzip"}, 200, "gzipped css", []string{"Content-Type: text/css; charset=utf-8"}},
			{"compressed only, for others", "GET /packed.css", nil, 406, "Not Acceptable\n", []string{"Vary: Accept-Encoding"}},
			{"method", "POST /a.txt", nil, 405, "Method Not Allowed\n", []string{"Allow: GET, HEAD"}},
			{"absolute", "GET http://a/a.txt", nil, 200, "0123456789", nil},
			{"absolute without a path", "GET http://a", nil, 200, "home", nil},
			{"asterisk", "OPTIONS *", nil, 405, "Method Not Allowed\n", nil},
		} {
			ask(t, tab.Serve, v.line, v.fields...).want(t, kind+": "+v.name, v.status, v.content, v.want...)
		}
	}
}

// TestPrefix takes the prefix off, and nothing else.
func TestPrefix(t *testing.T) {
	for _, prefix := range []string{"/files", "/files/"} {
		for kind, tab := range tables(t, Options{Prefix: prefix}) {
			for _, v := range []struct {
				line     string
				status   int
				location string
			}{
				{"GET /files/a.txt", 200, ""},
				{"GET /files/", 200, ""},
				{"GET /files", 301, "./files/"},
				{"GET /files/docs", 301, "./docs/"},
				{"GET /a.txt", 404, ""},
				{"GET /filesa.txt", 404, ""},
				{"GET /files//a.txt", 404, ""},
				{"GET /file", 404, ""},
				{"GET /files%2fa.txt", 404, ""},
			} {
				r := ask(t, tab.Serve, v.line)
				if r.StatusCode != v.status || r.Header.Get("Location") != v.location {
					t.Errorf("%s, %s, %s: %d, %q", prefix, kind, v.line, r.StatusCode, r.Header.Get("Location"))
				}
			}
		}
	}
}

// TestSeveralRanges reads what is sent as a client does.
func TestSeveralRanges(t *testing.T) {
	for kind, tab := range tables(t, Options{}) {
		for _, v := range []struct {
			name, target, ranges string
			want                 []string
		}{
			{"two", "/a.txt", "0-1, 4-", []string{"bytes 0-1/10|text/plain; charset=utf-8|01", "bytes 4-9/10|text/plain; charset=utf-8|456789"}},
			{"in the order asked for", "/a.txt", "-1,0-0", []string{"bytes 9-9/10|text/plain; charset=utf-8|9", "bytes 0-0/10|text/plain; charset=utf-8|0"}},
			{"one beyond", "/a.txt", "0-0,20-,5-5", []string{"bytes 0-0/10|text/plain; charset=utf-8|0", "bytes 5-5/10|text/plain; charset=utf-8|5"}},
			{"long", "/large.bin", "0-99999,100016-200031", []string{"bytes 0-99999/262144|application/octet-stream|" + large[:100000], "bytes 100016-200031/262144|application/octet-stream|" + large[100016:200032]}},
		} {
			r := ask(t, tab.Serve, "GET "+v.target, "Range: bytes="+v.ranges)
			if r.StatusCode != 206 || r.Header.Get("Content-Range") != "" {
				t.Errorf("%s, %s: %d, Content-Range %q", kind, v.name, r.StatusCode, r.Header.Get("Content-Range"))
			}
			got := r.multipart(t)
			if strings.Join(got, "\n") != strings.Join(v.want, "\n") {
				t.Errorf("%s, %s: %.300q, want %.300q", kind, v.name, got, v.want)
			}
		}
		for i := range tab.parts {
			if tab.parts[i].busy.Load() {
				t.Errorf("%s: parts %d are not given back", kind, i)
			}
		}
	}
}

// TestPartsTaken sends the whole when all parts are taken, and when there are
// none.
func TestPartsTaken(t *testing.T) {
	for _, n := range []int{-1, 1} {
		tab, err := NewTable(tree(), Options{Parts: n})
		if err != nil {
			t.Fatal(err)
		}
		for i := range tab.parts {
			tab.parts[i].busy.Store(true)
		}
		ask(t, tab.Serve, "GET /a.txt", "Range: bytes=0-0,2-2").want(t, "taken", 200, "0123456789", "Content-Range:", "Content-Length: 10")
	}
}

// TestPartsReadAt reads every piece of a content with several ranges.
func TestPartsReadAt(t *testing.T) {
	e := Entry{Type: "text/plain", Length: [NumForms]int64{10, -1, -1}}
	a := Answer{Size: 10, Ranges: 3}
	for _, src := range []web.Source{nil, &memory{content: "0123456789"}} {
		p := takeParts(newParts(1), &e, &a, []byte("bytes=0-1,3-3,5-9"))
		p.text, p.src = "0123456789", src
		whole := make([]byte, p.total())
		if n, err := p.ReadAt(whole, 0); n != len(whole) || err != nil {
			t.Fatalf("%d of %d, %v", n, len(whole), err)
		}
		if n, err := p.ReadAt(make([]byte, 1), int64(len(whole))); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
		for off := range whole {
			for n := range len(whole) - off + 1 {
				b := make([]byte, n)
				if got, err := p.ReadAt(b, int64(off)); got != n || err != nil || string(b) != string(whole[off:off+n]) {
					t.Fatalf("%d bytes at %d: %d, %v, %q", n, off, got, err, b)
				}
			}
		}
		p.Close()
		if m, ok := src.(*memory); ok && m.closed != 1 {
			t.Errorf("closed %d times", m.closed)
		}
	}
}

// TestPartsHead has room for the longest head, and needs all of it.
func TestPartsHead(t *testing.T) {
	const most = 1<<63 - 1
	e := Entry{Type: "text/" + strings.Repeat("x", maxType-5)}
	p := takeParts(newParts(1), &e, &Answer{Size: most, Ranges: 2}, []byte("bytes=0-0,9223372036854775805-"))
	if b := p.headOf(1); len(b) != headMost || &b[0] != &p.head[0] {
		t.Errorf("%d bytes of %d: %q", len(b), headMost, b)
	}
}

// TestPartsShort finds that the source has become shorter.
func TestPartsShort(t *testing.T) {
	e := Entry{Length: [NumForms]int64{10, -1, -1}}
	p := takeParts(newParts(1), &e, &Answer{Size: 10, Ranges: 2}, []byte("bytes=0-1,8-9"))
	p.src = &memory{content: "012345678"}
	b := make([]byte, p.total())
	if n, err := p.ReadAt(b, 0); err != ErrChanged || n >= len(b) || b[n-1] != '8' {
		t.Errorf("%d, %v, %q", n, err, b[:n])
	}
}

// memory is a source.
type memory struct {
	content string
	closed  int
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return strings.NewReader(m.content).ReadAt(p, off)
}
func (m *memory) Close() error { m.closed++; return nil }

func TestNewTable(t *testing.T) {
	for _, v := range []struct {
		name  string
		files []File
		o     Options
		err   error
	}{
		{"nothing", nil, Options{}, nil},
		{"twice", []File{{Name: "a"}, {Name: "b"}, {Name: "a"}}, Options{}, ErrOrder},
		{"no name", []File{{}}, Options{}, ErrName},
		{"slash at the front", []File{{Name: "/a"}}, Options{}, ErrName},
		{"folder", []File{{Name: "a/"}}, Options{}, ErrName},
		{"dots", []File{{Name: "a/../b"}}, Options{}, ErrName},
		{"backslash", []File{{Name: `a\b`}}, Options{}, ErrName},
		{"control", []File{{Name: "a\nb"}}, Options{}, ErrName},
		{"tag without quotes", []File{{Name: "a", ETag: "abc"}}, Options{}, ErrTag},
		{"tag with a line", []File{{Name: "a", ETag: "\"a\r\nb\""}}, Options{}, ErrTag},
		{"two tags", []File{{Name: "a", ETag: `"a""b"`}}, Options{}, ErrTag},
		{"weak tag", []File{{Name: "a", ETag: `W/"a"`}}, Options{}, nil},
		{"type with a line", []File{{Name: "a", Type: "text/plain\r\nX: y"}}, Options{}, ErrType},
		{"no type", []File{{Name: "a", Type: "text"}}, Options{}, ErrType},
		{"long type", []File{{Name: "a", Type: "text/" + strings.Repeat("x", 123)}}, Options{}, ErrType},
		{"prefix without a slash", nil, Options{Prefix: "files"}, ErrName},
		{"index in a folder", nil, Options{Index: "a/b"}, nil},
		{"index above", nil, Options{Index: "../b"}, ErrName},
		{"cache control", nil, Options{CacheControl: "a\nb"}, ErrCache},
		{"parts", nil, Options{Parts: -2}, ErrParts},
	} {
		if _, err := NewTable(v.files, v.o); err != v.err {
			t.Errorf("%s: %v, want %v", v.name, err, v.err)
		}
		if v.files == nil {
			continue
		}
		if _, err := AppendArchive(nil, v.files); err != v.err {
			t.Errorf("%s, as an archive: %v, want %v", v.name, err, v.err)
		}
	}
}

func TestTableFile(t *testing.T) {
	for kind, tab := range tables(t, Options{}) {
		if tab.Len() != len(tree()) {
			t.Errorf("%s: %d files", kind, tab.Len())
		}
		for _, want := range tree() {
			got, ok := tab.File(want.Name)
			if !ok || got != want {
				t.Errorf("%s: File(%q) = %+v, %v", kind, want.Name, got, ok)
			}
		}
		if _, ok := tab.File("none"); ok {
			t.Errorf("%s: there is none", kind)
		}
	}
}

func TestPage(t *testing.T) {
	p := NewPage("text/html; charset=utf-8", "<p>hello, hello", "gz", "")
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	tag := p.File.ETag
	gz := tag[:len(tag)-1] + `-gz"`
	ask(t, p.Serve, "GET /whatever").want(t, "plain", 200, "<p>hello, hello", "ETag: "+tag, "Vary: Accept-Encoding")
	ask(t, p.Serve, "GET /", "Accept-Encoding: gzip").want(t, "gzip", 200, "gz", "Content-Encoding: gzip", "ETag: "+gz)
	ask(t, p.Serve, "GET /", "Accept-Encoding: gzip", "If-None-Match: "+gz).want(t, "known", 304, "")
	ask(t, p.Serve, "GET /", "Range: bytes=0-0,2-2").want(t, "several", 200, "<p>hello, hello")
	ask(t, p.Serve, "GET /", "Range: bytes=0-2").want(t, "range", 206, "<p>")
	ask(t, p.Serve, "PUT /").want(t, "method", 405, "Method Not Allowed\n", "Allow: GET, HEAD")
	if other := NewPage("text/html", "<p>hello, hello", "", "gz"); other.File.ETag == tag {
		t.Error("another form, and the same tag")
	}
	for _, v := range []struct {
		p   Page
		err error
	}{
		{Page{File: File{Type: "x"}}, ErrType}, {Page{File: File{ETag: "x"}}, ErrTag}, {Page{Options: Options{CacheControl: "\n"}}, ErrCache}, {Page{}, nil},
	} {
		if err := v.p.Check(); err != v.err {
			t.Errorf("%+v: %v, want %v", v.p, err, v.err)
		}
	}
	w := &wire{Reader: strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}
	bad := Page{File: File{Type: "x"}}
	if err := newExchange(t).ServeStream(w, bad.Serve); err != ErrType || !strings.HasPrefix(w.out.String(), "HTTP/1.1 500 ") {
		t.Errorf("a page that cannot be sent: %v, %q", err, w.out.String())
	}
}

// TestTooLong asks for more than the memory of a request holds.
func TestTooLong(t *testing.T) {
	tab, err := NewTable(tree(), Options{Prefix: "/files"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 600)
	ask(t, tab.Serve, "GET /files/%61"+long).want(t, "a path with an escape", 414, "URI Too Long\n")
	ask(t, tab.Serve, "GET /files?"+long).want(t, "a query to redirect with", 414, "URI Too Long\n")
	ask(t, tab.Serve, "GET /files/a.txt", `If-None-Match: "`+long[:300]+`"`, `If-None-Match: "`+long[:300]+`"`).
		want(t, "conditions in two lines", 431, "Request Header Fields Too Large\n")
}
